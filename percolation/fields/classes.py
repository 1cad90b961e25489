"""C classes: C independent fields, one a class, and a point belongs to the class of the largest."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import norm

from percolation import checks
from percolation.fields.field import Field, checked_points
from percolation.seeds import Seed, child

INTEGRATED_TO = 12.0  # standard deviations up to which averages are integrated: what is left out is below 1e-30


@dataclass(frozen=True, eq=False)
class Classes:
    """C >= 2 independent fields z_1 ... z_C of one law; argmax and margins."""

    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        if len(self.fields) < 2:
            raise ValueError(f"classes need at least 2 fields, got {len(self.fields)}")
        for number, field in enumerate(self.fields):
            if field.d != self.d:
                raise ValueError(f"all fields must have one dimension, got {self.d} and {field.d} in class {number}")

    @property
    def d(self) -> int:
        return self.fields[0].d

    @property
    def n_classes(self) -> int:
        """C."""
        return len(self.fields)

    @property
    def correlation_length(self) -> float:
        """xi of each of the fields."""
        return self.fields[0].correlation_length

    def values(self, points: ArrayLike) -> np.ndarray:
        """z_c at points (n, d), as (n, C)."""
        array = checked_points(points, self.d)
        return np.stack([field(array) for field in self.fields], axis=1)

    def argmax(self, points: ArrayLike) -> np.ndarray:
        """Class of each point, (n,) int64: each has a fraction 1 / C of space."""
        return self.values(points).argmax(axis=1)

    def margin(self, points: ArrayLike) -> np.ndarray:
        """Largest minus second largest z at points (n, d), as (n,), >= 0."""
        two = np.partition(self.values(points), self.n_classes - 2, axis=1)[:, -2:]
        return two[:, 1] - two[:, 0]

    def boundary_rate(self) -> float:
        """Mean number of changes of class per unit of length along a line (per radian on a circle); infinite if xi = 0.

        That of `classes.boundary_rate`, exact for Gaussian fields.
        """
        xi = self.correlation_length
        return boundary_rate(self.n_classes, xi) if xi > 0 else math.inf


def classes(make: Callable[[np.random.SeedSequence], Field], n_classes: int, *, seed: Seed) -> Classes:
    """Draw C independent fields, that of class c as make(child c of the seed).

    make: `lambda seed: gaussian(100, SquaredExponential(1.0), seed=seed)`, say. n_classes: C >= 2.
    """
    n_classes = checks.integer("n_classes", n_classes, at_least=2)
    return Classes(tuple(make(child(seed, c)) for c in range(n_classes)))


def boundary_rate(n_classes: int, xi: float) -> float:
    """Mean number of changes of argmax over C Gaussian fields of correlation length xi, per unit of length of a line.

    C (C - 1) / (sqrt(pi) xi) int phi(z)^2 Phi(z)^(C - 2) dz: Rice's formula for z_i - z_j where both exceed the rest.
    C = 2: 1 / (pi xi). Exact for fields with a gradient.
    """

    def crossings(z: float) -> float:
        density = norm.pdf(z)
        return density * (density * ndtr(z) ** (n_classes - 2))

    integral = quad(crossings, -INTEGRATED_TO, INTEGRATED_TO, epsabs=1e-12, limit=200)[0]
    return n_classes * (n_classes - 1) * integral / (math.sqrt(math.pi) * xi)
