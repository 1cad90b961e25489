"""Stationary isotropic covariances and the frequencies that make them: r(|x - y|), r(0) = 1."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, kve

from percolation import checks

LARGEST_NU = 100.0  # above, the Bessel function leaves the range of floats, and the field is Gaussian to 1 / nu


class Covariance(Protocol):
    """A covariance by distance, and its spectral measure."""

    @property
    def correlation_length(self) -> float:
        """xi with 1 / xi^2 = -r''(0)."""

    def __call__(self, r: ArrayLike) -> np.ndarray:
        """Correlation at the distances r."""

    def frequencies(self, n: int, d: int, rng: np.random.Generator) -> np.ndarray:
        """n angular frequencies of R^d drawn from the spectral measure, (n, d), in radians per unit of length."""


@dataclass(frozen=True)
class SquaredExponential:
    """exp(-r^2 / 2 xi^2), the Bargmann-Fock field; frequencies N(0, I / xi^2).

    xi: correlation length, 1 / xi^2 = -r''(0), exact.
    Source: Rasmussen and Williams, Gaussian Processes (2006), eq. 4.9.
    """

    xi: float

    def __post_init__(self) -> None:
        checks.positive("xi", self.xi)

    @property
    def correlation_length(self) -> float:
        return float(self.xi)

    def __call__(self, r: ArrayLike) -> np.ndarray:
        return np.exp(-0.5 * (np.asarray(r, dtype=float) / self.xi) ** 2)

    def frequencies(self, n: int, d: int, rng: np.random.Generator) -> np.ndarray:
        return rng.standard_normal((n, d)) / self.xi


@dataclass(frozen=True)
class Matern:
    """2^(1 - nu) / Gamma(nu) s^nu K_nu(s), s = sqrt(2 nu) r / length; frequencies a multivariate t of 2 nu degrees.

    nu: smoothness, 0 < nu <= 100; nu = 1/2 is exp(-r / length), nu -> infinity the squared exponential of xi = length.
    length: scale, in the units of the points; xi sqrt(nu / (nu - 1)) makes the correlation length xi.
    Source: Rasmussen and Williams, Gaussian Processes (2006), eqs. 4.14 and 4.15.
    """

    nu: float
    length: float

    def __post_init__(self) -> None:
        checks.positive("length", self.length)
        if checks.positive("nu", self.nu) > LARGEST_NU:
            raise ValueError(f"nu must be at most {LARGEST_NU:.0f}, got {self.nu}; use SquaredExponential above")

    @property
    def correlation_length(self) -> float:
        """length sqrt((nu - 1) / nu), from r = 1 - s^2 / 4 (nu - 1) + ...; 0 for nu <= 1, where -r''(0) is infinite."""
        return self.length * math.sqrt(max(self.nu - 1, 0.0) / self.nu)

    def __call__(self, r: ArrayLike) -> np.ndarray:
        s = np.sqrt(2 * self.nu) * np.asarray(r, dtype=float) / self.length
        with np.errstate(all="ignore"):  # s = 0, and where K_nu overflows: the expansion about 0 stands in
            logarithm = (
                (1 - self.nu) * math.log(2) - gammaln(self.nu) + self.nu * np.log(s) + np.log(kve(self.nu, s)) - s
            )
            far = np.exp(logarithm)
        near = 1 - (s**2 / (4 * (self.nu - 1)) if self.nu > 1 else 0.0)
        return np.where(np.isfinite(kve(self.nu, s)), far, near)

    def frequencies(self, n: int, d: int, rng: np.random.Generator) -> np.ndarray:
        normal = rng.standard_normal((n, d))
        return normal * np.sqrt(2 * self.nu / rng.chisquare(2 * self.nu, n))[:, None] / self.length
