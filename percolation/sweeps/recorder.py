"""The arrays that the realisations of a sweep fill, one row each, and the kernels that fill them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks
from percolation._kernels import sweep as kernels
from percolation._kernels.sweep_forests import Forest, Plain, Spanning, Wrapping
from percolation._kernels.sweep_lattices import marks_type
from percolation._kernels.sweep_openings import NO_WINDINGS, Bonds, Opening, TorusBonds
from percolation._kernels.sweep_records import Tally, Totals
from percolation._kernels.union_find import CLOSED, OPEN
from percolation.lattices import Box, FiniteGraph

TOTALS = Totals._fields  # largest, second_moment, n_clusters, second_largest, third_moment, fourth_moment
AXES = ("spanning", "wrapping")
WITHOUT_SIZE_COUNTS = TOTALS[:3]  # totals that do without the number of clusters of each size


class Recorder:
    """Records of n_realisations of a sweep of a graph at n_columns of its steps.

    observables: any of TOTALS, and one of AXES. n_counted: how often clusters are counted by size, in bins with the
    edges size_edges.
    """

    def __init__(
        self,
        graph: FiniteGraph,
        observables: Sequence[str],
        n_realisations: int,
        n_columns: int,
        n_counted: int,
        size_edges: ArrayLike | None,
    ) -> None:
        self.graph = graph
        self.axes = _axes_observable(graph, observables)
        self.size_edges = _checked_size_edges(size_edges, graph.n_sites)
        self.names = [name for name in TOTALS if name in observables]
        self.rows = np.array([self.names.index(name) if name in self.names else -1 for name in TOTALS])
        self.counts_sizes = n_counted > 0 or bool(set(self.names) - set(WITHOUT_SIZE_COUNTS))
        # a row for each realisation first: numba would compile anew for rows of another memory layout
        self.totals = np.empty((n_realisations, len(self.names), n_columns))
        self.first = np.empty((n_realisations, graph.d if isinstance(graph, Box) else 0), dtype=np.int64)
        self.cluster_counts = np.empty((n_realisations, n_counted, len(self.size_edges) - 1), dtype=np.int64)
        self.faces = _packed_faces(graph) if self.axes == "spanning" else None

    def fill(self, row: int, opening: Opening, when: kernels.EveryStep | kernels.At) -> None:
        """Fill a row by opening what is to be opened; all sites are open from the start if these are bonds."""
        n_open = self.graph.n_sites if isinstance(opening, Bonds | TorusBonds) else 0
        forest, tally = self._forest(row, OPEN if n_open else CLOSED), self._tally(row)
        totals = _totals_of_single_sites(n_open)
        tally.counts[1:2] = n_open
        for k, name in enumerate(self.names):
            tally.records[k, 0] = getattr(totals, name)
        totals, stop, n = kernels.sweep(when, opening, forest, tally, totals, 0, 0)
        if stop < len(when.stops):  # every axis has been seen
            kernels.sweep(when, _unfollowed(opening), _without_marks(forest), tally, totals, stop, n)

    def recorded(self) -> dict[str, np.ndarray]:
        """The totals that were asked for, by name, (n_realisations, n_columns), and the counts of sizes if any."""
        found: dict[str, np.ndarray] = {name: self.totals[:, k] for k, name in enumerate(self.names)}
        if self.cluster_counts.shape[1]:
            found |= {"size_edges": self.size_edges, "cluster_counts": self.cluster_counts}
        return found

    def first_steps(self, never: int) -> np.ndarray:
        """First step of each axis, (n_realisations, d), axes as in the coordinates; `never` where it did not come."""
        return np.where(self.first == 0, never, np.minimum(self.first, never))[:, ::-1]

    def _forest(self, row: int, state: np.int32) -> Forest:
        """Clusters in which every site is in this state."""
        n_sites, first = self.graph.n_sites, self.first[row]
        parent = np.full(n_sites + 1, state, dtype=np.int32)
        if self.axes is None:
            return Forest(Plain(0), parent, np.empty(0, dtype=np.uint32), first)
        assert isinstance(self.graph, Box)
        periodic = np.array(self.graph.is_periodic[::-1])
        # an axis of the other kind is marked as seen before the first step
        first[:] = np.where(periodic == (self.axes == "wrapping"), np.iinfo(np.int64).max, 0)
        if self.faces is not None:
            return Forest(Spanning(self.graph.d), parent, self.faces.copy(), first)
        marks = np.zeros(n_sites, dtype=marks_type(self.graph.d))
        return Forest(Wrapping(self.graph.d), parent, marks, first)

    def _tally(self, row: int) -> Tally:
        counts = np.zeros(self.graph.n_sites + 1 if self.counts_sizes else 0, dtype=np.int32)
        return Tally(counts, self.rows, self.totals[row], self.size_edges, self.cluster_counts[row])


def _totals_of_single_sites(n: int) -> Totals:
    """Totals over n clusters of one site."""
    return Totals(float(n > 0), float(n), float(n), float(n > 1), float(n), float(n))


def _without_marks(forest: Forest) -> Forest:
    return Forest(Plain(0), forest.parent, np.empty(0, dtype=np.uint32), forest.first)


def _unfollowed(opening: Opening) -> Opening:
    """The same without the windings of bonds, which only marks need: fewer kernels to compile."""
    return Bonds(opening.pairs, NO_WINDINGS) if isinstance(opening, Bonds | TorusBonds) else opening


def check_observables(observables: Sequence[str], allowed: Sequence[str]) -> None:
    """Refuse names that are not allowed, and a single name that was meant as a sequence."""
    if isinstance(observables, str):
        raise ValueError(f"observables is a sequence of names; pass ({observables!r},)")
    for name in observables:
        checks.one_of("observable", name, allowed)


def _axes_observable(graph: FiniteGraph, observables: Sequence[str]) -> str | None:
    """Which of AXES is followed, if the graph has such axes."""
    asked = [name for name in AXES if name in observables]
    if not asked:
        return None
    if len(asked) == 2:
        raise ValueError("a sweep follows spanning or wrapping, not both; run it twice with the same seed")
    if not isinstance(graph, Box):
        raise ValueError(f"{asked[0]} needs a lattice with axes (a lattice's torus or box), got {type(graph).__name__}")
    if not any(periodic == (asked[0] == "wrapping") for periodic in graph.is_periodic):
        need, have = ("a periodic", "open") if asked[0] == "wrapping" else ("an open", "periodic")
        raise ValueError(f"{asked[0]} needs {need} axis, but all of {graph.lattice.name} are {have}; change periodic")
    return asked[0]


def _packed_faces(graph: FiniteGraph) -> np.ndarray:
    """Bits 2 i and 2 i + 1 for the faces across the kernels' axis i, (n_sites,) uint32, or uint64 above 16 axes."""
    assert isinstance(graph, Box)
    bits = tuple((1 << 2 * axis, 2 << 2 * axis) for axis in range(graph.d - 1, -1, -1))
    return graph.faces(bits).astype(np.uint32 if graph.d <= 16 else np.uint64)


def _checked_size_edges(size_edges: ArrayLike | None, n_sites: int) -> np.ndarray:
    if size_edges is None:
        return np.minimum(2 ** np.arange((n_sites).bit_length() + 1), n_sites + 1)
    edges = np.asarray(size_edges)
    if edges.ndim != 1 or len(edges) < 2 or edges.dtype.kind not in "iu" or edges[0] < 1 or (np.diff(edges) <= 0).any():
        raise ValueError(f"size_edges must be at least two ascending integers from 1 on, got {size_edges!r}")
    return np.minimum(edges, n_sites + 1).astype(np.int64)
