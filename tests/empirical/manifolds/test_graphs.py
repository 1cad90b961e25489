"""Which modes are joined, on sets that are known, and walks along the paths."""

import numpy as np
import pytest
import torch

from empirical import manifolds
from empirical.finder.paths import Path
from tests.empirical.manifolds.known import QUICK, Halves, Ring


def test_the_graph_of_a_ring_is_connected_and_that_of_two_halves_is_not():
    angles = torch.arange(4) * torch.pi / 2
    ring = torch.stack([angles.cos(), angles.sin()], dim=1)
    graph = manifolds.mode_graph(Ring().eval(), ring, 0, QUICK)
    assert graph.connected.all() and (graph.components == 0).all() and len(graph.pairs) == 6
    assert (graph.table()["rounds"] >= 1).all()
    beside, opposite = np.log1p(np.exp(40 * (0.5**0.5 - 1) ** 2 - 8)), 32.0  # the middle of a chord, of a diameter
    np.testing.assert_allclose(
        graph.table()["barrier"], [beside, opposite, beside, beside, opposite, beside], rtol=1e-3
    )
    halves = torch.tensor([[-2.0, 0], [-2, 1], [2.0, 0], [2, 1], [2, 2]])
    graph = manifolds.mode_graph(Halves().eval(), halves, 0, QUICK)
    assert graph.components.tolist() == [0, 0, 1, 1, 1] and graph.connected.sum() == 4
    rounds = graph.matrix("rounds")
    assert rounds[0, 1] == rounds[1, 0] == 0 and np.isnan(rounds[0, 2]) and np.isnan(rounds[3, 3])
    longest = graph.longest()
    assert longest is not None and graph.connected[longest]


def test_nothing_connected():
    graph = manifolds.mode_graph(Halves().eval(), torch.tensor([[-2.0, 0], [2.0, 0]]), 0, QUICK)
    assert not graph.connected.any() and graph.longest() is None and graph.components.tolist() == [0, 1]
    with pytest.raises(ValueError, match="at least two modes"):
        manifolds.mode_graph(Halves().eval(), torch.zeros(1, 2), 0, QUICK)


def test_a_walk_takes_even_steps_and_keeps_its_ends():
    path = Path(torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 1.0]]))
    points = manifolds.walk(path, 5)
    np.testing.assert_allclose(points, [[0, 0], [1, 0], [2, 0], [3, 0], [3, 1]], atol=1e-6)
    assert torch.equal(points[0], path.vertices[0]) and torch.equal(points[-1], path.vertices[-1])
    still = Path(torch.ones(2, 3))
    assert torch.equal(manifolds.walk(still, 4), torch.ones(4, 3))
