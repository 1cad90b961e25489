"""Leath percolation: whole clusters of the infinite lattice Z^d at a given p, generation by generation."""

import math
from dataclasses import dataclass

import numpy as np

from percolation import checks
from percolation._kernels import growth as kernels
from percolation.growth.keys import KINDS, keys, steps

EXCESS = ("pairs", "straight", "cousins", "crowding")
FEWEST_SLOTS = {"site": 2**18, "bond": 2**14}  # 1 MiB for what a few thousand sites reveal: fits the second cache


@dataclass(frozen=True)
class Leath:
    """Clusters of the origin at p, one by one, and what they tested and opened in all, by generation.

    Generation t are the sites at chemical distance t from the origin. A test is that of a site (kind="bond": of a
    bond) when it is first met; row t of the arrays by generation is about the tests that made generation t, and row
    0 about the origins, which are open untested.
    """

    d: int
    kind: str
    p: float
    size: np.ndarray  # (n_clusters,) int64, sites
    perimeter: np.ndarray  # (n_clusters,) int64, sites (bonds) tested and found closed
    generations: np.ndarray  # (n_clusters,) int64, chemical radius: the last generation that has a site
    truncated: np.ndarray  # (n_clusters,) bool, still growing when it met a limit
    opened: np.ndarray  # (max_generations + 1,) int64, over all clusters
    tested: np.ndarray  # (max_generations + 1,) int64
    excess: np.ndarray  # (max_generations + 1, 4), columns EXCESS: sums of zero mean, see `leath`

    def weights(self, p: float) -> np.ndarray:
        """What each cluster counts for at another p: average f(clusters) with these to have its mean there.

        (p' / p)^opened ((1 - p') / (1 - p))^closed, the ratio of the probabilities of the tests: opened = size - 1,
        closed = perimeter. Their mean is 1; what is left of n clusters is sum(w)^2 / sum(w^2).
        """
        if not 0 < self.p < 1:
            raise ValueError(f"clusters grown at p = {self.p} say nothing about other p")
        other = float(checks.probabilities(p))
        opened, closed = self.size - 1, self.perimeter
        here = _log_power(self.p, opened) + _log_power(1 - self.p, closed)
        return np.exp(_log_power(other, opened) + _log_power(1 - other, closed) - here)


def leath(
    d: int,
    p: float,
    *,
    kind: str = "site",
    n_clusters: int = 1,
    max_size: int = 2**20,
    max_generations: int = 2**10,
    seed: int | np.random.SeedSequence,
) -> Leath:
    """Clusters of an open origin on Z^d: test the neighbours of each generation, those found open are the next.

    Departs from Leath 1976: breadth first, so that generations are chemical shells; no lattice and no stored
    status, since a site is a key and its weight a hash; a cluster is stopped between generations only, so that
    every sum over tests of zero mean keeps it, `truncated` clusters included.
    kind="bond": bonds to sites outside the cluster are tested, in turn; a bond closing a loop is never looked at.

    p: probability that a site (bond) is open. n_clusters: grown one after another, of one draw of the keys.
    max_size: a generation that brings a cluster to so many sites is its last. max_generations: likewise.
    seed: an integer, or a child that `ensembles.seeds` made.
    Returns a Leath. Its `excess`, by generation, are sums over the cluster's sites i, with T_i tested and k_i opened
    around i, of what was found minus its mean given what was tested, the control variates of `leath_threshold`:
    pairs k (k - 1) - p^2 T (T - 1); straight: k - p T of the one neighbour straight ahead; cousins k' (k - p T),
    k' opened around the siblings before i; crowding T (k - p T).
    Error: a new site is taken for a seen one with probability below 4e-10 a look-up, see `invade`.
    Memory: 12 bytes for each of 2 to 6 times the sites tested in the largest cluster (bond: its sites), 3 MiB at
    least (bond 200 KiB): 4 for the set of what was seen, 8 for the list of open sites, of which a part is touched.
    Source: Leath, Phys. Rev. B 14, 5046 (1976); hashed, with zero-mean sums, Grassberger, Phys. Rev. E 67, 036101
    (2003).
    """
    checks.integer("d", d, at_least=1)
    checks.one_of("kind", kind, KINDS)
    checks.integer("n_clusters", n_clusters, at_least=1)
    checks.integer("max_size", max_size, at_least=1)
    checks.integer("max_generations", max_generations, at_least=1)
    p = float(checks.probabilities(p))
    origin, r, salts = keys(d, seed)
    clusters = _clusters(n_clusters)
    totals, of_cluster = _totals(max_generations), _totals(max_generations)
    hashes, weights = np.empty((2, 2, 2 * d), dtype=np.uint64)
    lattice = kernels.Lattice(steps(r), salts, kind == "bond", p, hashes, weights)
    n_slots, done = max(FEWEST_SLOTS[kind], 1 << (8 * d).bit_length()), 0
    while done < n_clusters:
        if n_slots > 2**32:
            raise ValueError(f"a cluster in d = {d} needs over 2^32 slots; reduce max_size, got {max_size}")
        table, frontier = np.zeros(n_slots, dtype=np.uint32), _frontier(n_slots // 2)
        done = kernels.leath(done, origin, max_size, table, frontier, lattice, of_cluster, totals, clusters)
        n_slots *= 2
    return Leath(
        d=d,
        kind=kind,
        p=p,
        size=clusters.size,
        perimeter=clusters.perimeter,
        generations=clusters.generations,
        truncated=clusters.truncated,
        opened=totals.counts[:, 0],
        tested=totals.counts[:, 1],
        excess=totals.excess,
    )


def _clusters(n: int) -> kernels.Clusters:
    size, perimeter, generations = np.zeros((3, n), dtype=np.int64)
    return kernels.Clusters(size, perimeter, generations, np.zeros(n, dtype=bool))


def _totals(max_generations: int) -> kernels.Totals:
    rows = max_generations + 1
    return kernels.Totals(np.zeros((rows, 2), dtype=np.int64), np.zeros((rows, len(EXCESS))))


def _frontier(room: int) -> kernels.Frontier:
    return kernels.Frontier(np.empty(room, np.uint64), np.empty(room, np.int32), np.empty(room, np.int32))


def _log_power(base: float, n: np.ndarray) -> np.ndarray:
    """log(base^n), with 0^0 = 1."""
    if base > 0:
        return n * math.log(base)
    return np.where(n == 0, 0.0, -np.inf)
