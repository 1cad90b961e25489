"""The path finder on Z^d: walk a digital segment, find its worst cell, go round it, and so again for both halves.

A cell is open if its hash lies below a cutoff; its key is origin + sum_i x_i r_i mod 2^64, as in `growth`, so nothing
is stored. Coordinates count from the first end.
"""

from typing import NamedTuple

import numpy as np

from percolation._kernels.bits import mix
from percolation._kernels.compiling import kernel, part

CONNECTED, OUT_OF_ROUNDS, STALLED, NO_CANDIDATE, OUT_OF_ROOM = range(5)


class Cells(NamedTuple):
    """Which cells are open: those whose hash is below the cutoff, and the two ends."""

    r: np.ndarray  # (d,) uint64
    start: np.uint64  # keys of the two ends
    end: np.uint64
    cutoff: np.uint64


class Search(NamedTuple):
    """How to look for a way round."""

    offsets: np.ndarray  # (n, d) int64 by distance, 0 first
    look_ahead: int
    max_rounds: int


class Chain(NamedTuple):
    """Vertices and segments of two rounds, the one before and the one being made, which take turns."""

    vertices: np.ndarray  # (2, room, d) int64
    is_open: np.ndarray  # (2, room) bool, known of the segment from this vertex to the next


class Walk(NamedTuple):
    """Where a walk along a segment is, and what it has met."""

    here: np.ndarray  # (d,) int64
    way: np.ndarray  # (d,) int64, end minus start
    done: np.ndarray  # (d,) int64, steps made along each axis
    worst: np.ndarray  # (d,) int64
    bypass: np.ndarray  # (d,) int64
    other: np.ndarray  # (d,) int64, a candidate for the bypass


@part
def key_of(cell, cells):
    key = cells.start
    for i in range(len(cell)):
        key += np.uint64(cell[i]) * cells.r[i]
    return key


@part
def value(key, cells):
    """Hash of a cell, 0 for the two ends."""
    return np.uint64(0) if key == cells.start or key == cells.end else mix(key)


@part
def start_walk(start, end, walk):
    """Put the walker on start; returns the number of steps to end."""
    n_steps = 0
    for i in range(len(start)):
        walk.here[i], walk.way[i], walk.done[i] = start[i], end[i] - start[i], 0
        n_steps += abs(walk.way[i])
    return n_steps


@part
def next_key(key, i, walk, cells):
    """Key of the next cell along axis i."""
    return key + cells.r[i] if walk.way[i] > 0 else key - cells.r[i]


@part
def step(key, walk, cells):
    """Go on to the next cell, through the face that the straight line crosses next; returns its key.

    Step k + 1 along axis i is due when the line has gone (2k + 1) / 2 |way_i| of its way. Where several are due
    at once, the line leaves through an edge or a corner, and the cell of least value is taken.
    """
    axis, there = -1, key
    for i in range(len(walk.way)):
        if walk.done[i] == abs(walk.way[i]):
            continue
        if axis >= 0:
            due = (2 * walk.done[i] + 1) * abs(walk.way[axis])
            best = (2 * walk.done[axis] + 1) * abs(walk.way[i])
            if due > best:
                continue
            if due == best and value(next_key(key, i, walk, cells), cells) >= value(there, cells):
                continue
        axis, there = i, next_key(key, i, walk, cells)
    walk.done[axis] += 1
    walk.here[axis] += 1 if walk.way[axis] > 0 else -1
    return there


@part
def closed_cells(start, end, cells, walk, worst):
    """Number of closed cells on the segment; worst becomes the one of highest value."""
    key, n_closed, highest = key_of(start, cells), 0, np.uint64(0)
    for _ in range(start_walk(start, end, walk)):
        key = step(key, walk, cells)
        met = value(key, cells)
        if met >= cells.cutoff:
            n_closed += 1
            if met > highest:
                highest = met
                copy(walk.here, worst)
    return n_closed


@part
def find_bypass(start, end, cells, search, walk):
    """Fill walk.bypass with the cell to go round walk.worst by; returns how many candidates there were to choose from.

    Candidates are the first `look_ahead` open cells by distance whose inside the hyperplane through the worst cell's
    centre, orthogonal to the segment, meets: |way . offset| < sum_i |way_i| / 2.
    """
    n_candidates, fewest = 0, -1
    width = 0
    for i in range(len(start)):
        width += abs(end[i] - start[i])
    for j in range(1, len(search.offsets)):
        along = 0
        for i in range(len(start)):
            along += (end[i] - start[i]) * search.offsets[j, i]
            walk.other[i] = walk.worst[i] + search.offsets[j, i]
        if 2 * abs(along) < width and value(key_of(walk.other, cells), cells) < cells.cutoff:
            n_closed = 0
            if search.look_ahead > 1:
                n_closed += closed_cells(start, walk.other, cells, walk, walk.here)
                n_closed += closed_cells(walk.other, end, cells, walk, walk.here)
            if fewest < 0 or n_closed < fewest:
                fewest = n_closed
                copy(walk.other, walk.bypass)
            n_candidates += 1
            if n_candidates == search.look_ahead:
                break
    return n_candidates


@part
def copy(cell, out):
    for i in range(len(cell)):
        out[i] = cell[i]


@part
def same(a, b):
    for i in range(len(a)):
        if a[i] != b[i]:
            return False
    return True


@part
def one_round(old, n, chain, cells, search, walk):
    """Cut every segment of row `old` that is not open. Returns (status, vertices of the new row, cuts, short cuts).

    A short cut had fewer candidates than the look-ahead asked for, for want of offsets.
    """
    new, m, n_cuts, n_short = 1 - old, 0, 0, 0
    for k in range(n):
        if m + 2 > chain.vertices.shape[1]:
            return OUT_OF_ROOM, m, n_cuts, n_short
        start = chain.vertices[old, k]
        copy(start, chain.vertices[new, m])
        if k == n - 1:
            return CONNECTED, m + 1, n_cuts, n_short
        end = chain.vertices[old, k + 1]
        is_open = chain.is_open[old, k] or closed_cells(start, end, cells, walk, walk.worst) == 0
        chain.is_open[new, m] = is_open
        m += 1
        if is_open:
            continue
        n_cuts += 1
        n_candidates = find_bypass(start, end, cells, search, walk)
        if n_candidates == 0:
            return NO_CANDIDATE, m, n_cuts, n_short
        if same(walk.bypass, start) or same(walk.bypass, end):
            return STALLED, m, n_cuts, n_short
        n_short += n_candidates < search.look_ahead
        copy(walk.bypass, chain.vertices[new, m])
        chain.is_open[new, m] = False
        m += 1
    return CONNECTED, m, n_cuts, n_short


@kernel
def connect(cells, search, chain, walk):
    """Rounds until all segments are open or something runs out, from the two ends in row 0 of the chain.

    Returns (status, rounds, row of the last whole chain, its vertices, short cuts).
    """
    row, n, rounds, n_short = np.int64(0), np.int64(2), 0, 0
    while True:
        status, m, n_cuts, short = one_round(row, n, chain, cells, search, walk)
        if n_cuts and rounds == search.max_rounds:
            return OUT_OF_ROUNDS, rounds, row, n, n_short
        if status != CONNECTED or n_cuts == 0:
            return status, rounds, row, n, n_short
        row, n, rounds, n_short = 1 - row, m, rounds + 1, n_short + short


@kernel
def trace(vertices, cells, walk, path):
    """Fill path with the cells of the segments between the vertices, the ends included."""
    filled = 1
    copy(vertices[0], path[0])
    for k in range(len(vertices) - 1):
        key = key_of(vertices[k], cells)
        for _ in range(start_walk(vertices[k], vertices[k + 1], walk)):
            key = step(key, walk, cells)
            copy(walk.here, path[filled])
            filled += 1
