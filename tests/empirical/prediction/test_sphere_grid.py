import math

import networkx as nx
import numpy as np
import pytest
import torch
from scipy.spatial import ConvexHull

from empirical.losses.objectives import Field
from empirical.prediction import sphere_grid

NORTH, SOUTH = torch.tensor([[0.1, 0.0, 2.0]]), torch.tensor([[0.0, 0.1, -1.0]])


def test_a_triangulation_of_the_sphere():
    """Euler: 3 n - 6 edges; no edge much longer than the spacing (4 pi / n)^(1/2); all on the sphere."""
    vertices, edges = sphere_grid.triangulation(1000, 3)
    assert edges.shape == (2994, 2) and np.allclose(np.linalg.norm(vertices, axis=1), 1)
    lengths = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    assert lengths.max() < 2 * math.sqrt(4 * math.pi / 1000) and nx.is_connected(nx.Graph(edges.tolist()))
    assert sphere_grid.n_vertices(0.2, 3) == math.ceil(4 * math.pi * 400)


def test_a_triangulation_of_the_three_sphere():
    """Euler: n - edges + triangles - tetrahedra = 0, two tetrahedra a triangle; of one area: 2 pi^2 / n a vertex."""
    n = 2000
    vertices, edges = sphere_grid.triangulation(n, 4)
    assert len(edges) == n + len(ConvexHull(vertices).simplices) and np.allclose(np.linalg.norm(vertices, axis=1), 1)
    lengths = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    assert lengths.max() < 2.5 * (2 * math.pi**2 / n) ** (1 / 3) and nx.is_connected(nx.Graph(edges.tolist()))
    for axis in range(4):  # a share of points, uniform: (theta - sin theta cos theta) / pi lie within the angle theta
        inside = (vertices[:, axis] > math.cos(1.0)).mean()
        assert inside == pytest.approx((1 - math.sin(1) * math.cos(1)) / math.pi, abs=0.01)
    assert sphere_grid.n_vertices(0.27, 4) == math.ceil(2 * math.pi**2 * (4 / 0.27) ** 3)


def test_clusters_are_those_of_networkx():
    vertices, edges = sphere_grid.triangulation(1000, 3)
    is_open = np.random.default_rng(0).random(1000) < 0.4
    graph = nx.Graph(edges.tolist()).subgraph(np.flatnonzero(is_open).tolist())
    found = sphere_grid.clusters_of(is_open, edges)
    assert (found[~is_open] == -1).all()
    expected = {frozenset(cluster) for cluster in nx.connected_components(graph)}
    assert {frozenset(np.flatnonzero(found == k).tolist()) for k in np.unique(found[is_open])} == expected


@pytest.mark.parametrize(
    ("function", "joined"),
    [
        (lambda x: x[:, 2].abs().neg() + 0.5, 0.0),  # two caps and a closed belt
        (lambda x: torch.where(x[:, 0] > 1.2, -1.0, x[:, 2].abs().neg() + 0.5), 1.0),  # and a bridge over the belt
        (lambda x: x[:, 2], math.nan),  # one end is closed
    ],
)
def test_caps_and_bridges(function, joined):
    found = sphere_grid.connected(Field(function), NORTH, SOUTH, 0.0, 0.2)
    np.testing.assert_array_equal(found, [joined])


@pytest.mark.parametrize("d", [3, 4])
def test_caps_of_either_sphere(d):
    north, south = torch.zeros(1, d), torch.zeros(1, d)
    north[0, 2], south[0, 2] = 2.0, -1.0

    def caps(x):
        return x[:, 2].abs().neg() + 0.5

    def bridged(x):
        return torch.where(x[:, 0] > 1.2, -1.0, caps(x))

    assert [sphere_grid.connected(Field(one), north, south, 0.0, 0.4)[0] for one in (caps, bridged)] == [0, 1]


@pytest.mark.parametrize(("a", "words"), [(torch.ones(1, 5), r"must be \(n, 3\)"), (torch.ones(2, 3), "must be")])
def test_bad_points(a, words):
    with pytest.raises(ValueError, match=words):
        sphere_grid.connected(Field(lambda x: x[:, 0]), a, NORTH, 0.0, 0.2)
    with pytest.raises(ValueError, match="at most"):
        sphere_grid.connected(Field(lambda x: x[:, 0]), NORTH, SOUTH, 0.0, 0.01)
