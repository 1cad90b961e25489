"""The path finder between two points of one class: of smooth random fields on R^d, and of random networks.

A pair is a draw of its own: C fields (or a network with C outputs), a class, and two points of that class. The loss is
minus the margin z_c - max of z_j over j != c, so that the open set, loss <= 0, is the class; it is counted in units of
the median margin at random points of the same draw, so that one stop serves every C and any scale of the outputs.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from empirical.descent.rows import Descent, descend
from empirical.finder.find import Connection, Finder, find_paths, straight_is_open
from empirical.losses import objectives
from empirical.losses.objectives import Objective, losses
from empirical.networks import models
from empirical.networks.sphere import OnSphere

N_WAVES = 256  # of a smooth field: twice as many features, covariances good to 512^(-1/2) = 0.04
N_PROBES = 256  # random points at which the unit of margin is learnt
TRIES = 32  # times C pairs of points, before it is given up to find one of a single class: e^-32 of all fields
SPREAD = 30.0  # side of the box, in xi, in which the pairs of a smooth field are thrown
POINTS_PER_XI = 8  # of a scan
STOP = -0.5  # of a descent: half the median margin inside the class
# the rivals within about this many median margins of the largest pull, too: down the slope of the largest alone a
# descent is stuck where two rivals are equal (smooth fields, 20 pairs: 11 found at d = 8, C = 50, against 19; 11 at
# d = 12, C = 200, against 20; widths of 0.25 and 0.7 do alike)
SOFTNESS = 0.4

Logits = Callable[[Tensor], Tensor]  # points (n, d) -> (n, C)


@dataclass(frozen=True, eq=False)
class Waves:
    """C independent Gaussian fields of covariance exp(-r^2 / 2) that share their waves: points (n, d) -> (n, C).

    z_c(x) = H^(-1/2) sum_j A_jc cos(w_j.x) + B_jc sin(w_j.x), A, B and w standard normal. Given the waves the
    fields are independent, Gaussian and stationary of variance 1, with covariance (1/H) sum_j cos(w_j.r): that of the
    limit up to (2 H)^(-1/2). xi = 1. In d > H dimensions a field varies in H directions only.
    """

    frequencies: Tensor  # (d, H), w
    weights: Tensor  # (2 H, C), A and B over H^(1/2)

    @classmethod
    def draw(cls, d: int, n_classes: int, rng: np.random.Generator, n_waves: int = N_WAVES) -> "Waves":
        frequencies = rng.standard_normal((d, n_waves))
        weights = rng.standard_normal((2 * n_waves, n_classes), dtype=np.float32) / math.sqrt(n_waves)
        return cls(torch.tensor(frequencies, dtype=torch.float32), torch.tensor(weights, dtype=torch.float32))

    def __call__(self, points: Tensor) -> Tensor:
        phases = points @ self.frequencies
        return torch.cat([phases.cos(), phases.sin()], dim=1) @ self.weights


@dataclass(frozen=True, eq=False)
class ClassMargins:
    """(largest other output - output of the class) / unit of the pair: an objective, open where it is <= 0.

    Its values are exact; its slope is that of the soft maximum s ln sum exp(z_j / s), s = 0.4 units.
    """

    logits: Sequence[Logits]  # of each pair
    labels: Tensor  # (n_pairs,) long
    units: Tensor  # (n_pairs,), median margin at random points

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor:
        order = pairs.argsort(stable=True)
        found, counts = pairs[order].unique_consecutive(return_counts=True)
        parts = points[order].split(counts.tolist())
        values = [self._of_pair(part, i) for i, part in zip(found.tolist(), parts, strict=True)]
        return torch.cat(values)[order.argsort()] if values else points.new_zeros(0)

    def _of_pair(self, points: Tensor, i: int) -> Tensor:
        outputs = self.logits[i](points)
        own = torch.zeros(outputs.shape[1], dtype=torch.bool, device=outputs.device)
        own[self.labels[i]] = True
        others = outputs.masked_fill(own, -torch.inf)
        width = SOFTNESS * self.units[i]
        soft = width * torch.logsumexp(others / width, dim=1)
        largest = soft + (others.amax(1) - soft).detach()
        return (largest - outputs[:, self.labels[i]]) / self.units[i]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two random points of one class of one draw."""

    logits: Logits
    a: Tensor  # (d,)
    c: Tensor  # (d,)
    label: int
    unit: float  # median margin at random points
    occupation: float  # share of random points in the class


class Source(Protocol):
    """Where pairs come from: a family of random functions with C outputs."""

    def draw(self, d: int, n_classes: int, rng: np.random.Generator) -> Logits: ...

    def ends(self, d: int, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """n random pairs of points, (n, d) each."""

    def length(self, d: int) -> float:
        """Typical distance of the ends, in xi."""

    def xi(self, d: int) -> float:
        """Correlation length in units of the points."""


@dataclass(frozen=True)
class Smooth:
    """C independent Gaussian fields with xi = 1, ends a given distance apart in a random direction."""

    apart: float = 10.0  # xi

    def draw(self, d: int, n_classes: int, rng: np.random.Generator) -> Logits:
        return Waves.draw(d, n_classes, rng)

    def ends(self, d: int, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        start = SPREAD * (rng.random((n, d)) - 0.5)
        way = rng.standard_normal((n, d))
        end = start + self.apart * way / np.linalg.norm(way, axis=1, keepdims=True)
        return torch.tensor(start, dtype=torch.float32), torch.tensor(end, dtype=torch.float32)

    def length(self, d: int) -> float:
        return self.apart

    def xi(self, d: int) -> float:
        return 1.0


@dataclass(frozen=True)
class Network:
    """Random ReLU networks (`models.mlp`, He's initialisation), ends independent on the sphere of radius sqrt(d).

    -r''(0) = 1 per square radian for any d and depth, so xi is one radian, and independent points are a quarter of a
    circle apart: pi / 2 xi, too near for a test of percolation. Outputs at different points are correlated, so that
    classes are unequal and that of a pair is larger than 1/C.
    """

    def draw(self, d: int, n_classes: int, rng: np.random.Generator) -> Logits:
        return OnSphere(models.untrained("mlp", (d,), n_classes, seed=int(rng.integers(2**62))))

    def ends(self, d: int, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        ends = rng.standard_normal((2, n, d))
        ends *= math.sqrt(d) / np.linalg.norm(ends, axis=2, keepdims=True)
        return torch.tensor(ends[0], dtype=torch.float32), torch.tensor(ends[1], dtype=torch.float32)

    def length(self, d: int) -> float:
        return math.pi / 2

    def xi(self, d: int) -> float:
        return math.sqrt(d)


@dataclass(frozen=True, eq=False)
class Searched:
    """What the finder made of the pairs of one field, d and C."""

    pairs: list[Pair]
    ends: tuple[Tensor, Tensor]  # (n, d) each, the ends of every pair as far inside the class as they came
    connections: Sequence[Connection]  # of each of them
    not_made: int  # draws in which no two points of one class were found


def search(
    source: Source, d: int, n_classes: int, seeds: Sequence[np.random.SeedSequence], device: str = "cpu"
) -> Searched:
    """Draw a pair from each seed and look for paths on which the class never changes.

    Ends are moved into the class by descent as far as the stop, where a straight way inside the class leads there: an
    end stays on the island that it was drawn on, however small.
    """
    drawn = [draw_pair(source, d, n_classes, np.random.default_rng(seed)) for seed in seeds]
    pairs = [pair for pair in drawn if pair is not None]
    if not pairs:
        return Searched([], (torch.empty(0, d), torch.empty(0, d)), [], len(seeds))
    there = objectives.device(device)
    objective, finder = objectives.moved(margins(pairs), there), finder_for(source, d)
    drawn_ends = zip(*((p.a, p.c) for p in pairs), strict=True)
    a, c = (inside(objective, torch.stack(ends).to(there), finder) for ends in drawn_ends)
    return Searched(pairs, (a.cpu(), c.cpu()), find_paths(objective, a, c, finder), len(seeds) - len(pairs))


def draw_pair(source: Source, d: int, n_classes: int, rng: np.random.Generator) -> Pair | None:
    """The first of random pairs of points to have one class; None if none has, among 32 C of them."""
    logits = source.draw(d, n_classes, rng)
    probes = _outputs(logits, source.ends(d, N_PROBES, rng)[0])
    best = probes.topk(2, dim=1).values
    unit = float((best[:, 0] - best[:, 1]).median())
    left = TRIES * n_classes
    while left > 0:
        a, c = source.ends(d, min(left, 512), rng)
        left -= len(a)
        classes = _outputs(logits, a).argmax(1)
        same = (classes == _outputs(logits, c).argmax(1)).nonzero().squeeze(1)
        if len(same):
            i, label = int(same[0]), int(classes[same[0]])
            return Pair(logits, a[i], c[i], label, unit, float((probes.argmax(1) == label).float().mean()))
    return None


def margins(pairs: Sequence[Pair]) -> ClassMargins:
    """The objective of these pairs."""
    labels = torch.tensor([pair.label for pair in pairs])
    return ClassMargins([pair.logits for pair in pairs], labels, torch.tensor([pair.unit for pair in pairs]))


def finder_for(source: Source, d: int) -> Finder:
    """Steepest descent within a correlation length, 8 points scanned in each."""
    points = max(math.ceil(POINTS_PER_XI * source.length(d)), 2 * POINTS_PER_XI)
    rule = Descent(steps="steepest", lr=source.xi(d), iterations=100, restarts=2, stop=STOP, projected=True)
    return Finder(scan="dense", level=0.0, descent=rule, max_rounds=12, coarse=points, dense=points, recheck=4 * points)


def inside(objective: Objective, ends: Tensor, finder: Finder) -> Tensor:
    """The ends (n, d) moved down to the stop, those left where they are to which no straight way inside leads."""
    rows = torch.arange(len(ends), device=ends.device)
    rule = Descent(steps="steepest", lr=finder.descent.lr, iterations=100, stop=finder.descent.stop)
    moved = descend(objective, ends, rows, rule).points
    # a point that did not move has no segment to look at
    stayed = straight_is_open(objective, ends, moved, rows, finder) & (losses(objective, moved) <= 0)
    return torch.where(stayed[:, None], moved, ends)


@torch.inference_mode()
def _outputs(logits: Logits, points: Tensor) -> Tensor:
    return logits(points)
