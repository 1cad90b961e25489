"""How good is a path, and how different from the straight line that it replaces?

Losses are in nats, lengths in units of the points, angles in degrees. B is the worst point of a straight segment,
B' the vertex that replaced it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from empirical.finder.find import Connection
from empirical.finder.paths import Path, between, profile
from empirical.losses.objectives import Objective
from percolation import checks

Perceptual = Callable[[Tensor, Tensor], Tensor]  # points (n, *shape) twice to distances (n,)


@dataclass(frozen=True)
class Bend:
    """One worst point B of a straight segment and the vertex B' that replaced it."""

    round: int  # 1 is the barrier of the straight line between the ends
    loss: float  # of B, nats
    l2: float  # |B' - B|
    linf: float  # largest change of one coordinate
    perceptual: float  # NaN where no such distance was given


@dataclass(frozen=True)
class Quality:
    """What there is to say of one path."""

    barrier: float  # largest loss on it, nats
    gap: float  # barrier minus the larger end loss, nats
    integrated: float  # mean loss along the arclength: integral of the loss divided by the length, nats
    integrated_error: float  # of the trapezoid rule, estimated from every second point, nats
    length_ratio: float  # length over distance of the ends, at least 1; NaN if the ends coincide
    deviation: float  # largest distance of the path from the straight line through its ends
    angles: tuple[float, ...]  # turns at the inner vertices, degrees; 0 goes straight on
    bends: tuple[Bend, ...]  # in order of the rounds; () for a path without history
    distance: float  # of the ends

    @property
    def relative_deviation(self) -> float:
        """Deviation over the distance of the ends; NaN if they coincide."""
        return self.deviation / self.distance if self.distance else math.nan

    @property
    def sharpest(self) -> float:
        """Largest turn, degrees; 0 for a straight path."""
        return max(self.angles, default=0.0)


def quality(
    objective: Objective,
    found: Connection | Path,
    pair: int = 0,
    *,
    n: int = 1000,
    perceptual: Perceptual | None = None,
) -> Quality:
    """Measure one path on about n points; of a connection the last one, with the bends that its history tells of.

    pair: handed to the objective. perceptual: a distance between batches of points, such as LPIPS.
    The error of `barrier` is that of a grid; `certificate.certify` bounds it.
    """
    n = checks.integer("n", n, at_least=2)
    path, history = (found, ()) if isinstance(found, Path) else (found.path, found.history)
    s, loss = profile(objective, path, pair, 2 * path.n_segments * -(-n // (2 * path.n_segments)))
    ends = (loss[0].item(), loss[-1].item())
    integrated, error = mean_loss(path, s, loss)
    barrier, distance = loss.max().item(), _distance(path)
    return Quality(
        barrier=barrier,
        gap=barrier - max(ends),
        integrated=integrated,
        integrated_error=error,
        length_ratio=path.length / distance if distance else math.nan,
        deviation=deviation(path),
        angles=tuple(angles(path).tolist()),
        bends=bends(objective, history, pair, n=n, perceptual=perceptual),
        distance=distance,
    )


def table(
    objective: Objective,
    connections: Sequence[Connection],
    *,
    n: int = 1000,
    perceptual: Perceptual | None = None,
) -> pd.DataFrame:
    """One row a connection, the pairs counted from 0 as `find_paths` returns them.

    straight_barrier: of the straight line; l2, linf, perceptual: of its B and B', NaN if it is open or stalled.
    """
    return pd.DataFrame(
        [
            _row(i, connection, quality(objective, connection, i, n=n, perceptual=perceptual))
            for i, connection in enumerate(connections)
        ]
    )


def mean_loss(path: Path, s: Tensor, loss: Tensor) -> tuple[float, float]:
    """Integral of the loss (n,) at s (n,) along the arclength, per unit of length, and its error, in nats.

    Trapezoid rule; error |T(h) - T(2 h)| / 3, Richardson's for a loss with two derivatives, a guess at kinks.
    s: every vertex among them, and an even number of intervals on each segment. A path of length 0 has the loss of its
    point and no error.
    """
    place, loss = path.arclength(s), loss.double().cpu()
    if not path.length:
        return loss[0].item(), 0.0
    fine = torch.trapezoid(loss, place).item()
    return fine, abs(fine - torch.trapezoid(loss[::2], place[::2]).item()) / 3


def deviation(path: Path) -> float:
    """Largest distance of the path from the line through its ends; from their point if they coincide.

    Distance to a line is convex, so that the largest on a polygon is that of a vertex.
    """
    vertices = path.vertices.flatten(1).double()
    away, along = vertices - vertices[0], vertices[-1] - vertices[0]
    if along.norm():
        unit = along / along.norm()
        away = away - (away @ unit)[:, None] * unit
    return away.norm(dim=1).max().item()


def angles(path: Path) -> Tensor:
    """Turns at the inner vertices (n_segments - 1,), degrees in [0, 180]; NaN beside a segment of length 0.

    2 atan2(|u - v|, |u + v|) for unit directions u and v, accurate for small turns too (Kahan).
    """
    directions = path.vertices.flatten(1).double().diff(dim=0)
    unit = directions / directions.norm(dim=1, keepdim=True)
    u, v = unit[:-1], unit[1:]
    return torch.rad2deg(2 * torch.atan2((u - v).norm(dim=1), (u + v).norm(dim=1)))


def bends(
    objective: Objective,
    history: Sequence[Path],
    pair: int = 0,
    *,
    n: int = 1000,
    perceptual: Perceptual | None = None,
) -> tuple[Bend, ...]:
    """Every B with the B' that replaced it, round by round.

    B is found again, on n intervals of its segment: a finder that scans a coarser grid moved another point nearby.
    """
    found: list[Bend] = []
    for number, (before, after) in enumerate(zip(history[:-1], history[1:], strict=True), start=1):
        segments, vertices = new_vertices(before, after)
        for segment, vertex in zip(segments, vertices, strict=True):
            b, loss = worst_point(objective, Path(before.vertices[segment : segment + 2]), pair, n)
            change = vertex - b
            felt = perceptual(b[None], vertex[None]).item() if perceptual else math.nan
            found.append(Bend(number, loss, change.norm().item(), change.abs().max().item(), felt))
    return tuple(found)


def new_vertices(before: Path, after: Path) -> tuple[list[int], list[Tensor]]:
    """The vertices that `after` has and `before` lacks, each with the segment of `before` that it replaced.

    The vertices of `before` come in the same order and bit for bit in `after`.
    """
    segments, vertices = [], []
    kept = 0  # vertices of `before` met so far
    for vertex in after.vertices:
        if kept < len(before.vertices) and torch.equal(vertex, before.vertices[kept]):
            kept += 1
        else:
            segments.append(kept - 1)
            vertices.append(vertex)
    if kept < len(before.vertices) or -1 in segments:
        raise ValueError("the vertices of the path before are not all in the path after, in their order")
    return segments, vertices


def worst_point(objective: Objective, segment: Path, pair: int, n: int) -> tuple[Tensor, float]:
    """The point (*shape) of largest loss on a straight segment, of n - 1 inside it, and its loss."""
    s, loss = profile(objective, segment, pair, n)
    top = 1 + int(loss[1:-1].nan_to_num(nan=torch.inf).argmax())
    return between(segment.vertices[0], segment.vertices[1], s[top].to(segment.vertices)), loss[top].item()


def _row(i: int, connection: Connection, of: Quality) -> dict[str, object]:
    first = of.bends[0] if of.bends else Bend(1, math.nan, math.nan, math.nan, math.nan)
    return {
        "index": i,
        "status": connection.status,
        "rounds": connection.rounds,
        "segments": connection.path.n_segments,
        "straight_barrier": connection.barrier,
        "barrier": of.barrier,
        "gap": of.gap,
        "integrated": of.integrated,
        "integrated_error": of.integrated_error,
        "length_ratio": of.length_ratio,
        "deviation": of.deviation,
        "relative_deviation": of.relative_deviation,
        "sharpest_turn": of.sharpest,
        "l2": first.l2,
        "linf": first.linf,
        "perceptual": first.perceptual,
    }


def _distance(path: Path) -> float:
    return (path.vertices[-1] - path.vertices[0]).norm().item()
