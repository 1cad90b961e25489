"""Finite families of graphs, which no infinite lattice is behind: n-cube, Hamming graph, pieces of the Bethe lattice.

`n_cube` is {0, 1}^n and `hamming` the Hamming graph, which compute their neighbours; `cayley_tree` is a stored graph.
Their p_c is that of a critical window (`scaling.window`), there is no torus of another size.
"""

from dataclasses import dataclass

import numpy as np

from percolation import checks, graphs
from percolation._kernels import sweep_lattices as kernels
from percolation.lattices.lattice import cells, checked_sites


@dataclass(frozen=True)
class Hamming:
    """Hamming graph H(d, q): words of d letters out of q; neighbours differ in one letter, d (q - 1) of them.

    Site numbers follow numpy's order, the last letter fastest. H(d, 2) is the d-cube, H(1, q) the complete graph.
    """

    d: int
    q: int
    name = "hamming"

    def __post_init__(self) -> None:
        checks.integer("d", self.d, at_least=1)
        checks.integer("q", self.q, at_least=2)
        if self.n_sites > kernels.MOST_SITES:
            raise ValueError(f"H({self.d}, {self.q}) has more than 2**31 - 1 sites; reduce d or q")

    @property
    def n_sites(self) -> int:
        return self.q**self.d

    @property
    def coordination(self) -> int:
        return self.d * (self.q - 1)

    @property
    def n_bonds(self) -> int:
        return self.n_sites * self.coordination // 2

    def neighbours(self, site: int) -> np.ndarray:
        """The d (q - 1) neighbours of a site, int64: letter by letter, the letter raised by 1 ... q - 1 modulo q."""
        letters = np.unravel_index(checked_sites(site, self.n_sites), (self.q,) * self.d)
        around = np.array(letters) + self._displacements()
        return np.ravel_multi_index(tuple(around.T), (self.q,) * self.d, mode="wrap")

    def _displacements(self) -> np.ndarray:
        raised = np.arange(1, self.q)[:, None] * np.eye(self.d, dtype=np.int64)[:, None]
        return raised.reshape(-1, self.d)

    def bonds(self) -> np.ndarray:
        """All bonds, (n_bonds, 2) int32: letter by letter, in the order of the two values that it takes."""
        words = np.arange(self.n_sites, dtype=np.int32).reshape((self.q,) * self.d)
        lower, upper = np.triu_indices(self.q, 1)
        pairs = [np.stack([words.take(lower, i).ravel(), words.take(upper, i).ravel()], axis=1) for i in range(self.d)]
        return np.concatenate(pairs)

    def kernel_form(self) -> kernels.Cells:
        """The lattice as the kernels take it: a torus of side q with all displacements along an axis."""
        ends = np.zeros((1, self.coordination), dtype=np.int64)
        return cells(self.q, self._displacements()[None], ends, (True,) * self.d, self.n_sites)


@dataclass(frozen=True)
class NCube:
    """The n-cube {0, 1}^n: 2**n sites, n 2**(n - 1) bonds between sites whose numbers differ in one bit."""

    n: int
    name = "n-cube"

    def __post_init__(self) -> None:
        checks.integer("n", self.n, at_least=1)
        if self.n_sites > kernels.MOST_SITES:
            raise ValueError(f"an n-cube of 2**{self.n} sites has more than 2**31 - 1; reduce n to at most 30")

    @property
    def d(self) -> int:
        return self.n

    @property
    def n_sites(self) -> int:
        return 2**self.n

    @property
    def coordination(self) -> int:
        return self.n

    @property
    def n_bonds(self) -> int:
        return self.n * 2 ** (self.n - 1)

    def neighbours(self, site: int) -> np.ndarray:
        """The n neighbours of a site, int64: bit 0 flipped, bit 1 flipped, ..."""
        return checked_sites(site, self.n_sites) ^ (1 << np.arange(self.n))

    def bonds(self) -> np.ndarray:
        """All bonds, (n_bonds, 2) int32: bit by bit, in the order of the site where that bit is 0."""
        sites = np.arange(self.n_sites, dtype=np.int32)
        lower = [sites[sites >> bit & 1 == 0] for bit in range(self.n)]
        return np.concatenate([np.stack([low, low | np.int32(1 << bit)], axis=1) for bit, low in enumerate(lower)])

    def kernel_form(self) -> kernels.Cube:
        """The lattice as the kernels take it."""
        return kernels.Cube(tuple(np.uint64(1 << bit) for bit in range(self.n)), np.uint64(self.n_sites))


n_cube, hamming = NCube, Hamming


def cayley_tree(z: int, generations: int) -> graphs.Graph:
    """Finite piece of the Bethe lattice: a root with z neighbours, each with z - 1 more, for so many generations.

    Sites are numbered generation by generation, the root 0; bond k leads to site k + 1. A stored graph. Most of its
    sites are leaves, so averages over all sites are not those of the Bethe lattice, which are those at the root.
    """
    z, generations = checks.integer("z", z, at_least=2), checks.integer("generations", generations, at_least=0)
    n_sites = 1 + sum(z * (z - 1) ** (g - 1) for g in range(1, generations + 1))
    child = np.arange(1, min(n_sites, kernels.MOST_SITES + 1), dtype=np.int64)
    parent = np.where(child <= z, 0, 1 + (child - 1 - z) // (z - 1))
    return graphs.from_edges(np.stack([parent, child], axis=1), n_sites)
