"""Saliency of networks whose gradients are known."""

import sys

import pytest
import torch
from torch import nn

from empirical.networks import saliency


class Cubic(nn.Module):
    """Logits (sum x^3 / 3, sum w x)."""

    def __init__(self):
        super().__init__()
        self.w = torch.arange(3.0)

    def forward(self, x):
        return torch.stack([(x**3).sum(1) / 3, x @ self.w], dim=1)


X = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]])
LABELS = torch.tensor([0, 1])


def test_the_gradient_of_the_class_logit():
    found = saliency.gradient(Cubic(), X, LABELS)
    assert torch.allclose(found, torch.tensor([[1.0, 4.0, 9.0], [0.0, 1.0, 2.0]]))
    assert torch.equal(saliency.saliency(Cubic(), X, LABELS), found)


def test_integrated_gradients_sum_to_the_difference_of_the_logits():
    """Completeness; of a cubic logit each coordinate has (x_i^3 - b_i^3) / 3, of a linear one w_i (x_i - b_i)."""
    pytest.importorskip("captum")
    found = saliency.integrated(Cubic(), X, LABELS, steps=32)
    assert torch.allclose(found, torch.tensor([[1 / 3, -8 / 3, 9.0], [0.0, 0.0, -2.0]]), atol=1e-4)
    baseline = torch.ones(1, 3)
    z = Cubic()(X).gather(1, LABELS[:, None]).squeeze(1) - Cubic()(baseline)[0, LABELS]
    assert torch.allclose(saliency.integrated(Cubic(), X, LABELS, baseline=baseline).sum(1), z, atol=1e-4)


def test_without_captum_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(ValueError, match=r"pip install 'highdim-percolation\[interpret\]'"):
        saliency.integrated(Cubic(), X, LABELS)


def test_bad_input():
    with pytest.raises(ValueError, match="unknown saliency 'integral'"):
        saliency.saliency(Cubic(), X, LABELS, "integral")
    with pytest.raises(ValueError, match=r"labels must be \(2,\)"):
        saliency.gradient(Cubic(), X, LABELS[:1])
    with pytest.raises(ValueError, match="floating tensor"):
        saliency.gradient(Cubic(), X.long(), LABELS)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        saliency.integrated(Cubic(), X, LABELS, steps=0)
