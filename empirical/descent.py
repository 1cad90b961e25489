"""Moving points downhill until their loss is low: one row a point, rows leaving as they arrive.

Used for barriers (path_finder), class-optimal inputs (modes) and adversarial partners (attacks).
"""

from dataclasses import dataclass
from zlib import crc32

import torch
from torch import Tensor

from empirical.objectives import Objective, total_variation
from empirical.steps import STEPPERS, State, Stepper, columns
from percolation import checks


@dataclass(frozen=True)
class Descent:
    """The rule: minimise loss + deviation * mean((x - start)^2) + total_variation * TV(x).

    A row ends at the first iterate whose loss (without penalties) is at most `stop`.
    """

    steps: str = "adam"  # or "steepest", see `steps`
    lr: float = 0.05  # step size of Adam, longest of steepest descent, in units of x
    iterations: int = 2048  # steps allowed to each attempt
    stop: float = 5e-4  # nats
    deviation: float = 0.0
    total_variation: float = 0.0
    weight_decay: float = 0.0  # adds weight_decay * x to the gradient
    projected: bool = False  # stay in the hyperplane through the start, orthogonal to the row's normal
    first_check: int = 0  # steps before which no row may end
    restarts: int = 0  # of a row that did not arrive, each from its start moved by lr in a random direction

    def __post_init__(self) -> None:
        checks.one_of("steps", self.steps, STEPPERS)
        checks.positive("lr", self.lr)
        checks.finite("stop", self.stop)
        checks.integer("iterations", self.iterations, at_least=1)
        checks.integer("restarts", self.restarts, at_least=0)
        for name in ("deviation", "total_variation", "weight_decay"):
            weight = getattr(self, name)
            if not weight >= 0:
                raise ValueError(f"{name} must be a weight of at least 0, got {weight}")
            if weight and self.steps == "steepest":
                raise ValueError(f"steepest descent takes no penalty, got {name}={weight:g}; use adam")


@dataclass(frozen=True)
class Descended:
    """Where the rows ended: the best iterate of all attempts, each checked before it was moved on."""

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
    """
    if rule.projected and normals is None:
        raise ValueError("a projected descent needs the normals of its hyperplanes")
    stop = start.new_full((len(start),), rule.stop) if stop is None else stop
    directions = _unit(normals) if rule.projected else None
    done = Descended(
        start.clone(), torch.full_like(stop, torch.inf), torch.zeros_like(pairs), torch.zeros_like(pairs).bool()
    )
    _down(objective, _Rows(STEPPERS[rule.steps](rule.lr), start, pairs, stop, directions), rule, batch_size, done)
    for attempt in range(rule.restarts):
        left = (~done.reached).nonzero().squeeze(1)
        if not len(left):
            break
        aside = _kicked(start, left, None if directions is None else directions[left], rule.lr, attempt)
        rows = _Rows(STEPPERS[rule.steps](rule.lr), aside, pairs, stop, directions)
        rows.waiting = left
        _down(objective, rows, rule, batch_size, done)
    return done


def _down(objective: Objective, rows: "_Rows", rule: Descent, batch_size: int | None, done: Descended) -> None:
    """Move the waiting rows until all have ended, and note where, if lower than before."""
    room = batch_size or len(rows.start)
    rows.take(room)
    while len(rows.index):
        losses, gradient = _slope(objective, rows, rule)
        rows.remember_best(losses)
        low = (rows.best_loss <= rows.stop[rows.index]) & (rows.step >= rule.first_check)
        ended = low | (rows.step >= rule.iterations) | ~losses.isfinite() | rows.stepper.stuck(rows.state)
        if ended.any():
            rows.leave(ended, done)
            losses, gradient = losses[~ended], gradient[~ended]
        rows.move(losses, gradient, rule)
        rows.take(room)


def _kicked(start: Tensor, rows: Tensor, normals: Tensor | None, distance: float, attempt: int) -> Tensor:
    """start with these rows moved by a distance in a random direction, within their hyperplanes.

    The direction is drawn by the row's own bits, so that it does not depend on the others of the batch.
    """
    moved = start.clone()
    for place, row in enumerate(rows.tolist()):
        generator = torch.Generator().manual_seed(crc32(start[row].numpy(force=True).tobytes()) + attempt)
        kick = torch.randn(start[row].shape, generator=generator, dtype=start.dtype).to(start.device)
        if normals is not None:
            kick = kick - (kick * normals[place]).sum() * normals[place]
        moved[row] += distance * kick / kick.norm()
    return moved


class _Rows:
    """The rows that are moving, with the stepper's state of each, and those that wait."""

    def __init__(self, stepper: Stepper, start: Tensor, pairs: Tensor, stop: Tensor, normals: Tensor | None) -> None:
        self.stepper, self.start, self.pairs, self.stop, self.normals = stepper, start, pairs, stop, normals
        self.waiting = torch.arange(len(start), device=start.device)
        self.index = self.waiting[:0]  # (m,) rows of start that are moving
        self.step = self.waiting[:0]  # (m,) steps taken
        self.x = self.best = start[:0]  # (m, *shape)
        self.best_loss = start.new_zeros(0)
        self.state: State = stepper.begin(start[:0])

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
        self.best_loss = torch.cat([self.best_loss, x.new_full((len(x),), torch.inf)])
        fresh = self.stepper.begin(x)
        self.state = {name: torch.cat([kept, fresh[name]]) for name, kept in self.state.items()}

    def remember_best(self, losses: Tensor) -> None:
        better = losses < self.best_loss
        self.best_loss = torch.where(better, losses, self.best_loss)
        self.best = torch.where(columns(better, self.x), self.x, self.best)

    def leave(self, ended: Tensor, done: Descended) -> None:
        """Write the rows that ended to `done` and close the gap."""
        where = self.index[ended]
        done.steps[where] += self.step[ended]
        lower = self.best_loss[ended] < done.losses[where]
        best, where = ended.nonzero().squeeze(1)[lower], where[lower]
        done.points[where] = self.best[best]
        done.losses[where] = self.best_loss[best]
        done.reached[where] = self.best_loss[best] <= self.stop[where]
        for name in ("index", "step", "x", "best", "best_loss"):
            setattr(self, name, getattr(self, name)[~ended])
        self.state = {name: kept[~ended] for name, kept in self.state.items()}

    def move(self, losses: Tensor, gradient: Tensor, rule: Descent) -> None:
        """One step of every row."""
        if rule.weight_decay:
            gradient = gradient + rule.weight_decay * self.x
        self.step = self.step + 1
        self.x = self.stepper.move(self.state, self.x, losses, gradient, self.stop[self.index], self._within)

    def _within(self, update: Tensor) -> Tensor:
        """The update without its component along the row's unit normal."""
        if self.normals is None:
            return update
        normals = self.normals[self.index]
        along = (update * normals).flatten(1).sum(1)
        return update - columns(along, update) * normals


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


def _unit(normals: Tensor | None) -> Tensor | None:
    if normals is None:
        return None
    return normals / columns(normals.flatten(1).norm(dim=1), normals)
