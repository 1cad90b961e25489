"""Do clusters wind round a torus? Union-find in raster order, then once along the seams.

Bonds inside the box need no displacements: they are united first, in an order that stays in cache. The few bonds
that lead round the torus then join the roots, and only there is a winding number carried.
"""

import numpy as np
from numba import njit

kernel = njit(cache=True, nogil=True)


@kernel
def wind_by_sites(opened, torus, work, axes, rank):
    """For each row of opened (n, n_sites): fill axes (n, d), those that a cluster winds round, and rank (n,)."""
    for row in range(len(opened)):
        sites = work.listed[: list_opened(opened[row], work.listed)]
        unite_sites(opened[row], sites, torus, work)
        first = np.zeros(axes.shape[1], dtype=np.int64)
        for k in range(len(torus.seams)):
            i, j = torus.seams[k]
            if opened[row, i] and opened[row, j]:
                close(work, i, j, torus.crossed[k], axes[row], rank[row : row + 1], first)


@kernel
def wind_by_bonds(opened, torus, work, axes, rank):
    """The same where bonds are open or not, opened (n, n_bonds): those inside in the order of torus, then the seams."""
    n_inside = len(torus.lower)
    for row in range(len(opened)):
        unite_bonds(opened[row], torus, work)
        first = np.zeros(axes.shape[1], dtype=np.int64)
        for k in range(len(torus.seams)):
            i, j = torus.seams[k]
            if opened[row, n_inside + k]:
                close(work, i, j, torus.crossed[k], axes[row], rank[row : row + 1], first)


@kernel
def count_open(opened, n_open):
    """Number of true entries of each row of opened (n, n_steps): fill n_open (n,)."""
    for row in range(len(opened)):
        n = 0
        for is_open in opened[row]:
            n += is_open
        n_open[row] = n


@kernel
def list_opened(opened, listed):
    """Write the numbers of what is open to listed, without a branch to mispredict; returns how many."""
    n = 0
    for i in range(len(opened)):
        listed[n] = i
        n += opened[i]
    return n


@kernel
def unite_sites(opened, sites, torus, work):
    """Unite every open site with its open neighbours of lower number; a root is the lowest site of its cluster."""
    starts, lower, around = torus.starts, torus.lower, work.around
    for site in sites:
        n = 0
        for k in range(starts[site], starts[site + 1]):
            around[n] = lower[k]
            n += opened[lower[k]]
        settle(work, site, n)


@kernel
def unite_bonds(opened, torus, work):
    """Unite every site with the neighbours of lower number to which its bonds are open."""
    starts, lower, around = torus.starts, torus.lower, work.around
    for site in range(len(starts) - 1):
        n = 0
        for k in range(starts[site], starts[site + 1]):
            around[n] = lower[k]
            n += opened[k]
        settle(work, site, n)


@kernel
def settle(work, site, n):
    """Put a new site under the lowest of the roots of work.around[:n], and those under it too."""
    parent, root = work.parent, site
    for k in range(n):
        other = find(parent, work.around[k])
        low, high = min(root, other), max(root, other)
        parent[high] = low
        root = low
    parent[site] = root
    work.crossed[site] = 0


@kernel
def find(parent, i):
    """Root of site i, halving the path on the way; a root is its own parent."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel
def close(work, i, j, crossed, axes, rank, first):
    """Open the bond from i to j that crosses the seams as `crossed` counts; note how a loop it closes winds.

    rank: 1 after the first loop that winds, 2 after one that is no multiple of it; first: the windings of the first.
    """
    i, to_i = find_across(work, i)
    j, to_j = find_across(work, j)
    way = to_i + crossed - to_j  # of the root of j, seen from that of i
    if i != j:
        work.parent[j], work.crossed[j] = i, way
    elif way != 0:
        note(way, axes, rank, first)


@kernel
def note(way, axes, rank, first):
    """Unpack the windings of a loop, 64 // d bits an axis, the first lowest."""
    bits = 64 // len(axes)
    turns = np.empty(len(axes), dtype=np.int64)
    for axis in range(len(axes)):
        turns[axis] = (way << (64 - bits)) >> (64 - bits)
        way = (way - turns[axis]) >> bits
        axes[axis] |= turns[axis] != 0
    if rank[0] == 0:
        rank[0] = 1
        first[:] = turns
    elif rank[0] == 1:
        for a in range(len(turns)):
            for b in range(a):
                if first[a] * turns[b] != first[b] * turns[a]:
                    rank[0] = 2


@kernel
def find_across(work, i):
    """Root of site i and where i lies, seen from it, in seams crossed; halves the path."""
    parent, crossed, way = work.parent, work.crossed, 0
    while parent[i] != i:
        above = parent[i]
        crossed[i] += crossed[above]
        parent[i] = parent[above]
        way += crossed[i]
        i = parent[i]
    return i, way
