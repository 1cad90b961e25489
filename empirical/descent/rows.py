"""Moving points downhill until their loss is low: one row a point, rows leaving as they arrive.

Used for barriers (path_finder), class-optimal inputs (modes) and adversarial partners (attacks).
"""

from dataclasses import dataclass
from zlib import crc32

import torch
from torch import Tensor

from empirical.descent.states import State, joined, length, selected, where
from empirical.descent.steps import STEPPERS
from empirical.losses.evaluation import Evaluator, Penalty
from empirical.losses.objectives import Objective, total_variation
from empirical.losses.points import columns
from percolation import checks

STEPS_BETWEEN_READS = 4  # steps after which a device is asked which rows have ended: asking waits for it
LEAST_GAIN = 0.99  # of the lowest loss so far: what counts as lower, for a row's patience


@dataclass(frozen=True)
class Descent:
    """The rule: minimise loss + deviation * mean((x - start)^2) + total_variation * TV(x).

    A row ends at the first iterate whose loss (without penalties) is at most `stop`. With log=True log(loss) stands in
    the place of the loss, whose slope does not fade as the loss does: Adam then takes a third of the steps.
    """

    steps: str = "adam"  # or "steepest", see `steps`
    lr: float = 0.05  # step size of Adam, longest of steepest descent, in units of x
    iterations: int = 2048  # steps allowed to each attempt
    stop: float = 5e-4  # nats
    deviation: float = 0.0
    total_variation: float = 0.0
    weight_decay: float = 0.0  # adds weight_decay * x to the gradient
    projected: bool = False  # stay in the hyperplane through the start, orthogonal to the row's normal
    log: bool = False  # minimise log(loss), of a loss that is positive such as a cross-entropy
    bounds: tuple[float, float] | None = None  # every coordinate is kept between them, as pixels in (0, 1)
    first_check: int = 0  # steps before which no row may end
    patience: int | None = None  # steps without a loss lower by 1 % after which a row is stuck; None: all its steps
    restarts: int = 0  # of a row that did not arrive, each from its start moved by lr in a random direction

    def __post_init__(self) -> None:
        checks.one_of("steps", self.steps, STEPPERS)
        checks.positive("lr", self.lr)
        checks.finite("stop", self.stop)
        checks.integer("iterations", self.iterations, at_least=1)
        checks.integer("restarts", self.restarts, at_least=0)
        if self.patience is not None:
            checks.integer("patience", self.patience, at_least=1)
        if self.bounds is not None and not self.bounds[0] < self.bounds[1]:
            raise ValueError(f"bounds must be (low, high) with low below high, got {self.bounds}")
        for name in ("deviation", "total_variation", "weight_decay"):
            weight = getattr(self, name)
            if not weight >= 0:
                raise ValueError(f"{name} must be a weight of at least 0, got {weight}")
            if weight and self.steps == "steepest":
                raise ValueError(f"steepest descent takes no penalty, got {name}={weight:g}; use adam")
        if self.log and (self.steps == "steepest" or self.stop <= 0):
            raise ValueError(f"log takes adam and a stop above 0, got steps={self.steps!r}, stop={self.stop:g}")


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
    moving = Descents(Evaluator(objective, start), rule, batch_size or len(start))
    moving.put(start, pairs, rule.stop if stop is None else stop, normals, row=torch.arange(len(start)).to(pairs))
    gone: list[State] = []
    while moving:
        gone.append(moving.step())
    ended = joined(*gone)
    found = selected(ended, ended["row"].argsort())
    return Descended(found["point"], found["loss"], found["steps"], found["reached"])


class Descents:
    """Rows that move, `room` of them at a time, and rows that wait; each ends by itself and makes room for another.

    Which have ended is known on the device; the host asks every `every` steps. A row that ended in between is moved on
    with the others, and nothing of that is kept.
    """

    def __init__(self, evaluate: Evaluator, rule: Descent, room: int, every: int | None = None) -> None:
        """every: 1 on a CPU where None, where asking costs nothing, and STEPS_BETWEEN_READS on other devices."""
        self.evaluate, self.rule, self.room, self.every = evaluate, rule, room, every
        self.stepper = STEPPERS[rule.steps](rule.lr)
        self.waiting: State = {}
        self.now: State = {}  # the rows that move
        self.memory: State = {}  # and what the stepper remembers of them
        self.names: tuple[str, ...] = ()  # of what the rows carry with them

    def __len__(self) -> int:
        return length(self.now) + length(self.waiting)

    def put(
        self, start: Tensor, pairs: Tensor, stop: Tensor | float, normals: Tensor | None = None, **carried: Tensor
    ) -> None:
        """Let points start (n, *shape) of these pairs (n,) wait for their turn to come down to stop, nats.

        normals: (n, *shape) of the hyperplanes of a projected rule. carried: (n,) each, always of the same names; they
        come back with the row when it has ended.
        """
        zeros = torch.zeros_like(pairs)
        new = {
            "start": start.detach(),
            "pair": pairs,
            "stop": torch.as_tensor(stop, dtype=start.dtype, device=start.device).expand(len(start)),
            "attempt": zeros,
            "steps": zeros,  # of the attempts before
            "best": start.detach(),
            "best_loss": start.new_full((len(start),), torch.inf),
        }
        if self.rule.projected and normals is not None:
            new["normal"] = _unit(normals)
        self.names = tuple(carried)
        self.waiting = joined(self.waiting, new | carried)

    def clear(self) -> None:
        """Forget all rows."""
        self.waiting, self.now, self.memory = {}, {}, {}

    def step(self) -> State:
        """Evaluate all rows that move and move them on, a few times; returns those that ended.

        point (n, *shape), loss (n,): the best iterate of all attempts, checked before it was moved on. steps (n,):
        taken. reached, failed (n,) bool: whether it came to stop, and whether its loss ceased to be finite. Pairs, and
        what the rows carried, under their names.
        """
        self._take()
        every = self.every or (1 if self.now["x"].device.type == "cpu" else STEPS_BETWEEN_READS)
        for _ in range(every - 1):
            self._move(*self._evaluated())
        losses, gradient = self._evaluated()
        gone: State = {}
        self.evaluate.n_reads += 1
        if self.now["ended"].any():
            stay = where(~self.now["ended"])
            gone = self._leave(stay)
            losses, gradient = losses[stay], gradient[stay]
        if len(losses):
            self._move(losses, gradient)
        return gone

    def _evaluated(self) -> tuple[Tensor, Tensor]:
        """Losses and gradients of all rows, and a note of the rows that end with them."""
        now, rule = self.now, self.rule
        losses, gradient = self.evaluate.slopes(now["x"], now["pair"], self._penalty(), rule.log)
        before = now["ended"]
        now["wasted"] = now["wasted"] + before
        self._remember(torch.where(before, torch.inf, losses))
        failed = ~losses.isfinite()
        low = (now["best_loss"] <= now["stop"]) & (now["step"] >= rule.first_check)
        ended = low | failed | (now["step"] >= rule.iterations) | self.stepper.stuck(self.memory)
        if rule.patience is not None:
            ended |= now["step"] - now["gained"] >= rule.patience
        now["failed"] = torch.where(before, now["failed"], failed)
        now["ended"] = before | ended
        return losses, gradient

    def _take(self) -> None:
        """Let waiting rows in until the room is full."""
        n = min(self.room - length(self.now), length(self.waiting))
        if not n:
            return
        new, self.waiting = selected(self.waiting, slice(n)), selected(self.waiting, slice(n, None))
        steps = torch.zeros_like(new["attempt"])
        no = torch.zeros_like(steps, dtype=torch.bool)
        new |= {
            "x": self._begun(new),
            "step": steps,
            "ended": no,
            "failed": no,
            "wasted": steps,  # evaluations since it ended
        }
        if self.rule.patience is not None:
            new |= {"gained": steps, "mark": torch.full_like(new["best_loss"], torch.inf)}
        if not (self.rule.deviation or self.rule.restarts):
            del new["start"]
        self.now = joined(self.now, new)
        self.memory = joined(self.memory, self.stepper.begin(new["x"]))

    def _begun(self, new: State) -> Tensor:
        """Where new rows begin: at their start, moved aside after a failed attempt."""
        x = new["start"]
        for row in where(new["attempt"] > 0).tolist() if self.rule.restarts else ():
            normal = new["normal"][row] if self.rule.projected else None
            moved = aside(x[row], self.rule.lr, int(new["attempt"][row]) - 1, normal)
            x = x.index_copy(0, torch.tensor([row], device=x.device), moved[None])
        return x if self.rule.bounds is None else x.clamp(*self.rule.bounds)

    def _penalty(self) -> Penalty | None:
        rule = self.rule
        if not (rule.deviation or rule.total_variation):
            return None

        def penalty(x: Tensor, part: slice) -> Tensor:
            found = x.new_zeros(len(x))
            if rule.deviation:
                found = found + rule.deviation * (x - self.now["start"][part]).square().flatten(1).mean(1)
            if rule.total_variation:
                found = found + rule.total_variation * total_variation(x)
            return found

        return penalty

    def _remember(self, losses: Tensor) -> None:
        now = self.now
        better = losses < now["best_loss"]
        now["best_loss"] = torch.where(better, losses, now["best_loss"])
        now["best"] = torch.where(columns(better, now["x"]), now["x"], now["best"])
        if self.rule.patience is not None:
            gained = losses - now["stop"] < LEAST_GAIN * (now["mark"] - now["stop"])
            now["mark"] = torch.where(gained, losses, now["mark"])
            now["gained"] = torch.where(gained, now["step"], now["gained"])

    def _leave(self, stay: Tensor) -> State:
        """Close the gap that the rows leave that ended, and let those try again that may; the others."""
        gone = selected(self.now, where(self.now["ended"]))
        self.now, self.memory = selected(self.now, stay), selected(self.memory, stay)
        self.evaluate.n_gradient -= int(gone["wasted"].sum())
        gone["steps"] = gone["steps"] + gone["step"]
        reached = gone["best_loss"] <= gone["stop"]
        failed = gone["failed"] & ~reached
        if self.rule.restarts:
            again = ~reached & ~failed & (gone["attempt"] < self.rule.restarts)
            self._retry(selected(gone, where(again)))
            kept = where(~again)
            gone, reached, failed = selected(gone, kept), reached[kept], failed[kept]
        found = {"point": gone["best"], "loss": gone["best_loss"], "steps": gone["steps"], "pair": gone["pair"]}
        return found | {"reached": reached, "failed": failed} | {name: gone[name] for name in self.names}

    def _retry(self, rows: State) -> None:
        rows["attempt"] = rows["attempt"] + 1
        kept = ("start", "pair", "stop", "attempt", "steps", "best", "best_loss", *self.names)
        kept += ("normal",) * self.rule.projected
        self.waiting = joined(self.waiting, {name: rows[name] for name in kept})

    def _move(self, losses: Tensor, gradient: Tensor) -> None:
        """One step of every row."""
        now, rule = self.now, self.rule
        if rule.weight_decay:
            gradient = gradient + rule.weight_decay * now["x"]
        now["step"] = now["step"] + ~now["ended"]
        now["x"] = self.stepper.move(self.memory, now["x"], losses, gradient, now["stop"], self._within)
        if rule.bounds is not None:
            now["x"] = now["x"].clamp(*rule.bounds)

    def _within(self, update: Tensor) -> Tensor:
        """The update without its component along the row's unit normal."""
        if not self.rule.projected:
            return update
        normals = self.now["normal"]
        along = (update * normals).flatten(1).sum(1)
        return update - columns(along, update) * normals


def aside(start: Tensor, distance: float, number: int, normal: Tensor | None = None) -> Tensor:
    """start (*shape) moved by a distance in a random direction, within the hyperplane of the normal if there is one.

    The direction is drawn by start's own bits and the number, so that it does not depend on the others of a batch.
    """
    generator = torch.Generator().manual_seed(crc32(start.numpy(force=True).tobytes()) + number)
    kick = torch.randn(start.shape, generator=generator, dtype=start.dtype).to(start.device)
    if normal is not None:
        normal = _unit(normal[None])[0]
        kick = kick - (kick * normal).sum() * normal
    return start + distance * kick / kick.norm()


def _unit(normals: Tensor) -> Tensor:
    return normals / columns(normals.flatten(1).norm(dim=1), normals)
