"""The path finder: scan a straight line, move its worst point downhill, split there, repeat.

One *round* of a pair cuts every segment that is not open at its worst point B, optimises B to B' with loss <= stop,
and scans both halves. The words are defined in docs/words.md; `search` does the work.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from itertools import chain, islice

import numpy as np
import torch
from torch import Tensor

from empirical.descent.lowering import lowered
from empirical.descent.states import where
from empirical.finder.bisection import scan_by
from empirical.finder.connections import CLOSED_END, Connection, Connections
from empirical.finder.scans import Lines, Seen
from empirical.finder.search import Report, Search, Source, Starts
from empirical.finder.settings import PRESETS, Finder
from empirical.losses.evaluation import Evaluator
from empirical.losses.objectives import (
    Objective,
    OfPairs,
    bounds_of,
    checked_bounds,
    checked_function,
    checked_points,
    losses,
)
from empirical.losses.objectives import device as checked_device

__all__ = [
    "PRESETS",
    "Connection",
    "Connections",
    "Finder",
    "find_paths",
    "find_paths_on",
    "straight_is_open",
    "stream_paths",
]


def find_paths(
    objective: Objective,
    a: Tensor,
    c: Tensor,
    finder: Finder = PRESETS["default"],
    *,
    lower_ends: bool = False,
    strict: bool = False,
    planned: Sequence[Tensor] | None = None,
    report: Report | None = None,
) -> Connections:
    """Connect a[i] with c[i] for every i by paths on which the objective stays at or below the level.

    a, c: (n, *shape), open points; with lower_ends=True a closed one is first moved downhill to stop. A pair with an
    end that is closed then is not searched, its status 'closed end'; strict=True makes it an error.
    Where the descent has no bounds, those that the objective knows are kept, [0, 1] of pictures.
    planned: vertices (k_i, *shape) to begin with between a[i] and c[i], in their order, such as a theory of the line
    says (`prediction.plans`). All are moved downhill to stop at once; those that arrive are put in, and scans and
    rounds go on from there. None, or k_i = 0: from the straight line.
    report: told of the progress after every step of the batch.
    Returns one Connection a pair, in order; a pair that is not connected is reported with its reason. An interruption
    from the keyboard ends the search: the pairs that had not ended are 'interrupted'.
    Source: Vrabel et al., Input space mode connectivity in deep neural networks, arXiv:2409.05800 (2024).
    """
    _check_pairs(a, c)
    checked_function(objective, (a + c) / 2, torch.arange(len(a), device=a.device))
    finder = _bounded(objective, a, c, finder)
    if lower_ends:
        a, c = (_lowered(objective, end, finder, strict) for end in (a, c))
    starts = _starts(objective, a, c, _checked_plan(planned, a))
    if strict:
        _refuse_closed(starts, finder.level)
    search = Search(objective, finder, a[:1], report)
    told: list[tuple[np.ndarray, Connections]] = []
    try:
        for part in search.run(_in_order(starts)):
            told.append(part)
    except KeyboardInterrupt:
        search.abandon("interrupted")
        told += search.results()
        begun = np.isin(np.arange(len(a)), [number for numbers, _ in told for number in numbers])
        if not begun.all():
            left = starts.select(torch.from_numpy(np.flatnonzero(~begun)).to(a.device))
            told.append((left.numbers.numpy(force=True), _straight(left, finder.level, "interrupted")))
    numbers = np.concatenate([numbers for numbers, _ in told])
    found = Connections.joined([part for _, part in told]).select(numbers.argsort())
    return replace(found, cost=search.cost())


def stream_paths(
    objective: Objective,
    pairs: Iterable[tuple[Tensor, Tensor]],
    finder: Finder = PRESETS["default"],
    *,
    report: Report | None = None,
) -> Iterator[tuple[int, Connection]]:
    """The same for pairs (a, c) of points (*shape) that are made as they are needed: (number, Connection) as they end.

    The objective is asked for pair 0, 1, ... in this order. No more than a few batches of pairs are held at a time.
    """
    source = iter(pairs)
    first = next(source, None)
    if first is None:
        return
    a, c = first[0][None], first[1][None]
    checked_function(objective, (a + c) / 2, torch.zeros(1, dtype=torch.long, device=a.device))
    finder = _bounded(objective, a, c, finder)
    search = Search(objective, finder, first[0][None], report)
    for numbers, found in search.run(_as_they_come(objective, chain([first], source))):
        yield from zip(numbers.tolist(), found, strict=True)


def find_paths_on(
    devices: Sequence[str],
    objective_on: Callable[[torch.device], Objective],
    a: Tensor,
    c: Tensor,
    finder: Finder = PRESETS["default"],
    *,
    executor: Executor | None = None,
) -> Connections:
    """`find_paths` with the pairs spread over several devices, a block of them on each.

    objective_on: gives the objective of all pairs on a device. executor: where the blocks run, a thread for each device
    if absent. Paths come back on the device of a. A pair's path does not depend on its block but for rounding.
    """
    places = [checked_device(name) for name in devices]
    _check_pairs(a, c)
    blocks = torch.arange(len(a)).tensor_split(len(places))

    def block(place: torch.device, rows: Tensor) -> Connections:
        there = rows.to(place)
        return find_paths(OfPairs(objective_on(place), there), a[rows].to(place), c[rows].to(place), finder)

    work = [(place, rows) for place, rows in zip(places, blocks, strict=True) if len(rows)]
    with ThreadPoolExecutor(len(work)) if executor is None else nullcontext(executor) as running:
        found = [future.result() for future in [running.submit(block, *one) for one in work]]
    return Connections.joined([part.on(a.device) for part in found])


def straight_is_open(objective: Objective, a: Tensor, c: Tensor, pairs: Tensor, finder: Finder) -> Tensor:
    """Which straight segments a[i]-c[i], (n, *shape) each, are open by the finder's scan: (n,) bool."""
    lines = Lines(a, c, pairs)
    seen = Seen.nothing(len(lines), a)
    if len(lines):
        scan_by(finder, Evaluator(objective, a), lines, seen, torch.full_like(pairs, finder.dense))
    return seen.loss <= finder.level


def _starts(
    objective: Objective, a: Tensor, c: Tensor, planned: Sequence[Tensor] | None = None, first: int = 0
) -> Starts:
    """Pairs numbered from first, with the losses of their ends."""
    numbers = torch.arange(first, first + len(a), device=a.device)
    ends = losses(objective, torch.cat([a, c]), numbers.repeat(2))
    return Starts(numbers, a, c, ends.view(2, -1).T, planned)


def _in_order(starts: Starts) -> Source:
    """Pairs that are there, one block after the other."""
    left = iter(range(len(starts)))

    def some(n: int) -> Starts | None:
        rows = list(islice(left, n))
        return starts.select(slice(rows[0], rows[-1] + 1)) if rows else None

    return some


def _as_they_come(objective: Objective, pairs: Iterator[tuple[Tensor, Tensor]]) -> Source:
    """Pairs that are made when they are asked for, each of them checked."""
    numbered = enumerate(pairs)

    def some(n: int) -> Starts | None:
        made = list(islice(numbered, n))
        for _, (a, c) in made:
            _check_pairs(a[None], c[None])
        if not made:
            return None
        a, c = (torch.stack([pair[end] for _, pair in made]) for end in (0, 1))
        return _starts(objective, a, c, first=made[0][0])

    return some


def _straight(starts: Starts, level: float, status: str) -> Connections:
    """Pairs that were not searched: their straight lines, of which nothing is known."""
    n = len(starts)
    reasons = np.where(starts.are_open(level).numpy(force=True), status, CLOSED_END)
    unknown, none = np.full(n, np.nan), np.zeros(n, dtype=np.int64)
    return Connections(
        status=reasons,
        vertices=torch.stack([starts.a, starts.c], dim=1).flatten(0, 1),
        born=np.zeros(2 * n, dtype=np.int64),
        n_vertices=none + 2,
        barriers=unknown,
        n_barriers=none + 1,
        end_losses=starts.end_losses.numpy(force=True).astype(float),
        displacement=unknown,
        steps=none,
        planned=none,
    )


def _bounded(objective: Objective, a: Tensor, c: Tensor, finder: Finder) -> Finder:
    """The finder within its own bounds, or those of the objective; both need the ends to lie in them."""
    named = (("a", a), ("c", c))
    if finder.descent.bounds is not None:
        for name, end in named:
            checked_bounds(name, end, finder.descent.bounds)
        return finder
    own = bounds_of(objective)
    if own is None:
        return finder
    try:
        for name, end in named:
            checked_bounds(name, end, own)
    except ValueError as error:
        warnings.warn(f"the search has no bounds: {error}", stacklevel=3)
        return finder
    return replace(finder, descent=replace(finder.descent, bounds=own))


def _check_pairs(a: Tensor, c: Tensor) -> None:
    checked_points("a", a)
    checked_points("c", c)
    if (a.shape, a.dtype, a.device) != (c.shape, c.dtype, c.device):
        raise ValueError(
            f"a and c must match in shape, dtype and device, got {tuple(a.shape)} {a.dtype} on {a.device} and "
            f"{tuple(c.shape)} {c.dtype} on {c.device}"
        )


def _checked_plan(planned: Sequence[Tensor] | None, a: Tensor) -> Sequence[Tensor] | None:
    """The vertices to begin with, of each pair."""
    if planned is None:
        return None
    if len(planned) != len(a):
        raise ValueError(f"a plan has vertices for every pair, got {len(planned)} for {len(a)} pairs; give (0, *shape)")
    for i, points in enumerate(planned):
        if (points.shape[1:], points.dtype, points.device) != (a.shape[1:], a.dtype, a.device):
            raise ValueError(
                f"planned vertices must be (k, {', '.join(map(str, a.shape[1:]))}) {a.dtype} on {a.device}, got "
                f"{tuple(points.shape)} {points.dtype} on {points.device} for pair {i}"
            )
        if not points.isfinite().all():
            raise ValueError(
                f"planned vertices of pair {i} hold NaN or infinite numbers; give (0, *shape) of this pair"
            )
    return planned


def _lowered(objective: Objective, ends: Tensor, finder: Finder, strict: bool) -> Tensor:
    """The ends, those above the level moved downhill to stop; strict: one that does not arrive is an error."""
    rule = replace(finder.descent, projected=False, deviation=0.0)  # an end has no segment to stay near
    found = lowered(objective, ends, rule, above=finder.level)
    moved = found.moved
    if strict and not moved.reached.all():
        row = int((~moved.reached).nonzero()[0])
        raise ValueError(
            f"an end point of pair {int(found.rows[row])} cannot be lowered to stop={rule.stop:g} in {rule.iterations} "
            f"steps of lr={rule.lr:g}: it came to loss {moved.losses[row]:.3g}; allow more iterations or a larger lr"
        )
    return found.points


def _refuse_closed(starts: Starts, level: float) -> None:
    closed = where(~starts.are_open(level))
    if len(closed):
        pair = int(closed[0])
        ends = starts.end_losses[pair].tolist()
        raise ValueError(
            f"pair {pair} has a closed end point: losses {ends[0]:.3g} and {ends[1]:.3g}, level {level:g}; "
            "choose points of lower loss or pass lower_ends=True"
        )
