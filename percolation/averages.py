"""From fixed n to fixed p: averages over the binomial number of open sites or bonds."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

from percolation import checks

WINDOW = 45.0  # weights summing to less than 2 exp(-45) = 6e-20 are left out


def canonical(values: ArrayLike, p: ArrayLike) -> np.ndarray:
    """Canonical average of what was recorded at fixed n.

    Q(p) = sum_n Binomial(n; M, p) Q_n, with M = values.shape[-1] - 1.

    values: Q_n along the last axis, n = 0 ... M sites or bonds open. p: occupation probability in [0, 1], any shape.
    Returns an array of shape values.shape[:-1] + p.shape, in the units of values.
    Error: rounding only, below 1e-10 relative up to M = 1e8. For the statistical error average every realisation and
    take the spread of the results: values at neighbouring n are correlated.
    Source: Newman and Ziff, Phys. Rev. E 64, 016706 (2001), Sec. II; a window of the weights instead of all of them.
    """
    values, p = np.asarray(values), checks.probabilities(p)
    if values.ndim == 0 or values.shape[-1] == 0:
        raise ValueError(f"values need an axis over n = 0 ... M, got shape {values.shape}")
    averages = np.empty(values.shape[:-1] + (p.size,))
    for k, one_p in enumerate(p.ravel()):
        first, weights = _binomial(values.shape[-1] - 1, float(one_p))
        averages[..., k] = values[..., first : first + len(weights)] @ weights
    return averages.reshape(values.shape[:-1] + p.shape)


@dataclass(frozen=True, eq=False)
class FirstSteps:
    """For every realisation of one size, the number of open sites or bonds at which a cluster first wraps or spans."""

    n: np.ndarray  # (n_realisations,) int64 in 0 ... n_steps; n_steps + 1 where it never happens
    n_steps: int  # sites or bonds there are to open

    def __post_init__(self) -> None:
        checks.integer("n_steps", self.n_steps, at_least=1)
        if self.n.ndim != 1 or len(self.n) == 0 or self.n.dtype.kind not in "iu":
            raise ValueError(f"first steps must be a row of integers, got {self.n.dtype} of shape {self.n.shape}")
        if self.n.min() < 0 or self.n.max() > self.n_steps + 1:
            raise ValueError(f"first steps must lie in 0 ... {self.n_steps + 1}, got {self.n.min()} ... {self.n.max()}")

    def probability(self, p: ArrayLike) -> np.ndarray:
        """R(p) of every realisation: chance that it wraps with each of its sites or bonds open with probability p.

        R(p) = P(n >= n_first), n ~ Binomial(n_steps, p): the canonical average of a step function.
        p: any shape. Returns (n_realisations,) + shape of p; the mean over realisations is the estimate.
        """
        p = checks.probabilities(p)
        columns = (-1, *[1] * p.ndim)
        return binom.sf(self.n.reshape(columns) - 1, self.n_steps, p)

    def slope(self, p: float) -> float:
        """dR/dp = <n_first P(n = n_first)> / p, averaged over the realisations."""
        return float((self.n * binom.pmf(self.n, self.n_steps, p)).mean() / p)


def _binomial(M: int, p: float) -> tuple[int, np.ndarray]:
    """First n and the weights Binomial(n; M, p) of a window outside which they do not count; they sum to 1.

    Bernstein: P(|n - M p| > t) <= 2 exp(-t^2 / (2 M p (1 - p) + 2 t / 3)), solved for the exponent WINDOW.
    """
    if p in (0.0, 1.0):
        return round(M * p), np.ones(1)
    reach = WINDOW / 3 + math.sqrt((WINDOW / 3) ** 2 + 2 * WINDOW * M * p * (1 - p))
    first, last = max(0, math.floor(M * p - reach)), min(M, math.ceil(M * p + reach))
    n = np.arange(first, last, dtype=float)
    # ratios of neighbours, not lgamma: at M = 1e8 lgamma has lost seven digits to its own size
    log_weights = np.concatenate([[0.0], np.cumsum(np.log((M - n) / (n + 1)) + math.log(p) - math.log1p(-p))])
    weights = np.exp(log_weights - log_weights.max())
    return first, weights / weights.sum()
