"""Height of a random binary search tree: rounds where K barriers are narrow, apart, and cut in random order.

Cutting a path at its worst barrier splits the K - 1 others into those left and right of it. If the worst is each of
them equally often, the tree of cuts is the binary search tree of a random permutation, and the rounds are its height
in nodes: H_0 = 0, H_K = 1 + max(H_I, H'_{K-1-I}), I uniform on 0 ... K - 1.
"""

import math
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import poisson

from percolation import checks

MOST_NODES = 10_000  # a second; above, `asymptotic_height` tells how the heights go on
NEGLIGIBLE = 1e-13  # probability at which a distribution is cut off


def expected_height(n_nodes: int) -> float:
    """E H_K of the random binary search tree on K = n_nodes nodes, K <= 10000; exact to rounding.

    0, 1, 2, 8/3, 10/3, 19/5, 64/15, ... for K = 0, 1, 2, 3, 4, 5, 6.
    Source: the recursion above for P(H_K <= h), Devroye, J. ACM 33, 489 (1986).
    """
    return float(expected_heights(n_nodes)[-1])


def expected_heights(n_nodes: int) -> np.ndarray:
    """E H_K for K = 0 ... n_nodes, (n_nodes + 1,): sum over h >= 0 of 1 - P(H_K <= h)."""
    n = checks.integer("n_nodes", n_nodes, at_least=0)
    if n > MOST_NODES:
        raise ValueError(
            f"exact heights are computed up to {MOST_NODES} nodes, got {n}; use asymptotic_height, or simulate the "
            "1-D recursion"
        )
    return _expected_heights(n)


def height_distribution(n_nodes: int, height: int) -> np.ndarray:
    """P(H_K <= height) for K = 0 ... n_nodes, (n_nodes + 1,).

    P(H_K <= h) = (1/K) sum_i P(H_i <= h - 1) P(H_{K-1-i} <= h - 1), and P(H_K <= 0) = 1 for K = 0 alone.
    """
    n, height = checks.integer("n_nodes", n_nodes, at_least=0), checks.integer("height", height, at_least=0)
    at_most = _empty(n)
    for _ in range(height):
        at_most = _one_higher(at_most)
    return at_most


def asymptotic_height(n_nodes: float) -> float:
    """alpha ln K - beta ln ln K = 4.31107 ln K - 1.953 ln ln K, K = n_nodes > 1, up to a term that stays bounded.

    alpha >= 2 solves alpha ln(2 e / alpha) = 1 and beta = 3 / (2 ln(alpha / 2)). The bounded term is not known;
    E H_K less this is -3.58, -3.97 and -4.07 at K = 100, 1000, 3000: it tells the growth of E H_K, not its value.
    Source: Devroye, J. ACM 33, 489 (1986), alpha; Reed, J. ACM 50, 306 (2003), beta.
    """
    K = float(n_nodes)
    if not (K > 1 and math.isfinite(K)):
        raise ValueError(f"the asymptotic height needs more than one node, got {n_nodes}; use expected_height")
    alpha = brentq(lambda a: a * math.log(2 * math.e / a) - 1, 2, 2 * math.e)
    return alpha * math.log(K) - 1.5 / math.log(alpha / 2) * math.log(math.log(K))


def poisson_height(mean: float) -> float:
    """E H_K for a Poisson number K of nodes: rounds where up-crossings are rare, mean = lambda L.

    Barriers along a line are Poisson only for p above about 0.95, and narrow and apart for p above about 0.8; below,
    the 1-D recursion holds and this is too low (at L = 30 xi, m = 0.5 by 0.4 at p = 0.7, 1.9 at p = 0.3).
    Error: none but rounding. Source: derived for this package; the law of K, Cramer and Leadbetter 1967.
    """
    if mean == 0:
        return 0.0
    law = poisson(checks.positive("mean", mean))
    heights = expected_heights(int(law.isf(NEGLIGIBLE)))
    return float(heights @ law.pmf(np.arange(len(heights))))


@lru_cache
def _expected_heights(n: int) -> np.ndarray:
    at_most, total = _empty(n), np.zeros(n + 1)
    for _ in range(n):  # H_K <= K
        total += 1 - at_most
        at_most = _one_higher(at_most)
        if at_most[-1] > 1 - NEGLIGIBLE:  # so are then all smaller trees
            break
    total.flags.writeable = False  # cached
    return total


def _empty(n: int) -> np.ndarray:
    """P(H_K <= 0): only the empty tree has height 0."""
    return np.eye(1, n + 1)[0]


def _one_higher(at_most: np.ndarray) -> np.ndarray:
    """P(H_K <= h + 1) for each K from P(H_K <= h)."""
    n = len(at_most) - 1
    both = np.convolve(at_most, at_most)[:n]
    return np.concatenate(([1.0], both / np.arange(1, n + 1)))
