"""p_c over the dimension: simulation beside theory, a row a dimension. A place where the two meet."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from percolation import checks, runs, seeds
from percolation.lattices import NAMES, FiniteGraph, Lattice, hypercubic, named
from percolation.quantities import UNKNOWN, Threshold
from percolation.scaling import invasion, leath
from percolation.scaling.budget import Simulated
from percolation.scaling.methods import METHODS, chosen, threshold
from percolation.theory import continuum, thresholds

SERIES = "series"  # the p at which clusters grow: that of the series and the first term left out
NEAR = 0.05  # of p_c: further off, clusters die at once or fill the memory
SMALLEST_CUBE = 6  # below, its critical window is as wide as all there is
COLUMNS = ("lattice", "kind", "d", "estimate", "error", "method", "reference", "reference_error", "z")


@dataclass(frozen=True)
class DimensionScan:
    """Estimates of p_c of a lattice and the best values known, for each dimension."""

    lattice: str
    kind: str
    dimensions: tuple[int, ...]
    simulated: tuple[Simulated, ...]
    shells: int = 1

    @property
    def references(self) -> tuple[Threshold, ...]:
        """The best values known; not a number, with source "none", where there is none."""
        return tuple(reference(self.lattice, d, self.kind, self.shells) for d in self.dimensions)

    @property
    def series(self) -> tuple[Threshold, ...]:
        """The series of Z^d in each dimension; nothing for other lattices, or for more neighbours."""
        if self.lattice != "hypercubic" or self.shells > 1:
            return ()
        return tuple(thresholds.series(d, self.kind) for d in self.dimensions)

    @property
    def z(self) -> np.ndarray:
        """Deviations from the references in units of the combined errors, (n_dimensions,); nan without reference."""
        return np.array([e.z(r) for e, r in zip(self.simulated, self.references, strict=True)])

    def table(self) -> pd.DataFrame:
        """Columns COLUMNS, a row a dimension."""
        rows = zip(self.dimensions, self.simulated, self.references, self.z, strict=True)
        name = self.lattice if self.shells == 1 else f"{self.lattice}, {self.shells} shells"
        return pd.DataFrame(
            [(name, self.kind, d, e.value, e.error, e.method, r.value, r.error, z) for d, e, r, z in rows],
            columns=list(COLUMNS),
        )


@dataclass(frozen=True)
class Plan:
    """What to simulate; all that can be refused is, before the first dimension.

    lattice: one of `lattices.NAMES`. shells: of neighbours, of the hypercubic lattice. method, runs, time, precision,
    relative: as in `scaling.threshold`; a time is shared by the dimensions. n_sites: accepted by an invasion run. p,
    n_clusters, n_generations: of methods that have them; p "series", of Z^d, is what its series says. With a p that is
    given, runs do not hang on the precision asked for, so that a store has those of a coarser one for a finer.
    """

    dimensions: list[int]
    kind: str = "site"
    lattice: str = "hypercubic"
    method: str = "auto"
    runs: int | None = None
    n_sites: int = 2**17
    time: float | None = None
    precision: float | None = None
    relative: bool = False
    p: float | str | None = None
    n_clusters: int | None = None
    n_generations: int | None = None
    shells: int = 1

    def __post_init__(self) -> None:
        if not self.dimensions:
            raise ValueError("no dimension given, at least one is needed")
        checks.integer("n_sites", self.n_sites, at_least=invasion.FEWEST_SITES)
        for name, value, fewest in (
            ("n_clusters", self.n_clusters, 1),
            ("n_generations", self.n_generations, leath.FEWEST_GENERATIONS),
        ):
            if value is not None:
                checks.integer(name, value, at_least=fewest)
        checks.one_of("lattice", self.lattice, NAMES)
        if checks.integer("shells", self.shells, at_least=1) > 1 and self.lattice != "hypercubic":
            raise ValueError(
                f"shells are of the hypercubic lattice, got {self.shells} of {self.lattice}; leave them out"
            )
        for d in self.dimensions:
            if self.lattice == "n-cube":
                checks.integer("n of the n-cube", d, at_least=SMALLEST_CUBE)
            self.options(checks.integer("d", d, at_least=1))

    def chosen(self, d: int) -> str:
        """The method in dimension d."""
        return chosen(self._lattice(d), self.kind, self.method, **self._budget(self.time))

    def _budget(self, time: float | None) -> dict[str, Any]:
        return {"runs": self.runs, "time": time, "precision": self.precision, "relative": self.relative}

    def _lattice(self, d: int) -> Lattice | FiniteGraph:
        """In dimension d."""
        return hypercubic(d, self.shells) if self.shells > 1 else named(self.lattice, d)

    def options(self, d: int) -> dict[str, Any]:
        """Those that were given and that the method in dimension d has of its own."""
        name = self.chosen(d)
        own = METHODS[name].options
        given: dict[str, Any] = {"p": self._p(d), "n_clusters": self.n_clusters, "n_generations": self.n_generations}
        given = {option: value for option, value in given.items() if value is not None}
        for option in given:
            if option not in own:
                have = [method for method, one in METHODS.items() if option in one.options]
                raise ValueError(
                    f"{name}, the method in d = {d}, has no {option}; leave it out, or name a method that has it: "
                    f"{', '.join(have)}"
                )
        return given | ({"n_sites": self.n_sites} if "n_sites" in own else {})

    def _p(self, d: int) -> float | None:
        """Near p_c of dimension d, where one is given."""
        if self.p is None:
            return None
        if self.p != SERIES:
            return _near(float(checks.positive("p", self.p)), reference(self.lattice, d, self.kind, self.shells))
        if self.lattice != "hypercubic" or self.shells > 1:
            what = self.lattice if self.shells == 1 else f"{self.shells} shells"
            raise ValueError(f"p = {SERIES} is for Z^d, got the lattice {what}; give a number, or leave p out")
        series = thresholds.series(d, self.kind)
        return series.value + series.error

    def carry_out(self, *, seed: seeds.Seed, workers: int = 0) -> DimensionScan:
        """Estimate p_c in each dimension; a row does not change with the others."""
        stages = (partial(self._simulated, d, self.seed_of(d, seed), workers) for d in self.dimensions)
        simulated = tuple(runs.independent(*stages))
        return DimensionScan(self.lattice, self.kind, tuple(self.dimensions), simulated, self.shells)

    @staticmethod
    def seed_of(d: int, seed: seeds.Seed) -> int:
        """That of a row, which does not change with the other dimensions."""
        return int(seeds.sequence(seed).generate_state(d + 1)[d])

    def _simulated(self, d: int, seed: int, workers: int) -> Simulated:
        share = None if self.time is None else self.time / len(self.dimensions)
        how = self._budget(share) | self.options(d)
        return threshold(self._lattice(d), self.kind, self.chosen(d), seed=seed, workers=workers, **how)


def scan(dimensions: list[int], kind: str = "site", *, seed: seeds.Seed, workers: int = 0, **how: Any) -> DimensionScan:
    """Estimate p_c of a lattice in each dimension, from wrapping tori, invasion percolation or Leath's clusters.

    how: fields of `Plan`, which says what they mean: lattice, method, runs, n_sites, time, precision,
    relative, p, n_clusters, n_generations, shells.
    """
    return Plan(dimensions, kind, **how).carry_out(seed=seed, workers=workers)


def _near(p: float, known: Threshold) -> float:
    """p, unless what is known says that it is far from p_c."""
    if not 0 < p < 1 or abs(p / known.value - 1) > NEAR:  # never so where nothing is known
        raise ValueError(f"p must lie near p_c, {known if known is not UNKNOWN else 'between 0 and 1'}, got {p:g}")
    return p


def reference(lattice: str, d: int, kind: str, shells: int = 1) -> Threshold:
    """The best value known of p_c; not a number, with source "none", if there is none.

    To the error of the n-cube's the critical window is added, in which the mean cluster size passes N^(1/3).
    """
    if shells > 1:
        return (continuum.neighbourhood(d, shells) if kind == "site" else None) or UNKNOWN
    try:
        best = thresholds.threshold(lattice, kind, d)
    except ValueError:
        return UNKNOWN
    if lattice != "n-cube":
        return best
    window = 2 ** (-d / 3) / d
    return Threshold(best.value, math.hypot(best.error, window), f"{best.source}; and the critical window")
