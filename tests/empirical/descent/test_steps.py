"""Steepest descent: straight down to stop where the loss is linear, never up, and honest about local minima."""

import pytest
import torch
from torch import nn

from empirical.descent.rows import Descent, descend
from empirical.losses.objectives import ClassLoss, Field

STEEPEST = Descent(steps="steepest", lr=1.0, iterations=100, stop=0.5)
FIRST = torch.zeros(1, dtype=torch.long)


def test_a_linear_loss_is_brought_to_stop_in_one_step():
    """The distance is (L - stop) / |gradient|, one per cent more."""
    slope = torch.tensor([3.0, 4.0], dtype=torch.float64)
    start = torch.tensor([[0.3, 0.4]], dtype=torch.float64)
    found = descend(Field(lambda x: x @ slope), start, FIRST, STEEPEST)
    assert found.steps.tolist() == [1] and found.reached.all()
    assert (found.points - start).norm().item() == pytest.approx(1.01 * (2.5 - 0.5) / 5, rel=1e-12)


def test_no_step_is_longer_than_lr():
    found = descend(Field(lambda x: x[:, 0] - 100), torch.tensor([[110.0, 0.0]]), FIRST, STEEPEST)
    assert found.steps.tolist() == [10] and found.points[0, 0].item() == pytest.approx(100.405, abs=0.1)


@pytest.mark.parametrize("stop", [1e-3, 5e-4, 4.99e-4, 4.5e-4, 3e-4, 1e-4])
def test_a_cross_entropy_in_float32_comes_down_to_any_stop(stop):
    """Whatever of stop its rounding hides, 1e-7: no row is left just above it."""
    generator = torch.Generator().manual_seed(0)
    weights, start = torch.randn(20, 10, generator=generator), torch.randn(100, 20, generator=generator)
    network = nn.Linear(20, 10, bias=False).eval()
    network.weight.data = weights.T
    found = descend(
        ClassLoss(network, torch.arange(100) % 10),
        start,
        torch.arange(100),
        Descent(steps="steepest", lr=2.0, iterations=100, stop=stop),
    )
    assert found.reached.all() and (found.losses > 0.65 * stop).all()


def two_wells(x):
    """Minima 1 at x = -1 and 0 at x = +1, the hill between them at about -0.1."""
    return (x[:, 0] ** 2 - 1) ** 2 + (1 - x[:, 0]) / 2


def test_a_local_minimum_stalls_with_its_loss():
    found = descend(Field(two_wells), torch.tensor([[-0.5, 0.0]], dtype=torch.float64), FIRST, STEEPEST)
    assert not found.reached.any() and found.steps[0] < 100
    assert found.losses.item() == pytest.approx(two_wells(torch.tensor([[-0.936, 0.0]])).item(), abs=1e-3)


def test_restarts_leave_a_local_minimum():
    """Rows that a kick of length 1 can bring over the hill: half of the directions are good ones."""
    start = torch.zeros(40, 2, dtype=torch.float64)
    start[:, 0], start[:, 1] = -0.4, torch.arange(40)
    rule = Descent(steps="steepest", lr=1.0, iterations=100, stop=0.5, restarts=4)
    pairs = torch.arange(40)
    assert not descend(Field(two_wells), start, pairs, STEEPEST).reached.any()
    found = descend(Field(two_wells), start, pairs, rule)
    assert found.reached.sum() > 20
    alone = descend(Field(two_wells), start[7:8], FIRST, rule)
    assert torch.equal(alone.points[0], found.points[7])  # whoever else is in the batch


def test_projected_steps_and_kicks_stay_in_the_hyperplane():
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(20, 5, generator=generator, dtype=torch.float64)
    normals = torch.randn(20, 5, generator=generator, dtype=torch.float64)
    rule = Descent(steps="steepest", lr=0.5, iterations=50, stop=-10.0, projected=True, restarts=2)
    found = descend(Field(lambda x: torch.sin(2 * x).sum(1)), start, torch.arange(20), rule, normals=normals)
    moved = found.points - start
    assert moved.norm(dim=1).min() > 0.01
    assert (moved * normals).sum(1).abs().max() < 1e-12


def test_unknown_steps():
    with pytest.raises(ValueError, match="unknown steps 'stepest'.*did you mean 'steepest'"):
        Descent(steps="stepest")


def test_no_penalties():
    with pytest.raises(ValueError, match="steepest descent takes no penalty, got deviation=1; use adam"):
        Descent(steps="steepest", deviation=1.0)
