"""eta_c of overlapping spheres over the dimension: simulation beside what is published, a row a dimension."""

from dataclasses import dataclass

import pandas as pd

from percolation import seeds
from percolation.quantities import UNKNOWN, Threshold
from percolation.scaling import SpheresThreshold, overlapping_spheres
from percolation.scaling.spheres import chosen
from percolation.theory import continuum

COLUMNS = ("d", "eta_c", "error", "mean_degree", "method", "reference", "reference_error", "z", "source")


@dataclass(frozen=True)
class SpheresScan:
    """Estimates of eta_c, and the best values known."""

    simulated: tuple[SpheresThreshold, ...]

    @property
    def references(self) -> tuple[Threshold, ...]:
        """The best values known; not a number, with source "none", where there is none."""
        return tuple(continuum.spheres(one.d) or UNKNOWN for one in self.simulated)

    def table(self) -> pd.DataFrame:
        """Columns COLUMNS, a row a dimension."""
        pairs = zip(self.simulated, self.references, strict=True)
        rows = [(e.d, e.value, e.error, e.mean_degree, e.method, r.value, r.error, e.z(r), r.source) for e, r in pairs]
        return pd.DataFrame(rows, columns=list(COLUMNS))


def scan(
    dimensions: list[int],
    method: str = "auto",
    *,
    runs: int | None = None,
    time: float | None = None,
    precision: float | None = None,
    n_points: int | None = None,
    seed: seeds.Seed,
    workers: int = 0,
) -> SpheresScan:
    """Estimate eta_c in each dimension; a row does not change with the others.

    What it takes is that of `scaling.overlapping_spheres`, refused before the first dimension; a time is shared by all,
    and n_points are of those dimensions alone that invasions are for.
    """
    methods = [chosen(d, method) for d in dimensions]
    share = None if time is None else time / len(dimensions)
    return SpheresScan(
        tuple(
            overlapping_spheres(
                d,
                way,
                runs=runs,
                time=share,
                precision=precision,
                n_points=n_points if way == "invasion" else None,
                seed=seeds.child(seed, d),
                workers=workers,
            )
            for d, way in zip(dimensions, methods, strict=True)
        )
    )
