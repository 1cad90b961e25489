"""p_c over the dimension: simulation beside theory, a row a dimension. A place where the two meet."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from percolation import checks, runs, seeds
from percolation.lattices import NAMES, named
from percolation.quantities import Threshold
from percolation.scaling import invasion
from percolation.scaling.budget import Simulated
from percolation.scaling.methods import chosen, threshold
from percolation.theory import thresholds

SMALLEST_CUBE = 6  # below, its critical window is as wide as all there is
COLUMNS = ("lattice", "kind", "d", "estimate", "error", "method", "reference", "reference_error", "z")


@dataclass(frozen=True)
class DimensionScan:
    """Estimates of p_c of a lattice and the best values known, for each dimension."""

    lattice: str
    kind: str
    dimensions: tuple[int, ...]
    simulated: tuple[Simulated, ...]

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
        return np.array([e.z(r) for e, r in zip(self.simulated, self.references, strict=True)])

    def table(self) -> pd.DataFrame:
        """Columns COLUMNS, a row a dimension."""
        rows = zip(self.dimensions, self.simulated, self.references, self.z, strict=True)
        return pd.DataFrame(
            [(self.lattice, self.kind, d, e.value, e.error, e.method, r.value, r.error, z) for d, e, r, z in rows],
            columns=list(COLUMNS),
        )


@dataclass(frozen=True)
class Plan:
    """What to simulate; all that can be refused is, before the first dimension.

    lattice: one of `lattices.NAMES`. method, runs, time, precision: as in `scaling.threshold`; a time is shared by the
    dimensions. n_sites: accepted by an invasion run.
    """

    dimensions: list[int]
    kind: str = "site"
    lattice: str = "hypercubic"
    method: str = "auto"
    runs: int | None = None
    n_sites: int = 2**17
    time: float | None = None
    precision: float | None = None

    def __post_init__(self) -> None:
        if not self.dimensions:
            raise ValueError("no dimension given, at least one is needed")
        checks.integer("n_sites", self.n_sites, at_least=invasion.FEWEST_SITES)
        checks.one_of("lattice", self.lattice, NAMES)
        for d in self.dimensions:
            if self.lattice == "n-cube":
                checks.integer("n of the n-cube", d, at_least=SMALLEST_CUBE)
            self.chosen(checks.integer("d", d, at_least=1))

    def chosen(self, d: int) -> str:
        """The method in dimension d."""
        lattice = named(self.lattice, d)
        return chosen(lattice, self.kind, self.method, runs=self.runs, time=self.time, precision=self.precision)

    def carry_out(self, *, seed: seeds.Seed, workers: int = 0) -> DimensionScan:
        """Estimate p_c in each dimension; a row does not change with the others."""
        children = seeds.sequence(seed).generate_state(max(self.dimensions) + 1)
        stages = (partial(self._simulated, d, int(children[d]), workers) for d in self.dimensions)
        simulated = tuple(runs.independent(*stages))
        return DimensionScan(self.lattice, self.kind, tuple(self.dimensions), simulated)

    def _simulated(self, d: int, seed: int, workers: int) -> Simulated:
        name, share = self.chosen(d), None if self.time is None else self.time / len(self.dimensions)
        how: dict[str, Any] = dict(runs=self.runs, time=share, precision=self.precision, seed=seed, workers=workers)
        how |= {"n_sites": self.n_sites} if name == "invasion" else {}
        return threshold(named(self.lattice, d), self.kind, name, **how)


def scan(dimensions: list[int], kind: str = "site", *, seed: seeds.Seed, workers: int = 0, **how: Any) -> DimensionScan:
    """Estimate p_c of a lattice in each dimension, from wrapping tori, invasion percolation or Leath's clusters.

    how: fields of `Plan`, which says what they mean: lattice, method, runs, n_sites, time, precision.
    """
    return Plan(dimensions, kind, **how).carry_out(seed=seed, workers=workers)


def reference(lattice: str, d: int, kind: str) -> Threshold:
    """The best value known of p_c; not a number, with source "none", if there is none.

    To the error of the n-cube's the critical window is added, in which the mean cluster size passes N^(1/3).
    """
    try:
        best = thresholds.threshold(lattice, kind, d)
    except ValueError:
        return Threshold(np.nan, np.nan, "none")
    if lattice != "n-cube":
        return best
    window = 2 ** (-d / 3) / d
    return Threshold(best.value, math.hypot(best.error, window), f"{best.source}; and the critical window")
