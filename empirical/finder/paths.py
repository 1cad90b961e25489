"""Piecewise-linear paths: vertices, points along them, length, losses."""

from dataclasses import dataclass

import torch
from torch import Tensor

from empirical.losses.objectives import Objective, losses
from empirical.losses.points import columns


@dataclass(frozen=True, repr=False)
class Path:
    """Straight segments between consecutive vertices; the first and last vertex are the end points."""

    vertices: Tensor  # (n_segments + 1, *shape)

    def __repr__(self) -> str:
        return f"Path({self.n_segments} segments, points {tuple(self.vertices.shape[1:])})"

    @property
    def n_segments(self) -> int:
        return len(self.vertices) - 1

    @property
    def segment_lengths(self) -> Tensor:
        """Euclidean lengths (n_segments,), in units of the points."""
        return self.vertices.diff(dim=0).flatten(1).norm(dim=1)

    @property
    def length(self) -> float:
        return self.segment_lengths.sum().item()

    @property
    def excess_length(self) -> float:
        """Length over the distance of the ends, minus 1: 0 for a straight path, NaN if the ends coincide."""
        distance = (self.vertices[-1] - self.vertices[0]).norm().item()
        return self.length / distance - 1 if distance else float("nan")

    @property
    def norms(self) -> Tensor:
        """Euclidean norms of the vertices (n_segments + 1,)."""
        return self.vertices.flatten(1).norm(dim=1)

    def positions(self, n: int) -> Tensor:
        """About n parameters s in [0, n_segments], the same number on each segment and every vertex among them."""
        per_segment = -(-n // self.n_segments)
        return torch.arange(per_segment * self.n_segments + 1, dtype=torch.float64) / per_segment

    def __call__(self, s: Tensor) -> Tensor:
        """Points (n, *shape) at s (n,) in [0, n_segments]; integers are vertices, and come back bit for bit."""
        segment = s.long().clamp(max=self.n_segments - 1)
        weight = columns((s - segment).to(self.vertices), self.vertices)
        segment = segment.to(self.vertices.device)
        a, c = self.vertices[segment], self.vertices[segment + 1]
        return between(a, c, weight)

    def arclength(self, s: Tensor) -> Tensor:
        """Share of the path's length that lies before s: (n,) in [0, 1]."""
        lengths = self.segment_lengths.double().cpu()
        before = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        segment = s.long().clamp(max=self.n_segments - 1)
        return (before[segment] + (s - segment) * lengths[segment]) / before[-1].clamp(min=1e-300)


def profile(objective: Objective, path: Path, pair: int, n: int = 1000) -> tuple[Tensor, Tensor]:
    """Loss along a path of the given pair: positions s and losses, each (about n,)."""
    s = path.positions(n)
    points = path(s)
    return s, losses(objective, points, torch.full((len(points),), pair, device=points.device))


def between(a: Tensor, c: Tensor, t: Tensor) -> Tensor:
    """The point (1 - t) a + t c, exactly a at t = 0 and exactly c at t = 1."""
    return torch.where(t < 0.5, a + t * (c - a), c - (1 - t) * (c - a))
