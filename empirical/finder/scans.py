"""Scanning straight segments for their largest loss: coarse first, then finer as long as a segment seems open."""

from dataclasses import dataclass, fields
from functools import lru_cache

import torch
from torch import Tensor

from empirical.descent.states import where
from empirical.finder.paths import between
from empirical.losses.evaluation import Evaluator
from empirical.losses.points import columns

ZOOM = 8  # intervals by which a maximum found on a grid is refined, to each side


@dataclass(frozen=True)
class Lines:
    """Straight segments as rows of tensors."""

    a: Tensor  # (n, *shape)
    c: Tensor
    pairs: Tensor  # (n,) long
    known: Tensor | None = None  # (n, 2) losses of a and c

    def __len__(self) -> int:
        return len(self.pairs)

    def select(self, rows: Tensor) -> "Lines":
        known = None if self.known is None else self.known[rows]
        return Lines(self.a[rows], self.c[rows], self.pairs[rows], known)

    def joined(self, other: "Lines") -> "Lines":
        """These and others; losses of the ends are known of both or of neither."""
        known = None if self.known is None or other.known is None else torch.cat([self.known, other.known])
        a, c = torch.cat([self.a, other.a]), torch.cat([self.c, other.c])
        return Lines(a, c, torch.cat([self.pairs, other.pairs]), known)

    def points(self, t: Tensor) -> Tensor:
        """A point (n, *shape) of each segment, at t (n,)."""
        return between(self.a, self.c, columns(t.to(self.a), self.a))

    def losses(self, evaluate: Evaluator, t: Tensor, rows: Tensor | None = None) -> Tensor:
        """Losses (m, k) at places t (m, k) of the segments rows (m,), or of all of them."""
        rows = torch.arange(len(self), device=t.device) if rows is None else rows
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
        return self.losses(evaluate, ends.expand(len(self), -1))


@dataclass
class Seen:
    """What the scans of n segments have found so far."""

    loss: Tensor  # (n,) the largest, nats; infinite where it is not a number
    place: Tensor  # (n,) double, where that is, in [0, 1]
    asked: Tensor  # (n,) long, points of the dense rule's `refinement` that were evaluated

    @classmethod
    def nothing(cls, n: int, like: Tensor) -> "Seen":
        """Of n segments nothing; losses as tensors go that are like."""
        zeros = torch.zeros(n, dtype=torch.long, device=like.device)
        return cls(like.new_full((n,), -torch.inf), zeros.double(), zeros)

    def select(self, rows: Tensor | slice) -> "Seen":
        return Seen(self.loss[rows], self.place[rows], self.asked[rows])

    def joined(self, other: "Seen") -> "Seen":
        return Seen(*(torch.cat([getattr(self, one.name), getattr(other, one.name)]) for one in fields(self)))

    def put(self, rows: Tensor, found: "Seen") -> None:
        for one in fields(self):
            getattr(self, one.name)[rows] = getattr(found, one.name)

    def note(self, rows: Tensor, t: Tensor, f: Tensor) -> None:
        """Further losses f (m, k) at places t (m, k) of the segments rows (m,), each of them once."""
        top = f.max(1)
        before = self.loss[rows]
        higher = top.values > before
        place = t.gather(1, top.indices[:, None])[:, 0]
        self.place[rows] = torch.where(higher, place, self.place[rows])
        self.loss[rows] = torch.where(higher, top.values, before)


def intervals(coarse: int, wanted: Tensor) -> Tensor:
    """The least of coarse, 2 coarse, 4 coarse, ... that is not below wanted (n,) long."""
    enough = coarse * 2 ** torch.arange(max(62 - coarse.bit_length(), 1), device=wanted.device)
    return enough[torch.searchsorted(enough, wanted)]


@lru_cache(maxsize=64)
def refinement(coarse: int, finest: int) -> Tensor:
    """Points t inside (0, 1) of a grid of finest = coarse 2^k intervals, (finest - 1,), doubling after doubling."""
    levels = [torch.arange(1, coarse, dtype=torch.float64) / coarse]
    n = coarse
    while n < finest:
        levels.append((torch.arange(n, dtype=torch.float64) + 0.5) / n)
        n *= 2
    return torch.cat(levels)


def scan(
    evaluate: Evaluator,
    lines: Lines,
    seen: Seen,
    level: float,
    coarse: int,
    wanted: Tensor,
    ranked: Evaluator | None = None,
) -> None:
    """Evaluate each segment on a grid of at least wanted (n,) intervals, unless a point above the level is found.

    The coarse grid is always gone through, and around the largest loss of a segment a finer one. What was evaluated in
    an earlier scan is not again. ranked: evaluates the coarse grid in lower precision, to find where the largest loss
    is; every loss that is kept is `evaluate`'s, and no segment is found open by the other.
    """
    fresh, finest = where(seen.asked == 0), intervals(coarse, wanted)
    if ranked is None:
        _scan_coarse(evaluate, lines, seen, fresh, coarse)
        zoom(evaluate, lines, seen, fresh[(seen.loss > level)[fresh] | (finest[fresh] == coarse)], coarse)
    else:
        _scan_coarse(ranked, lines, seen, fresh, coarse)
        zoom(evaluate, lines, seen, fresh, coarse, whole=True)
        # what the other calls open is looked at again
        _scan_coarse(evaluate, lines, seen, fresh[seen.loss[fresh] <= level], coarse)
    refined = _refine(evaluate, lines, seen, level, coarse, finest)
    zoom(evaluate, lines, seen, refined, finest[refined])


def _scan_coarse(evaluate: Evaluator, lines: Lines, seen: Seen, rows: Tensor, coarse: int) -> None:
    _note(evaluate, lines, seen, rows, refinement(coarse, coarse))
    seen.asked[rows] = coarse - 1


def _refine(evaluate: Evaluator, lines: Lines, seen: Seen, level: float, coarse: int, finest: Tensor) -> Tensor:
    """Double the grids up to the finest while no loss is above the level; returns the segments that were looked at.

    A segment ends between two doublings, whoever else is scanned, so that its worst point is its own.
    """
    going = refined = where((seen.loss <= level) & (seen.asked < finest - 1))
    while len(going):
        asked = int(seen.asked[going].min())
        now = going[seen.asked[going] == asked]
        doubled = refinement(coarse, 2 * (asked + 1))[asked:]
        _note(evaluate, lines, seen, now, doubled)
        seen.asked[now] += len(doubled)
        going = going[(seen.loss[going] <= level) & (seen.asked[going] < finest[going] - 1)]
    return refined


def zoom(evaluate: Evaluator, lines: Lines, seen: Seen, rows: Tensor, n: Tensor | int, whole: bool = False) -> None:
    """Evaluate a finer grid around the largest loss of the segments rows (m,), found on a grid of n (m,) intervals.

    whole: and that point again, and what was found before is forgotten.
    """
    around = torch.arange(-ZOOM + 1, ZOOM, dtype=torch.float64, device=rows.device) / ZOOM
    around = around if whole else around[around != 0]
    n = torch.as_tensor(n, device=rows.device).expand(len(rows))
    t = (seen.place[rows, None] + around / n[:, None]).clamp(0, 1)
    if whole:
        seen.loss[rows] = -torch.inf
    _note(evaluate, lines, seen, rows, t)


def _note(evaluate: Evaluator, lines: Lines, seen: Seen, rows: Tensor, t: Tensor) -> None:
    """Evaluate the segments rows (m,) at places t (m, k), or t (k,) the same for all, and keep their largest losses."""
    if len(rows):
        t = t.to(rows.device).expand(len(rows), -1)
        seen.note(rows, t, lines.losses(evaluate, t, rows))
