"""Segments scanned coarse to fine: on the grid asked for, no point twice, closed ones end early."""

import math

import numpy as np
import pytest
import torch

from empirical.finder.scans import Lines, Seen, intervals, refinement, scan
from empirical.losses.evaluation import Evaluator
from empirical.losses.objectives import Field


class Asked:
    """A field on the line that remembers where it was asked."""

    def __init__(self, function):
        self.function, self.at = function, []

    def __call__(self, points):
        self.at += points[:, 0].tolist()
        return self.function(points[:, 0])


class Scanned:
    """n segments from 0 to 1 of a field, scanned on `wanted` intervals, and more of them later."""

    def __init__(self, function, wanted, n=1, **options):
        self.field, zeros = Asked(function), torch.zeros(n, 1, dtype=torch.float64)
        self.lines = Lines(zeros, zeros + 1, torch.zeros(n, dtype=torch.long))
        self.seen, self.evaluate = Seen.nothing(n, zeros), Evaluator(Field(self.field), zeros)
        self.field.at.clear()  # the evaluator measures a point
        self.scan([wanted] * n, **options)

    def scan(self, wanted, rows=slice(None), **options):
        rows = torch.arange(len(self.lines))[rows]
        some = self.seen.select(rows)
        scan(self.evaluate, self.lines.select(rows), some, 0.5, 16, torch.tensor(wanted), **options)
        self.seen.put(rows, some)

    @property
    def open(self):
        return self.seen.loss <= 0.5


def only(scanned):
    """Of one segment: whether it is open, its largest loss and where that is, and how many points were asked for."""
    return bool(scanned.open), *(one.item() for one in (scanned.seen.loss, scanned.seen.place, scanned.seen.asked))


@pytest.mark.parametrize(("coarse", "wanted", "expected"), [(16, 200, 256), (16, 16, 16), (10, 11, 20), (3, 12, 12)])
def test_intervals_are_doubled(coarse, wanted, expected):
    assert intervals(coarse, torch.tensor([wanted, 1])).tolist() == [expected, coarse]
    grid = refinement(coarse, expected)
    assert np.allclose(np.sort(grid), np.arange(1, expected) / expected)
    assert np.array_equal(refinement(coarse, expected)[: coarse - 1], np.arange(1, coarse) / coarse)


def test_an_open_segment_is_seen_on_the_whole_grid_and_nowhere_twice():
    scanned = Scanned(lambda t: 0.1 * torch.sin(9 * t), 200)
    opened, loss, place, asked = only(scanned)
    at = scanned.field.at
    assert opened and asked == 255
    assert len(at) == len(set(at)) == scanned.evaluate.n_forward
    assert set((np.arange(1, 256) / 256).tolist()) <= set(at)
    assert loss == pytest.approx(0.1, abs=1e-6) and 9 * place == pytest.approx(math.pi / 2, abs=0.01)


def test_a_closed_segment_ends_early_with_its_top():
    scanned = Scanned(lambda t: torch.exp(-((t - 0.4) ** 2) * 50), 4096)
    opened, loss, place, _ = only(scanned)
    assert not opened and len(scanned.field.at) == 15 + 14
    assert loss == pytest.approx(1, abs=1e-3) and place == pytest.approx(0.4, abs=0.01)


def test_a_later_scan_goes_on_where_the_first_ended():
    scanned = Scanned(lambda t: 0 * t, 64)
    at = scanned.field.at
    first = len(at)
    scanned.scan([512])
    assert only(scanned)[3] == 511 and len(set(at)) >= 511
    assert len(at) - first == 511 - 63 + 14


def test_a_narrow_wall_is_found_on_the_level_that_resolves_it():
    where = (2 * 37 + 1) / 128  # first met by the grid of 128 intervals
    opened, loss, place, _ = only(Scanned(lambda t: ((t - where).abs() < 1e-3).double(), 128))
    assert not opened and loss == 1 and place == pytest.approx(where, abs=2e-3)
    assert Scanned(lambda t: ((t - where).abs() < 1e-3).double(), 64).open  # which is blind to it


@pytest.mark.parametrize("wall", [5 / 64, 37 / 128, 1.0])
def test_many_segments_at_once_are_as_each_alone(wall):
    """Also where a grid finds it closed on the way: where the scan ends does not depend on the others."""

    def field(t):
        return torch.sin(30 * t) * 0.4 + ((t - wall).abs() < 1e-3).double() * (1 + t)

    together, alone = Scanned(field, 200, n=300).seen, Scanned(field, 200).seen
    for name in ("loss", "place", "asked"):
        assert torch.equal(getattr(together, name), getattr(alone, name).expand(300))


def test_ranks_come_from_the_lower_precision_and_losses_from_the_full_one():
    """The rank says t = 0.75, where the true field is 0.7: the true top at 0.25 is not looked for, the loss is true."""
    ranked = Evaluator(Field(lambda x: -((x[:, 0] - 0.75) ** 2)), torch.zeros(1, 1, dtype=torch.float64))
    assert only(Scanned(lambda t: 0.7 - (t - 0.75).abs(), 64, ranked=ranked))[:3] == (False, 0.7, 0.75)


def test_segments_that_were_seen_more_or_less_before_end_on_the_same_grid():
    scanned = Scanned(lambda t: 0 * t, 16, n=2)
    scanned.scan([64], rows=slice(1))
    scanned.field.at.clear()
    scanned.scan([256, 256])
    assert scanned.seen.asked.tolist() == [255, 255]
    inside = [t for t in scanned.field.at if round(256 * t) == 256 * t]  # the rest zooms in on the top
    assert sorted(inside) == sorted(
        [k / 256 for k in range(1, 256) if k % 4] + [k / 256 for k in range(1, 256) if k % 16]
    )
