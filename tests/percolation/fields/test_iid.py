"""Independent values by cell: the hash against plain Python, and the statistics of many cells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm

from percolation import fields
from tests.statistical import assert_means

MASK = 2**64 - 1


def mixed(key):
    """SplitMix64's finaliser in Python's integers."""
    key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    key = (key ^ (key >> 27)) * 0x94D049BB133111EB & MASK
    return key ^ (key >> 31)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.sampled_from([0.25, 1.0, 3.0]), st.integers(0, 2**32))
def test_values_are_hashes_of_cells(d, side, seed):
    field = fields.iid(d, distribution="uniform", side=side, seed=seed)
    cells = np.random.default_rng(seed).integers(-1000, 1000, (5, d))
    inside = np.random.default_rng(seed).uniform(0.01, 0.99, (5, d))
    keys = [(int(field.origin) + sum(int(c) * int(r) for c, r in zip(x, field.r, strict=True))) & MASK for x in cells]
    expected = [((mixed(key) >> 12) + 0.5) / 2**52 for key in keys]
    np.testing.assert_array_equal(field((cells + inside) * side), expected)


def test_a_cell_is_half_open():
    field = fields.iid(1, seed=1)
    below, at, above, beyond = field(np.array([[-1e-9], [0.0], [1 - 1e-9], [1.0]]))
    assert at == above and len({below, at, beyond}) == 3


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("d", [1, 3, 50])
def test_moments_and_independence(distribution, d):
    """Mean, square, fourth power, and products with neighbours: 2e5 cells; false alarms 1e-6 a case."""
    field = fields.iid(d, distribution=distribution, side=0.5, seed=3)
    x = np.zeros((200_000, d))
    x[:, 0] = 0.5 * np.arange(0, 800_000, 4) + 0.1
    first, last = np.eye(d)[[0, -1]] * 0.5
    here, right, along, beside = ((field(x + step) - field.law.mean) for step in (0, first, 2 * first, last))
    law = field.law
    samples = np.stack([here, here**2, here**4, here * right, here * along, (here * beside) ** 2], axis=1)
    beside_itself = law.variance**2
    exact = [0, law.variance, (law.kurtosis + 3) * law.variance**2, 0, 0, beside_itself]
    assert_means(samples, np.array(exact))


@pytest.mark.parametrize("seed", range(3))
def test_law_of_neighbouring_cells(seed):
    """A line of 1e5 adjacent cells is a sample of the law: Kolmogorov and Smirnov, false alarms 1e-6."""
    x = np.arange(100_000.0)[:, None] * [[1, 0]] + 0.5
    assert kstest(fields.iid(2, seed=seed)(x), norm.cdf).pvalue > 1e-6


def test_covariance_is_one_in_a_cell():
    field = fields.iid(2, side=2.0, seed=0)
    x = np.array([[0.1, 0.1], [1.9, 1.9], [2.1, 0.1], [-0.1, 0.1]])
    expected = np.eye(4)
    expected[0, 1] = expected[1, 0] = 1
    np.testing.assert_array_equal(field.covariance(x, x), expected)
    assert field(x)[0] == field(x)[1]
    assert field.correlation_length == 0


def test_same_bits_in_any_batch():
    field = fields.iid(30, seed=5)
    x = np.random.default_rng(0).normal(0, 100, (1000, 30))
    np.testing.assert_array_equal(np.concatenate([field(part) for part in np.split(x, [1, 7, 500])]), field(x))
    np.testing.assert_array_equal(fields.iid(30, seed=np.random.SeedSequence(5))(x), field(x))
    assert (fields.iid(30, seed=6)(x) != field(x)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"d": 0}, "d must be at least 1, got 0"),
        ({"side": 0.0}, "side must be a finite number above 0, got 0.0"),
        ({"distribution": "gaussian"}, "unknown distribution 'gaussian', expected one of normal, uniform"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_bad_fields_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        fields.iid(**({"d": 2, "seed": 1} | arguments))


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros(2), r"points must have shape \(n, 2\), a point a row, got \(2,\); for one point pass points\[None\]"),
        (np.zeros((1, 1, 2)), r"shape \(n, 2\), a point a row, got \(1, 1, 2\)"),
        (np.zeros((4, 3)), "points must have 2 coordinates as the field has, got 3"),
        (np.array([[0, 1], [0, np.nan]]), "points must be finite, got nan in row 1, column 1"),
        (np.array([["a", "b"]]), "points must be real numbers, got <U1"),
        (np.zeros((1, 2), dtype=complex), "points must be real numbers, got complex128"),
        (np.full((1, 2), 1e19), r"within 2\^62 cells of the origin, got 1e\+19"),
    ],
)
def test_bad_points_are_refused(points, message):
    with pytest.raises(ValueError, match=message):
        fields.iid(2, seed=1)(points)


def test_no_points_have_no_values():
    assert fields.iid(2, seed=1)(np.empty((0, 2))).shape == (0,)
