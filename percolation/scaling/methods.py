"""p_c of a lattice in one call: which estimator, and for how long."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, NamedTuple

from percolation import checks, seeds
from percolation.growth.keys import checked
from percolation.lattices import FiniteGraph, Lattice
from percolation.scaling import crossings, invasion, leath, window, wrapping
from percolation.scaling.budget import Budget, Simulated

WRAPPING_UP_TO = 3  # dimensions; from there on Leath's error is the least at equal time, see benchmarks/thresholds.md


class Method(NamedTuple):
    """How it simulates, the check that a lattice suits it, and its runs: if nothing is said, and at least."""

    simulate: Callable[..., Simulated]
    checked: Callable[[Any], Any]
    runs: int
    fewest: int

    @property
    def options(self) -> tuple[str, ...]:
        """Names of what `simulate` takes besides what every method does."""
        said = signature(self.simulate).parameters.values()
        return tuple(one.name for one in said if one.kind is Parameter.KEYWORD_ONLY)


METHODS = {
    "wrapping": Method(wrapping.simulate, wrapping.checked, wrapping.RUNS, wrapping.FEWEST_RUNS),
    "invasion": Method(invasion.simulate, checked, invasion.RUNS, invasion.FEWEST_RUNS),
    "leath": Method(leath.simulate, leath.checked, leath.RUNS, leath.FEWEST_RUNS),
    "crossing": Method(crossings.simulate, checked, crossings.RUNS, crossings.FEWEST_RUNS),
    "window": Method(window.simulate, window.checked, window.RUNS, window.FEWEST_RUNS),
}


def threshold(
    lattice: Lattice | FiniteGraph,
    kind: str = "site",
    method: str = "auto",
    *,
    runs: int | None = None,
    time: float | None = None,
    precision: float | None = None,
    relative: bool = False,
    seed: seeds.Seed,
    workers: int = 1,
    progress: bool = True,
    **options: Any,
) -> Simulated:
    """p_c of an infinite lattice; of a finite graph without a boundary, the middle of its critical window.

    lattice: one of `lattices`, or of your own bonds; n-cube, Hamming graph or a Graph. kind: "site" or "bond".
    method: "wrapping" (d = 2 to 4), "invasion" (any d), "leath" (d >= 3, sites of one number of neighbours), "crossing"
    (three tori must fit), "window" (finite graphs), or "auto", the one whose error is the least at equal time:
    wrapping up to d = 3 and Leath's clusters above; invasion in d = 1, above d = 4 where sites differ in the number of
    their neighbours, or if fewer runs are asked for than the others need; window for all that is finite.
    runs: of the method, seconds each or less; or time, seconds in all; or precision, one sigma, that the error shall
    reach; with both of these, whichever comes first. Absent all three, about a minute. relative: whether the precision
    is in units of p_c, 1e-7 of it.
    workers: threads; the result does not depend on it. progress: whether a bar shows it.
    options: of a method that is named: n_sites of "invasion"; sizes and p of "wrapping"; sizes and periodic of
    "crossing"; n_clusters, n_generations and p of "leath". `METHODS[method].simulate` says what they mean, how the
    method works and what its error holds.
    Returns an `Estimate` that also holds its runs.
    """
    name = chosen(lattice, kind, method, runs=runs, time=time, precision=precision, relative=relative)
    how: dict[str, Any] = {"workers": workers, "progress": progress, "relative": relative}
    budget = _budget(name, runs, time, precision, **how)
    return METHODS[name].simulate(lattice, kind, budget, seed, **options)


def chosen(
    lattice: Lattice | FiniteGraph,
    kind: str,
    method: str = "auto",
    *,
    runs: int | None = None,
    time: float | None = None,
    precision: float | None = None,
    relative: bool = False,
) -> str:
    """The method by name, once all that can be refused before it begins is."""
    checks.kind(kind)
    if runs is not None:
        checks.integer("runs", runs, at_least=1)
    checks.one_of("method", method, ("auto", *METHODS))
    name = _best(lattice, runs) if method == "auto" else method
    METHODS[name].checked(lattice)
    _budget(name, runs, time, precision, relative=relative)
    return name


def _budget(name: str, runs: int | None, time: float | None, precision: float | None, **how: Any) -> Budget:
    method = METHODS[name]
    return Budget.asked(runs, time, precision, usual=method.runs, at_least=method.fewest, **how)


def _best(lattice: Lattice | FiniteGraph, runs: int | None) -> str:
    """The method whose error is the least at equal time, if the runs asked for are enough for it."""
    if isinstance(lattice, FiniteGraph):
        return "window"
    d = checked(lattice).d
    if d < min(wrapping.SIZES) or (runs is not None and runs < leath.FEWEST_RUNS):
        return "invasion"
    if d <= WRAPPING_UP_TO:
        return "wrapping"
    if len(set(lattice.degrees)) == 1:
        return "leath"
    return "wrapping" if d in wrapping.SIZES else "invasion"
