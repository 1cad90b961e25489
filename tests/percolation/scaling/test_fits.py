"""Averages over fits against sums made by hand."""

import numpy as np
import pytest

from percolation.scaling.fits import Fit, fits_from_each_first, model_average
from percolation.scaling.powers import posterior

ONE, OTHER = np.array([0.1, 0.0]), np.array([0.0, 0.2])  # chances of two sources
NONE = np.zeros(2)  # pulls


def test_a_point_left_out_costs_as_much_as_a_parameter():
    assert Fit(0.0, ONE, NONE, 3.0, 2, 1).cost == 3 + 2 * 3
    assert Fit(0.0, ONE, NONE, 3.0, 1, 2).cost == Fit(0.0, ONE, NONE, 3.0, 2, 1).cost


def test_an_average_of_two_fits_by_hand():
    """They are 1 apart: all but the chance of that, of deviation hypot(0.1, 0.2), is systematic."""
    better, worse = Fit(1.0, ONE, NONE, 4.0, 2, 0), Fit(2.0, OTHER, NONE, 3.0, 2, 1)  # costs 8 and 9
    w = 1 / (1 + np.exp(-0.5))
    value = w + 2 * (1 - w)
    chance = (0.1 * w) ** 2 + (0.2 * (1 - w)) ** 2
    error = np.sqrt(chance + w * (1 - w) * (1 - 0.1**2 - 0.2**2))
    assert model_average([better, worse]) == pytest.approx((value, error))


def test_what_chance_explains_of_the_spread_is_counted_once():
    """Two fits of equal weight of independent halves of the data: their average has the error of all the data."""
    value, error = model_average([Fit(1.0, ONE, NONE, 4.0, 2, 0), Fit(1.1, ONE[::-1], NONE, 4.0, 2, 0)])
    assert value == pytest.approx(1.05)
    assert error == pytest.approx(0.1 / np.sqrt(2))


def test_fits_that_chance_moves_together_are_known_no_better_by_their_number():
    fits = [Fit(1.0, ONE, NONE, 4.0, 2, 0)] * 3
    assert model_average(fits) == pytest.approx((1.0, 0.1))
    apart = [Fit(1.0, ONE, NONE, 4.0, 2, 0), Fit(1.1, ONE, NONE, 4.0, 2, 0)]  # which no chance explains
    assert model_average(apart)[1] == pytest.approx(np.hypot(0.1, 0.05))


@pytest.mark.parametrize("first", [0, 1])
def test_chances_and_pulls_are_what_a_source_does(first):
    """Each source moved by a little of its deviation, the value and -misfit / 2 by as much as is said."""
    h, x = 1e-6, np.arange(1.0, 6)
    form, y, dy, prior = np.stack([np.ones(5), 1 / x], axis=1), np.cos(x), 0.1 * x, np.array([0, 0.5**-2])
    fit = posterior(form, y, dy, prior)
    for k in range(5):
        moved = posterior(form, y + h * dy * (np.arange(5) == k), dy, prior)
        assert (moved.value - fit.value) / h == pytest.approx(fit.chances[k], abs=1e-5)
        assert (fit.misfit - moved.misfit) / (2 * h) == pytest.approx(fit.pulls[k], abs=1e-4)
    assert len(fit.chances) == len(fit.pulls) == 7  # two of them the parameters' priors
    runs = np.random.default_rng(1).normal(y, dy, (9, 5))
    deviations = runs.std(axis=0, ddof=1) / 3
    one = list(fits_from_each_first(runs, deviations, [form]))[first]
    step = h * (runs - runs.mean(axis=0)) / np.sqrt(72)
    for k in range(9):
        moved = list(fits_from_each_first(runs + step[k], deviations, [form]))[first]
        assert (moved.value - one.value) / h == pytest.approx(one.chances[k], abs=1e-5)
        assert (one.misfit - moved.misfit) / (2 * h) == pytest.approx(one.pulls[k], abs=1e-4)


def test_weights_that_follow_chance_widen_the_error():
    """Two fits 0.3 apart of which one source pulls the one up: the average goes with the weight, by w (1 - w) g 0.3."""
    pulled = Fit(1.3, NONE, np.array([3.0, 0.0]), 4.0, 2, 0)
    assert model_average([Fit(1.0, NONE, NONE, 4.0, 2, 0), pulled])[1] == pytest.approx(3 * 0.3 / 4)


def test_every_first_point_is_tried_as_long_as_enough_are_kept():
    x = np.arange(1.0, 8)
    runs = 3 + 2 / x + np.random.default_rng(1).normal(0, 1e-9, (9, 7))
    form, deviations = np.stack([np.ones(7), 1 / x], axis=1), np.full(7, 1e-9)
    fits = list(fits_from_each_first(runs, deviations, [form]))
    assert [fit.n_left_out for fit in fits] == [0, 1, 2, 3, 4]  # three points are left for two parameters
    assert [fit.n_left_out for fit in fits_from_each_first(runs, deviations, [form], fewest=6)] == [0, 1]
    assert {fit.n_parameters for fit in fits} == {2}
    assert all(abs(fit.value - 3) < 1e-7 for fit in fits)  # whatever the form is scaled by


def test_the_first_coefficient_does_not_depend_on_the_scale_of_its_column():
    x = np.arange(1.0, 6)
    runs = 4 * x + np.random.default_rng(1).normal(0, 0.1, (9, 5))
    plain, scaled = (list(fits_from_each_first(runs, np.ones(5), [form])) for form in (x[:, None], 8 * x[:, None]))
    np.testing.assert_allclose([fit.value for fit in plain], [8 * fit.value for fit in scaled])
    np.testing.assert_allclose([fit.error for fit in plain], [8 * fit.error for fit in scaled])
