"""Percolation on one given graph, by messages along its bonds.

The message H_ij of a directed bond i <- j is the chance that the bond, with what lies behind it at j, does not lead i
to the giant component. Messages are exact on trees, and on graphs that are locally trees as these grow; short loops
make them approximate, and p_c too low. A graph comes as its edges, (n_bonds, 2) integers, and its number of sites;
parallel edges are bonds of their own, self-loops join nothing. In formulas di are the neighbours of site i.

Source: Karrer, Newman and Zdeborova, Phys. Rev. Lett. 113, 208702 (2014).
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse import csgraph, linalg

from percolation import checks
from percolation.theory.thresholds import Bounds

TINY = 1e-300  # stands for 0 where logarithms are taken
CLOSE = 1e-12  # change of a step at which an iteration ends
MOST_STEPS = 20_000
DENSE = 50  # up to this many sites all eigenvalues are computed; ARPACK wants larger matrices


def giant_component(edges: ArrayLike, n_sites: int, p: ArrayLike, kind: str = "bond") -> np.ndarray:
    """Share S(p) of the sites in the giant component when sites or bonds are open with probability p.

    H_ij = 1 - p + p prod_{k in dj \\ i} H_jk, the smallest solution; S = sum_i s_i / n_sites with
    s_i = 1 - prod_{j in di} H_ij for bonds and p times that for sites.

    p: occupation probability in [0, 1], any shape. Returns an array of that shape; 0 up to 1/largest_eigenvalue.
    Error: that of the messages, see the module, and 1e-12 / (1 - p_c/p) of the iteration; at the threshold itself that
    does not settle, and warns.
    """
    checks.kind(kind)
    p = checks.probabilities(p)
    bonds = _directed(edges, n_sites)
    reached = np.array([np.mean(1 - bonds.product_at_sites(_messages(bonds, one)), dtype=float) for one in p.ravel()])
    return (p if kind == "site" else 1) * reached.reshape(p.shape)


def mean_cluster_sizes(edges: ArrayLike, n_sites: int, p: float) -> np.ndarray:
    """Mean size of the cluster of each site, given that it is not the giant one, (n_sites,), in sites.

    <s_i> = 1 + sum_{j in di} a_ij, a_ij = w_ij (1 + sum_{k in dj \\ i} a_jk), and w_ij = 1 - (1 - p) / H_ij is the
    chance that the bond is open, given that it does not lead to the giant.
    The same for sites, given that site i is open. Exact on trees; diverges at the threshold.

    p: one occupation probability.
    """
    p = float(checks.probabilities(p))
    bonds = _directed(edges, n_sites)
    H = _messages(bonds, p)
    weights = np.where(H > CLOSE, 1 - (1 - p) / np.maximum(H, CLOSE), 0)  # 0: the limit p -> 1 where all lead to it
    behind = _settled(lambda a: weights * (1 + bonds.sum_behind(a)), np.zeros(bonds.n), f"mean cluster size at p={p:g}")
    return 1 + bonds.sum_at_sites(behind)


def largest_eigenvalue(edges: ArrayLike, n_sites: int) -> float:
    """Largest eigenvalue of the non-backtracking matrix B, which leads each directed bond on to all but its reverse.

    z - 1 on a graph of z neighbours each; 1 if no component has more than one cycle, 0 on a forest, where B is
    nilpotent. Otherwise the largest real one of [[A, 1 - D], [1, 0]], A adjacency, D degrees (Ihara and Bass).
    Error: rounding, and ARPACK's relative 1e-10.
    """
    bonds = _directed(edges, n_sites)
    A = sparse.csr_array((np.ones(bonds.n), (bonds.to, bonds.source)), shape=(n_sites, n_sites))
    n_components, component = csgraph.connected_components(A, directed=False)
    n_sites_of = np.bincount(component)
    n_bonds_of = np.bincount(component[bonds.to], minlength=n_components) // 2
    if (n_bonds_of <= n_sites_of).all():
        return float((n_bonds_of == n_sites_of).any())
    one, D = sparse.eye_array(n_sites), sparse.diags_array(A.sum(axis=0))
    reduced = sparse.block_array([[A, one - D], [one, None]], format="csr")
    if n_sites <= DENSE:
        return float(np.linalg.eigvals(reduced.toarray()).real.max())
    start = np.random.default_rng(0).random(2 * n_sites)  # ARPACK's own would differ from call to call
    return float(linalg.eigs(reduced, k=1, which="LR", v0=start, tol=1e-10, return_eigenvectors=False)[0].real)


def bounds(edges: ArrayLike, n_sites: int) -> Bounds:
    """1/largest_eigenvalue <= p_c <= 1, for bonds and, as p_c^bond <= p_c^site, for sites; low = 1 on a forest.

    For a large graph, or an infinite one of which this is a large part: a finite one has no sharp threshold.
    """
    return Bounds(
        1 / max(largest_eigenvalue(edges, n_sites), 1.0),
        1.0,
        "non-backtracking matrix: Karrer, Newman and Zdeborova 2014; Hamilton and Pryadko, PRL 113, 208701 (2014)",
    )


@dataclass(frozen=True, eq=False)
class _Directed:
    """Both directions of every bond; the reverse of number e is number e + n/2, modulo n."""

    source: np.ndarray  # (n,)
    to: np.ndarray  # (n,)
    n_sites: int

    @property
    def n(self) -> int:
        return len(self.to)

    def sum_at_sites(self, values: np.ndarray) -> np.ndarray:
        """Sum over the bonds that lead to each site."""
        return np.bincount(self.to, values, minlength=self.n_sites)

    def sum_behind(self, values: np.ndarray) -> np.ndarray:
        """Sum over the bonds that lead to the source of each, its reverse left out."""
        return self.sum_at_sites(values)[self.source] - np.roll(values, self.n // 2)

    def product_at_sites(self, values: np.ndarray) -> np.ndarray:
        return np.exp(self.sum_at_sites(np.log(np.maximum(values, TINY))))

    def product_behind(self, values: np.ndarray) -> np.ndarray:
        return np.exp(self.sum_behind(np.log(np.maximum(values, TINY))))


def _directed(edges: ArrayLike, n_sites: int) -> _Directed:
    checks.integer("n_sites", n_sites, at_least=1)
    pairs = checks.edges(edges, n_sites)
    one, other = pairs[pairs[:, 0] != pairs[:, 1]].astype(np.int64).T
    return _Directed(np.concatenate([one, other]), np.concatenate([other, one]), n_sites)


def _messages(bonds: _Directed, p: float) -> np.ndarray:
    """The messages H at p, (n,): iterated from 0 they rise to the smallest solution."""
    return _settled(lambda H: 1 - p + p * bonds.product_behind(H), np.zeros(bonds.n), f"messages at p={p:g}")


def _settled(step: Callable[[np.ndarray], np.ndarray], x: np.ndarray, what: str) -> np.ndarray:
    """The fixed point that x, step(x), step(step(x)), ... rises to."""
    for _ in range(MOST_STEPS):
        x, before = step(x), x
        if not (np.abs(x - before) > CLOSE * np.maximum(np.abs(x), 1)).any():
            return x
    warnings.warn(f"{what} still change after {MOST_STEPS} steps: p is at the threshold", RuntimeWarning, stacklevel=3)
    return x
