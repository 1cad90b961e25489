"""How well scaled curves of several sizes fall on one, and how well they would if only chance kept them apart."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from percolation import checks, seeds
from percolation.scaling.curves import Curve, check_several, resampled, scaled


def quality(curves: Sequence[Curve], p_c: float, nu: float, power: float) -> float:
    """How well the scaled curves fall on one: mean squared distance to the others in units of the errors.

    Each point of a curve is compared with the straight line through its two neighbours on every other curve that has
    points on both sides; S = mean of (y - Y)^2 / (dy^2 + dY^2). For a perfect collapse S is 1 on the average, and
    scatters widely, since the points of a curve share their realisations: `quality_band` says how far for these curves,
    `collapse` fits p_c and the exponents.
    Source: Kawashima and Ito, J. Phys. Soc. Jpn. 62, 435 (1993); Houdayer and Hartmann, Phys. Rev. B 70, 014418 (2004).
    """
    check_several(curves)
    on_one = [scaled(curve, p_c, nu, power) for curve in curves]
    terms = [_distances(one, other) for one in on_one for other in on_one if other is not one]
    squares = np.concatenate(terms)
    if len(squares) == 0:
        raise ValueError("the scaled curves do not overlap; give them a common range around p_c")
    return float(squares.mean())


def quality_band(
    curves: Sequence[Curve],
    p_c: float,
    nu: float,
    power: float,
    *,
    share: float = 0.9,
    n_resamples: int = 400,
    seed: seeds.Seed,
) -> tuple[float, float]:
    """The range that holds `quality` in this share of all cases where the curves fall on one, half of the rest above.

    By bootstrap: what the means of resampled realisations deviate from the means is noise of the right correlations
    about a perfect collapse. The straight lines between points are taken as exact.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie strictly between 0 and 1, got {share:g}")
    rng = np.random.default_rng(seeds.sequence(seed))
    n = checks.integer("n_resamples", n_resamples, at_least=1)
    noise = [resampled(curve, n, rng) - curve.values for curve in curves]
    found = [
        quality([replace(curve, values=some[k]) for curve, some in zip(curves, noise, strict=True)], p_c, nu, power)
        for k in range(n)
    ]
    low, high = np.quantile(found, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


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
