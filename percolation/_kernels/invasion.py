"""Invasion percolation on Z^d: a hash set of what was seen, a bucket queue of what may come next.

A site is the 64-bit key origin + sum_i x_i r_i mod 2^64, so a neighbour is one addition in any dimension;
its weight is mix(key), a bijection, so distinct keys have distinct weights and the order has no ties.
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit
from numba.core import cgutils, types
from numba.extending import intrinsic

kernel = njit(cache=True, nogil=True)

ONE = np.uint64(1)
WORD, BIT = np.uint64(6), np.uint64(63)  # bucket >> WORD: its word in the bitmap, bucket & BIT: its bit
HALF = np.uint64(32)
LAST = np.uint64(2**64 - 1)  # above every weight that is cut, and what an empty queue answers


class Queue(NamedTuple):
    """Buckets of increasing weight, each a linked list; three bitmaps tell which are in use."""

    per_unit: np.ndarray  # (1,) uint64, buckets for a whole unit of weight
    heads: np.ndarray  # (n_buckets,) int32, first entry or -1
    low: np.ndarray  # (n_buckets / 64,) uint64, a bit a bucket
    mid: np.ndarray  # a bit a word of low
    top: np.ndarray  # a bit a word of mid
    weights: np.ndarray  # (capacity,) uint64
    keys: np.ndarray  # (capacity,) uint64
    after: np.ndarray  # (capacity,) int32, next entry of the bucket, or of the free list
    pool: np.ndarray  # (2,) int32: first free entry or -1, entries ever used


@intrinsic
def prefetch(typing_context, array, index):
    """Ask for the cache line of array[index]; changes no value."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        size = context.get_abi_sizeof(context.get_data_type(signature.args[0].dtype))
        offset = builder.mul(arguments[1], ir.Constant(arguments[1].type, size))
        address = cgutils.pointer_add(builder, data, offset, ir.IntType(8).as_pointer())
        flag = ir.IntType(32)
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [address.type, flag, flag, flag]),
            "llvm.prefetch.p0",
        )
        builder.call(function, [address, flag(1), flag(3), flag(1)])  # for writing, keep in all levels, data
        return context.get_dummy_value()

    return types.void(array, index), generate


@intrinsic
def lowest_bit(typing_context, word):
    """Index of the lowest set bit of a word that is not 0."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.uint64(types.uint64), generate


@kernel
def mix(key):
    """Finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection of 64 bits that scatters its input."""
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@kernel
def insert(table, hashed):
    """Put a site into the set by its hash: slot from the low bits, fingerprint from the high 32; False if it was in."""
    mask = np.uint64(len(table) - 1)
    fingerprint = np.uint32(max(hashed >> HALF, ONE))  # 0 is an empty slot
    slot = hashed & mask
    while table[slot] != 0:
        if table[slot] == fingerprint:
            return False
        slot = (slot + ONE) & mask
    table[slot] = fingerprint
    return True


@kernel
def contains(table, hashed):
    mask = np.uint64(len(table) - 1)
    fingerprint = np.uint32(max(hashed >> HALF, ONE))
    slot = hashed & mask
    while table[slot] != 0:
        if table[slot] == fingerprint:
            return True
        slot = (slot + ONE) & mask
    return False


@kernel
def hash_neighbours(key, steps, hashes):
    """Fill hashes[j] for the neighbour key + steps[j]; a loop of its own is vectorised: 8 to 10 % less time a site."""
    for j in range(len(steps)):
        hashes[j] = mix(key + steps[j])


@kernel
def prefetch_neighbours(table, key, steps):
    mask = np.uint64(len(table) - 1)
    for j in range(len(steps)):
        prefetch(table, mix(key + steps[j]) & mask)


@kernel
def push(queue, weight, key):
    free, n_used = queue.pool[0], queue.pool[1]
    fresh = free < 0  # stores inside `if` make numba count references to the array at every push: 5 % slower
    entry = n_used if fresh else free
    queue.pool[0] = free if fresh else queue.after[entry]
    queue.pool[1] = n_used + fresh
    bucket = min(((weight >> HALF) * queue.per_unit[0]) >> HALF, np.uint64(len(queue.heads) - 1))
    queue.weights[entry] = weight
    queue.keys[entry] = key
    queue.after[entry] = queue.heads[bucket]
    queue.heads[bucket] = entry
    mark(queue, bucket)


@kernel
def mark(queue, bucket):
    """Note in the bitmaps that the bucket is in use."""
    mid = bucket >> WORD
    top = mid >> WORD
    queue.low[mid] |= ONE << (bucket & BIT)
    queue.mid[top] |= ONE << (mid & BIT)
    queue.top[top >> WORD] |= ONE << (top & BIT)


@kernel
def unmark(queue, bucket):
    mid = bucket >> WORD
    top = mid >> WORD
    queue.low[mid] &= ~(ONE << (bucket & BIT))
    if queue.low[mid] == 0:
        queue.mid[top] &= ~(ONE << (mid & BIT))
        if queue.mid[top] == 0:
            queue.top[top >> WORD] &= ~(ONE << (top & BIT))


@kernel
def first_bucket(queue):
    for word in range(len(queue.top)):
        if queue.top[word]:
            bucket = (np.uint64(word) << WORD) | lowest_bit(queue.top[word])
            bucket = (bucket << WORD) | lowest_bit(queue.mid[bucket])
            return (bucket << WORD) | lowest_bit(queue.low[bucket])
    return LAST


@kernel
def pop(queue):
    """Remove the entry of least weight: (weight, key), or (LAST, 0) from an empty queue."""
    bucket = first_bucket(queue)
    if bucket == LAST:
        return LAST, np.uint64(0)
    least, before = queue.heads[bucket], np.int32(-1)
    previous = least
    entry = queue.after[least]
    while entry >= 0:
        if queue.weights[entry] < queue.weights[least]:
            least, before = entry, previous
        previous, entry = entry, queue.after[entry]
    if before >= 0:
        queue.after[before] = queue.after[least]
    else:
        queue.heads[bucket] = queue.after[least]
        if queue.heads[bucket] < 0:
            unmark(queue, bucket)
    queue.after[least] = queue.pool[0]
    queue.pool[0] = least
    return queue.weights[least], queue.keys[least]


@kernel
def cutoff_after(n, n_revealed, margin):
    """Weight above which nothing will be accepted any more: margin times the ratio so far."""
    fraction = margin * n / n_revealed
    return np.uint64(fraction * 2.0**64) if fraction < 0.999 else LAST


@kernel
def invade_sites(origin, steps, marks, prune_from, margin, table, queue, n_revealed):
    """Fill n_revealed[k] with the sites revealed, the cluster included, once marks[k] sites are accepted.

    From prune_from accepted sites on, weights above margin times the ratio so far are not queued. Returns False
    if one above that came up, so that a site left out might have been due, or if the queue's room is used up.
    """
    insert(table, mix(origin))
    hashes = np.empty(len(steps), np.uint64)
    key, weight, cutoff = origin, np.uint64(0), LAST
    n, revealed = 0, 1
    for k in range(len(marks)):
        while n < marks[k]:
            if n:
                weight, key = pop(queue)
                if weight >= cutoff:
                    return False
            if queue.pool[1] + len(steps) > len(queue.keys):
                return False
            hash_neighbours(key, steps, hashes)
            for j in range(len(steps)):
                if insert(table, hashes[j]):
                    revealed += 1
                    if hashes[j] < cutoff:
                        push(queue, hashes[j], key + steps[j])
                        prefetch_neighbours(table, key + steps[j], steps)  # most of what is queued comes up soon
            n += 1
            if n == prune_from:
                cutoff = cutoff_after(n, revealed, margin)
        n_revealed[k] = revealed
    return True


@kernel
def invade_bonds(origin, steps, salts, marks, prune_from, margin, table, queue, n_revealed):
    """Fill n_revealed[k] with the bonds revealed once marks[k] bonds are accepted; returns as invade_sites.

    steps alternate +r_i, -r_i. A bond's weight is mix(key of its lower end + salts[i]); its entry keeps the end
    that was outside when it was revealed. The table holds the sites of the cluster, which are fewer than the bonds.
    """
    hashes = np.empty(len(steps), np.uint64)
    key, weight, cutoff = origin, np.uint64(0), LAST
    n, revealed = -1, 0  # the origin is no bond
    for k in range(len(marks)):
        while n < marks[k]:
            if n >= 0:
                weight, key = pop(queue)
                if weight >= cutoff:
                    return False
            if insert(table, mix(key)):
                if queue.pool[1] + len(steps) > len(queue.keys):
                    return False
                hash_neighbours(key, steps, hashes)
                for j in range(len(steps)):
                    if not contains(table, hashes[j]):
                        neighbour = key + steps[j]
                        revealed += 1
                        lower = neighbour if j & 1 else key
                        bond = mix(lower + salts[j >> 1])
                        if bond < cutoff:
                            push(queue, bond, neighbour)
                            prefetch_neighbours(table, neighbour, steps)
            n += 1
            if n == prune_from:
                cutoff = cutoff_after(n, revealed, margin)
        n_revealed[k] = revealed
    return True
