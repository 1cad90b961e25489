"""All that is known of p_c of a lattice by name: tables, formulas and bounds side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

from percolation import checks
from percolation.quantities import Threshold
from percolation.theory import formulas, lattices, level_sets, thresholds

NAMES = ("hypercubic", "n-cube", "hamming", "bethe", "D", "gaussian", *lattices.LATTICES)


@dataclass(frozen=True)
class Known:
    """One statement about p_c."""

    kind: str  # "site" or "bond"; of Gaussian fields "level" or "class"
    what: str  # a formula in the lattice's own letters, or "published"
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
    if lattice in lattices.LATTICES:
        if size is not None:
            raise ValueError(f"the {lattice} lattice has a dimension of its own, got {size}; leave --dim out")
        return list(_named(lattice))
    if size is None:
        raise ValueError(f"{lattice} needs a size: the dimension d, n of the n-cube, or the neighbours z; give --dim")
    if q is not None:
        return list(_hamming(size, q))
    return list(
        {"hypercubic": _hypercubic, "n-cube": _n_cube, "bethe": _bethe, "D": _d_lattice, "gaussian": _gaussian}[
            lattice
        ](size)
    )


def _named(lattice: str) -> Iterator[Known]:
    for kind in thresholds.KINDS:
        try:
            value = lattices.threshold(lattice, kind)
        except ValueError:  # not every kind is known
            continue
        yield Known(kind, "published", value, "numerical" if value.error else "proved")
        if value.error:
            yield from _within(kind, lattices.bounds(lattice, kind))


def _hypercubic(d: int) -> Iterator[Known]:
    for kind in thresholds.KINDS:
        yield Known(kind, "best known", thresholds.hypercubic(d, kind), thresholds.standing(d, kind))
        formula = formulas.hypercubic(d, kind)
        yield Known(kind, "series in 1/(2d-1)", formula.threshold(), formula.standing)
        yield from _within(kind, thresholds.bounds(d, kind))
    if d > 1:
        yield Known("site", "zero of sum_k (-1)^k binom(d,k) p^(2^k)", level_sets.cells(d), "estimate")


def _gaussian(d: int) -> Iterator[Known]:
    """Occupations of smooth Gaussian fields on R^d."""
    what = f"1 - Phi(u), u = {level_sets.gaussian_level(d):.6g} the largest zero of H_{d - 1}"
    yield Known("level", what, level_sets.gaussian(d), "proved" if d == 2 else "estimate")
    if d <= level_sets.MOST_CLASS_DIMENSIONS:
        what = f"1/C, C = {level_sets.classes_number(d):.6g} where a class of C fields has mean chi 0"
        yield Known("class", what, level_sets.classes(d), "estimate")


def _n_cube(n: int) -> Iterator[Known]:
    for kind, what in (("site", "1/n + (5/2)/n^2 + (31/4)/n^3"), ("bond", "1/n + 1/n^2 + (7/2)/n^3")):
        formula = formulas.n_cube(n, kind)
        yield Known(kind, what, formula.threshold(), formula.standing)
        yield from _within(kind, thresholds.n_cube_bounds(n, kind))


def _hamming(d: int, q: int) -> Iterator[Known]:
    yield from _within("site", thresholds.hamming_bounds(d, q, "site"))
    formula = formulas.hamming(d, q)
    yield Known("bond", "1/m + (2d^2-1)/(2(d-1)^2)/m^2, m = d(q-1)", formula.threshold(), formula.standing)
    yield from _within("bond", thresholds.hamming_bounds(d, q, "bond"))


def _bethe(z: int) -> Iterator[Known]:
    formula = formulas.bethe(z)
    for kind in thresholds.KINDS:
        yield Known(kind, "1/(z - 1)", formula.threshold(), formula.standing)
        yield from _within(kind, thresholds.bethe_bounds(z))


def _d_lattice(d: int) -> Iterator[Known]:
    for kind, what in (("site", "1/(s-t), s = 2d(d-1)-1, t = 4(d-2)"), ("bond", "1/s + 2t/s^3")):
        yield Known(kind, "best known", thresholds.d_lattice(d, kind), thresholds.d_lattice_standing(d, kind))
        formula = formulas.d_lattice(d, kind)
        yield Known(kind, what, formula.threshold(), formula.standing)
        yield from _within(kind, thresholds.d_lattice_bounds(d, kind))


def _within(kind: str, bounds: thresholds.Bounds) -> Iterator[Known]:
    yield Known(kind, "at least", Threshold(bounds.low, 0.0, bounds.source), "proved")
    yield Known(kind, "at most", Threshold(bounds.high, 0.0, bounds.source), "proved")
