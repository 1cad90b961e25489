"""Samples of a Gaussian field along a line: stationary, mean 0, variance 1, covariance exp(-s^2/2), s in units of xi.

The field is a sum of waves on a circle so long that its ends do not feel each other: the covariance is then exact to
rounding. The waves are drawn first and summed on the grid afterwards, so that one seed gives the same functions on
every grid, and what the spacing changes is seen without noise.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from percolation import checks, seeds
from percolation.quantities import Estimate
from percolation.theory.rounds.crossings import level

SPACING = 1 / 40  # of grid points, in xi
WIDEST = 1 / 4  # above, waves that matter are not resolved
REACH = 9.0  # exp(-REACH^2/2) = 3e-18: covariance at this distance, and weight of this wave number, are rounding
PARTS = 8  # the circle is longer than the line by a multiple of 1/PARTS, for every spacing
LONGEST = 1e5  # line in xi, some 100 MB a profile
SHORT = 1.0  # below, in xi, waves are summed on the line alone: the circle has many more points
AT_ONCE = 2**21  # grid points of the profiles in memory


@dataclass(frozen=True)
class Grid:
    """Points on [0, L] and the circle of period P that they lie on, lengths in xi."""

    length: float  # L
    spacing: float  # asked for; the grid's own is a little finer

    @property
    def extra(self) -> int:
        """(P - L) / L in units of 1/PARTS, so that P - L >= REACH."""
        return math.ceil(PARTS * REACH / self.length)

    @property
    def period(self) -> float:
        return self.length * (1 + self.extra / PARTS)

    @property
    def n_intervals(self) -> int:
        return PARTS * math.ceil(self.length / self.spacing / PARTS)

    @property
    def n_circle(self) -> int:
        return self.n_intervals // PARTS * (PARTS + self.extra)

    @property
    def distances(self) -> np.ndarray:
        """(n_intervals + 1,) of the points from the first."""
        return np.linspace(0, self.length, self.n_intervals + 1)

    @property
    def wave_numbers(self) -> np.ndarray:
        """(n_waves,) k = 2 pi j / P, j = 0, 1, ..., up to REACH."""
        return 2 * np.pi / self.period * np.arange(1 + int(REACH * self.period / (2 * np.pi)))

    @property
    def weights(self) -> np.ndarray:
        """(n_waves,) standard deviations of the waves cos(k s), and of sin(k s).

        By Poisson's sum, sum_j S(k_j) exp(i k_j s) with S = sqrt(2 pi) / P exp(-k^2/2) is the covariance on the circle.
        """
        k = self.wave_numbers
        both_signs = np.where(k > 0, 2, 1)
        return np.sqrt(both_signs * math.sqrt(2 * np.pi) / self.period * np.exp(-(k**2) / 2))


def profiles(grid: Grid, n_samples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Independent samples of the field on the grid, in blocks (n, n_intervals + 1) of n_samples rows altogether."""
    weights = grid.weights
    rows = max(1, AT_ONCE // (grid.n_intervals if grid.length < SHORT else grid.n_circle))
    for start in range(0, n_samples, rows):
        waves = rng.standard_normal((min(rows, n_samples - start), 2, len(weights))) * weights
        yield _sum_one_by_one(grid, waves) if grid.length < SHORT else _sum_by_fft(grid, waves)


def _sum_by_fft(grid: Grid, waves: np.ndarray) -> np.ndarray:
    n = grid.n_circle
    spectrum = (waves[:, 0] - 1j * waves[:, 1]) * (n / 2)
    spectrum[:, 0] = waves[:, 0, 0] * n  # k = 0 has no twin -k
    return np.fft.irfft(spectrum, n)[:, : grid.n_intervals + 1]


def _sum_one_by_one(grid: Grid, waves: np.ndarray) -> np.ndarray:
    """The same for a line that is a small part of its circle."""
    g = np.zeros((len(waves), grid.n_intervals + 1))
    for j, k in enumerate(grid.wave_numbers):
        phase = k * grid.distances
        g += waves[:, 0, j, None] * np.cos(phase) + waves[:, 1, j, None] * np.sin(phase)
    return g


def grid(length_over_xi: float, spacing: float = SPACING) -> Grid:
    """The grid for a line of this length, both in xi."""
    spacing = checks.positive("spacing", spacing)
    if spacing > WIDEST:
        raise ValueError(f"spacing must be at most {WIDEST} correlation lengths, got {spacing:g}")
    length = checks.positive("length_over_xi", length_over_xi)
    if length > LONGEST:
        raise ValueError(f"length_over_xi must be at most {LONGEST:g}, got {length:g}; rounds grow as its logarithm")
    return Grid(length, spacing)


def barrier_height(occupation: float, length_over_xi: float, *, n_samples: int, seed: seeds.Seed) -> Estimate:
    """Expected barrier of a straight line above the level, h_L = E max over [0, L] of g - u, in standard deviations.

    Ends are as they fall, not lowered; h_L < 0 where most lines are open. About 2.04 - u at L = 30 xi.
    Error: standard error over n_samples independent lines; the grid of xi/40 takes 10^-4 away.
    Source: defined for this package, see `success`.
    """
    n, rng = checks.integer("n_samples", n_samples, at_least=2), seeds.generator(seed)
    highest = np.concatenate([block.max(axis=1) for block in profiles(grid(length_over_xi), n, rng)])
    method = f"mean maximum of {n_samples} Gaussian lines of {length_over_xi:g} xi, less the level"
    return Estimate(
        float(highest.mean() - level(occupation)), float(highest.std(ddof=1) / math.sqrt(n_samples)), method
    )
