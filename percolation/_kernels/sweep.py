"""Open sites or bonds one by one and follow the clusters by union-find (Newman and Ziff 2001).

One int32 array holds the forest: parent[i] is the site above i; a root holds minus the size of its cluster, a
closed site CLOSED. Sites are uint64 in the loops: with a signed index numba tests each access for being negative.

The site sweep is one text for every lattice. A lattice comes as a named tuple of its displacements; numba
compiles a kernel for each type of tuple, and the tuple's length, the coordination number, is a constant there.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

kernel = njit(cache=True, nogil=True)

U = np.uint64
MOST_SITES = 2**31 - 1  # a site's number, and minus a cluster's size, must fit an int32
CLOSED = np.int32(-(2**31))
AHEAD = 8  # sites that are fetched before their turn; 4 and 16 are as fast; without the neighbours 1.1 to 1.4 x slower
FAR = 16  # the same for memory that is touched with little work in between


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


@kernel
def shuffle(order, start, uniforms):
    """Extend the random permutation order[:start] by the numbers start, start + 1, ..., one for each uniform.

    Fisher and Yates' shuffle, inside out: the new number takes a random place, what stood there goes to the end.
    """
    for k in range(len(uniforms)):
        i = start + k
        if k + FAR < len(uniforms):
            prefetch(order, place(uniforms[k + FAR], i + FAR))
        j = place(uniforms[k], i)
        order[i] = order[j]
        order[j] = i


@kernel
def shuffle_pairs(pairs, source, start, uniforms):
    """The same for the rows of source: shuffling the pairs, not their numbers, spares the sweep a random access."""
    for k in range(len(uniforms)):
        i = start + k
        if k + FAR < len(uniforms):
            prefetch(pairs, U(2) * place(uniforms[k + FAR], i + FAR))
        j = place(uniforms[k], i)
        pairs[i, 0], pairs[i, 1] = pairs[j, 0], pairs[j, 1]
        pairs[j, 0], pairs[j, 1] = source[i, 0], source[i, 1]


@kernel
def place(uniform, i):
    """One of 0 ... i, equally likely to within (i + 1) / 2^53."""
    return U(uniform * (i + 1))


@kernel
def site_sweep(lattice, order, largest, second_moment):
    """Open the sites of a lattice in the order; fill the records at n = 0, 1, ..., len(order) open sites."""
    degree = coordination(lattice)
    parent = np.full(lattice.n_sites + U(1), CLOSED, dtype=np.int32)
    around = np.empty(AHEAD * degree, dtype=np.int32)  # a ring: neighbours of the next AHEAD sites
    for n in range(min(AHEAD, len(order))):
        fill_neighbours(lattice, U(order[n]), around, U(n * degree))
    biggest, squares = 0, 0
    largest[0], second_moment[0] = 0, 0
    for n in range(len(order)):
        slot = U((n % AHEAD) * degree)
        # first which neighbours are open, without a branch; then only those: mispredictions are what a sweep pays for
        opened = U(0)
        for k in range(degree):
            opened |= U(parent[U(around[slot + U(k)])] != CLOSED) << U(k)
        root = U(order[n])
        parent[root] = -1
        squares += 1
        while opened:
            other = find(parent, U(around[slot + lowest_bit(opened)]))
            opened &= opened - U(1)
            if other != root:
                squares += 2 * product_of_sizes(parent, root, other)
                root = join(parent, root, other)
        biggest = max(biggest, -parent[root])
        largest[n + 1], second_moment[n + 1] = biggest, squares
        if n + AHEAD < len(order):
            fill_neighbours(lattice, U(order[n + AHEAD]), around, slot)
            for k in range(degree):
                prefetch(parent, U(around[slot + U(k)]))


@kernel
def graph_site_sweep(indptr, indices, order, largest, second_moment):
    """The same for a stored graph: the neighbours of site i are indices[indptr[i]:indptr[i + 1]]."""
    parent = np.full(len(order), CLOSED, dtype=np.int32)
    biggest, squares = 0, 0
    largest[0], second_moment[0] = 0, 0
    for n in range(len(order)):
        root = U(order[n])
        first, last = U(indptr[root]), U(indptr[root + U(1)])
        parent[root] = -1
        squares += 1
        for k in range(first, last):
            if parent[U(indices[k])] != CLOSED:
                other = find(parent, U(indices[k]))
                if other != root:
                    squares += 2 * product_of_sizes(parent, root, other)
                    root = join(parent, root, other)
        biggest = max(biggest, -parent[root])
        largest[n + 1], second_moment[n + 1] = biggest, squares
        if n + FAR < len(order):
            prefetch(indptr, U(order[n + FAR]))
        if n + AHEAD < len(order):
            prefetch(indices, U(indptr[U(order[n + AHEAD])]))


@kernel
def bond_sweep(pairs, n_sites, largest, second_moment):
    """Open the bonds pairs[0], pairs[1], ... between n_sites open sites; fill the records at 0, 1, ... open bonds."""
    parent = np.full(n_sites, -1, dtype=np.int32)
    biggest, squares = 1, n_sites
    largest[0], second_moment[0] = biggest, squares
    for n in range(len(pairs)):
        root, other = find(parent, U(pairs[n, 0])), find(parent, U(pairs[n, 1]))
        if other != root:
            squares += 2 * product_of_sizes(parent, root, other)
            root = join(parent, root, other)
            biggest = max(biggest, -parent[root])
        largest[n + 1], second_moment[n + 1] = biggest, squares
        if n + AHEAD < len(pairs):
            prefetch(parent, U(pairs[n + AHEAD, 0]))
            prefetch(parent, U(pairs[n + AHEAD, 1]))


@kernel
def find(parent, i):
    """Root of the open site i, halving the path on the way."""
    above = parent[i]
    while above >= 0:
        top = parent[U(above)]
        if top < 0:
            return U(above)
        parent[i] = top
        i = U(top)
        above = parent[i]
    return i


@kernel
def join(parent, root, other):
    """Root of the cluster made of two: small into large keeps every path shorter than log2 of its cluster."""
    if parent[other] < parent[root]:
        root, other = other, root
    parent[root] += parent[other]
    parent[other] = root
    return root


@kernel
def product_of_sizes(parent, root, other):
    """Half of what joining two clusters adds to sum s^2: (a + b)^2 - a^2 - b^2 = 2 a b."""
    return np.int64(parent[root]) * np.int64(parent[other])


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


def coordination(lattice: Any) -> int:
    """Number of neighbours of a site, those missing at a face included."""
    return _coordination(type(lattice))(lattice)


def fill_neighbours(lattice: Any, site: np.uint64, around: np.ndarray, slot: np.uint64) -> None:
    """Write the neighbours of site to around[slot:]."""
    _fill_neighbours(type(lattice))(lattice, site, around, slot)


def _coordination(kind: type) -> Callable[..., int]:
    if kind is Cube:
        return lambda lattice: len(lattice.bits)
    return lambda lattice: 2 * len(lattice.strides)


def _fill_neighbours(kind: type) -> Callable[..., None]:
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

    def in_cube(lattice, site, around, slot):
        k = slot
        for bit in lattice.bits:
            around[k] = site ^ bit
            k += U(1)

    return in_cube if kind is Cube else in_box


@overload(coordination)
def _coordination_of_type(lattice):
    return _coordination(lattice.instance_class)


@overload(fill_neighbours)
def _fill_neighbours_of_type(lattice, site, around, slot):
    return _fill_neighbours(lattice.instance_class)


def lowest_bit(mask: np.uint64) -> np.uint64:
    """Place of the lowest set bit of a mask that is not 0."""
    return U((int(mask) & -int(mask)).bit_length() - 1)


def prefetch(array: np.ndarray, i: np.uint64) -> None:
    """Ask the processor to bring array[i] into its cache; changes nothing else."""


@overload(lowest_bit)
def _lowest_bit_compiled(mask):
    return lambda mask: _count_trailing_zeros(mask)


@overload(prefetch)
def _prefetch_compiled(array, i):
    return lambda array, i: _llvm_prefetch(array, i)


@intrinsic
def _count_trailing_zeros(typing_context, mask):
    def code(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), code


@intrinsic
def _llvm_prefetch(typing_context, array, i):
    def code(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), cgutils.voidptr_t)
        number = ir.IntType(32)
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number]),
            "llvm.prefetch.p0i8",
        )
        read, keep, data_cache = (ir.Constant(number, value) for value in (0, 3, 1))
        builder.call(function, [address, read, keep, data_cache])
        return context.get_dummy_value()

    return types.void(array, types.uint64), code
