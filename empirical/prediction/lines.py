"""What straight lines through a loss tell: occupation, correlation length, margin and effective dimension.

These four are what the theory of rounds asks for (`percolation.theory.rounds`), and they are fitted here before any
path is looked for. Crossings of a level do not change if the loss is replaced by an increasing function of it, so a
loss of any law is taken as that of a Gaussian field of the same occupation: the level is u = Phi^-1(p), the margin
m = Phi^-1(p) - Phi^-1(p_stop).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor

from empirical.finder.paths import between
from empirical.losses.objectives import Objective, chunk_size, gradient_of, losses
from empirical.losses.points import columns
from percolation import checks
from percolation.quantities import Estimate
from percolation.theory import rounds

N_POINTS = 200  # of a line, at first
PER_XI = 10  # points a correlation length at least: crossings closer than that are missed, and xi is overestimated
MOST_POINTS = 100_000
N_SLOPES = 16  # points of a line at which the gradient is taken


@dataclass(frozen=True, eq=False)
class Lines:
    """Losses and gradients along straight lines."""

    values: np.ndarray  # (n_lines, n_points) at equal spacings, both ends among them
    along: np.ndarray  # (n_lines, n_slopes) derivative along the line
    across: np.ndarray  # (n_lines, n_slopes) length of the gradient's part orthogonal to it
    lengths: np.ndarray  # (n_lines,) in units of x

    def select(self, rows: np.ndarray) -> "Lines":
        return Lines(self.values[rows], self.along[rows], self.across[rows], self.lengths[rows])

    def quantile(self, p: float) -> float:
        """The level at or below which a fraction p of the points lies."""
        return float(np.quantile(self.values, p))

    def occupation(self, level: float) -> float:
        """Fraction of the points at or below the level."""
        return float((self.values <= level).mean())

    def between(self) -> float:
        """Share of the variance that lies between the lines' own means: little, if lines are long and of one field."""
        total = self.values.var()
        return float(self.values.mean(axis=1).var() / total) if total else 0.0

    def length(self) -> float:
        return float(self.lengths.mean())

    def correlation_length(self, level: float) -> Estimate:
        """xi from the up-crossings of the level (Rice), in units of x."""
        counts = rounds.count_upcrossings(self.values, level)
        return rounds.correlation_length(counts, self.lengths, self.occupation(level))

    def margin(self, level: float, stop: float) -> float:
        """How far stop lies below the level, in standard deviations of the Gaussian field of the same occupations."""
        return float(ndtri(self.occupation(level)) - ndtri(self.occupation(stop)))

    def effective_dimension(self) -> Estimate:
        """1 + (rms gradient across / rms derivative along)^2."""
        return rounds.effective_dimension(self.across, self.along)


def resolved_lines(objective: Objective, a: Tensor, c: Tensor, level: Callable[[Lines], float]) -> Lines:
    """`along_lines` with as many points as it takes to tell apart the crossings of the level that the lines set."""
    n_points = N_POINTS
    while True:
        lines = along_lines(objective, a, c, n_points=n_points)
        try:
            needed = PER_XI * lines.length() / lines.correlation_length(level(lines)).value
        except ValueError:  # no line crosses the level
            return lines
        if needed <= n_points:
            return lines
        if needed > MOST_POINTS:
            raise ValueError(
                f"lines of {needed / PER_XI:.0f} correlation lengths take {needed:.0f} points each, at most "
                f"{MOST_POINTS} are looked at; take shorter lines"
            )
        n_points = int(1.5 * needed)  # a finer look sees more crossings


def along_lines(objective: Objective, a: Tensor, c: Tensor, *, n_points: int = N_POINTS) -> Lines:
    """Losses and gradients along the straight lines from a[i] to c[i], (n, *shape) each; pair i's loss on line i."""
    checks.integer("n_points", n_points, at_least=2)
    t = torch.linspace(0, 1, n_points, dtype=a.dtype, device=a.device)
    inner = (torch.arange(N_SLOPES, dtype=a.dtype, device=a.device) + 0.5) / N_SLOPES
    values = torch.cat([losses(objective, *points) for points in _points(a, c, t)]).view(len(a), n_points)
    slopes = [_gradients(objective, *points).flatten(1) for points in _points(a, c, inner)]
    gradient = torch.cat(slopes).view(len(a), N_SLOPES, -1)
    line = (c - a).flatten(1)
    lengths = line.norm(dim=1)
    along = (gradient * (line / lengths[:, None])[:, None]).sum(2)
    across = (gradient.square().sum(2) - along.square()).clamp(min=0).sqrt()
    return Lines(*(one.cpu().double().numpy(force=True) for one in (values, along, across, lengths)))


def _points(a: Tensor, c: Tensor, t: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Points (m, *shape) at t of all lines, line by line, and the line of each, (m,): a few lines at a time."""
    at = columns(t, a)[None]
    for rows in torch.arange(len(a), device=a.device).split(max(chunk_size(a) // len(t), 1)):
        yield between(a[rows, None], c[rows, None], at).flatten(0, 1), rows.repeat_interleave(len(t))


def _gradients(objective: Objective, points: Tensor, pairs: Tensor) -> Tensor:
    """Gradients (n, *shape) of the loss."""
    with torch.enable_grad():
        x = points.detach().requires_grad_()
        return gradient_of(objective(x, pairs), x)
