"""How a point moves downhill: Adam, or the steepest descent of the theory of rounds; one row a point.

A stepper keeps what it must remember of each row in a state, so that rows can come and go.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from empirical.descent.states import State
from empirical.losses.points import columns

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # Kingma and Ba 2015
OVERSHOOT = 0.01  # share of the way by which steepest descent aims further than stop: curvature would keep it above
ROUNDING = 16  # units in the last place of a loss, or of 1 if that is more, by which it aims further still
SHRINK, GROW = 0.25, 2.0  # of the reach after a step that led up, or down
SMALLEST = 1e-4  # reach, in units of the longest step, below which a row is stuck


class Stepper(Protocol):
    """A rule for steps; `within` projects an update into the row's hyperplane, or leaves it as it is."""

    def begin(self, x: Tensor) -> State:
        """The state of new rows x (m, *shape)."""

    def move(
        self,
        state: State,
        x: Tensor,
        losses: Tensor,
        gradient: Tensor,
        stop: Tensor,
        within: Callable[[Tensor], Tensor],
    ) -> Tensor:
        """The next iterate (m, *shape); the state is brought up to date."""

    def stuck(self, state: State) -> Tensor:
        """Rows (m,) that no further step can bring down."""


@dataclass(frozen=True)
class Adam:
    """Adam, each row with the bias correction of its own step count.

    The *update* is projected, not the gradient: Adam scales coordinates one by one and would leave the plane again.
    A row is stuck where the gradient is zero and what is left of earlier ones no longer moves it.
    Source: Kingma and Ba, arXiv:1412.6980 (2015).
    """

    lr: float

    def begin(self, x: Tensor) -> State:
        count = torch.zeros(len(x), dtype=torch.long, device=x.device)
        still = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        return {"count": count, "mean": torch.zeros_like(x), "square": torch.zeros_like(x), "still": still}

    def move(
        self,
        state: State,
        x: Tensor,
        losses: Tensor,
        gradient: Tensor,
        stop: Tensor,
        within: Callable[[Tensor], Tensor],
    ) -> Tensor:
        state["count"] = state["count"] + 1
        state["mean"] = torch.lerp(state["mean"], gradient, 1 - BETA1)
        state["square"] = torch.lerp(state["square"], gradient.square(), 1 - BETA2)
        count = columns(state["count"], x).to(x)
        update = state["mean"] / (1 - BETA1**count) / ((state["square"] / (1 - BETA2**count)).sqrt() + EPSILON)
        moved = x - self.lr * within(update)
        state["still"] = ((gradient == 0) & (moved == x)).flatten(1).all(1)
        return moved

    def stuck(self, state: State) -> Tensor:
        return state["still"]


@dataclass(frozen=True)
class Steepest:
    """Down the gradient by (L - stop) / |gradient|, at most `lr`; a step that leads up is taken back and shortened.

    Where the loss is nearly linear one or two steps arrive, at the distance (L - stop) / |gradient| that the theory of
    rounds speaks of. A row whose steps have to be shorter than 1e-4 lr is stuck: it stands at a local minimum,
    or on level ground. A convex loss is come down from above, L - stop squared by every step: a row that aimed at stop
    alone would stand just above it as soon as the next step is lost in rounding (of cross-entropy 1e-7, the last place
    of 1 + L).
    Source: the step length is Polyak's, Introduction to Optimization (1987).
    """

    lr: float

    def begin(self, x: Tensor) -> State:
        return {
            "origin": x.clone(),  # which every step starts from
            "low": x.new_full((len(x),), torch.inf),  # its loss
            "slope": torch.zeros_like(x),
            "reach": x.new_full((len(x),), self.lr / GROW),
        }

    def move(
        self,
        state: State,
        x: Tensor,
        losses: Tensor,
        gradient: Tensor,
        stop: Tensor,
        within: Callable[[Tensor], Tensor],
    ) -> Tensor:
        lower = losses < state["low"]
        state["low"] = torch.where(lower, losses, state["low"])
        state["origin"] = torch.where(columns(lower, x), x, state["origin"])
        state["slope"] = torch.where(columns(lower, x), within(gradient), state["slope"])
        state["reach"] = torch.where(lower, (GROW * state["reach"]).clamp(max=self.lr), SHRINK * state["reach"])
        steepness = state["slope"].flatten(1).norm(dim=1)
        state["reach"] = torch.where(steepness > 0, state["reach"], 0.0)  # level ground: no step, and none after it
        steepness = steepness.clamp(min=torch.finfo(x.dtype).tiny)
        rounding = ROUNDING * torch.finfo(x.dtype).eps * state["low"].abs().clamp(min=1)
        fall = (1 + OVERSHOOT) * (state["low"] - stop) + rounding
        length = torch.minimum(fall / steepness, state["reach"])
        return state["origin"] - columns(length / steepness, x) * state["slope"]

    def stuck(self, state: State) -> Tensor:
        return state["reach"] < SMALLEST * self.lr


STEPPERS: dict[str, Callable[[float], Stepper]] = {"adam": Adam, "steepest": Steepest}
