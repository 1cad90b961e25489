"""The line of a pair: gradients across it, the scale of the objective, and each pair beside what the finder did."""

import math
import re
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from empirical.descent.rows import Descent
from empirical.finder.connections import Connection
from empirical.finder.find import Finder, find_paths
from empirical.finder.paths import Path
from empirical.losses.objectives import ClassLoss, Field, OfPairs
from empirical.losses.scales import Scale, log_odds_of_loss, scale_of
from empirical.networks import small
from empirical.prediction import curvatures, paired, responses

LEVEL, STOP = 0.0, -0.3


def ridge(x):
    """Linear beside the first axis: 1 - (x_0 / 2)^2 + (1 + x_0 / 4) x_1 - x_0 x_2 / 2."""
    return 1 - (x[:, 0] / 2) ** 2 + (1 + x[:, 0] / 4) * x[:, 1] - x[:, 0] * x[:, 2] / 2


def ends(n=3, length=6.0):
    a = torch.zeros(n, 3)
    a[:, 0] = -length / 2
    return a, -a


def finder(**changes):
    rule = Descent(steps="steepest", lr=10.0, iterations=50, stop=STOP, projected=True)
    return Finder(**{"scan": "dense", "level": LEVEL, "descent": rule, "coarse": 60, "dense": 60} | changes)


def test_products_of_known_gradients():
    """Across the first axis the gradient is (1 + x_0 / 4, -x_0 / 2)."""
    a, c = ends(2)
    seen = responses.look(Field(ridge), a, c, n_points=7)
    x = np.linspace(-3, 3, 7)
    g = np.column_stack([1 + x / 4, -x / 2])
    np.testing.assert_allclose(seen.z, [1 - x**2 / 4] * 2, atol=1e-6)
    np.testing.assert_allclose(seen.gram, [g @ g.T] * 2, atol=1e-5)
    np.testing.assert_allclose(seen.lengths, 6)
    np.testing.assert_allclose(seen.shares, np.linspace(0, 1, 7))


def test_gradients_may_lie_in_memory_as_they_like():
    """Those of a network in channels_last do; a picture of 2 x 3 x 3, channels last, weighted by 0, 1, 2, ..."""
    weights = torch.arange(18.0).view(3, 3, 2)
    a = torch.zeros(1, 2, 3, 3)
    seen = responses.look(Field(lambda x: (x.permute(0, 2, 3, 1) * weights).flatten(1).sum(1)), a, a + 1, n_points=3)
    across = weights.numpy() - weights.mean().item()
    np.testing.assert_allclose(seen.gram, np.full((1, 3, 3), (across**2).sum()), rtol=1e-5)


@pytest.mark.parametrize(("k", "found"), [(-1.0, True), (0.0, True), (0.38, True), (0.39, False), (2.0, False)])
def test_second_order_says_whether_a_bowl_is_deep_enough(k, found):
    """1 - (x_0 / 2)^2 - x_1 + k x_1^2 / 2 falls by 1 / (2 k) at most, and has to fall by 1.3 = 1 / (2 * 0.3846)."""

    def bowl(x):
        return 1 - (x[:, 0] / 2) ** 2 - x[:, 1] + k * x[:, 1] ** 2 / 2

    a, c = ends(2)
    kappa = curvatures.along_descents(Field(bowl), a, c, n_points=7)
    np.testing.assert_allclose(kappa, np.full((2, 7), k), atol=1e-6)
    expected = responses.of_finder(Field(bowl), a, c, finder(max_rounds=1), n_points=61, curved=True)
    walked = find_paths(Field(bowl), a, c, finder())
    assert expected.comes_down.tolist() == [found] * 2 and [one.connected for one in walked] == [found] * 2
    columns = paired.second_order(expected)
    assert columns["second_order_success"] == found and columns["second_order_success_error"] == 0.5
    assert np.isnan(responses.of_finder(Field(bowl), a, c, finder()).comes_down).all()


def test_curvature_is_that_across_the_line():
    """x_1 + 2 x_1^2 + 3 x_0^2 bends by 4 across the first axis, and a linear function not at all."""
    a, c = ends(1)
    kappa = curvatures.along_descents(Field(lambda x: x[:, 1] + 2 * x[:, 1] ** 2 + 3 * x[:, 0] ** 2), a, c, n_points=5)
    np.testing.assert_allclose(kappa, [[4.0] * 5], atol=1e-5)
    assert not curvatures.along_descents(Field(lambda x: x.sum(1)), a, c, n_points=5).any()


def test_curvature_of_a_transformer():
    """Attention has kernels that cannot be differentiated twice; by second differences across the line, in float64."""
    generator = torch.Generator().manual_seed(3)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(3)
        model = small.vit((1, 8, 8), 3).eval().double()
    objective = Field(lambda x: model(x)[:, 0])
    a, c = torch.randn(2, 1, 1, 8, 8, generator=generator, dtype=torch.float64)
    kappa = curvatures.along_descents(objective, a, c, n_points=3)
    middle = ((a + c) / 2).requires_grad_()
    (g,) = torch.autograd.grad(objective(middle, torch.zeros(1, dtype=torch.long)).sum(), middle)
    n, h, middle = responses.across(g.flatten(1)[:, None], (c - a).flatten(1)).view_as(a), 1e-3, middle.detach()
    n = n / n.norm()
    points = torch.cat([middle - h * n, middle, middle + h * n])
    below, here, above = objective(points, torch.zeros(3, dtype=torch.long)).tolist()
    assert float(kappa[0, 1]) == pytest.approx((above - 2 * here + below) / h**2, rel=1e-3)


def test_lines_do_not_depend_on_how_many_fit_the_memory(monkeypatch):
    generator = torch.Generator().manual_seed(1)
    a, c = torch.randn(2, 7, 2, 5, generator=generator)
    objective = Field(lambda x: x.flatten(1).sin().sum(1))
    whole = responses.look(objective, a, c, n_points=20)
    monkeypatch.setattr(responses, "LINE_BYTES", 1)
    parts = responses.look(objective, a, c, n_points=20)
    np.testing.assert_allclose(parts.gram, whole.gram, atol=1e-5)
    np.testing.assert_allclose(parts.z, whole.z, atol=1e-6)
    line = (c - a).flatten(1)
    at = a[:, None] + torch.linspace(0, 1, 20).view(1, -1, 1, 1) * (c - a)[:, None]
    across = at.cos().flatten(2)
    across = across - (across @ line[:, :, None]) / line.square().sum(1)[:, None, None] * line[:, None]
    np.testing.assert_allclose(whole.gram, across @ across.transpose(1, 2), atol=1e-4)


def test_prediction_is_what_the_finder_does_where_it_is_exact():
    """One cut opens the ridge: rounds, segments and displacement to what the grid and the step beyond stop leave."""
    a, c = ends(1)
    expected = responses.of_finder(Field(ridge), a, c, finder(), n_points=121)
    (found,) = find_paths(Field(ridge), a, c, finder())
    assert found.connected and (found.rounds, found.path.n_segments) == (expected.rounds[0], expected.segments[0])
    assert expected.displacement[0] == pytest.approx(1.3, rel=1e-4)  # from 1 to -0.3 at slope 1
    assert found.displacement == pytest.approx(1.3, rel=0.02)
    assert expected.scale == "value" and expected.notes == ("",)


class Network(nn.Module):
    """Three outputs, linear in x: the log-odds of two of them are nearly so."""

    def forward(self, x):
        return torch.stack([x[:, 0], x[:, 1], 0 * x[:, 0] - 500], dim=1)


def test_log_odds_of_a_class_loss():
    objective = ClassLoss(Network().eval(), torch.tensor([0, 1]))
    x = torch.tensor([[1.0, 3.0], [2.0, -1.0], [-40.0, 40.0], [40.0, -40.0]], dtype=torch.float64)
    pairs = torch.tensor([0, 1, 0, 0])
    scale = scale_of(objective)
    z = scale.of_points(x, pairs)
    np.testing.assert_allclose(z, [2, 3, 80, -80], atol=1e-10)  # also where the loss is 0 to all digits
    loss = objective(x, pairs)
    np.testing.assert_allclose([scale.of_loss(float(one)) for one in loss[:3]], z[:3], rtol=1e-9)
    assert scale.name == "log-odds" and log_odds_of_loss(0.0) == -math.inf and math.isnan(log_odds_of_loss(-1.0))
    assert log_odds_of_loss(1e-3) == pytest.approx(math.log(math.expm1(1e-3)), rel=1e-12)
    assert log_odds_of_loss(800.0) == pytest.approx(800)
    rows = scale_of(OfPairs(objective, torch.tensor([1, 0])))
    torch.testing.assert_close(rows.of_points(x, 1 - pairs), z)
    assert rows.name == "log-odds"


@dataclass(frozen=True)
class Own:
    """An objective that names its scale: the loss is exp(z)."""

    of_loss: object = math.log

    @property
    def scale(self):
        return Scale("log", lambda points, pairs: ridge(points), self.of_loss)

    def __call__(self, points, pairs):
        return ridge(points).exp()


def test_an_objective_may_name_its_scale():
    """exp of the ridge, at exp of the levels, on the scale log: the same prediction."""
    a, c = ends(2)
    plain = responses.of_pairs(Field(ridge), a, c, LEVEL, STOP)
    scaled = responses.of_pairs(Own(), a, c, math.exp(LEVEL), math.exp(STOP))
    for name in ("rounds", "segments", "displacement"):
        np.testing.assert_allclose(getattr(scaled, name), getattr(plain, name))
    raw = responses.of_pairs(Field(lambda x: ridge(x).exp()), a, c, math.exp(LEVEL), math.exp(STOP))
    assert scaled.scale == "log" and abs(raw.displacement[0] / plain.displacement[0] - 1) > 0.3


def test_a_scale_that_does_not_increase_is_refused():
    a, c = ends(1)
    with pytest.raises(ValueError, match=re.escape("the scale 'log' must increase from stop=0.5 to level=1")):
        responses.of_pairs(Own(lambda loss: -loss), a, c, 1.0, 0.5)


def test_pairs_without_prediction_keep_their_place_and_say_why():
    """Pair 0 meets a NaN, pair 1 has level ground across, pair 2 is predicted."""

    def function(points, pairs):
        along = 1 - (points[:, 0] / 2) ** 2
        slope = torch.where(pairs == 1, 0.0, 1.0)
        broken = (pairs == 0) & (points[:, 0].abs() < 0.5)
        return torch.where(broken, torch.nan, along + slope * points[:, 1])

    a, c = ends(3)
    found = responses.of_pairs(function, a, c, LEVEL, STOP)
    assert found.known.tolist() == [False, False, True]
    assert "not finite" in found.notes[0] and "no gradient across the line" in found.notes[1]
    assert np.isnan(found.rounds[:2]).all() and found.rounds[2] == 1
    columns = paired.pair_columns(found, 1, 8)
    assert math.isnan(columns["response_success"]) and columns["response_note"] == found.notes[1]
    assert paired.pair_columns(found, 2, 8)["response_success"] == 1
    assert paired.pair_columns(found, 2, 0)["response_success"] == 0


def test_a_pair_of_one_point_is_open():
    a, c = ends(2)
    found = responses.of_pairs(Field(ridge), a, torch.stack([a[0], c[1]]), LEVEL, STOP)
    assert found.rounds[0] == found.expected[0] == 0 and min(found.rounds[1], found.expected[1]) >= 1


def test_adam_goes_on_below_stop_and_the_prediction_with_it():
    """Steps of 0.5 end up to 0.5 below stop: the displacement is that of the value reached."""
    a, c = ends(4)
    rule = Descent(lr=0.5, iterations=100, stop=STOP, projected=True)
    settings = finder(descent=rule)
    loss = responses.reached(Field(ridge), a, c, settings)
    assert STOP - 1 < loss < STOP
    expected = responses.of_pairs(Field(ridge), a, c, LEVEL, loss, steps="adam")
    np.testing.assert_array_equal(responses.of_finder(Field(ridge), a, c, settings).displacement, expected.displacement)
    assert responses.reached(Field(lambda x: ridge(x) - 9), a, c, settings) == STOP  # open lines


def test_adam_moves_along_the_signs_of_the_gradient():
    """Slopes 1 and 3 across: equal steps along both, by (1 + 0.3) / (1 + 3) each; steepest: 1.3 / 10^(1/2)."""

    def sloped(x):
        return 1 - (x[:, 0] / 2) ** 2 + x[:, 1] + 3 * x[:, 2]

    a, c = ends(1)
    settings = finder(descent=Descent(lr=0.01, iterations=2000, stop=STOP, projected=True))
    steps = {
        steps: responses.of_pairs(Field(sloped), a, c, LEVEL, STOP, n_points=121, steps=steps).displacement[0]
        for steps in ("adam", "steepest")
    }
    assert steps["steepest"] == pytest.approx(1.3 / math.sqrt(10), rel=1e-4)
    assert steps["adam"] == pytest.approx(1.3 / 4 * math.sqrt(2), rel=1e-4)
    (found,) = find_paths(Field(sloped), a, c, settings)
    assert found.displacement == pytest.approx(steps["adam"], rel=0.05)


def connection(rounds, displacement, status="connected"):
    path = Path(torch.zeros(rounds + 2, 2))
    return Connection(status, path, (0,) * (rounds + 2), (1.0,) * (rounds + 1), (0.0, 0.0), displacement, 0)


def made(rounds, displacement, notes=None, expected=None):
    rounds = np.array(rounds, dtype=float)
    unasked = np.full(len(rounds), np.nan)
    expected = unasked if expected is None else np.array(expected)
    return responses.Responses(
        "value", rounds, expected, rounds + 1, np.array(displacement), unasked, notes or ("",) * len(rounds)
    )


def test_columns_by_hand():
    """Six pairs: one not connected, one without a prediction; of the other four two are equal, three within one."""
    nan = math.nan
    expected = made([0, 1, 3, 2, nan, 9], [nan, 1.0, 2.0, 3.0, nan, 1.0], ("", "", "", "", "no gradient", ""))
    found = [
        connection(0, nan),
        connection(1, 1.5),
        connection(1, 2.0),
        connection(3, 4.0),
        connection(2, 9.0),
        connection(2, 1.0, "rounds"),
    ]
    row = paired.compared(expected, found, 8)
    assert row["response_rounds"] == pytest.approx(1.5) and row["response_segments"] == pytest.approx(2.5)
    assert row["response_rounds_error"] == pytest.approx(np.std([0, 1, 3, 2], ddof=1) / 2)
    difference = np.array([0, 0, -2, 1.0])
    assert row["z_response_rounds"] == pytest.approx(difference.mean() / (difference.std(ddof=1) / 2))
    assert row["response_displacement"] == pytest.approx(2)
    difference = np.array([0.5, 0, 1.0])
    assert row["z_response_displacement"] == pytest.approx(difference.mean() / (difference.std(ddof=1) / math.sqrt(3)))
    assert (row["response_pairs"], row["response_exact"], row["response_within_one"]) == (5, 0.5, 0.75)
    assert row["response_success"] == pytest.approx(4 / 5) and row["z_response_success"] == 0
    assert row["response_rank"] == pytest.approx(3 / math.sqrt(5 * 4.5))  # ranks 1 2 4 3 and 1 2.5 2.5 4
    assert row["response_rank_closed"] == pytest.approx(0.0)


def test_expected_rounds_rank_what_whole_numbers_do_not():
    nan = math.nan
    found = [connection(rounds, 1.0) for rounds in (1, 2, 3, 4)]
    whole = paired.compared(made([2, 2, 2, 3], [1.0] * 4), found, 8)
    row = paired.compared(made([2, 2, 2, 3], [1.0] * 4, expected=[1.6, 2.1, 2.4, 3.3]), found, 8)
    assert whole["response_rank_closed"] == pytest.approx(math.sqrt(0.6)) and math.isnan(whole["response_expected"])
    assert row["response_rank"] == row["response_rank_closed"] == pytest.approx(1)
    assert row["response_expected"] == pytest.approx(2.35) and row["response_rounds"] == pytest.approx(2.25)
    difference = np.array([-0.6, -0.1, 0.6, 0.7])
    assert row["z_response_expected"] == pytest.approx(difference.mean() / (difference.std(ddof=1) / 2))
    of_pair = paired.pair_columns(made([2, nan], [1.0] * 2, expected=[1.6, nan]), 0, 8)
    assert of_pair["response_expected"] == 1.6 and "response_expected" in paired.NO_COLUMNS


def test_where_nothing_is_compared_there_is_nan():
    row = paired.compared(responses.unknown(2, "theory was not asked"), [connection(0, math.nan)] * 2, 8)
    assert math.isnan(row["response_rounds"]) and math.isnan(row["response_exact"]) and row["response_pairs"] == 0
    a, _ = ends(1)
    empty = responses.of_finder(Field(ridge), a[:0], a[:0], finder())
    assert paired.compared(empty, [], 8)["response_pairs"] == 0


def test_points_for_long_lines():
    assert [responses.points_for(one) for one in (2.0, 30.0, 1e6, math.nan)] == [96, 241, 1024, 96]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n_points": 2}, "n_points must be at least 3, got 2"),
        ({"c": torch.zeros(1, 4)}, "a and c must match in shape"),
        ({"a": torch.full((1, 3), math.nan)}, "holds NaN or infinite values at index 0"),
        ({"stop": 0.0}, "must increase from stop=0 to level=0"),
        ({"stop": 0.1}, "must increase from stop=0.1 to level=0"),
        ({"level": math.nan}, "must increase"),
    ],
)
def test_bad_input(change, words):
    good = {"objective": Field(ridge), "a": -torch.ones(1, 3), "c": torch.ones(1, 3), "level": LEVEL, "stop": STOP}
    with pytest.raises(ValueError, match=words):
        responses.of_pairs(**good | change)
