"""Landscapes on another device: everything that is evaluated goes there; the walk is the same within rounding."""

import numpy as np
import pytest
import torch

from empirical.experiments.phase import finder
from empirical.experiments.phase.measure import Case as Cell
from empirical.experiments.phase.measure import Plan, row
from empirical.experiments.rounds import measure
from empirical.experiments.rounds.landscapes import GaussianField, RandomNetwork, TrainedNetwork
from empirical.experiments.rounds.network_fields import NetworkField
from empirical.losses import objectives
from percolation.seeds import sequence

LANDSCAPES = [
    GaussianField(6, 10.0),
    RandomNetwork("mlp", 12, sphere=True),
    NetworkField("tanh", 3, depth=2, sphere=True),
    TrainedNetwork("cnn1d", "mnist1d"),
]
NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
NOWHERE = torch.device("meta")  # tensors without numbers: what is left behind is seen without a graphics card


def places(what):
    """The devices of all tensors in an objective or a part of one."""
    if isinstance(what, torch.Tensor):
        return {what.device.type}
    if isinstance(what, torch.nn.Module):
        return {one.device.type for one in (*what.parameters(), *what.buffers())}
    parts = what if isinstance(what, list | tuple) else vars(what).values() if hasattr(what, "__dict__") else ()
    return set().union(*(places(part) for part in parts)) if parts else set()


@pytest.mark.parametrize("landscape", LANDSCAPES, ids=lambda one: type(one).__name__)
def test_all_of_a_landscape_moves_and_the_original_stays(landscape):
    for drawn in landscape.draw(4, 2, sequence(1)):
        there = drawn.to(NOWHERE)
        assert places(there.objective) == {there.a.device.type} == {there.c.device.type} == {"meta"}
        assert places(drawn.objective) == {drawn.a.device.type} == {"cpu"}
        assert drawn.to(torch.device("cpu")).a is drawn.a


@pytest.mark.parametrize("source", [finder.Smooth(4.0), finder.Network()], ids=lambda one: type(one).__name__)
def test_all_of_a_phase_moves(source):
    pairs = [finder.draw_pair(source, 3, 2, np.random.default_rng(seed)) for seed in range(3)]
    margins = finder.margins([pair for pair in pairs if pair is not None])
    assert places(margins) == {"cpu"}
    assert places(objectives.moved(margins, NOWHERE)) == {"meta"}


@pytest.mark.gpu
@NEEDS_CUDA
@pytest.mark.parametrize("landscape", LANDSCAPES, ids=lambda one: type(one).__name__)
def test_a_walk_on_a_graphics_card(landscape):
    case = measure.Case(landscape, 6)
    one, two = (measure.walk(case, seed=1, device=device).row for device in ("cpu", "cuda"))
    assert one["pairs"] == two["pairs"]
    assert one["measured_rounds"] == pytest.approx(two["measured_rounds"], abs=1)


@pytest.mark.gpu
@NEEDS_CUDA
@pytest.mark.parametrize("field", ["smooth", "network"])
def test_a_phase_on_a_graphics_card(field):
    plan = Plan((3,), (2,), (field,), pairs=6, quick=True)
    one, two = (row(Cell(field, 3, 2), plan, 1, device) for device in ("cpu", "cuda"))
    assert one["pairs"] == two["pairs"]
    assert abs(one["found"] - two["found"]) <= 0.5
