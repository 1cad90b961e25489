"""The covariance of filtered noise."""

import numpy as np
import pytest

from percolation import fields
from percolation.fields import gaussian_grid
from tests.statistical import assert_means

LAGS = [(0, 0), (1, 0), (0, 1), (2, 1), (0, 4), (5, 0), (7, 7), (8, 0), (0, 13)]


def along_axis(x, length, periodic, xi):
    """Correlation of two cells at a distance x along an axis."""
    images = x + length * np.arange(-9, 10) if periodic else np.array([x])
    return np.exp(-(images**2) / (2 * xi**2)).sum()


@pytest.mark.parametrize(
    ("periodic", "dtype"),
    [
        ((False, False), np.float64),
        ((True, True), np.float64),
        ((True, False), np.float64),
        ((True, False), np.float32),
    ],
)
def test_the_covariance_is_the_stated_one(periodic, dtype):
    """f(x) f(x + lag) at one x, over 2000 draws; false alarms as assert_means says."""
    shape, xi = (12, 16), 2.0
    draws = np.stack([gaussian_grid(shape, xi, periodic=periodic, dtype=dtype, seed=s) for s in range(2000)])
    assert (draws.dtype, draws.shape[1:]) == (dtype, shape)
    samples = np.stack([draws[:, 3, 2] * draws[:, 3 + a, 2 + b] for a, b in LAGS], axis=1).astype(float)
    axes = list(zip(shape, periodic, strict=True))
    ratios = [[along_axis(lag[a], *axis, xi) / along_axis(0, *axis, xi) for a, axis in enumerate(axes)] for lag in LAGS]
    assert_means(samples, np.prod(ratios, axis=1))


def test_a_short_torus_and_one_cell():
    assert np.ptp(gaussian_grid((4, 4), 50.0, periodic=True, seed=1)) < 1e-3
    assert gaussian_grid((1,), 1.0, seed=1).shape == (1,)


def test_the_seed_decides():
    first = gaussian_grid((8, 9, 10), 1.5, seed=7)
    np.testing.assert_array_equal(first, gaussian_grid((8, 9, 10), 1.5, seed=np.random.SeedSequence(7)))
    assert (first != gaussian_grid((8, 9, 10), 1.5, seed=8)).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((0, 3), 1.0), "a length of shape"),
        (((), 1.0), "got"),
        (((3, 3), -1.0), "xi"),
    ],
)
def test_what_cannot_be_drawn(arguments, message):
    with pytest.raises(ValueError, match=message):
        fields.gaussian_grid(*arguments, seed=1)


def test_periodic_for_each_axis():
    with pytest.raises(ValueError, match="one for each of 2 axes"):
        gaussian_grid((3, 3), 1.0, periodic=(True,), seed=1)
