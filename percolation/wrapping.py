"""Clusters that wind round a torus at a given p: many independent samples, fast.

A sweep knows the whole curve of one realisation; where only p near p_c matters, samples at one p cost a quarter of it
a site. `scaling.wrapping` is made of them.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks, seeds
from percolation._kernels import wrapping as kernels
from percolation.lattices import Box

KINDS = checks.KINDS
LEVELS = 2**16  # p is a multiple of 1 / LEVELS, so that 64 random bits open or close four sites
TORI_KEPT = 8  # tori of as many sizes as are used in turn
BATCH = 2**18  # sites or bonds drawn at a time: their bytes stay in the second cache


@dataclass(frozen=True, eq=False)
class Windings:
    """How the clusters of n independent samples at p wind round a torus."""

    kind: str
    p: float  # the nearest multiple of 2^-16 to the one asked for
    n_steps: int  # sites or bonds there are
    n_open: np.ndarray  # (n,) int64
    axes: np.ndarray  # (n, d) bool: does a cluster wind round the axis
    rank: np.ndarray  # (n,) int8: 0 if none winds, 1 if all that wind do so one way, 2 if in two or more ways

    @property
    def score(self) -> np.ndarray:
        """d log(probability of a sample) / dp, (n,): d<f>/dp = <f score>, and <score> = 0."""
        if not 0 < self.p < 1:
            raise ValueError(f"samples at p = {self.p} say nothing about other p")
        return (self.n_open - self.n_steps * self.p) / (self.p * (1 - self.p))


def windings(
    lattice: Box,
    p: float,
    *,
    kind: str = "site",
    n_realisations: int,
    seed: seeds.Seed,
) -> Windings:
    """Open each site (bond) of a torus with probability p, and find the axes round which a cluster winds.

    lattice: periodic along one axis at least. p: rounded to a multiple of 2^-16, see `Windings.p`.
    Returns a Windings. Cost: 5 to 10 ns a site, 15 to 20 for bonds, from 10^3 sites on.
    Memory: 20 bytes a site; 4 a bond inside and 20 a bond across a seam, kept for the last TORI_KEPT lattices. Windings
    are held in 64 / d bits an axis: from 2^(bits - 1) on they would be misread.
    Source: winding numbers on union-find as Machta et al., Phys. Rev. E 54, 1332 (1996).
    """
    n_steps = _checked(lattice, kind)
    checks.integer("n_realisations", n_realisations, at_least=1)
    level = round(float(checks.probabilities(p)) * LEVELS)
    seed = seeds.sequence(seed)
    torus = torus_of(lattice)
    bits, work, n_rows = np.random.PCG64(seed), _work(torus), max(1, BATCH // n_steps)
    found = Windings(
        kind,
        level / LEVELS,
        n_steps,
        np.empty(n_realisations, dtype=np.int64),
        *_nothing_wound(lattice, n_realisations),
    )
    for first in range(0, n_realisations, n_rows):
        rows = slice(first, min(first + n_rows, n_realisations))
        opened = _opened(bits, level, (rows.stop - rows.start, n_steps))
        kernels.count_open(opened, found.n_open[rows])
        kernels.wind(opened, kind == "bond", torus, work, found.axes[rows], found.rank[rows])
    return found


def windings_of(lattice: Box, opened: ArrayLike, *, kind: str = "site") -> tuple[np.ndarray, np.ndarray]:
    """The same for given samples: the axes (n, d) and the rank (n,) of `Windings`.

    opened: (n, n_sites) bool in the order of the sites; if kind="bond" (n, n_bonds) in that of lattice.bonds().
    """
    n_steps = _checked(lattice, kind)
    opened = np.ascontiguousarray(opened)
    if opened.dtype != bool or opened.ndim != 2 or opened.shape[1] != n_steps:
        raise ValueError(f"opened must be bool of shape (n, {n_steps}), got {opened.dtype} of shape {opened.shape}")
    torus = torus_of(lattice)
    axes, rank = _nothing_wound(lattice, len(opened))
    bonds = kind == "bond"
    rows = opened.take(torus.numbers, axis=1) if bonds else opened  # by index they lie in columns: compiled anew
    kernels.wind(rows, bonds, torus, _work(torus), axes, rank)
    return axes, rank


def _checked(lattice: Box, kind: str) -> int:
    """Number of sites or bonds to open."""
    checks.kind(kind)
    if not isinstance(lattice, Box) or not any(lattice.is_periodic):
        raise ValueError("nothing winds round a lattice without a periodic axis; take periodic=True")
    return lattice.n_sites if kind == "site" else lattice.n_bonds


def _nothing_wound(lattice: Box, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The axes and the rank while nothing winds."""
    return np.zeros((n, lattice.d), dtype=bool), np.zeros(n, dtype=np.int8)


def _opened(bits: np.random.PCG64, level: int, shape: tuple[int, int]) -> np.ndarray:
    """Independent bool, True with probability level / LEVELS."""
    n = math.prod(shape)
    numbers = bits.random_raw(-(-n // 4)).view(np.uint16)[:n]
    # 2^16 itself does not fit in 16 bits
    return (numbers < level if level < LEVELS else np.ones(n, dtype=bool)).reshape(shape)


def _work(torus: kernels.Torus) -> kernels.Workspace:
    n = len(torus.starts) - 1
    listed = np.empty(n + 1, dtype=np.int32)
    around = np.empty(torus.most_lower + 1, dtype=np.int32)
    return kernels.Workspace(np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int64), listed, around)


@lru_cache(maxsize=TORI_KEPT)
def torus_of(lattice: Box) -> kernels.Torus:
    """The lattice as kernels take it."""
    bits = 64 // lattice.d
    bonds, crossed = lattice.bonds(), lattice.windings(tuple(1 << bits * axis for axis in range(lattice.d)))
    higher, across = bonds.max(axis=1), crossed != 0
    inside = np.flatnonzero(~across)
    inside = inside[np.argsort(higher[inside], kind="stable")]
    seams = np.flatnonzero(across)
    starts = np.searchsorted(higher[inside], np.arange(lattice.n_sites + 1)).astype(np.int32)
    lower = bonds[inside].min(axis=1)
    numbers = np.concatenate([inside, seams])
    return kernels.Torus(starts, lower, bonds[seams], crossed[seams], numbers, int(np.diff(starts).max()))
