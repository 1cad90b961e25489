"""Segments scanned coarse to fine: on the grid asked for, no point twice, closed ones end early."""

import math

import numpy as np
import pytest
import torch

from empirical.finder.scans import Segment, intervals, refinement, scan
from empirical.losses.evaluation import Evaluator
from empirical.losses.objectives import Field


class Seen:
    """A field on the line that remembers where it was asked."""

    def __init__(self, function):
        self.function, self.at = function, []

    def __call__(self, points):
        self.at += points[:, 0].tolist()
        return self.function(points[:, 0])


def scanned(function, wanted, n=1, **options):
    seen = Seen(function)
    line = torch.tensor([0.0, 1.0], dtype=torch.float64)[:, None]
    segments = [Segment(0, line[0], line[1]) for _ in range(n)]
    evaluate = Evaluator(Field(seen), line)
    seen.at.clear()  # the evaluator measures a point
    scan(evaluate, segments, 0.5, 16, [wanted] * n, **options)
    return segments, seen, evaluate


@pytest.mark.parametrize(("coarse", "wanted", "expected"), [(16, 200, 256), (16, 16, 16), (10, 11, 20), (3, 12, 12)])
def test_intervals_are_doubled(coarse, wanted, expected):
    assert intervals(coarse, wanted) == expected
    grid = refinement(coarse, expected)
    assert np.allclose(np.sort(grid), np.arange(1, expected) / expected)
    assert np.array_equal(refinement(coarse, expected)[: coarse - 1], np.arange(1, coarse) / coarse)


def test_an_open_segment_is_seen_on_the_whole_grid_and_nowhere_twice():
    (segment,), seen, evaluate = scanned(lambda t: 0.1 * torch.sin(9 * t), 200)
    assert segment.open and segment.seen == 255
    assert len(seen.at) == len(set(seen.at)) == evaluate.n_forward
    assert set((np.arange(1, 256) / 256).tolist()) <= set(seen.at)
    assert segment.loss == pytest.approx(0.1, abs=1e-6) and 9 * segment.worst == pytest.approx(math.pi / 2, abs=0.01)


def test_a_closed_segment_ends_early_with_its_top():
    (segment,), seen, _ = scanned(lambda t: torch.exp(-((t - 0.4) ** 2) * 50), 4096)
    assert not segment.open and len(seen.at) == 15 + 14
    assert segment.loss == pytest.approx(1, abs=1e-3) and segment.worst == pytest.approx(0.4, abs=0.01)


def test_a_later_scan_goes_on_where_the_first_ended():
    (segment,), seen, evaluate = scanned(lambda t: 0 * t, 64)
    first = len(seen.at)
    scan(evaluate, [segment], 0.5, 16, [512])
    assert segment.seen == 511 and len(set(seen.at)) >= 511
    assert len(seen.at) - first == 511 - 63 + 14


def test_a_narrow_wall_is_found_on_the_level_that_resolves_it():
    where = (2 * 37 + 1) / 128  # first met by the grid of 128 intervals
    (segment,), seen, _ = scanned(lambda t: ((t - where).abs() < 1e-3).double(), 128)
    assert not segment.open and segment.loss == 1 and segment.worst == pytest.approx(where, abs=2e-3)
    (blind,), _, _ = scanned(lambda t: ((t - where).abs() < 1e-3).double(), 64)
    assert blind.open


@pytest.mark.parametrize("wall", [5 / 64, 37 / 128, 1.0])
def test_many_segments_at_once_are_as_each_alone(wall):
    """Also where a grid finds it closed on the way: where the scan ends does not depend on the others."""

    def field(t):
        return torch.sin(30 * t) * 0.4 + ((t - wall).abs() < 1e-3).double() * (1 + t)

    together, _, _ = scanned(field, 200, n=300)
    (alone,), _, _ = scanned(field, 200)
    assert {(one.worst, one.loss, one.seen, one.open) for one in together} == {
        (alone.worst, alone.loss, alone.seen, alone.open)
    }


def test_ranks_come_from_the_lower_precision_and_losses_from_the_full_one():
    """The rank says t = 0.75, where the true field is 0.7: the true top at 0.25 is not looked for, the loss is true."""
    ranked = Evaluator(Field(lambda x: -((x[:, 0] - 0.75) ** 2)), torch.zeros(1, 1, dtype=torch.float64))
    (segment,), _, _ = scanned(lambda t: 0.7 - (t - 0.75).abs(), 64, ranked=ranked)
    assert segment.loss == 0.7 and segment.worst == 0.75 and not segment.open


def test_segments_that_were_seen_more_or_less_before_end_on_the_same_grid():
    (early, late), seen, evaluate = scanned(lambda t: 0 * t, 16, n=2)
    scan(evaluate, [early], 0.5, 16, [64])
    seen.at.clear()
    scan(evaluate, [early, late], 0.5, 16, [256, 256])
    assert early.seen == late.seen == 255
    inside = [t for t in seen.at if round(256 * t) == 256 * t]  # the rest zooms in on the top
    assert sorted(inside) == sorted(
        [k / 256 for k in range(1, 256) if k % 4] + [k / 256 for k in range(1, 256) if k % 16]
    )
