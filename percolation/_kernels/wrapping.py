"""Do clusters wind round a torus? Union-find in raster order, then once along the seams.

Bonds inside the box need no displacements: they are united first, in an order that stays in cache. The few bonds
that lead round the torus then join the roots, and only there is a winding number carried.
"""

from typing import NamedTuple

import numpy as np

from percolation._kernels.compiling import kernel, part
from percolation._kernels.union_find import find_lowest, find_lowest_across, unite_lowest


class Torus(NamedTuple):
    """A torus as the kernels take it: bonds inside the box by their higher end, then those across its seams."""

    starts: np.ndarray  # (n_sites + 1,) int32, where the bonds of a site begin in lower
    lower: np.ndarray  # (n_inside,) int32, the lower end of each
    seams: np.ndarray  # (n_seams, 2) int32
    crossed: np.ndarray  # (n_seams,) int64, the seams crossed on the way, 64 // d bits an axis
    numbers: np.ndarray  # (n_bonds,) of all these in lattice.bonds(), in this order
    most_lower: int  # bonds inside that one site is the higher end of


class Workspace(NamedTuple):
    """What a kernel writes on; its contents do not matter before or after."""

    parent: np.ndarray  # (n_sites,) int32
    crossed: np.ndarray  # (n_sites,) int64, on the way from a site to its parent
    listed: np.ndarray  # (n_sites + 1,) int32
    around: np.ndarray  # (most bonds of a site + 1,) int32


@kernel
def wind(opened, bonds, torus, work, axes, rank):
    """For each row of opened fill axes (n, d), those that a cluster winds round, and rank (n,).

    opened: (n, n_sites); for bonds (n, n_bonds), those inside in the order of torus, then the seams.
    """
    n_inside = len(torus.lower)
    for row in range(len(opened)):
        n_sites = list_sites(opened[row], bonds, work.listed)
        unite_inside(opened[row], bonds, n_sites, torus, work)
        loops = np.zeros((2, axes.shape[1]), dtype=np.int64)
        for k in range(len(torus.seams)):
            i, j = torus.seams[k]
            if opened[row, n_inside + k] if bonds else opened[row, i] and opened[row, j]:
                open_seam_bond(work, i, j, torus.crossed[k], axes[row], rank[row : row + 1], loops)


@kernel
def count_open(opened, n_open):
    """Number of true entries of each row of opened (n, n_steps): fill n_open (n,)."""
    for row in range(len(opened)):
        n = 0
        for is_open in opened[row]:
            n += is_open
        n_open[row] = n


@part
def list_sites(opened, bonds, listed):
    """Write the numbers of the open sites, all of them for bonds, to listed, without a branch to mispredict."""
    n = 0
    for i in range(len(listed) - 1):
        listed[n] = i
        n += bonds or opened[i]
    return n


@part
def unite_inside(opened, bonds, n_sites, torus, work):
    """Unite each of the sites listed with the neighbours of lower number that are open, or to which its bonds are.

    A new site hangs below the lowest of their roots, and so do these: a root is the lowest site of its cluster.
    """
    starts, lower, parent, around = torus.starts, torus.lower, work.parent, work.around
    for place in range(n_sites):
        site, n = work.listed[place], 0
        for k in range(starts[site], starts[site + 1]):
            around[n] = lower[k]
            n += opened[k if bonds else lower[k]]
        root = site
        for j in range(n):
            root = unite_lowest(parent, root, find_lowest(parent, around[j]))
        parent[site] = root
        work.crossed[site] = 0


@part
def open_seam_bond(work, i, j, crossed, axes, rank, loops):
    """Open the bond from i to j that crosses the seams as `crossed` counts; note_loop how a loop it closes winds.

    rank: 1 after the first loop that winds, 2 after one that is no multiple of it. loops: (2, d), the windings of the
    first and of this one.
    """
    i, to_i = find_lowest_across(work.parent, work.crossed, i)
    j, to_j = find_lowest_across(work.parent, work.crossed, j)
    way = to_i + crossed - to_j  # of the root of j, seen from that of i
    if i != j:
        work.parent[j], work.crossed[j] = i, way
    elif way != 0:
        note_loop(way, axes, rank, loops)


@part
def note_loop(way, axes, rank, loops):
    """Unpack the windings of a loop, 64 // d bits an axis, the first lowest."""
    bits = 64 // len(axes)
    first, turns = loops[0], loops[1]
    for axis in range(len(axes)):
        turns[axis] = (way << (64 - bits)) >> (64 - bits)
        way = (way - turns[axis]) >> bits
        axes[axis] |= turns[axis] != 0
    if rank[0] == 0:
        rank[0] = 1
        for axis in range(len(turns)):
            first[axis] = turns[axis]
    elif rank[0] == 1:
        for a in range(len(turns)):
            for b in range(a):
                if first[a] * turns[b] != first[b] * turns[a]:
                    rank[0] = 2
