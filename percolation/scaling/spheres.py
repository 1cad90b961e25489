"""Critical density of overlapping spheres, from invasion of the points of a Poisson process."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from percolation import checks, growth, seeds
from percolation.growth import spheres
from percolation.scaling import invasion
from percolation.scaling.budget import Budget, Simulated


@dataclass(frozen=True, eq=False)
class SpheresThreshold(Simulated):
    """eta_c with the invasions it came from."""

    d: int
    degree: float  # mean number of points within the distance that joins two
    n_accepted: np.ndarray  # (n_marks,) int64
    n_revealed: np.ndarray  # (n_runs, n_marks) int64

    @property
    def mean_degree(self) -> float:
        """Critical mean number of spheres that overlap one, 2^d eta_c: the limit of z p_c of wide neighbourhoods."""
        return 2**self.d * self.value


def overlapping_spheres(
    d: int,
    *,
    runs: int | None = None,
    time: float | None = None,
    precision: float | None = None,
    n_points: int = 2**16,
    degree: float | None = None,
    seed: seeds.Seed,
    workers: int = 1,
    progress: bool = True,
) -> SpheresThreshold:
    """eta_c, number times volume of the spheres per volume at which those that overlap first form an infinite cluster.

    d: 2 to 10. runs: 16 if absent; or time, seconds in all; or precision, one sigma of eta_c; as in `threshold`.
    n_points: accepted in each run, at least 512. degree: see `growth.invade_spheres`.
    Result and error: `invasion.extrapolate`, p_c of the points times degree / 2^d.
    Over 200 repeats of 24 runs of 2^12 points the error held the published value as it should in d = 3; in d = 2 in
    62.5 % at one sigma and 85.5 % at two, too few: take longer runs there.
    Returns an `Estimate` that also holds its runs.
    """
    checks.integer("d", d, at_least=spheres.DIMENSIONS[0], at_most=spheres.DIMENSIONS[-1])
    checks.integer("n_points", n_points, at_least=invasion.FEWEST_SITES)
    degree = spheres.usual_degree(d) if degree is None else degree
    scale, marks = degree / 2**d, growth.doubling_marks(n_points)
    of_p = None if precision is None else checks.positive("precision", precision) / scale
    of_runs = {"usual": invasion.RUNS, "at_least": invasion.FEWEST_RUNS}
    budget = Budget.asked(runs, time, of_p, **of_runs, workers=workers, progress=progress)
    run = partial(_revealed, d, n_points, degree)
    label = f"d = {d} spheres"
    revealed = budget.collect(seeds.sequence(seed), run, partial(invasion.extrapolate, marks), label)
    p_c = invasion.extrapolate(marks, revealed)
    made = ("site", seed, len(revealed), d, degree, marks, revealed)
    return SpheresThreshold(scale * p_c.value, scale * p_c.error, p_c.method, *made)


def _revealed(d: int, n_points: int, degree: float, seed: np.random.SeedSequence) -> np.ndarray:
    """(n_marks,) numbers revealed in a run."""
    return growth.invade_spheres(d, n_points, degree=degree, seed=seed).n_revealed
