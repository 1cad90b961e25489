"""What the clusters of a sweep know besides their size, on `union_find`.

Which of the functions below run is chosen by the kind of forest when numba compiles for it.
"""

from typing import NamedTuple

import numpy as np

from percolation._kernels.bits import U
from percolation._kernels.compiling import by_kind
from percolation._kernels.sweep_lattices import field_bits, winding_of
from percolation._kernels.union_find import find, find_across, unite, unite_across

STEPS_BETWEEN_LOOKS = 64  # steps between two looks at whether every axis has been seen
LOWER_FACES = np.uint64(0x5555555555555555)  # bits 0, 2, 4, ...


class Plain(NamedTuple):
    """Clusters, and nothing else."""

    d: int


class Spanning(NamedTuple):
    """Clusters that know which faces of the box they touch: bits 2 i and 2 i + 1 of a root for those across axis i."""

    d: int


class Wrapping(NamedTuple):
    """Clusters that know how they lie in the plane that the torus covers (Machta et al., Phys. Rev. E 54, 1332, 1996).

    A site's mark is its winding: how often the way from it to its parent goes round each axis, a field of bits an
    axis. A bond that closes a loop makes a second way to the root; where the two differ, the cluster wraps.
    """

    d: int


class Forest(NamedTuple):
    """The clusters, and the first step of each axis. Kernels unpack it once: its arrays are counted at each access."""

    kind: Plain | Spanning | Wrapping
    parent: np.ndarray  # (n_sites + 1,) int32; the last is a site that stays closed
    marks: np.ndarray  # (n_sites,) uint64, faces or windings
    first: np.ndarray  # (d,) int64, the first step at which a cluster spans or wraps an axis


@by_kind
def root_of(of):
    """Root of the open site i, and the winding from it to the site."""

    def plain(kind, parent, marks, i):
        return find(parent, i), U(0)

    def wrapping(kind, parent, marks, i):
        return find_across(parent, marks, i)

    return wrapping if of is Wrapping else plain


@by_kind
def joined(of):
    """Whether two open sites are seen at a glance to be in one cluster, in which case nothing is left to do."""

    def below_one_root(kind, parent, i, j):
        return parent[i] == parent[j] and parent[i] >= 0

    def not_seen(kind, parent, i, j):
        return False

    return not_seen if of is Wrapping else below_one_root


@by_kind
def join(of):
    """Root of the cluster made of two, and where in it lies what was at `here` from root.

    offset: winding from root to other.
    """

    def plain(kind, parent, marks, root, other, here, offset):
        root, _ = unite(parent, root, other)
        return root, U(0)

    def spanning(kind, parent, marks, root, other, here, offset):
        root, other = unite(parent, root, other)
        marks[root] |= marks[other]
        return root, U(0)

    def wrapping(kind, parent, marks, root, other, here, offset):
        root, _, here = unite_across(parent, marks, root, other, here, offset)
        return root, here

    return {Spanning: spanning, Wrapping: wrapping}.get(of, plain)


@by_kind
def close(of):
    """Step n closes a loop that winds so."""

    def plain(kind, axes, winding, n):
        pass

    def wrapping(kind, axes, winding, n):
        bits = field_bits(len(axes))
        if winding << (U(64) - bits * U(len(axes))) != U(0):
            half = U(1) << (bits - U(1))
            for axis in range(len(axes)):
                # half added to every field keeps a negative one from borrowing of the next
                winding += half << (bits * U(axis))
            for axis in range(len(axes)):
                field = winding >> (bits * U(axis)) & (half + half - U(1))
                if field != half:
                    axes[axis] = min(axes[axis], n)

    return wrapping if of is Wrapping else plain


@by_kind
def note(of):
    """After step n, which changed the cluster of this root."""

    def plain(kind, marks, axes, root, n):
        pass

    def spanning(kind, marks, axes, root, n):
        faces = marks[root]
        if faces & (faces >> U(1)) & LOWER_FACES:
            for axis in range(len(axes)):
                if faces >> U(2 * axis) & U(3) == U(3):
                    axes[axis] = min(axes[axis], n)

    return spanning if of is Spanning else plain


@by_kind
def nothing_left(of):
    """Whether step n was the last that had an axis to see; looked at only now and then."""

    def plain(kind, axes, n):
        return False

    def follows_axes(kind, axes, n):
        if n % STEPS_BETWEEN_LOOKS:
            return False
        for axis in range(len(axes)):
            if axes[axis] > n:
                return False
        return True

    return plain if of is Plain else follows_axes


@by_kind
def crossing(of):
    """How the bond from a site to its j-th neighbour goes round the torus; asked only if the forest follows it."""

    def nowhere(kind, lattice, site, neighbour, j):
        return U(0)

    def somewhere(kind, lattice, site, neighbour, j):
        return winding_of(lattice, site, neighbour, j)

    return somewhere if of is Wrapping else nowhere
