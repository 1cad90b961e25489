"""The top of a segment and the peak between its neighbours: exact for a parabola, never lower than what was seen."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from empirical.finder.scans import Lines
from empirical.finder.tops import Tops
from empirical.losses.evaluation import Evaluator
from empirical.losses.objectives import Field

GRID = torch.arange(17, dtype=torch.float64) / 16


def lines(n):
    return Lines(
        torch.tensor([[0.0]]).double().expand(n, 1), torch.tensor([[1.0]]).double().expand(n, 1), torch.zeros(n).long()
    )


def climbed(function):
    """Top of a function of t (m,) on the grid, and after the climb; the places that were looked at."""
    at = []

    def noted(x):
        at.extend(x[:, 0].tolist())
        return function(x[:, 0])

    tops = Tops.of_grid(GRID, function(GRID)[None])
    before, evaluate = tops.loss.item(), Evaluator(Field(noted), torch.zeros(1, 1, dtype=torch.float64))
    at.clear()
    tops.climb(evaluate, lines(1), torch.tensor([0]))
    return before, tops, at


@given(st.floats(0.01, 0.99), st.floats(0.1, 1e4))
def test_the_peak_of_a_parabola_is_exact(top, curvature):
    _, tops, at = climbed(lambda t: 3 - curvature * (t - top) ** 2)
    if 1 / 16 < top < 15 / 16:
        assert at[0] == pytest.approx(top, abs=1e-6)
    assert tops.loss.item() == pytest.approx(3, abs=1e-6 + 1.1 * curvature / 32**2 * (not 1 / 16 < top < 15 / 16))


@given(st.lists(st.floats(0, 10) | st.just(float("inf")), min_size=17, max_size=17))
def test_the_top_never_falls_and_stays_between_its_neighbours(values):
    """Whatever the losses: through them a function that is 0 between the points of the grid."""
    values = torch.tensor(values, dtype=torch.float64)

    def spikes(t):
        k = (16 * t).round().long().clamp(0, 16)
        return torch.where(t == GRID[k], values[k], 0.0)

    before, tops, at = climbed(spikes)
    top = int(values.argmax()) / 16
    assert tops.loss.item() == before and tops.places[0, 1] == top
    assert all(max(top - 1 / 16, 0) <= t <= min(top + 1 / 16, 1) for t in at)


def test_a_kink_is_approached():
    """Where a loss has no second derivative: half an interval away on the grid, a third of one after two looks."""
    for top in torch.linspace(0.1, 0.9, 41).tolist():
        before, tops, _ = climbed(lambda t, top=top: torch.where(t < top, 1 - (top - t), 1 - 3 * (t - top)))
        assert abs(tops.places[0, 1] - top) <= 0.3 / 16 and tops.loss >= before


def test_of_further_losses_the_middle_counts_that_is_highest():
    """Of several of one segment too, and of two that are as high the later place."""
    tops = Tops.of_grid(torch.tensor([0.0, 0.5, 1.0]).double(), torch.tensor([[0.0, 1.0, 0.0], [0.0, 5.0, 0.0]]))
    places = torch.tensor([[0.0, 0.1, 0.2], [0.2, 0.3, 0.4], [0.4, 0.45, 0.5], [0.0, 0.1, 0.2]], dtype=torch.float64)
    losses = torch.tensor([[9.0, 2.0, 9.0], [1.0, 2.0, 3.0], [0.0, 1.5, 0.0], [0.0, 4.0, 0.0]])
    tops.note(torch.tensor([0, 0, 0, 1]), places, losses)
    assert tops.places[0].tolist() == [0.2, 0.3, 0.4] and tops.losses[0].tolist() == [1, 2, 3]
    assert tops.loss.tolist() == [2, 5] and tops.places[1, 1] == 0.5
