"""Wide limits against quadrature, and actual random networks against their limits and Rice's formula."""

import math

import numpy as np
import pytest

from percolation import fields
from percolation.fields.activations import ACTIVATIONS
from tests.statistical import assert_means

LIMITS = [
    fields.WideLimit(1),
    fields.WideLimit(5),
    fields.WideLimit(3, sigma_w2=1.5),
    fields.WideLimit(1, "tanh", 1.0),
    fields.WideLimit(4, "tanh", 3.0),
]


ORTHOGONAL = {1: 0.318, 2: 0.494, 3: 0.605, 5: 0.736, 10: 0.872, 20: 0.948}  # r_L by depth


@pytest.mark.parametrize(("depth", "rho"), ORTHOGONAL.items())
def test_orthogonal_inputs_of_relu_networks(depth, rho):
    limit = fields.WideLimit(depth)
    assert limit.correlation(math.pi / 2) == pytest.approx(rho, abs=5e-4)
    np.testing.assert_allclose(
        limit.covariance(np.eye(2), np.eye(2)) / limit.variance(0.5), [[1, rho], [rho, 1]], atol=5e-4
    )


def test_deep_relu_networks_forget_the_angle():
    """1 - r -> 9 pi^2 / 2 L^2, slowly: within a few log(L) / L."""
    depth = 10_000
    assert 1 - fields.WideLimit(depth).correlation(1.0) == pytest.approx(9 * math.pi**2 / (2 * depth**2), rel=1e-2)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("q_x", "q_y", "error"), [(0.3, 0.3, 1e-14), (1, 4, 1e-13), (4, 4, 1e-11), (20, 10, 1e-6)])
def test_moments_are_averages_over_the_plane(activation, q_x, q_y, error):
    """By the trapezoidal rule, exponentially accurate for tanh, to 1e-4 across ReLU's kinks."""
    phi, (z, h) = ACTIVATIONS[activation], np.linspace(-9, 9, 2001, retstep=True)
    weight = np.exp(-(z**2) / 2) * h / math.sqrt(2 * math.pi)
    for rho in (-0.999, -0.5, 0.3, 0.999):
        v = math.sqrt(q_y) * (rho * z[:, None] + math.sqrt(1 - rho**2) * z)
        expected = weight * phi(math.sqrt(q_x) * z) @ phi(v) @ weight
        found = phi.moment(np.array([q_x]), np.array([q_y]), np.array([[rho]]))[0, 0]
        assert found == pytest.approx(expected, abs=error if activation == "tanh" else 1e-4)
    q = np.array([q_x, q_y], dtype=float)
    squares = [weight @ phi(math.sqrt(x) * z) ** 2 for x in q]
    slopes = [weight @ phi.slope(math.sqrt(x) * z) ** 2 for x in q]
    np.testing.assert_allclose(phi.square(q), squares, atol=error if activation == "tanh" else 1e-4)
    np.testing.assert_allclose(phi.slope_square(q), slopes, atol=error if activation == "tanh" else 1e-2)


@pytest.mark.parametrize(("q", "error"), [(1, 1e-14), (4, 2e-11), (20, 1e-5), (100, 2e-3)])
def test_the_rest_of_the_series_of_tanh(q, error):
    """Below what is stated; and a point has its variance in spite of it."""
    phi, variance = ACTIVATIONS["tanh"], np.array([float(q)])
    assert phi.rest(variance, phi.coefficients(variance))[0] < error
    assert phi.moment(variance, variance, np.ones((1, 1)))[0] == pytest.approx(phi.square(variance), abs=1e-14)


@pytest.mark.parametrize("limit", LIMITS, ids=repr)
@pytest.mark.parametrize("square", [1.0, 0.3])
def test_correlation_length_is_the_curvature(limit, square):
    """ReLU: 1 radian at any depth, but for a term of third order in the angle."""
    h = 1e-4 if limit.activation == "relu" else 1e-3
    curvature = 2 * (1 - limit.correlation(h, square)) / h**2
    assert curvature == pytest.approx(limit.correlation_length(square) ** -2, rel=2e-3)
    if limit.activation == "relu":
        assert limit.correlation_length(square) == pytest.approx(1, rel=1e-14)


def test_tanh_at_its_fixed_point():
    """xi = (sigma_w2 E phi'^2)^(-L/2), and the variance stays."""
    sigma_w2, q = 2.5, 1.0
    phi = ACTIVATIONS["tanh"]
    for _ in range(200):
        q = sigma_w2 * float(phi.square(np.array(q)))
    limit = fields.WideLimit(7, "tanh", sigma_w2)
    assert limit.variance(q / sigma_w2) == pytest.approx(q, rel=1e-12)
    slope = sigma_w2 * float(phi.slope_square(np.array(q)))
    assert slope > 1  # chaotic
    assert limit.correlation_length(q / sigma_w2) == pytest.approx(slope**-3.5, rel=1e-12)


@pytest.mark.parametrize("limit", LIMITS, ids=repr)
def test_covariance_of_points_of_any_norm(limit):
    x = np.random.default_rng(0).standard_normal((20, 4)) * np.linspace(0, 3, 20)[:, None]  # the first is 0
    covariance = limit.covariance(x, x)
    np.testing.assert_allclose(covariance, covariance.T, atol=1e-14)
    np.testing.assert_allclose(np.diag(covariance)[1:], [limit.variance((p**2).mean()) for p in x[1:]], rtol=1e-12)
    assert (covariance[0] == 0).all() and np.linalg.eigvalsh(covariance)[0] > -1e-12
    angle = np.arccos(x[5] @ x[6] / np.linalg.norm(x[5]) / np.linalg.norm(x[6]))
    same_norm = np.stack([p / np.linalg.norm(p) * 2 for p in x[5:7]])
    expected = limit.correlation(angle, 1.0) * limit.variance(1.0)
    assert limit.covariance(same_norm, same_norm)[0, 1] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_one_hidden_layer_has_the_limit_at_any_width(activation):
    """Products of values at three points over 4000 networks of 4 units, any norm; false alarms 1e-6."""
    x = np.random.default_rng(1).standard_normal((3, 2)) * [[0.5], [1], [2]]
    f = np.array([fields.network(2, depth=1, width=4, activation=activation, seed=s)(x) for s in range(4000)])
    i, j = np.triu_indices(3)
    exact = fields.WideLimit(1, activation).covariance(x, x)[i, j]
    assert_means(np.concatenate([f, f[:, i] * f[:, j]], axis=1), np.concatenate([np.zeros(3), exact]))


def test_law_of_relu_networks_of_finite_width():
    """f, f^2, f^4 at |x|^2 = d over 8000 networks of 3 layers of 20 units; false alarms near 1e-6 (f^4 is skew)."""
    networks = (fields.network(2, depth=3, width=20, seed=s) for s in range(8000))
    f = np.array([[field([[1.0, 1.0]])[0], field.law.kurtosis, field.law.variance] for field in networks])
    value, kurtosis, variance = f[:, 0], f[0, 1], f[0, 2]
    assert variance == 2 and kurtosis == pytest.approx(3 * (1.25**3 - 1))
    exact = np.array([0, variance, (kurtosis + 3) * variance**2])
    assert_means(np.stack([value, value**2, value**4], axis=1), exact)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_deep_networks_near_their_limit(activation):
    """Depth 3, width 128, 500 networks: false alarms 1e-6; the bias of order depth / width is below the error."""
    x = np.array([[1.0, 1, 1], [1, 1, -1], [1, -1, 0]])
    f = np.array([fields.network(3, depth=3, width=128, activation=activation, seed=s)(x) for s in range(500)])
    i, j = np.triu_indices(3)
    assert_means(f[:, i] * f[:, j], fields.WideLimit(3, activation).covariance(x, x)[i, j])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_gradient_is_the_slope(activation, depth):
    """No kink of ReLU lies within h of these points."""
    field = fields.network(6, depth=depth, width=32, activation=activation, seed=depth)
    x, h = np.random.default_rng(0).standard_normal((70, 6)), 1e-7
    values, gradient = field.with_gradient(x)
    differences = [(field(x + h * e) - field(x - h * e)) / (2 * h) for e in np.eye(6)]
    np.testing.assert_allclose(gradient, np.stack(differences, axis=1), atol=1e-6)
    np.testing.assert_array_equal(values, field(x))
    if activation == "relu":  # homogeneous, so x . grad f = f
        np.testing.assert_allclose((x * gradient).sum(axis=1), values, atol=1e-13)


@pytest.mark.parametrize(("d", "depth", "width"), [(10, 1, 64), (30, 3, 256), (300, 2, 1024)])
def test_same_bits_in_any_batch(d, depth, width):
    field = fields.network(d, depth=depth, width=width, activation="tanh", seed=1)
    x = np.random.default_rng(0).standard_normal((150, d))
    values, gradient = field.with_gradient(x)
    for cuts in ([1], [7, 64, 100], [149]):
        parts = [field.with_gradient(part) for part in np.split(x, cuts)]
        np.testing.assert_array_equal(np.concatenate([v for v, _ in parts]), values)
        np.testing.assert_array_equal(np.concatenate([g for _, g in parts]), gradient)
    assert field(x[:0]).shape == (0,) and field.with_gradient(x[:0])[1].shape == (0, d)


def zero_crossings(d, depth, width, n_networks, n_angles=256):
    """Of a logit in a random quarter circle, (n_networks, 1)."""
    t = np.linspace(0, math.pi / 2, n_angles)[:, None]
    counts = []
    for seed in range(n_networks):
        ends = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, 2)))[0].T * math.sqrt(d)
        signs = fields.network(d, depth=depth, width=width, seed=seed)(np.cos(t) * ends[0] + np.sin(t) * ends[1]) > 0
        counts.append(np.count_nonzero(signs[1:] != signs[:-1]))
    return np.array(counts)[:, None]


@pytest.mark.parametrize("depth", [1, 3])
def test_zero_crossings_of_small_networks(depth):
    """Rice: 1 / pi a radian, 0.5 a quarter circle at any d and depth. 200 networks; false alarms 1e-6, s.e. 0.05."""
    assert_means(zero_crossings(10, depth, 256, 200), np.array([0.5]))


@pytest.mark.slow
@pytest.mark.parametrize(("d", "depth"), [(10, 1), (784, 1), (784, 3), (784, 6), (3072, 10)])
def test_zero_crossings_of_wide_networks(d, depth):
    """Depths and dimensions of earlier simulations, width 1024; 300 networks, s.e. 0.04; false alarms 1e-6."""
    counts = zero_crossings(d, depth, 1024, 300)
    print(
        f"\nd = {d}, depth {depth}: {counts.mean():.3f} +- {counts.std() / math.sqrt(len(counts)):.3f} zero crossings"
    )
    assert_means(counts, np.array([0.5]))


def test_layers_of_a_shallower_network_are_those_of_a_deeper():
    shallow, deep = (fields.network(3, depth=depth, width=8, seed=1) for depth in (2, 3))
    for one, other in zip(shallow.weights, deep.weights[:2], strict=True):
        np.testing.assert_array_equal(one, other)
    assert shallow.d == 3 and shallow.width == 8 and shallow.correlation_length == pytest.approx(1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fields.WideLimit(0), "depth must be at least 1, got 0"),
        (lambda: fields.WideLimit(1, "Relu"), "unknown activation 'Relu', .*did you mean 'relu'"),
        (lambda: fields.WideLimit(1, sigma_w2=-1), "sigma_w2 must be a finite number above 0, got -1"),
        (lambda: fields.WideLimit(1).variance(0), "square must be a finite number above 0"),
        (lambda: fields.WideLimit(1).covariance(np.ones((1, 2)), np.ones((1, 3))), "must have 2 coordinates"),
        (lambda: fields.network(0, depth=1, seed=1), "d must be at least 1, got 0"),
        (lambda: fields.network(2, depth=0, seed=1), "depth must be at least 1, got 0"),
        (lambda: fields.network(2, depth=1, width=0, seed=1), "width must be at least 1, got 0"),
        (lambda: fields.network(2, depth=1, width=2, seed=1)(np.ones((1, 3))), "points must have 2 coordinates"),
    ],
)
def test_bad_input_is_refused_in_our_words(make, message):
    with pytest.raises(ValueError, match=message):
        make()
