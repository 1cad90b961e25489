"""Random orders: a permutation, or bins of p in raster order. All randomness is `uniform`, a hash of a key."""

import numpy as np

from percolation._kernels.bits import U, prefetch, uniform
from percolation._kernels.compiling import kernel, part

FURTHER_AHEAD = 16  # draws that are made, and their places fetched, before their turn


@kernel
def shuffle(items, source, key):
    """Fill items with those of source in random order: shuffling bonds, not their numbers, spares a random access.

    Fisher and Yates' shuffle, inside out: a new item takes a random place, what stood there goes to the end.
    """
    places = first_places(key)
    for i in range(len(items)):
        j = next_place(places, key, items, U(i))
        items[i] = items[j]
        items[j] = source[i]


@kernel
def first_places(key):
    """A ring of the places that the first FURTHER_AHEAD numbers take."""
    places = np.empty(FURTHER_AHEAD, dtype=np.uint64)
    for i in range(FURTHER_AHEAD):
        places[i] = place(key, U(i))
    return places


@part
def next_place(places, key, items, i):
    """Place of number i; that of i + FURTHER_AHEAD is drawn instead of it, and fetched if there is such a place."""
    slot = i % U(FURTHER_AHEAD)
    taken = places[slot]
    places[slot] = place(key, i + U(FURTHER_AHEAD))
    prefetch(items, places[slot])
    return taken


@part
def place(key, i):
    """One of 0 ... i, equally likely to within (i + 1) / 2^53."""
    return U(uniform(key, i) * np.float64(i + U(1)))


@kernel
def bin_by_p(key, p, guide, bins, ends):
    """Bin of each of 0 ... len(bins) - 1, the first k with p[k] above its number, and ends[k + 1], zeros on entry.

    ends[k + 1] is how many are in the bins 0 ... k. Who opens at no p is in bin len(p).
    """
    for i in range(len(bins)):
        k = bin_of(uniform(key, U(i)), p, guide)
        bins[i] = k
        ends[k + 1] += 1
    for k in range(len(p) + 1):
        ends[k + 1] += ends[k]


@kernel
def sort_by_bin(bins, places, source, items):
    """Write the items of source to items, each at its bin's places[k], which moves on."""
    for i in range(len(bins)):
        k = bins[i]
        if places[k] < len(items):
            items[places[k]] = source[i]
            places[k] += 1


@part
def bin_of(u, p, guide):
    """Number of values of p, ascending, that are not above u; guide[j] is that number for u = j / len(guide)."""
    k = guide[U(u * len(guide))]
    while k < len(p) and p[k] <= u:
        k += 1
    return k
