from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy.stats import binom

from percolation import averages
from percolation.averages import canonical


@pytest.mark.parametrize("M", [0, 1, 2, 7, 60])
@pytest.mark.parametrize("p", [Fraction(0), Fraction(1, 1024), Fraction(1, 2), Fraction(13, 16), Fraction(1)])
def test_small_averages_are_the_exact_sum(M, p):
    values = [Fraction(n * n + 3) for n in range(M + 1)]
    exact = sum(comb(M, n) * p**n * (1 - p) ** (M - n) * q for n, q in enumerate(values))
    assert canonical(np.array(values, dtype=float), float(p)) == pytest.approx(float(exact), rel=1e-13)


@pytest.mark.parametrize("p", [3e-8, 1e-3, 0.3116, 0.5, 1 - 1e-7])
def test_moments_at_a_hundred_million(p):
    """sum_n w_n (n - M p) = 0 and sum_n w_n (n - M p)^2 = M p (1 - p)."""
    M = 10**8
    first, weights = averages._binomial(M, p)
    deviation = np.arange(first, first + len(weights)) - M * p
    assert abs(weights @ deviation) < 1e-9 * np.sqrt(M * p * (1 - p)) + np.spacing(M * p)
    assert weights @ deviation**2 == pytest.approx(M * p * (1 - p), rel=1e-9)


@pytest.mark.parametrize("p", [1e-3, 0.3116, 0.75])
def test_weights_at_a_million_are_those_of_scipy(p):
    M = 10**6
    first, weights = averages._binomial(M, p)
    n = np.arange(first, first + len(weights))
    np.testing.assert_allclose(weights, binom.pmf(n, M, p), rtol=1e-7, atol=1e-18)  # scipy's pmf is the coarser one
    assert binom.cdf(first - 1, M, p) + binom.sf(n[-1], M, p) < 1e-19


@pytest.mark.parametrize("p", [0.0, 1e-300, 1.0, 1 - 2**-53])
def test_ends_of_the_interval(p):
    assert canonical(np.arange(11.0), p) == pytest.approx(10 * p, abs=1e-14)


def test_shape_is_that_of_the_values_then_of_p():
    values = np.arange(2 * 3 * 5).reshape(2, 3, 5)
    assert canonical(values, 0.5).shape == (2, 3)
    averages = canonical(values, np.full((4, 1), 0.5))
    assert averages.shape == (2, 3, 4, 1)
    np.testing.assert_allclose(averages[1, 2, :, 0], 27.0)


@pytest.mark.parametrize(("p", "message"), [(1.5, "got 1.5"), (-0.1, "got -0.1"), (np.nan, "got nan")])
def test_p_outside_its_interval_is_refused(p, message):
    with pytest.raises(ValueError, match=message):
        canonical(np.ones(3), p)


@pytest.mark.parametrize("values", [1.0, np.ones((3, 0))])
def test_values_without_an_axis_over_n_are_refused(values):
    with pytest.raises(ValueError, match="axis over n"):
        canonical(values, 0.5)
