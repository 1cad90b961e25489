"""p_c of a lattice where the wrapping (or spanning) probabilities of two sizes cross."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import brentq

from percolation import seeds, sweeps
from percolation.averages import FirstSteps
from percolation.lattices import Box, Lattice
from percolation.quantities import Estimate
from percolation.scaling.budget import Budget, Simulated
from percolation.scaling.fits import model_average, points_fit

FEWEST = 10  # realisations of a size, whose scatter gives the error
RUNS = 400  # if nothing else is said
FEWEST_SIZES = 3  # tell a shift
FEWEST_RUNS = 100  # below, the slopes at the crossing are hardly known
MOST_SITES, SMALLEST_SIDE = 2**14, 3  # of the largest torus, of the smallest


def crossing(smaller: FirstSteps, larger: FirstSteps) -> Estimate:
    """The p at which two sizes wrap with equal probability; it tends to p_c as they grow.

    Error, one sigma: of R_larger - R_smaller over the realisations, divided by the difference of the slopes.
    Finite sizes shift it by L^(-1/nu - omega); `last_crossing` looks at several sizes for that.
    Source: Binder, Z. Phys. B 43, 119 (1981); wrapping as by Newman and Ziff, Phys. Rev. E 64, 016706 (2001).
    """

    def difference(p: float) -> float:
        return float(larger.probability(p).mean() - smaller.probability(p).mean())

    fewest = min(len(smaller.n), len(larger.n))
    if fewest < FEWEST:
        raise ValueError(f"the error is the scatter of at least {FEWEST} realisations of each size, got {fewest}")
    low, high = _bracket(smaller, larger, difference)
    p = brentq(difference, low, high, xtol=1e-14, rtol=1e-13)
    variance = sum(one.probability(p).var(ddof=1) / len(one.n) for one in (smaller, larger))
    error = np.sqrt(variance) / _slope(smaller, larger, p)
    return Estimate(float(p), float(error), "crossing, wrapping probabilities")


def _slope(smaller: FirstSteps, larger: FirstSteps, p: float) -> float:
    """d(R_larger - R_smaller)/dp."""
    return larger.slope(p) - smaller.slope(p)


def last_crossing(sizes: Sequence[FirstSteps], lengths: Sequence[float]) -> Estimate:
    """p_c from three or more sizes, smallest first, with their lengths: the last three, with a shift and without.

    R_L = R + (p - p_c) S_L + b / L with the slopes S_L = dR_L / dp, at the p where the two largest cross. Either b = 0,
    and these two alone count, or b is there, and all three do: both have equal odds, and nothing is left to tell them
    apart by. Corrections fall as 1 / L or faster: so p_c of a faster one lies between the two.
    Error: of the average, see `fits.model_average`. Over 120 invented sets of three sizes it held the truth in 65 to
    69 % at one sigma, in 96 to 98 % at two, without a shift and with shifts of half an error to several.
    """
    if len(sizes) < FEWEST_SIZES or len(sizes) != len(lengths):
        raise ValueError(
            "three sizes at least, with a length each, are needed to see the finite-size shift, "
            f"got {len(sizes)} and {len(lengths)}"
        )
    three, L = sizes[-FEWEST_SIZES:], np.array(lengths[-FEWEST_SIZES:], dtype=float)
    if not (L[0] > 0 and (np.diff(L) > 0).all()):
        raise ValueError(f"lengths must be positive and increasing, got {L}")
    last = crossing(*three[1:])
    R = [one.probability(last.value) for one in three]
    values, errors = np.array([(one.mean(), one.std(ddof=1) / np.sqrt(len(one))) for one in R]).T
    plain = np.stack([[one.slope(last.value) for one in three], np.ones(len(L))], axis=1)
    with_shift = np.column_stack([plain, L[0] / L])
    fits = [points_fit(plain, values, errors, first=1), points_fit(with_shift, values, errors)]
    distance, error = model_average(fits)
    return Estimate(last.value - distance, error, "crossing, wrapping probabilities")


@dataclass(frozen=True, eq=False)
class CrossingThreshold(Simulated):
    """p_c with the sweeps it came from."""

    d: int
    sizes: tuple[int, ...]
    first: np.ndarray  # (n_runs, n_sizes) int64, see `FirstSteps`


def simulate(
    lattice: Lattice,
    kind: str,
    budget: Budget,
    seed: seeds.Seed,
    *,
    sizes: Sequence[int] | None = None,
    periodic: bool = True,
) -> CrossingThreshold:
    """p_c of a lattice from sweeps of its tori in three or more sizes, see `last_crossing`; a run is one of each.

    sizes: sides, increasing, three at least; if absent 1/4, 1/2 and all of the side that MOST_SITES have, or the next
    three below it. periodic=False: boxes with open faces and clusters that span them, instead of tori and clusters that
    wrap: its shifts are larger.
    """
    sizes = _sizes(lattice) if sizes is None else tuple(sizes)
    boxes = tuple(lattice.box(L, periodic) for L in sizes)
    n_steps = [box.n_sites if kind == "site" else box.n_bonds for box in boxes]

    def estimate(first: np.ndarray) -> Estimate:
        return last_crossing([FirstSteps(n, M) for n, M in zip(first.T, n_steps, strict=True)], sizes)

    label = f"{lattice.name}, d = {lattice.d} {kind}"
    first = budget.collect(seeds.sequence(seed), partial(_first_steps, boxes, kind), estimate, label)
    found = estimate(first)
    return CrossingThreshold(found.value, found.error, found.method, kind, seed, len(first), lattice.d, sizes, first)


def _first_steps(boxes: Sequence[Box], kind: str, seed: np.random.SeedSequence) -> np.ndarray:
    """Step at which a cluster first wraps or spans along any axis, in a sweep of each box, (n_boxes,)."""
    sweep = sweeps.site_sweep if kind == "site" else sweeps.bond_sweep
    followed = "wrapping" if all(boxes[0].is_periodic) else "spanning"
    return np.array(
        [
            sweep(box, n_realisations=1, seed=seeds.child(seed, k), observables=(followed,), progress=False)
            .first_steps(followed)
            .n[0]
            for k, box in enumerate(boxes)
        ]
    )


def _sizes(lattice: Lattice) -> tuple[int, ...]:
    largest = int((MOST_SITES / lattice.n_basis) ** (1 / lattice.d) + 1e-9)
    if largest < SMALLEST_SIDE + 2:
        raise ValueError(
            f"three tori of at most {MOST_SITES} sites do not fit into d = {lattice.d}; use invasion or leath"
        )
    return (
        (largest // 4, largest // 2, largest)
        if largest >= 4 * SMALLEST_SIDE
        else tuple(range(largest - 2, largest + 1))
    )


def _bracket(smaller: FirstSteps, larger: FirstSteps, difference: Callable[[float], float]) -> tuple[float, float]:
    """An interval where the larger size goes from wrapping less often to wrapping more often."""
    middle = np.median(larger.n) / larger.n_steps
    width = np.quantile(smaller.n, [0.25, 0.75]) / smaller.n_steps
    reach = max(width[1] - width[0], 1 / smaller.n_steps)
    grid = np.clip(np.linspace(middle - 2 * reach, middle + 2 * reach, 41), 1e-12, 1 - 1e-12)
    signs = np.sign([difference(p) for p in grid])
    rising = np.nonzero((signs[:-1] < 0) & (signs[1:] > 0))[0]
    if len(rising) == 0:
        raise ValueError(
            "the wrapping probabilities of the two sizes do not cross near their medians; "
            "take more realisations, or sizes further apart"
        )
    nearest = rising[np.argmin(np.abs(grid[rising] - middle))]
    return float(grid[nearest]), float(grid[nearest + 1])
