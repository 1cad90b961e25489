"""Activations of wide networks: their Gaussian moments, on which the recursion of the wide limit stands.

moment(q, q', rho) = E phi(u) phi(v) for (u, v) normal of mean 0, variances q, q' and correlation rho.
"""

import math
from functools import lru_cache
from typing import Protocol

import numpy as np
from scipy.special import erf

ORDER = 256  # Hermite polynomials of tanh that are kept, the odd ones
# the trapezoidal rule errs by exp(-2 pi a / step) for a function analytic up to the distance a from the line, and
# tanh(sqrt(q) z) is up to pi / 2 sqrt(q): 1e-27 at q = 100. Gauss and Hermite's 512 nodes err by 1e-8 at q = 20
INTEGRATED_TO, NODES = 12.5, 1601  # there h_k exp(-z^2 / 2) is below 1e-16 for k < ORDER


class Activation(Protocol):
    """phi, its slope, and Gaussian averages."""

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """phi(z)."""

    def slope(self, z: np.ndarray) -> np.ndarray:
        """phi'(z)."""

    def square(self, q: np.ndarray) -> np.ndarray:
        """E phi(u)^2, u normal of variance q."""

    def slope_square(self, q: np.ndarray) -> np.ndarray:
        """E phi'(u)^2."""

    def moment(self, q_x: np.ndarray, q_y: np.ndarray, rho: np.ndarray) -> np.ndarray:
        """E phi(u_i) phi(v_j), (n, m), for variances (n,) and (m,) and correlations (n, m)."""


class Relu:
    """max(z, 0): the arc-cosine kernel of order 1, in closed form.

    moment = sqrt(q q') (sqrt(1 - rho^2) + (pi - arccos rho) rho) / 2 pi.
    Source: Cho and Saul, Advances in Neural Information Processing Systems 22 (2009).
    """

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return np.maximum(z, 0.0)

    def slope(self, z: np.ndarray) -> np.ndarray:
        return (z > 0).astype(z.dtype)

    def square(self, q: np.ndarray) -> np.ndarray:
        return q / 2

    def slope_square(self, q: np.ndarray) -> np.ndarray:
        return np.full_like(q, 0.5)

    def moment(self, q_x: np.ndarray, q_y: np.ndarray, rho: np.ndarray) -> np.ndarray:
        sine = np.sqrt((1 - rho) * (1 + rho))
        scale = np.sqrt(q_x)[:, None] * np.sqrt(q_y) / (2 * math.pi)
        return scale * (sine + (math.pi - np.arccos(rho)) * rho)


class Tanh:
    """tanh z: its moments by Hermite series, E phi(u) phi(v) = sum_k a_k(q) a_k(q') rho^k (Mehler).

    a_k(q) = E tanh(sqrt(q) z) h_k(z), h_k the orthonormal Hermite polynomials, k odd below 256; what is left of E
    phi(u)^2 is put at k = 257, so that a point has its variance and the matrix of many stays positive. Error: below
    the rest, which is 1e-14, 2e-11, 1e-5 and 2e-3 for q = 1, 4, 20 and 100 (the larger q, the more tanh is a step),
    times rho^257, and 0 at rho = 1, q = q'.
    """

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return np.tanh(z)

    def slope(self, z: np.ndarray) -> np.ndarray:
        return 1 - np.tanh(z) ** 2

    def square(self, q: np.ndarray) -> np.ndarray:
        z, weights = nodes()
        return np.tanh(np.sqrt(q)[..., None] * z) ** 2 @ weights

    def slope_square(self, q: np.ndarray) -> np.ndarray:
        z, weights = nodes()
        return self.slope(np.sqrt(q)[..., None] * z) ** 2 @ weights

    def moment(self, q_x: np.ndarray, q_y: np.ndarray, rho: np.ndarray) -> np.ndarray:
        a_x, a_y, square = self.coefficients(q_x), self.coefficients(q_y), rho * rho
        series = np.zeros_like(rho)
        for k in range(a_x.shape[1] - 1, -1, -1):  # Horner, the highest power first
            series *= square
            series += a_x[:, k, None] * a_y[:, k]
        rest = np.sqrt(self.rest(q_x, a_x))[:, None] * np.sqrt(self.rest(q_y, a_y))
        return series * rho + rest * rho ** (ORDER + 1)

    def rest(self, q: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """E phi(u)^2 less the part of the coefficients."""
        return np.maximum(self.square(q) - (coefficients**2).sum(axis=1), 0.0)

    def coefficients(self, q: np.ndarray) -> np.ndarray:
        """a_k(q) for k = 1, 3, 5, ..., (n, ORDER / 2)."""
        z, weights = nodes()
        return np.tanh(np.sqrt(q)[:, None] * z) @ (weights * odd_hermite()).T


class Erf:
    """The error function: moment = (2 / pi) arcsin(2 rho (q q')^(1/2) / ((1 + 2 q) (1 + 2 q'))^(1/2)).

    Source: Williams, Neural Computation 10, 1203 (1998).
    """

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return erf(z)

    def slope(self, z: np.ndarray) -> np.ndarray:
        return 2 / math.sqrt(math.pi) * np.exp(-(z**2))

    def square(self, q: np.ndarray) -> np.ndarray:
        return 2 / math.pi * np.arcsin(2 * q / (1 + 2 * q))

    def slope_square(self, q: np.ndarray) -> np.ndarray:
        return 4 / math.pi / np.sqrt(1 + 4 * q)

    def moment(self, q_x: np.ndarray, q_y: np.ndarray, rho: np.ndarray) -> np.ndarray:
        x, y = (np.sqrt(2 * q / (1 + 2 * q)) for q in (q_x, q_y))
        return 2 / math.pi * np.arcsin(rho * x[:, None] * y)


class Sine:
    """sin z: moment = exp(-(q + q') / 2) sinh(rho (q q')^(1/2))."""

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return np.sin(z)

    def slope(self, z: np.ndarray) -> np.ndarray:
        return np.cos(z)

    def square(self, q: np.ndarray) -> np.ndarray:
        return -np.expm1(-2 * q) / 2

    def slope_square(self, q: np.ndarray) -> np.ndarray:
        return (1 + np.exp(-2 * q)) / 2

    def moment(self, q_x: np.ndarray, q_y: np.ndarray, rho: np.ndarray) -> np.ndarray:
        middle, covariance = (q_x[:, None] + q_y) / 2, rho * np.sqrt(q_x)[:, None] * np.sqrt(q_y)
        return (np.exp(covariance - middle) - np.exp(-covariance - middle)) / 2


@lru_cache(maxsize=1)
def nodes() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of E f(z), z standard normal."""
    z = np.linspace(-INTEGRATED_TO, INTEGRATED_TO, NODES)
    weights = np.exp(-(z**2) / 2)
    return z, weights / weights.sum()


@lru_cache(maxsize=1)
def odd_hermite() -> np.ndarray:
    """h_k at the nodes for k = 1, 3, 5, ..., (ORDER / 2, NODES), by h_(k+1) = (z h_k - sqrt(k) h_(k-1)) / sqrt(k+1)."""
    z, _ = nodes()
    rows = [np.ones_like(z), z]
    for k in range(1, ORDER - 1):
        rows.append((z * rows[k] - math.sqrt(k) * rows[k - 1]) / math.sqrt(k + 1))
    return np.array(rows[1::2])


ACTIVATIONS: dict[str, Activation] = {"relu": Relu(), "tanh": Tanh(), "erf": Erf(), "sin": Sine()}
