"""Union-find, with path halving (Newman and Ziff 2001).

By size: parent[i] is the site above i, a root holds minus the size of its cluster, and the smaller hangs below the
larger, so that a path is no longer than log2 of its cluster. With windings: windings[i] tells how the way from the
parent of i to i crosses the seams of a torus.

In raster order: a root is its own parent and the lowest of its cluster, for sites that come in the order of their
numbers. Sizes are not asked for, and to unite takes no branch.
"""

import numpy as np

from percolation._kernels.bits import U
from percolation._kernels.compiling import part

CLOSED = np.int32(-(2**31))  # parent of a site that is not open
OPEN = np.int32(-1)  # parent of a cluster of one site


@part
def find(parent, i):
    """Root of an open site."""
    above = parent[i]
    while above >= 0:
        top = parent[U(above)]
        if top < 0:
            return U(above)
        parent[i] = top
        i = U(top)
        above = parent[i]
    return i


@part
def find_across(parent, windings, i):
    """Root of an open site, and the winding from it to the site."""
    there = U(0)
    while parent[i] >= 0:
        above = U(parent[i])
        if parent[above] >= 0:
            parent[i] = parent[above]
            windings[i] += windings[above]
        there += windings[i]
        i = U(parent[i])
    return i, there


@part
def unite(parent, root, other):
    """Hang the smaller of two roots below the larger: (root of both, the one that hangs)."""
    if parent[other] < parent[root]:
        root, other = other, root
    parent[root] += parent[other]
    parent[other] = root
    return root, other


@part
def unite_across(parent, windings, root, other, here, offset):
    """The same, and where from the root of both lies what was at `here` from root; offset: from root to other."""
    if parent[other] < parent[root]:
        root, other, here, offset = other, root, here - offset, U(0) - offset
    parent[root] += parent[other]
    parent[other] = root
    windings[other] = offset
    return root, other, here


@part
def find_lowest(parent, i):
    """Root of a site in raster order."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@part
def find_lowest_across(parent, windings, i):
    """The same, and the winding from it to the site."""
    there = 0
    while parent[i] != i:
        above = parent[i]
        windings[i] += windings[above]
        parent[i] = parent[above]
        there += windings[i]
        i = parent[i]
    return i, there


@part
def unite_lowest(parent, i, j):
    """Hang the higher of two roots below the lower, which is returned; they may be one."""
    low, high = min(i, j), max(i, j)
    parent[high] = low
    return low
