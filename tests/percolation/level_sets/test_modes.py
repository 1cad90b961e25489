"""The mode graph against networkx, scipy's spanning tree, and fields whose open set is known."""

import math

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csgraph, csr_array

from percolation import fields, level_sets
from percolation.level_sets import linear_share, mode_graph, segment_maxima


def ring(points):
    """Distance from the circle of radius 1: the open set {<= 0.2} is connected, but most straight lines leave it."""
    return np.abs(np.linalg.norm(points, axis=1) - 1)


def on_the_ring(n, seed):
    angles = np.random.default_rng(seed).uniform(0, 2 * math.pi, n)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@pytest.fixture(scope="module")
def sampled():
    field = fields.gaussian(5, fields.SquaredExponential(1.0), n_features=50, seed=1)
    points = np.random.default_rng(2).standard_normal((300, 5))
    return field, points, mode_graph(points, field, k=6)


def test_edges_are_the_nearest_and_those_within_a_radius(sampled):
    field, points, graph = sampled
    far = np.linalg.norm(points[:, None] - points, axis=2)
    nearest = np.argsort(far, axis=1)[:, 1:7]
    expected = {(min(i, j), max(i, j)) for i in range(300) for j in nearest[i]}
    assert {tuple(sorted(edge)) for edge in graph.edges.tolist()} == expected
    within = mode_graph(points, field, radius=1.0, n_along=2)
    expected = {(i, j) for i, j in np.argwhere(far <= 1.0).tolist() if i < j}
    assert {tuple(sorted(edge)) for edge in within.edges.tolist()} == expected
    np.testing.assert_array_equal(within.edge_values, field(points)[within.edges].max(axis=1))


def test_edge_values_are_maxima_of_the_segments(sampled):
    field, points, graph = sampled
    t = np.linspace(0, 1, 33)[:, None]
    for edge, value in list(zip(graph.edges, graph.edge_values, strict=True))[::50]:
        a, c = points[edge]
        assert value == pytest.approx(field(a + t * (c - a)).max(), abs=1e-12)
    assert (graph.edge_values >= graph.point_values[graph.edges].max(axis=1)).all()


def test_batches_change_nothing(sampled):
    field, points, graph = sampled
    for max_bytes in (1, 8 * 33 * 5 * 7):
        again = mode_graph(points, field, k=6, max_bytes=max_bytes)
        np.testing.assert_array_equal(again.edge_values, graph.edge_values)


def test_components_equal_networkx(sampled):
    _, _, graph = sampled
    for level in np.quantile(graph.edge_values, [0.1, 0.4, 0.9]):
        opened = np.flatnonzero(graph.point_values <= level)
        twin = nx.Graph()
        twin.add_nodes_from(opened.tolist())
        twin.add_edges_from(graph.edges[graph.edge_values <= level].tolist())
        assert graph.occupation(level) == len(opened) / 300
        assert graph.giant_share(level) == max(map(len, nx.connected_components(twin))) / len(opened)


def test_barriers_are_bottlenecks_of_scipys_spanning_tree(sampled):
    _, _, graph = sampled
    weights = graph.edge_values - graph.edge_values.min() + 1  # scipy takes 0 for no edge
    tree = csgraph.minimum_spanning_tree(csr_array((weights, graph.edges.T), shape=(300, 300)))
    value = {frozenset(edge): w for edge, w in zip(graph.edges.tolist(), graph.edge_values, strict=True)}
    for source in (0, 17):
        sites, before = csgraph.breadth_first_order(tree, source, directed=False)
        worst = np.full(300, np.inf)
        worst[source] = -np.inf
        for site in sites[1:]:
            worst[site] = max(worst[before[site]], value[frozenset((int(site), int(before[site])))])
        worst[source] = graph.point_values[source]
        np.testing.assert_array_equal(graph.barrier(source, np.arange(300)), worst)


def test_a_ring_is_one_component_that_straight_lines_do_not_see():
    """Chords stay within 0.2 of the circle up to an angle of 2 arccos 0.8: a share 0.4097 of all pairs.

    False alarms: an arc of 0.15 without a point in 4e-8 of seeds, 5 standard errors are passed by 6e-7.
    """
    points = on_the_ring(1000, seed=3)
    graph = mode_graph(points, ring, radius=0.15)
    assert graph.giant_share(0.2) == 1.0
    assert graph.barrier(0, 1) <= 0.2
    share = linear_share(points, ring, 0.2, n_pairs=4000, n_along=101, seed=4)
    assert abs(share.value - 2 * math.acos(0.8) / math.pi) < 5 * share.error


def test_far_groups_are_not_joined():
    points = np.concatenate([on_the_ring(50, 1), on_the_ring(50, 2) + 100])
    graph = mode_graph(points, lambda x: np.zeros(len(x)), radius=1.5)
    assert graph.barrier(0, 99) == np.inf
    assert graph.giant_share(0.0) == 0.5
    assert math.isnan(graph.giant_share(-1.0))
    assert graph.barrier(3, 3) == 0


def test_a_share_of_none_or_all_has_an_error():
    points = on_the_ring(20, seed=1)
    assert linear_share(points, lambda x: x[:, 0] * 0, 0.0, n_pairs=50, seed=1).value == 1
    assert linear_share(points, lambda x: x[:, 0] * 0, 0.0, n_pairs=50, seed=1).error > 0


def test_points_in_one_place():
    graph = mode_graph(np.zeros((5, 3)), lambda x: x[:, 0], k=2)
    assert graph.giant_share(0.0) == 1.0


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda x: mode_graph(x, ring), "not both; got k=None, radius=None"),
        (lambda x: mode_graph(x, ring, k=2, radius=1.0), "not both"),
        (lambda x: mode_graph(x, lambda y: y, k=2), "must map points"),
        (lambda x: mode_graph(x, lambda y: np.where(y[:, 0] > 0, np.nan, 0), k=2), "NaN"),
        (lambda x: mode_graph(x[0], ring, k=2), "shape"),
        (lambda x: mode_graph(x * np.inf, ring, k=2), "finite"),
        (lambda x: mode_graph(x, ring, k=2, n_along=1), "n_along"),
        (lambda x: linear_share(x, ring, -1.0, seed=1), "two open points, got 0"),
        (lambda x: segment_maxima(x, -x, lambda y: y[:, 0] * np.nan, n_along=3), "hold NaN, first at"),
    ],
)
def test_what_cannot_be_asked(ask, message):
    with pytest.raises(ValueError, match=message):
        ask(on_the_ring(10, seed=0))


def test_a_box_of_cells_and_a_graph_of_their_centres_agree():
    """Cells as points at distance 1 with edges valued by their ends: the same barriers."""
    values = np.random.default_rng(5).random((6, 7))
    places = np.argwhere(np.ones((6, 7), dtype=bool)).astype(float)
    graph = mode_graph(places, lambda x: values[tuple(np.rint(x).astype(int).T)], radius=1.001, n_along=2)
    cells = np.arange(42)
    expected = level_sets.sweep(values).barrier(cells[:, None], cells)
    np.testing.assert_array_equal(graph.barrier(cells[:, None], cells), expected)
