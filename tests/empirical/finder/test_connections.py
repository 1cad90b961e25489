"""Connections keep their history and come back from their file bit for bit."""

import json

import numpy as np
import pytest
import torch

from empirical.descent.rows import Descent
from empirical.finder import connections
from empirical.finder.find import Finder, find_paths
from empirical.losses.objectives import Field
from tests.empirical.fields import LEFT, RIGHT, ridge_with_pass


@pytest.fixture(scope="module")
def found():
    finder = Finder(level=0.11, descent=Descent(lr=0.02, stop=0.1, projected=True))
    a, c = (torch.tensor([end, end], dtype=torch.float64) for end in (LEFT, RIGHT))
    c[1] = a[1] + 0.1  # a pair whose straight line is open
    return find_paths(Field(ridge_with_pass(0.05)), a, c, finder)


def test_history_grows_from_the_straight_line_to_the_path(found):
    first = found[0]
    assert first.connected and first.rounds >= 1 and len(first.barriers) == len(first.history)
    assert torch.equal(first.history[0].vertices, first.path.vertices[[0, -1]])
    assert torch.equal(first.history[-1].vertices, first.path.vertices)
    assert (first.born[0], first.born[-1]) == (0, 0) and max(first.born) == first.rounds
    assert repr(found) == "Connections(2 connected)" and len(found[:1]) == 1


def test_saved_and_loaded_bit_for_bit(found, tmp_path):
    paths = found.save(tmp_path / "paths.v1.npz", {"seed": 3})
    assert sorted(path.name for path in paths) == ["paths.v1.json", "paths.v1.npz"]
    again = connections.load(tmp_path / "paths.v1")
    assert json.loads((tmp_path / "paths.v1.json").read_text())["record"] == {"seed": 3}
    assert again.cost == found.cost
    for one, other in zip(found, again, strict=True):
        assert torch.equal(one.path.vertices, other.path.vertices)
        assert (one.status, one.born, one.barriers, one.end_losses, one.steps) == (
            (other.status, other.born, other.barriers, other.end_losses, other.steps)
        )
        np.testing.assert_equal(one.displacement, other.displacement)


def test_files_that_are_missing_or_damaged(found, tmp_path):
    with pytest.raises(FileNotFoundError, match="expected nothing.npz and nothing.json side by side"):
        connections.load(tmp_path / "nothing")
    found.save(tmp_path / "kept")
    whole = (tmp_path / "kept.npz").read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"\x80\x04N."):
        (tmp_path / "kept.npz").write_bytes(damaged)
        with pytest.raises(ValueError, match="hold no connections that can be read"):
            connections.load(tmp_path / "kept")
    (tmp_path / "kept.npz").write_bytes(whole)
    (tmp_path / "kept.json").write_text('{"format": 99}')
    with pytest.raises(ValueError, match="written as format 99, this version reads 1"):
        connections.load(tmp_path / "kept")
