"""The small networks: their shapes, and that no input sees another."""

import pytest
import torch

from empirical.networks import small


@pytest.mark.parametrize("build", [small.resnet, small.vit])
def test_the_small_networks(build):
    model = build((3, 8, 8), 5).eval()
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert model(x).shape == (2, 5)
    assert torch.allclose(model(x)[:1], model(x[:1]), atol=1e-5)  # no input sees another
    with pytest.raises(ValueError, match="takes images"):
        build((40,), 5)


def test_a_small_vit_takes_even_sides():
    with pytest.raises(ValueError, match="even sides"):
        small.vit((1, 7, 7), 10)
