"""Invasion percolation of overlapping spheres: points of a Poisson process, joined within distance 1."""

import numpy as np
from scipy.stats import poisson

from percolation import balls, checks, seeds
from percolation._kernels import spheres as kernels
from percolation.growth.invasion import MARGIN, PRUNE_FROM, WAY_OUT, Invasion, checked_marks, doubling_marks, queue_of

DIMENSIONS = range(2, 11)  # 3^d cells are looked at around a point
DENSE, SPARSE = 8.0, 4.0  # mean number of points within distance 1 if nothing is said: 2 to 4 times the critical one
DENSE_UP_TO = 4  # dimensions
LEAST_DEGREE, MOST_DEGREE = 2.0, 32.0
ROOM = 4  # of queue and set for each point accepted, at first


def invade_spheres(
    d: int, n_points: int, *, degree: float | None = None, seed: seeds.Seed, marks: np.ndarray | None = None
) -> Invasion:
    """Invasion of the points of a Poisson process in R^d: accept the revealed one of least weight, reveal those around.

    Each point has a weight, uniform in [0, 1], and is revealed with the first accepted one within distance 1. Points of
    weight below p are a Poisson process of p times the intensity, so N / B(N) of N accepted and B(N) revealed tends to
    the p_c at which it percolates: p_c degree is the critical mean degree 2^d eta_c of overlapping spheres, eta_c their
    number times their volume per volume.

    d: 2 to 10. n_points: how many to accept. degree: mean number of points within distance 1 of one, all weights
    together; above the critical one, at least 2 and at most 32; 8 in d = 2 to 4 and 4 above if absent.
    seed: see `percolation.seeds`. marks: see `invade`.
    Returns an Invasion. Points are made cell by cell where the cluster comes, each a hash of seed and cell, so that
    there is no box and nothing but the set of revealed points is kept. Growth begins at a point that is there besides
    the process; if its cluster of all weights is finite and smaller than asked for, it begins anew elsewhere.
    Error: of the set, see `invade`; two cells are taken for one with probability 2^-58 a pair.
    Memory: 8 to 16 bytes a revealed point, and 20 bytes a queued one.
    """
    checks.integer("d", d, at_least=DIMENSIONS[0], at_most=DIMENSIONS[-1])
    checks.integer("n_points", n_points, at_least=1)
    degree = usual_degree(d) if degree is None else degree
    if not LEAST_DEGREE <= checks.positive("degree", degree) <= MOST_DEGREE:
        raise ValueError(f"degree must lie in [{LEAST_DEGREE:g}, {MOST_DEGREE:g}], got {degree:g}")
    marks = doubling_marks(n_points) if marks is None else checked_marks(marks, n_points)
    generator = seeds.generator(seed)
    numbers, n_revealed = process(d, degree, generator), np.empty(len(marks), dtype=np.int64)
    room, prune_from = ROOM * n_points + PRUNE_FROM, PRUNE_FROM
    how, origin = kernels.NOTHING_LEFT, np.uint64(0)
    while how != kernels.DONE:
        if how == kernels.NOTHING_LEFT:
            origin = _cells(generator, 1)[0] | kernels.GIVEN
        elif how == kernels.CUT:
            prune_from *= 8
        else:
            room *= 2
        n_slots = 1 << (2 * room).bit_length()
        checks.memory(f"a run of {n_points} points", 4.0 * n_slots + 20.0 * room, WAY_OUT)
        table, queue = np.zeros(n_slots, dtype=np.uint32), queue_of(n_points, 1.0, room=room)
        how, _ = kernels.invade(origin, numbers, marks, prune_from, MARGIN, table, queue, n_revealed)
    return Invasion(
        lattice="overlapping spheres",
        d=d,
        kind="site",
        n_accepted=marks,
        n_revealed=n_revealed,
        n_bytes=table.nbytes + sum(array.nbytes for array in queue),
        mistakes=degree * n_points * float(n_revealed[-1]) / n_slots * 2.0**-32,
    )


def usual_degree(d: int) -> float:
    """If nothing is said."""
    return DENSE if d <= DENSE_UP_TO else SPARSE


def process(d: int, degree: float, generator: np.random.Generator) -> kernels.Process:
    """Of a run: points whose mean number within distance 1 is the degree."""
    mean = degree / balls.volume(d)
    counts = poisson.cdf(np.arange(2**kernels.LOW - 2), mean)
    r = _cells(generator, d) | np.uint64(1 << kernels.LOW)
    cells, squares, steps = np.empty(3**d, dtype=np.uint64), np.empty(3**d), np.empty((3**d, d), dtype=np.int8)
    return kernels.Process(r, counts[counts < 1], np.empty(d), cells, squares, steps)


def _cells(generator: np.random.Generator, n: int) -> np.ndarray:
    """Random keys whose low bits are 0."""
    return generator.integers(0, 2**64, n, dtype=np.uint64) << np.uint64(kernels.LOW)
