"""Scanning straight segments for their largest loss: coarse first, then finer as long as a segment seems open."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from empirical.finder.paths import between
from empirical.losses.evaluation import Evaluator
from empirical.losses.points import columns

ZOOM = 8  # intervals by which a maximum found on a grid is refined, to each side


@dataclass(eq=False)
class Segment:
    """A straight segment of one pair's path, and what its scan has found so far."""

    pair: int
    a: Tensor
    c: Tensor
    seen: int = 0  # points of `refinement` that were evaluated
    worst: float = 0.0  # t in [0, 1] of the largest loss
    loss: float = -torch.inf  # the largest loss, infinite where it is not a number
    open: bool = False
    ends: tuple[float, float] | None = None  # losses of a and c, where they are known
    barrier: Tensor | None = None  # the point at `worst`


@dataclass(frozen=True)
class Lines:
    """Segments as rows of tensors."""

    a: Tensor  # (n, *shape)
    c: Tensor
    pairs: Tensor  # (n,) long
    known: Tensor | None  # (n, 2) losses of a and c

    @classmethod
    def of(cls, segments: Sequence[Segment]) -> "Lines":
        a, c = (torch.stack(points) for points in zip(*((one.a, one.c) for one in segments), strict=True))
        ends = [one.ends for one in segments]
        known = None if None in ends else torch.tensor(ends, dtype=a.dtype, device=a.device)
        return cls(a, c, torch.tensor([one.pair for one in segments], device=a.device), known)

    def losses(self, evaluate: Evaluator, t: Tensor, rows: Tensor | None = None) -> Tensor:
        """Losses (m, k) at places t (m, k) of the segments rows (m,), or of all of them."""
        rows = torch.arange(len(self.a), device=t.device) if rows is None else rows
        rows, weights = rows.repeat_interleave(t.shape[1]), t.flatten().to(self.a)

        def points(part: slice) -> tuple[Tensor, Tensor]:
            row = rows[part]
            weight = columns(weights[part], self.a)
            return between(self.a[row], self.c[row], weight), self.pairs[row]

        return evaluate.losses_of(len(rows), points, self.a).view(t.shape)

    def end_losses(self, evaluate: Evaluator) -> Tensor:
        """Losses (n, 2) of a and c."""
        if self.known is not None:
            return self.known
        ends = torch.tensor([0.0, 1.0], dtype=torch.float64, device=self.a.device)
        return self.losses(evaluate, ends.expand(len(self.a), -1))


def place_barriers(segments: Sequence[Segment]) -> None:
    """Make the worst point of each segment, of all in one batch."""
    if not segments:
        return
    lines = Lines.of(segments)
    t = torch.tensor([one.worst for one in segments], dtype=torch.float64).to(lines.a)
    points = between(lines.a, lines.c, t.view(-1, *[1] * (lines.a.ndim - 1)))
    for segment, point in zip(segments, points, strict=True):
        segment.barrier = point


def intervals(coarse: int, wanted: int) -> int:
    """The least of coarse, 2 coarse, 4 coarse, ... that is not below wanted."""
    return coarse * 2 ** max(int(np.ceil(np.log2(wanted / coarse))), 0)


@lru_cache(maxsize=64)
def refinement(coarse: int, finest: int) -> np.ndarray:
    """Points t inside (0, 1) of a grid of finest = coarse 2^k intervals, (finest - 1,), doubling after doubling."""
    levels = [np.arange(1, coarse) / coarse]
    n = coarse
    while n < finest:
        levels.append((np.arange(n) + 0.5) / n)
        n *= 2
    return np.concatenate(levels)


def scan(
    evaluate: Evaluator,
    segments: Sequence[Segment],
    level: float,
    coarse: int,
    wanted: Sequence[int],
    ranked: Evaluator | None = None,
) -> None:
    """Evaluate each segment on a grid of at least wanted[i] intervals, unless a point above the level is found before.

    The coarse grid is always gone through, and around the largest loss of a segment a finer one. What was evaluated in
    an earlier scan is not again. ranked: evaluates the coarse grid in lower precision, to find where the largest loss
    is; every loss that is kept is `evaluate`'s, and no segment is called open by the other.
    """
    fresh = [segment for segment in segments if not segment.seen]
    if fresh:
        _scan_coarse(evaluate if ranked is None else ranked, fresh, coarse)
    finest = [intervals(coarse, n) for n in wanted]
    if fresh:
        last = {id(segment) for segment, n in zip(segments, finest, strict=True) if n == coarse}
        tops = [one for one in fresh if ranked is not None or one.loss > level or id(one) in last]
        zoom(evaluate, tops, [coarse] * len(tops), whole=ranked is not None)
        if ranked is not None:  # what it calls open is looked at again
            _scan_coarse(evaluate, [one for one in fresh if one.loss <= level], coarse)
    refined = _refine(evaluate, segments, level, coarse, finest)
    zoom(evaluate, [segments[i] for i in refined], [finest[i] for i in refined])
    for segment in segments:
        segment.open = segment.loss <= level


def _scan_coarse(evaluate: Evaluator, segments: Sequence[Segment], coarse: int) -> None:
    if not segments:
        return
    t = np.tile(refinement(coarse, coarse), (len(segments), 1))
    _note(evaluate, segments, t)
    for segment in segments:
        segment.seen = coarse - 1


def _refine(
    evaluate: Evaluator, segments: Sequence[Segment], level: float, coarse: int, finest: Sequence[int]
) -> list[int]:
    """Double the grids up to the finest while no loss is above the level; returns the segments that were looked at.

    A segment ends between two doublings, whoever else is scanned, so that its worst point is its own.
    """
    points = refinement(coarse, max(finest, default=coarse))
    refined = [
        i
        for i, (segment, n) in enumerate(zip(segments, finest, strict=True))
        if segment.loss <= level and segment.seen < n - 1
    ]
    going = refined
    while going:
        seen = min(segments[i].seen for i in going)
        now = [i for i in going if segments[i].seen == seen]
        doubled = points[seen : 2 * seen + 1]
        _note(evaluate, [segments[i] for i in now], np.tile(doubled, (len(now), 1)))
        for i in now:
            segments[i].seen += len(doubled)
        going = [i for i in going if segments[i].loss <= level and segments[i].seen < finest[i] - 1]
    return refined


def zoom(evaluate: Evaluator, segments: Sequence[Segment], n: Sequence[int], whole: bool = False) -> None:
    """Evaluate a finer grid around the largest loss, found on a grid of n intervals; whole: and that point again."""
    if not segments:
        return
    around = np.arange(-ZOOM + 1, ZOOM) / ZOOM
    around = around if whole else around[around != 0]
    t = np.clip(np.array([s.worst for s in segments])[:, None] + around / np.array(n)[:, None], 0, 1)
    if whole:
        for segment in segments:
            segment.loss = -torch.inf
    _note(evaluate, segments, t)


def _note(evaluate: Evaluator, segments: Sequence[Segment], t: np.ndarray) -> None:
    """Evaluate segment i at t[i], (n, k), and keep its largest loss."""
    worst, loss = largest(evaluate, segments, t)
    for segment, where, value in zip(segments, worst, loss, strict=True):
        if value > segment.loss:
            segment.worst, segment.loss = where, value


def largest(evaluate: Evaluator, segments: Sequence[Segment], t: np.ndarray) -> tuple[list[float], list[float]]:
    """Where among t[i], (n, k), the loss of segment i is largest, and how large."""
    lines = Lines.of(segments)
    top = lines.losses(evaluate, torch.as_tensor(t).to(lines.a)).max(1)
    return t[np.arange(len(t)), top.indices.cpu().numpy()].tolist(), top.values.tolist()
