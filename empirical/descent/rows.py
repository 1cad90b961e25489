"""Moving points downhill until their loss is low: one row a point, rows leaving as they arrive.

Used for barriers (path_finder), class-optimal inputs (modes) and adversarial partners (attacks).
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from zlib import crc32

import torch
from torch import Tensor

from empirical.descent.steps import STEPPERS, State
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


@dataclass(eq=False)
class Row:
    """One point on its way down: where it began, and the best iterate seen, checked before it was moved on."""

    start: Tensor  # (*shape)
    pair: int
    stop: float  # loss at which it may end, nats
    normal: Tensor | None = None  # of the hyperplane of a projected rule
    attempt: int = 0
    steps: int = 0
    loss: float = torch.inf  # of `point`
    reached: bool = False
    failed: bool = False  # its loss ceased to be finite; `point` is then the best before
    point: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.point = self.start


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
    stops = [rule.stop] * len(start) if stop is None else stop.tolist()
    perpendicular = [None] * len(start) if normals is None else list(normals)
    rows = [Row(*row) for row in zip(start, pairs.tolist(), stops, perpendicular, strict=True)]
    moving.put(rows)
    while moving:
        moving.step()
    return Descended(
        torch.stack([row.point for row in rows]),
        start.new_tensor([row.loss for row in rows]),
        torch.tensor([row.steps for row in rows], device=start.device),
        torch.tensor([row.reached for row in rows], device=start.device),
    )


class Descents:
    """Rows that move, `room` of them at a time, and rows that wait; each ends by itself and makes room for another.

    Which have ended is known on the device; the host asks every `every` steps. A row that ended in between is moved on
    with the others, and nothing of that is kept.
    """

    def __init__(self, evaluate: Evaluator, rule: Descent, room: int, every: int | None = None) -> None:
        """every: 1 on a CPU where None, where asking costs nothing, and STEPS_BETWEEN_READS on other devices."""
        self.evaluate, self.rule, self.room, self.every = evaluate, rule, room, every
        self.stepper = STEPPERS[rule.steps](rule.lr)
        self.waiting: deque[Row] = deque()
        self.moving: list[Row] = []
        self.now: State = {}  # of the rows that move, tensors whose first axis is the row
        self.memory: State = {}  # of the stepper

    def __len__(self) -> int:
        return len(self.moving) + len(self.waiting)

    def put(self, rows: Iterable[Row]) -> None:
        self.waiting.extend(rows)

    def clear(self) -> None:
        """Forget all rows."""
        self.waiting.clear()
        self.moving, self.now, self.memory = [], {}, {}

    def step(self) -> list[Row]:
        """Evaluate all rows that move and move them on, a few times; returns those that ended."""
        self._take()
        every = self.every or (1 if self.now["x"].device.type == "cpu" else STEPS_BETWEEN_READS)
        for _ in range(every - 1):
            self._move(*self._evaluated())
        losses, gradient = self._evaluated()
        gone: list[Row] = []
        self.evaluate.n_reads += 1
        if self.now["ended"].any():
            gone, stay = self._leave()
            losses, gradient = losses[stay], gradient[stay]
        if self.moving:
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
        new = [self.waiting.popleft() for _ in range(min(self.room - len(self.moving), len(self.waiting)))]
        if not new:
            return
        x = torch.stack([self._begin(row) for row in new])
        steps = torch.zeros(len(new), dtype=torch.long, device=x.device)
        infinite = x.new_full((len(new),), torch.inf)
        no = torch.zeros_like(steps, dtype=torch.bool)
        fresh = {
            "x": x,
            "pair": torch.tensor([row.pair for row in new], device=x.device),
            "stop": x.new_tensor([row.stop for row in new]),
            "step": steps,
            "best": x,
            "best_loss": infinite,
            "ended": no,
            "failed": no,
            "wasted": steps,  # evaluations since it ended
        }
        if self.rule.deviation:
            fresh["start"] = torch.stack([row.start for row in new])
        if self.rule.projected:
            fresh["normal"] = _unit(torch.stack([row.normal for row in new if row.normal is not None]))
        if self.rule.patience is not None:
            fresh |= {"gained": steps, "mark": infinite}
        memory = self.stepper.begin(x)
        self.now, self.memory = _joined(self.now, fresh), _joined(self.memory, memory)
        self.moving += new

    def _begin(self, row: Row) -> Tensor:
        """The row's start, moved aside after a failed attempt."""
        x = row.start
        if row.attempt:
            x = aside(x, self.rule.lr, row.attempt - 1, row.normal if self.rule.projected else None)
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

    def _leave(self) -> tuple[list[Row], Tensor]:
        """Note where the rows that ended came to, close the gap, and let those try again that may; who stays."""
        now, gone = self.now, []
        names = ("ended", "failed", "step", "best_loss", "wasted")
        read = list(zip(*self.evaluate.read(*(now[name] for name in names)), strict=True))
        left = [i for i, (ended, *_) in enumerate(read) if ended]
        best = now["best"][torch.tensor(left, device=now["x"].device)]
        for point, i in zip(best, left, strict=True):
            row, (_, failed, taken, loss, wasted) = self.moving[i], read[i]
            row.steps += int(taken)
            self.evaluate.n_gradient -= int(wasted)
            if loss < row.loss:
                row.point, row.loss = point, loss
            row.reached, row.failed = row.loss <= row.stop, bool(failed) and row.loss > row.stop
            gone.append(row)
        again = [row for row in gone if not (row.reached or row.failed) and row.attempt < self.rule.restarts]
        for row in again:
            row.attempt += 1
        self.put(again)
        kept = [i for i, (ended, *_) in enumerate(read) if not ended]
        stay = torch.tensor(kept, dtype=torch.long, device=now["x"].device)
        self.moving = [self.moving[i] for i in kept]
        self.now = {name: value[stay] for name, value in now.items()}
        self.memory = {name: value[stay] for name, value in self.memory.items()}
        retried = set(map(id, again))
        return [row for row in gone if id(row) not in retried], stay

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


def _joined(some: State, others: State) -> State:
    return {name: torch.cat([some[name], new]) if some else new for name, new in others.items()}


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
