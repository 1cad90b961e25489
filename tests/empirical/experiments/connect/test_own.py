"""`empirical.connect`: paths between inputs of one's own network in one call."""

import numpy as np
import pytest
import torch
from torch import nn

import empirical
from empirical.data.tensors import IMAGENET, Normalisation
from empirical.experiments.connect.own import usual_normalisation
from empirical.finder.find import find_paths
from empirical.losses.objectives import ClassLoss, losses
from empirical.networks import models


@pytest.fixture
def found(cnn1d, low_pairs):
    return empirical.connect(cnn1d, *low_pairs(3))


def test_the_paths_are_those_of_the_finder(found, cnn1d, low_pairs):
    a, c, labels = low_pairs(3)
    expected = find_paths(ClassLoss(cnn1d, labels), a, c)
    assert [one.status for one in found] == [one.status for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one.path.vertices, other.path.vertices)


def test_what_a_result_shows(found):
    """A repr of one line, a table of a row a pair, curves from end to end, and a figure."""
    for one in (found, found[0], found[0].path, found.connections):
        assert "\n" not in repr(one) and len(repr(one)) < 120 and "tensor" not in repr(one)
    table = found.table()
    assert table["pair"].tolist() == [0, 1, 2] and table["status"].tolist() == [one.status for one in found]
    curves = found.curves(100)
    assert curves.groupby("pair")["round"].max().tolist() == table["rounds"].tolist()
    for pair, line in curves[curves["round"] == 0].groupby("pair"):
        row = table.loc[pair]
        assert (line["share"].iloc[0], line["share"].iloc[-1]) == (0, 1)
        assert line["loss"].iloc[0] == pytest.approx(row["loss_a"], abs=1e-6)
        assert line["loss"].iloc[-1] == pytest.approx(row["loss_c"], abs=1e-6)
        assert line["loss"].max() <= row["barrier"] * 1.05 + 1e-6  # seen on a coarser grid
    ax = found.plot()
    assert len(ax.lines) == 2 * len(found) + 1 and ax.get_yscale() == "log"


def test_one_input_and_one_label_as_users_have_them(cnn1d, low_pairs):
    """(channels, length) without a batch, float64 arrays, an integer; the label is what the network sees."""
    a, c, labels = low_pairs(1)
    expected = empirical.connect(cnn1d, a, c, labels)
    arrays = a[0].double().numpy(), c[0].double().numpy()
    for found in (
        empirical.connect(cnn1d, *arrays, labels.item()),
        empirical.connect(cnn1d, a[0], c[0], [labels.item()]),
        empirical.connect(cnn1d, a, c),
    ):
        assert torch.equal(found[0].path.vertices, expected[0].path.vertices)
    assert "a: float64, made float32 as the network" in empirical.connect(cnn1d, *arrays).notes


def pictures_network():
    """A network of pictures, 3 x 8 x 8."""
    return models.untrained("cnn", (3, 8, 8), 4, seed=3)


def lowered_pictures(model, n=2, unlike=None):
    """Pictures of the class that the network sees in them, and another does not, as near to 0 loss as they come."""
    x = torch.rand(400, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    if unlike is not None:
        x = x[model(x).argmax(1) != unlike(x).argmax(1)]
    labels = model(x).argmax(1)
    label = int(labels.bincount().argmax())
    x = x[labels == label]
    best = losses(ClassLoss(model, torch.full((len(x),), label)), x).argsort()[: 2 * n]
    return x[best[:n]], x[best[n:]], label


def test_pictures_have_bounds_and_a_normalisation():
    own = Normalisation((0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
    network = pictures_network()
    behind = models.with_normalisation(network, own)
    a, c, label = lowered_pictures(behind)
    found = empirical.connect(network, a, c, label, level=0.2, normalisation=(own.mean, own.std))
    assert found.finder.descent.bounds == (0, 1) and found.finder.descent.lr == pytest.approx(0.05 * 0.25)
    for one in found:
        assert one.connected and 0 <= one.path.vertices.min() and one.path.vertices.max() <= 1
        assert losses(ClassLoss(behind, torch.full((one.path.n_segments + 1,), label)), one.path.vertices).max() <= 0.2
    assert any(note.startswith("a: ") and "moved downhill to 0.0005, by at most" in note for note in found.notes)
    again = empirical.connect(behind, a, c, label, level=0.2)  # the normalisation is seen
    assert torch.equal(again[0].path.vertices, found[0].path.vertices)


def test_uint8_pictures_with_their_channels_last():
    network = pictures_network()
    a, c, label = lowered_pictures(network)
    pixels = [(255 * x).round().to(torch.uint8).permute(0, 2, 3, 1).numpy() for x in (a, c)]
    found = empirical.connect(network, *pixels, label, level=0.2, lower_ends=False)
    assert found[0].path.vertices.shape[1:] == (3, 8, 8) and found[0].path.vertices.max() <= 1
    assert found.notes[:2] == ("a: uint8, divided by 255", "a: channels stood last, put first: (2, 3, 8, 8)")
    assert "bounds: [0, 1], where all points lie" in found.notes


def test_the_normalisation_is_that_of_the_network():
    """timm's configuration, torchvision's ImageNet; taken only where the loss is lower with it."""
    resnet = models.untrained("resnet18", (3, 32, 32), 10, seed=0)
    assert usual_normalisation(resnet) == IMAGENET and usual_normalisation(pictures_network()) is None
    own = Normalisation((0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
    network = pictures_network()
    behind = models.with_normalisation(network, own)
    a, c, label = lowered_pictures(behind)
    network.pretrained_cfg = {"mean": own.mean, "std": own.std}
    found = empirical.connect(network, a, c, label, level=0.2)
    assert any(note.startswith("normalisation: mean (0.4, 0.5, 0.6)") for note in found.notes)
    assert found.objective.model.normalisation == own
    a, c, label = lowered_pictures(network, unlike=behind)
    found = empirical.connect(network, a, c, label, level=0.2)
    assert any(note.startswith("normalisation: none; with mean (0.4") for note in found.notes)


def test_steps_are_scaled_to_the_points(cnn1d, low_pairs):
    """A network of numbers a hundred times as large; its path is that of the numbers themselves."""

    class Hundredth(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = cnn1d

        def forward(self, x):
            return self.network(x / 100)

    a, c, labels = low_pairs(2)
    spread = torch.cat([a, c]).std().item()
    found = empirical.connect(Hundredth().eval(), 100 * a, 100 * c, labels)
    assert f"steps: scaled by {100 * spread:.3g}, the standard deviation of the points" in found.notes
    assert found.finder.descent.lr == pytest.approx(5 * spread) and all(one.connected for one in found)


def test_ends_that_the_network_does_not_know_stay_closed(cnn1d, low_pairs):
    a, c, labels = low_pairs(2)
    found = empirical.connect(cnn1d, a, c, (labels + 1) % 10)
    assert [one.status for one in found] == ["closed end"] * 2
    assert any(note.startswith("a: the network does not know [0, 1]: loss ") for note in found.notes)
    assert len(found.table()) == 2 and "0 of 2 connected;" in repr(found) and len(found.curves()) > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"c": lambda c: c[:1]}, r"a and c must have one shape, got \(2, 1, 40\) and \(1, 1, 40\)"),
        ({"label": lambda labels: [3]}, r"label must be \(2,\), one class for each point, got \(1,\)"),
        ({"a": lambda a: a[:, :, :7]}, "a and c must have one shape"),
        ({"a": lambda a: a * float("nan")}, "a holds NaN or infinite values at index 0"),
        ({"a": lambda a: np.ones((2, 1, 40), dtype=np.int64)}, "a must hold floating numbers, or uint8 pictures"),
        ({"level": lambda level: 0.0}, "level must be a finite number above 0"),
        ({"normalisation": lambda none: ((0.5,), (0.0,))}, "std must be a finite number above 0"),
        ({"preset": lambda preset: "quick"}, "unknown preset 'quick'"),
    ],
)
def test_bad_input(cnn1d, low_pairs, change, message):
    a, c, labels = low_pairs(2)
    arguments = {"a": a, "c": c, "label": labels, "level": 1e-3, "normalisation": None, "preset": "default"}
    arguments |= {name: function(arguments[name]) for name, function in change.items()}
    with pytest.raises(ValueError, match=message):
        empirical.connect(cnn1d, arguments.pop("a"), arguments.pop("c"), arguments.pop("label"), **arguments)


def test_the_top_of_the_package_offers_no_more_than_it_has():
    with pytest.raises(AttributeError, match="module 'empirical' has no attribute 'conect'"):
        _ = empirical.conect
