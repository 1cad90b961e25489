"""Known fields as objectives: the same values as percolation.fields, pair by pair, with gradients."""

import numpy as np
import pytest
import torch

from empirical.losses.fields import Fields, FieldsDrawnAnew, FourierFields
from percolation import fields

XI = fields.SquaredExponential(1.5)


@pytest.fixture(scope="module")
def drawn():
    return [fields.gaussian(4, XI, n_features=60, seed=seed) for seed in range(5)]


@pytest.fixture(scope="module")
def places():
    """Points in no order of their pairs, one pair without any."""
    points = torch.randn(30, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 3
    return points, torch.arange(30) * 7 % 4


@pytest.mark.parametrize(
    "make", [lambda f: FourierFields.of(f, torch.float64), lambda f: FieldsDrawnAnew(f.__getitem__), Fields]
)
def test_values_and_gradients_of_each_pair(make, drawn, places):
    points, pairs = places
    x = points.clone().requires_grad_()
    values = make(drawn)(x, pairs)
    (gradient,) = torch.autograd.grad(values.sum(), x)
    for row, (point, pair) in enumerate(zip(points.numpy(), pairs.tolist(), strict=True)):
        value, slope = drawn[pair].with_gradient(point[None])
        assert values[row].item() == pytest.approx(value[0], abs=1e-12)
        np.testing.assert_allclose(gradient[row].numpy(), slope[0], atol=1e-12)


def test_single_precision(drawn, places):
    points, pairs = places
    exact = FourierFields.of(drawn, torch.float64)(points, pairs)
    assert (FourierFields.of(drawn)(points.float(), pairs) - exact).abs().max() < 1e-4


def test_one_pair_alone(drawn, places):
    points, _ = places
    found = FourierFields.of(drawn, torch.float64)(points, torch.full((30,), 3))
    np.testing.assert_allclose(found.numpy(), drawn[3](points.numpy()), atol=1e-12)


@pytest.mark.parametrize("make", [FourierFields.of, Fields])
def test_no_points(make, drawn):
    assert make(drawn)(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long)).shape == (0,)
