"""Flooding Z^d from a site: the lowest value on the shore is taken next, and the values around it are worked out then.

Waves on a lattice cost no cosine a neighbour: f(x +- e_a) = sqrt(2 / M) sum_j (c_j C_aj -+ s_j S_aj) with c_j, s_j
cosine and sine of wave j at x, C_aj, S_aj of its turn along a step. So a taken site costs d M multiply-adds for its
phases, M cosines and M sines, and all its 2d neighbours 2 d M multiply-adds, instead of 2 d M cosines of 13 each.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit

from percolation._kernels.fields import cosines, fma, sines, total
from percolation._kernels.growth import insert, mix
from percolation._kernels.sources import fingerprint

part = njit(nogil=True)


class Waves(NamedTuple):
    """A Fourier field on the lattice; without waves a value is the uniform number that a site's hash makes."""

    turns: np.ndarray  # (d, M), of a wave along a step of an axis
    offsets: np.ndarray  # (M,)
    cosines: np.ndarray  # (d, M), of the turns
    sines: np.ndarray  # (d, M)
    amplitude: float


class Shore(NamedTuple):
    """A binary heap of what was tested and not taken."""

    values: np.ndarray  # (room,)
    ways: np.ndarray  # (room,) int64, 2d times the number of the site tested from, plus the step from there


class Land(NamedTuple):
    """What was taken, in its order, the start first; and what was tested, in its order."""

    keys: np.ndarray  # (n_sites + 1,) uint64
    places: np.ndarray  # (n_sites + 1, d) int32
    accepted: np.ndarray  # (n_sites,) values, the start left out
    tested: np.ndarray  # (room,) values


class Room(NamedTuple):
    """Where the values around a site are worked out."""

    phases: np.ndarray  # (M,)
    slopes: np.ndarray  # (M,)
    products: np.ndarray  # (M,)
    around: np.ndarray  # (2d,)


@part
def push(shore, size, value, way):
    """Put in a value as entry `size`, and let it rise."""
    i = size
    while i > 0:
        above = (i - 1) >> 1
        if shore.values[above] <= value:
            break
        shore.values[i], shore.ways[i] = shore.values[above], shore.ways[above]
        i = above
    shore.values[i], shore.ways[i] = value, way


@part
def pop(shore, size):
    """Take out the least of `size` entries: (value, way)."""
    least, way = shore.values[0], shore.ways[0]
    last, size = shore.values[size - 1], size - 1
    last_way = shore.ways[size]
    i, below = 0, 1
    while below < size:
        if below + 1 < size and shore.values[below + 1] < shore.values[below]:
            below += 1
        if last <= shore.values[below]:
            break
        shore.values[i], shore.ways[i] = shore.values[below], shore.ways[below]
        i, below = below, 2 * below + 1
    shore.values[i], shore.ways[i] = last, last_way
    return least, way


@part
def cells_around(key, steps, around):
    """Uniform numbers of the neighbours, 52 bits of the hash and a half, as `fields.IidField` makes them."""
    for j in range(len(steps)):
        around[j] = (np.float64(mix(key + steps[j]) >> np.uint64(12)) + 0.5) / 2.0**52


@part
def dot(left, right, products):
    for j in range(len(products)):
        products[j] = left[j] * right[j]
    return total(products)


@part
def waves_around(place, waves, room):
    """Values of the neighbours, up and down each axis in turn."""
    phases = room.phases
    phases[:] = waves.offsets
    for axis in range(len(place)):
        x, turns = float(place[axis]), waves.turns[axis]
        for j in range(len(phases)):
            phases[j] = fma(x, turns[j], phases[j])
    sines(phases, 1.0, room.slopes)
    cosines(phases)
    for axis in range(len(place)):
        even = waves.amplitude * dot(phases, waves.cosines[axis], room.products)
        odd = waves.amplitude * dot(room.slopes, waves.sines[axis], room.products)
        room.around[2 * axis], room.around[2 * axis + 1] = even - odd, even + odd


@part
def test_around(i, steps, waves, table, land, shore, size, n_tested, room):
    """Test the neighbours of site i that are new, and put them on the shore; returns how many they were."""
    key, n_new = land.keys[i], 0
    worked_out = False
    for j in range(len(steps)):
        if insert(table, mix(key + steps[j])):
            if not worked_out:
                if len(waves.offsets):
                    waves_around(land.places[i], waves, room)
                else:
                    cells_around(key, steps, room.around)
                worked_out = True
            land.tested[n_tested + n_new] = room.around[j]
            push(shore, size + n_new, room.around[j], i * len(steps) + j)
            n_new += 1
    return n_new


@part
def land_at(i, way, steps, land):
    """Make site i what the way leads to; returns its squared distance from the start."""
    above, j = way // len(steps), way % len(steps)
    land.keys[i] = land.keys[above] + steps[j]
    square = 0
    for axis in range(land.places.shape[1]):
        x = land.places[above, axis]
        if axis == j >> 1:
            x += 1 - 2 * (j & 1)
        land.places[i, axis] = x
        square += np.int64(x) * np.int64(x)
    return square


def _kept_under(sources: int) -> Callable:
    """`flood`, in a cache whose key is the sources it is made of."""

    @njit(cache=True, nogil=True)
    def flood(steps, waves, marks, table, land, shore, room, n_tested, squares):
        """Take len(land.accepted) sites; n_tested and squares are filled at the marks.

        land.keys[0] and land.places[0] are the start's. squares: sums of squared distances from it, in steps.
        """
        assert sources  # the key holds what a function closes over
        insert(table, mix(land.keys[0]))
        tested = size = test_around(0, steps, waves, table, land, shore, 0, 0, room)
        sum_of_squares, mark = 0, 0
        for n in range(1, len(land.accepted) + 1):
            value, way = pop(shore, size)
            land.accepted[n - 1] = value
            sum_of_squares += land_at(n, way, steps, land)
            n_new = test_around(n, steps, waves, table, land, shore, size - 1, tested, room)
            size, tested = size - 1 + n_new, tested + n_new
            if n == marks[mark]:
                n_tested[mark], squares[mark] = tested, sum_of_squares
                mark += 1

    return flood


flood = _kept_under(fingerprint("fields", "flooding", "growth"))
