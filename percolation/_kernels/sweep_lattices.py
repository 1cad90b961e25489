"""Lattices as the kernels take them: each is a named tuple that computes the neighbours of a site.

What depends on the kind of lattice is chosen when numba compiles for it, and the length of its tuple of displacements
is a constant there. Sites are uint64: with a signed index numba tests each access for being negative.
"""

from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable

from percolation._kernels.bits import U
from percolation._kernels.compiling import by_kind, kernel

MOST_SITES = 2**31 - 1  # a site's number, and minus a cluster's size, must fit an int32
MISSING = np.int32(-1)  # in place of a neighbour beyond an open face
WORD = 64  # neighbours whose state is looked at together, as bits of one word


class Torus(NamedTuple):
    """Periodic box: the neighbours of a site are at +-strides[i], within the line of L sites along axis i."""

    L: np.uint64
    strides: tuple[np.uint64, ...]
    n_sites: np.uint64


class Box(NamedTuple):
    """Box with open faces; the neighbour that is missing at a face is the site n_sites, closed for ever."""

    L: np.uint64
    strides: tuple[np.uint64, ...]
    n_sites: np.uint64


class Cube(NamedTuple):
    """n-cube: the neighbours of a site differ from it in one of the bits."""

    bits: tuple[np.uint64, ...]
    n_sites: np.uint64


class Cells(NamedTuple):
    """Box of cells with a basis: site = cell * len(steps) + b; the cell's first coordinate here is the fastest.

    steps[b, k] leads from the cell of a site b to that of its neighbour k, and ends[b, k] is what that is there.
    """

    L: np.uint64
    steps: np.ndarray  # (n_basis, coordination, d) int64
    ends: np.ndarray  # (n_basis, coordination) int64
    periodic: np.ndarray  # (d,) bool
    n_sites: np.uint64


@by_kind
def coordination(kind):
    """Number of neighbours of a site, those missing at a face included."""
    if kind is Cells:
        return lambda lattice: lattice.steps.shape[1]
    return lambda lattice: 2 * len(lattice.strides)


@by_kind
def n_words(kind):
    """Words of WORD bits that hold a bit for every neighbour; known to the compiler where it can only be one."""
    if kind is Cells:
        return lambda lattice: (lattice.steps.shape[1] + WORD - 1) // WORD
    return lambda lattice: 1


@by_kind
def fill_neighbours(kind):
    """Write the neighbours of site to around[slot:]."""
    periodic = kind is Torus

    def in_box(lattice, site, around, slot):
        rest, k = site, slot
        for stride in lattice.strides:
            x, rest = rest % lattice.L, rest // lattice.L
            span = stride * lattice.L
            up = site + stride
            if x == lattice.L - U(1):
                up = up - span if periodic else lattice.n_sites
            down = site + span - stride if periodic else lattice.n_sites
            if x > U(0):
                down = site - stride
            around[k], around[k + U(1)] = up, down
            k += U(2)

    def in_cells(lattice, site, around, slot):
        n_basis, degree, d = lattice.steps.shape
        rest, b, L, stride = np.int64(site) // n_basis, np.int64(site) % n_basis, np.int64(lattice.L), n_basis
        for k in range(degree):
            around[slot + U(k)] = lattice.ends[b, k]
        for axis in range(d):
            x, rest = rest % L, rest // L
            for k in range(degree):
                y = x + lattice.steps[b, k, axis]
                if y < 0 or y >= L:
                    y = y % L if lattice.periodic[axis] else MISSING
                if around[slot + U(k)] >= 0:
                    around[slot + U(k)] = around[slot + U(k)] + y * stride if y >= 0 else MISSING
            stride *= L
        for k in range(degree):
            if around[slot + U(k)] < 0:
                around[slot + U(k)] = lattice.n_sites

    return in_cells if kind is Cells else in_box


@by_kind
def winding_of(kind):
    """Winding of the bond from a site to its j-th neighbour."""

    def in_torus(lattice, site, neighbour, j):
        round_axis = U(1) << (field_bits(len(lattice.strides)) * (j >> U(1)))
        if j & U(1):
            return U(0) - round_axis if neighbour > site else U(0)
        return round_axis if neighbour < site else U(0)

    def in_cells(lattice, site, neighbour, j):
        n_basis, _, d = lattice.steps.shape
        rest, b, L = np.int64(site) // n_basis, np.int64(site) % n_basis, np.int64(lattice.L)
        winding = np.int64(0)
        for axis in range(d):
            x, rest = rest % L, rest // L
            winding += (x + lattice.steps[b, np.int64(j), axis]) // L << np.int64(field_bits(d)) * axis
        return U(winding)

    def none(lattice, site, neighbour, j):
        return U(0)

    return {Torus: in_torus, Cells: in_cells}.get(kind, none)


@register_jitable
def field_bits(d):
    """Bits of a winding for each of d axes."""
    return U(10) if d <= 3 else U(64 // d)


def marks_type(d: int) -> type[np.unsignedinteger]:
    """The narrowest integer that holds windings round d axes."""
    return np.uint32 if d <= 3 else np.uint64


@kernel
def fill_compressed(edges, indptr, indices):
    """Adjacency of an edge list by counting; indptr enters as zeros, self-loops are left out."""
    for k in range(len(edges)):
        if edges[k, 0] != edges[k, 1]:
            indptr[edges[k, 0] + 1] += 1
            indptr[edges[k, 1] + 1] += 1
    for i in range(len(indptr) - 1):
        indptr[i + 1] += indptr[i]
    end = indptr[:-1].copy()
    for k in range(len(edges)):
        i, j = edges[k]
        if i != j:
            indices[end[i]], indices[end[j]] = j, i
            end[i] += 1
            end[j] += 1
