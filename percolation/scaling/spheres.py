"""Critical density of overlapping spheres: from windings round tori, or from invasion of Poisson points."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from percolation import checks, growth, seeds, sphere_windings
from percolation.growth import spheres
from percolation.scaling import invasion, tori
from percolation.scaling.budget import Budget, Simulated
from percolation.scaling.staged import RunsAt

SIZES = {2: (8, 16, 32, 64), 3: (6, 12, 24, 48), 4: (4, 6, 9, 13)}  # sides of tori, in diameters
SPHERES_OF_A_RUN = 2**17  # about 20 ms in d = 2, 50 in d = 3, 100 in d = 4
DEGREE = 3.0  # mean number that overlap one, where pilots begin
FIRST_SAMPLES, PILOT_RUNS = 64, 32  # they bring eta to about 0.5 %
N_POINTS = 2**16  # of an invasion, if nothing else is said
WRAPPING_UP_TO = 2  # dimensions, if nothing is said: above, the error of invasions is less at equal time
METHODS = ("wrapping", "invasion")


@dataclass(frozen=True, eq=False)
class SpheresThreshold(Simulated):
    """eta_c with the runs it came from."""

    d: int

    @property
    def mean_degree(self) -> float:
        """Critical mean number of spheres that overlap one, 2^d eta_c: the limit of z p_c of wide neighbourhoods."""
        return 2**self.d * self.value


@dataclass(frozen=True, eq=False)
class InvadedSpheres(SpheresThreshold):
    """From invasions."""

    degree: float  # mean number of points within the distance that joins two
    n_accepted: np.ndarray  # (n_marks,) int64
    n_revealed: np.ndarray  # (n_runs, n_marks) int64


@dataclass(frozen=True, eq=False)
class WoundSpheres(SpheresThreshold):
    """From tori."""

    eta: float  # at which the tori were filled
    sizes: np.ndarray  # (n_sizes,) sides in diameters
    means: np.ndarray  # (n_runs, n_sizes, 3), see `tori.Tori.run`


def overlapping_spheres(
    d: int,
    method: str = "auto",
    *,
    runs: int | None = None,
    time: float | None = None,
    precision: float | None = None,
    n_points: int | None = None,
    degree: float | None = None,
    seed: seeds.Seed,
    workers: int = 1,
    progress: bool = True,
) -> SpheresThreshold:
    """eta_c, number times volume of the spheres per volume at which those that overlap first form an infinite cluster.

    d: 2 to 10. method: "wrapping" (d = 2 to 4), "invasion" (any d), or "auto", the one whose error is the least at
    equal time: wrapping in d = 2, if neither n_points nor degree is given, invasion above.
    runs: 64 of wrapping, 16 of invasion if absent; or time, seconds in all; or precision, one sigma of eta_c; as in
    `threshold`. n_points: of an invasion, accepted in each run, at least 512; 2^16 if absent. degree: of an invasion,
    see `growth.invade_spheres`.
    Result and error: of wrapping see `tori.Tori.estimate`; of invasion `invasion.extrapolate`, p_c of the points times
    degree / 2^d. Over 200 repeats of 24 invasions of 2^12 points the error held the published value in 74 and
    70.5 % (d = 2, 3) at one sigma, in 98 and 97.5 % at two.
    Returns an `Estimate` that also holds its runs.
    """
    how = {"workers": workers, "progress": progress}
    if chosen(d, method, n_points, degree) == "wrapping":
        usual = {"usual": tori.RUNS, "at_least": tori.FEWEST_RUNS}
        return _from_tori(d, Budget.asked(runs, time, precision, **usual, **how), seed)
    n_points = checks.integer("n_points", N_POINTS if n_points is None else n_points, at_least=invasion.FEWEST_SITES)
    degree = spheres.usual_degree(d) if degree is None else degree
    of_p = None if precision is None else checks.positive("precision", precision) * 2**d / degree
    usual = {"usual": invasion.RUNS, "at_least": invasion.FEWEST_RUNS}
    return _from_invasions(d, n_points, degree, Budget.asked(runs, time, of_p, **usual, **how), seed)


def chosen(d: int, method: str = "auto", n_points: int | None = None, degree: float | None = None) -> str:
    """The method by name, if it suits what else is asked for."""
    checks.integer("d", d, at_least=spheres.DIMENSIONS[0], at_most=spheres.DIMENSIONS[-1])
    checks.one_of("method", method, ("auto", *METHODS))
    for_invasion = n_points is not None or degree is not None
    if method == "auto":
        return "invasion" if for_invasion or d > WRAPPING_UP_TO else "wrapping"
    if method == "wrapping" and (for_invasion or d not in SIZES):
        raise ValueError(
            f"wrapping is for d = {min(SIZES)} to {max(SIZES)}, without n_points and degree, which invasions have; "
            f"got d = {d}, n_points = {n_points}, degree = {degree}"
        )
    return method


def _from_invasions(d: int, n_points: int, degree: float, budget: Budget, seed: seeds.Seed) -> InvadedSpheres:
    scale, marks = degree / 2**d, growth.doubling_marks(n_points)
    run = partial(_revealed, d, n_points, degree)
    label = f"d = {d} spheres"
    revealed = budget.collect(seeds.sequence(seed), run, lambda done: invasion.extrapolate(marks, done, d), label)
    p_c = invasion.extrapolate(marks, revealed, d)
    made = ("site", seed, len(revealed), d, degree, marks, revealed)
    return InvadedSpheres(scale * p_c.value, scale * p_c.error, p_c.method, *made)


def _revealed(d: int, n_points: int, degree: float, seed: np.random.SeedSequence) -> np.ndarray:
    """(n_marks,) numbers revealed in a run."""
    return growth.invade_spheres(d, n_points, degree=degree, seed=seed).n_revealed


@dataclass(frozen=True, eq=False)
class SphereTori(tori.Tori):
    """Tori filled with spheres of diameter 1, whose density is eta."""

    @classmethod
    def of(cls, d: int, sizes: Sequence[int]) -> "SphereTori":
        n_spheres = [sphere_windings.mean_number(d, L, DEGREE / 2**d) for L in sizes]
        return cls(d, tuple(sizes), tori.samples_of_a_run(np.array(n_spheres), SPHERES_OF_A_RUN))

    def wound(self, size: int, p: float, n: int, seed: np.random.SeedSequence) -> tuple[np.ndarray, np.ndarray]:
        found = sphere_windings.sphere_windings(self.d, self.sides[size], p, n_realisations=n, seed=seed)
        return tori.f_of(found.axes, found.rank), found.score

    def variances(self, p: float) -> np.ndarray:
        """(n_sizes,) eta^2 / N of N spheres expected."""
        return p**2 / np.array([sphere_windings.mean_number(self.d, L, p) for L in self.sides])


def _from_tori(d: int, budget: Budget, seed: seeds.Seed) -> WoundSpheres:
    filled = SphereTori.of(d, SIZES[d])
    begin = partial(filled.first_guess, begin=DEGREE / 2**d, moved=_moved, n_samples=FIRST_SAMPLES)
    at = RunsAt(filled.run, filled.estimate, begin, [PILOT_RUNS], f"d = {d} spheres", _nearest)
    eta, means = at.collect(budget, seed, None)
    found = filled.estimate(means, eta)
    made = ("site", seed, len(means), d, eta, filled.sizes, means)
    return WoundSpheres(found.value, found.error, found.method, *made)


def _moved(eta: float, step: float) -> float:
    return eta * 16**step


def _nearest(eta: float, wanted: float) -> float:
    """Not further from eta than half or twice of it."""
    return float(np.clip(wanted, eta / 2, 2 * eta))
