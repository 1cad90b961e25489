"""The path finder in high dimension: a recursion on one-dimensional profiles.

On a straight line of length L between two lowered points the field is a stationary Gaussian profile g. A piece that
is not open, max g > u, is cut at its highest point s*. Moving that point to f = u - m, orthogonally to the line and
down the gradient, changes the profile of the two new pieces to
    g(s) - (g(s*) - u + m) k(s - s*) tent(s),   k(s) = exp(-s^2 / 2 xi^2),
tent = 1 at s*, 0 at both ends of the piece cut, linear between: a point at distance s moves by the share tent(s), and
the gradient there, of length sqrt(d - 1) / xi as everywhere, has the part k(s) along the move. Second-order terms are
1/d. So the dimension is absent, and no parameter is fitted. Derived for this package; it agrees with the finder on
random Gaussian fields of 60 to 400 dimensions, in 21 settings, within 0.30 of a round.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from percolation import checks, seeds
from percolation.quantities import Estimate
from percolation.theory.rounds.crossings import level
from percolation.theory.rounds.profiles import SPACING, Grid, grid, profiles

kernel = njit(cache=True, nogil=True)


@dataclass(frozen=True, eq=False)
class Cuts:
    """What the recursion did on independent profiles, lengths in xi, heights in standard deviations of the field."""

    length: float  # L
    margin: float  # m
    spacing: float
    n_rounds: np.ndarray  # (n_samples,) int64, 0 where the straight line is open
    n_segments: np.ndarray  # (n_samples,) int64, all open at the end
    highest: np.ndarray  # (n_samples,) h = max g - u of the straight line; below 0 where it is open
    bending: np.ndarray  # (n_samples,) sum over the cuts of (h + m)^2 (1/a + 1/b) / 2, a and b the two new pieces

    @property
    def rounds(self) -> Estimate:
        """E R: passes until all segments are open."""
        return self._mean(self.n_rounds, "rounds")

    @property
    def segments(self) -> Estimate:
        """E of the number of straight segments of the final path."""
        return self._mean(self.n_segments, "segments")

    @property
    def drop(self) -> Estimate:
        """E(h + m) of the first cut, over those lines that are cut: how far the field is brought down.

        NaN if no line is cut.
        """
        cut = self.highest[self.n_rounds > 0] + self.margin
        if len(cut) < 2:
            few = cut[0] if len(cut) else math.nan
            return Estimate(float(few), math.nan, f"drop at the first cut, {self._what}, of which {len(cut)} were cut")
        return Estimate(
            float(cut.mean()),
            float(cut.std(ddof=1) / math.sqrt(len(cut))),
            f"drop at the first cut, {self._what}, of which {len(cut)} were cut",
        )

    @property
    def excess(self) -> Estimate:
        """c = E (d - 1) (length of the path / L - 1), to leading order in 1/(d - 1).

        A cut at distance delta = (h + m) xi / sqrt(d - 1) from its segment adds delta^2 (1/a + 1/b) / 2 to the length.
        """
        return self._mean(self.bending / self.length, "excess length")

    @property
    def _what(self) -> str:
        return f"1-D recursion on {len(self.n_rounds)} profiles of {self.length:g} xi at spacing {self.spacing:.3g} xi"

    def _mean(self, sample: np.ndarray, name: str) -> Estimate:
        n = len(sample)
        # a sample that does not scatter is not exact: one profile more could differ
        error = sample.std(ddof=1) / math.sqrt(n) or 1 / n
        return Estimate(float(sample.mean()), float(error), f"{name}, {self._what}")


def one_dimensional(
    occupation: float,
    margin: float,
    length_over_xi: float,
    *,
    n_samples: int,
    seed: int,
    spacing: float = SPACING,
) -> Cuts:
    """Rounds, segments and displacements of the path finder for d -> infinity, from the recursion above.

    occupation: p in (0, 1) of the level u, Phi(u) = p. margin: m > 0, how far below the level points are moved, in
    standard deviations of the field. length_over_xi: L / xi. spacing: of the grid, in xi.
    The two ends, where the stationary profile is above u - m there, are lowered to it in the same way, with k(s) from
    the end and a tent that falls to 0 at the other end; ends below stay as they are.
    Error: of each Estimate the standard error over n_samples independent profiles. The grid matters less: at twice
    or half the default spacing rounds change by up to 0.02 for m >= 0.02. The result depends on the arguments alone.
    Source: derived for this package.
    """
    u, margin = level(occupation), check_margin(margin)
    line = grid(length_over_xi, spacing)
    n_samples = checks.integer("n_samples", n_samples, at_least=2)
    rng = seeds.generator(seed)
    blocks = [_cut(g, u, margin, line) for g in profiles(line, n_samples, rng)]
    counts, heights = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return Cuts(line.length, margin, line.distances[1], counts[:, 0], counts[:, 1], heights[:, 0], heights[:, 1])


def check_margin(margin: float) -> float:
    """The margin as a float above 0: with none, points beside a vertex stay closed and the recursion has no end."""
    number = float(margin)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(
            f"margin must be a finite number above 0, got {margin}: beside a point moved just to the level others stay "
            "closed; let the optimiser stop below the level"
        )
    return number


def _cut(g: np.ndarray, u: float, margin: float, line: Grid) -> tuple[np.ndarray, np.ndarray]:
    """The recursion on each row of g, which it overwrites."""
    s = line.distances
    counts, heights = np.empty((len(g), 2), dtype=np.int64), np.empty((len(g), 2))
    cut_each(np.ascontiguousarray(g), u, margin, np.exp(-(s**2) / 2), s[1], counts, heights)
    return counts, heights


@kernel
def cut_each(
    profiles: np.ndarray,
    u: float,
    margin: float,
    bump: np.ndarray,
    spacing: float,
    counts: np.ndarray,
    heights: np.ndarray,
) -> None:
    """Fill counts (n, 2) with rounds and segments, heights (n, 2) with the first h and the sum of bendings."""
    n_points = profiles.shape[1]
    ends = np.empty((n_points, 3), dtype=np.int64)  # pieces to look at: first and last point, rounds that made them
    for i in range(len(profiles)):
        g = profiles[i]
        lower_ends(g, u - margin, bump)
        cut(g, u, margin, bump, spacing, ends, counts[i], heights[i])


@kernel
def lower_ends(g: np.ndarray, target: float, bump: np.ndarray) -> None:
    """Both ends down to the target, if above; moving one swings the line about the other, hence the tent."""
    last = len(g) - 1
    first_drop, last_drop = max(g[0] - target, 0.0), max(g[last] - target, 0.0)
    for s in range(last + 1):
        g[s] -= (first_drop * bump[s] * (last - s) + last_drop * bump[last - s] * s) / last
    g[0], g[last] = min(g[0], target), min(g[last], target)  # not target + rounding


@kernel
def cut(
    g: np.ndarray,
    u: float,
    margin: float,
    bump: np.ndarray,
    spacing: float,
    ends: np.ndarray,
    counts: np.ndarray,
    heights: np.ndarray,
) -> None:
    """Cut every piece of one profile that is not open at its highest point, until all are."""
    counts[0], counts[1] = 0, 0
    heights[0], heights[1] = g[highest(g, 0, len(g) - 1)] - u, 0.0
    ends[0] = 0, len(g) - 1, 0
    waiting = 1
    while waiting:
        waiting -= 1
        i, j, made = ends[waiting]
        top = highest(g, i, j)
        if g[top] <= u:
            counts[0] = max(counts[0], made)
            counts[1] += 1
            continue
        drop = g[top] - u + margin
        heights[1] += drop**2 * (1 / (top - i) + 1 / (j - top)) / (2 * spacing)
        press(g, i, top, j, drop, bump)
        g[top] = u - margin
        ends[waiting] = i, top, made + 1
        ends[waiting + 1] = top, j, made + 1
        waiting += 2


@kernel
def highest(g: np.ndarray, i: int, j: int) -> int:
    """The highest point of i ... j, the first of equals."""
    top = i
    for s in range(i + 1, j + 1):
        if g[s] > g[top]:
            top = s
    return top


@kernel
def press(g: np.ndarray, i: int, top: int, j: int, drop: float, bump: np.ndarray) -> None:
    """g(s) - drop k(s - s*) tent(s) on the piece from i to j."""
    for s in range(i + 1, top + 1):
        g[s] -= drop * bump[top - s] * (s - i) / (top - i)
    for s in range(top + 1, j):
        g[s] -= drop * bump[s - top] * (j - s) / (j - top)
