"""The path finder: scan a straight line, move its worst point downhill, split there, repeat.

One *round* cuts every segment that is not open at its worst point B, optimises B to B' with loss <= stop, and
scans both halves. All failing segments of all pairs are rows of one batch. The words are defined in the README.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from empirical.descent import Descended, Descent, descend
from empirical.objectives import Objective, checked_points, chunk_size, losses
from empirical.paths import Path, between, profile
from percolation import checks

ZOOM = 8  # intervals by which a maximum found on a grid is refined, to each side


@dataclass(frozen=True)
class Finder:
    """The procedure's settings; PRESETS holds the published ones.

    A segment is scanned on `coarse` intervals, one that seems open certified on `dense`, a final path rechecked on
    `recheck`. The worst point is that of the scan: coarse = dense finds the true one where a segment has many barriers.
    """

    level: float = 1e-3  # open: loss <= level, nats
    descent: Descent = field(default_factory=Descent)
    max_rounds: int = 8
    coarse: int = 16
    dense: int = 200
    recheck: int = 1000
    batch_size: int = 256  # barriers optimised at a time

    def __post_init__(self) -> None:
        checks.finite("level", self.level)
        if not self.level > self.descent.stop:
            raise ValueError(
                f"the level must lie above the optimiser's stop, got level={self.level:g}, stop={self.descent.stop:g}; "
                "raise the level or lower stop"
            )
        for name, low in (("max_rounds", 0), ("coarse", 2), ("dense", self.coarse), ("recheck", 1), ("batch_size", 1)):
            checks.integer(name, getattr(self, name), at_least=low)


PRESETS = {
    "default": Finder(),
    # the article's sections: barriers between natural images of trained networks stay in the hyperplane, with a
    # pull towards B; those of untrained networks move freely
    "trained": Finder(descent=Descent(lr=5e-3, iterations=1024, deviation=0.1, total_variation=1e-8, projected=True)),
    "untrained": Finder(descent=Descent(lr=0.05, iterations=4096, weight_decay=1e-7)),
}


@dataclass(frozen=True)
class Connection:
    """What was found for one pair: the path after every round, and why the search ended.

    status: 'connected'; or not connected because an optimisation 'stalled' above stop, or because segments were
    left after max_rounds ('rounds'). Not connected means not found: it proves nothing about the open set.
    """

    status: str
    history: tuple[Path, ...]  # the straight line, then the path after each round
    barriers: tuple[float, ...]  # largest loss seen on each of them, nats
    end_losses: tuple[float, float]  # of A and C, nats
    displacement: float  # |B' - B| of the first barrier, in units of x; NaN if it is open or stalled
    steps: int  # optimiser steps, all barriers together

    @property
    def connected(self) -> bool:
        return self.status == "connected"

    @property
    def path(self) -> Path:
        return self.history[-1]

    @property
    def rounds(self) -> int:
        """Rounds made; for a connected pair 0 says that the straight line is open."""
        return len(self.history) - 1

    @property
    def barrier(self) -> float:
        """Primary barrier: largest loss on the straight line, nats."""
        return self.barriers[0]

    @property
    def gap(self) -> float:
        """Primary barrier minus the larger end loss, nats."""
        return self.barrier - max(self.end_losses)


def find_paths(
    objective: Objective,
    a: Tensor,
    c: Tensor,
    finder: Finder = PRESETS["default"],
    *,
    lower_ends: bool = False,
    on_round: Callable[[int, int], None] | None = None,
) -> list[Connection]:
    """Connect a[i] with c[i] for every i by paths on which the objective stays at or below the level.

    a, c: (n, *shape), open points; with lower_ends=True a closed end is optimised first, otherwise it is an error.
    on_round(round, failing): called before each round with the number of segments still to mend.
    Returns one Connection a pair, in order; a pair that is not connected is reported with its reason.
    Source: Vrabel et al., Input space mode connectivity in deep neural networks, arXiv:2409.05800 (2024).
    """
    _check_pairs(a, c)
    if lower_ends:
        a, c = (_lowered(objective, end, finder) for end in (a, c))
    end_losses = _open_ends(objective, a, c, finder.level)
    searches = [_Search(i, a[i], c[i], ends) for i, ends in enumerate(end_losses)]
    _scan(objective, [piece for search in searches for piece in search.pieces], finder)
    for search in searches:
        search.remember()
    number = 0
    while (failing := _failing(objective, searches, finder)) and number < finder.max_rounds:
        number += 1
        if on_round:
            on_round(number, len(failing))
        _mend(objective, searches, failing, finder)
    return [search.result() for search in searches]


def straight_is_open(objective: Objective, a: Tensor, c: Tensor, pairs: Tensor, finder: Finder) -> Tensor:
    """Which straight segments a[i]-c[i], (n, *shape) each, stay at or below the level on the dense grid: (n,) bool."""
    return _scanned(objective, a, c, pairs, finder)[1] <= finder.level


@dataclass(eq=False)
class _Piece:
    """A straight segment of one pair's path, and what its scan found."""

    pair: int
    a: Tensor
    c: Tensor
    worst: float = 0.0  # t in [0, 1] of the largest loss
    loss: float = torch.inf  # the largest loss
    open: bool = False


class _Search:
    """The state of one pair: its pieces in order, and what is remembered of every round."""

    def __init__(self, pair: int, a: Tensor, c: Tensor, end_losses: tuple[float, float]) -> None:
        self.pair, self.end_losses = pair, end_losses
        self.pieces = [_Piece(pair, a, c)]
        self.status = ""  # empty while searching
        self.history: list[Path] = []
        self.barriers: list[float] = []
        self.displacement = float("nan")
        self.steps = 0

    def path(self) -> Path:
        return Path(torch.stack([piece.a for piece in self.pieces] + [self.pieces[-1].c]))

    def remember(self) -> None:
        self.history.append(self.path())
        self.barriers.append(max(*self.end_losses, *(piece.loss for piece in self.pieces)))

    def split(self, piece: _Piece, vertex: Tensor) -> list[_Piece]:
        halves = [_Piece(self.pair, piece.a, vertex), _Piece(self.pair, vertex, piece.c)]
        i = self.pieces.index(piece)
        self.pieces[i : i + 1] = halves
        return halves

    def result(self) -> Connection:
        return Connection(
            self.status or "rounds",
            tuple(self.history),
            tuple(self.barriers),
            self.end_losses,
            self.displacement,
            self.steps,
        )


def _failing(objective: Objective, searches: list[_Search], finder: Finder) -> list[_Piece]:
    """The pieces that are not open, of all pairs still searching; a pair without one is rechecked and ends."""
    for search in searches:
        if not search.status and all(piece.open for piece in search.pieces):
            _recheck(objective, search, finder)
    return [piece for search in searches if not search.status for piece in search.pieces if not piece.open]


def _mend(objective: Objective, searches: list[_Search], failing: list[_Piece], finder: Finder) -> None:
    """One round: optimise the worst point of every failing piece, split there, scan the halves."""
    a, c, pairs = _stacked(failing)
    worst = a.new_tensor([piece.worst for piece in failing])
    barrier = between(a, c, worst.view(-1, *[1] * (a.ndim - 1)))
    moved = descend(objective, barrier, pairs, finder.descent, normals=c - a, batch_size=finder.batch_size)
    halves = _split(searches, failing, barrier, moved)
    _scan(objective, halves, finder)
    for pair in sorted({piece.pair for piece in failing}):
        searches[pair].remember()


def _split(searches: list[_Search], failing: list[_Piece], barrier: Tensor, moved: Descended) -> list[_Piece]:
    """Cut the failing pieces whose barrier came down; a pair with one that did not is stalled."""
    halves = []
    displacement = (moved.points - barrier).flatten(1).norm(dim=1)
    for row, piece in enumerate(failing):
        search = searches[piece.pair]
        search.steps += int(moved.steps[row])
        if not moved.reached[row]:
            search.status = "stalled"
            continue
        halves += search.split(piece, moved.points[row])
        if len(search.history) == 1:
            search.displacement = displacement[row].item()
    return halves


def _scan(objective: Objective, pieces: list[_Piece], finder: Finder) -> None:
    """Find the worst point of each piece, and whether it is open."""
    if not pieces:
        return
    worst, loss = _scanned(objective, *_stacked(pieces), finder)
    for piece, t, maximum in zip(pieces, worst.tolist(), loss.tolist(), strict=True):
        piece.worst, piece.loss, piece.open = t, maximum, maximum <= finder.level


def _scanned(objective: Objective, a: Tensor, c: Tensor, pairs: Tensor, finder: Finder) -> tuple[Tensor, Tensor]:
    """Position and value of the largest loss of each segment, on the dense grid where the coarse one finds it open."""
    worst, loss = _worst(objective, a, c, pairs, finder.coarse)
    rows = (loss <= finder.level).nonzero().squeeze(1)
    if len(rows) and finder.dense > finder.coarse:
        worst[rows], loss[rows] = _worst(objective, a[rows], c[rows], pairs[rows], finder.dense)
    return worst, loss


def _worst(objective: Objective, a: Tensor, c: Tensor, pairs: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Position t and value of the largest loss inside each segment: a grid of n intervals, then one around its top."""
    grid = torch.arange(1, n, device=a.device, dtype=a.dtype) / n
    worst, loss = _top(objective, a, c, pairs, grid.expand(len(a), -1))
    around = torch.arange(-ZOOM + 1, ZOOM, device=a.device, dtype=a.dtype) / (ZOOM * n)
    finer, finer_loss = _top(objective, a, c, pairs, worst[:, None] + around)
    return torch.where(finer_loss > loss, finer, worst), torch.maximum(finer_loss, loss)


def _top(objective: Objective, a: Tensor, c: Tensor, pairs: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """The position and value of the largest loss among t (n, k) in each segment; NaN counts as infinite."""
    found = torch.cat(list(_losses_along(objective, a, c, pairs, t))).view(t.shape)
    top = found.nan_to_num(nan=torch.inf).max(1)
    return t.gather(1, top.indices[:, None]).squeeze(1), top.values


def _losses_along(objective: Objective, a: Tensor, c: Tensor, pairs: Tensor, t: Tensor) -> Iterator[Tensor]:
    """Losses at t (n, k) of segments a-c (n, *shape), flat and in chunks: the points never exist all at once."""
    flat = t.flatten()
    for part in torch.arange(len(flat), device=a.device).split(chunk_size(a)):
        row = part // t.shape[1]
        points = between(a[row], c[row], flat[part].view(-1, *[1] * (a.ndim - 1)))
        yield losses(objective, points, pairs[row])


def _recheck(objective: Objective, search: _Search, finder: Finder) -> None:
    """Check a finished path once more, on the recheck grid; what is found too high goes into another round."""
    s, found = profile(objective, search.path(), search.pair, finder.recheck)
    if found.max() <= finder.level:
        search.status = "connected"
        return
    top = int(found.argmax())
    piece = search.pieces[min(int(s[top]), len(search.pieces) - 1)]
    piece.worst, piece.loss, piece.open = float(s[top]) % 1, float(found[top]), False
    search.barriers[-1] = max(search.barriers[-1], piece.loss)


def _stacked(pieces: list[_Piece]) -> tuple[Tensor, Tensor, Tensor]:
    a, c = torch.stack([piece.a for piece in pieces]), torch.stack([piece.c for piece in pieces])
    return a, c, torch.tensor([piece.pair for piece in pieces], device=a.device)


def _check_pairs(a: Tensor, c: Tensor) -> None:
    checked_points("a", a)
    checked_points("c", c)
    if (a.shape, a.dtype, a.device) != (c.shape, c.dtype, c.device):
        raise ValueError(
            f"a and c must match in shape, dtype and device, got {tuple(a.shape)} {a.dtype} on {a.device} and "
            f"{tuple(c.shape)} {c.dtype} on {c.device}"
        )


def _lowered(objective: Objective, ends: Tensor, finder: Finder) -> Tensor:
    """The ends, those above the level moved downhill to stop."""
    closed = (~(losses(objective, ends) <= finder.level)).nonzero().squeeze(1)
    if not len(closed):
        return ends
    rule = replace(finder.descent, projected=False, deviation=0.0)  # an end has no segment to stay near
    moved = descend(objective, ends[closed], closed, rule)
    if not moved.reached.all():
        row = int((~moved.reached).nonzero()[0])
        raise ValueError(
            f"an end point of pair {int(closed[row])} cannot be lowered to stop={rule.stop:g} in {rule.iterations} "
            f"steps of lr={rule.lr:g}: it came to loss {moved.losses[row]:.3g}; allow more iterations or a larger lr"
        )
    return ends.index_copy(0, closed, moved.points)


def _open_ends(objective: Objective, a: Tensor, c: Tensor, level: float) -> list[tuple[float, float]]:
    found = list(zip(losses(objective, a).tolist(), losses(objective, c).tolist(), strict=True))
    for i, ends in enumerate(found):
        if not max(ends) <= level:
            raise ValueError(
                f"pair {i} has a closed end point: losses {ends[0]:.3g} and {ends[1]:.3g}, level {level:g}; "
                "choose points of lower loss or pass lower_ends=True"
            )
    return found
