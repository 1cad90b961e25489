"""Data collapse: curves of several sizes fall on one when p_c and the exponents are right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Curve:
    """An observable of one size over p, with one-sigma errors."""

    length: float
    p: np.ndarray  # (n,) increasing
    values: np.ndarray  # (n,)
    errors: np.ndarray  # (n,), above 0


def scaled(curve: Curve, p_c: float, nu: float, power: float) -> Curve:
    """The curve in scaling variables: p -> (p - p_c) L^(1/nu), y -> y L^(-power), e.g. power = -beta/nu."""
    factor = curve.length**-power
    return Curve(curve.length, (curve.p - p_c) * curve.length ** (1 / nu), curve.values * factor, curve.errors * factor)


def quality(curves: Sequence[Curve], p_c: float, nu: float, power: float) -> float:
    """How well the scaled curves fall on one: mean squared distance to the others in units of the errors.

    Each point of a curve is compared with the straight line through its two neighbours on every other curve that has
    points on both sides; S = mean of (y - Y)^2 / (dy^2 + dY^2). About 1 for a perfect collapse, larger otherwise.
    Source: Kawashima and Ito, J. Phys. Soc. Jpn. 62, 435 (1993); Houdayer and Hartmann, Phys. Rev. B 70, 014418 (2004).
    """
    if len(curves) < 2:
        raise ValueError(f"a collapse needs two curves or more, got {len(curves)}")
    on_one = [scaled(curve, p_c, nu, power) for curve in curves]
    terms = [_distances(one, other) for one in on_one for other in on_one if other is not one]
    squares = np.concatenate(terms)
    if len(squares) == 0:
        raise ValueError("the scaled curves do not overlap; give them a common range around p_c")
    return float(squares.mean())


def _distances(one: Curve, other: Curve) -> np.ndarray:
    """Squared distances, in errors, of the points of one curve to the line between the neighbours on the other."""
    right = np.searchsorted(other.p, one.p)
    inside = (right > 0) & (right < len(other.p))
    right, x, y, dy = right[inside], one.p[inside], one.values[inside], one.errors[inside]
    left = right - 1
    t = (x - other.p[left]) / (other.p[right] - other.p[left])
    line = (1 - t) * other.values[left] + t * other.values[right]
    error = np.hypot((1 - t) * other.errors[left], t * other.errors[right])
    return (y - line) ** 2 / (dy**2 + error**2)
