"""Finite lattices that compute their neighbours and store none.

`hypercubic`, `square` and `cubic` are the boxes of Z^d, periodic or open; `n_cube` is {0, 1}^n.
A lattice knows its sites 0 ... n_sites - 1, its bonds, and its displacements as the kernels want them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike

from percolation import checks
from percolation._kernels import sweep as kernels


@dataclass(frozen=True)
class Hypercubic:
    """Box of L**d sites of Z^d with bonds between nearest neighbours.

    Site numbers follow numpy's order, the last coordinate fastest: site = sum_i x_i L**(d - 1 - i), so that a field
    of shape (L,) * d gives its values at the sites by `ravel()`.

    periodic: a torus, d L**d bonds; else open faces, d (L - 1) L**(d - 1) bonds. On a torus with L = 2 both ways along
    an axis lead to the same neighbour: it is listed twice, and the two bonds to it are parallel, each open on its
    own. That changes nothing for sites; for bonds a pair is joined with probability 1 - (1 - p)**2.
    """

    d: int
    L: int
    periodic: bool = True

    def __post_init__(self) -> None:
        checks.integer("d", self.d, at_least=1)
        if checks.integer("L", self.L, at_least=1) == 1:
            raise ValueError(
                "with L=1 a site would be its own neighbour; take L >= 2, or leave the axis out by a smaller d"
            )
        if self.n_sites > kernels.MOST_SITES:
            raise ValueError(f"a box of {self.L}**{self.d} sites has more than 2**31 - 1; {_largest_box(self.d)}")

    @property
    def n_sites(self) -> int:
        return self.L**self.d

    @property
    def n_bonds(self) -> int:
        return self.d * (self.L if self.periodic else self.L - 1) * self.L ** (self.d - 1)

    def coordinates(self, site: ArrayLike) -> np.ndarray:
        """Coordinates of one site or an array of them, in 0 ... L - 1: the shape of site, then d."""
        return np.stack(np.unravel_index(_checked_sites(site, self.n_sites), (self.L,) * self.d), axis=-1)

    def site(self, coordinates: ArrayLike) -> np.ndarray:
        """Number of the site at coordinates of shape (..., d); a torus takes them modulo L."""
        x = np.moveaxis(np.asarray(coordinates), -1, 0)
        return np.ravel_multi_index(tuple(x), (self.L,) * self.d, mode="wrap" if self.periodic else "raise")

    def neighbours(self, site: int) -> np.ndarray:
        """Neighbours of a site, int64: axis by axis the one above, then the one below; 2 d, fewer at a face."""
        x = self.coordinates(site)
        around = np.concatenate([[x + step, x - step] for step in np.eye(self.d, dtype=np.int64)])
        if not self.periodic:
            around = around[((around >= 0) & (around < self.L)).all(axis=1)]
        return self.site(around)

    def bonds(self) -> np.ndarray:
        """All bonds, (n_bonds, 2) int32: axis by axis, in the order of the site that the bond leads up from."""
        sites = np.arange(self.n_sites, dtype=np.int32).reshape((self.L,) * self.d)
        return np.concatenate(list(self._bonds_by_axis(sites)))

    def _bonds_by_axis(self, sites: np.ndarray) -> Iterator[np.ndarray]:
        for axis in range(self.d):
            lower, upper = sites, np.roll(sites, -1, axis)
            if not self.periodic:
                inside = np.arange(self.L - 1)
                lower, upper = lower.take(inside, axis), upper.take(inside, axis)
            yield np.stack([lower.ravel(), upper.ravel()], axis=1)

    def to_networkx(self) -> nx.MultiGraph:
        """The same lattice as a networkx graph; meant for small ones."""
        return _networkx(self.n_sites, self.bonds())

    def kernel_form(self) -> kernels.Torus | kernels.Box:
        """The lattice as the kernels take it."""
        strides = tuple(np.uint64(self.L**axis) for axis in range(self.d))
        form = kernels.Torus if self.periodic else kernels.Box
        return form(np.uint64(self.L), strides, np.uint64(self.n_sites))


@dataclass(frozen=True)
class NCube:
    """The n-cube {0, 1}^n: 2**n sites, n 2**(n - 1) bonds between sites whose numbers differ in one bit."""

    n: int

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
    def n_bonds(self) -> int:
        return self.n * 2 ** (self.n - 1)

    def neighbours(self, site: int) -> np.ndarray:
        """The n neighbours of a site, int64: bit 0 flipped, bit 1 flipped, ..."""
        return _checked_sites(site, self.n_sites) ^ (1 << np.arange(self.n))

    def bonds(self) -> np.ndarray:
        """All bonds, (n_bonds, 2) int32: bit by bit, in the order of the site where that bit is 0."""
        sites = np.arange(self.n_sites, dtype=np.int32)
        lower = [sites[sites >> bit & 1 == 0] for bit in range(self.n)]
        return np.concatenate([np.stack([low, low | np.int32(1 << bit)], axis=1) for bit, low in enumerate(lower)])

    def to_networkx(self) -> nx.MultiGraph:
        """The same lattice as a networkx graph; meant for small ones."""
        return _networkx(self.n_sites, self.bonds())

    def kernel_form(self) -> kernels.Cube:
        """The lattice as the kernels take it."""
        return kernels.Cube(tuple(np.uint64(1 << bit) for bit in range(self.n)), np.uint64(self.n_sites))


Lattice = Hypercubic | NCube


def hypercubic(d: int, L: int, periodic: bool = True) -> Hypercubic:
    """Box of L**d sites of Z^d: a torus, or with open faces if not periodic."""
    return Hypercubic(d, L, periodic)


def square(L: int, periodic: bool = True) -> Hypercubic:
    """L x L sites of the square lattice."""
    return hypercubic(2, L, periodic)


def cubic(L: int, periodic: bool = True) -> Hypercubic:
    """L x L x L sites of the simple cubic lattice."""
    return hypercubic(3, L, periodic)


def n_cube(n: int) -> NCube:
    """The n-cube {0, 1}^n."""
    return NCube(n)


def _largest_box(d: int) -> str:
    """The way out of a box that is too large."""
    L = int(kernels.MOST_SITES ** (1 / d))
    return f"reduce L to at most {L}" if L >= 2 else "reduce d to at most 30"


def _checked_sites(site: ArrayLike, n_sites: int) -> np.ndarray:
    sites = np.asarray(site)
    if sites.dtype.kind not in "iu":
        raise ValueError(f"a site is an integer in 0 ... {n_sites - 1}, got {site!r}")
    if sites.size and (sites.min() < 0 or sites.max() >= n_sites):
        raise ValueError(f"a site lies in 0 ... {n_sites - 1}, got {sites.min()} ... {sites.max()}")
    return sites.astype(np.int64)


def _networkx(n_sites: int, bonds: np.ndarray) -> nx.MultiGraph:
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(n_sites))
    graph.add_edges_from(bonds.tolist())
    return graph
