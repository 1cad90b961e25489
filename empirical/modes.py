"""Low-loss points: natural ones that a data set holds, class-optimal ones made from noise; and pairs of them."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from empirical.descent import Descent, descend
from empirical.objectives import ClassLoss, checked_points, losses
from percolation import checks

CLASS_OPTIMAL = Descent(lr=0.05, iterations=8192, weight_decay=1e-7)


@dataclass(frozen=True)
class Modes:
    """Points with their class and their loss; n_tried of them were looked at."""

    points: Tensor  # (n, *shape)
    labels: Tensor  # (n,) long
    losses: Tensor  # (n,) nats
    n_tried: int


def natural(model: nn.Module, x: Tensor, labels: Tensor, *, stop: float = 5e-4) -> Modes:
    """Those of the inputs x (n, *shape) whose loss for their label is at most stop."""
    checked_points("x", x)
    if len(labels) != len(x):
        raise ValueError(f"expected one label for each of the {len(x)} inputs, got {len(labels)}")
    found = losses(ClassLoss(model, labels), x)
    low = found <= stop
    return Modes(x[low], labels[low], found[low], len(x))


def class_optimal(
    model: nn.Module,
    labels: Tensor,
    shape: tuple[int, ...],
    *,
    generator: torch.Generator,
    noise: float = 0.01,
    rule: Descent = CLASS_OPTIMAL,
    batch_size: int = 64,
) -> Modes:
    """Minimisers of the class loss: one for each label (n,), from Gaussian noise of standard deviation `noise`.

    Those that did not reach rule.stop are left out (n_tried counts them). A network with f(s x) = s f(x) lowers its
    loss by norm alone, so look at the norms too.
    """
    checks.positive("noise", noise)
    start = noise * torch.randn(len(labels), *shape, generator=generator)
    start = start.to(labels.device)
    pairs = torch.arange(len(labels), device=labels.device)
    found = descend(ClassLoss(model, labels), start, pairs, rule, batch_size=batch_size)
    low = found.reached
    return Modes(found.points[low], labels[low], found.losses[low], len(labels))


def joined(parts: list[Modes]) -> Modes:
    """The modes of all parts, in order."""
    return Modes(
        torch.cat([part.points for part in parts]),
        torch.cat([part.labels for part in parts]),
        torch.cat([part.losses for part in parts]),
        sum(part.n_tried for part in parts),
    )


def pairs_within_class(labels: Tensor, n: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Indices (i, j), each (at most n,), of disjoint random pairs with equal labels; classes take turns."""
    turns = []
    for label in labels.unique():
        members = (labels == label).nonzero().squeeze(1)
        shuffled = members[torch.randperm(len(members), generator=generator).to(members.device)]
        turns += [(k, shuffled[2 * k], shuffled[2 * k + 1]) for k in range(len(members) // 2)]
    turns.sort(key=lambda turn: turn[0])  # stable: the first pair of every class, then the second, ...
    chosen = turns[:n]
    if not chosen:
        return labels.new_zeros(0), labels.new_zeros(0)
    return torch.stack([i for _, i, _ in chosen]), torch.stack([j for _, _, j in chosen])
