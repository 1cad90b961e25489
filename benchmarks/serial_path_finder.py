"""The published serial procedure, one pair and one segment at a time: peer of the benchmarks, twin of the tests.

Written from the definitions. Every segment is scanned on 1000 points in batches of 64; the worst point B is moved by
Adam: for a fixed number of steps, its gradient projected (PUBLISHED_TRAINED), or freely until the loss is below stop
and one step beyond (PUBLISHED_UNTRAINED). PARITY follows this package's own rule instead, so that `find_paths` can be
compared with a program that shares none of its loops.
Source: Vrabel et al., Input space mode connectivity in deep neural networks, arXiv:2409.05800 (2024), and its code.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from empirical.descent.rows import Descent
from empirical.finder.find import Finder
from empirical.losses.objectives import Objective, total_variation

SCAN = 1000  # points a segment, its ends among them
BATCH = 64  # points evaluated at a time
ZOOM = 8  # of our own scan: intervals by which a maximum found on a grid is refined, to each side


@dataclass
class Segment:
    a: Tensor  # (*shape)
    c: Tensor
    worst: float = 0.0  # t of the largest loss
    loss: float = -torch.inf  # the largest loss, nats
    open: bool = False
    grid: int = 0  # intervals of the finest grid that was gone through (PARITY)


@dataclass(frozen=True)
class Moved:
    """Where a point came to, its loss there, and the steps made."""

    point: Tensor
    loss: float
    steps: int


@dataclass(frozen=True)
class Found:
    """The end of a search; the words are those of `path_finder.Connection`."""

    status: str
    vertices: Tensor  # (n_segments + 1, *shape)
    rounds: int
    steps: int
    barrier: float  # largest loss on the straight line, nats

    @property
    def connected(self) -> bool:
        return self.status == "connected"


Loss = Callable[[Tensor], Tensor]  # points (n, *shape) to losses (n,), of one pair


@dataclass(frozen=True)
class Procedure:
    """What the published procedure and ours do differently."""

    scan: Callable[[Loss, Segment, Finder], None]  # fills in worst, loss and open
    optimise: Callable[[Loss, Tensor, Tensor, Finder], Moved]  # of B, with the direction of its segment
    arrived: Callable[[Moved, Finder], bool]
    recheck: Callable[[Loss, list[Segment], Finder], bool]  # of a path whose segments are open; may close one


def connect(
    objective: Objective, a: Tensor, c: Tensor, pair: int, finder: Finder, procedure: "Procedure | None" = None
) -> Found:
    """Connect a with c, (*shape) each, the points of one pair. procedure: PUBLISHED_UNTRAINED where None."""
    procedure = PUBLISHED_UNTRAINED if procedure is None else procedure

    def loss(points: Tensor) -> Tensor:
        return objective(points, torch.full((len(points),), pair, device=points.device))

    segments = [Segment(a, c)]
    procedure.scan(loss, segments[0], finder)
    rounds, steps, status = 0, 0, ""
    while not status:
        done = all(segment.open for segment in segments) and procedure.recheck(loss, segments, finder)
        if rounds == 0:
            barrier = max(segments[0].loss, *_ends(loss, a, c))
        if done or rounds == finder.max_rounds:
            status = "connected" if done else "rounds"
        else:
            rounds += 1
            segments, made, arrived = _round(loss, segments, finder, procedure)
            steps += made
            status = "" if arrived else "stalled"
    vertices = torch.stack([segment.a for segment in segments] + [segments[-1].c])
    return Found(status, vertices, rounds, steps, barrier)


@torch.no_grad()
def _ends(loss: Loss, a: Tensor, c: Tensor) -> list[float]:
    return [float(one) for one in loss(torch.stack([a, c]))]


def _round(
    loss: Loss, segments: list[Segment], finder: Finder, procedure: Procedure
) -> tuple[list[Segment], int, bool]:
    """Every closed segment cut at its worst point; the steps made; whether every point came down."""
    after: list[Segment] = []
    steps, arrived = 0, True
    for segment in segments:
        if segment.open:
            after.append(segment)
            continue
        b = (1 - segment.worst) * segment.a + segment.worst * segment.c
        moved = procedure.optimise(loss, b, segment.c - segment.a, finder)
        steps += moved.steps
        if not procedure.arrived(moved, finder):
            after.append(segment)
            arrived = False
            continue
        halves = [Segment(segment.a, moved.point), Segment(moved.point, segment.c)]
        for half in halves:
            procedure.scan(loss, half, finder)
        after += halves
    return after, steps, arrived


def class_optimal(
    objective: Objective, start: Tensor, pair: int, *, lr: float, iterations: int, stop: float, weight_decay: float
) -> Moved:
    """The published search from noise: every step evaluates the point twice, before it and after it."""
    index = torch.tensor([pair], device=start.device)
    x = start[None].clone().requires_grad_()
    adam = torch.optim.Adam([x], lr=lr, weight_decay=weight_decay)
    best, best_loss, steps = start, float("inf"), 0
    for _ in range(iterations):
        adam.zero_grad()
        objective(x, index).sum().backward()
        adam.step()
        steps += 1
        with torch.no_grad():
            after = objective(x, index).item()
        if after < best_loss:
            best, best_loss = x.detach()[0].clone(), after
        if after < stop:
            break
    return Moved(best, best_loss, steps)


# --- as published


def _scan_published(loss: Loss, segment: Segment, finder: Finder) -> None:
    t = torch.linspace(0, 1, SCAN, dtype=segment.a.dtype, device=segment.a.device)
    found = _along(loss, segment, t)
    segment.worst, segment.loss = t[found.argmax()].item(), found.max().item()
    segment.open = segment.loss <= finder.level


def _fixed_steps(loss: Loss, b: Tensor, direction: Tensor, finder: Finder) -> Moved:
    """All the steps allowed, the gradient projected, the last iterate returned; penalties on x - B."""
    rule = finder.descent
    x = b[None].clone().requires_grad_()
    adam = torch.optim.Adam([x], lr=rule.lr, weight_decay=rule.weight_decay)
    for _ in range(rule.iterations):
        adam.zero_grad()
        away = x - b
        (loss(x).sum() + rule.deviation * away.square().mean() + rule.total_variation * _variation(away)).backward()
        if rule.projected:
            assert x.grad is not None
            x.grad -= (x.grad * direction).sum() / (direction * direction).sum() * direction
        adam.step()
    return _as_moved(loss, x, rule.iterations)


def _until_stop(loss: Loss, b: Tensor, direction: Tensor, finder: Finder) -> Moved:
    """Freely, until the loss before a step is below stop; the iterate after that step is returned."""
    rule = finder.descent
    x = b[None].clone().requires_grad_()
    adam = torch.optim.Adam([x], lr=rule.lr, weight_decay=rule.weight_decay)
    steps, before = 0, float("inf")
    while steps < rule.iterations and before >= rule.stop:
        adam.zero_grad()
        value = loss(x).sum()
        value.backward()
        adam.step()
        steps += 1
        before = value.item()
    return _as_moved(loss, x, steps)


def _as_moved(loss: Loss, x: Tensor, steps: int) -> Moved:
    with torch.no_grad():
        return Moved(x.detach()[0], loss(x).item(), steps)


def _below_level(moved: Moved, finder: Finder) -> bool:
    """A vertex above the level closes the path for good."""
    return moved.loss <= finder.level


PUBLISHED_TRAINED = Procedure(_scan_published, _fixed_steps, _below_level, lambda loss, segments, finder: True)
PUBLISHED_UNTRAINED = Procedure(_scan_published, _until_stop, _below_level, lambda loss, segments, finder: True)


# --- by our own rule


def _scan_refining(loss: Loss, segment: Segment, finder: Finder) -> None:
    """The coarse grid; if it shows nothing above the level, finer ones until there are `dense` intervals."""
    _note(loss, segment, torch.arange(1, finder.coarse, dtype=torch.float64) / finder.coarse)
    segment.grid = finder.coarse
    if segment.loss > finder.level or finder.coarse >= finder.dense:
        _zoom(loss, segment, finder.coarse)
        segment.open = segment.loss <= finder.level
    else:
        _refine(loss, segment, finder, finder.dense)


def _refine(loss: Loss, segment: Segment, finder: Finder, wanted: int) -> None:
    """Halve the grid until it has `wanted` intervals or shows a loss above the level; then look around its top."""
    finest = finder.coarse
    while finest < wanted:
        finest *= 2
    while segment.grid < finest and segment.loss <= finder.level:
        _note(loss, segment, (torch.arange(segment.grid, dtype=torch.float64) + 0.5) / segment.grid)
        segment.grid *= 2
    _zoom(loss, segment, finest)
    segment.open = segment.loss <= finder.level


def _zoom(loss: Loss, segment: Segment, n: int) -> None:
    around = torch.arange(-ZOOM + 1, ZOOM, dtype=torch.float64)
    _note(loss, segment, segment.worst + around[around != 0] / ZOOM / n)


def _note(loss: Loss, segment: Segment, t: Tensor) -> None:
    found = _along(loss, segment, t.to(segment.a.dtype)).nan_to_num(nan=torch.inf)
    if found.max() > segment.loss:
        segment.worst, segment.loss = t[found.argmax()].item(), found.max().item()


def _checked_steps(loss: Loss, b: Tensor, direction: Tensor, finder: Finder) -> Moved:
    """Adam, its update projected; ends at the first iterate whose loss is at most stop, or with the best one."""
    rule = finder.descent
    normal = direction / direction.norm()
    x, mean, square = b.clone(), torch.zeros_like(b), torch.zeros_like(b)
    best, best_loss, mark, gained, still = b, float("inf"), float("inf"), 0, False
    for steps in range(rule.iterations + 1):
        value, gradient = _slope(loss, x, b, rule)
        if value < best_loss:
            best, best_loss = x, value
        if value - rule.stop < 0.99 * (mark - rule.stop):
            mark, gained = value, steps
        if best_loss <= rule.stop and steps >= rule.first_check or steps == rule.iterations:
            break
        if still or (rule.patience is not None and steps - gained >= rule.patience):
            break
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        update = mean / (1 - 0.9 ** (steps + 1)) / ((square / (1 - 0.999 ** (steps + 1))).sqrt() + 1e-8)
        if rule.projected:
            update = update - (update * normal).sum() * normal
        before, x = x, x - rule.lr * update
        still = bool((gradient == 0).all()) and torch.equal(before, x)  # on level ground
    return Moved(best, best_loss, steps)


def _slope(loss: Loss, x: Tensor, b: Tensor, rule: Descent) -> tuple[float, Tensor]:
    x = x[None].clone().requires_grad_()
    value = loss(x).sum()
    aim = value.clamp(min=torch.finfo(x.dtype).tiny).log() if rule.log else value
    penalty = rule.deviation * (x - b).square().mean() + rule.total_variation * total_variation(x).sum()
    (aim + penalty).backward()
    assert x.grad is not None
    gradient = (x.grad + rule.weight_decay * x.detach())[0]
    return value.item(), gradient


def _at_stop(moved: Moved, finder: Finder) -> bool:
    return moved.loss <= finder.descent.stop


def _recheck(loss: Loss, segments: list[Segment], finder: Finder) -> bool:
    """The path on at least `recheck` intervals; a segment that shows a loss above the level is closed again."""
    enough = -(-finder.recheck // len(segments))
    for segment in segments:
        if segment.grid < enough:
            _refine(loss, segment, finder, enough)
    return all(segment.open for segment in segments)


PARITY = Procedure(_scan_refining, _checked_steps, _at_stop, _recheck)


@torch.no_grad()
def _along(loss: Loss, segment: Segment, t: Tensor) -> Tensor:
    """Losses at t (n,) of the segment, in batches of 64."""
    t = t.view(-1, *[1] * segment.a.ndim)
    return torch.cat([loss((1 - part) * segment.a + part * segment.c) for part in t.split(BATCH)])


def _variation(away: Tensor) -> Tensor:
    return total_variation(away).sum()
