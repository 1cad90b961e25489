"""What a sweep opens, the sites or the bonds of a graph, and the orders in which it can."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks, seeds
from percolation._kernels import sweep_lattices as lattices
from percolation._kernels import sweep_openings as openings
from percolation._kernels import sweep_orders as orders
from percolation.graphs import Graph
from percolation.lattices import Box, FiniteGraph


class _Opened:
    """Arrays with an item for each site or bond, which are put into an order."""

    columns: tuple[np.ndarray, ...]

    def shuffled(self, key: np.uint64, coins: np.uint64) -> openings.Opening:
        """In random order."""
        shuffled = [np.empty_like(column) for column in self.columns]
        for column, items in zip(self.columns, shuffled, strict=True):
            orders.shuffle(items, column, key)
        return self._opening(coins, *shuffled)

    def binned(self, bins: np.ndarray, ends: np.ndarray, coins: np.uint64) -> openings.Opening:
        """Bin by bin, in the order of their numbers inside a bin; ends[k + 1] are in the bins 0 ... k."""
        binned = [np.empty(ends[-1], column.dtype) for column in self.columns]
        for column, items in zip(self.columns, binned, strict=True):
            orders.sort_by_bin(bins, ends.copy(), column, items)
        return self._opening(coins, *binned)

    def _opening(self, coins: np.uint64, *columns: np.ndarray) -> openings.Opening:
        """In the order of these items."""
        raise NotImplementedError


@dataclass
class Sites(_Opened):
    """The sites of a graph; neighbours join through bonds that are open with this probability."""

    graph: FiniteGraph
    bond_probability: ArrayLike

    kind = "site"

    def __post_init__(self) -> None:
        self.n = _checked_graph(self.graph).n_sites
        self.p_bond = float(checks.probabilities(self.bond_probability, "bond_probability"))

    @cached_property
    def columns(self) -> tuple[np.ndarray, ...]:  # type: ignore[override]
        """Their numbers; made where they are used, not sent there."""
        return (np.arange(self.n, dtype=np.int32),)

    def ordered(self, order: np.ndarray, coins: np.uint64) -> openings.Opening:
        """In this order."""
        return self._opening(coins, order)

    def _opening(self, coins: np.uint64, *columns: np.ndarray) -> openings.Opening:
        (order,), of_bonds = columns, openings.BondDraws(coins, self.p_bond)
        if isinstance(self.graph, Graph):
            return openings.GraphSites(self.graph.indptr, self.graph.indices, order, of_bonds)
        form = self.graph.kernel_form()
        if isinstance(form, lattices.Cube):
            return openings.CubeSites(form, order, np.zeros(self.n // lattices.WORD + 1, dtype=np.uint64), of_bonds)
        around = np.empty(openings.AHEAD * lattices.coordination(form), dtype=np.int32)
        return openings.Sites(form, order, around, of_bonds)


@dataclass
class Bonds(_Opened):
    """The bonds of a graph, and how they go round the torus if that is followed."""

    graph: FiniteGraph
    followed: bool

    kind = "bond"
    p_bond = 1.0

    def __post_init__(self) -> None:
        graph = _checked_graph(self.graph)
        self.n = graph.n_bonds
        self.columns = (np.ascontiguousarray(graph.bonds()).view(np.int64).ravel(),)  # a pair of int32 each
        self.torus = None
        if self.followed and isinstance(graph, Box):
            form, bits = graph.kernel_form(), lattices.field_bits(graph.d)
            if isinstance(form, lattices.Torus):
                self.torus = form.L, bits
            else:
                units = tuple(1 << int(bits) * axis for axis in reversed(range(graph.d)))
                self.columns += (graph.windings(units).astype(lattices.marks_type(graph.d)),)

    def ordered(self, order: np.ndarray, coins: np.uint64) -> openings.Opening:
        """In this order."""
        return self._opening(coins, *(column[order] for column in self.columns))

    def _opening(self, coins: np.uint64, *columns: np.ndarray) -> openings.Opening:
        pairs = columns[0].view(np.int32).reshape(-1, 2)
        windings = columns[1] if len(columns) > 1 else openings.NO_WINDINGS
        return openings.TorusBonds(pairs, *self.torus) if self.torus else openings.Bonds(pairs, windings)


def keys(seed: np.random.SeedSequence, n: int) -> np.ndarray:
    """Keys for streams of hashed uniforms, (n,) uint64, independent of the order drawn from the same seed."""
    return seeds.child(seed, 0).generate_state(n, np.uint64)


def _checked_graph(graph: FiniteGraph) -> FiniteGraph:
    if not isinstance(graph, FiniteGraph):
        raise ValueError(
            f"expected a lattice or a Graph, got {type(graph).__name__}; "
            "make one with graphs.from_networkx, from_sparse or from_edges"
        )
    return graph
