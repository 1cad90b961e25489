"""Is a path open between its grid points too? A bound on its largest loss, by bisection where it may be exceeded.

Along a segment with points a + t (c - a) the loss is f(t), with slope f'(t) = gradient . (c - a). If K bounds |f'| on
an interval of width h, f does not exceed

    (f_left + f_right + K h) / 2

in it. K comes from the known Lipschitz constant of the field, and then the bound is rigorous but for rounding; or it is
an estimate, the largest slope seen in the interval and its neighbours times a safety factor. Intervals whose bound is
too high are halved, all of them in one batch, until none is left or the budget is spent. Every halving also puts the
estimate to the test: a new point that exceeds the bound of its interval by more than the tolerance is a *surprise*, and
their number says how far to trust the rest.

For piecewise-linear networks there is no need of bounds: exact=True finds the largest loss itself (see `exact`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from empirical.finder import exact as kinks
from empirical.finder.paths import Path, between
from empirical.losses.objectives import (
    ASKED_TWICE,
    Objective,
    checked_function,
    checked_points,
    chunk_size,
    gradient_of,
)
from empirical.losses.points import columns
from percolation import checks
from percolation.intervals import upper_limit

SAFETY = 2.0  # times the largest slope seen nearby
INTERVALS = 16  # of a segment at first; all of them are halved once, so that every estimate is tested
BUDGET = 20_000  # gradient evaluations a path


@dataclass(frozen=True)
class Certificate:
    """What is known of the largest loss of a path: it lies between `largest` and `bound`."""

    largest: float  # seen, nats
    at: float  # its place, s in [0, n_segments]
    bound: float  # above which no point of the path lies, if the slopes are what they seem, nats
    level: float | None  # asked about, nats
    tolerance: float  # asked for, nats
    evaluations: int  # of loss and gradient
    tests: int  # halvings, each a test of an interval's bound
    surprises: int  # points found above the bound of their interval
    rigorous: bool  # the Lipschitz constant was given, not estimated; or exact
    exact: bool = False  # `largest` is the largest loss on the path, not the largest seen; evaluations: kinks and ends

    @property
    def reached(self) -> float:
        """Tolerance reached: bound minus largest loss seen, nats."""
        return self.bound - self.largest

    @property
    def verdict(self) -> str:
        """'open' (bound <= level), 'closed' (a point above the level was seen) or 'undecided'."""
        if self.level is None:
            raise ValueError("no level was asked about; pass level= to certify")
        if self.largest > self.level:
            return "closed"
        return "open" if self.bound <= self.level else "undecided"

    @property
    def surprise_rate(self) -> float:
        """Upper 95 % limit of the share of halvings that surprise (Clopper and Pearson 1934); 0 if rigorous.

        Halved intervals are those of high bounds, and neighbours are alike: a guide, no proof.
        """
        return 0.0 if self.rigorous else upper_limit(self.surprises, self.tests)

    def __str__(self) -> str:
        if self.exact:
            sure = "exact but for rounding"
        elif self.rigorous:
            sure = "rigorous for the given Lipschitz constant"
        else:
            sure = f"by slopes seen; {self.surprises} of {self.tests} halvings surprised"
        verdict = "" if self.level is None else f"{self.verdict} at level {self.level:g}: "
        return (
            f"{verdict}largest loss seen {self.largest:.6g} at s = {self.at:.4f}, bound {self.bound:.6g} ({sure}), "
            f"{self.evaluations} evaluations"
        )


def certify(objective: Objective, path: Path, pair: int = 0, tolerance: float = 1e-5, **options: Any) -> Certificate:
    """Bound the largest loss on one path, or find it; tolerance and options are those of `certify_many`."""
    return certify_many(objective, [path], [pair], tolerance, **options)[0]


def certify_many(
    objective: Objective,
    paths: Sequence[Path],
    pairs: Sequence[int],
    tolerance: float = 1e-5,
    *,
    level: float | None = None,
    lipschitz: float | None = None,
    safety: float = SAFETY,
    intervals: int = INTERVALS,
    budget: int = BUDGET,
    exact: bool = False,
) -> list[Certificate]:
    """Bound the largest loss on each path, all intervals of all of them in one batch; or find it, exactly.

    pairs: of each path, handed to the objective. tolerance: an interval is left once its bound is at most the largest
    loss seen on its path plus this, in nats; with a level, also once its bound is at most the level.
    lipschitz: of the objective, in nats per unit of x; None: estimated from slopes with the factor safety.
    budget: gradient evaluations a path; the intervals of highest bound come first.
    exact: for the class loss of a piecewise-linear network, another is refused by its layer; the other options are not
    asked then, but for the level. Takes an evaluation and more, in float64, for every kink of every segment.
    Error: a spike that none of the slopes tells of is missed; see `surprises`.
    """
    _check(paths, pairs, safety)
    for name, value in (("tolerance", tolerance), ("lipschitz", lipschitz)):
        if value is not None:
            checks.positive(name, value)
    if level is not None:
        checks.finite("level", level)
    checks.integer("intervals", intervals, at_least=1)
    checks.integer("budget", budget, at_least=1)
    if exact:
        network = kinks.restriction_of(objective)
        return [_exactly(objective, network, path, pair, level) for path, pair in zip(paths, pairs, strict=True)]
    middles = torch.stack([path.vertices[:2].mean(0) for path in paths[:ASKED_TWICE]])
    checked_function(objective, middles, torch.tensor(list(pairs[:ASKED_TWICE]), device=middles.device))
    grid = _Grid(objective, paths, pairs, intervals, safety, lipschitz)
    budgets = torch.full((len(paths),), budget)
    wanted = torch.ones(len(grid.bounds()), dtype=torch.bool)  # at first every interval is halved
    while True:
        wanted = grid.affordable(wanted, budgets)
        if not wanted.any():
            break
        grid.halve(wanted, tolerance)
        wanted = grid.bounds() > grid.enough(tolerance, level)
    return grid.certificates(tolerance, level)


def _exactly(
    objective: Objective, network: kinks.Restriction, path: Path, pair: int, level: float | None
) -> Certificate:
    found = kinks.largest(objective, path.vertices, pair, network)
    return Certificate(
        found.largest, found.at, found.largest, level, 0.0, found.kinks, tests=0, surprises=0, rigorous=True, exact=True
    )


class _Grid:
    """The points of all segments, sorted by segment and place; an interval is a point with its right neighbour."""

    def __init__(
        self,
        objective: Objective,
        paths: Sequence[Path],
        pairs: Sequence[int],
        n: int,
        safety: float,
        lipschitz: float | None,
    ) -> None:
        counts = torch.tensor([path.n_segments for path in paths])
        self.objective, self.safety, self.lipschitz = objective, safety, lipschitz
        self.a = torch.cat([path.vertices[:-1] for path in paths])  # (n_segments, *shape)
        self.c = torch.cat([path.vertices[1:] for path in paths])
        self.path = torch.arange(len(paths)).repeat_interleave(counts)  # (n_segments,) path of each segment
        self.number = torch.cat([torch.arange(int(count)) for count in counts])  # (n_segments,) its place in the path
        self.pair = torch.tensor(list(pairs))[self.path]
        self.length = (self.c - self.a).flatten(1).norm(dim=1).double().cpu()
        self.segment = torch.arange(len(self.a)).repeat_interleave(n + 1)  # (n_points,)
        self.t = (torch.arange(n + 1, dtype=torch.float64) / n).repeat(len(self.a))  # (n_points,) exact where n = 2^k
        self.loss, self.slope = self._evaluated(self.segment, self.t)  # (n_points,) each, nats and nats per unit of t
        self.tests = torch.zeros(len(paths), dtype=torch.long)
        self.surprises = torch.zeros(len(paths), dtype=torch.long)

    def bounds(self) -> Tensor:
        """Upper bound of each interval (n_points - 1,); -inf between segments, where there is none."""
        width = self.t.diff()
        mean = (self.loss[1:] + self.loss[:-1]) / 2
        bound = torch.maximum(mean + self._steepness() * width / 2, torch.maximum(self.loss[1:], self.loss[:-1]))
        return torch.where(self._inside(), bound.nan_to_num(nan=torch.inf), -torch.inf)

    def _inside(self) -> Tensor:
        return self.segment[1:] == self.segment[:-1]

    def _steepness(self) -> Tensor:
        """What |f'| is taken to be at most in each interval (n_points - 1,), nats per unit of t."""
        if self.lipschitz is not None:
            return self.lipschitz * self.length[self.segment[:-1]]
        secant = (self.loss.diff() / self.t.diff()).abs().nan_to_num(nan=torch.inf)
        own = torch.maximum(torch.maximum(self.slope[1:], self.slope[:-1]), secant)
        own = torch.where(self._inside(), own, 0.0)
        near = own.clone()
        near[1:] = torch.maximum(near[1:], own[:-1])  # own is 0 between segments: neighbours are of one segment
        near[:-1] = torch.maximum(near[:-1], own[1:])
        return self.safety * near

    def largest(self) -> Tensor:
        """Largest loss seen on each path (n_paths,)."""
        return self._by_path(self.loss, self.path[self.segment])

    def enough(self, tolerance: float, level: float | None) -> Tensor:
        """The bound below which each interval is left alone (n_points - 1,)."""
        low = self.largest() + tolerance
        low = low if level is None else low.clamp(min=level)
        return low[self.path[self.segment[:-1]]]

    def affordable(self, wanted: Tensor, budgets: Tensor) -> Tensor:
        """Those of the wanted intervals that the budgets of their paths allow, highest bounds first."""
        wanted = wanted & self._inside() & (self.t.diff() > torch.finfo(torch.float32).eps)
        path = self.path[self.segment]
        left = budgets - path.bincount(minlength=len(budgets))
        rows = wanted.nonzero().squeeze(1)
        rows = rows[self.bounds()[rows].argsort(descending=True, stable=True)]
        rows = rows[path[rows].argsort(stable=True)]
        owner = path[rows]
        first = torch.searchsorted(owner, owner)  # of the same path
        affordable = torch.zeros_like(wanted)
        affordable[rows[torch.arange(len(rows)) - first < left[owner]]] = True
        return affordable

    def halve(self, wanted: Tensor, tolerance: float) -> None:
        """Evaluate the middle of these intervals, and note whose bound it exceeds by more than the tolerance."""
        segment = self.segment[:-1][wanted]
        t = (self.t[1:] + self.t[:-1])[wanted] / 2
        bound = self.bounds()[wanted]
        loss, slope = self._evaluated(segment, t)
        owner = self.path[segment]
        self.tests += owner.bincount(minlength=len(self.tests))
        self.surprises += owner[loss > bound + tolerance].bincount(minlength=len(self.tests))
        order = _order(torch.cat([self.segment, segment]), torch.cat([self.t, t]))
        self.segment, self.t = torch.cat([self.segment, segment])[order], torch.cat([self.t, t])[order]
        self.loss, self.slope = torch.cat([self.loss, loss])[order], torch.cat([self.slope, slope])[order]

    def certificates(self, tolerance: float, level: float | None) -> list[Certificate]:
        owner = self.path[self.segment]
        bounds = self._by_path(self.bounds(), owner[:-1])
        found = []
        for path in range(len(self.tests)):
            points = (owner == path).nonzero().squeeze(1)
            top = points[self.loss[points].argmax()]
            found.append(
                Certificate(
                    largest=self.loss[top].item(),
                    at=self.number[self.segment[top]].item() + self.t[top].item(),
                    bound=bounds[path].item(),
                    level=level,
                    tolerance=tolerance,
                    evaluations=len(points),
                    tests=int(self.tests[path]),
                    surprises=int(self.surprises[path]),
                    rigorous=self.lipschitz is not None,
                )
            )
        return found

    def _by_path(self, values: Tensor, owner: Tensor) -> Tensor:
        """The largest of the values of each path (n_paths,)."""
        start = values.new_full((int(self.path.max()) + 1,), -torch.inf)
        return start.scatter_reduce(0, owner, values, "amax")

    def _evaluated(self, segment: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Losses and absolute slopes (n,) at t of these segments, float64 on the CPU; NaN counts as infinite."""
        parts = [
            _along(self.objective, self.a[rows], self.c[rows], self.pair[rows], place)
            for rows, place in zip(segment.split(chunk_size(self.a)), t.split(chunk_size(self.a)), strict=True)
        ]
        losses, slopes = (torch.cat(one).double().cpu().nan_to_num(nan=torch.inf) for one in zip(*parts, strict=True))
        return losses, slopes.abs()


def _along(objective: Objective, a: Tensor, c: Tensor, pairs: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Losses and slopes d loss / dt at t (n,) of the segments a-c (n, *shape)."""
    with torch.enable_grad():
        place = t.to(a).requires_grad_()
        losses = objective(between(a, c, columns(place, a)), pairs.to(a.device))
        slopes = gradient_of(losses, place)
    return losses.detach(), slopes


def _order(segment: Tensor, t: Tensor) -> Tensor:
    """Indices that sort by segment, then by t."""
    by_place = t.argsort(stable=True)
    return by_place[segment[by_place].argsort(stable=True)]


def _check(paths: Sequence[Path], pairs: Sequence[int], safety: float) -> None:
    if not paths or len(paths) != len(pairs):
        raise ValueError(f"expected at least one path and one pair for each, got {len(paths)} and {len(pairs)}")
    for i, (path, pair) in enumerate(zip(paths, pairs, strict=True)):
        checks.integer("pair", pair, at_least=0)
        checked_points(f"path {i}", path.vertices)
    if not safety >= 1:
        raise ValueError(f"safety must be at least 1, the slopes seen, got {safety}")
