"""Flooding a random field on Z^d: invasion of its values, evaluated where the flood comes, on no grid and in no box.

From the origin the lowest value on the boundary is taken next, so the values taken in the long run are those at or
below the critical level of {f <= h} on the lattice. Independent values make it invasion percolation.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from percolation import checks, fields
from percolation._kernels import flooding as kernels
from percolation.growth.invasion import checked_marks, doubling_marks

LatticeField = fields.IidField | fields.FourierField  # values without a grid, and neighbours from a site at little cost


@dataclass(frozen=True)
class Flood:
    """One flood of a field: the values taken and tested, and how far it reached, at marks along its growth.

    The start is taken untested and counts nowhere.
    """

    d: int
    side: float  # of a step, in the units of the field's points
    n_accepted: np.ndarray  # (n_marks,) int64, increasing; the last is the size asked for
    n_tested: np.ndarray  # (n_marks,) int64, accepted ones included
    radius: np.ndarray  # (n_marks,) root of the mean squared distance of what was taken from the start, unit as side
    accepted: np.ndarray  # (n_sites,) values in the order of taking
    tested: np.ndarray  # (n_tested[-1],) values in the order of testing
    n_bytes: int  # memory of the run

    @property
    def levels(self) -> np.ndarray:
        """(n_marks,) at or below which there are as many tested values as taken ones; tends to the critical level.

        Then as many were taken above as are left on the boundary below, and both shares go to 0.
        """
        marks = zip(self.n_accepted, self.n_tested, strict=True)
        return np.array([np.partition(self.tested[:tested], n - 1)[n - 1] for n, tested in marks])


def flood(field: LatticeField, n_sites: int, *, side: float | None = None, marks: np.ndarray | None = None) -> Flood:
    """Flood the lattice of the points side x, x in Z^d, from the origin: test all neighbours, take the lowest, repeat.

    field: one draw; the flood is a function of it. side: of a step, 1 if absent; that of its cells for an `IidField`.
    The field's correlation length in steps, xi / side, is what the critical occupation depends on.
    n_sites: how many to take. marks: numbers taken at which to record, 1, 2, 4, ... and n_sites if absent.
    Error: values differ from `field(points)` by the rounding of sums, 1e-13 (M = 400). A site is known by 32 bits of
    its hash beyond its slot, so that a few in 10^10 look-ups take a new site for one that was seen, see `invade`.
    Memory: 8 bytes for each tested value (2d - 1 a site at most), 16 on the boundary, 4 for each of 1.5 to 3 slots.
    Cost: see benchmarks/level_set_growth.md.
    """
    checks.integer("n_sites", n_sites, at_least=1)
    side = _checked_side(field, side)
    marks = doubling_marks(n_sites) if marks is None else checked_marks(marks, n_sites)
    start, steps = _keys(field)
    capacity = (len(steps) - 1) * n_sites + len(steps) + 1
    cluster = kernels.Cluster(
        keys=np.full(n_sites + 1, start, dtype=np.uint64),
        places=np.zeros((n_sites + 1, field.d), dtype=np.int32),
        accepted=np.empty(n_sites),
        tested=np.empty(capacity),
    )
    boundary = kernels.Boundary(np.empty(capacity), np.empty(capacity, dtype=np.int64))
    table = np.zeros(1 << (int(1.5 * capacity) - 1).bit_length(), dtype=np.uint32)
    n_tested, squares = np.empty((2, len(marks)), dtype=np.int64)
    waves = _waves(field, side)
    phases, slopes, products = np.empty((3, len(waves.offsets)))
    neighbourhood = kernels.Neighbourhood(phases, slopes, products, around=np.empty(len(steps)))
    ending = np.append(marks, n_sites + 1)  # a mark that is never reached, for the kernel to wait for
    kernels.flood(steps, waves, ending, table, cluster, boundary, neighbourhood, n_tested, squares)
    return Flood(
        d=field.d,
        side=side,
        n_accepted=marks,
        n_tested=n_tested,
        radius=side * np.sqrt(squares / marks),
        accepted=_values(field, cluster.accepted),
        tested=_values(field, cluster.tested[: n_tested[-1]].copy()),
        n_bytes=table.nbytes + sum(array.nbytes for array in (*cluster, *boundary)),
    )


def _checked_side(field: LatticeField, side: float | None) -> float:
    if isinstance(field, fields.IidField):
        if side not in (None, field.side):
            raise ValueError(f"cells of side {field.side} make a lattice of steps {field.side}, got side={side}")
        return field.side
    if not isinstance(field, fields.FourierField):
        raise ValueError(f"field must be one of `fields.iid` or `fields.gaussian`, got {type(field).__name__}")
    return 1.0 if side is None else checks.positive("side", side)


def _keys(field: LatticeField) -> tuple[np.uint64, np.ndarray]:
    """Key of the start, and what leads to the neighbours, up and down each axis in turn: the field decides them."""
    if isinstance(field, fields.IidField):
        start, r = field.origin, field.r
    else:
        entropy = np.random.SeedSequence([int(bits) for bits in field.offsets.view(np.uint32)])
        numbers = entropy.generate_state(field.d + 1, np.uint64)
        start, r = numbers[0], numbers[1:] | np.uint64(1)
    return start, np.stack([r, -r], axis=1).ravel()


def _waves(field: LatticeField, side: float) -> kernels.Waves:
    if isinstance(field, fields.IidField):
        none = np.empty((field.d, 0))
        return kernels.Waves(none, none[0], none, none, 0.0)
    turns = side * field.turns
    angles = 2 * np.pi * turns
    amplitude = float(np.sqrt(2 / field.n_features))
    return kernels.Waves(turns, field.offsets, np.cos(angles), np.sin(angles), amplitude)


def _values(field: LatticeField, numbers: np.ndarray) -> np.ndarray:
    """The kernel's numbers as the field's values: it takes uniform ones for any law of independent values."""
    if isinstance(field, fields.IidField) and field.distribution == "normal":
        return ndtri(numbers)
    return numbers
