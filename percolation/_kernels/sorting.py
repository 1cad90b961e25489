"""Stable order of floating numbers: their bits as integers of the same order, then a radix sort.

What is sorted is one uint64 a number: 32 bits of key above, its index below, so that ties are by index. 64-bit keys
lose the bits that do not fit; the few numbers that then share a key are put right by the bits that were left out.
"""

import numpy as np

from percolation._kernels.bits import HALF, U
from percolation._kernels.compiling import kernel, part

DIGITS = (11, 11, 10)  # bits a pass; 2048 places to write to at a time
INDEX = np.uint64(2**32 - 1)
INSERTION_UP_TO = 48  # run of equal keys up to which insertion is faster than three passes


@kernel
def stable_order(bits, sign, packed, spare, order):
    """Fill order (n,) int32 with the indices of the numbers, smallest first; NaN has no place.

    bits: (n,) the numbers seen as unsigned integers. sign: their sign bit. packed, spare: (n,) uint64 to work on.
    """
    low, high = key(U(bits[0]), sign), key(U(bits[0]), sign)
    for i in range(len(bits)):
        low, high = min(low, key(U(bits[i]), sign)), max(high, key(U(bits[i]), sign))
    shift = U(0)
    while (high - low) >> shift > INDEX:
        shift += U(1)
    for i in range(len(bits)):
        packed[i] = ((key(U(bits[i]), sign) - low) >> shift) << HALF | U(i)
    sort(packed, spare)
    if shift > U(0):
        sort_ties(bits, sign, low, (U(1) << shift) - U(1), packed, spare)
    for i in range(len(bits)):
        order[i] = spare[i] & INDEX


@part
def key(bits, sign):
    """An integer that orders as the number does: -0 as 0, the bits of negative numbers turned over."""
    if bits == sign:
        return sign
    return ~bits & (sign + sign - U(1)) if bits & sign else bits | sign


@kernel
def sort(packed, out):
    """Write packed to out in the order of the upper halves, stable; packed is lost."""
    shift = HALF
    for digit in range(len(DIGITS)):
        scatter(packed, out, shift, DIGITS[digit])
        shift += U(DIGITS[digit])
        packed, out = out, packed


@kernel
def scatter(source, out, shift, n_bits):
    """One pass: write source to out by the n_bits bits from shift on."""
    mask = U((1 << n_bits) - 1)
    place = np.zeros((1 << n_bits) + 1, dtype=np.int64)
    for i in range(len(source)):
        place[((source[i] >> shift) & mask) + U(1)] += 1
    for digit in range(1 << n_bits):
        place[digit + 1] += place[digit]
    for i in range(len(source)):
        digit = (source[i] >> shift) & mask
        out[place[digit]] = source[i]
        place[digit] += 1


@kernel
def sort_ties(bits, sign, low, left_out, spare, ordered):
    """Sort each run of equal upper halves by the bits that were left out of them."""
    first = 0
    for last in range(1, len(ordered) + 1):
        if last == len(ordered) or ordered[last] >> HALF != ordered[first] >> HALF:
            if last - first > 1:
                for i in range(first, last):
                    index = ordered[i] & INDEX
                    spare[i] = ((key(U(bits[index]), sign) - low) & left_out) << HALF | index
                sort_run(spare[first:last], ordered[first:last])
            first = last


@kernel
def sort_run(run, out):
    """Write run to out in order."""
    if len(run) > INSERTION_UP_TO:
        sort(run, out)
        return
    for i in range(len(run)):
        j = i
        while j > 0 and out[j - 1] > run[i]:
            out[j] = out[j - 1]
            j -= 1
        out[j] = run[i]
