"""Clusters on an infinite lattice: a set of what was seen; what comes next in a queue (invasion) or a list (Leath).

A site is the 64-bit key origin + sum_i x_i r_i + (offset of its basis number) mod 2^64, whose low bits are the basis
number, so a neighbour is one addition in any dimension. A weight is mix(key), a bijection, so distinct keys have
distinct weights and the order has no ties.
"""

from typing import NamedTuple

import numpy as np

from percolation._kernels.bits import HALF, count_bits, lowest_bit, mix, prefetch
from percolation._kernels.compiling import kernel, part
from percolation._kernels.hash_set import contains, fingerprint_of, insert

ONE, NONE = np.uint64(1), np.uint64(0)
EVEN = np.uint64(0x5555555555555555)  # the bits of steps up, beside those of the steps down
WORD, BIT = np.uint64(6), np.uint64(63)  # bucket >> WORD: its word in the bitmap, bucket & BIT: its bit
AXES, BITS = 4, 16  # what of a place is packed into 64 bits
HIGHEST_WEIGHT = np.uint64(2**64 - 1)  # above every weight that is cut, and what an empty queue answers


class Neighbours(NamedTuple):
    """What leads from a site to its z neighbours and to the bonds between, by its basis number: key & basis."""

    steps: np.ndarray  # (n_basis, z) uint64: key + step is a neighbour
    bonds: np.ndarray  # (n_basis, z) uint64: key + this is the bond to it, the same number from both its ends
    basis: np.uint64  # mask of the key's low bits, 0 if every site is of one kind


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


@part
def clear(table):
    for slot in range(len(table)):
        table[slot] = 0


@part
def hash_around(key, steps, hashes):
    """Fill hashes[j] for key + steps[j]; a loop of its own is vectorised: 8 to 10 % less time a site."""
    for j in range(len(steps)):
        hashes[j] = mix(key + steps[j])


@part
def prefetch_neighbours(table, key, ways):
    mask, b = np.uint64(len(table) - 1), key & ways.basis
    for j in range(ways.steps.shape[1]):
        prefetch(table, mix(key + ways.steps[b, j]) & mask)


@part
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


@part
def mark(queue, bucket):
    """Note in the bitmaps that the bucket is in use."""
    mid = bucket >> WORD
    top = mid >> WORD
    queue.low[mid] |= ONE << (bucket & BIT)
    queue.mid[top] |= ONE << (mid & BIT)
    queue.top[top >> WORD] |= ONE << (top & BIT)


@part
def unmark(queue, bucket):
    mid = bucket >> WORD
    top = mid >> WORD
    queue.low[mid] &= ~(ONE << (bucket & BIT))
    if queue.low[mid] == 0:
        queue.mid[top] &= ~(ONE << (mid & BIT))
        if queue.mid[top] == 0:
            queue.top[top >> WORD] &= ~(ONE << (top & BIT))


@part
def first_bucket(queue):
    for word in range(len(queue.top)):
        if queue.top[word]:
            bucket = (np.uint64(word) << WORD) | lowest_bit(queue.top[word])
            bucket = (bucket << WORD) | lowest_bit(queue.mid[bucket])
            return (bucket << WORD) | lowest_bit(queue.low[bucket])
    return HIGHEST_WEIGHT


@part
def pop(queue):
    """Remove the entry of least weight: (weight, key), or (HIGHEST_WEIGHT, 0) from an empty queue."""
    bucket = first_bucket(queue)
    if bucket == HIGHEST_WEIGHT:
        return HIGHEST_WEIGHT, np.uint64(0)
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


@part
def cutoff_after(n, n_revealed, margin):
    """Weight above which nothing will be accepted any more: margin times the ratio so far."""
    fraction = margin * n / n_revealed
    return np.uint64(fraction * 2.0**64) if fraction < 0.999 else HIGHEST_WEIGHT


@kernel
def invade(origin, ways, bonds, marks, prune_from, margin, table, queue, n_revealed):
    """Fill n_revealed[k] with the sites (bonds) revealed once marks[k] are accepted.

    Sites: the cluster is among those revealed, and the table holds all of them.
    Bonds: `bonds` are those of ways, else None, which numba compiles for on its own. A bond's weight is the hash of its
    key; its entry keeps the end that was outside when it was revealed. The table holds the sites of the cluster, which
    are fewer than the bonds.
    From prune_from accepted on, weights above margin times the ratio so far are not queued. Returns False if one above
    that came up, so that what was left out might have been due, or if the queue's room is used up.
    """
    z = ways.steps.shape[1]
    hashes = np.empty(z, np.uint64)
    key, weight, cutoff = origin, np.uint64(0), HIGHEST_WEIGHT
    if bonds is None:
        insert(table, mix(origin))
        first = 0
    else:
        first = -1  # the origin is no bond
    n, revealed = first, 1 + first
    for k in range(len(marks)):
        while n < marks[k]:
            if n > first:
                weight, key = pop(queue)
                if weight >= cutoff:
                    return False
            if bonds is None:
                is_new = True
            else:
                is_new = insert(table, mix(key))
            if is_new:
                if queue.pool[1] + z > len(queue.keys):
                    return False
                b = key & ways.basis
                hash_around(key, ways.steps[b], hashes)
                for j in range(z):
                    if bonds is None:
                        is_new = insert(table, hashes[j])
                    else:
                        is_new = not contains(table, hashes[j])
                    if is_new:
                        revealed += 1
                        if bonds is None:
                            its_weight = hashes[j]
                        else:
                            its_weight = mix(key + bonds[b, j])
                        if its_weight < cutoff:
                            neighbour = key + ways.steps[b, j]
                            push(queue, its_weight, neighbour)
                            prefetch_neighbours(table, neighbour, ways)  # most of what is queued comes up soon
            n += 1
            if n == prune_from:
                cutoff = cutoff_after(n, revealed, margin)
        n_revealed[k] = revealed
    return True


class Lattice(NamedTuple):
    """What is tested around a site, and with what chance it is open."""

    ways: Neighbours
    moves: np.ndarray  # (n_basis, z) int64, the displacements of the steps, packed: see `spread`
    bonds: bool
    kin: bool  # whether the sums over siblings and aunts are wanted: 40 % of the time in d = 4, 25 % in d = 13
    p: float
    hashes: np.ndarray  # (2, z) uint64, room for the hashes of the neighbours of one site and of the next
    weights: np.ndarray  # (2, z) uint64, the same for the bonds


class Frontier(NamedTuple):
    """The cluster's sites in the order of their opening, generation after generation."""

    keys: np.ndarray  # (room,) uint64
    parents: np.ndarray  # (room,) int32, index of the site that opened this one; -1 for the origin
    directions: np.ndarray  # (room,) int32, the step from the parent; -1 for the origin
    opened: np.ndarray  # (room,) uint64, the steps to what this one opened, see `bit_of`
    places: np.ndarray  # (room,) int64, packed displacements from the origin, see `spread`


class Totals(NamedTuple):
    """Sums by generation; row t is about what was tested to make generation t."""

    counts: np.ndarray  # (max_generations + 1, 2) int64: opened, tested
    excess: np.ndarray  # (max_generations + 1, 12), see EXCESS in percolation.growth.leath
    spread: np.ndarray  # (max_generations + 1,) sums of squared distances from the origin


class Clusters(NamedTuple):
    """One entry a cluster."""

    size: np.ndarray  # (n_clusters,) int64, sites
    perimeter: np.ndarray  # (n_clusters,) int64, tested and closed
    generations: np.ndarray  # (n_clusters,) int64, the last that has a site
    truncated: np.ndarray  # (n_clusters,) bool


@part
def hash_neighbours(table, key, row, lattice):
    """Hash the neighbours and the bonds to them, and ask for the slots; loops without prefetch are vectorised.

    Indices of what the tuple holds, no slices and no arrays as arguments: references to those are counted at each
    site, atomically, at 20 % (d = 13) to 80 % (d = 2) more time.
    """
    b, z = key & lattice.ways.basis, lattice.hashes.shape[1]
    for j in range(z):
        lattice.hashes[row, j] = mix(key + lattice.ways.steps[b, j])
    if lattice.bonds:
        for j in range(z):
            lattice.weights[row, j] = mix(key + lattice.ways.bonds[b, j])
    mask = np.uint64(len(table) - 1)
    for j in range(z):
        prefetch(table, lattice.hashes[row, j] & mask)


@part
def bit_of(step):
    """A step as a bit of a word; none from step 64 on."""
    return ONE << np.uint64(step) if 0 <= step < 64 else NONE


@part
def bits_in(word):
    return np.int64(count_bits(word))


@part
def meet(first, row, table, lattice, cutoff):
    """Which neighbours from step `first` on, 64 at most, are tested now, and which of them are open: words of bits.

    Without a branch for each but where a slot is taken: a neighbour that was seen, or another site.
    """
    mask, n = np.uint64(len(table) - 1), min(lattice.hashes.shape[1] - first, 64)
    new, seen, below = NONE, NONE, NONE
    for j in range(n):
        hashed, bit = lattice.hashes[row, first + j], np.uint64(j)
        slot, fingerprint = hashed & mask, fingerprint_of(hashed)
        held = table[slot]
        if not lattice.bonds:
            table[slot] = held if held else fingerprint
        new |= np.uint64(held == 0) << bit
        seen |= np.uint64(held == fingerprint) << bit
    for j in range(n):
        weight = lattice.weights[row, first + j] if lattice.bonds else lattice.hashes[row, first + j]
        below |= np.uint64(weight < cutoff) << np.uint64(j)
    rest = ~(new | seen) & (HIGHEST_WEIGHT >> np.uint64(64 - n))
    while rest:
        j = lowest_bit(rest)
        hashed = lattice.hashes[row, np.uint64(first) + j]
        is_new = not contains(table, hashed) if lattice.bonds else insert(table, hashed)
        new |= np.uint64(is_new) << j
        rest &= rest - ONE
    return new, new & below


@part
def list_open(found, first, i, last, table, frontier, lattice):
    """List the open neighbours of site i, steps from `first` on; returns the new end of the list."""
    key = frontier.keys[i]
    b = key & lattice.ways.basis
    while found:
        j = np.int64(lowest_bit(found)) + first
        frontier.keys[last], frontier.parents[last], frontier.directions[last] = key + lattice.ways.steps[b, j], i, j
        last += 1
        if lattice.bonds:
            insert(table, lattice.hashes[i & 1, j])
        found &= found - ONE
    return last


@part
def next_generation(begin, end, frontier, table, lattice, excess):
    """Test what is new around the sites begin..end, the generation before, and list what is open from end on.

    Sites: a neighbour is tested when first met, and open if its own hash is below p. Bonds: those to neighbours
    outside the cluster are tested; none twice, for then the far end of an open one, the near end of a closed one, is
    in the cluster; so the table need hold the cluster only.
    excess: what chance gave above what was due. Returns (end of the new generation, number tested).
    """
    keys, parents, directions = frontier.keys, frontier.parents, frontier.directions
    p, z = lattice.p, lattice.hashes.shape[1]
    cutoff = np.uint64(p * 2.0**64) if p < 1 else HIGHEST_WEIGHT
    last, n_tested = end, 0
    pairs, crowding, shared, adopted = 0.0, 0.0, 0.0, 0.0
    # opened, and below tested: integers inside the loop, floats outside, is 8 % less time
    straight = aside = elder = above = along = back = around = opposite = 0
    straight_met = aside_met = elder_met = above_met = along_met = back_met = around_met = opposite_met = 0
    family = np.int32(-2)
    siblings = aunts = elders = theirs = behind = farther = NONE
    hash_neighbours(table, keys[begin], begin & 1, lattice)
    for i in range(begin, end):
        if i + 1 < end:
            hash_neighbours(table, keys[i + 1], (i + 1) & 1, lattice)
        first, row = last, i & 1
        if parents[i] != family:
            family, elders, theirs = parents[i], NONE, NONE
            if family >= 0:
                siblings = frontier.opened[family]
            if family > 0:
                grandparent = parents[family]
                aunts = frontier.opened[grandparent] & ~bit_of(directions[family])
                behind, farther = bit_of(directions[family] ^ 1), bit_of(directions[grandparent] ^ 1)
        met, found = meet(0, row, table, lattice, cutoff)
        tested, last = bits_in(met), list_open(found, 0, i, last, table, frontier, lattice)
        for other in range(64, z, 64):
            further, open_there = meet(other, row, table, lattice, cutoff)
            tested += bits_in(further)
            last = list_open(open_there, other, i, last, table, frontier, lattice)
        opened, ahead = last - first, bit_of(directions[i])
        n_tested += tested
        luck = opened - p * tested
        pairs += opened * (opened - 1) - p * p * (tested * (tested - 1))
        crowding += tested * luck
        straight_met += bits_in(met & ahead)
        straight += bits_in(found & ahead)
        if not lattice.kin:
            continue
        if ahead & aunts:
            shared += luck
        if ahead & theirs:
            adopted += luck
        aside_met += bits_in(met & siblings & ~ahead)
        elder_met += bits_in(met & elders)
        above_met += bits_in(met & aunts)
        along_met += bits_in(met & theirs)
        back_met += bits_in(met & behind)
        around_met += bits_in(met & farther)
        opposite_met += bits_in(met & (met >> ONE) & EVEN)
        aside += bits_in(found & siblings & ~ahead)
        elder += bits_in(found & elders)
        above += bits_in(found & aunts)
        along += bits_in(found & theirs)
        back += bits_in(found & behind)
        around += bits_in(found & farther)
        opposite += bits_in(found & (found >> ONE) & EVEN)
        frontier.opened[i] = found
        theirs |= found
        elders |= ahead
    excess[0], excess[1] = pairs, crowding
    if lattice.ways.basis == 0:  # else the step of one number from sites of two kinds is not the same
        excess[2], excess[3], excess[4] = shared, adopted, straight - p * straight_met
        excess[5], excess[6], excess[7] = aside - p * aside_met, elder - p * elder_met, above - p * above_met
        excess[8], excess[9] = along - p * along_met, back - p * back_met
        excess[10], excess[11] = around - p * around_met, opposite - p * p * opposite_met
    return last, n_tested


@part
def spread(begin, end, frontier, lattice):
    """Sum of squared distances from the origin over the sites begin..end, whose places are noted.

    A place packs the first AXES cell coordinates as sum_i x_i 2^(BITS i), so that it too grows by one addition:
    coordinate 0 is the low bits with their sign, and what is left without it holds the others.
    """
    keys, parents, directions, places = frontier.keys, frontier.parents, frontier.directions, frontier.places
    total = 0.0
    for i in range(begin, end):
        above = parents[i]
        place = places[above] + lattice.moves[keys[above] & lattice.ways.basis, directions[i]]
        places[i] = place
        for _ in range(AXES):
            x = (place << (64 - BITS)) >> (64 - BITS)
            total += x * x
            place = (place - x) >> BITS
    return total


@part
def grow(origin, max_size, n_seen, table, frontier, lattice, of_cluster):
    """Grow a cluster until it dies, has max_size sites, or all its generations.

    Returns (sites, last generation tested, alive); no sites mean that the table, where n_seen are already, would be
    more than half full.
    """
    frontier.keys[0] = origin
    frontier.parents[0] = frontier.directions[0] = -1
    frontier.places[0] = 0
    insert(table, mix(origin))
    first, last, t = np.int64(0), np.int64(1), 0
    while first < last < max_size and t < len(of_cluster.counts) - 1:
        if n_seen + last + (last - first) * lattice.hashes.shape[1] > len(table) // 2:
            return 0, 0, False
        t += 1
        end, tested = next_generation(first, last, frontier, table, lattice, of_cluster.excess[t])
        of_cluster.counts[t, 0], of_cluster.counts[t, 1] = end - last, tested
        of_cluster.spread[t] = spread(last, end, frontier, lattice)
        n_seen += 0 if lattice.bonds else tested
        first, last = last, end
    return last, t, first < last


@part
def add(of_cluster, last, totals):
    """Add a cluster's origin and generations 1 to last to the totals; returns how many it tested."""
    n_tested = 0
    totals.counts[0, 0] += 1
    for t in range(1, last + 1):
        n_tested += of_cluster.counts[t, 1]
        totals.spread[t] += of_cluster.spread[t]
        for k in range(of_cluster.counts.shape[1]):
            totals.counts[t, k] += of_cluster.counts[t, k]
        for k in range(of_cluster.excess.shape[1]):
            totals.excess[t, k] += of_cluster.excess[t, k]
    return n_tested


@kernel
def leath(begin, origin, max_size, table, frontier, lattice, of_cluster, totals, clusters):
    """Grow clusters begin, begin + 1, ...; returns the first for which the table has no room, or their number.

    table must be zero. What other clusters leave in it is as random as their hashes and does no harm, so it is
    cleared rarely.
    """
    n_seen = np.int64(0)
    for c in range(begin, len(clusters.size)):
        if n_seen > len(table) // 16:
            clear(table)
            n_seen = 0
        start = mix(origin + np.uint64(c)) & ~lattice.ways.basis  # site 0 of its cell
        n_sites, t, alive = grow(start, max_size, n_seen, table, frontier, lattice, of_cluster)
        if n_sites == 0:
            return c
        n_tested = add(of_cluster, t, totals)
        n_seen += n_sites if lattice.bonds else n_tested + 1
        clusters.size[c], clusters.perimeter[c] = n_sites, n_tested - (n_sites - 1)
        clusters.generations[c], clusters.truncated[c] = t if alive or t == 0 else t - 1, alive
    return len(clusters.size)
