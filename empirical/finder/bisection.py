"""Scanning a segment at the points that matter: an interval is halved only where its loss may exceed the level.

A segment is looked at on a coarse grid and, if it seems open there, at CHECKS random places, one in each of as many
equal parts, which are not the grid's. With losses f_left, f_right at the ends of an interval of width h, and K the
steepest secant of it and of its two neighbours, its loss is taken to be at most

    (f_left + f_right) / 2 + SAFETY K h / 2.

Intervals where that exceeds the level are halved, those of all segments in one batch, until none is left or they are
1/FINEST of the segment wide. A random place whose loss exceeds the bound of its interval is a surprise: all intervals
of its segment are halved then. A point above the level ends the scan of its segment; the peak beside its largest loss
is looked at then (`tops`), and is the worst point if it is higher.

What that guarantees: no point that was evaluated is above the level, and none between them is if the loss is nowhere
more than SAFETY times as steep as its secants nearby. A spike that no secant tells of is seen if it is wider than an
interval of the grid, otherwise with a probability of at least CHECKS times its width as a share of the segment.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from empirical.descent.states import where
from empirical.finder.scans import Lines, Seen, scan
from empirical.finder.settings import Finder
from empirical.finder.tops import Tops
from empirical.losses.evaluation import Evaluator

SAFETY = 2.0  # times the steepest secant nearby
CHECKS = 8  # random places a segment
FINEST = 1024  # intervals of a segment, below which none is halved
BOUND_VIOLATED_BY = 0.01  # of the room between bound and level: what lies further above a bound is no rounding
FREE = 256  # of a chunk as large as the machine likes, so large a part costs about as much as one point
HASHED_COORDINATES = 64  # coordinates of each end that the random places are drawn by
GOLDEN_RATIO = 0x9E3779B97F4A7C15 - 2**64  # 2^64 over the golden ratio, as int64
SPLITMIX = (0xBF58476D1CE4E5B9 - 2**64, 0x94D049BB133111EB - 2**64)  # splitmix64, Steele, Lea and Flood 2014


def scan_by(
    finder: Finder,
    evaluate: Evaluator,
    lines: Lines,
    seen: Seen,
    wanted: Tensor,
    ranked: Evaluator | None = None,
) -> None:
    """Scan the segments by the finder's rule; wanted (n,): intervals of each where that is the dense one."""
    if finder.scan == "sparse":
        bisect(evaluate, lines, seen, finder.level, finder.coarse, ranked)
    else:
        scan(evaluate, lines, seen, finder.level, finder.coarse, wanted, ranked)


def bisect(
    evaluate: Evaluator, lines: Lines, seen: Seen, level: float, coarse: int, ranked: Evaluator | None = None
) -> None:
    """Find whether each segment is open, and the largest loss on it; its place is refined where it is closed.

    ranked: in lower precision; what it sees closed is first looked at around the top that it saw.
    """
    rows = torch.arange(len(lines), device=lines.a.device)
    if ranked is not None:
        rows = rows[~_seen_closed(evaluate, lines, seen, level, coarse, ranked)]
    if len(rows):
        seen.put(rows, _bisected(evaluate, lines.select(rows), level, coarse))


def random_places(lines: Lines) -> Tensor:
    """Places (n, CHECKS), one in each of CHECKS equal parts of [0, 1], drawn by the bits of the lines' ends.

    So they depend on no other line of a batch, and come again when a search is repeated.
    """
    flat = [end.flatten(1) for end in (lines.a, lines.c)]
    every = -(-flat[0].shape[1] // HASHED_COORDINATES)
    bits = torch.cat([end[:, ::every].float() for end in flat], dim=1).contiguous().view(torch.int32).long()
    numbers = torch.arange(1, bits.shape[1] + 1, device=bits.device)
    word = (_mixed(numbers * GOLDEN_RATIO) | 1).mul(bits).sum(1, keepdim=True)
    parts = torch.arange(CHECKS, device=bits.device)
    uniform = ((_mixed(word + (parts + 1) * GOLDEN_RATIO) >> 11) & (2**53 - 1)).double() / 2**53
    return (parts + uniform) / CHECKS


def _mixed(words: Tensor) -> Tensor:
    """The finalizer of splitmix64."""
    words = (words ^ _shifted(words, 30)) * SPLITMIX[0]
    words = (words ^ _shifted(words, 27)) * SPLITMIX[1]
    return words ^ _shifted(words, 31)


def _shifted(words: Tensor, n: int) -> Tensor:
    """int64 words shifted right by n bits, zeros moving in."""
    return (words >> n) & (2 ** (64 - n) - 1)


def _seen_closed(evaluate: Evaluator, lines: Lines, seen: Seen, level: float, coarse: int, ranked: Evaluator) -> Tensor:
    """Which segments (n,) are found closed at the top of a coarse grid in lower precision or at the peak beside it."""
    grid = _grid(coarse, lines)
    tops = Tops.of_grid(grid, lines.losses(ranked, grid.expand(len(lines), -1)))
    suspects = where(tops.loss > level)
    places = torch.stack([tops.places[:, 1], tops.peaks()], dim=1)[suspects]
    seen.note(suspects, places, lines.losses(evaluate, places, suspects))
    return seen.loss > level


def _bisected(evaluate: Evaluator, lines: Lines, level: float, coarse: int) -> Seen:
    grid = _grid(coarse, lines)
    ends, inner = lines.end_losses(evaluate), lines.losses(evaluate, grid[1:-1].expand(len(lines), -1))
    f = torch.cat([ends[:, :1], inner, ends[:, 1:]], dim=1)
    tops = Tops.of_grid(grid, f)
    left = where(tops.loss <= level)
    f, places = f[left], random_places(lines.select(left))
    checks = lines.losses(evaluate, places, left)
    tops.note(left.repeat_interleave(CHECKS), *_beside_the_grid(grid, f, places, checks))
    going = _Intervals.of_grid(left, f, tops.loss[left] <= level, level, places, checks)
    ahead = _Ahead(evaluate, lines)
    while len(going.segment) and going.h > 1 / FINEST:
        f = ahead.middles(going)
        tops.note(going.segment, *going.with_middles(f))
        going = going.halved(f).undecided(level, tops.loss <= level)
    tops.climb(evaluate, lines, where(tops.loss > level))
    return tops.seen()


def _grid(coarse: int, lines: Lines) -> Tensor:
    """Places (coarse + 1,) of [0, 1]."""
    return torch.arange(coarse + 1, dtype=torch.float64, device=lines.a.device) / coarse


def _beside_the_grid(grid: Tensor, f: Tensor, places: Tensor, checks: Tensor) -> tuple[Tensor, Tensor]:
    """Places and losses (n k, 3) of checks (n, k) at places (n, k), each between its neighbours on a grid (m,) where
    the losses are f (n, m)."""
    before = (places * (len(grid) - 1)).long().clamp(max=len(grid) - 2)
    around = torch.stack([grid[before], places, grid[before + 1]], dim=2)
    return around.view(-1, 3), torch.stack([f.gather(1, before), checks, f.gather(1, before + 1)], dim=2).view(-1, 3)


@dataclass
class _Intervals:
    """Intervals of one width, sorted by segment and place."""

    h: float
    segment: Tensor  # (m,) long
    left: Tensor  # (m,) double
    f: Tensor  # (m, 2) losses at both ends
    beside: Tensor  # (m, 2) secants of the intervals beside it, nats per unit of t, at least 0
    within: Tensor  # (m,) long, number of the interval that `_Ahead` looked into

    @classmethod
    def of_grid(
        cls, segments: Tensor, f: Tensor, alive: Tensor, level: float, places: Tensor, checks: Tensor
    ) -> "_Intervals":
        """Those of the grids of segments (n,) that have to be halved, where alive (n,).

        f: (n, coarse + 1) losses of the grids. checks: (n, k) losses at places (n, k).
        """
        n, h = f.shape[1] - 1, 1 / (f.shape[1] - 1)
        secant = f.diff(dim=1).abs() / h
        none = torch.zeros_like(secant[:, :1])
        beside = torch.stack([torch.cat([none, secant[:, :-1]], 1), torch.cat([secant[:, 1:], none], 1)], dim=2)
        bound = _bound(f[:, :-1], f[:, 1:], beside, h)
        own = bound.gather(1, (places * n).long().clamp(max=n - 1))
        surprised = ((checks > own) & (checks - own > BOUND_VIOLATED_BY * (level - own))).any(1)
        wanted = ((bound > level) | surprised[:, None]) & alive[:, None]
        segment, k = wanted.nonzero(as_tuple=True)
        both = torch.stack([f[segment, k], f[segment, k + 1]], dim=1)
        return cls(h, segments[segment], k.double() / n, both, beside[segment, k], torch.zeros_like(k))

    def with_middles(self, f: Tensor) -> tuple[Tensor, Tensor]:
        """Places and losses (m, 3) of each and of its middle, where the losses are f (m,)."""
        places = self.left[:, None] + self.h * torch.tensor([0, 0.5, 1], device=f.device, dtype=torch.float64)
        return places, torch.stack([self.f[:, 0], f, self.f[:, 1]], dim=1)

    def halved(self, f: Tensor) -> "_Intervals":
        """Both halves of each, with the losses f (m,) of the middles."""
        h = self.h / 2
        secant = torch.stack([f - self.f[:, 0], self.f[:, 1] - f], dim=1).abs() / h  # (m, 2) of the halves
        beside = self.beside.clone()
        touching = (self.segment[1:] == self.segment[:-1]) & (self.left.diff() < 1.5 * self.h)
        beside[1:, 0] = torch.where(touching, secant[:-1, 1], beside[1:, 0])
        beside[:-1, 1] = torch.where(touching, secant[1:, 0], beside[:-1, 1])
        return _Intervals(
            h,
            self.segment.repeat_interleave(2),
            torch.stack([self.left, self.left + h], dim=1).flatten(),
            torch.stack([self.f[:, 0], f, f, self.f[:, 1]], dim=1).view(-1, 2),
            torch.stack([beside[:, 0], secant[:, 1], secant[:, 0], beside[:, 1]], dim=1).view(-1, 2),
            self.within.repeat_interleave(2),
        )

    def undecided(self, level: float, alive: Tensor) -> "_Intervals":
        """Those whose bound is above the level, of the segments (n,) that are alive."""
        wanted = (_bound(self.f[:, 0], self.f[:, 1], self.beside, self.h) > level) & alive[self.segment]
        rows = wanted.nonzero().squeeze(1)
        return _Intervals(
            self.h, self.segment[rows], self.left[rows], self.f[rows], self.beside[rows], self.within[rows]
        )


class _Ahead:
    """Losses in the middles of intervals; where these are few, those of later halvings too, in the same batch.

    What is looked at ahead is told when it is asked for, and else not: the scan goes as it would without.
    """

    def __init__(self, evaluate: Evaluator, lines: Lines) -> None:
        self.evaluate, self.lines = evaluate, lines
        self.left = self.f = lines.a.new_empty(0)
        self.h = 0.0  # of the intervals that were looked into, (m,) of these left ends; f: (m, 2^k - 1) losses in them

    def middles(self, going: _Intervals) -> Tensor:
        """Losses (m,) in the middles of the intervals."""
        n = self.f.shape[-1] + 1  # pieces of an interval that are known
        if going.h * n < 1.5 * self.h or not self.h:
            self._look(going)
            n = self.f.shape[-1] + 1
        place = (going.left + going.h / 2 - self.left[going.within]) / self.h
        return self.f[going.within, (place * n).round().long() - 1]

    def _look(self, going: _Intervals) -> None:
        m, times = len(going.segment), 1
        while m * (2 ** (times + 1) - 1) <= self.evaluate.forward_chunk // FREE and going.h / 2**times > 1 / FINEST:
            times += 1
        inside = torch.arange(1, 2**times, device=going.left.device) / 2**times
        self.left, self.h = going.left, going.h
        self.f = self.lines.losses(self.evaluate, going.left[:, None] + going.h * inside, going.segment)
        going.within = torch.arange(m, device=going.left.device)


def _bound(left: Tensor, right: Tensor, beside: Tensor, h: float) -> Tensor:
    """What the loss in intervals of width h is taken to be at most; beside (..., 2): secants of the neighbours."""
    steepest = torch.maximum((right - left).abs() / h, beside.amax(-1))
    return (left + right) / 2 + SAFETY * steepest * h / 2
