"""Points that are too high, moved downhill; the others stay where they are."""

from dataclasses import dataclass

import torch
from torch import Tensor

from empirical.descent.rows import Descended, Descent, descend
from empirical.losses.objectives import Objective, losses


@dataclass(frozen=True)
class Lowered:
    """All the points, and what became of those that were too high."""

    points: Tensor  # (n, *shape)
    rows: Tensor  # (m,) long, those that were moved
    moved: Descended  # (m,) of them

    @property
    def low(self) -> Tensor:
        """Which of all the points (n,) were low, or came to the rule's stop."""
        everyone = torch.ones(len(self.points), dtype=torch.bool, device=self.points.device)
        return everyone.index_copy(0, self.rows, self.moved.reached)


def lowered(objective: Objective, x: Tensor, rule: Descent, *, above: float | None = None) -> Lowered:
    """The points x (n, *shape), point i of pair i; those whose loss is not at or below `above` descend by the rule.

    above: nats; None: the rule's stop.
    """
    high = ~(losses(objective, x) <= (rule.stop if above is None else above))
    rows = high.nonzero().squeeze(1)
    nothing = Descended(x[:0], x.new_zeros(0), rows[:0], high[:0])
    moved = descend(objective, x[rows], rows, rule) if len(rows) else nothing
    return Lowered(x.index_copy(0, rows, moved.points), rows, moved)
