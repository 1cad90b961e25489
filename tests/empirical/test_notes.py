"""Every command that takes a network of the user's says how it was taken, and keeps that in run.json."""

import json

import pytest

SOFTMAX = """
import math
from torch import nn


def factory(shape, n_classes):
    layers = nn.Flatten(), nn.Linear(math.prod(shape), 64), nn.ReLU(), nn.Linear(64, n_classes), nn.Softmax(1)
    return nn.Sequential(*layers).eval()
"""
SAID = "network: it ends in a softmax; the logs of its probabilities are taken as logits"
COMMANDS = {
    "rounds": "--data none --dim 10 --pairs 3",
    "training": "--data digits --dim 16 --epochs 1 --pairs 2 --checkpoints 2 --max-rounds 1 --workers 1",
    "detect": "--data digits --epochs 3 --images 40 --attacks fgsm --detectors curve --no-adaptive --workers 1",
    "manifold": "--data none --dim 10 --modes 3 --side 3",
    "connect": "--data none --training untrained --pair class-optimal --dim 10 --pairs 2 --no-theory",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_how_a_network_was_taken(percolation, tmp_path, monkeypatch, command):
    (tmp_path / "of_a_user.py").write_text(SOFTMAX)
    monkeypatch.syspath_prepend(tmp_path)
    code, output, error = percolation(
        command, "--network", "of_a_user:factory", *COMMANDS[command].split(), "--out", tmp_path / "out"
    )
    assert code == 0, error
    assert output.count(SAID) == 1
    (note,) = json.loads((tmp_path / "out" / "run.json").read_text())["notes"]
    assert note.startswith(SAID)
