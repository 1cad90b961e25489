"""Where smooth level sets, classes and cells may percolate: zeros of their mean Euler characteristic.

Far above the threshold of percolation a set is many blobs and its Euler characteristic positive; where they join into a
web of handles it is negative. The last change of sign has been proposed as an estimate of the threshold (Neher, Mecke
and Wagner, J. Stat. Mech. P01011, 2008). It needs no simulation, in any dimension, and it is an estimate: the standing
of every zero here. Against what this project measured (`simulated`) the level of a Gaussian field lies too low by 0.2
to 0.5 standard deviations in d = 3 to 7, and cells are too dense by 4 % in d = 2, by a factor near 2 in high d.

Mean characteristics are those of the Gaussian kinematic formula (Adler and Taylor, Random Fields and Geometry, 2007):
    E chi = sum_j L_j(space) rho_j,
L_j the Lipschitz-Killing curvatures of the space, lengths in units of the correlation length xi, 1/xi^2 = -r''(0), and
rho_j the densities of the set, with probabilists' Hermite polynomials H_j
    {f >= u}:  rho_0 = 1 - Phi(u),  rho_j = (2 pi)^(-(j+1)/2) H_(j-1)(u) exp(-u^2 / 2).
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import dawsn, eval_hermitenorm, gammaln, log_ndtr, ndtr, ndtri, roots_hermitenorm

from percolation import checks
from percolation.quantities import Published, Threshold

MOST_DIMENSIONS = 10_000
MOST_CLASS_DIMENSIONS = 12  # beyond, C is above 10^8
BEYOND = 0.53  # standard deviations by which simulated levels lie further out, at most, in d = 3 to 7
_FLOODS = (
    "this project: 16 floods of 2^16 sites of Z^d at xi = 1, 1.5, 2, 3, 4 cells, extrapolated to xi -> infinity; "
    "percolation figures dimension_scaling/smooth_levels --full --seed 0"
)
_LARGE_FLOODS = (
    "this project: 16 floods of 2^19 sites of Z^d at xi = 1, 1.5, 2, 3, 4, 6 cells, extrapolated to xi -> infinity; "
    "scaling.grown_level(d, xis=(1, 1.5, 2, 3, 4, 6), n_sites=2**19, seed=9000 + 100 * d)"
)
# critical level, its error and how; floods of 2^16 say 1.22(5) and 2.13(8) in d = 3 and 4, tori 1.27(9) and 2.06(12)
SIMULATED = {
    3: Published(1.256, 0.015, _LARGE_FLOODS),
    4: Published(2.052, 0.017, _LARGE_FLOODS),
    5: Published(2.759, 0.093, _FLOODS),
    6: Published(3.38, 0.20, _FLOODS),
    7: Published(3.72, 0.11, _FLOODS),
}
_KINEMATIC = "estimate: zero of the mean Euler characteristic, Gaussian kinematic formula (Adler and Taylor 2007)"


@lru_cache
def gaussian_level(d: int) -> float:
    """u_d, the largest zero of H_(d-1): the last level at which the mean Euler characteristic changes sign on R^d.

    0, 1, 3^(1/2), 2.334, 2.857, 3.324 for d = 2 to 7; about 2 d^(1/2) for large d. In standard deviations.
    """
    d = checks.integer("d", d, at_least=2)
    if d > MOST_DIMENSIONS:
        raise ValueError(f"d must be at most {MOST_DIMENSIONS}, got {d}; u is about 2 d^(1/2)")
    return max(float(roots_hermitenorm(d - 1)[0].max()), 0.0)


def gaussian(d: int) -> Threshold:
    """Critical occupation of a smooth stationary Gaussian field on R^d, estimated as 1 - Phi(u_d), `gaussian_level`.

    0.5, 0.1587, 0.04163, 0.009787, 0.002139, 0.0004433 for d = 2 to 7: about exp(-2d). No property of the covariance
    enters but that it is smooth.
    Error: what a level further out by 0.53 would make, the largest difference to simulated ones in d = 3 to 7; none in
    d = 2, where level 0 is proved to be critical (Rivera and Vanneuville 2020, Muirhead and Vanneuville 2020).
    """
    u = gaussian_level(d)
    return _estimate(u) if d > 2 else Threshold(0.5, 0.0, "proved: level 0, Rivera and Vanneuville 2020")


def simulated_level(d: int) -> Published:
    """Critical level of the field of covariance exp(-r^2 / 2 xi^2) on R^d, d = 3 to 7, in standard deviations.

    1.256(15), 2.052(17), 2.759(93), 3.38(20), 3.72(11), by `scaling.grown_level`; in d = 2 it is 0, proved.
    Error: of the floods and of their limit in fine cells, whose coverage is tested. On cells of xi / 2 the level is
    lower, 1.924(7) in d = 4; and in boxes lower still: the 0.0309(10) of boxes 20 xi wide with open faces, u = 1.87,
    falls with their size to 0.026(3), u = 1.94(4). Other smooth covariances have other levels, and the zero of the
    Euler characteristic in common.
    """
    if checks.integer("d", d, at_least=2) not in SIMULATED:
        raise ValueError(f"no level was simulated for d={d}, the table has d = 3..7; simulate it: scaling.grown_level")
    return SIMULATED[d]


def simulated(d: int) -> Threshold:
    """Critical occupation Phi(-u) of the same, u of `simulated_level`."""
    level = simulated_level(d)
    density = math.exp(-(level.value**2) / 2) / math.sqrt(2 * math.pi)
    return Threshold(float(ndtr(-level.value)), level.error * density, level.source)


def gaussian_density(d: int, u: float) -> float:
    """Mean Euler characteristic of {f >= u} in a volume xi^d of R^d, rho_d(u)."""
    return _density(checks.integer("d", d, at_least=1), checks.finite("u", u))


def sphere_level(d: int, xi: float) -> float:
    """Largest zero in u of `sphere_characteristic`; for xi -> 0 that of R^(d-1).

    d: dimension of the space around the sphere S^(d-1), 3 or more. xi: correlation length, in radians.
    An error where the characteristic does not change sign: xi is then so large that the sphere is one blob.
    """
    d, xi = checks.integer("d", d, at_least=3), checks.positive("xi", xi)
    top = gaussian_level(d) + 1
    levels = np.linspace(top, -top, 50 * (1 + int(top)))
    return _last_change(lambda u: sphere_characteristic(d, xi, u) * math.exp(u**2 / 2), levels, f"S^{d - 1} at {xi=:g}")


def sphere(d: int, xi: float) -> Threshold:
    """Critical occupation of a smooth isotropic Gaussian field on the sphere S^(d-1), as 1 - Phi(`sphere_level`).

    A wide random network is such a field where its input is kept to a sphere. Error: as of `gaussian`.
    """
    return _estimate(sphere_level(d, xi))


def sphere_characteristic(d: int, xi: float, u: float) -> float:
    """Mean Euler characteristic of {f >= u} on the sphere S^n, n = d - 1, of radius 1.

    sum_j L_j xi^-j rho_j(u),  L_j = 2 binom(n, j) s_(n+1) / s_(n+1-j) for n - j even and 0 otherwise,
    s_k = 2 pi^(k/2) / Gamma(k/2) the area of S^(k-1).
    """
    n = checks.integer("d", d, at_least=2) - 1
    xi, u = checks.positive("xi", xi), checks.finite("u", u)
    logs = {j: _log_area(n + 1) - _log_area(n + 1 - j) - j * math.log(xi) for j in range(n % 2, n + 1, 2)}
    return sum(2 * math.comb(n, j) * math.exp(log) * _density(j, u) for j, log in logs.items())


def classes_number(d: int) -> float:
    """The number C of classes, not whole, at which the mean Euler characteristic of one class changes sign on R^d.

    2, 7.52, 34.4, 173, 919, 5055 for d = 2 to 7: more classes than that are blobs.
    """
    if checks.integer("d", d, at_least=2) == 2:
        return 2.0
    if d > MOST_CLASS_DIMENSIONS:
        raise ValueError(f"d must be at most {MOST_CLASS_DIMENSIONS}, got {d}; beyond, C is above 10^8")
    numbers = np.geomspace(math.exp(2 * d + 2), d, 40 * d)
    return _last_change(lambda C: classes_density(d, C), numbers, f"R^{d}")


def classes(d: int) -> Threshold:
    """Critical occupation 1/C of the region where one of C independent smooth Gaussian fields on R^d is the largest.

    0.5, 0.1329, 0.0290, 0.00577, 0.00109, 0.000198 for d = 2 to 7, from `classes_number`. Error: as of `gaussian`, the
    difference that 0.53 standard deviations make at this occupation; none in d = 2, where two classes are level 0.
    """
    value = 1 / classes_number(d)
    further = float(ndtr(float(ndtri(value)) - BEYOND))
    return Threshold(value, value - further if d > 2 else 0.0, _KINEMATIC)


def classes_density(d: int, C: float) -> float:
    """Mean Euler characteristic of {f_1 >= f_2, ..., f_C} in a volume xi^d of R^d, C independent fields.

    (2 pi)^(-d/2) M_d, M_d the d-th derivative at 0 of the Gaussian measure of the cone's tube of radius r. The distance
    to a convex cone is chi_m, m degrees of freedom, with probability v_(C-m), its conic intrinsic volumes (McMullen
    1975; in statistics those of the simple tree order):
        M_d = sum over m = d, d-2, ... >= 1 of v_(C-m) 2^(1-m/2) / Gamma(m/2) (-1/2)^i / i! (d-1)!,  i = (d-m)/2,
        v_(C-m) = binom(C-1, m) P_m Q_m,  P_m that m of m + 1 normal numbers lie above the mean of all of them,
        Q_m = int phi(x) Phi(x / (m+1)^(1/2))^(C-1-m) dx that the others lie below it.
    C may be any real number from 2 on: factorials are Gamma functions.
    """
    d, C = checks.integer("d", d, at_least=2), checks.finite("C", C)
    if C < 2:
        raise ValueError(f"C must be at least 2 classes, got {C:g}")
    total = 0.0
    for m in range(d, 0, -2):
        i = (d - m) // 2
        chi = math.exp((1 - m / 2) * math.log(2) - gammaln(m / 2) - gammaln(i + 1) + gammaln(d) - i * math.log(2))
        total += (-1) ** i * chi * conic_volume(C, m)
    return float(total * (2 * math.pi) ** (-d / 2))


def conic_volume(C: float, m: int) -> float:
    """v_(C-m) of the cone {z_1 >= z_j} in R^C: chance that a normal vector's nearest point ties z_1 with m others."""
    if m > C - 1:
        return 0.0
    x, weight = _normal_grid()
    others = float(np.sum(weight * np.exp((C - 1 - m) * log_ndtr(x / math.sqrt(m + 1)))))
    return math.exp(gammaln(C) - gammaln(m + 1) - gammaln(C - m)) * _all_above_mean(m) * others


def cells(d: int) -> Threshold:
    """Critical occupation of independent cells of Z^d, faces adjacent: the smallest zero of `cells_density`.

    0.618, 0.394, 0.284, 0.222, 0.182, 0.154 for d = 2 to 7, and 1/d in high d. No good estimate: p_c is 0.593, 0.312,
    0.197, 0.141, 0.109, 0.089, and 1/(2d). Error: the distance to the lower bound 1/(2d-1) of p_c.
    """
    d = checks.integer("d", d, at_least=2)
    if d > MOST_DIMENSIONS:
        raise ValueError(f"d must be at most {MOST_DIMENSIONS}, got {d}; the zero is about 1/d")
    # beyond the first few, powers of p near 1/d are nothing
    zero = _last_change(lambda p: cells_density(d, p) / p, np.linspace(0.2, 2, 200) / d, f"Z^{d}")
    source = "estimate: zero of the mean Euler characteristic of open cells, lattice polynomial (Neher et al. 2008)"
    return Threshold(zero, zero - 1 / (2 * d - 1), source)


def cells_density(d: int, p: float) -> float:
    """Mean Euler characteristic a site of the open sites of Z^d; a cube of it is filled where all its corners are open.

    sum_k (-1)^k binom(d, k) p^(2^k), k = 0 ... d.
    """
    d = checks.integer("d", d, at_least=1)
    p = float(checks.probabilities(p))
    total = 0.0
    for k in range(d + 1):
        if k > 6 and p ** (2.0**k) < 1e-300:
            break
        total += (-1) ** k * math.comb(d, k) * p ** (2**k)
    return total


def _estimate(u: float) -> Threshold:
    value = float(ndtr(-u))
    return Threshold(value, value - float(ndtr(-u - BEYOND)), _KINEMATIC)


def _density(j: int, u: float) -> float:
    """rho_j(u) of {f >= u}."""
    if j == 0:
        return float(ndtr(-u))
    return float((2 * math.pi) ** (-(j + 1) / 2) * eval_hermitenorm(j - 1, u) * math.exp(-(u**2) / 2))


def _log_area(k: int) -> float:
    """ln of the area of S^(k-1)."""
    return float(math.log(2) + k / 2 * math.log(math.pi) - gammaln(k / 2))


def _last_change(function: Callable[[float], float], points: np.ndarray, where: str) -> float:
    """The zero between the first two neighbours of points at which the function has other signs."""
    before = function(float(points[0]))
    for high, low in zip(points[:-1], points[1:], strict=True):
        after = function(float(low))
        if before * after <= 0:
            return float(brentq(function, float(low), float(high), xtol=1e-14, rtol=1e-13))
        before = after
    raise ValueError(f"the mean Euler characteristic does not change sign on {where}, so there is no estimate")


@lru_cache
def _all_above_mean(m: int) -> float:
    """P_m, chance that m of m + 1 independent normal numbers lie above the mean of all: 1, 1/2, 1/6, 0.04387, ...

    They less the mean have covariances -1/(m+1), those of Y_j + i T / (m+1)^(1/2) with Y_j, T independent normal:
    P_m = E Phi(i T / (m+1)^(1/2))^m, and Phi(iy) = 1/2 + i exp(y^2 / 2) D(y / 2^(1/2)) / pi^(1/2), D Dawson's function.
    """
    if m == 0:
        return 1.0
    T = np.linspace(0, 40, 8001) * math.sqrt(m + 1)
    y = T / math.sqrt(2 * (m + 1))
    factor = (0.5 * np.exp(-(y**2)) + 1j * dawsn(y) / math.sqrt(math.pi)) ** m
    whole = np.exp(-(y**2)) * factor.real  # exp(-T^2 / 2) is split between the factors and this
    return float((whole.sum() - whole[0] / 2) * T[1] * 2 / math.sqrt(2 * math.pi))


@lru_cache
def _normal_grid() -> tuple[np.ndarray, np.ndarray]:
    """x and phi(x) dx from -38 to 38: the trapezoidal rule has rounding errors alone on smooth functions."""
    x = np.linspace(-38, 38, 7601)
    return x, np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi) * (x[1] - x[0])
