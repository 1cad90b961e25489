"""Leath percolation: whole clusters of an infinite lattice at a given p, generation by generation."""

from dataclasses import dataclass

import numpy as np

from percolation import checks, seeds
from percolation._kernels import growth as kernels
from percolation.growth.keys import checked, keys, ways
from percolation.lattices import Lattice

EXCESS = (
    "pairs",
    "crowding",
    "shared",
    "adopted",
    "straight",
    "aside",
    "elder",
    "above",
    "along",
    "back",
    "around",
    "opposite",
)
# of the set in the memory: of up to 64 generations 1 MiB, for what a few thousand sites reveal, fits the second cache;
# longer runs have clusters of tens of thousands, and to grow those anew in a larger set costs more than the third cache
FEWEST_SLOTS, FEWEST_OF_LONG, SHORT = {"site": 2**18, "bond": 2**14}, {"site": 2**20, "bond": 2**17}, 64


@dataclass(frozen=True)
class Leath:
    """Clusters of the origin at p, one by one, and what they tested and opened in all, by generation.

    Generation t are the sites at chemical distance t from the origin. A test is that of a site (kind="bond": of a
    bond) when it is first met; row t of the arrays by generation is about the tests that made generation t, and row
    0 about the origins, which are open untested.
    """

    lattice: str
    d: int
    kind: str
    p: float
    size: np.ndarray  # (n_clusters,) int64, sites
    perimeter: np.ndarray  # (n_clusters,) int64, sites (bonds) tested and found closed
    generations: np.ndarray  # (n_clusters,) int64, chemical radius: the last generation that has a site
    truncated: np.ndarray  # (n_clusters,) bool, still growing when it met a limit
    opened: np.ndarray  # (max_generations + 1,) int64, over all clusters
    tested: np.ndarray  # (max_generations + 1,) int64
    excess: np.ndarray  # (max_generations + 1, 12), columns EXCESS: sums of zero mean, see `leath`
    spread: np.ndarray  # (max_generations + 1,) sums over the opened sites of squared distances from the origin


def leath(
    lattice: Lattice,
    p: float,
    *,
    kind: str = "site",
    n_clusters: int = 1,
    max_size: int = 2**20,
    max_generations: int = 2**10,
    kin: bool = False,
    seed: seeds.Seed,
) -> Leath:
    """Clusters of an open origin: test the neighbours of each generation, those found open are the next.

    Departs from Leath 1976: breadth first, so that generations are chemical shells; no lattice and no stored
    status, since a site is a key and its weight a hash; a cluster is stopped between generations only, so that
    every sum over tests of zero mean keeps it, `truncated` clusters included.
    kind="bond": bonds to sites outside the cluster are tested, in turn; a bond closing a loop is never looked at.

    lattice: infinite, see `lattices`; clusters begin at site 0 of a cell.
    p: probability that a site (bond) is open. n_clusters: grown one after another, of one draw of the keys.
    max_size: a generation that brings a cluster to so many sites is its last. max_generations: likewise.
    kin: whether `excess` holds the sums about siblings and aunts, shared to opposite but straight; 0 in their place.
    seed: see `percolation.seeds`.
    Returns a Leath. Its `excess`, by generation, are sums over the cluster's sites i, with T_i tested and k_i opened
    around i, of what was found minus its mean given what was tested, the control variates of `scaling.leath`:
    pairs k (k - 1) - p^2 T (T - 1), crowding T (k - p T), and, on a lattice without a basis, by directions: let i lie
    in direction a from its parent, as do the `siblings` in theirs, and the parent in direction b from the grandparent;
    the sum over the tests in a set of directions j of (1 if opened, else 0) - p: straight, j = a; aside, those of the
    siblings; elder, of the siblings before i; above, of the parent's siblings; along, in which siblings before i
    opened; back, j = -b; around, j = -c, the grandparent in direction c from its parent; opposite, pairs j, -j both
    opened, less p^2; and k - p T of i which are beside a second parent: shared, a is the direction of one of the
    parent's siblings; adopted, a sibling before opened in direction a.
    Of more than 64 directions only the first 64 count.
    Distances of `spread` are |x|^2 = sum_i x_i^2 over the first four cell coordinates x, in units of the cell: a
    quadratic form, which grows as the Euclidean distance does. From 2^15 generations on (fewer if a displacement is
    longer than 1) it is nan.
    Error: a new site is taken for a seen one with probability below 4e-10 a look-up, see `invade`.
    Memory: 20 bytes for each of 2 to 6 times the sites tested in the largest cluster (bond: its sites), 5 MiB at
    least (bond 320 KiB; beyond 64 generations 20 MiB and 2.5 MiB): 4 for the set of what was seen, 16 for the list of
    open sites, of which a part is touched.
    Source: Leath, Phys. Rev. B 14, 5046 (1976); hashed, with zero-mean sums, Grassberger, Phys. Rev. E 67, 036101
    (2003).
    """
    checked(lattice)
    checks.kind(kind)
    checks.integer("n_clusters", n_clusters, at_least=1)
    checks.integer("max_size", max_size, at_least=1)
    checks.integer("max_generations", max_generations, at_least=1)
    p = float(checks.probabilities(p))
    clusters, totals = _clusters(n_clusters), _totals(max_generations)
    _grow(lattice, p, kind, kin, max_size, seed, totals, clusters)
    totals.spread[_reach(lattice) + 1 :] = np.nan
    return Leath(
        lattice=lattice.name,
        d=lattice.d,
        kind=kind,
        p=p,
        size=clusters.size,
        perimeter=clusters.perimeter,
        generations=clusters.generations,
        truncated=clusters.truncated,
        opened=totals.counts[:, 0],
        tested=totals.counts[:, 1],
        excess=totals.excess,
        spread=totals.spread,
    )


def _grow(
    lattice: Lattice,
    p: float,
    kind: str,
    kin: bool,
    max_size: int,
    seed: seeds.Seed,
    totals: kernels.Totals,
    clusters: kernels.Clusters,
) -> None:
    """Fill totals and clusters; memory is doubled where a cluster needs it, and that cluster grown anew."""
    numbers = keys(lattice, seed)
    around = ways(lattice, numbers)
    z = around.steps.shape[1]
    hashes, weights = np.empty((2, 2, z), dtype=np.uint64)
    tests = kernels.Lattice(around, _moves(lattice), kind == "bond", kin, p, hashes, weights)
    of_cluster = _totals(len(totals.spread) - 1)
    fewest = FEWEST_SLOTS if len(totals.spread) - 1 <= SHORT else FEWEST_OF_LONG
    n_slots, done = max(fewest[kind], 1 << (4 * z).bit_length()), 0
    while done < len(clusters.size):
        if n_slots > 2**32:
            raise ValueError(f"a cluster of {z} neighbours a site needs over 2^32 slots; reduce max_size={max_size}")
        table, frontier = np.zeros(n_slots, dtype=np.uint32), _frontier(n_slots // 2)
        done = kernels.leath(done, numbers.origin, max_size, table, frontier, tests, of_cluster, totals, clusters)
        n_slots *= 2


def _clusters(n: int) -> kernels.Clusters:
    size, perimeter, generations = np.zeros((3, n), dtype=np.int64)
    return kernels.Clusters(size, perimeter, generations, np.zeros(n, dtype=bool))


def _totals(max_generations: int) -> kernels.Totals:
    rows = max_generations + 1
    return kernels.Totals(np.zeros((rows, 2), dtype=np.int64), np.zeros((rows, len(EXCESS))), np.zeros(rows))


def _frontier(room: int) -> kernels.Frontier:
    return kernels.Frontier(*(np.empty(room, dtype) for dtype in (np.uint64, np.int32, np.int32, np.uint64, np.int64)))


def _moves(lattice: Lattice) -> np.ndarray:
    """The displacement of each of `ways`, its first AXES coordinates packed as `kernels.spread` reads them, int64."""
    places = np.array([1 << kernels.BITS * i if i < kernels.AXES else 0 for i in range(lattice.d)], dtype=np.int64)
    up = lattice.rises(places)
    return lattice.around(up, -up, 0)


def _reach(lattice: Lattice) -> int:
    """The last generation whose coordinates surely fit into the BITS that they have in a place."""
    longest = 1 if lattice.is_hypercubic else np.abs(lattice.displacements).max()
    return (2 ** (kernels.BITS - 1) - 1) // int(longest)
