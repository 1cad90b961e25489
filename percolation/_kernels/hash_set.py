"""A set of hashed sites with open addresses: a slot from the low bits of a hash, in it the high 32 as a fingerprint."""

import numpy as np

from percolation._kernels.bits import HALF, U
from percolation._kernels.compiling import part

ONE = U(1)


@part
def fingerprint_of(hashed):
    """What a slot holds of a hash; 0 is an empty slot."""
    return np.uint32(max(hashed >> HALF, ONE))


@part
def slot_of(table, hashed):
    """The slot that holds a site, or the empty one where it belongs."""
    mask = U(len(table) - 1)
    fingerprint, slot = fingerprint_of(hashed), hashed & mask
    while table[slot] != 0 and table[slot] != fingerprint:
        slot = (slot + ONE) & mask
    return slot


@part
def insert(table, hashed):
    """Put a site into the set; False if it was in."""
    slot = slot_of(table, hashed)
    if table[slot] != 0:
        return False
    table[slot] = fingerprint_of(hashed)
    return True


@part
def contains(table, hashed):
    return table[slot_of(table, hashed)] != 0
