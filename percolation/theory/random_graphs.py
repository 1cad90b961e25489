"""Percolation on large random graphs, by generating functions of the degrees.

Random graphs of given degrees are locally trees, so that two functions of the degree distribution p_k say all:
G0(x) = sum_k p_k x^k for a site and G1(x) = G0'(x) / G0'(1) for the further bonds of a site that a bond leads to.
They are exact as the number of sites grows; finite graphs deviate by O(n^-1/2) in one realisation.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import ArrayLike
from scipy.special import gammaln
from scipy.stats import poisson as poisson_law

from percolation import checks
from percolation.quantities import Published, Threshold
from percolation.theory import continuum


@dataclass(frozen=True, eq=False)
class Degrees:
    """A degree distribution: a site has k neighbours with probability p[k]. Made by the functions of this module."""

    p: np.ndarray  # (k_max + 1,), sums to 1

    @property
    def mean(self) -> float:
        """<k>"""
        return float(np.arange(len(self.p)) @ self.p)

    @property
    def branching(self) -> float:
        """G1'(1) = <k (k - 1)> / <k>: mean number of further bonds at the end of a bond; 0 without any bond.

        A giant component exists if and only if it is above 1 (Molloy and Reed 1995).
        """
        k = np.arange(len(self.p), dtype=float)
        return float((k * (k - 1)) @ self.p) / self.mean if self.mean else 0.0

    @property
    def g0(self) -> np.ndarray:
        """Coefficients of G0, lowest power first."""
        return self.p

    @property
    def g1(self) -> np.ndarray:
        """Coefficients of G1, lowest power first; G1 = 1 without any bond."""
        return polynomial.polyder(self.p) / self.mean if self.mean else np.ones(1)


def poisson(c: float) -> Degrees:
    """Degrees of G(n, c/n): p_k = e^-c c^k / k!, cut where less than e^-60 is left."""
    k_max = math.ceil(checks.positive("c", c) + 12 * math.sqrt(c) + 40)  # Bernstein's bound on the tail
    p = poisson_law.pmf(np.arange(k_max + 1), c)
    return Degrees(p / p.sum())


def regular(z: int) -> Degrees:
    """All sites have z neighbours: the random regular graph, and the Bethe lattice."""
    return Degrees(np.eye(checks.integer("z", z, at_least=0) + 1)[-1])


def degree_sequence(degrees: ArrayLike) -> Degrees:
    """The degrees of given sites, (n_sites,) integers."""
    array = np.asarray(degrees)
    if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "iu" or array.min() < 0:
        raise ValueError(f"degrees must be integers >= 0 of shape (n_sites,), got {array.dtype} of shape {array.shape}")
    return Degrees(np.bincount(array) / len(array))


def degree_distribution(p: ArrayLike) -> Degrees:
    """Any p_k, k = 0, 1, ..., that sums to 1."""
    array = checks.probabilities(p, "p_k")
    if array.ndim != 1 or not math.isclose(array.sum(), 1, abs_tol=1e-9):
        raise ValueError(f"p_k must be of shape (k_max + 1,) and sum to 1, got shape {array.shape}, sum {array.sum()}")
    return Degrees(array / array.sum())


def threshold(degrees: Degrees) -> Threshold:
    """p_c = <k> / <k (k - 1)>, for sites and bonds alike; above 1 (inf if no site has two bonds) there is no giant.

    Source: Cohen, Erez, ben-Avraham and Havlin, Phys. Rev. Lett. 85, 4626 (2000); proved by Janson 2009.
    """
    p_c = 1 / degrees.branching if degrees.branching else math.inf
    return Threshold(p_c, 0.0, "proved: Molloy and Reed 1995; Janson, Electron. J. Probab. 14, 86 (2009)")


def giant_component(degrees: Degrees, p: ArrayLike = 1.0, kind: str = "bond") -> np.ndarray:
    """Share S(p) of all sites that are in the giant component when sites or bonds are open with probability p.

    x = 1 - p + p G1(x), the smallest solution in [0, 1], is the chance that a bond does not lead to the giant;
    bond: S = 1 - G0(x); site: S = p (1 - G0(x)).

    p: occupation probability in [0, 1], any shape. Returns an array of that shape, exactly 0 up to p_c.
    Error: rounding, about 1e-15 p_c / (p - p_c).
    Source: Callaway, Newman, Strogatz and Watts, Phys. Rev. Lett. 85, 5468 (2000).
    """
    checks.kind(kind)
    p = checks.probabilities(p)
    x = np.array([_dead_end(degrees, float(one)) for one in p.ravel()]).reshape(p.shape)
    reached = 1 - polynomial.polyval(x, degrees.g0)
    return p * reached if kind == "site" else reached


def erdos_renyi(c: ArrayLike) -> np.ndarray:
    """Share S of the sites of G(n, c/n) in its giant component: S = 1 - exp(-c S), 0 up to c = 1; S ~ 2 (c - 1) there.

    c: mean degree, any shape; with bonds or sites open with probability p, S(p c), for sites times p.
    Source: Erdos and Renyi, Publ. Math. Inst. Hung. Acad. Sci. 5, 17 (1960).
    """
    c = np.asarray(c, dtype=float)
    return np.array([float(giant_component(poisson(one))) if one > 1 else 0.0 for one in c.ravel()]).reshape(c.shape)


def erdos_renyi_cluster_sizes(c: float, s: ArrayLike) -> np.ndarray:
    """Chance that a site of G(n, c/n) is in a cluster of s sites: P(s) = e^(-c s) (c s)^(s - 1) / s!.

    s: sizes >= 1, any shape. The P(s) sum to 1 - S, S the giant component. Mean size 1/(1 - c) for c < 1.
    """
    s = np.asarray(s, dtype=float)
    if s.size and s.min() < 1:
        raise ValueError(f"a cluster has at least 1 site, got s={s.min():g}")
    return np.exp(-c * s + (s - 1) * np.log(checks.positive("c", c) * s) - gammaln(s + 1))


def geometric_critical_degree(d: int) -> Published:
    """Critical mean degree 2^d eta_c of the random geometric graph, or of overlapping balls, in d = 2 ... 11.

    It is 1 for d -> infinity. Of what is published and what the package finds, the one of less error; see `continuum`.
    """
    known = [one for one in (continuum.spheres(d), continuum.simulated_spheres(d)) if one]
    if not known:
        raise ValueError(f"no critical degree is tabulated for d={d}, the table has d = 2 ... 11")
    best = min(known, key=lambda one: one.error)
    return Published(2**d * best.value, 2**d * best.error, f"2^d eta_c of balls: {best.source}")


def _dead_end(degrees: Degrees, p: float) -> float:
    """Smallest x in [0, 1] with x = 1 - p + p G1(x).

    f(x) = 1 - p + p G1(x) - x is convex and f(1) = 0: Newton's steps from 0 rise to the root and never pass it.
    """
    if p * degrees.branching <= 1:
        return 1.0
    g1, x = degrees.g1, 0.0
    slope = polynomial.polyder(g1)
    while True:
        f = 1 - p + p * polynomial.polyval(x, g1) - x
        step = f / (1 - p * polynomial.polyval(x, slope))
        if not step > 1e-15:
            return float(x)
        x += step
