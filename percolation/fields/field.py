"""What a random field is: a function on R^d that its seed draws once and that is then evaluated at any points."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class OnePointLaw:
    """Law of f(x) at one point x over the draws of the field, that is over its seeds."""

    mean: float
    variance: float
    kurtosis: float  # excess, E (f - mean)^4 / variance^2 - 3; nan where no closed form is known
    distribution: str


class Field(Protocol):
    """One draw of a random field on R^d; the same seed gives the same function, point by point."""

    @property
    def d(self) -> int:
        """Dimension of the points."""

    @property
    def law(self) -> OnePointLaw:
        """Law of f(x) over the draws."""

    @property
    def correlation_length(self) -> float:
        """xi with 1 / xi^2 = -r''(0), r the correlation along a line (on a circle, in radians); 0 if r has a cusp."""

    def __call__(self, points: ArrayLike) -> np.ndarray:
        """f at points (n, d), as (n,)."""


class SmoothField(Field, Protocol):
    """A field with a gradient."""

    def with_gradient(self, points: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """f and its gradient at points (n, d), as (n,) and (n, d)."""


def checked_points(points: ArrayLike, d: int | None = None) -> np.ndarray:
    """points as finite float64 of shape (n, d), rows contiguous; d = None takes any dimension."""
    array, wanted = np.asarray(points), "d" if d is None else d
    if array.dtype.kind not in "fiub":
        raise ValueError(f"points must be real numbers, got {array.dtype}")
    if array.ndim != 2:
        way_out = "; for one point pass points[None]" if array.ndim == 1 else ""
        raise ValueError(f"points must have shape (n, {wanted}), a point a row, got {array.shape}{way_out}")
    if array.shape[1] < 1 or d not in (None, array.shape[1]):
        raise ValueError(f"points must have {wanted} coordinates as the field has, got {array.shape[1]}")
    array = np.ascontiguousarray(array, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        total = array.sum()  # finite only if all are: no array as large as the points is made to see it
    if not np.isfinite(total) and not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(f"points must be finite, got {array[row, column]} in row {row}, column {column}")
    return array
