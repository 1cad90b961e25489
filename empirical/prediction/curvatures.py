"""Curvature of a landscape along its descents from straight lines: what second order says of where they end."""

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import normalize

from empirical.finder.paths import between
from empirical.losses.evaluation import Evaluator
from empirical.losses.objectives import Objective

SHARE = 4  # of a chunk with gradients: differentiating twice keeps more of a point


def along_descents(objective: Objective, a: Tensor, c: Tensor, *, n_points: int) -> Tensor:
    """kappa = n . H n at n_points equal shares of the lines from a[i] to c[i], (n_pairs, n_points).

    H is the objective's Hessian, n = -g / |g| with the gradient g across the line; one product of H a point.
    """
    rows = torch.arange(len(a), device=a.device).repeat_interleave(n_points)
    t = torch.linspace(0, 1, n_points, dtype=a.dtype, device=a.device).repeat(len(a)).view(-1, *[1] * (a.ndim - 1))
    chunk = max(Evaluator(objective, a).gradient_chunk // SHARE, 1)
    parts = [
        _curvature(objective, between(a[row], c[row], share), (c - a)[row], row)
        for row, share in zip(rows.split(chunk), t.split(chunk), strict=True)
    ]
    return torch.cat(parts).view(len(a), n_points)


def _curvature(objective: Objective, x: Tensor, along: Tensor, pairs: Tensor) -> Tensor:
    """(n,) of points x (n, *shape), on lines along (n, *shape)."""
    x = x.detach().requires_grad_()
    # the fused kernels of attention cannot be differentiated twice
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
        (gradient,) = torch.autograd.grad(objective(x, pairs).sum(), x, create_graph=True)
        if not gradient.requires_grad:  # of a linear function
            return x.new_zeros(len(x))
        line, g = normalize(along.flatten(1)), gradient.detach().flatten(1)
        n = normalize(g - (g * line).sum(1, keepdim=True) * line)
        (product,) = torch.autograd.grad((gradient.flatten(1) * n).sum(), x, materialize_grads=True)
    return (product.flatten(1) * n).sum(1)
