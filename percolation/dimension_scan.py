"""p_c over the dimension: simulation beside theory, a row a dimension. One of the two places where they meet."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from percolation import checks
from percolation.quantities import Estimate, Threshold
from percolation.scaling import InvasionThreshold, LeathThreshold, invasion_threshold, leath, leath_threshold
from percolation.theory import thresholds

METHODS = ("auto", "invasion", "leath")
LEATH_FROM = 8  # dimension from which its error is the smaller at equal time, measured in benchmarks/growth.md
COLUMNS = ("lattice", "kind", "d", "estimate", "error", "method", "reference", "reference_error", "z")


@dataclass(frozen=True)
class DimensionScan:
    """Estimates of p_c(Z^d) and the best values known, for each dimension."""

    kind: str
    dimensions: tuple[int, ...]
    simulated: tuple[InvasionThreshold | LeathThreshold, ...]

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        return tuple(one.estimate for one in self.simulated)

    @property
    def references(self) -> tuple[Threshold, ...]:
        return tuple(thresholds.threshold(d, self.kind) for d in self.dimensions)

    @property
    def z(self) -> np.ndarray:
        """Deviations from the references in units of the combined errors, (n_dimensions,)."""
        return np.array([e.z(r) for e, r in zip(self.estimates, self.references, strict=True)])

    def table(self) -> pd.DataFrame:
        """Columns COLUMNS, a row a dimension."""
        rows = zip(self.dimensions, self.estimates, self.references, self.z, strict=True)
        return pd.DataFrame(
            [("Z^d", self.kind, d, e.value, e.error, e.method, r.value, r.error, z) for d, e, r, z in rows],
            columns=list(COLUMNS),
        )


def scan(
    dimensions: list[int],
    kind: str = "site",
    *,
    method: str = "invasion",
    n_runs: int | None = None,
    n_sites: int = 2**17,
    seconds: float | None = None,
    seed: int = 0,
    workers: int = 0,
) -> DimensionScan:
    """Estimate p_c(Z^d) in each dimension, by invasion percolation or by Leath's clusters.

    method: "invasion", any d; "leath", d >= 6 only; "auto", the one whose error is smaller at equal time: leath from
    d = 8 on (measured in benchmarks/growth.md), unless fewer runs are asked for than it needs.
    n_runs: runs a dimension, of n_sites accepted sites (invasion; 16 if absent) or of 500 clusters (leath; 64 if
    absent, at least 32); or, with seconds, as many as fit an equal share of that time.
    """
    check(dimensions, kind, method, seconds)
    children = np.random.SeedSequence(checks.seed(seed)).generate_state(max(dimensions) + 1)

    def simulate(d: int) -> InvasionThreshold | LeathThreshold:
        share = None if seconds is None else seconds / len(dimensions)
        child = int(children[d])  # of the dimension alone: other rows do not change it
        if (_better_method(d, n_runs) if method == "auto" else method) == "leath":
            runs = 64 if n_runs is None else n_runs
            return leath_threshold(d, kind, n_runs=runs, seconds=share, seed=child, workers=workers)
        runs = 16 if n_runs is None else n_runs
        return invasion_threshold(d, kind, n_sites=n_sites, n_runs=runs, seconds=share, seed=child, workers=workers)

    return DimensionScan(kind, tuple(dimensions), tuple(simulate(d) for d in dimensions))


def check(dimensions: list[int], kind: str, method: str, seconds: float | None) -> None:
    """All that can be refused before the first dimension is simulated."""
    if not dimensions:
        raise ValueError("no dimension given, at least one is needed")
    checks.one_of("kind", kind, thresholds.KINDS)
    checks.one_of("method", method, METHODS)
    lowest = min(checks.integer("d", d, at_least=1) for d in dimensions)
    if method == "leath" and lowest < leath.LOWEST_DIMENSION:
        raise ValueError(
            f"Leath's clusters are mean-field from d = {leath.LOWEST_DIMENSION} on, got d = {lowest}; "
            "use method invasion or auto"
        )
    if seconds is not None:
        checks.positive("time", seconds)


def _better_method(d: int, n_runs: int | None) -> str:
    """The method whose error is the smaller at equal time, if the runs asked for are enough for it."""
    return "leath" if d >= LEATH_FROM and (n_runs is None or n_runs >= leath.FEWEST_RUNS) else "invasion"
