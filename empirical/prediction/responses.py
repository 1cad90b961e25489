"""The line of a pair: value and gradient along it, and what linear response says of the finder there.

`of_pairs` looks at the straight line of every pair before the finder runs, and predicts each pair's rounds, segments
and first displacement, `percolation.theory.rounds.respond`. Of the gradients only their products are kept.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from empirical.descent.rows import descend
from empirical.finder.paths import between
from empirical.finder.settings import Finder
from empirical.losses.evaluation import Evaluator
from empirical.losses.objectives import Objective, checked_points, losses
from empirical.losses.scales import scale_of
from empirical.prediction import curvatures
from percolation import checks
from percolation.theory import rounds

N_POINTS = 96  # of a line
PER_XI, MOST_POINTS = 8, 1024  # of a line whose correlation length is known
LINE_BYTES = 2**27  # of the points and gradients of the lines that are looked at together
NOT_FINITE = "the value or its gradient is not finite somewhere on the line"


@dataclass(frozen=True, eq=False)
class Seen:
    """Scaled values and gradients across straight lines, at equal shares of each from A to C."""

    shares: np.ndarray  # (n_points,) from 0 to 1
    z: np.ndarray  # (n_pairs, n_points)
    gram: (
        np.ndarray
    )  # (n_pairs, n_points, n_points) of the points' type: [s*, s] move at s* times gradient at s, across
    norms: np.ndarray  # (n_pairs, n_points) lengths of the moves
    lengths: np.ndarray  # (n_pairs,) in units of x

    @property
    def finite(self) -> np.ndarray:
        """(n_pairs,) whether every number is."""
        return np.isfinite(self.z).all(axis=1) & np.isfinite(self.gram).all(axis=(1, 2))


@dataclass(frozen=True, eq=False)
class Responses:
    """What linear response says of each pair; NaN, and a note, where it says nothing."""

    scale: str  # on which z is read
    rounds: np.ndarray  # (n_pairs,)
    expected: np.ndarray  # (n_pairs,) mean rounds over what the response may be, of steepest descents; NaN of others
    segments: np.ndarray  # (n_pairs,)
    displacement: np.ndarray  # (n_pairs,) of the first cut, in units of x; NaN if there is none
    comes_down: np.ndarray  # (n_pairs,) 1 or 0, whether all cuts reach stop by second order; NaN if that was not asked
    notes: tuple[str, ...]  # (n_pairs,) why there is no prediction; empty where there is one

    @property
    def known(self) -> np.ndarray:
        """(n_pairs,) whether there is a prediction."""
        return np.array([not note for note in self.notes], dtype=bool)


def of_pairs(
    objective: Objective,
    a: Tensor,
    c: Tensor,
    level: float,
    stop: float,
    *,
    n_points: int = N_POINTS,
    steps: str = "steepest",
    curved: bool = False,
) -> Responses:
    """What linear response says of the finder between a[i] and c[i], (n, *shape) each, open points.

    level, stop: losses; the objective's own scale makes z of them. n_points: of a line, 3 or more; see `points_for`.
    steps: of the descent, "steepest" or "adam". curved: ask second order too, of steepest descents. Costs n_points
    gradients a pair, and as many products with the Hessian if curved.
    """
    scale = scale_of(objective)
    high, low = scale.levels(level, stop)
    seen = look(scale.of_points, a, c, n_points=n_points, steps=steps)
    rows = seen.finite.nonzero()[0]
    columns, notes = np.full((5, len(a)), np.nan), [NOT_FINITE] * len(a)
    if len(rows):
        z, gram, norms = seen.z[rows], seen.gram[rows], seen.norms[rows]
        found = rounds.respond(z, gram, seen.shares, level=high, stop=low, norms=norms)
        columns[:3, rows] = found.rounds, found.segments, found.displacement
        if steps == "steepest":
            columns[4, rows] = rounds.expected_rounds(z, gram, seen.shares, seen.lengths[rows], level=high, stop=low)
        if curved and steps == "steepest":
            kappa = curvatures.along_descents(scale.of_points, a, c, n_points=n_points).numpy(force=True)
            columns[3, rows] = found.comes_down(kappa[rows])
        for row, reason in zip(rows, found.reasons, strict=True):
            notes[row] = reason
    return _responses(scale.name, columns, notes)


def unknown(n: int, note: str) -> Responses:
    """No prediction for n pairs, and why."""
    return _responses("", np.full((5, n), np.nan), [note] * n)


def _responses(scale: str, columns: np.ndarray, notes: list[str]) -> Responses:
    rounds, segments, displacement, comes_down, expected = columns
    return Responses(scale, rounds, expected, segments, displacement, comes_down, tuple(notes))


def of_finder(
    objective: Objective, a: Tensor, c: Tensor, finder: Finder, *, n_points: int = N_POINTS, curved: bool = False
) -> Responses:
    """`of_pairs` at the finder's level, cuts lowered to where its descents really end.

    Steepest descent ends at stop, Adam where its steps lead: `reached`; it moves along the signs of the gradient, so
    further than steepest descent. No pairs have no responses.
    """
    if not len(a):
        return unknown(0, "")
    stop = finder.descent.stop
    if finder.descent.steps == "adam":
        stop = reached(objective, a, c, finder)
    how = finder.descent.steps
    return of_pairs(objective, a, c, finder.level, stop, n_points=n_points, steps=how, curved=curved)


def reached(objective: Objective, a: Tensor, c: Tensor, finder: Finder, *, n_lines: int = 8) -> float:
    """Loss at which the finder's descents from the worst points of some of the lines end, the median of those that do.

    stop itself where no line is closed, or none of these descents comes down.
    """
    rows = torch.arange(len(a), device=a.device)[:n_lines]
    t = torch.linspace(0, 1, N_POINTS, dtype=a.dtype, device=a.device).view(1, -1, *[1] * (a.ndim - 1))
    points = between(a[rows, None], c[rows, None], t)
    values = losses(objective, points.flatten(0, 1), rows.repeat_interleave(N_POINTS)).view(len(rows), N_POINTS)
    highest, worst = values.max(1)
    closed = highest > finder.level
    if not closed.any():
        return finder.descent.stop
    moved = descend(objective, points[rows, worst][closed], rows[closed], finder.descent, normals=(c - a)[rows][closed])
    ended = moved.losses[moved.reached]
    return float(ended.median()) if len(ended) else finder.descent.stop


def look(objective: Objective, a: Tensor, c: Tensor, *, n_points: int = N_POINTS, steps: str = "steepest") -> Seen:
    """Values and gradients across the straight lines from a[i] to c[i]; objective: of z, pair i's on line i.

    Steepest descent moves a point along its gradient; Adam's first steps have one length along every axis and go along
    the signs of the gradient. Both as far as they lie across the line.
    A few lines at a time, so that their points and gradients fit the memory; kept are n_points^2 products a line.
    """
    if a.shape != c.shape:
        raise ValueError(f"a and c must match in shape, got {tuple(a.shape)} and {tuple(c.shape)}")
    checked_points("a and c", torch.cat([a, c]))
    checks.integer("n_points", n_points, at_least=3)
    evaluate = Evaluator(objective, a)
    t = torch.linspace(0, 1, n_points, dtype=a.dtype, device=a.device)
    at = t.view(1, -1, *[1] * (a.ndim - 1))
    lines = max(LINE_BYTES // (2 * n_points * a[0].numel() * a.element_size()), 1)
    z, gram, norms = [], [], []
    for rows in torch.arange(len(a), device=a.device).split(lines):
        points = between(a[rows, None], c[rows, None], at).flatten(0, 1)
        scaled, gradient = evaluate.slopes(points, rows.repeat_interleave(n_points))
        z.append(scaled.view(len(rows), n_points))
        gradient, along = gradient.reshape(len(rows), n_points, -1), (c[rows] - a[rows]).flatten(1)
        moves = across(gradient.sign() if steps == "adam" else gradient, along)
        gram.append(moves @ across(gradient, along).transpose(1, 2))
        norms.append(moves.norm(dim=2))
    values, products, moved = (torch.cat(parts).numpy(force=True) for parts in (z, gram, norms))
    lengths = (c - a).flatten(1).norm(dim=1).double().numpy(force=True)
    return Seen(np.linspace(0, 1, n_points), values.astype(float), products, moved.astype(float), lengths)


def points_for(length_over_xi: float) -> int:
    """Points of a line this long: N_POINTS, or 8 a correlation length; N_POINTS where that is not known."""
    if not math.isfinite(length_over_xi):
        return N_POINTS
    return min(max(N_POINTS, math.ceil(PER_XI * length_over_xi) + 1), MOST_POINTS)


def across(vectors: Tensor, along: Tensor) -> Tensor:
    """Vectors (m, n, D) without their parts along lines along (m, D)."""
    unit = torch.nn.functional.normalize(along, dim=1)[:, None]
    return vectors - (vectors * unit).sum(2, keepdim=True) * unit
