"""Random Fourier features against numpy, against their covariance and Rice's formula; processes on given points."""

import math

import numpy as np
import pytest

from percolation import fields
from percolation._kernels import fields as kernels
from tests.compiled import compiled
from tests.statistical import assert_means

KERNELS = [
    fields.SquaredExponential(0.7),
    fields.Matern(0.5, 0.7),
    fields.Matern(1.5, 0.7),
    fields.Matern(2.5, 0.7 * math.sqrt(2.5 / 1.5)),
]


def by_numpy(field, x):
    """Values and gradient by the formula."""
    phases = 2 * np.pi * (x @ field.turns + field.offsets)
    amplitude = np.sqrt(2 / field.n_features)
    return amplitude * np.cos(phases).sum(axis=1), -amplitude * np.sin(phases) @ (2 * np.pi * field.turns.T)


@pytest.mark.parametrize(("d", "m", "n"), [(1, 1, 1), (2, 5, 33), (3, 400, 100), (70, 1030, 40), (1000, 64, 3)])
def test_values_and_gradient_are_the_formula(d, m, n):
    field = fields.gaussian(d, fields.SquaredExponential(0.5), n_features=m, seed=d)
    x = np.random.default_rng(m).standard_normal((n, d))
    values, gradient = field.with_gradient(x)
    expected_values, expected_gradient = by_numpy(field, x)
    scale = np.sqrt(d) / 0.5 * m**0.5
    np.testing.assert_allclose(values, expected_values, rtol=0, atol=2e-15 * scale)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=0, atol=4e-15 * scale * math.sqrt(d))
    np.testing.assert_array_equal(field(x), values)


def test_cosine_and_sine_to_the_last_bits():
    """Against numpy after whole turns are taken off, up to a million of them: 4 units of 2^-53."""
    rng = np.random.default_rng(1)
    turns = np.concatenate([rng.uniform(-2, 2, 100_000), rng.uniform(-1e6, 1e6, 100_000), np.arange(-16, 17) / 8])
    part = 2 * np.pi * (turns - np.rint(turns))
    sine = np.empty_like(turns)
    compiled(kernels.sines)(turns, 1.0, sine)
    np.testing.assert_allclose(sine, np.sin(part), rtol=0, atol=2.0**-51)
    compiled(kernels.cosines)(turns)
    np.testing.assert_allclose(turns, np.cos(part), rtol=0, atol=2.0**-51)


total = compiled(kernels.total)


@pytest.mark.parametrize("m", [1, 2, 3, 7, 8, 400, 1001])
def test_total_is_the_sum(m):
    numbers = np.random.default_rng(m).standard_normal(m)
    exact = math.fsum(numbers)
    assert abs(total(numbers) - exact) <= 1e-15 * m


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_gradient_is_the_slope(kernel):
    field = fields.gaussian(5, kernel, n_features=100, seed=2)
    x, h = np.random.default_rng(2).standard_normal((20, 5)), 1e-5
    _, gradient = field.with_gradient(x)
    differences = [(field(x + h * e) - field(x - h * e)) / (2 * h) for e in np.eye(5)]
    roundoff, third = 1e-15 / h, h**2 * (2 * np.pi * np.abs(field.turns).max()) ** 3
    assert np.abs(gradient - np.stack(differences, axis=1)).max() < 10 * math.sqrt(2 * 100) * (roundoff + third)


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_moments_over_draws(kernel):
    """f, f^2, f^4 and covariances at three distances, 8000 draws of 6 waves; false alarms 1e-6 a kernel."""
    x = np.array([[0.0, 0, 0], [0.3, 0, 0], [0.3, 0.4, 0.5], [-1, 1, 0.2]])
    draws = [fields.gaussian(3, kernel, n_features=6, seed=seed) for seed in range(8000)]
    f = np.array([field(x) for field in draws])
    law = draws[0].law
    samples = np.concatenate([f, f**2, f**4, f[:, :1] * f[:, 1:]], axis=1)
    moments = [law.mean, law.variance, law.kurtosis + 3]
    exact = np.concatenate([np.repeat(moments, 4), draws[0].covariance(x[:1], x[1:])[0]])
    assert_means(samples, exact)
    assert law.kurtosis == -3 / 12


@pytest.mark.parametrize("d", [1, 4])
def test_slopes_have_variance_one_over_xi_squared(d):
    """In each direction, and uncorrelated with f: 1e4 draws of 20 waves; false alarms 1e-6."""
    kernel = fields.SquaredExponential(2.5)
    draws = [fields.gaussian(d, kernel, n_features=20, seed=s).with_gradient(np.ones((1, d))) for s in range(10_000)]
    f, gradient = (np.concatenate(part) for part in zip(*draws, strict=True))
    samples = np.concatenate([gradient**2, f[:, None] * gradient], axis=1)
    assert_means(samples, np.repeat([1 / kernel.correlation_length**2, 0.0], d))


def test_upcrossings_of_lines_are_rices():
    """exp(-u^2/2) / 2 pi xi at four u in 400 lines of 20 xi in R^30; false alarms 1e-6, bias of 400 waves below 1 %."""
    xi, t, u = 0.6, np.linspace(0, 20, 801), np.array([-0.5, 0.0, 1.0, 1.5])
    direction = np.random.default_rng(0).standard_normal(30)
    x = t[:, None] * xi * direction / np.linalg.norm(direction)
    f = np.array([fields.gaussian(30, fields.SquaredExponential(xi), seed=s)(x) for s in range(400)])
    above = f[:, :, None] > u
    counts = (~above[:, :-1] & above[:, 1:]).sum(axis=1)
    assert_means(counts, 20 * np.exp(-(u**2) / 2) / (2 * math.pi))


def test_matern_covariances_in_closed_form():
    r = np.array([0.0, 1e-12, 1e-3, 0.1, 1.0, 5.0, 1000.0])
    s = math.sqrt(3) * r / 2
    np.testing.assert_allclose(fields.Matern(0.5, 2)(r), np.exp(-r / 2), rtol=1e-12)
    np.testing.assert_allclose(fields.Matern(1.5, 2)(r), (1 + s) * np.exp(-s), rtol=1e-11)
    smooth = np.linspace(0, 3, 50)
    gaussian = fields.SquaredExponential(1)(smooth)
    np.testing.assert_allclose(fields.Matern(100, 1)(smooth), gaussian, atol=1 / 100)
    assert np.abs(np.diff(fields.Matern(100, 1)(smooth), 2)).max() < 0.006  # no jump where the expansion takes over


@pytest.mark.parametrize("kernel", [*KERNELS[2:], KERNELS[0], fields.Matern(40, 0.7)], ids=repr)
def test_correlation_length_is_the_curvature(kernel):
    h = 1e-3
    curvature = 2 * (1 - kernel(h)) / h**2
    assert curvature == pytest.approx(1 / kernel.correlation_length**2, rel=6 * h)
    assert fields.Matern(1.0, 1.0).correlation_length == fields.Matern(0.5, 1.0).correlation_length == 0


def test_same_bits_in_any_batch():
    field = fields.gaussian(37, fields.SquaredExponential(1), n_features=517, seed=1)
    x = np.random.default_rng(0).standard_normal((200, 37)) * 50
    values, gradient = field.with_gradient(x)
    for cuts in ([1], [5, 6, 64], range(1, 200)):
        parts = [field.with_gradient(part) for part in np.split(x, cuts)]
        np.testing.assert_array_equal(np.concatenate([v for v, _ in parts]), values)
        np.testing.assert_array_equal(np.concatenate([g for _, g in parts]), gradient)
    np.testing.assert_array_equal(field(np.asfortranarray(x)[::-1]), values[::-1])


def test_same_seed_same_field():
    kernel, x = fields.SquaredExponential(1), np.ones((1, 3))
    value = fields.gaussian(3, kernel, seed=4)(x)
    parent = np.random.SeedSequence(4)
    assert value == fields.gaussian(3, kernel, seed=parent)(x) == fields.gaussian(3, kernel, seed=parent)(x)
    assert value != fields.gaussian(3, kernel, seed=5)(x)


def test_ten_thousand_dimensions():
    """xi along a line of any direction, from the slopes of 300 draws; false alarms 1e-6."""
    x = np.random.default_rng(0).standard_normal((1, 10_000))
    direction = x[0] / np.linalg.norm(x)
    slopes = [
        fields.gaussian(10_000, fields.SquaredExponential(3), n_features=20, seed=s).with_gradient(x)[1][0] @ direction
        for s in range(300)
    ]
    assert_means(np.square(slopes)[:, None], np.array([1 / 9]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fields.SquaredExponential(0.0), "xi must be a finite number above 0, got 0.0"),
        (lambda: fields.SquaredExponential(-1.0), "xi must be a finite number above 0, got -1.0"),
        (lambda: fields.Matern(0, 1), "nu must be a finite number above 0, got 0"),
        (lambda: fields.Matern(200, 1), "nu must be at most 100, got 200; use SquaredExponential"),
        (lambda: fields.Matern(1, math.nan), "length must be a finite number above 0, got nan"),
        (lambda: fields.gaussian(0, KERNELS[0], seed=1), "d must be at least 1, got 0"),
        (lambda: fields.gaussian(2, KERNELS[0], n_features=0, seed=1), "n_features must be at least 1, got 0"),
        (lambda: fields.gaussian(2, KERNELS[0], seed=1.5), "seed must be an integer, got 1.5"),
        (lambda: fields.gaussian(2, KERNELS[0], seed=1)(np.ones((2, 3))), "points must have 2 coordinates"),
        (lambda: fields.gaussian(2, KERNELS[0], seed=1)([[0, np.inf]]), "points must be finite, got inf in row 0"),
    ],
)
def test_bad_input_is_refused_in_our_words(make, message):
    with pytest.raises(ValueError, match=message):
        make()
