"""Flooding Z^d from a site: the lowest value on the boundary is accepted next, and those around it are worked out then.

Waves on a lattice cost no cosine a neighbour: f(x +- e_a) = sqrt(2 / M) sum_j (c_j C_aj -+ s_j S_aj) with c_j, s_j
cosine and sine of wave j at x, C_aj, S_aj of its turn along a step. So a taken site costs d M multiply-adds for its
phases, M cosines and M sines, and all its 2d neighbours 2 d M multiply-adds, instead of 2 d M cosines of 13 each.
"""

from typing import NamedTuple

import numpy as np

from percolation._kernels.bits import fma, middle, mix
from percolation._kernels.compiling import kernel, part
from percolation._kernels.fields import cosines, sines, total
from percolation._kernels.hash_set import insert


class Waves(NamedTuple):
    """A Fourier field on the lattice; without waves a value is the uniform number that a site's hash makes."""

    turns: np.ndarray  # (d, M), of a wave along a step of an axis
    offsets: np.ndarray  # (M,)
    cosines: np.ndarray  # (d, M), of the turns
    sines: np.ndarray  # (d, M)
    amplitude: float


class Boundary(NamedTuple):
    """A binary heap of what was tested and not taken."""

    values: np.ndarray  # (capacity,)
    ways: np.ndarray  # (capacity,) int64, 2d times the number of the site tested from, plus the step from there


class Cluster(NamedTuple):
    """What was taken, in its order, the start first; and what was tested, in its order."""

    keys: np.ndarray  # (n_sites + 1,) uint64
    places: np.ndarray  # (n_sites + 1, d) int32
    accepted: np.ndarray  # (n_sites,) values, the start left out
    tested: np.ndarray  # (capacity,) values


class Neighbourhood(NamedTuple):
    """Where the values around a site are worked out."""

    phases: np.ndarray  # (M,)
    slopes: np.ndarray  # (M,)
    products: np.ndarray  # (M,)
    around: np.ndarray  # (2d,)


@part
def push(boundary, size, value, way):
    """Put in a value as entry `size`, and let it rise."""
    i = size
    while i > 0:
        above = (i - 1) >> 1
        if boundary.values[above] <= value:
            break
        boundary.values[i], boundary.ways[i] = boundary.values[above], boundary.ways[above]
        i = above
    boundary.values[i], boundary.ways[i] = value, way


@part
def pop(boundary, size):
    """Take out the least of `size` entries: (value, way)."""
    least, way = boundary.values[0], boundary.ways[0]
    last, size = boundary.values[size - 1], size - 1
    last_way = boundary.ways[size]
    i, below = 0, 1
    while below < size:
        if below + 1 < size and boundary.values[below + 1] < boundary.values[below]:
            below += 1
        if last <= boundary.values[below]:
            break
        boundary.values[i], boundary.ways[i] = boundary.values[below], boundary.ways[below]
        i, below = below, 2 * below + 1
    boundary.values[i], boundary.ways[i] = last, last_way
    return least, way


@part
def values_of_cells(key, steps, around):
    """Uniform numbers of the neighbours, as `fields.IidField` makes them."""
    for j in range(len(steps)):
        around[j] = middle(mix(key + steps[j]))


@part
def dot(left, right, products):
    for j in range(len(products)):
        products[j] = left[j] * right[j]
    return total(products)


@part
def values_of_waves(place, waves, neighbourhood):
    """Values of the neighbours, up and down each axis in turn."""
    phases = neighbourhood.phases
    for j in range(len(phases)):
        phases[j] = waves.offsets[j]
    for axis in range(len(place)):
        x, turns = float(place[axis]), waves.turns[axis]
        for j in range(len(phases)):
            phases[j] = fma(x, turns[j], phases[j])
    sines(phases, 1.0, neighbourhood.slopes)
    cosines(phases)
    for axis in range(len(place)):
        even = waves.amplitude * dot(phases, waves.cosines[axis], neighbourhood.products)
        odd = waves.amplitude * dot(neighbourhood.slopes, waves.sines[axis], neighbourhood.products)
        neighbourhood.around[2 * axis], neighbourhood.around[2 * axis + 1] = even - odd, even + odd


@part
def test_neighbours(i, steps, waves, table, cluster, boundary, size, n_tested, neighbourhood):
    """Test the neighbours of site i that are new, and put them on the boundary; returns how many they were."""
    key, n_new = cluster.keys[i], 0
    worked_out = False
    for j in range(len(steps)):
        if insert(table, mix(key + steps[j])):
            if not worked_out:
                if len(waves.offsets):
                    values_of_waves(cluster.places[i], waves, neighbourhood)
                else:
                    values_of_cells(key, steps, neighbourhood.around)
                worked_out = True
            cluster.tested[n_tested + n_new] = neighbourhood.around[j]
            push(boundary, size + n_new, neighbourhood.around[j], i * len(steps) + j)
            n_new += 1
    return n_new


@part
def accept(i, way, steps, cluster):
    """Make site i what the way leads to; returns its squared distance from the start."""
    above, j = way // len(steps), way % len(steps)
    cluster.keys[i] = cluster.keys[above] + steps[j]
    square = 0
    for axis in range(cluster.places.shape[1]):
        x = cluster.places[above, axis]
        if axis == j >> 1:
            x += 1 - 2 * (j & 1)
        cluster.places[i, axis] = x
        square += np.int64(x) * np.int64(x)
    return square


@kernel
def flood(steps, waves, marks, table, cluster, boundary, neighbourhood, n_tested, squares):
    """Take len(cluster.accepted) sites; n_tested and squares are filled at the marks.

    cluster.keys[0] and cluster.places[0] are the start's. squares: sums of squared distances from it, in steps.
    """
    insert(table, mix(cluster.keys[0]))
    none = np.int64(0)
    tested = size = test_neighbours(none, steps, waves, table, cluster, boundary, none, none, neighbourhood)
    sum_of_squares, mark = 0, 0
    for n in range(1, len(cluster.accepted) + 1):
        value, way = pop(boundary, size)
        cluster.accepted[n - 1] = value
        sum_of_squares += accept(n, way, steps, cluster)
        n_new = test_neighbours(n, steps, waves, table, cluster, boundary, size - 1, tested, neighbourhood)
        size, tested = size - 1 + n_new, tested + n_new
        if n == marks[mark]:
            n_tested[mark], squares[mark] = tested, sum_of_squares
            mark += 1
