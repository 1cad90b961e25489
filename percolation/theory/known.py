"""All that is known of p_c of a lattice by name: tables, formulas and bounds side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

from percolation import checks
from percolation.quantities import Threshold
from percolation.theory import formulas, level_sets, series, thresholds
from percolation.theory.published import LATTICES, published

NAMES = ("hypercubic", "n-cube", "hamming", "bethe", "D", "gaussian", *LATTICES)


@dataclass(frozen=True)
class Known:
    """One statement about p_c."""

    kind: str  # "site" or "bond"; of Gaussian fields "level" or "class"
    what: str  # a formula in the lattice's own letters, or "best known"
    value: Threshold
    standing: str  # one of formulas.STANDINGS


def known(lattice: str, size: int | None = None, q: int | None = None) -> list[Known]:
    """Every statement of the package about a lattice.

    size: dimension d of "hypercubic", of the root lattice "D" (D_d), of "hamming" and of "gaussian" (smooth fields on
    R^d), n of "n-cube", neighbours z of "bethe"; the other lattices have none. q: letters of "hamming" alone, H(d, q).
    """
    lattice = checks.one_of("lattice", lattice, NAMES)
    if (q is None) == (lattice == "hamming"):
        raise ValueError(
            "hamming needs the number of letters q of H(d, q); give --q"
            if q is None
            else f"only the Hamming graph has letters, got q={q} for {lattice}; leave --q out"
        )
    if lattice in LATTICES and size is not None:
        raise ValueError(f"the {lattice} lattice has a dimension of its own, got {size}; leave --dim out")
    if lattice not in LATTICES and size is None:
        raise ValueError(f"{lattice} needs a size: the dimension d, n of the n-cube, or the neighbours z; give --dim")
    if lattice == "gaussian" and size is not None:
        return list(_gaussian(size))
    said = [one for kind in checks.KINDS for one in _of_kind(lattice, kind, size, q)]
    if lattice == "hypercubic" and size is not None and size > 1:
        zero = "zero of sum_k (-1)^k binom(d,k) p^(2^k)"
        said.append(Known("site", zero, level_sets.cells(size), "estimate"))
    if lattice == "hypercubic" and size is not None and size > series.PUBLISHED_UP_TO:
        what = "series, next terms fitted"
        said += [Known(kind, what, series.continued(kind).threshold(size), "numerical") for kind in checks.KINDS]
    return said


def _of_kind(lattice: str, kind: str, size: int | None, q: int | None) -> list[Known]:
    """The value from the literature, the formula, and rigorous bounds where neither is exact."""
    said = []
    if value := published(lattice, kind, size):
        said.append(Known(kind, "best known", value, "numerical" if value.error else "proved"))
    if formula := formulas.formula(lattice, kind, size, q):
        said.append(Known(kind, formula.text, formula.threshold(), formula.standing))
    exact = any(one.value.error == 0 for one in said)
    if exact or not (said or lattice == "hamming"):
        return said
    bounds = thresholds.bounds(lattice, kind, size, q)
    ends = (("at least", bounds.low), ("at most", bounds.high))
    return said + [Known(kind, what, Threshold(end, 0.0, bounds.source), "proved") for what, end in ends]


def _gaussian(d: int) -> Iterator[Known]:
    """Occupations of smooth Gaussian fields on R^d."""
    what = f"1 - Phi(u), u = {level_sets.gaussian_level(d):.6g} the largest zero of H_{d - 1}"
    yield Known("level", what, level_sets.gaussian(d), "proved" if d == 2 else "estimate")
    if d in level_sets.SIMULATED:
        what = f"simulated, Bargmann-Fock field: u = {level_sets.simulated_level(d)}"
        yield Known("level", what, level_sets.simulated(d), "numerical")
    if d <= level_sets.MOST_CLASS_DIMENSIONS:
        what = f"1/C, C = {level_sets.classes_number(d):.6g} where a class has mean chi 0"
        yield Known("class", what, level_sets.classes(d), "estimate")
