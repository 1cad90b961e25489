"""Losses averaged over small random shifts and rescalings, so that a class-optimal input shows its class robustly.

Source: jitter and scaling in feature visualisation, Olah, Mordvintsev and Schubert, Distill (2017).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from empirical.losses.objectives import Objective
from percolation import checks

MODES = {1: "linear", 2: "bilinear", 3: "trilinear"}  # of interpolation, by the axes of space


@dataclass(frozen=True, eq=False)
class Robust:
    """The mean loss over fixed transformations: R(x) = (1/k) sum_j L(scale_{s_j}(shift_{d_j}(x))).

    shifts: (k, axes) long, pixels, around the edges. scales: (k,) factors; a smaller picture lies on its own edge
    values, a larger one is cut. The transformations are drawn once, so that R is a function: a point whose R is low
    can be checked again.
    """

    objective: Objective
    shifts: Tensor
    scales: Tensor

    def __post_init__(self) -> None:
        if self.shifts.ndim != 2 or self.shifts.dtype != torch.long or len(self.shifts) != len(self.scales):
            raise ValueError(
                f"shifts must be (k, axes) long and scales (k,), got {tuple(self.shifts.shape)} {self.shifts.dtype} "
                f"and {tuple(self.scales.shape)}"
            )
        if not len(self.scales) or not (self.scales > 0).all():
            raise ValueError(f"scales must be at least one factor above 0, got {self.scales.tolist()}")

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor:
        if points.ndim - 2 != self.shifts.shape[1]:
            raise ValueError(
                f"shifts along {self.shifts.shape[1]} axes need points (n, channels, *{self.shifts.shape[1]} axes), "
                f"got shape {tuple(points.shape)}"
            )
        total = torch.stack([self.objective(moved, pairs) for moved in self.views(points)])
        return total.mean(0)

    def views(self, points: Tensor) -> Iterator[Tensor]:
        """The k transformed copies of the points, one after the other."""
        axes = tuple(range(2, points.ndim))
        for shift, scale in zip(self.shifts.tolist(), self.scales.tolist(), strict=True):
            yield rescaled(points.roll(shift, axes), scale)


def draw(
    objective: Objective, axes: int, *, n: int = 4, jitter: int = 1, scale: float = 0.1, generator: torch.Generator
) -> Robust:
    """n random transformations, the first of them none: shifts of at most `jitter` pixels, factors in 1 -+ scale."""
    checks.integer("n", n, at_least=1)
    checks.integer("jitter", jitter, at_least=0)
    if not 0 <= scale < 1:
        raise ValueError(f"scale must lie in [0, 1), got {scale}")
    shifts = torch.randint(-jitter, jitter + 1, (n, axes), generator=generator)
    scales = 1 + scale * (2 * torch.rand(n, generator=generator) - 1)
    shifts[0], scales[0] = 0, 1.0
    return Robust(objective, shifts, scales)


def rescaled(points: Tensor, scale: float) -> Tensor:
    """Points (n, channels, *space) shrunk or grown around their middle, at the shape they had; 1 leaves every bit."""
    space = points.shape[2:]
    size = [max(round(scale * length), 1) for length in space]
    if list(space) == size:
        return points
    changed = interpolate(points, size=size, mode=MODES[len(space)], align_corners=False)
    margins = [length - new for length, new in zip(space, size, strict=True)]
    amounts = [amount for margin in reversed(margins) for amount in (margin // 2, margin - margin // 2)]
    if scale < 1:
        return pad(changed, amounts, mode="replicate")
    return pad(changed, amounts)  # negative amounts cut
