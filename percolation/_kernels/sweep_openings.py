"""What opens in step n of a sweep, and what that joins: a site of a lattice or of a stored graph, or a bond."""

from typing import NamedTuple

import numpy as np

from percolation._kernels.bits import U, lowest_bit, prefetch, uniform
from percolation._kernels.compiling import by_kind, part
from percolation._kernels.sweep_forests import Wrapping, close, crossing, join, joined, note, root_of
from percolation._kernels.sweep_lattices import WORD, Cube, coordination, fill_neighbours, n_words
from percolation._kernels.sweep_records import add, drop
from percolation._kernels.union_find import CLOSED, OPEN

AHEAD = 8  # steps that memory is fetched before its turn; 4 and 16 are as fast; without it 1.1 to 1.4 x slower
FURTHER_AHEAD = 16  # the same for memory that is touched with little work in between


class BondDraws(NamedTuple):
    """Whether the bond to an open neighbour is open too: it is looked at once, when the later of its sites opens."""

    key: np.uint64
    p: float


class Sites(NamedTuple):
    """Sites of a lattice in this order."""

    lattice: NamedTuple
    order: np.ndarray  # (n_steps,) integers
    around: np.ndarray  # (AHEAD * coordination,) int32, a ring: neighbours of the next AHEAD sites
    coins: BondDraws


class CubeSites(NamedTuple):
    """Sites of the n-cube in this order; in high d most of a site's neighbours lie far from it in memory.

    Which are open is told by a bit each, 32 times fewer bytes than `parent`, of which only the open ones are asked for.
    """

    lattice: Cube
    order: np.ndarray  # (n_steps,) integers
    is_open: np.ndarray  # (n_sites // 64 + 1,) uint64, a bit a site; 0 before the first step
    coins: BondDraws


class GraphSites(NamedTuple):
    """Sites of a stored graph in this order; the neighbours of site i are indices[indptr[i]:indptr[i + 1]]."""

    indptr: np.ndarray
    indices: np.ndarray
    order: np.ndarray
    coins: BondDraws


class Bonds(NamedTuple):
    """Bonds between sites that are all open."""

    pairs: np.ndarray  # (n_steps, 2) int32
    windings: np.ndarray  # (n_steps,) how each goes round the torus; empty if that is not followed


class TorusBonds(NamedTuple):
    """Bonds of a torus: each leads up an axis, so that one to a lower number has gone round."""

    pairs: np.ndarray  # (n_steps, 2) int32
    L: np.uint64
    bits: np.uint64  # of a winding, for each axis; see `field_bits`


Opening = Sites | CubeSites | GraphSites | Bonds | TorusBonds
IN_WORD = 6  # axes of the n-cube within a word of bits; site >> IN_WORD: its word
IN_LINE = 4  # axes of the n-cube along which parents lie in one line of 64 bytes
NO_WINDINGS = np.empty(0, dtype=np.uint32)


@by_kind
def prepare(kind):
    """Before the first step after n."""

    def sites(opening, n):
        degree = coordination(opening.lattice)
        for m in range(n, min(n + AHEAD, len(opening.order))):
            fill_neighbours(opening.lattice, U(opening.order[m]), opening.around, U((m % AHEAD) * degree))

    def nothing(opening, n):
        pass

    return sites if kind is Sites else nothing


@by_kind
def step(kind):
    """Open what is next after n; the totals after that."""
    return {Sites: open_site, CubeSites: open_site_of_cube, GraphSites: open_site_of_graph}.get(kind, open_bond)


def open_site(sites, forest, counts, totals, n):
    lattice, order, around, coins = sites
    kind, parent, marks, axes = forest
    degree = coordination(lattice)
    slot, site = U((n % AHEAD) * degree), U(order[n])
    root, here = site, U(0)
    for word in range(n_words(lattice)):
        # which neighbours are open, without a branch; then only those: a sweep pays for mispredictions
        opened, first = U(0), slot + U(word * WORD)
        for j in range(min(degree - word * WORD, WORD)):
            opened |= U(parent[U(around[first + U(j)])] != CLOSED) << U(j)
        if word == 0:  # not before the look: reads that lie a multiple of 4096 bytes off would wait for this
            parent[site] = OPEN
        if coins.p < 1.0:
            opened = only_open_bonds(coins, U((n + 1) * degree + word * WORD), opened)
        while opened:
            j = lowest_bit(opened)
            opened &= opened - U(1)
            neighbour = U(around[first + j])
            across = crossing(kind, lattice, site, neighbour, j + U(word * WORD))
            totals, root, here = join_neighbour(
                kind, parent, marks, axes, counts, totals, root, here, neighbour, across, n + 1
            )
    note(kind, marks, axes, root, n + 1)
    if n + 1 + AHEAD <= len(order):
        fill_neighbours(lattice, U(order[n + AHEAD]), around, slot)
        for j in range(degree):
            prefetch(parent, U(around[slot + U(j)]))
    return add(counts, totals, -parent[root])


def open_site_of_cube(sites, forest, counts, totals, n):
    lattice, order, is_open, coins = sites
    kind, parent, marks, axes = forest
    site = U(order[n])
    root, here = site, U(0)
    opened = open_around(lattice, is_open, site)
    if coins.p < 1.0:
        opened = only_open_bonds(coins, U((n + 1) * len(lattice.bits)), opened)
    parent[site] = OPEN
    is_open[site >> U(IN_WORD)] |= U(1) << (site & U(WORD - 1))
    while opened:
        axis = opened & (U(0) - opened)
        totals, root, here = join_neighbour(
            kind, parent, marks, axes, counts, totals, root, here, site ^ axis, U(0), n + 1
        )
        # of the others most hang below the same root: which do not is told without a branch
        left, opened = opened ^ axis, U(0)
        while left:
            axis = left & (U(0) - left)
            left ^= axis
            opened |= axis * U(U(parent[site ^ axis]) != root)
    note(kind, marks, axes, root, n + 1)
    if n + 1 + AHEAD <= len(order):
        site = U(order[n + AHEAD])
        prefetch(parent, site)
        for j in range(IN_LINE, len(lattice.bits)):  # open or not: to ask costs more than what is fetched for nothing
            prefetch(parent, site ^ (U(1) << U(j)))
    return add(counts, totals, -parent[root])


@part
def open_around(lattice, is_open, site):
    """Which neighbours are open: bit j for that across axis j. Six of them share the word of the site."""
    word, bit, n = site >> U(IN_WORD), site & U(WORD - 1), len(lattice.bits)
    here, opened = is_open[word], U(0)
    for j in range(min(n, IN_WORD)):
        opened |= (here >> (bit ^ (U(1) << U(j))) & U(1)) << U(j)
    for j in range(IN_WORD, n):
        opened |= (is_open[word ^ (U(1) << U(j - IN_WORD))] >> bit & U(1)) << U(j)
    return opened


def open_site_of_graph(sites, forest, counts, totals, n):
    indptr, indices, order, coins = sites
    kind, parent, marks, axes = forest
    root = U(order[n])
    first, last = U(indptr[root]), U(indptr[root + U(1)])
    parent[root] = OPEN
    for j in range(first, last):
        if parent[U(indices[j])] != CLOSED and (coins.p == 1.0 or uniform(coins.key, U(j)) < coins.p):
            totals, root, _ = join_neighbour(
                kind, parent, marks, axes, counts, totals, root, U(0), U(indices[j]), U(0), n + 1
            )
    if n + 1 + FURTHER_AHEAD <= len(order):
        prefetch(indptr, U(order[n + FURTHER_AHEAD]))
    if n + 1 + AHEAD <= len(order):
        prefetch(indices, U(indptr[U(order[n + AHEAD])]))
    return add(counts, totals, -parent[root])


def open_bond(bonds, forest, counts, totals, n):
    pairs = bonds.pairs
    kind, parent, marks, axes = forest
    if n + 1 + AHEAD <= len(pairs):
        prefetch(parent, U(pairs[n + AHEAD, 0]))
        prefetch(parent, U(pairs[n + AHEAD, 1]))
    i, j = U(pairs[n, 0]), U(pairs[n, 1])
    if joined(kind, parent, i, j):
        return totals
    root, here = root_of(kind, parent, marks, i)
    other, there = root_of(kind, parent, marks, j)
    across = round_torus(kind, bonds, n)
    if other == root:
        close(kind, axes, here + across - there, n + 1)
        return totals
    totals = drop(counts, totals, -parent[root])
    totals = drop(counts, totals, -parent[other])
    root, _ = join(kind, parent, marks, root, other, here, here + across - there)
    note(kind, marks, axes, root, n + 1)
    return add(counts, totals, -parent[root])


@part
def join_neighbour(kind, parent, marks, axes, counts, totals, root, here, neighbour, across, n):
    """Step n opens the bond from a site to an open neighbour: root and place of the site after it.

    The site lies at `here` from its root, and counts its cluster only later, when all its bonds have been looked at.
    """
    other, there = root_of(kind, parent, marks, neighbour)
    if other == root:
        close(kind, axes, here + across - there, n)
        return totals, root, here
    totals = drop(counts, totals, -parent[other])
    root, here = join(kind, parent, marks, root, other, here, here + across - there)
    return totals, root, here


@part
def only_open_bonds(coins, first, opened):
    """Those bits of a word whose coin says so; first: number of the coin of bit 0."""
    left = U(0)
    while opened:
        j = lowest_bit(opened)
        opened &= opened - U(1)
        left |= U(uniform(coins.key, first + j) < coins.p) << j
    return left


@by_kind
def round_torus(of):
    """Winding of bond n; asked only if the forest follows it."""

    def nowhere(kind, bonds, n):
        return U(0)

    def somewhere(kind, bonds, n):
        return winding_of_bond(bonds, n)

    return somewhere if of is Wrapping else nowhere


@by_kind
def winding_of_bond(kind):
    """Winding of bond n."""

    def listed(bonds, n):
        return U(bonds.windings[n])

    def in_torus(bonds, n):
        i, j = U(bonds.pairs[n, 0]), U(bonds.pairs[n, 1])
        if i < j:
            return U(0)
        axis, stride = U(0), bonds.L - U(1)
        while stride < i - j:
            axis, stride = axis + U(1), stride * bonds.L
        return U(1) << bonds.bits * axis

    return in_torus if kind is TorusBonds else listed
