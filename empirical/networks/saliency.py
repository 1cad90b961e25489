"""What a network's answer at an input hangs on: the gradient of the class logit, or integrated gradients."""

import torch
from torch import Tensor, nn

from empirical.losses.objectives import checked_points
from percolation import checks

METHODS = ("gradient", "integrated")


def saliency(model: nn.Module, x: Tensor, labels: Tensor, method: str = "gradient") -> Tensor:
    """Attributions (n, *shape) by one of METHODS."""
    return {"gradient": gradient, "integrated": integrated}[checks.one_of("saliency", method, METHODS)](
        model, x, labels
    )


def gradient(model: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    """Gradient of the class logit, d z[label] / d x: (n, *shape) of x (n, *shape) and labels (n,).

    The logit and not the loss, whose gradient fades where the loss is low.
    Source: Simonyan, Vedaldi and Zisserman, arXiv:1312.6034 (2013).
    """
    _check(x, labels)
    with torch.enable_grad():
        points = x.detach().requires_grad_()
        scores = model(points).gather(1, labels[:, None]).sum()
        return torch.autograd.grad(scores, points)[0]


def integrated(
    model: nn.Module, x: Tensor, labels: Tensor, *, baseline: Tensor | None = None, steps: int = 64
) -> Tensor:
    """Integrated gradients of the class logit, (n, *shape), by captum (extra `interpret`).

    (x - b) times the mean gradient on the straight line from b to x; over the coordinates they sum to z(x) - z(b), but
    for the error of the sum over `steps` points. baseline b: (1, *shape), zero if absent.
    Source: Sundararajan, Taly and Yan, ICML (2017).
    """
    _check(x, labels)
    checks.integer("steps", steps, at_least=1)
    try:
        from captum.attr import IntegratedGradients
    except ImportError as error:
        raise ValueError(
            "integrated gradients need the package captum: pip install 'highdim-percolation[interpret]', "
            "or take gradient"
        ) from error
    begin = torch.zeros_like(x[:1]) if baseline is None else baseline
    with torch.enable_grad():
        found = IntegratedGradients(model).attribute(x.detach(), baselines=begin, target=labels, n_steps=steps)
    return found.to(x.dtype)


def _check(x: Tensor, labels: Tensor) -> None:
    checked_points("x", x)
    if labels.shape != (len(x),):
        raise ValueError(f"labels must be ({len(x)},), one for each input, got {tuple(labels.shape)}")
