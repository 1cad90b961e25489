"""All that is known of p_c of a lattice by name: tables, formulas and bounds side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

from percolation import checks
from percolation.quantities import Threshold
from percolation.theory import formulas, lattices, thresholds

NAMES = ("hypercubic", "n-cube", "bethe", *lattices.LATTICES)


@dataclass(frozen=True)
class Known:
    """One statement about p_c."""

    kind: str  # "site" or "bond"
    what: str  # a formula in the lattice's own letters, or "published"
    value: Threshold
    standing: str  # one of formulas.STANDINGS


def known(lattice: str, size: int | None = None) -> list[Known]:
    """Every statement of the package about a lattice.

    size: dimension d of "hypercubic", n of "n-cube", neighbours z of "bethe"; the other lattices have none.
    """
    lattice = checks.one_of("lattice", lattice, NAMES)
    if lattice in lattices.LATTICES:
        if size is not None:
            raise ValueError(f"the {lattice} lattice has a dimension of its own, got {size}; leave --dim out")
        return list(_named(lattice))
    if size is None:
        raise ValueError(f"{lattice} needs a size: the dimension d, n of the n-cube, or the neighbours z; give --dim")
    return list({"hypercubic": _hypercubic, "n-cube": _n_cube, "bethe": _bethe}[lattice](size))


def _named(lattice: str) -> Iterator[Known]:
    for kind in thresholds.KINDS:
        try:
            value = lattices.threshold(lattice, kind)
        except ValueError:  # not every kind is known
            continue
        yield Known(kind, "published", value, "numerical" if value.error else "proved")


def _hypercubic(d: int) -> Iterator[Known]:
    for kind in thresholds.KINDS:
        yield Known(kind, "best known", thresholds.threshold(d, kind), thresholds.standing(d, kind))
        formula = formulas.hypercubic(d, kind)
        yield Known(kind, "series in 1/(2d-1)", formula.threshold(), formula.standing)
        bounds = thresholds.bounds(d, kind)
        yield Known(kind, "at least", Threshold(bounds.low, 0.0, bounds.source), "proved")
        yield Known(kind, "at most", Threshold(bounds.high, 0.0, bounds.source), "proved")


def _n_cube(n: int) -> Iterator[Known]:
    for kind, what in (("site", "1/n + (5/2)/n^2 + (31/4)/n^3"), ("bond", "1/n + 1/n^2 + (7/2)/n^3")):
        formula = formulas.n_cube(n, kind)
        yield Known(kind, what, formula.threshold(), formula.standing)


def _bethe(z: int) -> Iterator[Known]:
    formula = formulas.bethe(z)
    for kind in thresholds.KINDS:
        yield Known(kind, "1/(z - 1)", formula.threshold(), formula.standing)
