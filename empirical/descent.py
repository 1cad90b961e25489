"""Moving points downhill until their loss is low: Adam, one row a point, rows leaving as they arrive.

Used for barriers (path_finder), class-optimal inputs (modes) and adversarial partners (attacks).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from empirical.objectives import Objective, total_variation
from percolation import checks

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # Kingma and Ba 2015


@dataclass(frozen=True)
class Descent:
    """The rule: minimise loss + deviation * mean((x - start)^2) + total_variation * TV(x) by Adam.

    A row ends at the first iterate whose loss (without penalties) is at most `stop`.
    """

    lr: float = 0.05  # step size, in units of x
    iterations: int = 2048  # steps allowed
    stop: float = 5e-4  # nats
    deviation: float = 0.0
    total_variation: float = 0.0
    weight_decay: float = 0.0  # adds weight_decay * x to the gradient
    projected: bool = False  # stay in the hyperplane through the start, orthogonal to the row's normal
    first_check: int = 0  # steps before which no row may end

    def __post_init__(self) -> None:
        checks.positive("lr", self.lr)
        checks.positive("stop", self.stop)
        checks.integer("iterations", self.iterations, at_least=1)
        for name in ("deviation", "total_variation", "weight_decay"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be a weight of at least 0, got {getattr(self, name)}")


@dataclass(frozen=True)
class Descended:
    """Where the rows ended: the best iterate, each checked before it was moved on."""

    points: Tensor  # (n, *shape)
    losses: Tensor  # (n,) of these points, nats
    steps: Tensor  # (n,) steps taken
    reached: Tensor  # (n,) bool, loss <= stop


def descend(
    objective: Objective,
    start: Tensor,
    pairs: Tensor,
    rule: Descent,
    *,
    normals: Tensor | None = None,
    stop: Tensor | None = None,
    batch_size: int | None = None,
) -> Descended:
    """Move every row of start (n, *shape) downhill by the rule.

    pairs: (n,) the pair of each row, handed to the objective. normals: (n, *shape), needed by a projected rule.
    stop: (n,) losses at which the rows may end, instead of rule.stop. batch_size: rows at a time; a row that
    ends makes room for one that waits, so that the batch stays full.

    Projected: the *update* is projected on the hyperplane, not the gradient: Adam scales coordinates one by
    one and would leave the plane again.
    """
    if rule.projected and normals is None:
        raise ValueError("a projected descent needs the normals of its hyperplanes")
    stop = start.new_full((len(start),), rule.stop) if stop is None else stop
    done = Descended(
        start.clone(), torch.full_like(stop, torch.inf), torch.zeros_like(pairs), torch.zeros_like(pairs).bool()
    )
    rows = _Rows(start, pairs, stop, _unit(normals) if rule.projected else None)
    room = batch_size or len(start)
    rows.take(room)
    while len(rows.index):
        losses, gradient = _slope(objective, rows, rule)
        rows.remember_best(losses)
        low = (rows.best_loss <= rows.stop[rows.index]) & (rows.step >= rule.first_check)
        ended = low | (rows.step >= rule.iterations) | ~losses.isfinite()
        if ended.any():
            rows.leave(ended, done)
            gradient = gradient[~ended]
        rows.move(gradient, rule)
        rows.take(room)
    return done


class _Rows:
    """The rows that are moving, with their Adam state, and those that wait."""

    def __init__(self, start: Tensor, pairs: Tensor, stop: Tensor, normals: Tensor | None) -> None:
        self.start, self.pairs, self.stop, self.normals = start, pairs, stop, normals
        self.waiting = torch.arange(len(start), device=start.device)
        self.index = self.waiting[:0]  # (m,) rows of start that are moving
        self.step = self.waiting[:0]  # (m,) steps taken
        self.x = self.best = self.mean = self.square = start[:0]  # (m, *shape); Adam's two moments
        self.best_loss = start.new_zeros(0)

    def take(self, room: int) -> None:
        """Let waiting rows in until `room` are moving."""
        free = room - len(self.index)
        if free <= 0 or not len(self.waiting):
            return
        new, self.waiting = self.waiting[:free], self.waiting[free:]
        x = self.start[new]
        self.index = torch.cat([self.index, new])
        self.step = torch.cat([self.step, torch.zeros_like(new)])
        self.x, self.best = torch.cat([self.x, x]), torch.cat([self.best, x])
        self.mean = torch.cat([self.mean, torch.zeros_like(x)])
        self.square = torch.cat([self.square, torch.zeros_like(x)])
        self.best_loss = torch.cat([self.best_loss, x.new_full((len(x),), torch.inf)])

    def remember_best(self, losses: Tensor) -> None:
        better = losses < self.best_loss
        self.best_loss = torch.where(better, losses, self.best_loss)
        self.best = torch.where(_columns(better, self.x), self.x, self.best)

    def leave(self, ended: Tensor, done: Descended) -> None:
        """Write the rows that ended to `done` and close the gap."""
        where = self.index[ended]
        done.points[where] = self.best[ended]
        done.losses[where] = self.best_loss[ended]
        done.steps[where] = self.step[ended]
        done.reached[where] = self.best_loss[ended] <= self.stop[where]
        for name in ("index", "step", "x", "best", "mean", "square", "best_loss"):
            setattr(self, name, getattr(self, name)[~ended])

    def move(self, gradient: Tensor, rule: Descent) -> None:
        """One Adam step of every row, with the bias correction of its own step count."""
        if rule.weight_decay:
            gradient = gradient + rule.weight_decay * self.x
        self.step = self.step + 1
        self.mean = torch.lerp(self.mean, gradient, 1 - BETA1)
        self.square = torch.lerp(self.square, gradient.square(), 1 - BETA2)
        step = _columns(self.step, self.x).to(self.x)
        update = self.mean / (1 - BETA1**step) / ((self.square / (1 - BETA2**step)).sqrt() + EPSILON)
        if self.normals is not None:
            update = _within_hyperplane(update, self.normals[self.index])
        self.x = self.x - rule.lr * update


def _slope(objective: Objective, rows: _Rows, rule: Descent) -> tuple[Tensor, Tensor]:
    """Losses (m,) and gradients (m, *shape) of the loss with its penalties."""
    with torch.enable_grad():
        x = rows.x.detach().requires_grad_()
        losses = objective(x, rows.pairs[rows.index])
        total = losses.sum()
        if rule.deviation:
            total = total + rule.deviation * (x - rows.start[rows.index]).square().flatten(1).mean(1).sum()
        if rule.total_variation:
            total = total + rule.total_variation * total_variation(x).sum()
        (gradient,) = torch.autograd.grad(total, x)
    return losses.detach(), gradient


def _within_hyperplane(update: Tensor, normals: Tensor) -> Tensor:
    """The update without its component along the unit normals."""
    along = (update * normals).flatten(1).sum(1)
    return update - _columns(along, update) * normals


def _unit(normals: Tensor | None) -> Tensor | None:
    if normals is None:
        return None
    return normals / _columns(normals.flatten(1).norm(dim=1), normals)


def _columns(values: Tensor, like: Tensor) -> Tensor:
    """values (m,) shaped to multiply rows (m, *shape)."""
    return values.view(-1, *[1] * (like.ndim - 1))
