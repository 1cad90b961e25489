"""Random graphs: G(n, p), G(n, m), given degrees, and points in space joined to those near them.

Every generator draws from its seed and returns a `graphs.Graph`; time and memory grow with the number of
bonds. Theory of their giant components: percolation.theory.random_graphs, message_passing.
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from percolation import balls, checks, seeds
from percolation.graphs import Graph, from_edges


def gnp(n_sites: int, p: float, *, seed: seeds.Seed) -> Graph:
    """Gilbert's G(n, p): each of the n (n - 1) / 2 pairs is a bond with probability p, on its own.

    Mean degree c = p (n - 1); for large n the degrees are Poisson, and a giant component exists for c > 1.
    """
    n_pairs, rng = _n_pairs(n_sites), seeds.generator(seed)
    return _uniform(n_sites, int(rng.binomial(n_pairs, float(checks.probabilities(p)))), rng)


def gnm(n_sites: int, n_bonds: int, *, seed: seeds.Seed) -> Graph:
    """Erdos and Renyi's G(n, m): every set of n_bonds different pairs of sites is equally likely."""
    n_pairs = _n_pairs(n_sites)
    if checks.integer("n_bonds", n_bonds, at_least=0) > n_pairs:
        raise ValueError(f"{n_sites} sites make {n_pairs} pairs, got n_bonds={n_bonds}")
    return _uniform(n_sites, n_bonds, seeds.generator(seed))


def configuration_model(degrees: ArrayLike, *, seed: seeds.Seed, simple: bool = False) -> Graph:
    """Random graph of given degrees: site i has degrees[i] half-bonds, and all half-bonds are paired at random.

    degrees: (n_sites,) integers with an even sum. Every pairing is equally likely. In the mean about nu / 2 bonds are
    self-loops and nu^2 / 4 are parallel to another, nu = <k (k - 1)> / <k>, however many sites there are.
    simple=False keeps both, as `graphs` says, so that all degrees are as given (a loop counts twice).
    simple=True drops the loops and leaves one of parallel bonds: no degree is then above the one given.
    Source: Molloy and Reed, Random Struct. Algorithms 6, 161 (1995); simple=True is their erased model.
    """
    half_bonds = _checked_degrees(degrees)
    pairs = _paired(half_bonds, seeds.generator(seed))
    kept = np.delete(pairs, _loops_and_repeats(pairs), axis=0) if simple else pairs
    return from_edges(kept, len(half_bonds))


def regular(n_sites: int, z: int, *, seed: seeds.Seed) -> Graph:
    """Random simple graph whose sites all have z neighbours; n_sites z must be even.

    A random pairing of z half-bonds a site; its loops and parallel bonds are then paired anew with others until none is
    left. All graphs are equally likely up to corrections that vanish as n_sites grows.
    Source: switchings of McKay and Wormald, J. Algorithms 11, 52 (1990), without their rejections.
    """
    n_sites = checks.integer("n_sites", n_sites, at_least=1)
    z = checks.integer("z", z, at_least=0)
    if z >= n_sites or n_sites * z % 2:
        raise ValueError(f"n_sites * z must be even and z below n_sites, got n_sites={n_sites}, z={z}")
    rng = seeds.generator(seed)
    if 2 * z >= n_sites:  # then few pairs are free to switch to; what is missing from the complete graph has many
        return from_edges(_complement(_regular_pairs(n_sites, n_sites - 1 - z, rng), n_sites), n_sites)
    return from_edges(_regular_pairs(n_sites, z, rng), n_sites)


def geometric(n_sites: int, d: int, *, mean_degree: float, periodic: bool = True, seed: seeds.Seed) -> Graph:
    """Random geometric graph: uniform points of the unit box, joined within the radius that gives the mean degree.

    mean_degree = (n - 1) V_d r^d, V_d the volume of the unit ball; on a torus exactly, in a box with open faces the
    sites near them have fewer neighbours. It is `within_radius(uniform_points(...), radius(...))`.
    """
    r = radius(n_sites, d, mean_degree)
    return within_radius(uniform_points(n_sites, d, seed=seed), r, periodic=periodic)


def nearest_neighbours(n_sites: int, d: int, k: int, *, periodic: bool = True, seed: seeds.Seed) -> Graph:
    """Uniform points of the unit box, each joined to the k nearest: `to_nearest(uniform_points(...), k)`."""
    return to_nearest(uniform_points(n_sites, d, seed=seed), k, periodic=periodic)


def uniform_points(n_sites: int, d: int, *, seed: seeds.Seed) -> np.ndarray:
    """Independent uniform points of the unit box, (n_sites, d)."""
    shape = checks.integer("n_sites", n_sites, at_least=1), checks.integer("d", d, at_least=1)
    return seeds.generator(seed).random(shape)


def radius(n_sites: int, d: int, mean_degree: float) -> float:
    """Radius at which n_sites uniform points on the unit torus have that mean degree.

    r = (mean_degree / ((n - 1) V_d))^(1/d), V_d = pi^(d/2) / Gamma(d/2 + 1); at most 1/2, where a ball meets itself.
    """
    n_sites, d = checks.integer("n_sites", n_sites, at_least=2), checks.integer("d", d, at_least=1)
    r = math.exp((math.log(checks.positive("mean_degree", mean_degree) / (n_sites - 1)) - balls.log_volume(d)) / d)
    if r > 1 / 2:
        raise ValueError(
            f"mean_degree={mean_degree} in d={d} needs the radius {r:.3g}, above half the box; "
            "raise n_sites, or choose a radius yourself with within_radius"
        )
    return r


def within_radius(points: ArrayLike, radius: float, *, periodic: bool = True) -> Graph:
    """A bond for every pair of points at a distance of at most radius.

    points: (n_sites, d) in the unit box; periodic: distances on the unit torus, each coordinate the short way round.
    Cost: a k-d tree, seconds for 10^6 points up to d = 4. From d ~ 8 on a ball meets most of its cells, and the time
    tends to n^2.
    """
    tree = _tree(points, periodic)
    return from_edges(tree.query_pairs(checks.positive("radius", radius), output_type="ndarray"), tree.n)


def to_nearest(points: ArrayLike, k: int, *, periodic: bool = True) -> Graph:
    """A bond from every point to each of its k nearest, one bond where two points choose each other.

    points, periodic and cost: see `within_radius`. Degrees are at least k.
    """
    tree = _tree(points, periodic)
    if checks.integer("k", k, at_least=1) >= tree.n:
        raise ValueError(f"k must be below the number of points, {tree.n}, got {k}")
    sites = tree.indices  # in this order one search runs where the one before ran: measured 2 x faster
    found = tree.query(tree.data[sites], k + 1)[1]
    itself = found == sites[:, None]
    itself[~itself.any(axis=1), -1] = True  # crowded out by more than k points in the same place
    pairs = np.stack([np.repeat(sites, k), found[~itself]], axis=1)
    return from_edges(_pairs_of(_distinct(_keys(pairs))), tree.n)


def _uniform(n_sites: int, n_bonds: int, rng: np.random.Generator) -> Graph:
    """Pair k = (s - 1) n + i joins i to the site s further round a ring of all n: each pair once, in whole numbers."""
    further, first = np.divmod(_sample(_n_pairs(n_sites), n_bonds, rng), n_sites)
    return from_edges(np.stack([first, (first + further + 1) % n_sites], axis=1), n_sites)


def _sample(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Different numbers of 0 ... n - 1, sorted, every set equally likely."""
    if 2 * size > n:
        return np.delete(np.arange(n), _sample(n, n - size, rng))
    numbers = np.empty(0, dtype=np.int64)
    while len(numbers) < size:  # never more drawn than are missing, so that none has to be thrown away again
        numbers = _distinct(np.concatenate([numbers, rng.integers(n, size=size - len(numbers))]))
    return numbers


def _distinct(numbers: np.ndarray) -> np.ndarray:
    """Sorted and each once; np.unique hashes and took 1.4 s for 2 10^6 numbers, against 0.04."""
    in_order = np.sort(numbers)
    return in_order[np.diff(in_order, prepend=-1) != 0]


def _regular_pairs(n_sites: int, z: int, rng: np.random.Generator) -> np.ndarray:
    pairs = _paired(np.full(n_sites, z), rng)
    bad = _loops_and_repeats(pairs)
    while len(bad):
        rows = np.union1d(bad, rng.integers(len(pairs), size=len(bad)))
        trial = pairs.copy()
        trial[rows] = rng.permutation(pairs[rows].ravel()).reshape(-1, 2)
        left = _loops_and_repeats(trial)
        if len(left) <= len(bad):
            pairs, bad = trial, left
    return pairs


def _paired(half_bonds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All half-bonds in random order, two and two, (n_bonds, 2)."""
    ends = np.repeat(np.arange(len(half_bonds), dtype=np.int32), half_bonds)
    rng.shuffle(ends)
    return ends.reshape(-1, 2)


def _loops_and_repeats(pairs: np.ndarray) -> np.ndarray:
    """Rows that join a site to itself, or two sites that a row before has joined."""
    keys = _keys(pairs)
    in_order = np.sort(keys)
    several = np.flatnonzero(np.isin(keys, in_order[1:][np.diff(in_order) == 0]))
    first = np.unique(keys[several], return_index=True)[1]
    return np.union1d(np.delete(several, first), np.flatnonzero(pairs[:, 0] == pairs[:, 1]))


def _keys(pairs: np.ndarray) -> np.ndarray:
    """One number for each pair, whichever site comes first."""
    i, j = pairs[:, 0].astype(np.int64), pairs[:, 1]
    return np.minimum(i, j) << 32 | np.maximum(i, j)


def _pairs_of(keys: np.ndarray) -> np.ndarray:
    return np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=1)


def _complement(pairs: np.ndarray, n_sites: int) -> np.ndarray:
    """The pairs i < j that are not among these."""
    absent = np.triu(np.ones((n_sites, n_sites), dtype=bool), k=1)
    absent[pairs.min(axis=1), pairs.max(axis=1)] = False
    return np.argwhere(absent)


def _tree(points: ArrayLike, periodic: bool) -> cKDTree:
    x = np.asarray(points, dtype=float)
    if x.ndim != 2 or x.size == 0:
        raise ValueError(f"points must be of shape (n_sites, d), got {x.shape}")
    if not ((x >= 0) & (x <= 1)).all():  # also false for NaN
        raise ValueError("points must lie in the unit box [0, 1]^d; divide them by the size of theirs")
    return cKDTree(x % 1 if periodic else x, boxsize=1 if periodic else None)


def _checked_degrees(degrees: ArrayLike) -> np.ndarray:
    array = np.asarray(degrees)
    if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "iu":
        raise ValueError(f"degrees must be integers of shape (n_sites,), got {array.dtype} of shape {array.shape}")
    if array.min() < 0:
        raise ValueError(f"degrees must be at least 0, got {array.min()} at index {array.argmin()}")
    if array.sum() % 2:
        raise ValueError(f"degrees must have an even sum, a bond has two ends, got {array.sum()}; change one by 1")
    return array


def _n_pairs(n_sites: int) -> int:
    n_sites = checks.integer("n_sites", n_sites, at_least=1)
    return n_sites * (n_sites - 1) // 2
