"""Adversarial partners: inputs of one class, changed a little until the network takes them for another."""

import torch
from torch import Tensor, nn

from empirical.descent import Descended, Descent, descend
from empirical.objectives import ClassLoss, checked_points

# the article's: Adam at 5e-3, 512 iterations, 0.1 x mean squared deviation, 1e-8 x total variation, first check at 32
TARGETED = Descent(lr=5e-3, iterations=512, deviation=0.1, total_variation=1e-8, first_check=32)


def targeted(
    model: nn.Module, x: Tensor, targets: Tensor, *, target_losses: Tensor | None = None, rule: Descent = TARGETED
) -> Descended:
    """Move sources x (n, *shape) until their loss for the target class is that of a natural input of it.

    targets: (n,) long, the classes to be taken for. target_losses: (n,) nats to reach, rule.stop where absent.
    The result says which rows reached it; the others are not adversarial partners.
    Source: Vrabel et al., arXiv:2409.05800 (2024), and its published code.
    """
    checked_points("x", x)
    if targets.shape != (len(x),):
        raise ValueError(f"targets must be ({len(x)},), one for each source, got {tuple(targets.shape)}")
    pairs = torch.arange(len(x), device=x.device)
    return descend(ClassLoss(model, targets), x, pairs, rule, stop=target_losses)
