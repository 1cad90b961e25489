"""The sparse scan: the verdict of a dense grid from a tenth of its points, and eyes where no grid looks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, kstest

from empirical.finder import bisection
from empirical.finder.bisection import CHECKS, bisect, random_places
from empirical.finder.find import PRESETS, Finder, find_paths, straight_is_open
from empirical.finder.paths import between
from empirical.finder.scans import Lines, Seen, scan
from empirical.finder.tops import STEPS
from empirical.losses.evaluation import Evaluator
from empirical.losses.objectives import ClassLoss, Field
from tests.empirical.fields import FREE, PROJECTED, ends, in_numpy, ridge_with_pass

LEVEL = 0.5


def lines(n):
    """n segments from (0, y) to (1, y), each of its own y, so of its own random places."""
    y = torch.linspace(0, 1, n, dtype=torch.float64)
    return Lines(torch.stack([0 * y, y], 1), torch.stack([0 * y + 1, y], 1), torch.zeros(n, dtype=torch.long))


class Bisected:
    """Segments of a function of t (m,), and the number of points that were asked for."""

    def __init__(self, function, some=None, coarse=16, **options):
        some = lines(1) if some is None else some
        evaluate, seen = Evaluator(Field(lambda x: function(x[:, 0])), some.a), Seen.nothing(len(some), some.a)
        bisect(evaluate, some, seen, LEVEL, coarse, **options)
        self.loss, self.place, self.open = seen.loss, seen.place, seen.loss <= LEVEL
        self.n, self.n_batches = evaluate.n_forward, sum(evaluate.shapes.values())


def test_far_below_the_level_only_the_grid_and_the_random_places_are_asked():
    found = Bisected(lambda t: 0.1 * torch.sin(9 * t))
    assert found.open and found.n == 15 + CHECKS + 2  # both ends, whose losses were not known


@pytest.mark.parametrize("height", [0.49, 0.499, 0.4999, 0.501, 0.51, 0.9])
def test_a_smooth_top_just_below_or_above_the_level(height):
    """Between two points of the grid: 1.01 from the level on a curvature of 30 only halving tells."""
    found = Bisected(lambda t: height - 15 * (t - 0.4687) ** 2)
    assert found.open == (height < LEVEL) and found.n < 70
    assert found.loss.item() == pytest.approx(height, abs=2e-3 if found.open else 1e-3)


def test_the_top_of_a_closed_segment_is_refined():
    found = Bisected(lambda t: torch.exp(-((t - 0.41) ** 2) * 50))
    assert not found.open and found.place.item() == pytest.approx(0.41, abs=0.005)
    assert found.n == 15 + 2 + STEPS


def test_many_segments_at_once_are_as_each_alone():
    def rough(t):
        return 0.3 + 0.19 * torch.sin(23 * t) + 0.03 * torch.sin(171 * t)

    together = Bisected(rough, lines(40))
    for row in range(0, 40, 7):
        alone = Bisected(rough, lines(40).select(torch.tensor([row])))
        assert (alone.place, alone.loss) == (together.place[row], together.loss[row])


@pytest.mark.parametrize("n", [1, 40])
@pytest.mark.parametrize("coarse", [16, 10])
def test_few_intervals_are_looked_at_ahead_and_what_is_not_asked_for_is_not_told(n, coarse, monkeypatch):
    """In fewer batches, with a few points more, the same losses and places: a top a hair below the level, or above."""
    for height in (LEVEL - 1e-5, LEVEL + 1e-5):
        top = lambda t, height=height: height - 15 * (t - 0.4687) ** 2  # noqa: E731
        with monkeypatch.context() as patched:
            patched.setattr(bisection, "FREE", 10**9)
            one_by_one = Bisected(top, lines(n), coarse)
        ahead = Bisected(top, lines(n), coarse)
        torch.testing.assert_close(ahead.loss, one_by_one.loss, rtol=0, atol=1e-12)
        torch.testing.assert_close(ahead.place, one_by_one.place, rtol=0, atol=1e-7)  # a peak: root of the rounding
        assert ahead.n <= one_by_one.n + 24
        assert ahead.n_batches <= one_by_one.n_batches - (n == 1 and height < LEVEL)


def test_random_places_are_uniform_in_their_parts_and_not_the_grids():
    places = random_places(lines(500))
    parts = (places * CHECKS).long()
    assert torch.equal(parts, torch.arange(CHECKS).expand(500, -1))
    inside = (places * CHECKS - parts).numpy()
    # 8 + 1 tests, one false alarm in 1e5 runs of all
    assert all(kstest(column, "uniform").pvalue > 1e-6 for column in inside.T)
    assert abs(np.corrcoef(inside[:, 0], inside[:, 1])[0, 1]) < 5 / np.sqrt(500)
    assert torch.equal(places, random_places(lines(500)))


@pytest.mark.parametrize("at", [0.5 / 16, 7.5 / 16])
def test_spikes_that_the_grid_misses_are_seen_as_often_as_the_random_places_say(at):
    """Width 1/100, on ground whose secants tell of nothing: CHECKS / 100 of the segments. False alarm: 1e-6."""
    found = Bisected(lambda t: ((t - at).abs() < 0.005).double(), lines(1500))
    assert binomtest(int((~found.open).sum()), 1500, CHECKS / 100).pvalue > 1e-6
    assert ((found.place - at).abs() < 0.005)[~found.open].all()


def test_a_surprise_halves_the_whole_segment(monkeypatch):
    """A ripple of the grid's own period, whose secants are 0: one random place beside it is enough to look closer."""
    ripple = lambda t: 0.45 * torch.sin(16 * np.pi * t) ** 2 + 0.1 * (t > 2)  # noqa: E731
    found = Bisected(ripple)
    assert found.loss.item() == pytest.approx(0.45, abs=1e-3) and found.n >= 15 + CHECKS + 2 + 16
    monkeypatch.setattr(bisection, "BOUND_VIOLATED_BY", 1e9)
    assert Bisected(ripple).n == 15 + CHECKS + 2


@pytest.mark.parametrize("coarse", [16, 10])
def test_verdicts_of_smooth_random_functions_are_those_of_a_dense_grid(coarse):
    """Sums of six waves of up to 3 turns, levels across their range: 300 verdicts, half of them open."""
    generator = np.random.default_rng(0)
    agree = n_open = 0
    for _ in range(300):
        amplitude, turns, phase = generator.normal(size=6), generator.uniform(0, 3, 6), generator.uniform(0, 7, 6)
        waves = lambda t, a=amplitude, k=turns, f=phase: sum(  # noqa: E731
            one * torch.sin(6.28 * two * t + three) for one, two, three in zip(a, k, f, strict=True)
        )
        t = torch.linspace(0, 1, 4001, dtype=torch.float64)
        shift = LEVEL - waves(t).max() + 0.2 * generator.choice([-1, 1]) * generator.random()
        found = Bisected(lambda t, w=waves, s=shift: w(t) + s, coarse=coarse)
        agree += bool(found.open == ((waves(t) + shift).max() <= LEVEL))
        n_open += int(found.open)
    assert agree >= 299 and 100 < n_open < 200  # a top within 1e-5 of the level may be missed


def test_what_is_not_a_number_is_closed():
    found = Bisected(lambda t: torch.where(t > 0.9, torch.nan, 0 * t))
    assert not found.open and found.loss == torch.inf and found.place > 0.9


@pytest.mark.parametrize("rule", ["dense", "sparse"])
def test_no_segment_is_open_by_the_lower_precision_alone(rule):
    """A spike on a point of the coarse grid, which the lower precision takes for level ground."""
    line = lines(1)
    seen = Seen.nothing(1, line.a)
    true = Evaluator(Field(lambda x: ((x[:, 0] - 5 / 16).abs() < 1e-3).double()), line.a)
    blind = Evaluator(Field(lambda x: 0 * x[:, 0]), line.a)
    if rule == "dense":
        scan(true, line, seen, LEVEL, 16, torch.tensor([16]), ranked=blind)
    else:
        bisect(true, line, seen, LEVEL, 16, ranked=blind)
    assert (seen.loss, seen.place) == (1, 5 / 16)


def test_what_the_lower_precision_calls_closed_and_is_not_is_open():
    found = Bisected(
        lambda t: 0.1 * t, ranked=Evaluator(Field(lambda x: 1 + x[:, 0]), torch.zeros(1, 2, dtype=torch.float64))
    )
    assert found.open and found.loss.item() == pytest.approx(0.1, abs=0.01)


SPARSE = replace(PROJECTED, scan="sparse")


def test_the_pass_is_found_and_the_closed_ridge_is_not():
    (found,) = find_paths(Field(ridge_with_pass(0.05)), *ends(), SPARSE)
    assert found.connected and found.barriers[0] == pytest.approx(in_numpy(0.05)(np.zeros(2)), rel=1e-3)
    assert in_numpy(0.05)(found.path(found.path.positions(5000)).numpy()).max() <= SPARSE.level
    for finder in (SPARSE, replace(FREE, scan="sparse")):
        (closed,) = find_paths(Field(ridge_with_pass(0.12)), *ends(), finder)
        assert not closed.connected


@pytest.fixture(scope="module")
def searched(trained_cnn1d, low_pairs):
    """By rule: connections of 50 natural pairs, with their objective."""
    a, c, labels = low_pairs(50)
    objective = ClassLoss(trained_cnn1d, labels)
    return objective, {
        rule: find_paths(objective, a, c, replace(PRESETS["default"], scan=rule)) for rule in ("dense", "sparse")
    }


def test_a_network_is_searched_as_well_with_a_tenth_of_the_points(searched):
    """As many connected, no more rounds, 15 to 30 points a segment, none above the level at 1000 random places."""
    objective, found = searched
    dense, sparse = found["dense"], found["sparse"]
    assert sum(one.connected for one in sparse) >= sum(one.connected for one in dense)
    rounds = [np.mean([one.rounds for one in some if one.connected]) for some in (dense, sparse)]
    assert rounds[1] <= rounds[0] + 0.2
    n_scans = sum(1 + 2 * (one.path.n_segments - 1) for one in sparse)  # every segment that there was
    closed = n_scans - sum(one.path.n_segments for one in sparse)
    assert 15 <= (sparse.cost.n_forward - STEPS * closed) / n_scans <= 30
    assert sparse.cost.n_forward < dense.cost.n_forward / 8
    t = torch.rand(1000, generator=torch.Generator().manual_seed(7))[:, None, None]
    for i, one in enumerate(sparse):
        for a, c in zip(one.path.vertices[:-1], one.path.vertices[1:], strict=True):
            assert objective(between(a, c, t), torch.full((1000,), i)).max() <= PRESETS["default"].level


def test_pairs_together_are_as_each_alone(cnn1d, low_pairs):
    a, c, labels = low_pairs(6)
    model, finder = cnn1d.double(), replace(PRESETS["default"], scan="sparse")
    together = find_paths(ClassLoss(model, labels), a.double(), c.double(), finder)
    for i, one in enumerate(together):
        (alone,) = find_paths(ClassLoss(model, labels[i : i + 1]), a[i : i + 1].double(), c[i : i + 1].double(), finder)
        assert (alone.status, alone.steps, alone.rounds) == (one.status, one.steps, one.rounds)
        torch.testing.assert_close(alone.path.vertices, one.path.vertices, rtol=0, atol=1e-10)


def test_straight_lines_by_the_sparse_rule(searched):
    """Open where the search took no round; a line with a closed end is closed."""
    objective, found = searched
    a, c = (torch.stack([one.path.vertices[i] for one in found["sparse"]]) for i in (0, -1))
    finder = replace(PRESETS["default"], scan="sparse")
    opened = straight_is_open(objective, a, c, torch.arange(len(a)), finder)
    assert opened.tolist() == [one.rounds == 0 for one in found["sparse"]]
    wall = Field(lambda x: (x[:, 0] > 2.999).double())
    assert not straight_is_open(wall, *ends(), torch.zeros(1, dtype=torch.long), SPARSE).any()


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="unknown scan 'exact'"):
        Finder(scan="exact")
