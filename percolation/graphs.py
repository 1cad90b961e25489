"""Any finite graph, stored as its bonds and its neighbours. `graph_files` reads them from files.

Bond k of a graph is edge k of what it was made from. Parallel edges are kept, each a bond that opens on its own.
Self-loops are kept as bonds too, so that the numbers stand, but they join nothing and make no neighbour.
Weights and directions of sparse matrices and networkx graphs are not used: to open bonds by weight, pass
the sorted order to `sweeps.bond_sweep`.
"""

from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from percolation import checks
from percolation._kernels import sweep_lattices as kernels


@dataclass(frozen=True, eq=False)
class Graph:
    """Undirected graph: bonds as pairs, neighbours as compressed rows. Made by the functions of this module."""

    n_sites: int
    edges: np.ndarray  # (n_bonds, 2) int32
    indptr: np.ndarray  # (n_sites + 1,) int64; the neighbours of site i are indices[indptr[i]:indptr[i + 1]]
    indices: np.ndarray  # int32

    def __repr__(self) -> str:
        return f"Graph({self.n_sites} sites, {self.n_bonds} bonds)"

    @property
    def n_bonds(self) -> int:
        return len(self.edges)

    def neighbours(self, site: int) -> np.ndarray:
        """Neighbours of a site, int64, once for every bond to them."""
        checks.integer("site", site, at_least=0)
        if site >= self.n_sites:
            raise ValueError(f"a site lies in 0 ... {self.n_sites - 1}, got {site}")
        return self.indices[self.indptr[site] : self.indptr[site + 1]].astype(np.int64)

    def bonds(self) -> np.ndarray:
        """All bonds, (n_bonds, 2) int32."""
        return self.edges


def from_edges(edges: ArrayLike, n_sites: int) -> Graph:
    """Graph of n_sites sites with a bond for every row of edges, (n_bonds, 2) integers in 0 ... n_sites - 1."""
    n_sites = checks.integer("n_sites", n_sites, at_least=1)
    if n_sites > kernels.MOST_SITES:
        raise ValueError(f"n_sites must be below 2**31, got {n_sites}; cut the graph into its components first")
    checks.memory(f"a graph of {n_sites} sites", 8.0 * n_sites, "reduce n_sites")
    pairs = np.array(checks.edges(edges, n_sites), dtype=np.int32, order="C")
    n_proper = int((pairs[:, 0] != pairs[:, 1]).sum())
    indptr, indices = np.zeros(n_sites + 1, dtype=np.int64), np.empty(2 * n_proper, dtype=np.int32)
    kernels.fill_compressed(pairs, indptr, indices)
    for array in (pairs, indptr, indices):
        array.flags.writeable = False
    return Graph(n_sites, pairs, indptr, indices)


def from_networkx(graph: nx.Graph) -> Graph:
    """Graph whose site i is the i-th of graph.nodes and whose bond k is the k-th of graph.edges."""
    if not isinstance(graph, nx.Graph):
        raise ValueError(
            f"expected a networkx graph, got {type(graph).__name__}; from_edges and graph_files.read take others"
        )
    if graph.is_directed():
        raise ValueError("bonds have no direction, got a directed graph; pass graph.to_undirected()")
    number = {node: site for site, node in enumerate(graph.nodes)}
    edges = [(number[edge[0]], number[edge[1]]) for edge in graph.edges]
    return from_edges(np.array(edges, dtype=np.int64).reshape(-1, 2), len(number))


def from_sparse(matrix: sparse.sparray | sparse.spmatrix) -> Graph:
    """Graph of a symmetric adjacency matrix: a bond for every pair i <= j whose entry is not zero, in row order."""
    if not sparse.issparse(matrix):
        raise ValueError(
            f"expected a scipy.sparse matrix, got {type(matrix).__name__}; wrap it in scipy.sparse.csr_array"
        )
    pattern = sparse.csr_array(matrix != 0)
    if pattern.ndim != 2 or pattern.shape[0] != pattern.shape[1]:
        raise ValueError(f"an adjacency matrix is square, got shape {pattern.shape}")
    one_way = (pattern != pattern.T).tocoo()
    if one_way.nnz:
        row, column = one_way.row[0], one_way.col[0]
        raise ValueError(
            f"an adjacency matrix is symmetric, but only one of ({row}, {column}) and ({column}, {row}) is set; "
            "pass matrix + matrix.T"
        )
    upper = sparse.triu(pattern, format="csr")
    upper.sort_indices()
    return from_edges(np.stack(upper.nonzero(), axis=1), pattern.shape[0])
