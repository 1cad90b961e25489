"""The largest loss on a segment of a piecewise-linear network: what a grid a hundred times denser finds, and spikes."""

import pytest
import torch
from torch import nn

from empirical.finder import exact
from empirical.finder.certificate import certify
from empirical.finder.paths import Path
from empirical.losses.objectives import ClassLoss, Field, OfPairs
from empirical.networks import models
from empirical.networks.architectures import Normalisation


def segment(shape, generator, length=None):
    """Two random points, or two that lie so far apart."""
    a, c = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
    return torch.stack([a, c if length is None else a + length * (c - a) / (c - a).norm()])


def on_a_grid(model, vertices, label, n):
    """Largest loss of the float64 network on n intervals of a segment."""
    t = torch.linspace(0, 1, n + 1, dtype=torch.float64).view(-1, *[1] * (vertices.ndim - 1))
    points = (1 - t) * vertices[0] + t * vertices[1]
    with torch.no_grad():
        outputs = torch.cat([model.double()(part) for part in points.split(500)])
    return nn.functional.cross_entropy(outputs, torch.full((n + 1,), label), reduction="none").max().item()


# shape of an input, length of the segment, intervals of the grid
NETWORKS = {
    "mlp": ((64,), None, 20_000),
    "cnn1d": ((1, 40), None, 20_000),
    "cnn": ((1, 8, 8), None, 20_000),
    "empirical.networks.small:resnet": ((1, 8, 8), 0.5, 2_000),
    "resnet18": ((3, 32, 32), 0.001, 200),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_no_grid_finds_more_and_a_dense_one_as_much(name, generator):
    shape, length, intervals = NETWORKS[name]
    model = models.untrained(name, shape, seed=1)
    vertices = segment(shape, generator, length)
    label = 3
    found = certify(ClassLoss(model, torch.tensor([label])), Path(vertices), exact=True, level=0.1)
    dense = on_a_grid(model, vertices, label, intervals)
    assert found.largest >= dense - 1e-10 and found.largest == pytest.approx(dense, abs=1e-4)
    assert found.exact and found.bound == found.largest and found.evaluations > 2 and found.verdict == "closed"
    assert "exact but for rounding" in str(found)


def test_the_outputs_are_affine_between_kinks(generator):
    """Every layer that is taken: their kinks are all kinks, in order, and nothing bends between them."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.LeakyReLU(0.2),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(6, 6, 3),
        nn.ReLU6(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(6, 4),
    )
    model.train()(torch.randn(50, 3, 8, 8))  # statistics that are not 0 and 1
    model.eval().requires_grad_(False)
    a, c = segment((3, 8, 8), generator)
    t, outputs = exact.Restriction(model).kinks(a, c)
    assert t[0] == 0 and t[-1] == 1 and (t.diff() > 0).all() and len(t) > 50
    middle = (t[1:] + t[:-1]) / 2
    with torch.no_grad():
        there = model.double()(torch.lerp(a[None], c[None], middle.view(-1, 1, 1, 1)))
        at_kinks = model(torch.lerp(a[None], c[None], t.view(-1, 1, 1, 1)))
    torch.testing.assert_close(outputs, at_kinks, rtol=0, atol=1e-10)
    torch.testing.assert_close((outputs[1:] + outputs[:-1]) / 2, there, rtol=0, atol=1e-10)


def test_a_block_that_is_cut_gives_the_same(generator, monkeypatch):
    model = models.untrained("cnn", (1, 8, 8), seed=1)
    a, c = segment((1, 8, 8), generator)
    t, outputs = exact.Restriction(model).kinks(a, c)
    monkeypatch.setattr(exact, "BLOCK", 20_000)
    t_cut, outputs_cut = exact.Restriction(model).kinks(a, c)
    torch.testing.assert_close(t_cut, t, rtol=0, atol=1e-12)
    torch.testing.assert_close(outputs_cut, outputs, rtol=0, atol=1e-9)


def spike(at, width):
    """A network whose loss of class 0 is small but for a spike: relu of a hat of height 1 at x = at."""
    hat = nn.Linear(1, 3)
    hat.weight.data = torch.full((3, 1), 1 / width)
    hat.bias.data = torch.tensor([-(at - width) / width, -at / width, -(at + width) / width])
    out = nn.Linear(3, 2)
    out.weight.data = torch.tensor([[0.0, 0.0, 0.0], [20.0, -40.0, 20.0]])
    out.bias.data = torch.tensor([10.0, 0.0])
    return nn.Sequential(hat, nn.ReLU(), out).double().eval()


def test_a_spike_that_every_grid_misses_is_found():
    """Of width 2e-5, between the points of 1/1024 and of 1/1000: 10 nats high."""
    vertices = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    objective = ClassLoss(spike(0.3141, 1e-5), torch.tensor([0]))
    seen = certify(objective, Path(vertices), level=1e-3)
    found = certify(objective, Path(vertices), level=1e-3, exact=True)
    assert seen.verdict == "open"  # by slopes, wrongly
    assert found.verdict == "closed" and found.at == pytest.approx(0.3141, abs=1e-9)
    assert found.largest == pytest.approx(10, abs=1e-3)


def test_pairs_and_segments_are_told_apart(generator):
    """Pair 1 of the objective, counted anew by OfPairs; the top lies on the second segment."""
    model = models.untrained("mlp", (8,), n_classes=4, seed=1)
    vertices = torch.randn(4, 8, generator=generator)
    objective = OfPairs(ClassLoss(model, torch.tensor([0, 2])), torch.tensor([1]))
    found = exact.largest(objective, vertices, 0)
    by_segment = [on_a_grid(model, pair.double(), 2, 5000) for pair in zip_of(vertices)]
    assert found.largest == pytest.approx(max(by_segment), abs=1e-4)
    assert by_segment[min(int(found.at), 2)] == pytest.approx(max(by_segment), abs=1e-4)


def zip_of(vertices):
    return [vertices[i : i + 2] for i in range(len(vertices) - 1)]


def test_behind_a_normalisation(generator):
    network = models.untrained("cnn", (1, 8, 8), seed=1)
    model = models.with_normalisation(network, Normalisation((0.4,), (0.25,)))
    vertices = torch.rand(2, 1, 8, 8, generator=generator, dtype=torch.float64)
    found = exact.largest(ClassLoss(model, torch.tensor([1])), vertices, 0)
    assert found.largest == pytest.approx(on_a_grid(network, (vertices - 0.4) / 0.25, 1, 5000), abs=1e-4)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Linear(3, 3), nn.GELU(), nn.Linear(3, 2)), "got the layer 1, GELU; it takes affine layers"),
        (nn.Sequential(nn.Linear(3, 2), nn.Softmax(1)), "got the layer 1, Softmax"),
    ],
)
def test_other_networks_are_refused_by_their_layer(model, message):
    with pytest.raises(ValueError, match=message):
        certify(ClassLoss(model.eval(), torch.tensor([0])), Path(torch.randn(2, 3)), exact=True)


def test_networks_that_cannot_be_traced_and_other_objectives_are_refused():
    class Branches(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(ValueError, match=r"needs a network that torch\.fx can trace"):
        certify(ClassLoss(Branches().eval(), torch.tensor([0])), Path(torch.randn(2, 3)), exact=True)
    with pytest.raises(ValueError, match="for the class loss of a network, got Field"):
        certify(Field(lambda x: x[:, 0]), Path(torch.randn(2, 3)), exact=True)
