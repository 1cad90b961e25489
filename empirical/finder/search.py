"""The search itself: many pairs at a time, each at its own pace, pairs and barriers rows of tensors.

A pair waits until all its barriers have come down, then until the segments that they lead to are scanned, and so on
until it ends. What is to be scanned is collected; what is to come down shares one batch with what other pairs have
there. The host knows how many of each there are, and where they are kept, but looks at none of them.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from empirical.descent.rows import Descents, aside
from empirical.descent.states import State, Table, joined, length, selected, where
from empirical.finder.bisection import scan_by
from empirical.finder.connections import CLOSED_END, STATUSES, Connections, Cost
from empirical.finder.growing import LAST, GrowingPaths
from empirical.finder.scans import Seen, intervals
from empirical.finder.settings import Finder
from empirical.losses.evaluation import Evaluator
from empirical.losses.objectives import InPrecision, Objective

CANDIDATE_DISTANCE = 0.1  # of a segment's length: how far beside the barrier further candidates for a waypoint start
BATCH = 256  # barriers optimised at a time on a CPU
IN_FLIGHT = 4  # times the batch: pairs that are searched at a time
SEARCHED = -1  # the status of a pair that has not ended, beside the places in STATUSES of the others
CONNECTED, STALLED, FAILED, ROUNDS = (STATUSES.index(name) for name in ("connected", "stalled", "failed", "rounds"))


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


@dataclass(frozen=True)
class Starts:
    """Pairs to be connected."""

    numbers: Tensor  # (n,) long, that the objective and the caller know them by
    a: Tensor  # (n, *shape)
    c: Tensor
    end_losses: Tensor  # (n, 2) nats
    planned: Sequence[Tensor] | None = None  # (k_i, *shape): vertices to begin with, each to be moved downhill first

    def __len__(self) -> int:
        return len(self.numbers)

    def select(self, rows: slice | Tensor) -> "Starts":
        """Some of them; their plans go along with a slice."""
        planned = self.planned[rows] if self.planned is not None and isinstance(rows, slice) else None
        return Starts(self.numbers[rows], self.a[rows], self.c[rows], self.end_losses[rows], planned)

    def are_open(self, level: float) -> Tensor:
        """Of which pairs (n,) both ends are; a loss that is not a number is not."""
        return (self.end_losses <= level).all(1)


Source = Callable[[int], Starts | None]  # pairs to begin with next, at most so many; None when there are no more


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
        self.paths, self.pairs = GrowingPaths(like), _no_pairs(like)
        self.asked = self.wanted = self.ended = self.pairs[
            "number"
        ]  # segments to be scanned, on so many intervals; slots
        self.landed: State = {}  # what came down of pairs that have more on its way
        self.n_ready = 0  # of these, rows of pairs that have nothing more on its way
        self.n_begun = self.n_ended = self.n_connected = 0
        self.seconds = {"scan": 0.0, "descend": 0.0}

    def run(self, source: Source) -> Iterator[tuple[np.ndarray, Connections]]:
        """Connect the pairs; their numbers and what was found come back as they end."""
        while True:
            self._admit(source)
            if self.n_begun == self.n_ended and not len(self.ended):
                return
            if self.n_begun == self.n_ended:
                pass
            elif self._spent():
                self.abandon("budget")
            elif (n := self._to_scan()) and (
                not self.descents or n * self.finder.coarse >= self.evaluate.forward_chunk
            ):
                self._scan()  # a full chunk, or all there is
            else:
                self._descend()
            if self.report:
                self.report(self._progress())
            yield from self.results()

    def results(self) -> Iterator[tuple[np.ndarray, Connections]]:
        """Of the pairs that ended and were not told yet; they make room for others."""
        if not len(self.ended):
            return
        slots, self.ended = self.ended, self.ended[:0]
        found = self._found(slots)
        numbers = self.pairs["number"][slots].numpy(force=True)
        self.paths.give_back(self._marked(slots))
        self.pairs.give_back(slots)
        yield numbers, found

    def abandon(self, status: str) -> None:
        """End all pairs that are searched, as they were after their last round."""
        left = self.pairs.used.clone()
        left[self.ended] = False
        self._end(where(left), STATUSES.index(status))
        self.asked, self.wanted, self.landed, self.n_ready = self.asked[:0], self.wanted[:0], {}, 0
        self.descents.clear()

    def cost(self) -> Cost:
        n_forward, n_gradient = self._evaluations()
        seconds = self.seconds | {"warm-up": self._warm_up()}
        return Cost(n_forward, n_gradient, seconds | {"rest": time.monotonic() - self.begun - sum(seconds.values())})

    def _warm_up(self) -> float:
        """Seconds that went into plans, measurements and captures."""
        return self.evaluate.warm_up + (self.ranked.warm_up if self.ranked else 0.0)

    def _admit(self, source: Source) -> None:
        """Begin pairs while there is room for a quarter of what the search can hold, or more."""
        most = IN_FLIGHT * self.descents.room
        while 4 * (room := most - (self.n_begun - self.n_ended) - len(self.ended)) >= most:
            some = source(room)
            if some is None:
                return
            self._begin(some)

    def _begin(self, some: Starts) -> None:
        zeros = torch.zeros_like(some.numbers)
        unknown = torch.full_like(some.end_losses[:, 0], torch.nan)
        slots = self.pairs.take(
            number=some.numbers,
            first=zeros,
            end_losses=some.end_losses,
            status=torch.full_like(zeros, SEARCHED),
            round=zeros,
            moving=zeros,
            steps=zeros,
            planned=zeros,
            displacement=unknown,
            n_barriers=zeros,
            barriers=unknown[:, None].expand(-1, self.pairs["barriers"].shape[1]),
        )
        first = self.paths.begin(slots, some.numbers, some.a, some.c, some.end_losses)
        self.pairs["first"][slots] = first
        self.n_begun += len(some)
        opened = some.are_open(self.finder.level)
        self._end(slots[~opened], STATUSES.index(CLOSED_END))
        n_planned = zeros if some.planned is None else torch.tensor([len(plan) for plan in some.planned]).to(zeros)
        self._ask(first[opened & (n_planned == 0)], self.finder.dense)
        self._plan(some, slots, where(opened & (n_planned > 0)))

    def _plan(self, some: Starts, slots: Tensor, rows: Tensor) -> None:
        """Send the planned vertices of these rows down, each across the straight line where the rule is projected."""
        if not len(rows):
            return
        assert some.planned is not None
        plans = [some.planned[row] for row in rows.tolist()]
        of = rows.repeat_interleave(torch.tensor([len(plan) for plan in plans], device=rows.device))
        number = torch.cat([torch.arange(len(plan), device=rows.device) for plan in plans])
        slot = slots[of]
        self._put(torch.cat(plans), slot, self.pairs["first"][slot], number, some.c[of] - some.a[of])

    def _put(self, points: Tensor, slot: Tensor, left: Tensor, number: Tensor, normals: Tensor) -> None:
        """Let points come down that are to lie behind the vertices left; several of one are told apart by a number."""
        pairs = self.pairs
        pairs["moving"].index_add_(0, slot, torch.ones_like(slot))
        stop = self.finder.descent.stop
        self.descents.put(points, pairs["number"][slot], stop, normals, slot=slot, left=left, number=number)

    def _ask(self, segments: Tensor, wanted: int | Tensor) -> None:
        """Have segments scanned on so many intervals."""
        self.asked = torch.cat([self.asked, segments])
        self.wanted = torch.cat([self.wanted, torch.as_tensor(wanted, device=segments.device).expand(len(segments))])

    def _to_scan(self) -> int:
        """How many segments wait to be scanned, about: two for every row that has come down."""
        return len(self.asked) + 2 * self.n_ready

    def _descend(self) -> None:
        with self._timed("descend"):
            ended = self.descents.step()
        if not ended:
            return
        pairs, slot = self.pairs, ended["slot"]
        pairs["steps"].index_add_(0, slot, ended["steps"])
        pairs["moving"].index_add_(0, slot, torch.full_like(slot, -1))
        self.landed = joined(self.landed, ended)
        self.n_ready = int((pairs["moving"][self.landed["slot"]] == 0).sum())

    def _scan(self) -> None:
        """Scan what was asked for, and the halves that the rows lead to that have come down; these pairs go on."""
        with self._timed("scan"):
            ready = self._ready()
            self._put_in_plans(ready)
            trials = self._trials(ready)
            segments, wanted = self.asked, self.wanted
            self.asked, self.wanted = segments[:0], wanted[:0]
            halves = self.paths.halves(trials["left"], trials["point"], trials["loss"])
            lines = self.paths.lines(segments).joined(halves)
            seen = self.paths.seen(segments).joined(Seen.nothing(len(halves), halves.a))
            wanted = torch.cat([wanted, wanted.new_full((len(halves),), self.finder.dense)])
            scan_by(self.finder, self.evaluate, lines, seen, wanted, self.ranked)
        self.paths.put(segments, seen.select(slice(len(segments))))
        self._choose(trials, seen.select(slice(len(segments), None)))
        self._advance(self._marked(torch.cat([self.paths.rows["slot"][segments], ready["slot"]])))

    def _ready(self) -> State:
        """What has come down of the pairs that have nothing more on its way."""
        landed = self.landed or self._nothing_landed()
        still = self.pairs["moving"][landed["slot"]] > 0
        self.landed, self.n_ready = selected(landed, where(still)), 0
        return selected(landed, where(~still))

    def _put_in_plans(self, ready: State) -> None:
        """Planned vertices have ended: those that came down are put in, the others left out."""
        slot = ready["slot"]
        rows = self.pairs["round"][slot] == 0
        arrived = selected(ready, where(rows & ready["reached"]))
        for number in range(int(arrived["number"].max()) if length(arrived) else -1, -1, -1):
            some = selected(arrived, where(arrived["number"] == number))  # the later ones lie behind these
            self.paths.insert(some["left"], some["point"], some["loss"], torch.zeros_like(some["left"]))
        self.pairs["planned"].index_add_(0, arrived["slot"], torch.ones_like(arrived["slot"]))
        self._ask(self.paths.segments(self._marked(slot[rows])), self.finder.dense)

    def _trials(self, ready: State) -> State:
        """What has come down to stop of a barrier; where nothing of one did, its pair ends."""
        cut = self.pairs["round"][ready["slot"]] > 0
        arrived = torch.zeros(len(self.paths.rows), dtype=torch.bool, device=cut.device)
        arrived[ready["left"][ready["reached"]]] = True
        lost = cut & ~arrived[ready["left"]]
        self.pairs["status"][ready["slot"][lost]] = STALLED
        self.pairs["status"][ready["slot"][lost & ready["failed"]]] = FAILED
        return selected(ready, where(cut & ready["reached"]))

    def _choose(self, trials: State, seen: Seen) -> None:
        """Split each segment at the waypoint whose halves have the lowest maximum, the first of several."""
        n, left = length(trials), trials["left"]
        highest = torch.maximum(seen.loss[:n], seen.loss[n:])
        lowest = highest.new_full((len(self.paths.rows),), torch.inf).scatter_reduce(0, left, highest, "amin")
        number = torch.where(highest == lowest[left], trials["number"], self.finder.candidates)
        first = number.new_full((len(lowest),), self.finder.candidates).scatter_reduce(0, left, number, "amin")
        chosen = where(number == first[left])
        best, left = selected(trials, chosen), left[chosen]
        round = self.pairs["round"][best["slot"]]
        self._measure(selected(best, where((round == 1) & (self.pairs["planned"][best["slot"]] == 0))))
        new = self.paths.insert(left, best["point"], best["loss"], round)
        self.paths.put(left, seen.select(chosen))
        self.paths.put(new, seen.select(n + chosen))

    def _measure(self, first: State) -> None:
        """How far the barriers of straight lines have moved."""
        before = self.paths.lines(first["left"]).points(self.paths.rows["seen_place"][first["left"]])
        self.pairs["displacement"][first["slot"]] = (first["point"] - before).flatten(1).norm(dim=1)

    def _advance(self, marked: Tensor) -> None:
        """All segments of these pairs' paths are scanned: recheck one, begin its next round, or end it."""
        finder, pairs = self.finder, self.pairs
        segments = self.paths.segments(marked)
        slot, loss = self.paths.rows["slot"][segments], self.paths.rows["seen_loss"][segments]
        highest = pairs["end_losses"].amax(1).scatter_reduce(0, slot, loss, "amax")
        slots = where(marked)
        pairs["barriers"][slots, pairs["round"][slots]] = highest[slots]
        pairs["n_barriers"][slots] = pairs["round"][slots] + 1
        going, closed = marked & (pairs["status"] == SEARCHED), highest > finder.level
        unsure = self._recheck(segments, slot, going & ~closed)
        self._end(where(marked & ~going))
        self._end(where(going & ~closed & ~unsure), CONNECTED)
        spent = going & closed & (pairs["round"] == finder.max_rounds)
        self._end(where(spent), ROUNDS)
        cut = (going & closed & ~spent)[slot]
        self._begin_round(segments[cut & (loss > finder.level) if finder.split == "failing" else cut])

    def _recheck(self, segments: Tensor, slot: Tensor, seem_open: Tensor) -> Tensor:
        """Ask for the points that are missing on paths that seem open, by the dense rule; which pairs wait for some."""
        if self.finder.scan != "dense":
            return torch.zeros_like(seem_open)
        n_segments = torch.zeros_like(self.pairs["round"]).index_add_(0, slot, torch.ones_like(slot))
        least = (self.finder.recheck + n_segments - 1) // n_segments.clamp(min=1)
        enough = intervals(self.finder.coarse, least)[slot]
        unsure = seem_open[slot] & (self.paths.rows["seen_asked"][segments] + 1 < enough)
        self._ask(segments[unsure], enough[unsure])
        return self._marked(slot[unsure])

    def _begin_round(self, segments: Tensor) -> None:
        """Send down what stands at the worst points of the segments, and candidates beside them."""
        if not len(segments):
            return
        slot, lines = self.paths.rows["slot"][segments], self.paths.lines(segments)
        worst, normals = lines.points(self.paths.rows["seen_place"][segments]), lines.c - lines.a
        slots = where(self._marked(slot))
        self.pairs["round"][slots] += 1
        self._make_room_for_barriers(int(self.pairs["round"][slots].max()) + 1)
        self._put(worst, slot, segments, torch.zeros_like(slot), normals)
        for number in range(1, self.finder.candidates):
            beside = [
                aside(at, CANDIDATE_DISTANCE * float(n.norm()), number, n) for at, n in zip(worst, normals, strict=True)
            ]
            self._put(torch.stack(beside), slot, segments, torch.full_like(slot, number), normals)

    def _make_room_for_barriers(self, n: int) -> None:
        kept = self.pairs["barriers"]
        if kept.shape[1] < n:
            self.pairs.columns["barriers"] = torch.cat([kept, torch.full_like(kept[:, :1], torch.nan)], dim=1)

    def _end(self, slots: Tensor, status: int | None = None) -> None:
        """These pairs have ended; status: None where theirs is noted already."""
        if status is not None:
            self.pairs["status"][slots] = status
        self.ended = torch.cat([self.ended, slots])
        self.n_ended += len(slots)
        self.n_connected += len(slots) if status == CONNECTED else 0

    def _found(self, slots: Tensor) -> Connections:
        """The paths of pairs; an unfinished round leaves no trace."""
        pairs, rows = selected(self.pairs.columns, slots), self.paths.rows
        told = pairs["n_barriers"].clamp(min=1)
        vertices = self.paths.in_order(pairs["first"])
        kept = (vertices != LAST) & (rows["born"][vertices] < told[:, None])
        barriers, n_barriers = pairs["barriers"].numpy(force=True).astype(float), told.numpy(force=True)
        return Connections(
            np.array(STATUSES)[pairs["status"].numpy(force=True)],
            rows["point"][vertices[kept]],
            rows["born"][vertices[kept]].numpy(force=True),
            kept.sum(1).numpy(force=True),
            barriers[np.arange(barriers.shape[1]) < n_barriers[:, None]],
            n_barriers,
            pairs["end_losses"].numpy(force=True).astype(float),
            pairs["displacement"].numpy(force=True).astype(float),
            pairs["steps"].numpy(force=True),
            pairs["planned"].numpy(force=True),
        )

    def _marked(self, slots: Tensor) -> Tensor:
        """A mask (n_slots,) of these pairs, some of them named several times."""
        mask = torch.zeros(len(self.pairs), dtype=torch.bool, device=slots.device)
        mask[slots] = True
        return mask

    def _nothing_landed(self) -> State:
        none = self.asked[:0]
        no = none.bool()
        points, losses = self.paths.rows["point"][:0], self.paths.rows["loss"][:0]
        return {
            "slot": none,
            "left": none,
            "number": none,
            "point": points,
            "loss": losses,
            "reached": no,
            "failed": no,
        }

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
        left = self.pairs.used.clone()
        left[self.ended] = False
        latest = int(torch.where(left, self.pairs["round"], 0).max())
        return Progress(self.n_begun, self.n_ended, self.n_connected, latest, *self._evaluations())

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began, warm = time.monotonic(), self._warm_up()
        yield
        self.seconds[stage] += time.monotonic() - began - (self._warm_up() - warm)


def _no_pairs(like: Tensor) -> Table:
    """A table of pairs, each in a slot."""
    none = torch.empty(0, dtype=torch.long, device=like.device)
    return Table(
        number=none,  # that the objective and the caller know it by
        first=none,  # row of its first vertex
        end_losses=like.new_empty(0, 2),
        status=none,
        round=none,
        moving=none,  # rows of its round that are on their way down
        steps=none,
        planned=none,  # vertices that were put in before the first scan
        displacement=like.new_empty(0),  # of the straight line's barrier
        n_barriers=none,
        barriers=like.new_empty(0, 1),  # largest loss seen, at the start and after each round
    )
