"""p_c of a lattice where the wrapping (or spanning) probabilities of two sizes cross."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import brentq

from percolation.averages import FirstSteps
from percolation.quantities import Estimate

FEWEST = 10  # realisations of a size, whose scatter gives the error


def crossing(smaller: FirstSteps, larger: FirstSteps) -> Estimate:
    """The p at which two sizes wrap with equal probability; it tends to p_c as they grow.

    Error, one sigma: of R_larger - R_smaller over the realisations, divided by the difference of the slopes.
    Finite sizes shift it by L^(-1/nu - omega); `crossing_threshold` looks at several sizes for that.
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
    slope = larger.slope(p) - smaller.slope(p)
    return Estimate(float(p), float(np.sqrt(variance) / slope), "crossing of wrapping probabilities")


def crossing_threshold(sizes: Sequence[FirstSteps]) -> Estimate:
    """p_c from three or more sizes, smallest first: the crossing of the two largest.

    Error: its own, and in squares the shift from the crossing before it, less what chance explains of that: the
    shift still to come is smaller, since it falls as a power of the size.
    """
    if len(sizes) < 3:
        raise ValueError(f"three sizes at least are needed to see the finite-size shift, got {len(sizes)}")
    before, last = crossing(sizes[-3], sizes[-2]), crossing(sizes[-2], sizes[-1])
    by_chance = before.error**2 + last.error**2
    systematic = max((last.value - before.value) ** 2 - by_chance, 0.0)
    return Estimate(last.value, float(np.hypot(last.error, np.sqrt(systematic))), last.method)


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
