"""Classes and margins."""

import math

import numpy as np
import pytest

from percolation import fields
from tests.statistical import assert_means


def smooth(d, n_classes, seed, n_features=50):
    kernel = fields.SquaredExponential(1.0)
    return fields.classes(lambda s: fields.gaussian(d, kernel, n_features=n_features, seed=s), n_classes, seed=seed)


def test_margins_by_sorting():
    drawn, x = smooth(3, 5, 1), np.random.default_rng(0).standard_normal((100, 3))
    z = drawn.values(x)
    np.testing.assert_array_equal(z, np.stack([field(x) for field in drawn.fields], axis=1))
    ordered = np.sort(z, axis=1)
    np.testing.assert_array_equal(drawn.margin(x), ordered[:, -1] - ordered[:, -2])
    np.testing.assert_array_equal(z[np.arange(100), drawn.argmax(x)], ordered[:, -1])


def test_classes_are_independent_children_of_the_seed():
    """Products of pairs over 4000 draws of 3 classes, false alarms 1e-6; a seed makes one draw, however often asked."""
    z = np.array([smooth(2, 3, seed, 4).values([[0.3, 0.4]])[0] for seed in range(4000)])
    i, j = np.triu_indices(3)
    assert_means(z[:, i] * z[:, j], np.eye(3)[i, j])
    parent = np.random.SeedSequence(1)
    x = np.ones((1, 2))
    np.testing.assert_array_equal(smooth(2, 3, parent).values(x), smooth(2, 3, parent).values(x))


@pytest.mark.parametrize("n_classes", [2, 10])
def test_changes_of_class_along_a_line(n_classes):
    """300 lines of 10 xi; false alarms 1e-6. C = 2: 1 / pi xi."""
    t = np.linspace(0, 10, 801)[:, None] * [[0.6, 0.8]]
    drawn = [smooth(2, n_classes, seed, 200) for seed in range(300)]
    changes = np.array([[np.count_nonzero(np.diff(one.argmax(t)))] for one in drawn])
    assert_means(changes, np.array([10 * drawn[0].boundary_rate()]))
    if n_classes == 2:
        assert drawn[0].boundary_rate() == pytest.approx(1 / math.pi)


def test_changes_of_class_of_wide_networks():
    """Argmax of 10 logits on a quarter circle, xi = 1 radian: 2000 samples of the limit; false alarms 1e-6."""
    networks = fields.classes(lambda s: fields.network(2, depth=1, width=8, seed=s), 10, seed=0)
    t = np.linspace(0, math.pi / 2, 257)
    circle = np.stack([np.cos(t), np.sin(t)], axis=1)
    root = np.linalg.cholesky(fields.WideLimit(1).covariance(circle, circle) + 1e-10 * np.eye(257))
    logits = np.random.default_rng(1).standard_normal((2000, 10, 257)) @ root.T
    changes = np.count_nonzero(np.diff(logits.argmax(axis=1), axis=1), axis=1)[:, None]
    assert_means(changes, np.array([networks.boundary_rate() * math.pi / 2]))


def test_fields_without_a_slope_have_no_rate():
    assert fields.classes(lambda s: fields.iid(1, seed=s), 3, seed=0).boundary_rate() == math.inf


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: smooth(2, 1, 0), "n_classes must be at least 2, got 1"),
        (lambda: fields.Classes((fields.iid(2, seed=0),)), "classes need at least 2 fields, got 1"),
        (lambda: fields.Classes((fields.iid(2, seed=0), fields.iid(3, seed=0))), "dimension, got 2 and 3 in class 1"),
        (lambda: smooth(2, 3, 0).argmax(np.ones((2, 4))), "points must have 2 coordinates"),
    ],
)
def test_bad_input_is_refused_in_our_words(make, message):
    with pytest.raises(ValueError, match=message):
        make()
