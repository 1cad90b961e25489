"""p_c over the dimension: simulation beside theory, a row a dimension. One of the two places where they meet."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from percolation import checks, families, lattices, runs
from percolation.quantities import Estimate, Threshold
from percolation.scaling import (
    InvasionThreshold,
    LeathThreshold,
    WindowThreshold,
    WrappingThreshold,
    invasion,
    invasion_threshold,
    leath,
    leath_threshold,
    window,
    window_threshold,
    wrapping,
    wrapping_threshold,
)
from percolation.theory import lattices as named
from percolation.theory import thresholds

METHODS = ("auto", "wrapping", "invasion", "leath", "window")
LATTICES = (*families.NAMES, "n-cube")
WRAPPING_UP_TO = 3  # dimensions; from there on Leath's error is the least at equal time, see benchmarks/thresholds.md
RUNS = {"wrapping": 64, "invasion": 16, "leath": 64, "window": 64}  # if nothing else is said: seconds each
FEWEST_RUNS = {
    "wrapping": wrapping.FEWEST_RUNS,
    "invasion": invasion.FEWEST_RUNS,
    "leath": leath.FEWEST_RUNS,
    "window": window.FEWEST,
}
SMALLEST_CUBE = 6  # below, its critical window is as wide as all there is
COLUMNS = ("lattice", "kind", "d", "estimate", "error", "method", "reference", "reference_error", "z")

Simulated = InvasionThreshold | LeathThreshold | WindowThreshold | WrappingThreshold


@dataclass(frozen=True)
class DimensionScan:
    """Estimates of p_c of a lattice and the best values known, for each dimension."""

    lattice: str
    kind: str
    dimensions: tuple[int, ...]
    simulated: tuple[Simulated, ...]

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        return tuple(one.estimate for one in self.simulated)

    @property
    def references(self) -> tuple[Threshold, ...]:
        """The best values known; not a number, with source "none", where there is none."""
        return tuple(reference(self.lattice, d, self.kind) for d in self.dimensions)

    @property
    def series(self) -> tuple[Threshold, ...]:
        """The series of Z^d in each dimension; nothing for other lattices."""
        if self.lattice != "hypercubic":
            return ()
        return tuple(thresholds.series(d, self.kind) for d in self.dimensions)

    @property
    def z(self) -> np.ndarray:
        """Deviations from the references in units of the combined errors, (n_dimensions,); nan without reference."""
        return np.array([e.z(r) for e, r in zip(self.estimates, self.references, strict=True)])

    def table(self) -> pd.DataFrame:
        """Columns COLUMNS, a row a dimension."""
        rows = zip(self.dimensions, self.estimates, self.references, self.z, strict=True)
        return pd.DataFrame(
            [(self.lattice, self.kind, d, e.value, e.error, e.method, r.value, r.error, z) for d, e, r, z in rows],
            columns=list(COLUMNS),
        )


@dataclass(frozen=True)
class Plan:
    """What to simulate; all that can be refused is, before the first dimension.

    lattice: one of LATTICES.
    method: "wrapping", d = 2..4; "invasion", any d; "leath", d >= 3; "window", the n-cube and only that; "auto", the
    one whose error is the least at equal time, wrapping up to d = 3 and leath above; invasion, if fewer runs are asked
    for than they need.
    n_runs: runs a dimension, RUNS if absent: of 2^20 sites opened or closed (wrapping, at least 32 runs), of n_sites
    accepted ones (invasion, at least 8), of 100 to 500 clusters (leath, at least 32), of one n-cube (window, at least
    20).
    seconds: instead, as many as fit an equal share of that time. precision: instead, as many as bring the error of
    p_c down to it; with both, whichever comes first.
    """

    dimensions: list[int]
    kind: str = "site"
    lattice: str = "hypercubic"
    method: str = "auto"
    n_runs: int | None = None
    n_sites: int = 2**17
    seconds: float | None = None
    precision: float | None = None

    def __post_init__(self) -> None:
        if not self.dimensions:
            raise ValueError("no dimension given, at least one is needed")
        if self.n_runs is not None:
            checks.integer("n_runs", self.n_runs, at_least=1)
        checks.kind(self.kind)
        checks.one_of("method", self.method, METHODS)
        checks.integer("n_sites", self.n_sites, at_least=invasion.FEWEST_SITES)
        checks.one_of("lattice", self.lattice, LATTICES)
        for d in self.dimensions:
            if self.lattice == "n-cube":
                lattices.n_cube(checks.integer("n of the n-cube", d, at_least=SMALLEST_CUBE))
            else:
                families.box(self.lattice, d)
            checks.integer("n_runs", self.runs(d), at_least=FEWEST_RUNS[self.chosen(d)])
        if self.n_runs is not None and (self.seconds is not None or self.precision is not None):
            raise ValueError("a number of runs, or a time or a precision that sets it: not both")
        self._check_method()
        for name, value in (("time", self.seconds), ("precision", self.precision)):
            if value is not None:
                checks.positive(name, value)

    def _check_method(self) -> None:
        """The method suits the lattice and all dimensions."""
        lattice, method, lowest = self.lattice, self.method, min(self.dimensions)
        if lattice == "n-cube" and self.seconds is not None:
            raise ValueError("the n-cube takes a number of runs or a precision, no time")
        if (method == "window") != (lattice == "n-cube") and method != "auto":
            raise ValueError(f"the method of the n-cube, and only its, is window; got {method} for {lattice}; use auto")
        if method == "leath" and lowest < leath.LOWEST_DIMENSION:
            raise ValueError(
                f"Leath's clusters tell p_c from d = {leath.LOWEST_DIMENSION} on, got d = {lowest}; "
                "use method wrapping or auto"
            )
        fit = wrapping.SIZES
        outside = set(self.dimensions) - set(fit)
        if method == "wrapping" and outside:
            raise ValueError(f"wrapping is for d = {min(fit)} to {max(fit)}, got d = {min(outside)}")

    def chosen(self, d: int) -> str:
        """The method in dimension d."""
        return _better_method(self.lattice, d, self.n_runs) if self.method == "auto" else self.method

    def runs(self, d: int) -> int:
        return RUNS[self.chosen(d)] if self.n_runs is None else self.n_runs

    def carry_out(self, *, seed: int = 0, workers: int = 0) -> DimensionScan:
        """Estimate p_c in each dimension; a row does not change with the others."""
        children = np.random.SeedSequence(checks.seed(seed)).generate_state(max(self.dimensions) + 1)
        stages = (partial(self._simulated, d, int(children[d]), workers) for d in self.dimensions)
        simulated = tuple(runs.independent(*stages))
        return DimensionScan(self.lattice, self.kind, tuple(self.dimensions), simulated)

    def _simulated(self, d: int, seed: int, workers: int) -> Simulated:
        lattice, kind, chosen = self.lattice, self.kind, self.chosen(d)
        how: dict[str, Any] = dict(precision=self.precision, seed=seed, workers=workers)
        if chosen == "window":
            return window_threshold(lattices.n_cube(d), kind, n_realisations=self.runs(d), **how)
        share = None if self.seconds is None else self.seconds / len(self.dimensions)
        how |= dict(n_runs=self.runs(d), seconds=share)
        if chosen == "wrapping":
            return wrapping_threshold(families.box(lattice, d), kind, **how)
        if chosen == "leath":
            return leath_threshold(families.infinite(lattice, d), kind, **how)
        return invasion_threshold(families.infinite(lattice, d), kind, n_sites=self.n_sites, **how)


def scan(dimensions: list[int], kind: str = "site", *, seed: int = 0, workers: int = 0, **how: Any) -> DimensionScan:
    """Estimate p_c of a lattice in each dimension, from wrapping tori, invasion percolation or Leath's clusters.

    how: fields of `Plan`, which says what they mean: lattice, method, n_runs, n_sites, seconds, precision.
    """
    return Plan(dimensions, kind, **how).carry_out(seed=seed, workers=workers)


def reference(lattice: str, d: int, kind: str) -> Threshold:
    """The best value known of p_c; not a number, with source "none", if there is none."""
    try:
        if lattice == "hypercubic":
            return thresholds.threshold(d, kind)
        if lattice == "n-cube":
            return _n_cube(d, kind)
        if lattice == "A" and d in _SMALL_A:
            return reference(_SMALL_A[d], d, kind)
        return thresholds.d_lattice(d, kind) if lattice == "D" else named.threshold(lattice, kind)
    except ValueError:
        return Threshold(np.nan, np.nan, "none")


_SMALL_A = {1: "hypercubic", 2: "triangular", 3: "fcc"}


def _n_cube(n: int, kind: str) -> Threshold:
    """Its formula; the critical window, in which the mean cluster size passes N^(1/3), adds to the error."""
    formula = thresholds.n_cube(n, kind)
    window = 2 ** (-n / 3) / n
    return Threshold(formula.value, math.hypot(formula.error, window), f"{formula.source}; and the critical window")


def _better_method(lattice: str, d: int, n_runs: int | None) -> str:
    """The method whose error is the least at equal time, if the runs asked for are enough for it."""
    if lattice == "n-cube":
        return "window"
    if n_runs is not None and n_runs < FEWEST_RUNS["leath"]:
        return "invasion"
    if d > WRAPPING_UP_TO:
        return "leath"
    return "wrapping" if d >= min(wrapping.SIZES) else "invasion"
