"""p_c over the dimension: simulation beside theory, a row a dimension. One of the two places where they meet."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from percolation import checks, families, lattices
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


def scan(
    dimensions: list[int],
    kind: str = "site",
    *,
    lattice: str = "hypercubic",
    method: str = "auto",
    n_runs: int | None = None,
    n_sites: int = 2**17,
    seconds: float | None = None,
    precision: float | None = None,
    seed: int = 0,
    workers: int = 0,
) -> DimensionScan:
    """Estimate p_c of a lattice in each dimension, from wrapping tori, invasion percolation or Leath's clusters.

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
    check(dimensions, kind, lattice, method, n_runs, n_sites, seconds, precision)
    children = np.random.SeedSequence(checks.seed(seed)).generate_state(max(dimensions) + 1)
    share = None if seconds is None else seconds / len(dimensions)

    def simulate(d: int) -> Simulated:
        # the child belongs to the dimension alone: other rows do not change it
        chosen = _better_method(lattice, d, n_runs) if method == "auto" else method
        runs = RUNS[chosen] if n_runs is None else n_runs
        seed = int(children[d])
        how: dict[str, Any] = dict(n_runs=runs, seconds=share, precision=precision, seed=seed, workers=workers)
        if chosen == "window":
            cube = lattices.n_cube(d)
            return window_threshold(cube, kind, n_realisations=runs, precision=precision, seed=seed, workers=workers)
        if chosen == "wrapping":
            return wrapping_threshold(families.box(lattice, d), kind, **how)
        if chosen == "leath":
            return leath_threshold(families.infinite(lattice, d), kind, **how)
        return invasion_threshold(families.infinite(lattice, d), kind, n_sites=n_sites, **how)

    return DimensionScan(lattice, kind, tuple(dimensions), tuple(simulate(d) for d in dimensions))


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


def check(
    dimensions: list[int],
    kind: str = "site",
    lattice: str = "hypercubic",
    method: str = "auto",
    n_runs: int | None = None,
    n_sites: int = 2**17,
    seconds: float | None = None,
    precision: float | None = None,
) -> None:
    """All that can be refused before the first dimension is simulated."""
    if not dimensions:
        raise ValueError("no dimension given, at least one is needed")
    checks.kind(kind)
    checks.one_of("method", method, METHODS)
    checks.integer("n_sites", n_sites, at_least=invasion.FEWEST_SITES)
    checks.one_of("lattice", lattice, LATTICES)
    for d in dimensions:
        if lattice == "n-cube":
            lattices.n_cube(checks.integer("n of the n-cube", d, at_least=SMALLEST_CUBE))
        else:
            families.box(lattice, d)
        chosen = _better_method(lattice, d, n_runs) if method == "auto" else method
        checks.integer("n_runs", RUNS[chosen] if n_runs is None else n_runs, at_least=FEWEST_RUNS[chosen])
    if n_runs is not None and (seconds is not None or precision is not None):
        raise ValueError("a number of runs, or a time or a precision that sets it: not both")
    if lattice == "n-cube" and seconds is not None:
        raise ValueError("the n-cube takes a number of runs or a precision, no time")
    if (method == "window") != (lattice == "n-cube") and method != "auto":
        raise ValueError(f"the method of the n-cube, and only its, is window; got {method} for {lattice}; use auto")
    if method == "leath" and min(dimensions) < leath.LOWEST_DIMENSION:
        raise ValueError(
            f"Leath's clusters tell p_c from d = {leath.LOWEST_DIMENSION} on, got d = {min(dimensions)}; "
            "use method wrapping or auto"
        )
    outside = set(dimensions) - set(wrapping.SIZES)
    if method == "wrapping" and outside:
        raise ValueError(f"wrapping is for d = {min(wrapping.SIZES)} to {max(wrapping.SIZES)}, got d = {min(outside)}")
    for name, value in (("time", seconds), ("precision", precision)):
        if value is not None:
            checks.positive(name, value)


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
