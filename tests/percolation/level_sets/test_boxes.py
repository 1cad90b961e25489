"""Level sets of boxes against searches in plain Python, scipy.ndimage, scipy's spanning trees and the other kernels."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from percolation import lattices, level_sets, sweeps, wrapping

SHAPES = [(1,), (7,), (1, 5), (2, 2), (3, 4), (5, 6), (2, 3, 4), (3, 3, 3), (2, 3, 2, 2), (2,) * 6]


def steps_up(shape, periodic):
    """Bonds (cell, cell, axis, winding) of a box, one up each axis from every cell."""
    for x in np.ndindex(*shape):
        for axis, length in enumerate(shape):
            y = list(x)
            y[axis] = (x[axis] + 1) % length
            across = x[axis] == length - 1
            if not across or periodic[axis]:
                yield np.ravel_multi_index(x, shape), np.ravel_multi_index(y, shape), axis, int(across)


def by_search(opened, periodic):
    """Labels (0 if closed), axes that are spanned if open, wrapped if periodic: a depth-first search of the cover."""
    shape, flat = opened.shape, opened.ravel()
    ways = [[] for _ in flat]
    for i, j, axis, winding in steps_up(shape, periodic):
        step = winding * np.eye(len(shape), dtype=int)[axis]
        ways[i].append((j, step))
        ways[j].append((i, -step))
    labels, place, reached = np.zeros(flat.size, dtype=int), {}, np.zeros(len(shape), dtype=bool)
    for start in np.flatnonzero(flat):
        if labels[start]:
            continue
        labels[start], place[start], stack = labels.max() + 1, np.zeros(len(shape), dtype=int), [start]
        while stack:
            cell = stack.pop()
            for other, step in ways[cell]:
                if flat[other] and labels[other]:
                    reached |= place[cell] + step != place[other]
                elif flat[other]:
                    labels[other], place[other] = labels[start], place[cell] + step
                    stack.append(other)
        at = np.array(np.unravel_index(np.flatnonzero(labels == labels[start]), shape)).T
        reached |= ~np.array(periodic) & (at == 0).any(axis=0) & (at == np.array(shape) - 1).any(axis=0)
    return labels, reached


def assert_equals_search(values, periodic):
    """Everything a sweep knows, at every level."""
    found = level_sets.sweep(values, periodic)
    axes, cells = np.full(values.ndim, np.nan), np.arange(values.size)
    joined = np.full((values.size, values.size), np.nan)
    for level in np.unique(values):
        opened = values <= level
        labels, reached = by_search(opened, periodic)
        assert found.n_open(level) == opened.sum()
        assert found.occupation(level) == opened.mean()
        assert found.largest(level) == np.bincount(labels)[1:].max()
        axes[reached & np.isnan(axes)] = level
        together = (labels[:, None] == labels) & (labels > 0)
        joined[together & np.isnan(joined)] = level
    np.testing.assert_array_equal(found.barrier(cells[:, None], cells), joined)
    for axis, closed in enumerate(periodic):
        level = found.wrapping_level(axis) if closed else found.spanning_level(axis)
        assert level == axes[axis]
    for kind, level_of in ((False, found.spanning_level), (True, found.wrapping_level)):
        if kind in periodic:
            levels = axes[np.array(periodic) == kind]
            assert (level_of("any"), level_of("all")) == (levels.min(), levels.max())


@pytest.mark.parametrize("periodic", [(False, False), (True, False), (True, True)])
def test_every_order_of_a_small_box(periodic):
    """2 x 3 cells: all 720 orders, every third on the tori, whose search is slow."""
    for values in list(permutations(range(6)))[:: 3 if any(periodic) else 1]:
        assert_equals_search(np.array(values, dtype=np.float32).reshape(2, 3), periodic)


@st.composite
def boxes(draw):
    shape = draw(st.sampled_from(SHAPES))
    periodic = tuple(length > 1 and draw(st.booleans()) for length in shape)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = rng.standard_normal(shape) if draw(st.booleans()) else rng.integers(0, 5, shape)
    return values.astype(draw(st.sampled_from([np.float32, np.float64]))), periodic


@settings(max_examples=40, deadline=None)
@given(boxes())
def test_any_box_equals_the_search(box):
    assert_equals_search(*box)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([(30, 41), (11, 12, 13), (5, 6, 7, 8)]), st.floats(0, 1), st.integers(0, 2**32))
def test_open_boxes_equal_ndimage(shape, p, seed):
    values = np.random.default_rng(seed).standard_normal(shape)
    found = level_sets.sweep(values)
    level = found.level(p)
    labels, _ = ndimage.label(values <= level)
    assert found.largest(level) == np.bincount(labels.ravel())[1:].max()
    i, j = np.random.default_rng(seed).integers(values.size, size=(2, 500))
    together = (labels.flat[i] == labels.flat[j]) & (labels.flat[i] > 0)
    np.testing.assert_array_equal(found.barrier(i, j) <= level, together)
    for axis in range(len(shape)):
        ends = np.moveaxis(labels, axis, 0)[[0, -1]]
        spans = bool((np.intersect1d(*ends) > 0).any())
        assert (found.spanning_level(axis) <= level) == spans


def bottlenecks(values, periodic, source):
    """Largest value on the way from source to every cell, in scipy's minimum spanning tree of the box."""
    flat = values.ravel()
    i, j, _, _ = np.array(list(steps_up(values.shape, periodic))).T
    weights = np.maximum(flat[i], flat[j]) - flat.min() + 1  # scipy takes 0 for no edge
    pairs = {}
    for a, b, w in zip(np.minimum(i, j), np.maximum(i, j), weights, strict=True):
        pairs[a, b] = w
    rows, columns = np.array(list(pairs)).T
    graph = sparse.csr_array((list(pairs.values()), (rows, columns)), shape=(flat.size,) * 2)
    tree = csgraph.minimum_spanning_tree(graph)
    cells, before = csgraph.breadth_first_order(tree, source, directed=False)
    worst = flat.copy()
    for cell in cells[1:]:
        worst[cell] = max(worst[before[cell]], worst[cell])
    return worst


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_barriers_are_bottlenecks_of_scipys_spanning_tree(k):
    """200 random grids, a quarter for each k, every other one smooth."""
    rng = np.random.default_rng(k)
    for number in range(50):
        shape = tuple(rng.integers(2, {1: 60, 2: 12, 3: 6, 4: 4}[k], size=k))
        periodic = tuple(bool(x) for x in rng.integers(2, size=k))
        values = rng.standard_normal(shape)
        values = ndimage.gaussian_filter(values, 1.5) if number % 2 else values
        source = int(rng.integers(values.size))
        found = level_sets.sweep(values, periodic).barrier(source, np.arange(values.size))
        np.testing.assert_array_equal(found, bottlenecks(values, periodic, source))


@settings(max_examples=50, deadline=None)
@given(boxes(), st.integers(0, 2**32))
def test_paths_attain_the_barrier_and_none_is_shorter(box, seed):
    values, periodic = box
    found = level_sets.sweep(values, periodic)
    i, j = np.random.default_rng(seed).integers(values.size, size=2)
    path = found.path(i, j)
    assert (path[0], path[-1]) == (i, j)
    assert values.flat[path].max() == found.barrier(i, j)
    opened = values.ravel() <= found.barrier(i, j)
    bonds = np.array([(a, b) for a, b, *_ in steps_up(values.shape, periodic) if opened[a] and opened[b]])
    bonds = bonds.reshape(-1, 2)
    graph = sparse.csr_array((np.ones(len(bonds)), bonds.T), shape=(values.size,) * 2)
    assert len(path) - 1 == csgraph.dijkstra(graph, directed=False, indices=i, unweighted=True)[j]
    assert all(graph[a, b] or graph[b, a] for a, b in zip(path, path[1:], strict=False))


@pytest.mark.parametrize(
    "lattice", [lattices.square.torus(40), lattices.cubic.torus(12), lattices.hypercubic(4).torus(6)], ids=str
)
def test_steps_are_those_of_the_other_kernels(lattice):
    """On tori: sweeps.site_sweep in the same order, and wrapping.windings_of around the first step."""
    values = np.random.default_rng(1).random((lattice.L,) * lattice.d)
    found = level_sets.sweep(values, periodic=True)
    np.testing.assert_array_equal(found.order, np.argsort(values.ravel()))
    other = sweeps.site_sweep(
        lattice, orders=found.order[None].astype(np.int64), observables=("largest",), progress=False
    )
    np.testing.assert_array_equal(found.largest_after, other.largest[0, 1:])
    for axis in range(lattice.d):
        level = found.wrapping_level(axis)
        opened = np.stack([values.ravel() < level, values.ravel() <= level])
        assert wrapping.windings_of(lattice, opened)[0][:, axis].tolist() == [False, True]


def test_long_windings_are_followed():
    """A spiral of 20 turns down a torus closes with its last cell, round both axes; each turn leaves out one column."""
    columns, values = 60, np.full((40, 60), 9.0)
    spiral, x = [], 0
    for turn in range(20):
        spiral += [(2 * turn, (x + step) % columns) for step in range(columns - 1)]
        x += columns - 2
        spiral.append((2 * turn + 1, x % columns))
    values[tuple(np.array(spiral).T)] = np.arange(len(spiral)) / len(spiral)
    found = level_sets.sweep(values, periodic=True)
    assert found.wrapping_level(0) == found.wrapping_level(1) == 1 - 1 / len(spiral)
    values[39] = 9.0
    found = level_sets.sweep(values, periodic=True)
    assert found.wrapping_level() == 9.0
    assert found.barrier(0, found.cell(spiral[-2])) == 1 - 2 / len(spiral)
    values[0, 59] = 2.0
    assert level_sets.sweep(values, periodic=True).wrapping_level(1) == 2.0


def test_levels_between_and_beyond_the_values():
    values = np.array([[0.1, 0.3], [0.2, np.inf]], dtype=np.float32)
    found = level_sets.sweep(values)
    assert found.n_open([-1, 0.1, 0.15, 0.3, 5, np.inf]).tolist() == [0, 0, 1, 2, 3, 4]  # float32(0.1) > 0.1 > ...
    assert found.n_open(np.float32([0.1, 0.2, 0.3])).tolist() == [1, 2, 3]
    assert found.largest([-1, 0.15, 1]).tolist() == [0, 1, 3]
    assert found.barrier(3, 3) == np.inf == found.barrier(0, 3)
    assert found.level(0) == found.level(0.25) == values[0, 0]
    assert found.level([0.5, 0.51, 0.75]).tolist() == [values[1, 0], values[0, 1], values[0, 1]]
    assert found.coordinates(found.cell([[0, 1], [1, 0]])).tolist() == [[0, 1], [1, 0]]


def test_the_level_of_an_occupation_opens_that_share():
    values = np.random.default_rng(0).random(1000)
    found = level_sets.sweep(values)
    p = np.arange(1, 1001) / 1000
    np.testing.assert_array_equal(found.occupation(found.level(p)), p)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: level_sets.sweep(np.zeros((2,) * 7)), "1 ... 6 axes"),
        (lambda: level_sets.sweep(3.0), "1 ... 6 axes"),
        (lambda: level_sets.sweep(np.zeros((3, 1)), periodic=True), "axis 1 would be its own neighbour"),
        (lambda: level_sets.sweep(np.zeros((3, 2)), periodic=(True,)), "one for each of 2 axes"),
        (lambda: level_sets.sweep(np.array([0, np.nan])), "NaN"),
        (lambda: level_sets.sweep(np.zeros((3, 2))).wrapping_level(), "no periodic axis; ask spanning_level"),
        (lambda: level_sets.sweep(np.zeros((3, 2)), (True, False)).spanning_level(0), "axis 0 is no open axis"),
        (lambda: level_sets.sweep(np.zeros((3, 2))).spanning_level("al"), "did you mean 'all'"),
        (lambda: level_sets.sweep(np.zeros((3, 2))).barrier(0, 6), r"0 ... 5, got 6"),
        (lambda: level_sets.sweep(np.zeros((3, 2))).path(0, -1), r"0 ... 5, got -1"),
        (lambda: level_sets.sweep(np.zeros((3, 2))).barrier(0.0, 1), "integers"),
        (lambda: level_sets.sweep(np.zeros((3, 2))).occupation(np.nan), "got NaN"),
        (lambda: level_sets.sweep(np.zeros((3, 2))).level(1.5), "lie in"),
    ],
)
def test_what_cannot_be_asked(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()
