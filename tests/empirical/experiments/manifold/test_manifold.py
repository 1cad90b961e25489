"""Everything about one class of one network, its figures, and the command."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from empirical import manifolds
from empirical.ends.subject import build
from empirical.ends.wanted import NoPairs
from empirical.experiments.manifold import command
from empirical.experiments.manifold.figure import interpretation_figure, path_figure, sheet_figure
from empirical.experiments.manifold.measure import Explored, Look, Plan, explore, measure
from empirical.networks import models
from tests.empirical.manifolds.known import QUICK, Halves


@pytest.fixture(scope="module")
def found():
    return explore(Plan("cnn", "digits", 3, n_modes=4, side=4, walked=5, finder=QUICK), seed=0)


def test_what_is_explored(found):
    row = found.row
    assert (row["modes"], row["pairs"], row["dimension"], row["class"]) == (4, 6, 64, 3)
    assert row["connected"] == 1 and row["components"] == 1 and found.sheet is not None and found.walk is not None
    assert found.walk.shape == (5, 1, 8, 8) and found.walk_losses.max() <= 1.05e-3
    assert row["sheet_open"] >= row["sheet_open_flat"] and row["directions_rank"] <= 9
    again = explore(found.plan, seed=0)
    assert again.row == row and torch.equal(again.modes.points, found.modes.points)


def test_a_network_of_ones_own(found):
    """By the same door as connect; what is found is that of the network by its name."""
    model, _, space = build(found.plan.subject, seed=0)
    look = Look(network="mine", label=3, n_modes=4, side=4, walked=5, finder=QUICK)
    own = measure(model, space, look, seed=0)
    assert torch.equal(own.modes.points, found.modes.points)
    assert own.row == found.row | {"network": "mine", "data": "own"}
    assert len(sheet_figure([own]).axes) == len(sheet_figure([found]).axes)
    with pytest.raises(ValueError, match="class must lie in 0..9, the network's, got 10"):
        measure(model, space, replace(look, label=10), seed=0)


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
        ({"noise": 0.0}, "noise must lie above 0 and be at most"),
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
