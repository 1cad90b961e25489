"""Exponents of critical clusters from their growth: tau by size, d_min and d_f by generation.

Leath clusters are whole clusters of the infinite lattice (`growth.leath` at p_c), so nothing is cut off by a box. What
they give at sizes, or generations, by factors of two has ratios whose logarithms y_k are exponents between neighbours.
They are nearly independent (measured for generations: correlation of neighbours -0.3 to 0, taken as 0), and tend to the
exponent y as y_k = y + b 2^(-omega k) + c 2^(-(omega + delta) k), the second term one power of t faster; b, c and omega
are unknown: all have priors, as in `powers.exponent`, and the posteriors of y are averaged over omega.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from percolation import growth
from percolation.quantities import Estimate
from percolation.scaling.fits import model_average
from percolation.scaling.powers import posterior

FEWEST = 20  # clusters that reach a size or generation, for its ratio to count
FEWEST_RUNS = 8  # whose scatter gives the error
FEWEST_RATIOS = 3  # below, priors alone would tell
SMALLEST_SIZE, FIRST_GENERATION = 4, 2  # below, no power of the size holds
# omega of the correction, all log omega alike between two: as a power of the size s, and of the generation t ~ s^0.5;
# measured of d_min t^-0.33 in d = 7, of d_f that and t^-1 in d = 2, where its y_k come near it from below
N_OMEGAS, SIZE_OMEGAS = 8, (0.2, 0.8)
SLOWEST = {7: 0.28, 8: 0.32, 9: 0.38}  # by dimension, below and above as at the ends: loops die out faster
DISTANCE_FASTEST, MASS_FASTEST = 1.2, 1.8
FASTER_BY, FASTER_SIZE = 1.0, 0.5  # delta, for a power of t and of s
# standard deviation of b, the correction at the small end; that of c is a fifth
SIZE_WIDTH, DISTANCE_WIDTH, MASS_WIDTH = 0.2, 0.5, 1.5
OF_SECOND = 0.2

Runs = Sequence[growth.Leath]
Sums = tuple[np.ndarray, ...]


def size_exponent(clusters: growth.Leath | Runs) -> Estimate:
    """tau of n_s ~ s^-tau, from P(size >= s) ~ s^(2 - tau) of clusters grown at p_c.

    y_k = log2 of N_k / N_{k+1}, with N_k clusters of at least 2^k sites: N_{k+1} is binomial given N_k, so the y_k are
    independent with the error of a proportion. Used from s = 4 to the smallest cluster that a limit stopped, so
    clusters are best limited by their size alone (max_size a power of 2, max_generations as large), as long as FEWEST
    are that large; below six dimensions d_f = d / (tau - 1) follows.
    Error, one sigma: over 400 repeats each of 400, 500, 4,000, 2,000 clusters of up to 2^12 sites of Z^d, d = 2
    (triangular), 3, 7, 13, it was 0.012, 0.024, 0.031, 0.044 and held the truth in 74, 73, 69, 71 %; at two sigma in 94
    % or more. With ten times as many clusters (80 repeats; d = 3: 10,000 of up to 2^14) it was 0.005, 0.006, 0.017,
    0.020 and held in 72, 65, 68, 82 and in 89 % or more.
    Corrections are slowest, s^-0.2, just above six dimensions; logarithms, as at d = 6, are not covered.
    Source: as an estimator Lorenz and Ziff, Phys. Rev. E 57, 230 (1998).
    """
    runs = [clusters] if isinstance(clusters, growth.Leath) else _checked(clusters, at_least=1)
    size = np.concatenate([run.size for run in runs])
    stopped = np.concatenate([run.truncated for run in runs])
    largest = int(size[stopped].min() if stopped.any() else size.max())
    s = 2 ** np.arange(SMALLEST_SIZE.bit_length() - 1, largest.bit_length())
    reached = (size[:, None] >= s).sum(axis=0)
    reached = reached[reached >= FEWEST]
    before, after = reached[:-1], reached[1:]
    ended = before - after + 0.5  # half a cluster more, lest a ratio of 1 look exact
    return _limit(
        2 + np.log2(before / after),
        np.sqrt(ended / (before * after)) / math.log(2),
        SIZE_OMEGAS,
        FASTER_SIZE,
        SIZE_WIDTH,
        "Leath, P(size >= s)",
    )


def chemical_dimension(runs: Runs) -> Estimate:
    """d_min of shortest paths, length ~ r^d_min, from |x|^2 ~ t^(2 / d_min) at chemical distance t from the origin.

    |x|^2 is averaged over all sites of all clusters in windows of generations 2^k .. 2^(k + 1), see
    `growth.Leath.spread`; y_k = 2 / log2 of the ratio of neighbouring windows.
    runs: at least 8 independent ones at p_c, of the same generations, which alone may stop a cluster (max_size out of
    reach): a size that stopped those of many sites would leave the thin ones.
    Error, one sigma, from the scatter of the runs by the jackknife: over 400 repeats each of 16 runs of 25, 30, 150,
    150, 150, 150 clusters of 128 generations of Z^d, d = 2 (triangular), 3, 7, 8, 10, 13, it was 0.027, 0.05, 0.10,
    0.10, 0.09, 0.10 and held the truth in 71, 69, 71, 74, 75, 74 %; at two sigma in 95 % or more. With ten times as
    many runs (d = 2, 3, 7, 13; 40 or 80 repeats) it was 0.013, 0.019, 0.07, 0.05 and held in 78, 48, 86, 75 and in 95 %
    or more: in d = 3 the y_k rise above d_min before they fall, by 0.01 at 256 generations, so more runs ask for more
    generations.
    Source: as a definition Herrmann and Stanley, J. Phys. A 21, L829 (1988).
    """
    return _by_generation(runs, _distance_exponents, DISTANCE_FASTEST, DISTANCE_WIDTH, "Leath, distance by generation")


def fractal_dimension(runs: Runs) -> Estimate:
    """d_f, mass ~ r^d_f, from the sites in generation t of a cluster that reaches it: N_t ~ t^(d_f / d_min - 1).

    y_k = 2 (1 + log2 of the ratio of N_t) / log2 of the ratio of |x|^2, in windows as in `chemical_dimension`, which
    also says what runs are. No hyperscaling is used, so it holds above six dimensions too.
    Error, one sigma: in repeats like those of `chemical_dimension` it was 0.08, 0.17, 0.34, 0.31, 0.28, 0.28 and held
    the truth in 72, 73, 73, 66, 71, 76 %, at two sigma in 91 % or more. With ten times as many runs it was 0.03, 0.10,
    0.26, 0.19 and held in 54, 60, 79, 75 and in 98 % or more.
    """
    return _by_generation(runs, _mass_exponents, MASS_FASTEST, MASS_WIDTH, "Leath, mass and distance by generation")


def _by_generation(
    runs: Runs, exponents: Callable[[Sums], np.ndarray], fastest: float, width: float, method: str
) -> Estimate:
    sums = _window_sums(_checked(runs, at_least=FEWEST_RUNS))
    values = _pseudovalues(sums, exponents)
    deviations = values.std(axis=0, ddof=1) / math.sqrt(len(values))
    omegas = (SLOWEST[min(max(runs[0].d, 7), 9)], fastest)
    return _limit(values.mean(axis=0), deviations, omegas, FASTER_BY, width, method)


def _distance_exponents(sums: Sums) -> np.ndarray:
    opened, spread, _ = sums
    return 2 / np.diff(np.log2(spread / opened))


def _mass_exponents(sums: Sums) -> np.ndarray:
    opened, _, alive = sums
    return (1 + np.diff(np.log2(opened / alive))) * _distance_exponents(sums)


def _window_sums(runs: Runs) -> Sums:
    """Sites, their squared distances, and clusters still growing, (n_runs, n_windows) each, by generations doubling.

    A window has half of its two ends, as in the trapezoidal rule: a power of t then has corrections of t^-2 only.
    """
    alive = np.array([_alive(run) for run in runs])
    reached = (alive.sum(axis=0) >= FEWEST) & np.isfinite(runs[0].spread)
    bounds = 2 ** np.arange(FIRST_GENERATION.bit_length() - 1, int(reached.sum() - 1).bit_length())
    if len(bounds) < 2:
        raise ValueError(f"fewer than {FEWEST} clusters reach generation {2 * FIRST_GENERATION}; grow more clusters")
    columns = (np.array([run.opened for run in runs]), np.array([run.spread for run in runs]), alive)
    return tuple(_trapezoids(column.astype(float), bounds) for column in columns)


def _trapezoids(values: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    upto = np.cumsum(values, axis=1) - values / 2
    return np.diff(upto[:, bounds], axis=1)


def _alive(run: growth.Leath) -> np.ndarray:
    """Clusters with a site in each generation, (max_generations + 1,)."""
    ends = np.bincount(run.generations, minlength=len(run.opened))
    return ends[::-1].cumsum()[::-1]


def _pseudovalues(sums: Sums, exponents: Callable[[Sums], np.ndarray]) -> np.ndarray:
    """Jackknife: what each run adds to the exponents of all, (n_runs, n_windows - 1); mean and scatter count.

    exponents: a function of ratios of the sums, so that sums do for means.
    """
    n = len(sums[0])
    totals = tuple(column.sum(axis=0) for column in sums)
    without = tuple(total - column for total, column in zip(totals, sums, strict=True))
    return n * exponents(totals) - (n - 1) * exponents(without)


def _limit(
    y: np.ndarray, deviations: np.ndarray, omegas: tuple[float, float], delta: float, width: float, method: str
) -> Estimate:
    """y of y_k = y + b 2^(-omega k) + c 2^(-(omega + delta) k), averaged over omega."""
    if len(y) < FEWEST_RATIOS:
        raise ValueError(
            f"{len(y)} ratios by factors of two are too few, {FEWEST_RATIOS} are needed that {FEWEST} clusters reach; "
            "grow more clusters or larger ones"
        )
    k, prior = np.arange(len(y)), np.array([0, width**-2, (OF_SECOND * width) ** -2])
    fits = [
        posterior(2.0 ** (-np.outer(k, [0, omega, omega + delta])), y, deviations, prior)
        for omega in np.geomspace(*omegas, N_OMEGAS)
    ]
    return Estimate(*model_average(fits), method)


def _checked(runs: Runs, *, at_least: int) -> Runs:
    """Runs of one lattice and p that only their generations stopped, if these matter."""
    if len(runs) < at_least:
        raise ValueError(f"at least {at_least} runs are needed, got {len(runs)}")
    subjects = {(run.lattice, run.d, run.kind, run.p) for run in runs}
    if len(subjects) > 1:
        raise ValueError(f"runs must be of one lattice, kind and p, got {sorted(subjects)}")
    if at_least > 1:
        lengths = {len(run.opened) for run in runs}
        if len(lengths) > 1:
            raise ValueError(f"runs must have the same max_generations, got {sorted(n - 1 for n in lengths)}")
        if any((run.generations[run.truncated] < len(run.opened) - 1).any() for run in runs):
            raise ValueError("some clusters were stopped by max_size; only max_generations may stop them here")
    return runs
