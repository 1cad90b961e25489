"""What a sweep opens, the sites or the bonds of a graph, and the orders in which it can."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks, seeds
from percolation._kernels import sweep as kernels
from percolation.graphs import Graph
from percolation.lattices import Box, FiniteGraph


@dataclass
class Sites:
    """The sites of a graph; neighbours join through bonds that are open with this probability."""

    graph: FiniteGraph
    bond_probability: ArrayLike

    kind = "site"

    def __post_init__(self) -> None:
        self.n = _checked_graph(self.graph).n_sites
        self.p_bond = float(checks.probabilities(self.bond_probability, "bond_probability"))

    def shuffled(self, key: np.uint64, coins: np.uint64) -> kernels.Opening:
        """In random order."""
        order = np.empty(self.n, dtype=np.int32)
        kernels.shuffle(order, key)
        return self.ordered(order, coins)

    def binned(self, bins: np.ndarray, ends: np.ndarray, coins: np.uint64) -> kernels.Opening:
        """Bin by bin, in the order of their numbers inside a bin; ends[k + 1] are in the bins 0 ... k."""
        order = np.empty(ends[-1], dtype=np.int32)
        kernels.sort_numbers(bins, ends.copy(), order)
        return self.ordered(order, coins)

    def ordered(self, order: np.ndarray, coins: np.uint64) -> kernels.Opening:
        """In this order."""
        of_bonds = kernels.BondDraws(coins, self.p_bond)
        if isinstance(self.graph, Graph):
            return kernels.GraphSites(self.graph.indptr, self.graph.indices, order, of_bonds)
        form = self.graph.kernel_form()
        around = np.empty(kernels.AHEAD * kernels.coordination(form), dtype=np.int32)
        return kernels.Sites(form, order, around, of_bonds)


@dataclass
class Bonds:
    """The bonds of a graph, and how they go round the torus if that is followed."""

    graph: FiniteGraph
    followed: bool

    kind = "bond"
    p_bond = 1.0

    def __post_init__(self) -> None:
        graph = _checked_graph(self.graph)
        self.n = graph.n_bonds
        self.items = np.ascontiguousarray(graph.bonds()).view(np.int64).ravel()  # a pair of int32 each
        self.windings = np.empty(0, dtype=np.uint32)
        self.torus = None
        if self.followed and isinstance(graph, Box):
            form, bits = graph.kernel_form(), kernels.field_bits(graph.d)
            if isinstance(form, kernels.Torus):
                self.torus = form.L, bits
            else:
                units = tuple(1 << int(bits) * axis for axis in reversed(range(graph.d)))
                self.windings = graph.windings(units).astype(kernels.marks_type(graph.d))

    def shuffled(self, key: np.uint64, coins: np.uint64) -> kernels.Opening:
        """In random order."""
        items, windings = np.empty_like(self.items), np.empty_like(self.windings)
        kernels.shuffle_items(items, self.items, key)
        kernels.shuffle_items(windings, self.windings, key)
        return self._opening(items, windings)

    def binned(self, bins: np.ndarray, ends: np.ndarray, coins: np.uint64) -> kernels.Opening:
        """Bin by bin, in the order of their numbers inside a bin; ends[k + 1] are in the bins 0 ... k."""
        items = np.empty(ends[-1], dtype=np.int64)
        windings = np.empty(ends[-1] if len(self.windings) else 0, dtype=self.windings.dtype)
        kernels.sort_items(bins, ends.copy(), self.items, items)
        kernels.sort_items(bins[: len(self.windings)], ends.copy(), self.windings, windings)
        return self._opening(items, windings)

    def ordered(self, order: np.ndarray, coins: np.uint64) -> kernels.Opening:
        """In this order."""
        return self._opening(self.items[order], self.windings[order] if len(self.windings) else self.windings)

    def _opening(self, items: np.ndarray, windings: np.ndarray) -> kernels.Opening:
        pairs = items.view(np.int32).reshape(-1, 2)
        return kernels.TorusBonds(pairs, *self.torus) if self.torus else kernels.Bonds(pairs, windings)


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
