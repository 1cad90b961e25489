"""Invasion of overlapping spheres: the points of a Poisson process, made cell by cell where the cluster comes.

Space is cells of side 1, the distance within which two points are joined. A cell has a 64-bit key as the sites of
`growth` do, its low LOW bits 0; their last value stands for the cell's number of points, others for point 0, 1, ... So
everything about a point is a hash of its key: its weight, its coordinates within the cell, and no cell is ever stored.
"""

from typing import NamedTuple

import numpy as np

from percolation._kernels.bits import mix, uniform
from percolation._kernels.compiling import kernel, part
from percolation._kernels.growth import HIGHEST_WEIGHT, cutoff_after, pop, push
from percolation._kernels.hash_set import insert

LOW = 6
COUNT = np.uint64(2**LOW - 1)  # the low bits of the key of a cell's number of points
GIVEN = np.uint64(2**LOW - 2)  # of the point where growth begins, which is there besides the process
DONE, NO_ROOM, NOTHING_LEFT, CUT = range(4)


class Process(NamedTuple):
    """A Poisson process and room to look around in."""

    r: np.ndarray  # (d,) uint64, what a step along each axis adds to the key of a cell
    counts: np.ndarray  # (most,) float64, chances of at most 0, 1, ... points in a cell
    x: np.ndarray  # (d,) the point looked around from, within its cell
    cells: np.ndarray  # (3^d,) uint64, keys of the cells in reach
    squares: np.ndarray  # (3^d,) squared distance of each from the point
    steps: np.ndarray  # (3^d, d) int8, displacement of each


@part
def n_points(cell, process):
    """Number of points in a cell."""
    u, n = uniform(mix(cell | COUNT), np.uint64(0)), 0
    while n < len(process.counts) and u >= process.counts[n]:
        n += 1
    return n


@part
def look(point, process):
    """Fill cells, squares and steps with the cells within distance 1 of a point; returns how many."""
    hashed, d = mix(point), len(process.r)
    process.cells[0] = point & ~COUNT
    process.squares[0] = 0.0
    for axis in range(d):
        process.x[axis] = uniform(hashed, np.uint64(axis + 1))
        process.steps[0, axis] = 0
    n = 1
    for axis in range(d):
        x, before = process.x[axis], n
        for side in range(2):
            gap = 1 - x if side else x
            for e in range(before):
                square = process.squares[e] + gap * gap
                if square < 1:
                    process.cells[n] = (
                        process.cells[e] + process.r[axis] if side else process.cells[e] - process.r[axis]
                    )
                    process.squares[n] = square
                    for other in range(d):
                        process.steps[n, other] = process.steps[e, other]
                    process.steps[n, axis] = 1 if side else -1
                    n += 1
    return n


@part
def is_near(hashed, cell, process):
    """Whether the point of this hash in one of the cells is within distance 1."""
    square = 0.0
    for axis in range(len(process.r)):
        y = uniform(hashed, np.uint64(axis + 1)) + process.steps[cell, axis] - process.x[axis]
        square += y * y
        if square >= 1:
            return False
    return True


@kernel
def invade(origin, process, marks, prune_from, margin, table, queue, n_revealed):
    """Fill n_revealed[k] with the points revealed once marks[k] are accepted; returns how it ended, and after how many.

    A point is revealed with the first accepted one within distance 1 of it. From prune_from accepted on, weights above
    margin times the ratio so far are not queued: CUT if one above that came up, so that what was left out might have
    been due. NOTHING_LEFT: the cluster of all points ended. NO_ROOM: the queue or half the table is full.
    """
    point, cutoff, revealed, n = origin, HIGHEST_WEIGHT, np.int64(1), np.int64(0)
    insert(table, mix(origin))
    for k in range(len(marks)):
        while n < marks[k]:
            if n > 0:
                weight, point = pop(queue)
                if weight >= cutoff:
                    return (NOTHING_LEFT if weight == cutoff == HIGHEST_WEIGHT else CUT), n
            for cell in range(look(point, process)):
                key = process.cells[cell]
                for i in range(n_points(key, process)):
                    other = key | np.uint64(i)
                    hashed = mix(other)
                    if is_near(hashed, cell, process) and insert(table, hashed):
                        revealed += 1
                        weight = mix(hashed)
                        if weight < cutoff:
                            if queue.pool[1] == len(queue.keys) and queue.pool[0] < 0:
                                return NO_ROOM, n
                            push(queue, weight, other)
            if revealed > len(table) // 2:
                return NO_ROOM, n
            n += 1
            if n == prune_from:
                cutoff = cutoff_after(n, revealed, margin)
        n_revealed[k] = revealed
    return DONE, n
