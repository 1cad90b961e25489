"""Dimension and spread of clouds that are known, and open directions of a linear network."""

import numpy as np
import pytest
import torch
from torch import nn

from empirical import manifolds


def test_the_dimension_of_known_clouds(generator):
    """A disc of 2 dimensions in 20 has ratio 2; an isotropic cloud of 20 has the ratio that its few points allow."""
    flat = torch.zeros(400, 20)
    flat[:, :2] = torch.randn(400, 2, generator=generator)
    disc = manifolds.cloud(flat, neighbours=400)
    assert disc.ratio == pytest.approx(2, abs=0.1) and disc.components == 2
    isotropic = manifolds.cloud(torch.randn(400, 20, generator=generator), neighbours=400)
    assert isotropic.ratio == pytest.approx(isotropic.isotropic, rel=0.02) and isotropic.components == 19
    few = torch.randn(400, 8, 20, generator=generator)
    variances = torch.linalg.svdvals(few - few.mean(1, keepdim=True)) ** 2
    ratio = (variances.sum(1) ** 2).mean() / (variances**2).sum(1).mean()  # of means, error 1 %
    assert ratio.item() == pytest.approx(manifolds.isotropic_ratio(8, 20), rel=0.05)
    assert manifolds.cloud(torch.ones(5, 3)).ratio == 0 and np.isnan(manifolds.cloud(torch.ones(2, 3)).ratio)


def test_spread(generator):
    assert manifolds.spread(torch.randn(50, 2000, generator=generator)) == pytest.approx(2**0.5, rel=0.01)
    assert manifolds.spread(torch.ones(5, 4)) == 0 and np.isnan(manifolds.spread(torch.ones(1, 4)))


def test_the_directions_of_a_linear_network(generator):
    """Logits W x of four classes: the Jacobian has rank 3, and no null direction changes the loss, however long."""
    weights = torch.randn(4, 30, generator=generator)
    model = nn.Linear(30, 4, bias=False).eval()
    model.weight = nn.Parameter(weights, requires_grad=False)
    mode = 20 * torch.linalg.pinv(weights)[:, 1]  # logits (0, 20, 0, 0)
    found = manifolds.open_directions(model, mode, 1, level=1e-3, step=100.0, generator=generator)
    assert (found.rank, found.tried, found.open, found.open_across) == (3, 27, 1.0, 0.0)
    near = manifolds.open_directions(model, mode, 1, level=1e-3, step=1e-3, generator=generator)
    assert near.open_across == 1.0
