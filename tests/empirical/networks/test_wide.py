"""Wide networks of one activation against their twins in NumPy, their Gaussian limit, and the sphere."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from empirical.networks import models, wide
from empirical.networks.sphere import OnSphere, projected
from percolation import fields


@pytest.mark.parametrize("name", wide.FUNCTIONS)
def test_values_are_those_of_the_field_of_the_same_weights(name):
    twin = fields.network(5, depth=3, width=16, activation=name, sigma_w2=4.0, seed=1)
    model = models.untrained(name, (5,), 2, seed=1, depth=3, width=16, sigma_w=2.0).double()
    layers = [part for part in model.modules() if isinstance(part, nn.Linear)]
    for layer, weights in zip(layers[:-1], twin.weights, strict=True):
        layer.weight.copy_(torch.tensor(weights))
    layers[-1].weight[0] = torch.tensor(twin.readout)
    x = np.random.default_rng(0).standard_normal((7, 5))
    np.testing.assert_allclose(model(torch.tensor(x))[:, 0].numpy(), twin(x), rtol=1e-12)


@pytest.mark.parametrize("name", wide.FUNCTIONS)
def test_variance_of_weights(name):
    """Of 256^2 weights, standard error 0.6 %; no biases; the first layer's of the input's own fan-in."""
    model = models.untrained(name, (300,), seed=1, depth=2, sigma_w=3.0)
    layers = [part for part in model.modules() if isinstance(part, nn.Linear)]
    assert len(layers) == 3 and all(layer.bias is None for layer in layers)
    for layer, fan_in in zip(layers[:2], (300, 256), strict=True):
        assert layer.weight.var().item() == pytest.approx(9 / fan_in, rel=0.03)


# theory's own numbers: depth, xi in radians
LENGTHS = {
    2.0: {1: 0.79, 2: 0.66, 3: 0.56, 4: 0.48, 6: 0.35, 8: 0.26},
    3.0: {1: 0.69, 2: 0.50, 3: 0.37, 4: 0.27, 6: 0.14, 8: 0.078},
}


@pytest.mark.parametrize(
    ("sigma_w", "depth", "xi"), [(s, d, x) for s, all_ in LENGTHS.items() for d, x in all_.items()]
)
def test_correlation_lengths_of_tanh(sigma_w, depth, xi):
    assert wide.limit("tanh", depth, sigma_w).correlation_length() == pytest.approx(xi, abs=0.006)


@pytest.mark.parametrize(("name", "depth", "sigma_w"), [("tanh", 6, 3.0), ("erf", 4, 2.0), ("sin", 3, 2.0)])
def test_crossings_of_great_circles_say_the_same_length(name, depth, sigma_w):
    """Zeros on 40 great circles, each of a network of its own: xi = 2 / zeros by Rice, within 8 % of the limit's.

    A circle has 13 to 45 of them, so that their mean is known to about 2 %; width 256 moves it by O(depth / width).
    """
    angle = torch.linspace(0, 2 * math.pi, 2001)[:-1, None]
    zeros = []
    for seed in range(40):
        model = models.untrained(name, (3,), 2, seed=seed, depth=depth, sigma_w=sigma_w)
        circle = math.sqrt(3) * torch.cat([angle.cos(), angle.sin(), torch.zeros_like(angle)], dim=1)
        above = model(circle)[:, 0] > 0
        zeros.append(int((above != above.roll(1)).sum()))
    xi = 2 / float(np.mean(zeros))
    assert xi == pytest.approx(wide.limit(name, depth, sigma_w).correlation_length(), rel=0.08)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 3)])
def test_the_norm_plays_no_part_on_the_sphere(shape):
    model = models.untrained("tanh", shape, 3, seed=1, depth=2)
    x = torch.randn(5, *shape, generator=torch.Generator().manual_seed(0))
    on_sphere = OnSphere(model)
    torch.testing.assert_close(on_sphere(x), on_sphere(7 * x))
    torch.testing.assert_close(projected(x).flatten(1).square().mean(1), torch.ones(5))
    torch.testing.assert_close(on_sphere(x), model(projected(x)))
    assert not torch.allclose(model(x), on_sphere(x), atol=1e-2) and not on_sphere.training


def test_the_slope_on_the_sphere_is_across_the_radius():
    on_sphere = OnSphere(models.untrained("tanh", (6,), 2, seed=1, depth=2).double())
    x = torch.randn(4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (slope,) = torch.autograd.grad(on_sphere(x)[:, 0].sum(), x)
    torch.testing.assert_close((slope * x).sum(1), torch.zeros(4, dtype=torch.float64), atol=1e-9, rtol=0)
    assert (slope.norm(dim=1) > 1e-3).all()


@pytest.mark.parametrize("options", [{"sigma_w": 0.0}, {"sigma_w": math.nan}, {"depth": 0}, {"width": 0}])
def test_bad_knobs(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        models.untrained("tanh", (3,), 2, seed=1, **options)
