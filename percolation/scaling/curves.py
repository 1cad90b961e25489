"""Observables of several sizes over p, as scaling takes them: means with their errors, and the realisations behind."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks
from percolation.sweeps import Curve as CurveOfClusters
from percolation.sweeps import Sweep

FEWEST = 20  # realisations of a size, whose scatter gives errors


@dataclass(frozen=True, eq=False)
class Curve:
    """An observable of one size over p, with one-sigma errors."""

    length: float
    p: np.ndarray  # (n,) increasing
    values: np.ndarray  # (n,)
    errors: np.ndarray  # (n,), above 0
    realisations: np.ndarray | None = None  # (n_realisations, n), whose mean the values are

    @classmethod
    def of(cls, length: float, p: ArrayLike, realisations: ArrayLike) -> "Curve":
        """Mean and standard error of realisations (n_realisations, n) at the values p, (n,), of one size."""
        length, grid = checks.positive("length", length), checks.probabilities(p)
        samples = np.asarray(realisations, dtype=float)
        if grid.ndim != 1 or (np.diff(grid) <= 0).any():
            raise ValueError(f"p must increase along one axis, got shape {grid.shape}; np.unique it")
        if samples.ndim != 2 or samples.shape[1] != len(grid) or len(samples) < 2:
            raise ValueError(
                f"realisations must be of shape (n, {len(grid)}) for {len(grid)} values of p, n >= 2, "
                f"got {samples.shape}"
            )
        return cls(length, grid, samples.mean(axis=0), samples.std(axis=0, ddof=1) / np.sqrt(len(samples)), samples)


def strength_curve(length: float, clusters: Sweep | CurveOfClusters, p: ArrayLike | None = None) -> Curve:
    """The strength P_L(p), share of the sites in the largest cluster, of a sweep or a curve of size L = length.

    p: (n,) increasing; None for all p of a curve.
    """
    return Curve.of(length, clusters.asked(p), clusters.samples("largest", p) / clusters.n_sites)


def scaled(curve: Curve, p_c: float, nu: float, power: float) -> Curve:
    """The curve in scaling variables: p -> (p - p_c) L^(1/nu), y -> y L^(-power), e.g. power = -beta/nu."""
    factor = curve.length**-power
    realisations = None if curve.realisations is None else curve.realisations * factor
    x = (curve.p - p_c) * curve.length ** (1 / nu)
    return Curve(curve.length, x, curve.values * factor, curve.errors * factor, realisations)


def check_several(curves: Sequence[Curve]) -> None:
    """Refuse what is of one size only."""
    if len({curve.length for curve in curves}) < max(len(curves), 2):
        sizes = ", ".join(f"{curve.length:g}" for curve in curves)
        raise ValueError(f"a collapse needs curves of two sizes or more, one of each, got {len(curves)} of L = {sizes}")


def resampled(curve: Curve, n: int, rng: np.random.Generator) -> np.ndarray:
    """Means of as many realisations drawn with replacement, n times: (n, n_p)."""
    if curve.realisations is None or (count := len(curve.realisations)) < FEWEST:
        got = "none" if curve.realisations is None else f"{count}"
        raise ValueError(
            f"a bootstrap needs {FEWEST} realisations of each size at least, got {got} of L = {curve.length:g}; "
            "make curves by Curve.of or strength_curve from more of them"
        )
    return rng.multinomial(count, np.full(count, 1 / count), size=n) @ curve.realisations / count
