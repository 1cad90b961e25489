"""The search itself: many pairs at a time, each at its own pace, their barriers rows of one batch.

A pair waits until its segments are scanned, then until all its barriers have come down, and so on until it ends.
What is to be scanned is collected; what is to come down shares one batch with whatever other pairs have there.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from empirical.descent.rows import Descents, Row, aside
from empirical.finder.bisection import scan_by
from empirical.finder.connections import CLOSED_END, Connection, Cost
from empirical.finder.paths import Path
from empirical.finder.scans import Segment, intervals, place_barriers
from empirical.finder.settings import Finder
from empirical.losses.evaluation import Evaluator
from empirical.losses.objectives import InPrecision, Objective

CANDIDATE_DISTANCE = 0.1  # of a segment's length: how far beside the barrier further candidates for a waypoint start
BATCH = 256  # barriers optimised at a time on a CPU
IN_FLIGHT = 4  # times the batch: pairs that are searched at a time


@dataclass(frozen=True)
class Progress:
    """How far a search has come, told now and then."""

    pairs: int  # begun
    ended: int
    connected: int
    round: int  # the latest that any pair is in
    n_forward: int
    n_gradient: int

    def __str__(self) -> str:
        evaluated = f"{self.n_forward + self.n_gradient:,} points evaluated"
        return f"{self.connected} of {self.pairs} pairs connected, round {self.round}, {evaluated}"


Report = Callable[[Progress], None]


class Start(NamedTuple):
    """A pair to be connected, and the losses of its ends."""

    pair: int
    a: Tensor
    c: Tensor
    end_losses: tuple[float, float]
    planned: Sequence[Tensor] = ()  # vertices between a and c to begin with, each to be moved downhill first

    def is_open(self, level: float) -> bool:
        """Whether both ends are; a loss that is not a number is not."""
        return all(loss <= level for loss in self.end_losses)


class Pair:
    """The search of one pair: its path now, and what is remembered of it."""

    def __init__(self, start: Start) -> None:
        self.pair, self.end_losses = start.pair, start.end_losses
        self.segments = [Segment(start.pair, start.a, start.c, ends=start.end_losses)]
        self.vertices, self.born = [start.a, start.c], [0, 0]
        self.barriers: list[float] = []
        self.round = self.steps = 0
        self.scans = self.cuts = 0  # that it waits for
        self.bend: tuple[Tensor, Tensor] | None = None  # the first barrier B and the B' that replaced it
        self.displacement = torch.nan  # |B' - B|, once it was measured
        self.status = ""  # while it is searched
        self.planned = 0  # vertices that were put in before the first scan

    def put_in(self, points: Sequence[Tensor], losses: Sequence[float]) -> None:
        """Begin with a path through these points instead of the straight line."""
        (line,) = self.segments
        assert line.ends is not None
        self.vertices[1:1], self.born[1:1], self.planned = points, [0] * len(points), len(points)
        at = [line.ends[0], *losses, line.ends[1]]
        ends = zip(pairwise(self.vertices), pairwise(at), strict=True)
        self.segments = [Segment(self.pair, *points, ends=known) for points, known in ends]

    def split(self, segment: Segment, halves: tuple[Segment, Segment]) -> None:
        i = self.segments.index(segment)
        self.segments[i : i + 1] = halves
        self.vertices.insert(i + 1, halves[0].c)
        self.born.insert(i + 1, self.round)

    def highest(self) -> float:
        """The largest loss seen on the path; not known where a segment was never scanned."""
        seen = [segment.loss for segment in self.segments]
        return torch.nan if min(seen) == -torch.inf else max(*self.end_losses, *seen)

    def result(self, status: str = "") -> Connection:
        """An unfinished round leaves no trace."""
        kept = [i for i, round in enumerate(self.born) if round < max(len(self.barriers), 1)]
        return Connection(
            status or self.status,
            Path(torch.stack([self.vertices[i] for i in kept])),
            tuple(self.born[i] for i in kept),
            tuple(self.barriers) or (torch.nan,),
            self.end_losses,
            self.displacement,
            self.steps,
            self.planned,
        )


class Plan:
    """Vertices that a pair begins with, on their way down, all at the same time."""

    def __init__(self, pair: Pair, rows: list[Row]) -> None:
        self.pair, self.rows, self.moving = pair, rows, len(rows)


class Cut:
    """A segment that is being split: the rows that go down from its barrier, and the halves they lead to."""

    def __init__(self, pair: Pair, segment: Segment, rows: list[Row]) -> None:
        self.pair, self.segment, self.rows = pair, segment, rows
        self.moving = len(rows)
        self.trials: list[tuple[Segment, Segment]] = []
        self.scans = 0


class Search:
    """Many pairs at a time: what is to be scanned, what is on its way down, and which pair waits for what."""

    def __init__(self, objective: Objective, finder: Finder, like: Tensor, report: Report | None = None) -> None:
        self.begun = time.monotonic()
        self.finder, self.report = finder, report
        self.evaluate, self.ranked = Evaluator(objective, like, finder.memory), None
        if finder.precision != "float32":
            lower = InPrecision(objective, getattr(torch, finder.precision))
            self.ranked = Evaluator(lower, like, finder.memory)
        usual = BATCH if like.device.type == "cpu" else self.evaluate.gradient_chunk
        room = min(finder.batch_size or usual, self.evaluate.gradient_chunk)
        self.descents = Descents(self.evaluate, finder.descent, room)
        self.pairs: dict[int, Pair] = {}
        self.cuts: dict[Row, Cut | Plan] = {}
        self.to_scan: list[tuple[Segment, int, Pair | Cut]] = []  # with the intervals wanted
        self.ended: list[Pair] = []
        self.n_begun = self.n_ended = self.n_connected = 0
        self.seconds = {"scan": 0.0, "descend": 0.0}

    def run(self, starts: Iterable[Start]) -> Iterator[tuple[int, Connection]]:
        """Connect the pairs; each comes back when it has ended."""
        waiting = iter(starts)
        while True:
            self._admit(waiting)
            if not self.pairs and not self.ended:
                return
            if not self.pairs:
                pass
            elif self._spent():
                self.abandon("budget")
            elif self.to_scan and (not self.descents or self._worth_scanning()):
                self._scan()
            else:
                self._descend()
            if self.report:
                self.report(self._progress())
            yield from self.results()

    def results(self) -> list[tuple[int, Connection]]:
        """Of the pairs that ended and were not told yet."""
        ended, self.ended = self.ended, []
        _measure(ended)
        return [(pair.pair, pair.result()) for pair in ended]

    def abandon(self, status: str) -> None:
        """End all pairs that are searched, as they were after their last round."""
        left = list(self.pairs.values())
        for pair in left:
            pair.status = status
        self.ended += left
        self.n_ended += len(left)
        self.pairs, self.cuts, self.to_scan = {}, {}, []
        self.descents.clear()

    def cost(self) -> Cost:
        n_forward, n_gradient = self._evaluations()
        seconds = self.seconds | {"warm-up": self._warm_up()}
        return Cost(n_forward, n_gradient, seconds | {"rest": time.monotonic() - self.begun - sum(seconds.values())})

    def _warm_up(self) -> float:
        """Seconds that went into plans, measurements and captures."""
        return self.evaluate.warm_up + (self.ranked.warm_up if self.ranked else 0.0)

    def _admit(self, waiting: Iterator[Start]) -> None:
        most = IN_FLIGHT * self.descents.room
        while len(self.pairs) + len(self.ended) < most and (start := next(waiting, None)) is not None:
            pair = Pair(start)
            self.n_begun += 1
            if not start.is_open(self.finder.level):
                self.n_ended += 1
                pair.status = CLOSED_END
                self.ended.append(pair)
                continue
            self.pairs[start.pair] = pair
            if start.planned:
                self._plan(pair, start)
            else:
                self._ask(pair, pair.segments, self.finder.dense)

    def _plan(self, pair: Pair, start: Start) -> None:
        """Send the planned vertices down, each across the straight line where the rule is projected."""
        normal, stop = start.c - start.a, self.finder.descent.stop
        plan = Plan(pair, [Row(vertex, pair.pair, stop, normal) for vertex in start.planned])
        self.cuts |= dict.fromkeys(plan.rows, plan)
        self.descents.put(plan.rows)

    def _planned(self, plan: Plan) -> None:
        """All planned vertices have ended: those that came down are put in, the others left out."""
        reached = [row for row in plan.rows if row.reached]
        plan.pair.put_in([row.point for row in reached], [row.loss for row in reached])
        self._ask(plan.pair, plan.pair.segments, self.finder.dense)

    def _ask(self, owner: Pair | Cut, segments: Iterable[Segment], wanted: int) -> None:
        """Have segments scanned on so many intervals; the owner hears of it when all are."""
        new = [(segment, wanted, owner) for segment in segments]
        owner.scans += len(new)
        self.to_scan += new

    def _worth_scanning(self) -> bool:
        """Whether a chunk is full, or as many segments wait to be scanned as rows move: then half the batch is idle."""
        if len(self.to_scan) * self.finder.coarse >= self.evaluate.forward_chunk:
            return True
        return not self.descents.waiting and len(self.to_scan) >= len(self.descents.moving)

    def _scan(self) -> None:
        asked, self.to_scan = self.to_scan, []
        segments, wanted = [segment for segment, _, _ in asked], [n for _, n, _ in asked]
        with self._timed("scan"):
            scan_by(self.finder, self.evaluate, segments, wanted, self.ranked)
            cut = self.finder.split == "all"
            place_barriers([segment for segment in segments if cut or not segment.open])
        for _, _, owner in asked:
            owner.scans -= 1
            if owner.scans == 0:
                self._advance(owner) if isinstance(owner, Pair) else self._choose(owner)

    def _descend(self) -> None:
        with self._timed("descend"):
            arrived = self.descents.step()
        for row in arrived:
            cut = self.cuts.pop(row)
            cut.pair.steps += row.steps
            cut.moving -= 1
            if cut.moving == 0:
                self._planned(cut) if isinstance(cut, Plan) else self._try(cut)

    def _try(self, cut: Cut) -> None:
        """All rows of a cut have ended: scan the halves that they lead to, or give the pair up."""
        pair, segment = cut.pair, cut.segment
        reached = [row for row in cut.rows if row.reached]
        if not reached:
            failed = pair.status == "failed" or any(row.failed for row in cut.rows)
            pair.status = "failed" if failed else "stalled"
            self._resolved(pair)
            return
        cut.trials = [_halves(segment, row) for row in reached]
        self._ask(cut, chain.from_iterable(cut.trials), self.finder.dense)

    def _choose(self, cut: Cut) -> None:
        """Split at the waypoint whose segments have the lowest maximum."""
        pair = cut.pair
        best = min(cut.trials, key=lambda halves: max(half.loss for half in halves))
        if pair.round == 1 and not pair.planned:
            assert cut.segment.barrier is not None
            pair.bend = cut.segment.barrier, best[0].c
        pair.split(cut.segment, best)
        self._resolved(pair)

    def _resolved(self, pair: Pair) -> None:
        """One cut of the pair's round is done; the last one ends the round."""
        pair.cuts -= 1
        if pair.cuts == 0:
            self._advance(pair)

    def _advance(self, pair: Pair) -> None:
        """All segments of the path are scanned: recheck it, begin the next round, or end."""
        pair.barriers[pair.round :] = [pair.highest()]
        finder, closed = self.finder, [segment for segment in pair.segments if not segment.open]
        enough = intervals(finder.coarse, -(-finder.recheck // len(pair.segments)))
        if not closed and not pair.status:
            unsure = [one for one in pair.segments if finder.scan == "dense" and one.seen + 1 < enough]
            if unsure:
                self._ask(pair, unsure, enough)
                return
            pair.status = "connected"
        elif pair.round == finder.max_rounds:
            pair.status = pair.status or "rounds"
        if pair.status:
            self._end(pair)
        else:
            self._begin_round(pair, closed if finder.split == "failing" else list(pair.segments))

    def _begin_round(self, pair: Pair, segments: list[Segment]) -> None:
        pair.round += 1
        pair.cuts = len(segments)
        for segment in segments:
            cut = Cut(pair, segment, self._rows(segment))
            self.cuts |= dict.fromkeys(cut.rows, cut)
            self.descents.put(cut.rows)

    def _rows(self, segment: Segment) -> list[Row]:
        """What goes down from a segment's worst point: it, and as many further candidates beside it as are wanted."""
        assert segment.barrier is not None  # every scan places it
        starts, candidates = [segment.barrier], self.finder.candidates
        if candidates == 1 and not self.finder.descent.projected:
            return [Row(segment.barrier, segment.pair, self.finder.descent.stop)]
        normal = segment.c - segment.a
        for number in range(1, candidates):
            starts.append(aside(segment.barrier, CANDIDATE_DISTANCE * float(normal.norm()), number, normal))
        return [Row(start, segment.pair, self.finder.descent.stop, normal) for start in starts]

    def _end(self, pair: Pair) -> None:
        del self.pairs[pair.pair]
        self.n_ended += 1
        self.n_connected += pair.status == "connected"
        self.ended.append(pair)

    def _spent(self) -> bool:
        """Whether the time or the evaluations allowed are used up."""
        seconds, evaluations = self.finder.seconds, self.finder.evaluations
        if seconds is not None and time.monotonic() - self.begun > seconds:
            return True
        return evaluations is not None and sum(self._evaluations()) >= evaluations

    def _evaluations(self) -> tuple[int, int]:
        ranked = self.ranked.n_forward if self.ranked else 0
        return self.evaluate.n_forward + ranked, self.evaluate.n_gradient

    def _progress(self) -> Progress:
        latest = max((pair.round for pair in self.pairs.values()), default=0)
        return Progress(self.n_begun, self.n_ended, self.n_connected, latest, *self._evaluations())

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began, warm = time.monotonic(), self._warm_up()
        yield
        self.seconds[stage] += time.monotonic() - began - (self._warm_up() - warm)


def _measure(pairs: list[Pair]) -> None:
    """Displacements, one by one where that costs nothing, else all in one transfer."""
    bent = [(pair, pair.bend) for pair in pairs if pair.bend]
    if bent and bent[0][1][0].device.type != "cpu":
        before, after = (torch.stack([bend[i] for _, bend in bent]).flatten(1) for i in (0, 1))
        found = (after - before).norm(dim=1).tolist()
    else:
        found = [(after - before).norm().item() for _, (before, after) in bent]
    for (pair, _), value in zip(bent, found, strict=True):
        pair.displacement = value


def _halves(segment: Segment, row: Row) -> tuple[Segment, Segment]:
    """The two segments that replace one, by way of the point that a row came to."""
    assert segment.ends is not None  # every segment of a search knows them
    left, right = segment.ends
    return (
        Segment(segment.pair, segment.a, row.point, ends=(left, row.loss)),
        Segment(segment.pair, row.point, segment.c, ends=(row.loss, right)),
    )
