"""The adaptive attack: misclassified, and with a loss curve of natural shape.

Its gradient goes through the curve: through the network at every point of the line from the reference to the input.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from empirical.attacks import Attacked, judged
from empirical.detection.classifiers import Linear
from empirical.detection.curve import Curve
from empirical.losses.points import columns
from percolation import checks

Score = Callable[[Tensor], Tensor]  # scores (n,) of inputs (n, *shape), with gradients


@dataclass(frozen=True)
class Evasion:
    """How to evade: steps of the length `step` epsilon at first, shrinking to zero; margin of the logits to keep."""

    steps: int = 200
    step: float = 0.2
    margin: float = 0.1

    def __post_init__(self) -> None:
        checks.integer("steps", self.steps, at_least=1)
        checks.positive("step", self.step)
        checks.finite("margin", self.margin)


def suspicion(curve: Curve, classifier: Linear) -> Score:
    """The detector's score as a function of the input."""
    return lambda x: classifier.of(curve.of(x))


def evade(
    model: nn.Module,
    score: Score,
    x: Tensor,
    y: Tensor,
    start: Tensor,
    *,
    epsilon: float,
    bounds: tuple[float, float],
    rule: Evasion = Evasion(),  # noqa: B008 (frozen)
) -> Attacked:
    """Of the points within epsilon (linf) of x that are taken for another class than y, the least suspicious found.

    start: (n, *shape), where another attack ended. Each step is epsilon-scaled and has the sign of one gradient: of the
    logit margin z_y - max_{j != y} z_j while that is above -rule.margin, of the score otherwise, so that neither works
    against the other. The best iterate counts; start is the first of them.
    Source: selective gradients, Bryniarski et al., arXiv:2106.15023 (2021).
    """
    point, best = start.clone(), start.clone()
    lowest = torch.full((len(x),), torch.inf, device=x.device, dtype=x.dtype)
    low, high = (x - epsilon).clamp(min=bounds[0]), (x + epsilon).clamp(max=bounds[1])
    for number in range(rule.steps + 1):
        gradient, margins, scores = _slopes(model, score, point, y, rule.margin)
        better = (margins < 0) & (scores < lowest)
        best = torch.where(columns(better, x), point, best)
        lowest = torch.where(better, scores, lowest)
        length = rule.step * epsilon * (1 - number / (rule.steps + 1))
        point = torch.minimum(torch.maximum(point - length * gradient.sign(), low), high)
    return judged(model, x, y, best, epsilon=epsilon, norm="linf", bounds=bounds)


def _slopes(model: nn.Module, score: Score, x: Tensor, y: Tensor, keep: float) -> tuple[Tensor, Tensor, Tensor]:
    """Gradient (n, *shape) of what each row minimises now; margins and scores (n,)."""
    with torch.enable_grad():
        moving = x.detach().requires_grad_()
        margins = margin(model(moving), y)
        scores = score(moving)
        total = torch.where(margins > -keep, margins, scores).sum()
        (gradient,) = torch.autograd.grad(total, moving)
    return gradient, margins.detach(), scores.detach()


def margin(logits: Tensor, y: Tensor) -> Tensor:
    """z_y - max_{j != y} z_j (n,): below zero the input is taken for another class."""
    own = logits.gather(1, y[:, None]).squeeze(1)
    others = logits.scatter(1, y[:, None], -torch.inf).amax(1)
    return own - others
