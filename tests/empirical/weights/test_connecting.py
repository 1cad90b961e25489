"""`empirical.weights.connect`: two trained networks, in one call."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

import empirical
from empirical.data import offline
from empirical.losses.weights import flat
from empirical.networks import models
from tests.empirical.weights.test_matching import shuffled


@pytest.fixture(scope="module")
def digits():
    data = offline.digits()
    return data.x_train[:100], data.y_train[:100]


@pytest.fixture(scope="module")
def two():
    """Networks of fixed weights."""
    training = models.Training(epochs=30)
    return [models.trained("cnn", offline.digits(), seed=seed, training=training) for seed in (1, 2)]


@pytest.fixture(scope="module")
def found(two, digits):
    return empirical.weights.connect(*two, digits)


def test_two_networks_are_connected_with_level_and_step_chosen_and_said(found, two):
    assert found.connection.status == "connected" and repr(found).startswith("ConnectedNetworks(connected in ")
    assert "\n" not in repr(found) and len(repr(found)) < 120
    table = found.table().set_index("path")
    assert table.index.tolist() == ["line", "matched line", "path"]
    # of these fixed weights: 1.2 nats, and 0.1 when the units are matched
    assert table.loc["matched line", "barrier"] < 0.4 * table.loc["line", "barrier"]
    assert table.loc["path", "barrier"] <= found.level * 1.05 < table.loc["matched line", "barrier"]
    assert [note.split(":")[0] for note in found.notes] == ["matching", "level", "lr"]
    weights = torch.cat([flat(two[0]), flat(found.model_2)])
    assert found.lr == pytest.approx(0.03 * weights.pow(2).mean().sqrt().item())
    assert len(found.plot().lines) == 4


def test_a_permuted_copy_has_no_barrier(two, digits):
    """Before the match a high one: the straight line between a network and itself in another order."""
    copy = shuffled(two[0], seed=0)
    found = empirical.weights.connect(two[0], copy, digits)
    table = found.table().set_index("path")
    assert table.loc["line", "gap"] > 0.1 and table.loc["matched line", "gap"] < 1e-6
    assert found.connection.rounds == 0
    assert "matching: the networks lie 0 times as far apart as before" in found.notes


class WithBatchNorm(nn.Module):
    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(64, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.1), nn.Linear(12, 10)
        )

    def forward(self, x):
        return self.layers(x)


def test_batch_norms_at_the_ends_are_the_networks_own(digits):
    """Statistics of training are those of other batches than all the data at once."""
    data = offline.digits()
    two = [WithBatchNorm(seed) for seed in (0, 1)]
    for model in two:
        models.fit(model, data, models.Training(epochs=8), 0)
        model.eval().requires_grad_(False)
    found = empirical.weights.connect(*two, digits)
    assert any(note.startswith("batch norms of the first network: loss ") for note in found.notes)
    for share, model in ((0, two[0]), (1, found.model_2)):
        for name, value in found.network(share).state_dict().items():
            assert torch.equal(value, model.state_dict()[name]), name
    x, y = digits
    curve = found.curves(5)
    for _, of_path in curve.groupby("path"):
        for end, model in ((0, two[0]), (-1, two[1])):
            expected = nn.functional.cross_entropy(model(x), y).item()
            assert of_path["loss"].iloc[end] == pytest.approx(expected, rel=1e-5)
    middle = found.network(0.5)
    assert not torch.equal(middle.layers[2].running_mean, two[0].layers[2].running_mean)
    assert nn.functional.cross_entropy(middle(x), y).item() <= 1.2 * found.level


def test_networks_as_they_are(two, digits):
    """match=False: the second network keeps its order; arrays and lists are data."""
    x, y = digits
    found = empirical.weights.connect(*two, (x.numpy().astype(np.float64), y.tolist()), match=False, max_rounds=0)
    assert found.model_2 is two[1] and found.table()["path"].tolist() == ["line", "path"]
    assert found.connection.status == "rounds" and "inputs: float64, made float32 as the network" in found.notes


def test_bad_input(two, digits):
    other = models.untrained("cnn", (1, 8, 8), 10, seed=1, width=16)
    training = deepcopy(two[0]).train()
    for arguments, options, message in (
        ((two[0], other, digits), {}, "must have one architecture, got 0.weight of shape"),
        ((*two, digits[0]), {}, "data must be .inputs, classes. or a Dataset, got Tensor"),
        ((*two, (digits[0], digits[1][:3])), {}, r"classes must be \(100,\)"),
        ((*two, digits), {"level": 1e-9}, "level must not lie below the training loss of a network"),
        ((*two, digits), {"lr": 0.0}, "lr must be a finite number above 0"),
        ((training, training, digits), {}, "the model is in training mode"),
    ):
        with pytest.raises(ValueError, match=message):
            empirical.weights.connect(*arguments, **options)
