"""Open sites or bonds one by one and follow the clusters by union-find (Newman and Ziff 2001).

One int32 array holds the forest: parent[i] is the site above i; a root holds minus the size of its cluster, a
closed site CLOSED. Sites are uint64 in the loops: with a signed index numba tests each access for being negative.

A sweep is one text for every lattice and every forest. Both come as named tuples, and what depends on their kind
(`by_kind`) is chosen when numba compiles for it; the length of a lattice's tuple of displacements is a constant there.
- A lattice, `Torus`, `Box`, `Cube` or `Cells`, gives the neighbours of a site.
- A forest, `Forest`, `Spanning` or `Wrapping`, holds the clusters, and notes the first step of each axis.
- A `Tally` counts clusters and sizes, and writes its records at the steps that the caller wants.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

kernel = njit(cache=True, nogil=True)
# without counts of references to arrays, which cost up to five times a step; such a function must not allocate
UNCOUNTED: Any = {"_nrt": False}
part = njit(cache=True, nogil=True, **UNCOUNTED)

U = np.uint64
MOST_SITES = 2**31 - 1  # a site's number, and minus a cluster's size, must fit an int32
CLOSED = np.int32(-(2**31))
AHEAD = 8  # sites that are fetched before their turn; 4 and 16 are as fast; without the neighbours 1.1 to 1.4 x slower
FAR = 16  # the same for memory that is touched with little work in between
GLANCE = 64  # steps between two looks at whether every axis has been seen
MISSING = np.int32(-1)  # in place of a neighbour beyond an open face
LOWER_FACES = np.uint64(0x5555555555555555)  # bits 0, 2, 4, ...
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


class Totals(NamedTuple):
    """Totals over all clusters; whole numbers are exact below 2^53. The last three only if sizes are counted.

    A tuple of numbers stays in registers. In an array they fill the buffer of pending stores: 1.25 x slower at 1000^2.
    """

    largest: float
    second_moment: float
    n_clusters: float
    second_largest: float
    third_moment: float
    fourth_moment: float


class Tally(NamedTuple):
    """What is counted, and what is recorded."""

    counts: np.ndarray  # (n_sites + 1,) int32, number of clusters of each size, or empty
    rows: np.ndarray  # (6,) int64, row of `records` for each of the totals, -1 for none
    records: np.ndarray  # (n_rows, n_records) float64
    counted: np.ndarray  # (n_counted,) int64, the records at which clusters are counted by size
    size_edges: np.ndarray  # (n_bins + 1,) int64, the last at most n_sites + 1
    cluster_counts: np.ndarray  # (n_counted, n_bins) int64, clusters of size_edges[j] <= s < size_edges[j + 1]


class Coins(NamedTuple):
    """Whether the bond to an open neighbour is open too: it is looked at once, when the later of its sites opens."""

    key: np.uint64
    p: float


def by_kind(choose: Callable[[type], Callable]) -> Callable:
    """A function whose body is chosen by the class of its first argument, compiled or not."""

    def chosen(first, *rest):
        return choose(type(first))(first, *rest)

    @overload(chosen, strict=False, jit_options=UNCOUNTED)
    def of_type(first, *rest):
        return choose(first.instance_class)

    return chosen


# orders


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
def shuffle_items(items, source, start, uniforms):
    """The same for the items of source: shuffling bonds, not their numbers, spares the sweep a random access."""
    for k in range(len(uniforms)):
        i = start + k
        if k + FAR < len(uniforms):
            prefetch(items, place(uniforms[k + FAR], i + FAR))
        j = place(uniforms[k], i)
        items[i] = items[j]
        items[j] = source[i]


@kernel
def place(uniform, i):
    """One of 0 ... i, equally likely to within (i + 1) / 2^53."""
    return U(uniform * (i + 1))


@kernel
def throw(key, p, guide, bins, ends):
    """Bin of each of 0 ... len(bins) - 1, the first k with p[k] above its number, and ends[k + 1], zeros on entry.

    ends[k + 1] is how many are in the bins 0 ... k. Who opens at no p is in bin len(p).
    """
    for i in range(len(bins)):
        k = first_open(uniform(key, U(i)), p, guide)
        bins[i] = k
        ends[k + 1] += 1
    for k in range(len(p) + 1):
        ends[k + 1] += ends[k]


@kernel
def sort_numbers(bins, places, order):
    """Write the numbers 0 ... len(bins) - 1 to order, each at its bin's places[k], which moves on."""
    for i in range(len(bins)):
        k = bins[i]
        if places[k] < len(order):
            order[places[k]] = i
            places[k] += 1


@kernel
def sort_items(bins, places, source, items):
    """The same for the items of source instead of their numbers."""
    for i in range(len(bins)):
        k = bins[i]
        if places[k] < len(items):
            items[places[k]] = source[i]
            places[k] += 1


@kernel
def first_open(u, p, guide):
    """Number of values of p, ascending, that are not above u; guide[j] is that number for u = j / len(guide)."""
    k = guide[U(u * len(guide))]
    while k < len(p) and p[k] <= u:
        k += 1
    return k


@part
def uniform(key, i):
    """The i-th uniform number of a stream in [0, 1): splitmix64 of Steele, Lea and Flood (2014)."""
    z = key + i * U(0x9E3779B97F4A7C15)
    z = (z ^ (z >> U(30))) * U(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U(27))) * U(0x94D049BB133111EB)
    return np.float64((z ^ (z >> U(31))) >> U(11)) * 2.0**-53


# sweeps


@kernel
def site_sweep(lattice, forest, tally, coins, order, stops, totals, record, n):
    """Open the sites of a lattice in the order; record the clusters once stops[0], stops[1], ... sites are open.

    Goes on from these totals, the first so many records, and n open sites. Returns where it came to, at the latest
    when all is recorded, else when every axis has been seen to span or wrap: a `Plain` forest can go on faster.
    """
    degree, thinned = coordination(lattice), coins.p < 1.0
    kind, parent, marks, axes = forest
    counts, rows, records, counted, size_edges, cluster_counts = tally
    around = np.empty(AHEAD * degree, dtype=np.int32)  # a ring: neighbours of the next AHEAD sites
    for m in range(n, min(n + AHEAD, len(order))):
        fill_neighbours(lattice, U(order[m]), around, U((m % AHEAD) * degree))
    for k in range(record, len(stops)):
        while n < stops[k]:
            slot = U((n % AHEAD) * degree)
            site = U(order[n])
            n += 1
            root, here = site, U(0)
            for word in range(n_words(lattice)):
                # which neighbours are open, without a branch; then only those: a sweep pays for mispredictions
                opened = U(0)
                first = slot + U(word * WORD)
                for j in range(min(degree - word * WORD, WORD)):
                    opened |= U(parent[U(around[first + U(j)])] != CLOSED) << U(j)
                if word == 0:  # not before the look: on the n-cube half the reads would wait for this, 4096 bytes apart
                    parent[site] = -1
                if thinned:
                    opened = thin(coins, U(n * degree + word * WORD), opened)
                while opened:
                    j = lowest_bit(opened)
                    opened &= opened - U(1)
                    neighbour = U(around[first + j])
                    across = crossing(kind, lattice, site, neighbour, j + U(word * WORD))
                    totals, root, here = meet(
                        kind, parent, marks, axes, counts, totals, root, here, neighbour, across, n
                    )
            totals = add(counts, totals, -parent[root])
            note(kind, marks, axes, root, n)
            if n + AHEAD <= len(order):
                fill_neighbours(lattice, U(order[n + AHEAD - 1]), around, slot)
                for j in range(degree):
                    prefetch(parent, U(around[slot + U(j)]))
            if nothing_left(kind, axes, n):
                return totals, k, n
        write(records, rows, totals, k)
        count_sizes(counts, counted, size_edges, cluster_counts, k)
    return totals, len(stops), n


@part
def thin(coins, first, opened):
    """Those bits of a word whose coin says so; first: number of the coin of bit 0."""
    left = U(0)
    while opened:
        j = lowest_bit(opened)
        opened &= opened - U(1)
        left |= U(uniform(coins.key, first + j) < coins.p) << j
    return left


@kernel
def graph_site_sweep(indptr, indices, forest, tally, coins, order, stops, totals):
    """The same for a stored graph: the neighbours of site i are indices[indptr[i]:indptr[i + 1]]."""
    kind, parent, marks, axes = forest
    counts, rows, records, counted, size_edges, cluster_counts = tally
    n = 0
    for k in range(len(stops)):
        while n < stops[k]:
            root = U(order[n])
            first, last = U(indptr[root]), U(indptr[root + U(1)])
            parent[root] = -1
            n += 1
            for j in range(first, last):
                if parent[U(indices[j])] != CLOSED and (coins.p == 1.0 or uniform(coins.key, U(j)) < coins.p):
                    totals, root, _ = meet(
                        kind, parent, marks, axes, counts, totals, root, U(0), U(indices[j]), U(0), n
                    )
            totals = add(counts, totals, -parent[root])
            if n + FAR <= len(order):
                prefetch(indptr, U(order[n + FAR - 1]))
            if n + AHEAD <= len(order):
                prefetch(indices, U(indptr[U(order[n + AHEAD - 1])]))
        write(records, rows, totals, k)
        count_sizes(counts, counted, size_edges, cluster_counts, k)


@kernel
def bond_sweep(pairs, windings, forest, tally, stops, totals, record, n):
    """Open the bonds pairs[0], pairs[1], ... between sites that are all open; the rest as in `site_sweep`.

    windings[n]: how the bond goes round the torus; empty if that is not followed.
    """
    kind, parent, marks, axes = forest
    counts, rows, records, counted, size_edges, cluster_counts = tally
    for k in range(record, len(stops)):
        while n < stops[k]:
            root, here = find(kind, parent, marks, U(pairs[n, 0]))
            other, there = find(kind, parent, marks, U(pairs[n, 1]))
            across = of_bond(kind, windings, n)
            n += 1
            if other == root:
                close(kind, axes, here + across - there, n)
            else:
                totals = drop(counts, totals, -parent[root])
                totals = drop(counts, totals, -parent[other])
                root, here = join(kind, parent, marks, root, other, here, here + across - there)
                totals = add(counts, totals, -parent[root])
                note(kind, marks, axes, root, n)
            if n + AHEAD <= len(pairs):
                prefetch(parent, U(pairs[n + AHEAD - 1, 0]))
                prefetch(parent, U(pairs[n + AHEAD - 1, 1]))
            if nothing_left(kind, axes, n):
                return totals, k, n
        write(records, rows, totals, k)
        count_sizes(counts, counted, size_edges, cluster_counts, k)
    return totals, len(stops), n


# clusters


@part
def meet(kind, parent, marks, axes, counts, totals, root, here, neighbour, across, n):
    """Step n opens the bond from a site to an open neighbour: root and place of the site after it.

    The site lies at `here` from its root, and counts its cluster only later, when all its bonds have been looked at.
    """
    other, there = find(kind, parent, marks, neighbour)
    if other == root:
        close(kind, axes, here + across - there, n)
        return totals, root, here
    totals = drop(counts, totals, -parent[other])
    root, here = join(kind, parent, marks, root, other, here, here + across - there)
    return totals, root, here


@by_kind
def find(of):
    """Root of the open site i, halving the path on the way, and the winding from it to the site."""

    def plain(kind, parent, marks, i):
        above = parent[i]
        while above >= 0:
            top = parent[U(above)]
            if top < 0:
                return U(above), U(0)
            parent[i] = top
            i = U(top)
            above = parent[i]
        return i, U(0)

    def wrapping(kind, parent, marks, i):
        there = U(0)
        while parent[i] >= 0:
            above = U(parent[i])
            if parent[above] >= 0:
                parent[i] = parent[above]
                marks[i] += marks[above]
            there += marks[i]
            i = U(parent[i])
        return i, there

    return wrapping if of is Wrapping else plain


@by_kind
def join(of):
    """Root of the cluster made of two, and where in it lies what was at `here` from root.

    offset: winding from root to other. Small into large keeps every path shorter than log2 of its cluster.
    """

    def plain(kind, parent, marks, root, other, here, offset):
        if parent[other] < parent[root]:
            root, other = other, root
        parent[root] += parent[other]
        parent[other] = root
        return root, U(0)

    def spanning(kind, parent, marks, root, other, here, offset):
        if parent[other] < parent[root]:
            root, other = other, root
        parent[root] += parent[other]
        parent[other] = root
        marks[root] |= marks[other]
        return root, U(0)

    def wrapping(kind, parent, marks, root, other, here, offset):
        if parent[other] < parent[root]:
            root, other, here, offset = other, root, here - offset, U(0) - offset
        parent[root] += parent[other]
        parent[other] = root
        marks[other] = offset
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
        if n % GLANCE:
            return False
        for axis in range(len(axes)):
            if axes[axis] > n:
                return False
        return True

    return plain if of is Plain else follows_axes


@by_kind
def of_bond(of):
    """Winding of bond n."""
    return (lambda kind, windings, n: U(windings[n])) if of is Wrapping else (lambda kind, windings, n: U(0))


@by_kind
def crossing(of):
    """How the bond from a site to its j-th neighbour goes round the torus; asked only if the forest follows it."""

    def nowhere(kind, lattice, site, neighbour, j):
        return U(0)

    def somewhere(kind, lattice, site, neighbour, j):
        return winding_of(lattice, site, neighbour, j)

    return somewhere if of is Wrapping else nowhere


@part
def field_bits(d):
    """Bits of a winding for each of d axes."""
    return U(10) if d <= 3 else U(64 // d)


# counts


@part
def drop(counts, totals, size):
    """A cluster of this size is no more."""
    s = np.float64(size)
    largest, squares, n, second, cubes, fourths = totals
    if len(counts) > 0:
        counts[size] -= 1
        cubes -= s * s * s
        fourths -= s * s * (s * s)
    return Totals(largest, squares - s * s, n - 1.0, second, cubes, fourths)


@part
def add(counts, totals, size):
    """A cluster of this size is there, after those that it was made of have been dropped."""
    s = np.float64(size)
    largest, squares, n, second, cubes, fourths = totals
    if len(counts) > 0:
        counts[size] += 1
        cubes += s * s * s
        fourths += s * s * (s * s)
        second = np.float64(second_largest(counts, np.int64(size), np.int64(largest), np.int64(second)))
    return Totals(max(largest, s), squares + s * s, n + 1.0, second, cubes, fourths)


@part
def second_largest(counts, size, largest, second):
    """Second largest cluster once one of `size` is there; largest and second are as they were before.

    The search goes down only from the size of a cluster that a larger one took in. A site is taken in at most
    log2(n_sites) times, so that all searches together are near-linear.
    """
    if size <= largest:
        second = max(second, size)
    elif counts[largest] > 0:
        second = largest
    while second > 0 and counts[second] == 0:
        second -= 1
    return second


@part
def write(records, rows, totals, k):
    """Fill record k of the totals that have a row."""
    put(records, rows[0], k, totals.largest)
    put(records, rows[1], k, totals.second_moment)
    put(records, rows[2], k, totals.n_clusters)
    put(records, rows[3], k, totals.second_largest)
    put(records, rows[4], k, totals.third_moment)
    put(records, rows[5], k, totals.fourth_moment)


@part
def put(records, row, k, total):
    if row >= 0:
        records[row, k] = total


@part
def count_sizes(counts, counted, size_edges, cluster_counts, k):
    """Count the clusters by size if record k is one of those that want it."""
    for row in range(len(counted)):
        if counted[row] == k:
            for j in range(len(size_edges) - 1):
                total = 0
                for size in range(size_edges[j], size_edges[j + 1]):
                    total += counts[size]
                cluster_counts[row, j] = total


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


# lattices


@by_kind
def coordination(kind):
    """Number of neighbours of a site, those missing at a face included."""
    if kind is Cube:
        return lambda lattice: len(lattice.bits)
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

    def in_cube(lattice, site, around, slot):
        k = slot
        for bit in lattice.bits:
            around[k] = site ^ bit
            k += U(1)

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

    return {Cube: in_cube, Cells: in_cells}.get(kind, in_box)


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
