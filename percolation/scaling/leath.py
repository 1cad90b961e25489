"""p_c of a lattice, d >= 6, from Leath clusters: the ratio of opened to tested, with loops of chance taken out.

Let N_t sites be in generation t of a cluster grown at p and T_t tested to make it. E N_t = p E T_t, and at p_c above
six dimensions E N_t tends to a constant (mean field: survival to t has probability ~ 1/t, and N_t ~ t if it does).
So m_t(p) = E T_{t+1} / E N_t has p m -> 1 at p = p_c. Nothing in T_{t+1} - m N_t is left of the chance which of the
tested sites are open, only the number of neighbours already met, about 1.6 a site: an error of about 1.5 / (2d - 1)
a site in the ratio, where opened / tested itself has sqrt(1 - p).
Variance: of those loops most are known from the tree: two siblings at a right angle share a neighbour. The sums of
zero mean in `growth.Leath.excess` say how many more siblings, cousins, ... than due there were.
Form: the loops that generation t misses are those with ancestors more than t back, sum_{i, j > 0, i + j > t}
(i + j)^(-d/2), so m_t - m_infinity ~ t^-(d - 4)/2 (at d = 6 up to logarithms).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from percolation import checks, ensembles, growth
from percolation.quantities import Estimate
from percolation.scaling.budget import Budget
from percolation.scaling.fits import average, intercept

LOWEST_DIMENSION = 6  # from here on clusters are mean-field
FIRST_GENERATION = 4  # below, no power of t holds
# of the correction, (d - 4)/2; the logarithms of d = 6 act as a power a little above 1; above d = 9 a steeper one would
# not hold yet where it can be seen
POWERS = {6: (1.0, 1.2, 1.4), 7: (1.5,), 8: (2.0,)}
STEEPEST = (2.5,)
PILOTS = {16: 2000, 32: 4000, 64: 8000}  # generations: clusters; brings p to 3 in 10^4, where Newton's step is linear
FEWEST_RUNS = 32  # whose scatter gives the error and the control variates' coefficients
FOLDS = 8
N, T, CONTROLS, SCORE = 0, 1, slice(2, 7), 7  # columns of `sums`


@dataclass(frozen=True)
class LeathThreshold:
    """p_c with the sums it came from; enough to repeat it or to fit it otherwise."""

    estimate: Estimate
    d: int
    kind: str
    seed: int
    p: float  # at which the clusters grew
    n_runs: int
    n_clusters: int  # of a run
    bounds: np.ndarray  # (n_windows + 1,) generations, see `windows`
    sums: np.ndarray  # (n_runs, n_windows, 8), see `window_sums`


def leath_threshold(
    lattice: growth.InfiniteLattice,
    kind: str = "site",
    *,
    n_clusters: int = 500,
    n_runs: int = 64,
    n_generations: int | None = None,
    seconds: float | None = None,
    precision: float | None = None,
    seed: int,
    workers: int = 1,
    progress: bool = True,
) -> LeathThreshold:
    """p_c of an infinite lattice, d >= 6, from Leath clusters grown at a p that three short pilots bring near it.

    lattice: d for Z^d, or a crystal, as in `growth.leath`. kind: "site" or "bond". n_clusters: of a run.
    n_runs: at least 32. n_generations: that a cluster may live, 256 if d < 10 and 64 above if absent.
    seconds, precision: instead of n_runs, see `Budget`; the pilots, about a second, come on top.
    workers: threads; the result does not depend on it.
    Result and error: see `estimate`.
    """
    if (d := growth.dimension(lattice)) < LOWEST_DIMENSION:
        raise ValueError(f"clusters are mean-field from d = {LOWEST_DIMENSION} on, got d = {d}; use invasion_threshold")
    checks.one_of("kind", kind, growth.KINDS)
    checks.integer("n_clusters", n_clusters, at_least=1)
    budget = Budget(n_runs, seconds, precision, FEWEST_RUNS)
    if n_generations is None:
        n_generations = 256 if d < 10 else 64
    bounds = windows(checks.integer("n_generations", n_generations, at_least=4 * FIRST_GENERATION))
    pilots, parent = ensembles.seeds(seed, 2)
    p = _pilot(lattice, kind, pilots)

    def run(child: np.random.SeedSequence) -> np.ndarray:
        return window_sums(_clusters(lattice, p, kind, n_clusters, n_generations, child), bounds)

    def runs(children: list[np.random.SeedSequence]) -> list[np.ndarray]:
        return ensembles.run(run, children, workers=workers, label=f"d = {d} {kind}", progress=progress)

    sums = budget.collect(parent, runs, lambda done: estimate(done, bounds, d, p))
    return LeathThreshold(
        estimate=estimate(sums, bounds, d, p),
        d=d,
        kind=kind,
        seed=seed,
        p=p,
        n_runs=len(sums),
        n_clusters=n_clusters,
        bounds=bounds,
        sums=sums,
    )


def windows(n_generations: int) -> np.ndarray:
    """Bounds of the windows of generations, (n_windows + 1,), by factors of sqrt 2 down from n_generations."""
    count = int(2 * math.log2(n_generations / FIRST_GENERATION))
    return np.rint(n_generations * 2 ** (-np.arange(count, -1, -1) / 2)).astype(np.int64)


def window_sums(run: growth.Leath, bounds: np.ndarray) -> np.ndarray:
    """Sums over the generations t = bounds[w] .. bounds[w + 1] - 1 of each window, (n_windows, 8).

    Columns: N_t; T_{t+1}; the control variates, N_t - p T_t and `growth.EXCESS`; and the score of all tests up to
    the window's end, d log(probability) / dp = sum_s (N_s - p T_s) / (p (1 - p)).
    """
    luck = run.opened - run.p * run.tested
    luck[0] = 0  # origins are open untested
    columns = np.column_stack([run.opened[:-1], run.tested[1:], luck[:-1], run.excess[:-1]])
    score = np.cumsum(luck)[bounds[1:] - 1] / (run.p * (1 - run.p))
    return np.column_stack([np.add.reduceat(columns[: bounds[-1]], bounds[:-1], axis=0), score])


def estimate(sums: np.ndarray, bounds: np.ndarray, d: int, p: float) -> Estimate:
    """p_c from sums of runs at p: m_t extrapolated to m, then Newton's step for p m(p) = 1.

    m_t = m + A t^-w + B t^-(w + 1), w of `POWERS`, with every first window kept, averaged as `fits.average` does;
    then p_c = p + (1/m - p) / (1 + d log m / d log p). Since 1/m moves by 2 to 7 % of an error in p, the step is small.
    Error, one sigma: scatter of the runs and spread of the fits, and that of the slope. Over 100 repeats of 32 runs
    of 400 clusters it held the published value in 65 and 70 % (d = 13, 8; d = 7, 6: 89 and 86 %, wide as the form is
    less known) at one sigma, in 94 to 100 % at two.
    """
    m, m_error = average(_fits(ratios(sums), bounds, POWERS.get(d, STEEPEST)))
    slope, slope_error = log_slope(sums, p)
    step = (1 / m - p) / (1 + slope)
    error = math.hypot(m_error / m**2, step * slope_error) / (1 + slope)
    return Estimate(p + step, error, "Leath, opened / tested with control variates")


def ratios(sums: np.ndarray) -> np.ndarray:
    """m_t of each window and run, (n_runs, n_windows): the mean over runs estimates it, the scatter is its error.

    m + (D - C beta) / mean N, with m = sum T / sum N, D = T - m N, and C the control variates; beta, the regression of
    D on C, is taken from the runs of the other folds, so that C beta keeps its zero mean.
    """
    m, D = _surplus(sums)
    left = np.empty_like(D)
    fold = np.arange(len(D)) % FOLDS
    for w in range(D.shape[1]):
        C = sums[:, w, CONTROLS]
        for k in range(FOLDS):
            here = fold == k
            left[here, w] = D[here, w] - C[here] @ np.linalg.lstsq(C[~here], D[~here, w], rcond=None)[0]
    return m + left / sums[:, :, N].mean(axis=0)


def log_slope(sums: np.ndarray, p: float) -> tuple[float, float]:
    """d log m / d log p and its error, averaged over the later half of the windows.

    From the score S: d E[T - m N] / dp = E[(T - m N) S] at fixed m, with E[T - m N] = 0 at p.
    """
    m, D = _surplus(sums)
    S = sums[:, :, SCORE]
    of_runs = p * D * (S - S.mean(axis=0)) / (m * sums[:, :, N].mean(axis=0))
    later = of_runs[:, of_runs.shape[1] // 2 :].mean(axis=1)
    return later.mean(), later.std(ddof=1) / math.sqrt(len(later))


def _surplus(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """m = sum T / sum N over all runs, (n_windows,), and T - m N of each run, (n_runs, n_windows)."""
    m = sums[:, :, T].sum(axis=0) / sums[:, :, N].sum(axis=0)
    return m, sums[:, :, T] - m * sums[:, :, N]


def _fits(values: np.ndarray, bounds: np.ndarray, powers: tuple[float, ...]) -> Iterator[tuple[float, float, float]]:
    """(m, its error, cost) of the fits for every power and every first window."""
    deviations = values.std(axis=0, ddof=1) / math.sqrt(len(values))
    t = np.arange(bounds[0], bounds[-1], dtype=float)
    for w in powers:
        terms = np.add.reduceat(np.array([t**0, t**-w, t ** -(w + 1)]), bounds[:-1] - bounds[0], axis=1)
        form = (terms / terms[0]).T
        for first in range(len(form) - form.shape[1]):
            m, error, chi2 = intercept(values[:, first:], deviations[first:], form[first:] / form[first])
            yield m, error, chi2 + 2 * first


def _clusters(
    lattice: growth.InfiniteLattice,
    p: float,
    kind: str,
    n_clusters: int,
    n_generations: int,
    seed: np.random.SeedSequence,
) -> growth.Leath:
    """Clusters limited by their generations only, so that means by generation are those of whole clusters."""
    return growth.leath(
        lattice, p, kind=kind, n_clusters=n_clusters, max_size=2**40, max_generations=n_generations, seed=seed
    )


def _pilot(lattice: growth.InfiniteLattice, kind: str, seed: np.random.SeedSequence) -> float:
    """p near p_c: from that of the tree, p <- opened / tested over the later half of ever more generations."""
    p = 1 / (growth.coordination(lattice) - 1)
    for (n_generations, n_clusters), child in zip(PILOTS.items(), seed.spawn(len(PILOTS)), strict=True):
        run = _clusters(lattice, p, kind, n_clusters, n_generations, child)
        later = n_generations // 2
        p = float(run.opened[later:-1].sum() / run.tested[later + 1 :].sum())
    return p
