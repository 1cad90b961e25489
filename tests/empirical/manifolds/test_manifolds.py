"""The class-optimal set: graph, walks, sheets, spread and dimension, on sets that are known; and the command."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from empirical import manifolds
from empirical.descent.rows import Descent
from empirical.ends.wanted import NoPairs
from empirical.experiments.manifold import command
from empirical.experiments.manifold.figure import interpretation_figure, path_figure, sheet_figure
from empirical.experiments.manifold.measure import Explored, Plan, explore
from empirical.finder.paths import Path
from empirical.finder.settings import Finder
from empirical.losses.objectives import Field
from empirical.networks import models, small

QUICK = Finder(coarse=8, dense=16, recheck=32, descent=Descent(lr=0.2, iterations=256, log=True, patience=64))


class Ring(nn.Module):
    """Class 0 has its low losses on a ring of radius 1 in the first two coordinates: logits (0, 40 (r - 1)^2 - 8)."""

    def forward(self, x):
        height = 40 * (x[:, :2].norm(dim=1) - 1) ** 2 - 8
        return torch.stack([torch.zeros_like(height), height], dim=1)


class Halves(nn.Module):
    """Class 0 is open where |x_0| > 1; between lies a wall that no path can cross."""

    def forward(self, x):
        return torch.stack([torch.zeros(len(x)), 10 * (1 - x[:, 0].abs()) - 8], dim=1)


@pytest.fixture(scope="module")
def found():
    return explore(Plan("cnn", "digits", 3, n_modes=4, side=4, walked=5, finder=QUICK), seed=0)


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


@pytest.mark.parametrize("n", [1, 2, 7])
def test_the_lattice_of_a_triangle(n):
    weights, triangles = manifolds.triangle(n)
    assert weights.shape == ((n + 1) * (n + 2) // 2, 3) and triangles.shape == (n * n, 3)
    np.testing.assert_allclose(weights.sum(1), 1)
    assert (weights >= -1e-12).all()
    corners = weights[triangles]  # all small triangles have the same area and cover the large one
    area = np.abs(np.linalg.det(corners))
    np.testing.assert_allclose(area, 1 / n**2)


def test_a_sheet_is_relaxed_onto_a_cylinder():
    """Three modes on a cylinder: the flat triangle cuts through it, the relaxed one lies on it, its corners stay."""
    angles = torch.tensor([0.0, 0.8, 1.6])
    corners = torch.stack([angles.cos(), angles.sin(), torch.tensor([0.0, 1.0, 0.0])], dim=1)

    def distance(x):
        return 10 * (x[:, :2].norm(dim=1) - 1) ** 2

    rule = Descent("steepest", lr=0.5, iterations=200, stop=1e-4)
    sheet = manifolds.sheet(Field(distance), corners, rule, n=12)
    assert sheet.loss_flat.max() > 0.1 and sheet.loss_relaxed.max() <= 1e-4
    assert sheet.open_share(1e-3, relaxed=False) < 0.5 < 0.99 < sheet.open_share(1e-3, relaxed=True)
    for k in range(3):
        (tip,) = (sheet.weights[:, k] == 1).nonzero()[0]
        assert torch.equal(sheet.relaxed[tip], corners[k]) and sheet.displacement[tip] == 0
    # radial moves: the height stays what it was, and neighbours stay neighbours
    np.testing.assert_allclose(sheet.relaxed[:, 2], sheet.flat[:, 2], atol=1e-6)
    steepest = np.cos(0.8)  # of the chord of 1.6 radians against the cylinder, at its ends
    assert 0.95 * steepest < sheet.stretch.min() and sheet.stretch.max() < 1.05 / steepest
    sides = [np.linalg.norm(sheet.plane[i] - sheet.plane[j]) for i, j in ((0, 12), (12, 90), (90, 0))]
    straight = [(sheet.flat[i] - sheet.flat[j]).norm().item() for i, j in ((0, 12), (12, 90), (90, 0))]
    np.testing.assert_allclose(sides, straight, rtol=1e-5)
    with pytest.raises(ValueError, match="three modes, got 2"):
        manifolds.sheet(Field(distance), corners[:2], rule)


def test_the_dimension_of_known_clouds(generator):
    """A disc of 2 dimensions in 20 has ratio 2; an isotropic cloud of 20 has the ratio that its few points allow."""
    flat = torch.zeros(400, 20)
    flat[:, :2] = torch.randn(400, 2, generator=generator)
    disc = manifolds.cloud(flat, neighbours=400)
    assert disc.ratio == pytest.approx(2, abs=0.1) and disc.components == 2
    isotropic = manifolds.cloud(torch.randn(400, 20, generator=generator), neighbours=400)
    assert isotropic.ratio == pytest.approx(isotropic.isotropic, rel=0.02) and isotropic.components == 19
    few = torch.randn(400, 8, 20, generator=generator)
    variances = torch.linalg.svdvals(few - few.mean(1, keepdim=True)) ** 2
    ratio = (variances.sum(1) ** 2).mean() / (variances**2).sum(1).mean()  # of means, error 1 %
    assert ratio.item() == pytest.approx(manifolds.isotropic_ratio(8, 20), rel=0.05)
    assert manifolds.cloud(torch.ones(5, 3)).ratio == 0 and np.isnan(manifolds.cloud(torch.ones(2, 3)).ratio)


def test_spread(generator):
    assert manifolds.spread(torch.randn(50, 2000, generator=generator)) == pytest.approx(2**0.5, rel=0.01)
    assert manifolds.spread(torch.ones(5, 4)) == 0 and np.isnan(manifolds.spread(torch.ones(1, 4)))


def test_the_directions_of_a_linear_network(generator):
    """Logits W x of four classes: the Jacobian has rank 3, and no null direction changes the loss, however long."""
    weights = torch.randn(4, 30, generator=generator)
    model = nn.Linear(30, 4, bias=False).eval()
    model.weight = nn.Parameter(weights, requires_grad=False)
    mode = 20 * torch.linalg.pinv(weights)[:, 1]  # logits (0, 20, 0, 0)
    found = manifolds.open_directions(model, mode, 1, level=1e-3, step=100.0, generator=generator)
    assert (found.rank, found.tried, found.open, found.open_across) == (3, 27, 1.0, 0.0)
    near = manifolds.open_directions(model, mode, 1, level=1e-3, step=1e-3, generator=generator)
    assert near.open_across == 1.0


@pytest.mark.parametrize("build", [small.resnet, small.vit])
def test_the_small_networks(build):
    model = build((3, 8, 8), 5).eval()
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert model(x).shape == (2, 5)
    assert torch.allclose(model(x)[:1], model(x[:1]), atol=1e-5)  # no input sees another
    with pytest.raises(ValueError, match="takes images"):
        build((40,), 5)


def test_a_small_vit_takes_even_sides():
    with pytest.raises(ValueError, match="even sides"):
        small.vit((1, 7, 7), 10)


def test_what_is_explored(found):
    row = found.row
    assert (row["modes"], row["pairs"], row["dimension"], row["class"]) == (4, 6, 64, 3)
    assert row["connected"] == 1 and row["components"] == 1 and found.sheet is not None and found.walk is not None
    assert found.walk.shape == (5, 1, 8, 8) and found.walk_losses.max() <= 1.05e-3
    assert row["sheet_open"] >= row["sheet_open_flat"] and row["directions_rank"] <= 9
    again = explore(found.plan, seed=0)
    assert again.row == row and torch.equal(again.modes.points, found.modes.points)


def test_the_figures_of_what_is_explored(found):
    assert len(path_figure([found, found]).axes) == 2 * 6
    figure = sheet_figure([found])
    assert [ax.get_title(loc="left") for ax in figure.axes[:2]] == ["flat sheet", "relaxed sheet"]
    vertices = found.arrays()["vertices"]
    shown = interpretation_figure(found, vertices, {"gradient": vertices})
    titles = [ax.get_title() for ax in shown.axes[: len(vertices)]]
    assert titles[0] == "A" and titles[-1] == "C"


def test_figures_where_nothing_is_connected(found):
    graph = manifolds.mode_graph(Halves().eval(), torch.tensor([[-2.0, 0], [2.0, 0]]), 0, QUICK)
    lonely = Explored(
        found.plan, found.model, found.modes, graph, None, np.zeros(0), None, found.cloud, found.directions, found.row
    )
    assert "no two modes" in path_figure([lonely]).texts[0].get_text()
    assert sheet_figure([lonely]).axes[3].get_xlabel() == "0% connected"
    assert "walk" not in lonely.arrays() and "sheet_flat" not in lonely.arrays()


def test_files_of_the_command(tmp_path, capsys):
    chosen = {"network": "cnn,mlp", "label": 3, "n_modes": 3, "side": 3, "out": tmp_path}
    command.manifold(**_usual(**chosen))
    printed = capsys.readouterr().out
    assert "Class-optimal inputs and the graph between them" in printed
    names = ["cnn.npz", "mlp.npz", "pairs.csv", "run.json", "table.csv"]
    for figure in ("path", "sheet", "interpretation_cnn", "interpretation_mlp"):
        names += [f"{figure}.pdf", f"{figure}.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    table = pd.read_csv(tmp_path / "table.csv")
    assert table["network"].tolist() == ["cnn", "mlp"] and (table["modes"] == 3).all()
    assert json.loads((tmp_path / "run.json").read_text())["parameters"]["plans"][0]["label"] == 3
    with np.load(tmp_path / "cnn.npz", allow_pickle=False) as arrays:
        assert arrays["modes"].shape == (3, 1, 8, 8) and arrays["sheet_relaxed"].shape == (10, 1, 8, 8)
        assert arrays["saliency_gradient"].shape == arrays["vertices"].shape


def test_a_class_without_modes(monkeypatch):
    """A network to which no input is of class 1: the error says how many were tried."""

    class Never(nn.Module):
        def forward(self, x):
            return torch.stack([x.flatten(1).sum(1) * 0, x.flatten(1).sum(1) * 0 - 9], dim=1)

    monkeypatch.setattr(models, "untrained", lambda *arguments, **options: Never().eval())
    with pytest.raises(NoPairs, match="0 of 3 class-optimal inputs of class 1 in untrained mlp came to stop=0.0005"):
        explore(Plan("mlp", "none", 1, "untrained", 8, n_modes=3, finder=QUICK), seed=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": 10}, "class must lie in 0..9"),
        ({"label": -1}, "class must be at least 0"),
        ({"n_modes": 1}, "modes must be at least 2"),
        ({"side": 1}, "side must be at least 2"),
        ({"noise": 0.0}, "noise must be a finite number above 0"),
        ({"network": "rezlet"}, "did you mean 'resnet'"),
        ({"saliency": "gradent"}, "did you mean 'gradient'"),
        ({"data": "digit"}, "did you mean 'digits'"),
        ({"level": 1e-4}, "the level must lie above"),
    ],
)
def test_bad_input(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        command.manifold(**_usual(**({"out": tmp_path} | options)))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("network", ["mlp", "cnn", "resnet", "vit"])
def test_every_architecture(network):
    """Trained on digits: all modes of a class are connected, and the sheet between three can be moved into the open."""
    row = explore(Plan(network, "digits", 3, n_modes=8, side=8), seed=0).row
    assert row["connected"] == 1 and row["components"] == 1 and row["sheet_open"] > 0.99


def _usual(**changes):
    """The command's defaults, as typer fills them in."""
    usual = {"network": "cnn", "data": "digits", "label": 0, "weights": "random", "untrained": False, "n_modes": 4}
    usual |= {"noise": 1.0, "side": 4, "saliency": "gradient", "dim": None, "level": 1e-3, "stop": 5e-4}
    return usual | {"seed": 0, "workers": 1, "device": "cpu"} | changes
