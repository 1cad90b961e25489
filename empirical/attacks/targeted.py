"""The article's targeted optimisation: an input moved until the network takes it for an input of another class."""

import torch
from torch import Tensor, nn

from empirical.descent.rows import Descended, Descent, descend
from empirical.losses.objectives import ClassLoss, checked_points, losses
from empirical.losses.points import columns

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


def another_class(
    model: nn.Module, x: Tensor, y: Tensor, *, generator: torch.Generator, rule: Descent = TARGETED
) -> Tensor:
    """`targeted` at a random other class: down to the loss of a random input of it among x, or to rule.stop if above.

    A row whose target is the class of none of x goes down to rule.stop. A row that does not arrive stays where it was.
    """
    with torch.inference_mode():
        n_classes = model(x[:1]).shape[1]
    steps = torch.randint(1, n_classes, (len(x),), generator=generator).to(y.device)
    targets = (y + steps) % n_classes
    natural = losses(ClassLoss(model, y), x)
    like = torch.stack([_one_of(natural[y == target], rule.stop, generator) for target in targets])
    moved = targeted(model, x, targets, target_losses=like.clamp(min=rule.stop), rule=rule)
    return torch.where(columns(moved.reached, x), moved.points, x)


def _one_of(values: Tensor, otherwise: float, generator: torch.Generator) -> Tensor:
    """One of the values at random."""
    if not len(values):
        return values.new_tensor(otherwise)
    return values[int(torch.randint(len(values), (1,), generator=generator))]
