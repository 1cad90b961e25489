"""Linear response of a straight line: rounds, segments and path of the finder, from what is seen on the line alone.

On the line from A to C, at positions s, let z be the value and g its gradient without the part along the line. The path
finder cuts a piece that is closed, max z > z_level, at its highest point s*, and moves that point orthogonally to the
line, down the gradient, until z = z_stop: by (z(s*) - z_stop) / |g(s*)| to first order. The two halves swing along, a
point at s by the share tent(s), 1 at s*, 0 at both ends of the piece, linear between. To first order the value becomes
    z(s) - (z(s*) - z_stop) K(s, s*) / K(s*, s*) tent(s),   K(s, s') = g(s) . g(s').
Repeated until all pieces are open, this is the whole search: each cut, the first displacement, and the vertices of the
path, sums of A, C and the gradients on the line. Nothing is fitted. It is exact where z is linear, so z must be a scale
on which the landscape is as linear as can be: crossings do not depend on the scale, responses do.
Source: derived for this package. `recursion` is the case of a stationary Gaussian line in high dimension.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

kernel = njit(cache=True, nogil=True)

PLACE, LEFT, RIGHT, ROUND = range(4)  # of a cut: its point and the ends of its piece, indices of s; its round, from 1
# how the recursion ended on a line; else the point without gradient at which it could not go on
DONE, CLOSED_END = -1, -2


@dataclass(frozen=True, eq=False)
class Path:
    """Vertices of the predicted path of one line: on_a A + on_c C + on_gradients @ g, in order, A and C among them."""

    places: np.ndarray  # (n_vertices,) int64, the points of the line that were moved there
    on_a: np.ndarray  # (n_vertices,)
    on_c: np.ndarray  # (n_vertices,)
    on_gradients: np.ndarray  # (n_vertices, n_points), of the gradients across the line


@dataclass(frozen=True, eq=False)
class Response:
    """What linear response says of the finder on m lines; NaN for a line with a reason why it says nothing.

    Displacements are in units of z per gradient, those of x; heights in the unit of z.
    """

    positions: np.ndarray  # (n_points,) s
    rounds: np.ndarray  # (m,) 0 where the line is open
    segments: np.ndarray  # (m,) of the final path
    displacement: np.ndarray  # (m,) of the first cut from the line; NaN if there is none
    stretch: np.ndarray  # (m,) sum over cuts of displacement^2 (1/a + 1/b) / 2, a and b its new pieces in units of s
    highest: np.ndarray  # (m, 1 + most rounds) largest z on the path after each round; NaN after the line's last
    n_cuts: np.ndarray  # (m,) int64
    cuts: np.ndarray  # (sum of n_cuts, 4) PLACE, LEFT, RIGHT, ROUND of each, after the cut whose half it cuts
    weights: np.ndarray  # (sum of n_cuts,) (z(s*) - z_stop) / K(s*, s*) of each
    reasons: tuple[str, ...]  # (m,) empty where there is a prediction

    def cuts_of(self, line: int) -> tuple[np.ndarray, np.ndarray]:
        """Cuts (n, 4) and weights (n,) of one line, the first cut first."""
        begin = int(self.n_cuts[:line].sum())
        rows = slice(begin, begin + int(self.n_cuts[line]))
        return self.cuts[rows], self.weights[rows]

    def comes_down(self, curvature: np.ndarray) -> np.ndarray:
        """Whether every cut of a line comes down to stop by second order, (m,) 1 or 0; NaN without a prediction.

        curvature: (m, n_points) kappa(s) = n . H n along n = -g(s) / |g(s)|, H the Hessian of z. Down the gradient z
        falls by |g| r - kappa r^2 / 2, so by no more than |g|^2 / (2 kappa) where kappa > 0. With the cut's weight
        w = (z(s*) - z_stop) / |g|^2 that is enough where 2 kappa w <= 1. A cut by first order alone is taken for the
        height, and the descent for a straight one.
        """
        lines = np.repeat(np.arange(len(self.n_cuts)), self.n_cuts)
        stays_up = 2 * curvature[lines, self.cuts[:, PLACE]] * self.weights > 1
        n_up = np.bincount(lines, stays_up, minlength=len(self.n_cuts))
        return np.where(np.isnan(self.rounds), np.nan, n_up == 0)

    def path(self, line: int) -> Path:
        """The predicted path of one line; an error where there is none."""
        if self.reasons[line]:
            raise ValueError(f"line {line} has no predicted path: {self.reasons[line]}")
        cuts, weights = self.cuts_of(line)
        s = self.positions
        places = np.concatenate([[0], np.sort(cuts[:, PLACE]), [len(s) - 1]])
        on_gradients = np.zeros((len(places), len(s)))
        for (place, left, right, _), weight in zip(cuts, weights, strict=True):
            # 0 beyond the ends of the piece: what lies there does not swing
            on_gradients[:, place] -= weight * np.interp(s[places], s[[left, place, right]], [0.0, 1.0, 0.0])
        share = (s[places] - s[0]) / (s[-1] - s[0])
        return Path(places, 1 - share, share, on_gradients)


def respond(
    values: ArrayLike,
    gram: ArrayLike,
    positions: ArrayLike,
    *,
    level: ArrayLike,
    stop: ArrayLike,
    norms: ArrayLike | None = None,
) -> Response:
    """Rounds, segments, displacement and path of the finder on each of m lines, by linear response.

    values: (m, n_points) z along the lines, or (n_points,) of one. gram: (m, n_points, n_points) products
    K = g(s) . g(s') of the gradients across the line, or (n_points, n_points); of any float type, and not copied.
    positions: (n_points,) s from the first end to the last, increasing, in any unit. level, stop: z at or below which
    a point is open, and that to which a cut is lowered, below the level; numbers, or (m,). norms: (m, n_points) or
    (n_points,), for descents that do not follow the gradient: a cut at s moves along -u(s), gram holds
    K[s*, s] = u(s*) . g(s), norms |u(s)|, and a path's weights are on u. None: u = g.
    No prediction where an end is closed, or a point that has to be cut has no gradient: NaN, and the reason.
    Error: none of its own. It leaves out what is of second order, and what lies between the points.
    """
    z, K, s = checked(values, gram, positions)
    levels, stops = checked_levels(level, stop, len(z))
    done = cut_lines(z, K, _checked_norms(norms, K), s, levels, stops)
    known = done.ended == DONE
    n_rounds, n_cuts = (np.where(known, count, 0) for count in (done.rounds, done.n_cuts))
    noted = np.arange(done.weights.shape[1]) < n_cuts[:, None]
    highest = done.highest[:, : n_rounds.max() + 1]
    past = (np.arange(highest.shape[1]) > n_rounds[:, None]) | ~known[:, None]
    return Response(
        s,
        np.where(known, done.rounds, np.nan),
        np.where(known, done.n_cuts + 1, np.nan),
        np.where(known, done.displacement, np.nan),
        np.where(known, done.stretch, np.nan),
        np.where(past, np.nan, highest),
        n_cuts,
        done.cuts[noted],
        done.weights[noted],
        tuple(_reason(end, s) for end in done.ended.tolist()),
    )


class Done(NamedTuple):
    """What `cut_lines` did on m lines of n points; those that it could not finish are as it left them."""

    ended: np.ndarray  # (m,) int64: DONE, CLOSED_END, or the point without gradient
    rounds: np.ndarray  # (m,) int64
    n_cuts: np.ndarray  # (m,) int64
    first: np.ndarray  # (m,) largest z of the straight line
    displacement: np.ndarray  # (m,) of the first cut; NaN if there is none
    stretch: np.ndarray  # (m,)
    highest: np.ndarray  # (m, n - 1) after each round, up to the last
    cuts: np.ndarray  # (m, n - 2, 4) int64, the first n_cuts of them
    weights: np.ndarray  # (m, n - 2), likewise


def cut_lines(
    z: np.ndarray, K: np.ndarray, norms: np.ndarray, s: np.ndarray, levels: np.ndarray, stops: np.ndarray
) -> Done:
    """The recursion on each row of z (m, n); K (m, n, n), norms (m, n), s (n,), levels and stops (m,), unchecked."""
    m, n = z.shape
    ended, rounds, n_cuts = np.zeros((3, m), dtype=np.int64)
    first, displacement, stretch = np.empty((3, m))
    cuts, weights = np.empty((m, n - 2, 4), dtype=np.int64), np.empty((m, n - 2))
    done = Done(ended, rounds, n_cuts, first, displacement, stretch, np.empty((m, n - 1)), cuts, weights)
    _cut_each(z, K, norms, s, levels, stops, *done)
    return done


@kernel
def _cut_each(
    z: np.ndarray,
    K: np.ndarray,
    norms: np.ndarray,
    s: np.ndarray,
    levels: np.ndarray,
    stops: np.ndarray,
    ended: np.ndarray,
    rounds: np.ndarray,
    n_cuts: np.ndarray,
    first: np.ndarray,
    displacement: np.ndarray,
    stretch: np.ndarray,
    highest: np.ndarray,
    cuts: np.ndarray,
    weights: np.ndarray,
) -> None:
    """Fill the arrays of a `Done`; rounds and n_cuts come as 0."""
    n = z.shape[1]
    g, settled = np.empty(n), np.empty(n)
    waiting = np.empty((n, 3), dtype=np.int64)  # pieces to look at: first and last point, rounds that made them
    for i in range(len(z)):
        g[:] = z[i]
        first[i], displacement[i] = g[_highest(g, 0, n - 1)], np.nan
        ended[i], n_cuts[i], stretch[i] = _cut(
            g, K[i], norms[i], s, levels[i], stops[i], waiting, settled, highest[i], cuts[i], weights[i]
        )
        if n_cuts[i]:
            top = cuts[i, 0, PLACE]
            displacement[i] = weights[i, 0] * norms[i, top]
        for k in range(n_cuts[i]):
            rounds[i] = max(rounds[i], cuts[i, k, ROUND])


@kernel
def _cut(
    g: np.ndarray,
    K: np.ndarray,
    norms: np.ndarray,
    s: np.ndarray,
    level: float,
    stop: float,
    waiting: np.ndarray,
    settled: np.ndarray,
    highest: np.ndarray,
    cuts: np.ndarray,
    weights: np.ndarray,
) -> tuple[int, int, float]:
    """Cut every piece of one line that is closed at its highest point, until all are open: how it ended, cuts, stretch.

    settled[r]: the highest point of the pieces that round r made and that are open.
    """
    last = len(g) - 1
    n_cuts, stretch, deepest = 0, 0.0, 0
    if max(g[0], g[last]) > level:
        return CLOSED_END, n_cuts, stretch
    waiting[0] = 0, last, 0
    highest[0] = settled[0] = -np.inf
    n_waiting = 1
    while n_waiting:
        n_waiting -= 1
        i, j, made = waiting[n_waiting]
        top = _highest(g, i, j)
        if g[top] <= level:
            settled[made] = max(settled[made], g[top])
            continue
        highest[made] = max(highest[made], g[top])
        if not K[top, top] > 0:
            return top, n_cuts, stretch
        weight = (g[top] - stop) / K[top, top]
        if made == deepest:
            deepest += 1
            highest[deepest] = settled[deepest] = -np.inf
        cuts[n_cuts] = top, i, j, made + 1
        weights[n_cuts] = weight
        n_cuts += 1
        stretch += (weight * norms[top]) ** 2 * (1 / (s[top] - s[i]) + 1 / (s[j] - s[top])) / 2
        _swing(g, K[top], s, i, top, j, weight)
        g[top] = stop  # not stop + rounding
        waiting[n_waiting] = i, top, made + 1
        waiting[n_waiting + 1] = top, j, made + 1
        n_waiting += 2
    for made in range(1, deepest + 1):
        settled[made] = max(settled[made], settled[made - 1])
    for made in range(deepest + 1):
        highest[made] = max(highest[made], settled[made])
    return DONE, n_cuts, stretch


@kernel
def _highest(g: np.ndarray, i: int, j: int) -> int:
    """The highest point of i ... j, the first of equals."""
    top = i
    for k in range(i + 1, j + 1):
        if g[k] > g[top]:
            top = k
    return top


@kernel
def _swing(g: np.ndarray, row: np.ndarray, s: np.ndarray, i: int, top: int, j: int, weight: float) -> None:
    """g(s) - weight K(s, s*) tent(s) on the piece from i to j; row: K(s, s*)."""
    for k in range(i + 1, top + 1):
        g[k] -= weight * row[k] * (s[k] - s[i]) / (s[top] - s[i])
    for k in range(top + 1, j):
        g[k] -= weight * row[k] * (s[j] - s[k]) / (s[j] - s[top])


def checked(values: ArrayLike, gram: ArrayLike, positions: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """z (m, n), K (m, n, n) and s (n,)."""
    z, K, s = np.atleast_2d(np.asarray(values, dtype=float)), np.asarray(gram), np.asarray(positions, dtype=float)
    K = K[None] if K.ndim == 2 else K
    m, n = z.shape if z.ndim == 2 else (0, 0)
    if s.ndim != 1 or len(s) < 3:
        raise ValueError(f"a line needs 3 or more points, its two ends and one to cut, got positions {s.shape}")
    if not m or n != len(s) or K.shape != (m, n, n) or not np.issubdtype(K.dtype, np.floating):
        raise ValueError(
            f"values and gram must be floats (m, {len(s)}) and (m, {len(s)}, {len(s)}) for {len(s)} positions, got "
            f"{np.shape(values)} and {np.shape(gram)} of {K.dtype}"
        )
    if not (np.isfinite(s).all() and (np.diff(s) > 0).all()):
        raise ValueError("positions must be finite and increase from the first end of the line to the last")
    for name, one in (("values", z), ("gram", K)):
        finite = np.isfinite(one).reshape(m, -1).all(axis=1)
        if not finite.all():
            raise ValueError(f"{name} of line {int(finite.argmin())} hold NaN or infinite numbers; leave out the line")
    return z, K, s


def _checked_norms(norms: ArrayLike | None, K: np.ndarray) -> np.ndarray:
    """|u(s)| of each line, (m, n); that of the gradient if none is given."""
    if norms is None:
        return norms_of(K)
    lengths = np.atleast_2d(np.asarray(norms, dtype=float))
    if lengths.shape != K.shape[:2] or not (np.isfinite(lengths).all() and (lengths >= 0).all()):
        raise ValueError(f"norms must be {K.shape[:2]} lengths of 0 or more, got {np.shape(norms)}")
    return lengths


def norms_of(K: np.ndarray) -> np.ndarray:
    """|g(s)| of each line, (m, n)."""
    return np.sqrt(np.maximum(np.diagonal(K, axis1=1, axis2=2).astype(float), 0.0))


def checked_levels(level: ArrayLike, stop: ArrayLike, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Level and stop of each line, (m,)."""
    levels, stops = (np.asarray(one, dtype=float) for one in (level, stop))
    for name, one in (("level", levels), ("stop", stops)):
        if one.shape not in ((), (m,)) or not np.isfinite(one).all():
            raise ValueError(f"{name} must be a finite number, or one for each of {m} lines, got {one}")
    levels, stops = np.broadcast_to(levels, m), np.broadcast_to(stops, m)
    if not (stops < levels).all():
        i = int((stops >= levels).argmax())
        raise ValueError(
            f"stop must lie below the level, got stop={stops[i]:g}, level={levels[i]:g}: beside a point moved just to "
            "the level others stay closed"
        )
    return np.ascontiguousarray(levels), np.ascontiguousarray(stops)


def _reason(ended: int, s: np.ndarray) -> str:
    if ended == DONE:
        return ""
    if ended == CLOSED_END:
        return "an end lies above the level"
    return f"no gradient across the line at s = {s[ended]:g}, where it has to be cut"
