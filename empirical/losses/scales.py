"""On which scale a landscape is nearly linear: what linear response of a line is computed from.

Where the loss crosses a level does not depend on the scale it is read on; how it answers to a move does. A class loss
is read as log-odds, z = log(exp(L) - 1), piecewise nearly linear in a ReLU network, where cross-entropy bends from a
line at high loss to an exponential at low; a field as it is. An objective may name its own: a property `scale`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Function(Protocol):
    """Numbers (n,) of points (n, *shape) of pairs (n,), as an objective's."""

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Scale:
    """An increasing function z of the loss."""

    name: str
    of_points: Function  # z (n,) of points (n, *shape), where z of the loss would lose digits
    of_loss: Callable[[float], float]

    def levels(self, level: float, stop: float) -> tuple[float, float]:
        """z of the level and of the stop; an error where the scale does not increase from one to the other."""
        above, below = self.of_loss(level), self.of_loss(stop)
        if not (math.isfinite(above) and math.isfinite(below) and above > below):
            raise ValueError(
                f"the scale {self.name!r} must increase from stop={stop:g} to level={level:g}, got z from {below:g} to "
                f"{above:g}; raise the level above stop, or let the objective name an increasing scale"
            )
        return above, below


def scale_of(objective: Function) -> Scale:
    """The scale that the objective names, or its value."""
    own = getattr(objective, "scale", None)
    return own if isinstance(own, Scale) else Scale("value", objective, float)


def log_odds(outputs: Tensor, labels: Tensor) -> Tensor:
    """log(exp(L) - 1) of the cross-entropy L: log-sum-exp of the other outputs less the label's own, (n,)."""
    own = outputs.gather(1, labels[:, None])
    others = outputs.scatter(1, labels[:, None], -torch.inf)
    return others.logsumexp(1) - own.squeeze(1)


def log_odds_of_loss(loss: float) -> float:
    """log(exp(L) - 1) of a cross-entropy L in nats; -inf of 0."""
    if loss <= 0:
        return -math.inf if loss == 0 else math.nan
    return loss + math.log(-math.expm1(-loss))
