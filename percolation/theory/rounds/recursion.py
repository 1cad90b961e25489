"""The path finder in high dimension: linear response of one-dimensional profiles.

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
from numpy.lib.stride_tricks import as_strided

from percolation import checks, seeds
from percolation.quantities import Estimate
from percolation.theory.rounds.crossings import level
from percolation.theory.rounds.profiles import SPACING, Grid, grid, profiles
from percolation.theory.rounds.response import Done, cut_lines


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
        value = float(cut.mean()) if len(cut) else math.nan
        error = float(cut.std(ddof=1) / math.sqrt(len(cut))) if len(cut) > 1 else math.nan
        return Estimate(value, error, f"drop at the first cut, {self._what}, of which {len(cut)} were cut")

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
    seed: seeds.Seed,
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
    parts = [(done.rounds, done.n_cuts, done.first, done.stretch) for done in blocks]
    n_rounds, n_cuts, first, stretch = (np.concatenate(part) for part in zip(*parts, strict=True))
    unit = line.distances[1]  # of s
    return Cuts(line.length, margin, unit, n_rounds, n_cuts + 1, first - u, stretch / unit)


def check_margin(margin: float) -> float:
    """The margin as a float above 0: with none, points beside a vertex stay closed and the recursion has no end."""
    number = float(margin)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(
            f"margin must be a finite number above 0, got {margin}: beside a point moved just to the level others stay "
            "closed; let the optimiser stop below the level"
        )
    return number


def _cut(g: np.ndarray, u: float, margin: float, line: Grid) -> Done:
    """`response.cut_lines` on each row of g, its ends lowered: K is that of equal gradients across, of length 1."""
    m, n = g.shape
    bump = np.exp(-(line.distances**2) / 2)
    g = _ends_lowered(g, u - margin, bump)
    around = np.concatenate([bump[:0:-1], bump])  # k(s - s*) is at n - 1 + s - s*: K is a view of it
    K = as_strided(around[n - 1 :], (m, n, n), (0, -around.itemsize, around.itemsize), writeable=False)
    return cut_lines(
        g, K, np.broadcast_to(1.0, (m, n)), np.arange(n, dtype=float), np.full(m, u), np.full(m, u - margin)
    )


def _ends_lowered(g: np.ndarray, target: float, bump: np.ndarray) -> np.ndarray:
    """Both ends down to the target, if above; moving one swings the line about the other, hence the tent."""
    last = g.shape[1] - 1
    s = np.arange(last + 1)
    first_drop, last_drop = (np.maximum(g[:, [end]] - target, 0) for end in (0, last))
    g = g - (first_drop * bump * (last - s) + last_drop * bump[::-1] * s) / last
    g[:, [0, last]] = np.minimum(g[:, [0, last]], target)  # not target + rounding
    return g
