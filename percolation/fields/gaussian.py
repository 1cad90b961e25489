"""Stationary Gaussian fields: by random Fourier features, which are evaluated anywhere."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from percolation import checks
from percolation._kernels import fields as kernels
from percolation.fields.covariances import Covariance
from percolation.fields.field import OnePointLaw, checked_points
from percolation.seeds import Seed, generator


@dataclass(frozen=True, eq=False)
class FourierField:
    """M waves of random direction and phase, f(x) = sqrt(2 / M) sum_j cos(w_j.x + b_j), |f| <= sqrt(2 M).

    Over draws of w and b the covariance is `kernel` exactly, and the law tends to a Gaussian one, excess kurtosis
    -3 / 2M. In one draw, averages over space miss those over draws by about M^(-1/2): redraw for each sample.
    w_j = 2 pi turns[:, j]: in turns a phase loses its whole part without error, so f is as exact at |x| = 10^6 as at 1,
    but for the rounding of w.x, 10^-16 |w.x|.
    Same bits for any split of the points into batches: sums run in a fixed order, not in BLAS.
    Source: Rahimi and Recht, Advances in Neural Information Processing Systems 20 (2007).
    """

    kernel: Covariance
    turns: np.ndarray  # (d, M), frequencies w / 2 pi
    offsets: np.ndarray  # (M,), phases b / 2 pi

    @property
    def d(self) -> int:
        return len(self.turns)

    @property
    def n_features(self) -> int:
        """M."""
        return len(self.offsets)

    @property
    def law(self) -> OnePointLaw:
        """Mean 0, variance 1, excess kurtosis -3 / 2M, all exact; normal as M grows."""
        m = self.n_features
        return OnePointLaw(0.0, 1.0, -3 / (2 * m), f"normal as M grows, a sum of {m} cosines")

    @property
    def correlation_length(self) -> float:
        """xi of the kernel, 1 / xi^2 = -r''(0): in the units of the points, exact."""
        return self.kernel.correlation_length

    def covariance(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Covariance of f(x_i) and f(y_j) over draws, (n, m) for x (n, d) and y (m, d): kernel(|x_i - y_j|), exact."""
        return self.kernel(cdist(checked_points(x, self.d), checked_points(y, self.d)))

    def __call__(self, points: ArrayLike) -> np.ndarray:
        """f at points (n, d), as (n,). Cost: see benchmarks/fields.md."""
        array = checked_points(points, self.d)
        values = np.empty(len(array))
        kernels.fourier_values(array, self.turns, self.offsets, values)
        return values

    def with_gradient(self, points: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """f (n,), the same bits as without, and its gradient (n, d), -sqrt(2 / M) sum_j w_j sin(w_j.x + b_j)."""
        array = checked_points(points, self.d)
        values, gradient = np.empty(len(array)), np.zeros_like(array)
        kernels.fourier_gradient(array, self.turns, self._by_feature, self.offsets, values, gradient)
        return values, gradient

    @cached_property
    def _by_feature(self) -> np.ndarray:
        """turns, (M, d), a feature a row: the gradient sums over features as the phase does over coordinates."""
        return np.ascontiguousarray(self.turns.T)


def gaussian(d: int, kernel: Covariance, *, n_features: int = 400, seed: Seed) -> FourierField:
    """Draw a stationary Gaussian field of mean 0 and variance 1 on R^d, see `FourierField`.

    d: dimension; memory is 8 d M bytes, twice that with gradients. kernel: `SquaredExponential(xi)` or
    `Matern(nu, length)`. n_features: M; the field is Gaussian up to an excess kurtosis of -3 / 2M.
    """
    d, n_features = checks.integer("d", d, at_least=1), checks.integer("n_features", n_features, at_least=1)
    rng = generator(seed)
    turns = kernel.frequencies(n_features, d, rng) / (2 * math.pi)
    return FourierField(kernel, np.ascontiguousarray(turns.T), rng.random(n_features))
