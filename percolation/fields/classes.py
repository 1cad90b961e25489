"""C classes: C independent fields, one a class, and a point belongs to the class of the largest."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import norm

from percolation import checks
from percolation.fields.field import Field, OnePointLaw, SmoothField, checked_points
from percolation.seeds import Seed, child

INTEGRATED_TO = 12.0  # standard deviations up to which averages are integrated: what is left out is below 1e-30


@dataclass(frozen=True, eq=False)
class Classes:
    """C >= 2 independent fields z_1 ... z_C of one law; argmax and margins.

    Formulas for laws and rates are those of standard normal fields; they hold as far as the fields are normal, and in
    units of their standard deviation.
    """

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

    def class_margin(self, c: int) -> "ClassMargin":
        """z_c minus the largest of the others: a field, positive where the class is c."""
        if checks.integer("c", c, at_least=0) >= self.n_classes:
            raise ValueError(f"class c must be below {self.n_classes}, got {c}")
        return ClassMargin(self, c)

    def boundary_rate(self) -> float:
        """Mean number of changes of class per unit of length along a line (per radian on a circle); infinite if xi = 0.

        That of `classes.boundary_rate`, exact for Gaussian fields.
        """
        xi = self.correlation_length
        return boundary_rate(self.n_classes, xi) if xi > 0 else math.inf


@dataclass(frozen=True, eq=False)
class ClassMargin:
    """z_c - max of z_j over j != c. Its level sets {margin > u} are what a class connects at confidence u."""

    classes: Classes
    c: int

    @property
    def d(self) -> int:
        return self.classes.d

    @property
    def law(self) -> OnePointLaw:
        """Law of z - m, m the largest of C - 1 standard normals: not normal; moments by quadrature, to 1e-8."""
        n = self.classes.n_classes - 1
        first, second, third, fourth = (
            _average(lambda m, k=k: m**k * n * ndtr(m) ** (n - 1))  # type: ignore[misc]
            for k in range(1, 5)
        )
        spread = second - first**2
        central = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
        # z is normal of variance 1, independent of m: cumulants add
        kurtosis = (central - 3 * spread**2) / (1 + spread) ** 2
        return OnePointLaw(-first, 1 + spread, kurtosis, f"standard normal minus the largest of {n}")

    @property
    def correlation_length(self) -> float:
        """xi of the margin, xi_z sqrt(variance / 2): its slope is that of a difference of two fields.

        The margin is not Gaussian, so the rate of its up-crossings is not Rice's of this xi, but at u = 0 it is
        `boundary_rate` / C.
        """
        return self.classes.correlation_length * math.sqrt(self.law.variance / 2)

    def fraction_above(self, u: float) -> float:
        """P(margin > u) = int phi(z) Phi(z - u)^(C - 1) dz: the occupation of the level u; 1 / C at u = 0."""
        return _average(lambda z: ndtr(z - u) ** (self.classes.n_classes - 1))

    def __call__(self, points: ArrayLike) -> np.ndarray:
        """The margin at points (n, d), as (n,)."""
        values = self.classes.values(points)
        return values[:, self.c] - self._others(values).max(axis=1)

    def with_gradient(self, points: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """The margin (n,) and its gradient (n, d), that of z_c minus that of the largest other."""
        array = checked_points(points, self.d)
        fields = self.classes.fields
        for field in fields:
            if not hasattr(field, "with_gradient"):
                raise ValueError(f"this margin has no gradient: a {type(field).__name__} has none")
        values = self.classes.values(array)
        rival = self._others(values).argmax(axis=1)
        margin = values[:, self.c] - values[np.arange(len(array)), rival]
        gradient = _gradient(fields[self.c], array)
        for c in np.unique(rival):
            rows = np.flatnonzero(rival == c)
            gradient[rows] -= _gradient(fields[c], array[rows])
        return margin, gradient

    def _others(self, values: np.ndarray) -> np.ndarray:
        """values with -inf for class c."""
        others = values.copy()
        others[:, self.c] = -np.inf
        return others


def classes(make: Callable[[np.random.SeedSequence], Field], n_classes: int, *, seed: Seed) -> Classes:
    """Draw C independent fields, that of class c as make(child c of the seed).

    make: `lambda seed: gaussian(100, SquaredExponential(1.0), seed=seed)`, say. n_classes: C >= 2.
    """
    n_classes = checks.integer("n_classes", n_classes, at_least=2)
    return Classes(tuple(make(child(seed, c)) for c in range(n_classes)))


def _gradient(field: Field, points: np.ndarray) -> np.ndarray:
    return cast(SmoothField, field).with_gradient(points)[1]


def boundary_rate(n_classes: int, xi: float) -> float:
    """Mean number of changes of argmax over C Gaussian fields of correlation length xi, per unit of length of a line.

    C (C - 1) / (sqrt(pi) xi) int phi(z)^2 Phi(z)^(C - 2) dz: Rice's formula for z_i - z_j where both exceed the rest.
    C = 2: 1 / (pi xi). Exact for fields with a gradient.
    """
    crossings = _average(lambda z: norm.pdf(z) * ndtr(z) ** (n_classes - 2))
    return n_classes * (n_classes - 1) * crossings / (math.sqrt(math.pi) * xi)


def _average(function: Callable[[float], float]) -> float:
    """E function(z), z standard normal."""
    return quad(lambda z: norm.pdf(z) * function(z), -INTEGRATED_TO, INTEGRATED_TO, epsabs=1e-12, limit=200)[0]
