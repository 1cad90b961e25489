"""Finite lattices that compute their neighbours and store none.

A crystal is its bonds: displacements between cells of a box, which is open or periodic axis by axis. `hypercubic`,
`square`, `cubic`, `triangular`, `honeycomb`, `kagome`, `bcc`, `fcc` and `root_lattice` are lists of them. `n_cube` is
{0, 1}^n, `hamming` the Hamming graph, and `cayley_tree` a stored graph. All number their sites 0 ... n_sites - 1.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, reduce

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike

from percolation import checks, graphs
from percolation._kernels import sweep as kernels

Step = tuple[int, int, tuple[int, ...]]  # a bond: from site b of a cell to site e of the cell at this displacement


class _Computed:
    """What all lattices of this module share."""

    @property
    def n_sites(self) -> int:
        raise NotImplementedError

    def bonds(self) -> np.ndarray:
        raise NotImplementedError

    def to_networkx(self) -> nx.MultiGraph:
        """The same lattice as a networkx graph; meant for small ones."""
        graph = nx.MultiGraph()
        graph.add_nodes_from(range(self.n_sites))
        graph.add_edges_from(self.bonds().tolist())
        return graph


@dataclass(frozen=True)
class Crystal(_Computed):
    """Box of L**d cells with n_basis sites each, every site with the same number of neighbours.

    Cells follow numpy's order, the last coordinate fastest: cell = sum_i x_i L**(d - 1 - i), and site b of a cell has
    the number cell * n_basis + b. So a field of shape (L,) * d gives its values at the sites of a lattice without a
    basis by `ravel()`. Coordinates are those of the cell, in units of the lattice's own (oblique) vectors.

    periodic: True for a torus, False for open faces, or one of them for each axis. Where two ways round a torus lead
    to the same neighbour (L = 2) it is listed twice, and the two bonds to it are parallel, each open on its own. That
    changes nothing for sites; for bonds such a pair is joined with probability 1 - (1 - p)**2.
    """

    name: str
    d: int
    L: int
    periodic: bool | tuple[bool, ...]
    n_basis: int
    steps: tuple[Step, ...] = field(repr=False)

    def __post_init__(self) -> None:
        checks.integer("L", self.L, at_least=1)
        if isinstance(self.periodic, list):  # a tuple can be hashed, as the steps
            object.__setattr__(self, "periodic", tuple(self.periodic))
        if not isinstance(self.periodic, bool | np.bool_) and len(self.periodic) != self.d:
            raise ValueError(f"periodic is a bool, or one for each of {self.d} axes, got {self.periodic!r}")
        if self.L == 1:
            raise ValueError(
                "with L=1 a site would be its own neighbour; take L >= 2, or leave the axis out by a smaller d"
            )
        if self.n_sites > kernels.MOST_SITES:
            raise ValueError(
                f"a box of {self.n_basis} x {self.L}**{self.d} sites has more than 2**31 - 1; {self._way_out()}"
            )
        for step in self.steps:
            if self._returns(step):
                raise ValueError(
                    f"the displacement {step[2]} leads round the torus of side L={self.L} back to its own site; "
                    f"take L > {max(map(abs, step[2]))}"
                )

    def _way_out(self) -> str:
        L = int((kernels.MOST_SITES // self.n_basis) ** (1 / self.d))
        return f"reduce L to at most {L}" if L >= 2 else "reduce d to at most 30"

    def _returns(self, step: Step) -> bool:
        start, end, displacement = step
        around = zip(displacement, self.is_periodic, strict=True)
        return start == end and all(x % self.L == 0 if periodic else x == 0 for x, periodic in around)

    @cached_property
    def is_periodic(self) -> tuple[bool, ...]:
        """Whether each axis closes on itself."""
        if isinstance(self.periodic, bool | np.bool_):
            return (bool(self.periodic),) * self.d
        return tuple(bool(axis) for axis in self.periodic)

    @property
    def n_sites(self) -> int:
        return self.n_basis * self.L**self.d

    @property
    def n_bonds(self) -> int:
        return sum(math.prod(self._starts(displacement)) for _, _, displacement in self.steps)

    @property
    def coordination(self) -> int:
        """Number of neighbours of a site away from open faces."""
        return 2 * len(self.steps) // self.n_basis

    def _starts(self, displacement: tuple[int, ...]) -> list[int]:
        """Number of coordinates along each axis from which the displacement stays in the box."""
        around = zip(displacement, self.is_periodic, strict=True)
        return [self.L if periodic else max(self.L - abs(x), 0) for x, periodic in around]

    def coordinates(self, site: ArrayLike) -> np.ndarray:
        """Cell coordinates of one site or an array of them, in 0 ... L - 1: the shape of site, then d."""
        cell = _checked_sites(site, self.n_sites) // self.n_basis
        return np.stack(np.unravel_index(cell, (self.L,) * self.d), axis=-1)

    def site(self, coordinates: ArrayLike, b: ArrayLike = 0) -> np.ndarray:
        """Number of the site b of the cell at coordinates of shape (..., d); periodic axes take them modulo L."""
        x = np.asarray(coordinates, dtype=np.int64)
        x = np.where(self.is_periodic, x % self.L, x)
        if ((x < 0) | (x >= self.L)).any():
            raise ValueError(f"coordinates along an open axis lie in 0 ... {self.L - 1}, got {x.min()} ... {x.max()}")
        cell = x @ self.L ** np.arange(self.d - 1, -1, -1, dtype=np.int64)
        return cell * self.n_basis + np.asarray(b, dtype=np.int64)

    def neighbours(self, site: int) -> np.ndarray:
        """Neighbours of a site, int64: bond by bond the one it leads up to, then the one below; fewer at a face."""
        x, b = self.coordinates(site), int(site) % self.n_basis
        displacements, ends = self._ways()
        around, inside = x + displacements[b], np.ones(self.coordination, dtype=bool)
        for axis, periodic in enumerate(self.is_periodic):
            inside &= periodic | ((around[:, axis] >= 0) & (around[:, axis] < self.L))
        return self.site(around[inside], ends[b][inside])

    def _ways(self) -> tuple[np.ndarray, np.ndarray]:
        """Displacements (n_basis, coordination, d) and basis numbers (n_basis, coordination) of all neighbours."""
        ways: list[list[tuple[tuple[int, ...], int]]] = [[] for _ in range(self.n_basis)]
        for start, end, displacement in self.steps:
            ways[start].append((displacement, end))
            ways[end].append((tuple(-x for x in displacement), start))
        displacements = np.array([[x for x, _ in of_site] for of_site in ways], dtype=np.int64)
        return displacements, np.array([[end for _, end in of_site] for of_site in ways], dtype=np.int64)

    def bonds(self) -> np.ndarray:
        """All bonds, (n_bonds, 2) int32: displacement by displacement, in the order of the cell they lead up from."""
        sites = np.arange(self.n_sites, dtype=np.int32).reshape((self.L,) * self.d + (self.n_basis,))
        return np.concatenate([self._pairs(sites, *step) for step in self.steps])

    def _pairs(self, sites: np.ndarray, start: int, end: int, displacement: tuple[int, ...]) -> np.ndarray:
        back = tuple(-x for x in displacement)
        lower, upper = sites[..., start], np.roll(sites[..., end], back, axis=tuple(range(self.d)))
        inside = self._inside(displacement)
        return np.stack([lower[inside].ravel(), upper[inside].ravel()], axis=1)

    def _inside(self, displacement: tuple[int, ...]) -> tuple[slice, ...]:
        """The cells from which the displacement stays in the box."""
        around = zip(displacement, self.is_periodic, strict=True)
        return tuple(slice(None) if round_ else slice(max(-x, 0), max(self.L - max(x, 0), 0)) for x, round_ in around)

    def windings(self, units: tuple[int, ...]) -> np.ndarray:
        """How each of bonds() goes round the torus, (n_bonds,) int64: units[i] for once up across axis i's boundary.

        Units such as 1, 100, 10000 tell the axes apart.
        """
        return np.concatenate([self._windings(displacement, units) for _, _, displacement in self.steps])

    def _windings(self, displacement: tuple[int, ...], units: tuple[int, ...]) -> np.ndarray:
        x, inside = np.arange(self.L), self._inside(displacement)
        axes = zip(units, displacement, inside, strict=True)
        return _sum_over_box([unit * ((x + step) // self.L)[cells] for unit, step, cells in axes])

    def faces(self, units: tuple[tuple[int, int], ...]) -> np.ndarray:
        """Which open faces each site lies on, (n_sites,) int64: the sum of units[i], for x_i = 0 and x_i = L - 1."""
        along = np.zeros((self.d, self.L), dtype=np.int64)
        for axis, periodic in enumerate(self.is_periodic):
            if not periodic:
                along[axis, [0, -1]] = units[axis]
        return np.repeat(_sum_over_box(list(along)), self.n_basis)

    def kernel_form(self) -> kernels.Torus | kernels.Box | kernels.Cells:
        """The lattice as the kernels take it; there the last axis comes first."""
        if self.steps == _unit_steps(self.d) and len(set(self.is_periodic)) == 1:
            strides = tuple(np.uint64(self.L**axis) for axis in range(self.d))
            form = kernels.Torus if self.is_periodic[0] else kernels.Box
            return form(np.uint64(self.L), strides, np.uint64(self.n_sites))
        displacements, ends = self._ways()
        return _cells(self.L, displacements, ends, self.is_periodic, self.n_sites)


@dataclass(frozen=True)
class Hamming(_Computed):
    """Hamming graph H(d, q): words of d letters out of q; neighbours differ in one letter, d (q - 1) of them.

    Site numbers follow numpy's order, the last letter fastest. H(d, 2) is the d-cube, H(1, q) the complete graph.
    """

    d: int
    q: int

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
        letters = np.unravel_index(_checked_sites(site, self.n_sites), (self.q,) * self.d)
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
        return _cells(self.q, self._displacements()[None], ends, (True,) * self.d, self.n_sites)


@dataclass(frozen=True)
class NCube(_Computed):
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
    def coordination(self) -> int:
        return self.n

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

    def kernel_form(self) -> kernels.Cube:
        """The lattice as the kernels take it."""
        return kernels.Cube(tuple(np.uint64(1 << bit) for bit in range(self.n)), np.uint64(self.n_sites))


Lattice = Crystal | Hamming | NCube


def hypercubic(d: int, L: int, periodic: bool | tuple[bool, ...] = True, shells: int = 1) -> Crystal:
    """Box of L**d sites of Z^d with bonds between nearest neighbours, or between all up to the shells-th nearest.

    shells=2 adds the 2 d (d - 1) neighbours at distance sqrt(2), and so on by distance.
    """
    checks.integer("d", d, at_least=1)
    name = "hypercubic" if checks.integer("shells", shells, at_least=1) == 1 else f"hypercubic, {shells} shells"
    steps = _unit_steps(d) if shells == 1 else _bravais(_first_shells(d, shells))
    return Crystal(name, d, L, periodic, 1, steps)


def square(L: int, periodic: bool | tuple[bool, ...] = True, shells: int = 1) -> Crystal:
    """L x L sites of the square lattice."""
    return hypercubic(2, L, periodic, shells)


def cubic(L: int, periodic: bool | tuple[bool, ...] = True, shells: int = 1) -> Crystal:
    """L x L x L sites of the simple cubic lattice."""
    return hypercubic(3, L, periodic, shells)


def triangular(L: int, periodic: bool | tuple[bool, ...] = True) -> Crystal:
    """Rhombus of L x L sites of the triangular lattice, six neighbours a site."""
    return Crystal("triangular", 2, L, periodic, 1, _bravais([(1, 0), (0, 1), (1, -1)]))


def honeycomb(L: int, periodic: bool | tuple[bool, ...] = True) -> Crystal:
    """Rhombus of L x L cells of the honeycomb lattice, two sites a cell, three neighbours a site."""
    return Crystal("honeycomb", 2, L, periodic, 2, ((0, 1, (0, 0)), (1, 0, (1, 0)), (1, 0, (0, 1))))


def kagome(L: int, periodic: bool | tuple[bool, ...] = True) -> Crystal:
    """Rhombus of L x L cells of the kagome lattice, three sites a cell, four neighbours a site.

    Each triangle of corners 0, 1, 2 lies in one cell; the triangles between lead to the next cells.
    """
    within = ((0, 1, (0, 0)), (0, 2, (0, 0)), (1, 2, (0, 0)))
    between = ((1, 0, (1, 0)), (2, 0, (0, 1)), (2, 1, (-1, 1)))
    return Crystal("kagome", 2, L, periodic, 3, within + between)


def bcc(L: int, periodic: bool | tuple[bool, ...] = True) -> Crystal:
    """L**3 sites of the body-centred cubic lattice in the box of its primitive vectors, eight neighbours a site."""
    return Crystal("bcc", 3, L, periodic, 1, _bravais([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)]))


def fcc(L: int, periodic: bool | tuple[bool, ...] = True) -> Crystal:
    """L**3 sites of the face-centred cubic lattice in the box of its primitive vectors, twelve neighbours a site."""
    return Crystal("fcc", 3, L, periodic, 1, _bravais(_positive_roots("A", 3)))


def root_lattice(family: str, d: int, L: int, periodic: bool | tuple[bool, ...] = True) -> Crystal:
    """L**d sites of the root lattice A_d, D_d or E_d, whose bonds are the roots: the shortest vectors.

    The box is that of the simple roots, so it is oblique. d >= 1 for A, >= 3 for D (D_3 is fcc), 6, 7 or 8 for E.
    Neighbours a site: d (d + 1), 2 d (d - 1), and 72, 126, 240.
    Source: Conway and Sloane, Sphere Packings, Lattices and Groups (1999), Chapter 4.
    """
    checks.one_of("family of root lattices", family, _ROOT_DIMENSIONS)
    if checks.integer("d", d, at_least=1) not in _ROOT_DIMENSIONS[family]:
        raise ValueError(
            f"there is no root lattice {family}_{d}: boxes of A are for d = 1 to 30, D for 3 to 30, E for 6, 7 and 8"
        )
    return Crystal(f"{family}_{d}", d, L, periodic, 1, _bravais(_positive_roots(family, d)))


def n_cube(n: int) -> NCube:
    """The n-cube {0, 1}^n."""
    return NCube(n)


def hamming(d: int, q: int) -> Hamming:
    """The Hamming graph H(d, q)."""
    return Hamming(d, q)


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


_ROOT_DIMENSIONS = {"A": range(1, 31), "D": range(3, 31), "E": range(6, 9)}


def _positive_roots(family: str, d: int) -> list[tuple[int, ...]]:
    """Positive roots in coordinates of the simple ones: all that reflections make of these.

    The simple roots have inner products 2 with themselves and -1 along the lines of the Dynkin diagram: a chain, whose
    last root hangs on the one before the last (A), on that two (D) or three (E) places before.
    """
    inner = 2 * np.eye(d, dtype=np.int64)
    for i in range(1, d):
        on = i - 1 if i < d - 1 else i - {"A": 1, "D": 2, "E": 3}[family]
        inner[i, on] = inner[on, i] = -1
    roots = new = {tuple(int(x) for x in row) for row in np.eye(d, dtype=np.int64)}
    while new:
        reflected = (
            np.array(root) - (inner[i] @ root) * np.eye(d, dtype=np.int64)[i] for root in new for i in range(d)
        )
        new = {tuple(int(x) for x in root) for root in reflected if root.min() >= 0} - roots
        roots = roots | new
    return sorted(roots)


def _first_shells(d: int, shells: int) -> list[tuple[int, ...]]:
    """Half of the vectors of Z^d at the first so many distances, one of each pair +-x, by distance."""
    # every number is a sum of four squares; up to 1000 shells, a quarter of them is of two and most are of three
    most = {1: shells**2, 2: 4 * shells, 3: 2 * shells}.get(d, shells)
    vectors = [(sum(c * c for c in x), x) for x in _ball(d, most) if x > (0,) * d]
    farthest = sorted({square for square, _ in vectors})[shells - 1]
    return [x for square, x in sorted(vectors) if square <= farthest]


def _ball(d: int, square: int) -> Iterator[tuple[int, ...]]:
    """Vectors of Z^d whose square is at most this."""
    if d == 0:
        yield ()
        return
    reach = math.isqrt(square)
    for x in range(-reach, reach + 1):
        for rest in _ball(d - 1, square - x * x):
            yield (x, *rest)


def _bravais(displacements: list[tuple[int, ...]]) -> tuple[Step, ...]:
    return tuple((0, 0, x) for x in displacements)


def _unit_steps(d: int) -> tuple[Step, ...]:
    return _bravais([(0,) * axis + (1,) + (0,) * (d - 1 - axis) for axis in range(d)])


def _sum_over_box(along: list[np.ndarray]) -> np.ndarray:
    """sum_i along[i][x_i] for every x in the box, in numpy's order."""
    return np.asarray(reduce(np.add, np.ix_(*along))).ravel()


def _cells(
    L: int, displacements: np.ndarray, ends: np.ndarray, periodic: tuple[bool, ...], n_sites: int
) -> kernels.Cells:
    steps = np.ascontiguousarray(displacements[..., ::-1])
    return kernels.Cells(np.uint64(L), steps, ends, np.array(periodic[::-1]), np.uint64(n_sites))


def _checked_sites(site: ArrayLike, n_sites: int) -> np.ndarray:
    sites = np.asarray(site)
    if sites.dtype.kind not in "iu":
        raise ValueError(f"a site is an integer in 0 ... {n_sites - 1}, got {site!r}")
    if sites.size and (sites.min() < 0 or sites.max() >= n_sites):
        raise ValueError(f"a site lies in 0 ... {n_sites - 1}, got {sites.min()} ... {sites.max()}")
    return sites.astype(np.int64)
