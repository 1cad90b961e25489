"""The critical occupation of a random field: open share at the level that first spans, or wraps, a box."""

import math
from collections.abc import Callable

import numpy as np

from percolation import checks, seeds
from percolation.level_sets.boxes import Axis, sweep
from percolation.quantities import Estimate


def critical_occupation(
    make_values: Callable[[np.random.SeedSequence], np.ndarray],
    *,
    axis: Axis = 0,
    wraps: bool = False,
    n_realisations: int,
    seed: seeds.Seed,
) -> Estimate:
    """Mean occupation at which a cluster first spans an axis of a box of cells; with wraps=True, of a torus, wraps it.

    p_c = <occupation(spanning_level(axis))> over realisations, error = scatter / sqrt(n_realisations).
    make_values: draws the values of a box, (n_1, ..., n_k), from the seed sequence of a realisation, child number r of
    seed. axis: a number, "any" or "all", see `LevelSets.spanning_level`; the faces of all axes are open, or none.
    The estimate is that of the box: it drifts with its size, as size^(-1 / nu) in general, which is not in the error.
    """
    n = checks.integer("n_realisations", n_realisations, at_least=2)
    found = []
    for child in seeds.sequence(seed).spawn(n):
        levels = sweep(make_values(child), periodic=wraps)
        level = levels.wrapping_level(axis) if wraps else levels.spanning_level(axis)
        found.append(float(levels.occupation(level)))
    means = f"mean over {n} boxes of the occupation that first {'wraps' if wraps else 'spans'} axis {axis}"
    return Estimate(float(np.mean(found)), float(np.std(found, ddof=1)) / math.sqrt(n), means)
