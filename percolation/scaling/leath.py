"""p_c of a lattice, d >= 3, from Leath clusters: the ratio of opened to tested, with loops of chance taken out.

Let N_t sites be in generation t of a cluster grown at p and T_t tested to make it. E N_t = p E T_t, so m_t(p) =
E T_{t+1} / E N_t has p m_t = E N_{t+1} / E N_t. At p_c clusters grow as E N_t ~ t^theta, theta = 0 from six dimensions
on (mean field: survival to t has probability ~ 1/t, and N_t ~ t if it does), so that log(p m_t) -> theta / t -> 0.
Nothing in T_{t+1} - m N_t is left of the chance which of the tested sites are open, only the number of neighbours
already met, about 1.6 a site: an error of about 1.5 / (2d - 1) a site in the ratio, where opened / tested itself has
sqrt(1 - p); and it does not grow with t, in any dimension (0.4 a site in d = 2, 3 from t = 30 to 500).
Variance: of those loops most are known from the tree: two siblings at a right angle share a neighbour. The sums of
zero mean in `growth.Leath.excess` say how many more siblings, children beside an aunt, ... than due there were: all
loops of four and six steps. What is left in d = 14 is of the size of chance in those of eight and more, 0.1 a site.
Form: close to p_c log(p m_t) = s_t log(p / p_c) + theta / t + b t^-w, with the sensitivity s_t = d log(p m_t) / d log p
measured on the same clusters by their score. Below six dimensions s_t falls slowly with t, since p - p_c acts as
(p - p_c) t^(1 / nu_t) in N_t; theta, b and w are left free. Above, theta = 0 and what is left are the loops that
generation t misses, those with ancestors more than t back: on Z^d as `loops.missing` counts them, on other lattices as
sum_{i, j > 0, i + j > t} (i + j)^(-d/2) ~ t^-(d - 4)/2 (at d = 6 up to logarithms).
"""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from percolation import checks, growth, seeds
from percolation.growth.keys import checked as checked_infinite
from percolation.lattices import Lattice
from percolation.quantities import Estimate
from percolation.scaling import loops
from percolation.scaling.budget import Budget, Simulated
from percolation.scaling.fits import fits_from_each_first, model_average, power
from percolation.scaling.staged import RunsAt

LOWEST_DIMENSION = 3  # in d = 2 the sensitivity is 0.1: wrapping is better
MEAN_FIELD = 6
FIRST_GENERATION = 4  # below, no power of t holds
FEWEST_GENERATIONS = 4 * FIRST_GENERATION
# exponents of the terms in t of each fit. Below six dimensions theta / t and a correction, of a N_t that goes as
# t^theta (1 + c t^-0.3 to -1.2), as d_min has it: it is always there, and a fit without it is off by up to two errors
# until chi^2 excludes it. From there (d - 4)/2 and one more, where the logarithms of d = 6 act as a power a bit above 1
BELOW_SIX = ((1.0, 1.3), (1.0, 1.6), (1.0, 1.9), (1.0, 2.2))
POWERS = dict.fromkeys((3, 4, 5), BELOW_SIX) | {6: ((1.0, 2.0), (1.2, 2.2), (1.4, 2.4))}
SENSITIVITY = {3: 0.45, 4: 0.65, 5: 0.85}  # s_t, to a tenth, for the pilots; near 1 above
START = 2**15  # sites of the invasion that the pilots begin with
PILOTS = {16: 2000, 32: 4000, 64: 8000}  # generations: clusters; brings p to 3 in 10^4 (d = 3: 2 in 10^3)
LONGEST = {3: 512, 4: 1024, 5: 256, 6: 256, 7: 256, 8: 256, 9: 256}  # generations; 64 above
CLUSTERS = {3: 100, 4: 60}  # of a run, 500 above
RUNS = 64  # if nothing else is said
FEWEST_RUNS = 32  # whose scatter gives the error and the control variates' coefficients
RUNS_OF_ONE_PILOT = 10 * FEWEST_RUNS  # above six dimensions fewer are content with the p of PILOTS
FOLDS = 8
MANY_RUNS = 128  # that tell the coefficients of all control variates; fewer those of FEW
KIN_FROM = 5  # dimension: below, what siblings and aunts explain (a tenth of the variance) is not worth its time
FEWEST_SITES = 1000  # of all runs in the last window: below, ratios are not linear in them
N, T, CONTROLS, SCORE, COLUMNS = 0, 1, slice(2, 15), 15, 16  # columns of `sums`, and how many
FEW = [2, *(3 + growth.EXCESS.index(one) for one in ("pairs", "crowding", "straight", "aside", "back"))]


@dataclass(frozen=True, eq=False)
class LeathThreshold(Simulated):
    """p_c with the sums it came from."""

    d: int
    p: float  # at which the clusters grew
    n_clusters: int  # of a run
    bounds: np.ndarray  # (n_windows + 1,) generations, see `windows`
    sums: np.ndarray  # (n_runs, n_windows, 16), see `window_sums`


def simulate(
    lattice: Lattice,
    kind: str,
    budget: Budget,
    seed: seeds.Seed,
    *,
    n_clusters: int | None = None,
    n_generations: int | None = None,
    p: float | None = None,
) -> LeathThreshold:
    """p_c of an infinite lattice, d >= 3, from Leath clusters grown at one p near it.

    n_clusters: of a run. n_generations: that a cluster may live; LONGEST, and n_clusters so many that a run has about
    2 10^5 sites, if absent. p: at which clusters grow, near p_c; pilots find it if absent.
    Result and error: see `estimate`.
    """
    d = lattice.d
    n_generations = LONGEST.get(d, 64) if n_generations is None else n_generations
    n_clusters = checks.integer("n_clusters", CLUSTERS.get(d, 500) if n_clusters is None else n_clusters, at_least=1)
    bounds = windows(checks.integer("n_generations", n_generations, at_least=FEWEST_GENERATIONS))

    run = partial(_sums, lattice, kind, n_clusters, n_generations)
    begin, stages = partial(_pilot, lattice, kind), [FEWEST_RUNS] * (d < MEAN_FIELD or budget.runs >= RUNS_OF_ONE_PILOT)
    at = RunsAt(run, lambda sums, p: estimate(sums, bounds, lattice, p), begin, stages, f"d = {d} {kind}")
    p, sums = at.collect(budget, seed, p)
    found, runs = estimate(sums, bounds, lattice, p), (len(sums), d, p, n_clusters, bounds, sums)
    return LeathThreshold(found.value, found.error, found.method, kind, seed, *runs)


def checked(lattice: Lattice) -> Lattice:
    """The lattice, if its clusters grow as the fits have it.

    Where sites differ in the number of their neighbours, generations may alternate between kinds of them, and the ratio
    with them: on Lieb's lattice between sites of four and of two.
    """
    if checked_infinite(lattice).d < LOWEST_DIMENSION:
        raise ValueError(f"Leath's clusters tell p_c from d = {LOWEST_DIMENSION} on, got d = {lattice.d}; use wrapping")
    if len(set(lattice.degrees)) > 1:
        raise ValueError(
            f"Leath's ratios need sites of one number of neighbours, got {lattice.degrees}; use wrapping or invasion"
        )
    return lattice


def windows(n_generations: int) -> np.ndarray:
    """Bounds of the windows of generations, (n_windows + 1,), by factors of sqrt 2 down from n_generations."""
    count = int(2 * math.log2(n_generations / FIRST_GENERATION))
    return np.rint(n_generations * 2 ** (-np.arange(count, -1, -1) / 2)).astype(np.int64)


def window_sums(run: growth.Leath, bounds: np.ndarray) -> np.ndarray:
    """Sums over the generations t = bounds[w] .. bounds[w + 1] - 1 of each window, (n_windows, 16).

    Columns: N_t; T_{t+1}; the control variates, N_t - p T_t and `growth.EXCESS`; and the score of all tests up to
    the window's end, d log(probability) / dp = sum_s (N_s - p T_s) / (p (1 - p)): for bonds those of generation t + 1
    too, since what one opens there is not tested again.
    """
    luck = run.opened - run.p * run.tested
    luck[0] = 0  # origins are open untested
    columns = np.column_stack([run.opened[:-1], run.tested[1:], luck[:-1], run.excess[:-1]])
    last = bounds[1:] if run.kind == "bond" else bounds[1:] - 1
    score = np.cumsum(luck)[last] / (run.p * (1 - run.p))
    return np.column_stack([np.add.reduceat(columns[: bounds[-1]], bounds[:-1], axis=0), score])


def estimate(sums: np.ndarray, bounds: np.ndarray, lattice: Lattice, p: float) -> Estimate:
    """p_c from sums of runs at p: log(p m_t) = s_t log(p / p_c) + terms in t, by least squares.

    With every first window of the earlier half and every choice of the terms, averaged as `fits.model_average` does.
    The later half of the windows is always kept: fewer, the last and least known, would tell of noise.
    log(p m_t) itself moves by 2 to 7 % of an error in p from d = 8 on, where s_t is nearly 1.
    Error, one sigma: see `fits.model_average`, by the scatter of the runs, and that of s_t. Over 200 to 600
    repeats of 64 runs it held the published value in 66 to 76 % at one sigma, 93 to 99 % at two (d = 3 to
    8 and 13, sites and bonds, 64 generations). See benchmarks/thresholds.md.
    """
    if (sites := sums[:, -1, N].sum()) < FEWEST_SITES:
        raise ValueError(
            f"{sites:.0f} sites in the last generations are too few, {FEWEST_SITES} are needed; "
            "raise n_clusters or n_runs, or lower n_generations"
        )
    values = ratios(sums)
    m = values.mean(axis=0)
    sensitivity, relative = sensitivities(sums, bounds, lattice.d, p)
    growth_rates = np.log(p * m) + values / m - 1  # log(p m_t), linearised in the run
    deviations = growth_rates.std(axis=0, ddof=1) / math.sqrt(len(growth_rates))
    forms = [np.column_stack([sensitivity, terms]) for terms in _terms(lattice, bounds)]
    fits = fits_from_each_first(growth_rates, deviations, forms, fewest=(len(m) + 1) // 2 + 1)
    distance, error = model_average(fits)
    error = math.hypot(error, distance * relative)
    return Estimate(p * math.exp(-distance), p * error, "Leath, opened / tested with control variates")


def ratios(sums: np.ndarray) -> np.ndarray:
    """m_t of each window and run, (n_runs, n_windows): the mean over runs estimates it, the scatter is its error.

    m + (D - C beta) / mean N, with m = sum T / sum N, D = T - m N, and C the control variates; beta, the regression of
    D on C, is taken from the runs of the other folds, so that C beta keeps its zero mean.
    """
    m, D = _surplus(sums)
    left = np.empty_like(D)
    fold = np.arange(len(D)) % FOLDS
    for w in range(D.shape[1]):
        C = sums[:, w, CONTROLS if len(D) >= MANY_RUNS else FEW]
        for k in range(FOLDS):
            here = fold == k
            left[here, w] = D[here, w] - C[here] @ np.linalg.lstsq(C[~here], D[~here, w], rcond=None)[0]
    return m + left / sums[:, :, N].mean(axis=0)


def sensitivities(sums: np.ndarray, bounds: np.ndarray, d: int, p: float) -> tuple[np.ndarray, float]:
    """s_t = d log(p m_t) / d log p of each window, and its relative error; constant, or a power of t for d < 6.

    From the score S: d E[T - m N] / dp = E[(T - m N) S] at fixed m, with E[T - m N] = 0 at p.
    """
    m, D = _surplus(sums)
    S = sums[:, :, SCORE]
    of_runs = 1 + p * D * (S - S.mean(axis=0)) / (m * sums[:, :, N].mean(axis=0))
    mean, deviations = of_runs.mean(axis=0), of_runs.std(axis=0, ddof=1) / math.sqrt(len(of_runs))
    if d >= MEAN_FIELD:
        later = of_runs[:, of_runs.shape[1] // 2 :].mean(axis=1)
        constant = later.mean()
        return np.full(len(mean), constant), later.std(ddof=1) / math.sqrt(len(later)) / constant
    t = np.sqrt(bounds[:-1] * bounds[1:])
    return power(t / t[-1], mean, deviations)


def _surplus(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """m = sum T / sum N over all runs, (n_windows,), and T - m N of each run, (n_runs, n_windows)."""
    m = sums[:, :, T].sum(axis=0) / sums[:, :, N].sum(axis=0)
    return m, sums[:, :, T] - m * sums[:, :, N]


def _terms(lattice: Lattice, bounds: np.ndarray) -> list[np.ndarray]:
    """The terms in t of each fit, as means over the windows, (n_windows, n_terms)."""
    d, t = lattice.d, np.arange(bounds[0], bounds[-1], dtype=float)
    if lattice.is_hypercubic and d > MEAN_FIELD:
        one = loops.missing(d, int(bounds[-1]))[bounds[0] : bounds[-1]]
        two = one * t ** -min((d - MEAN_FIELD) / 2, 1)  # that share a stretch; t^-1 is what any form has next
        of_each = [np.array([one]), np.array([one, two])]
    else:
        of_each = [np.array([t**-w for w in of_one]) for of_one in POWERS.get(d, (((d - 4) / 2, (d - 2) / 2),))]
    return [(np.add.reduceat(terms, bounds[:-1] - bounds[0], axis=1) / np.diff(bounds)).T for terms in of_each]


def _sums(
    lattice: Lattice, kind: str, n_clusters: int, n_generations: int, p: float, seed: np.random.SeedSequence
) -> np.ndarray:
    """`window_sums` of the clusters of a run."""
    return window_sums(_clusters(lattice, p, kind, n_clusters, n_generations, seed), windows(n_generations))


def _clusters(
    lattice: Lattice, p: float, kind: str, n_clusters: int, n_generations: int, seed: np.random.SeedSequence
) -> growth.Leath:
    """Clusters limited by their generations only, so that means by generation are those of whole clusters."""
    return growth.leath(
        lattice,
        p,
        kind=kind,
        n_clusters=n_clusters,
        max_size=2**40,
        max_generations=n_generations,
        kin=lattice.d >= KIN_FROM,
        seed=seed,
    )


def _pilot(lattice: Lattice, kind: str, seed: np.random.SeedSequence) -> float:
    """p near p_c: that of an invasion, then by its growth over ever more generations.

    x = log(opened / opened before) of the last and the last but one octave of t is s log(p / p_c) + theta / t.
    """
    d = lattice.d
    start, *later = seed.spawn(1 + len(PILOTS))
    p = float(growth.invade(lattice, START, kind=kind, seed=start).ratio[-1])
    for (n_generations, n_clusters), child in zip(PILOTS.items(), later, strict=True):
        run = _clusters(lattice, p, kind, n_clusters, n_generations, child)
        half, quarter = n_generations // 2, n_generations // 4
        before, last = (
            math.log(p * run.tested[a + 1 : b + 1].sum() / run.opened[a:b].sum())
            for a, b in ((quarter, half), (half, n_generations))
        )
        drift = 2 * last - before if d < MEAN_FIELD else last
        p *= math.exp(-drift / SENSITIVITY.get(d, 1.0))
    return p
