"""The level sets of a box of cells, all of them from one sweep in the order of the values."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks
from percolation._kernels import level_sets as kernels
from percolation.level_sets.merge_trees import NEVER, MergeTree, empty_links
from percolation.level_sets.orders import checked_values, stable_order

MOST_AXES = 6
Axis = int | Literal["any", "all"]


@dataclass(frozen=True, eq=False)
class LevelSets:
    """Clusters of the open cells {value <= level} of a box at every level; made by `sweep`.

    Cells are numbered in numpy's order, 0 ... n_cells - 1: `cell` and `coordinates` go to and fro. Levels and
    barriers are in the units of the values; they are values of cells, exactly. Steps count opened cells from 0.
    """

    values: np.ndarray  # (n_1, ..., n_k) float32 or float64
    periodic: tuple[bool, ...]  # (k,)
    order: np.ndarray  # (n_cells,) int32, cells by rising value, ties by number
    first: np.ndarray  # (k,) int64, step that first spans an open axis or wraps a periodic one; NEVER if none does
    largest_after: np.ndarray  # (n_cells,) int32, size of the largest cluster after each step
    merges: MergeTree

    @property
    def n_cells(self) -> int:
        return self.values.size

    def cell(self, coordinates: ArrayLike) -> np.ndarray:
        """Numbers of the cells at coordinates (..., k)."""
        x = np.moveaxis(np.asarray(coordinates), -1, 0)
        return np.asarray(np.ravel_multi_index(tuple(x), self.values.shape))

    def coordinates(self, cell: ArrayLike) -> np.ndarray:
        """Coordinates of cells: the shape of cell, then k."""
        return np.stack(np.unravel_index(np.asarray(cell), self.values.shape), axis=-1)

    def n_open(self, level: ArrayLike) -> np.ndarray:
        """Number of cells with value <= level, of the shape of level."""
        levels = np.asarray(level, dtype=np.float64)
        if np.isnan(levels).any():
            raise ValueError("a level must be a number, got NaN")
        # in the type of the values the comparison would round the level
        lowered = _rounded_down(levels, self.values.dtype)
        return np.searchsorted(self.values.ravel(), lowered, side="right", sorter=self.order)

    def occupation(self, level: ArrayLike) -> np.ndarray:
        """Share p of open cells at a level, any shape: n_open / n_cells."""
        return self.n_open(level) / self.n_cells

    def level(self, p: ArrayLike) -> np.ndarray:
        """Lowest level at which a share of at least p of the cells is open; the lowest value for p = 0."""
        n = np.ceil(checks.probabilities(p) * self.n_cells * (1 - 1e-15)).astype(np.int64)
        return self._values_at(np.maximum(n, 1) - 1)

    def largest(self, level: ArrayLike) -> np.ndarray:
        """Cells of the largest cluster at a level, int64 of its shape; 0 where no cell is open."""
        n = self.n_open(level)
        return np.where(n > 0, self.largest_after[np.maximum(n, 1) - 1], 0).astype(np.int64)

    def spanning_level(self, axis: Axis = "any") -> float:
        """Lowest level at which a cluster joins the two faces across an open axis.

        axis: its number; "any" for the lowest of the open axes; "all" for the level at which each of them is spanned,
        not necessarily by one cluster.
        """
        return self._first_level(axis, False, "open axis", "wrapping_level")

    def wrapping_level(self, axis: Axis = "any") -> float:
        """Lowest level at which a cluster closes round a periodic axis; axis as in `spanning_level`."""
        return self._first_level(axis, True, "periodic axis", "spanning_level")

    def barrier(self, i: ArrayLike, j: ArrayLike) -> np.ndarray:
        """Minimax barrier between cells: the lowest level at which they are in one cluster, exactly.

        min over paths of face-adjacent cells from i to j of the largest value on the path, ends included.
        i, j: numbers of cells, shapes that broadcast. Returns float64 of the common shape.
        Cost: two ways up a tree of at most log2(n_cells) links, below a microsecond a pair in 10^7 cells.
        """
        steps = self.merges.steps(i, j)
        itself = self.values.ravel()[np.broadcast_to(np.asarray(i), steps.shape)]
        return np.where(steps < 0, itself, self._values_at(np.maximum(steps, 0)))

    def path(self, i: int, j: int) -> np.ndarray:
        """Numbers of the cells, (n,) int64, of a path from i to j that attains their barrier, both included.

        It is a shortest one through the cells with value <= barrier(i, j). Memory: up to 9 bytes a cell.
        """
        opened = self.values.ravel() <= self.barrier(i, j)
        back = np.full(self.n_cells, kernels.NOWHERE)
        queue = np.empty(np.count_nonzero(opened), dtype=np.int32)
        shape, periodic = np.array(self.values.shape), np.array(self.periodic)
        return kernels.shortest_path(opened, shape, periodic, int(i), int(j), back, queue)

    def _first_level(self, axis: Axis, periodic: bool, kind: str, other: str) -> float:
        axes = [a for a, closed in enumerate(self.periodic) if closed == periodic]
        if not axes:
            raise ValueError(f"the box has no {kind}; ask {other}")
        if isinstance(axis, str):
            pick = {"any": min, "all": max}[checks.one_of("axis", axis, ("any", "all"))]
            return float(self._values_at(pick(self.first[axes])))
        if checks.integer("axis", axis, at_least=0) not in axes:
            raise ValueError(f"axis {axis} is no {kind} of this box, these are {axes}; ask {other}")
        return float(self._values_at(self.first[axis]))

    def _values_at(self, steps: np.ndarray) -> np.ndarray:
        """Values of the cells that these steps opened."""
        return self.values.ravel()[self.order[steps]].astype(np.float64)


def sweep(values: ArrayLike, periodic: bool | tuple[bool, ...] = False) -> LevelSets:
    """Open the cells of a box in the order of their values and keep how the clusters merge: a `LevelSets`.

    Cells that share a face are neighbours. Cells of one value open one by one, by number; a level opens all of them.
    values: (n_1, ..., n_k), k = 1 ... 6, real, not NaN (np.inf is a value as others are); float32 stays float32, all
    else becomes float64. It is kept, not copied, where it is float and contiguous: do not write to it afterwards.
    periodic: whether the axes close on themselves, one bool for all or one each; such an axis has two cells at least,
    and its windings are read modulo 2^(64 / k), 2^32 if k = 1.
    Cost: see benchmarks/level_sets.md; about 0.1 us a cell. Memory: 16 bytes a cell in the result, besides the values,
    and up to 20 more while it runs; 8 more with a periodic axis.
    """
    array = checked_values("values", values)
    closed = _checked_periodic(array.shape, periodic)
    order = stable_order(array.ravel())
    n, links = array.size, empty_links(array.size)
    parent, largest = np.full(n, kernels.CLOSED), np.empty(n, dtype=np.int32)
    strides = np.array(array.strides, dtype=np.uint64) // np.uint64(array.itemsize)
    first, marks = np.full(array.ndim, NEVER, dtype=np.int64), _faces(array.shape)
    if any(closed):
        lengths, windings = np.array(array.shape, dtype=np.uint64), np.zeros(n, dtype=np.uint64)
        kernels.sweep_torus(order, strides, lengths, np.array(closed), parent, marks, windings, links, largest, first)
    else:
        kernels.sweep_open(order, strides, parent, marks, links, largest, first)
    return LevelSets(array, closed, order, first, largest, MergeTree(links))


def _checked_periodic(shape: tuple[int, ...], periodic: bool | tuple[bool, ...]) -> tuple[bool, ...]:
    k = len(shape)
    if not 1 <= k <= MOST_AXES:
        raise ValueError(f"a box has 1 ... {MOST_AXES} axes, got shape {shape}")
    closed = checks.of_axes("periodic", periodic, k)
    for axis, length in enumerate(shape):
        if closed[axis] and length == 1:
            raise ValueError(f"a cell of axis {axis} would be its own neighbour; leave out the axis, or let it be open")
    return closed


def _faces(shape: tuple[int, ...]) -> np.ndarray:
    """Which faces each cell lies at, (n_cells,) uint16: bits 2 a and 2 a + 1 for the two ends of axis a."""
    marks = np.zeros(shape, dtype=np.uint16)
    for axis in range(len(shape)):
        along = np.moveaxis(marks, axis, 0)
        along[0] |= np.uint16(1 << 2 * axis)
        along[-1] |= np.uint16(2 << 2 * axis)
    return marks.ravel()


def _rounded_down(levels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The largest numbers of the type that are not above the levels."""
    with np.errstate(over="ignore"):
        near = levels.astype(dtype)
    return np.where(near > levels, np.nextafter(near, dtype.type(-np.inf)), near)
