"""Hidden units matched: a permuted copy is found exactly, and what a network computes never changes."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from empirical.networks import models
from empirical.weights import matching
from empirical.weights.matching import matched

SMALL = {"mlp": {"width": 32}, "tanh": {"width": 32, "depth": 4}}
SHAPES = {"mlp": (1, 8, 8), "cnn": (1, 8, 8), "cnn1d": (1, 40), "tanh": (12,)}


def with_batch_norms():
    """A chain of two convolutions and two linear layers with batch norms of statistics that differ."""
    torch.manual_seed(3)
    model = nn.Sequential(
        *(nn.Conv2d(1, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 5, 3), nn.BatchNorm2d(5)),
        *(nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(20, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 4)),
    )
    for part in model.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            for one in (part.weight.data, part.bias.data, part.running_mean):
                one.normal_()
            part.running_var.uniform_(0.5, 2)
    return model.eval().requires_grad_(False)


def networks():
    made = {name: models.untrained(name, shape, 4, seed=5, **SMALL.get(name, {})) for name, shape in SHAPES.items()}
    return made | {"batch norms": with_batch_norms()}


def points(name):
    shape = SHAPES.get(name, (1, 8, 8))
    return torch.rand(5, *shape, generator=torch.Generator().manual_seed(1))


def shuffled(model, seed):
    """The same network with its hidden units in random order."""
    rng, copy = np.random.default_rng(seed), deepcopy(model)
    matching.permute(copy, [rng.permutation(layer.n_units) for layer in list(matching.layers(copy))[:-1]])
    return copy


@pytest.mark.parametrize("name", [*SHAPES, "batch norms"])
def test_a_permuted_copy_is_matched_exactly_back(name):
    model, x = networks()[name], points(name)
    copy = shuffled(model, seed=2)
    torch.testing.assert_close(copy(x), model(x))  # it computes the same
    weights = dict(model.named_parameters())
    assert not all(torch.equal(weight, weights[part]) for part, weight in copy.named_parameters())
    found = matched(model, copy, x)
    for part, value in found.state_dict().items():
        assert torch.equal(value, model.state_dict()[part]), part


@pytest.mark.parametrize("name", [*SHAPES, "batch norms"])
def test_another_network_computes_what_it_did_and_lies_nearer(name):
    model, x = networks()[name], points(name)
    other = (
        with_batch_norms()
        if name == "batch norms"
        else models.untrained(name, SHAPES[name], 4, seed=6, **SMALL.get(name, {}))
    )
    if name == "batch norms":
        for parameter in other.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(4)))
    before = deepcopy(other)
    found = matched(model, other, x)
    torch.testing.assert_close(found(x), other(x), rtol=1e-4, atol=1e-4)
    for one, kept in zip(other.parameters(), before.parameters(), strict=True):
        assert torch.equal(one, kept)  # the network that was given stays as it is

    def distance(one):
        return sum((a - b).pow(2).sum() for a, b in zip(model.parameters(), one.parameters(), strict=True))

    assert distance(found) < distance(other)


def test_the_order_is_the_best_of_all_where_all_can_be_tried():
    """One hidden layer of 4 units: 24 orders."""
    from itertools import permutations

    for seed in range(5):
        torch.manual_seed(seed)
        first, second = (nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).eval() for _ in range(2))
        ones, others = (list(matching.layers(model)) for model in (first, second))
        arrays = [[matching._arrays(layer) for layer in of] for of in (ones, others)]
        best = max(matching.likeness(*arrays, [np.array(order)]) for order in permutations(range(4)))
        assert matching.likeness(*arrays, matching.best_orders(ones, others)) == pytest.approx(best, abs=1e-12)


class Skips(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return self.other(self.one(x) + x)


class Hidden(nn.Module):
    """A single child, but not a chain: the order of units is seen outside of it."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))

    def forward(self, x):
        return self.layers[1](self.layers[0](x) * torch.arange(4))


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (Skips(), Skips(), r"in a chain of layers \(nn.Sequential\), got a Skips"),
        (Hidden(), Hidden(), "is no chain of its layers, for with its units in another order"),
        (nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4)), None, "cannot be matched through LayerNorm"),
        (nn.Sequential(nn.Conv1d(4, 4, 1, groups=2)), None, "through a convolution of 2 groups"),
        (nn.Sequential(nn.ReLU()), None, "Sequential has no linear or convolutional layer"),
        (nn.Linear(4, 2), nn.Linear(4, 3), r"must have one architecture, got layers \[\(2, 4\)\] and \[\(3, 4\)\]"),
    ],
)
def test_what_cannot_be_matched(one, other, message):
    with pytest.raises(ValueError, match=message):
        matched(one.eval(), (other or deepcopy(one)).eval(), torch.rand(3, 4))
