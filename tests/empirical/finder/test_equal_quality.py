"""The sparse rule against the dense one and the published procedure: as many paths, as few rounds, none false."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks import serial_path_finder as serial
from empirical.descent.rows import Descent
from empirical.ends import modes
from empirical.finder.find import PRESETS, Finder, find_paths
from empirical.losses.objectives import ClassLoss, losses
from empirical.networks import models

FINDER = Finder(descent=Descent(lr=0.2, log=True, weight_decay=1e-7))
ROUNDS = 0.2  # by which the mean may be higher
CHECKED = 1000  # places a segment, drawn at random

# shape of an input, pairs, and of these the first that the serial procedure is given
UNTRAINED = {
    "mlp": ((64,), 30, 4),
    "cnn1d": ((1, 40), 30, 4),
    "resnet18": ((3, 32, 32), 8, 1),
}


def optimal_pairs(name, shape, n):
    """An untrained network, and n pairs of class-optimal inputs of it."""
    model = models.untrained(name, shape, seed=1)
    labels = torch.arange(2 * n) % 5
    rule = replace(modes.CLASS_OPTIMAL, lr=0.2)
    found = modes.class_optimal(model, labels, shape, generator=torch.Generator().manual_seed(1), rule=rule)
    i, j = modes.pairs_within_class(found.labels, n, generator=torch.Generator().manual_seed(0))
    return ClassLoss(model, found.labels[i]), found.points[i], found.points[j]


def largest(objective, pair, vertices):
    """At CHECKED random places of every segment."""
    t = torch.rand(CHECKED, generator=torch.Generator().manual_seed(pair)).view(-1, *[1] * (vertices.ndim - 1))
    return max(
        losses(objective, torch.lerp(a[None], c[None], t), torch.full((CHECKED,), pair)).max().item()
        for a, c in zip(vertices[:-1], vertices[1:], strict=True)
    )


def mean_rounds(found):
    return np.mean([one.rounds for one in found if one.connected])


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "resnet18" else name for name in UNTRAINED]
)
def test_paths_of_untrained_networks_are_as_good(name):
    shape, n, n_serial = UNTRAINED[name]
    objective, a, c = optimal_pairs(name, shape, n)
    sparse, dense = (find_paths(objective, a, c, replace(FINDER, scan=scan)) for scan in ("sparse", "dense"))
    published = [
        serial.connect(objective, a[i], c[i], i, PRESETS["untrained"], serial.PUBLISHED_UNTRAINED)
        for i in range(n_serial)
    ]
    for other in (dense, published):
        ours = sparse[: len(other)]
        assert sum(one.connected for one in ours) >= sum(one.connected for one in other)
        assert mean_rounds(ours) <= mean_rounds(other) + ROUNDS
    assert mean_rounds(sparse) > 0.5  # there was something to find
    assert all(one.connected for one in sparse) and sparse.cost.n_forward < dense.cost.n_forward / 5
    assert max(largest(objective, i, one.path.vertices) for i, one in enumerate(sparse)) <= FINDER.level
