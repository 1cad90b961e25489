"""A lattice is its unit cell: the bonds of one cell, which repeated in all directions are all bonds.

So it is infinite; `torus` and `box` are finite pieces of it, which compute their neighbours and store none. They number
their sites 0 ... n_sites - 1.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks
from percolation._kernels import sweep_lattices as kernels

Bond = tuple[int, int, tuple[int, ...]]  # from site b of a cell to site e of the cell at this displacement


@dataclass(frozen=True)
class UnitBonds(Sequence[Bond]):
    """Bonds of Z^d, up each axis in turn; not written out, which would be d^2 numbers."""

    d: int

    def __len__(self) -> int:
        return self.d

    def __getitem__(self, axis: Any) -> Any:
        return (0, 0, (0,) * axis + (1,) + (0,) * (self.d - 1 - axis)) if axis < self.d else ().__getitem__(axis)


@dataclass(frozen=True)
class Lattice:
    """An infinite lattice: the bonds of a cell, each once and one way, as (b, e, displacement).

    A bond leads from site b of a cell to site e of the cell displaced by so many of the lattice's own (oblique)
    vectors. The d of the displacements is that of the lattice; the sites of a cell are 0 ... n_basis - 1, as many as
    the bonds name, and may have different numbers of neighbours.
    """

    name: str
    bonds: Sequence[Bond] = field(repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.bonds, UnitBonds):
            object.__setattr__(self, "bonds", _checked_bonds(self.bonds))
        if 0 in self.degrees:
            raise ValueError(f"no bond leads to site {self.degrees.index(0)} of a cell of {self.n_basis}")

    @property
    def is_hypercubic(self) -> bool:
        """Z^d with bonds between nearest neighbours, axis by axis."""
        return isinstance(self.bonds, UnitBonds)

    @property
    def d(self) -> int:
        return len(self.bonds[0][2])

    @cached_property
    def n_basis(self) -> int:
        """Sites in a cell."""
        return int(self.ends.max()) + 1

    @cached_property
    def degrees(self) -> tuple[int, ...]:
        """Number of neighbours of each site of a cell."""
        return tuple(np.bincount(self.ends.ravel(), minlength=self.n_basis).tolist())

    @property
    def coordination(self) -> int:
        """Number of neighbours of a site; an error where the sites of a cell differ in it, see `degrees`."""
        if len(set(self.degrees)) > 1:
            raise ValueError(f"sites of {self.name} have {self.degrees} neighbours, not one number; take degrees")
        return self.degrees[0]

    @cached_property
    def ends(self) -> np.ndarray:
        """Lower and upper ends of the bonds, (n_bonds of a cell, 2)."""
        return (
            np.array([bond[:2] for bond in self.bonds]) if not self.is_hypercubic else np.zeros((self.d, 2), dtype=int)
        )

    @cached_property
    def displacements(self) -> np.ndarray:
        """Between the cells of the ends, (n_bonds of a cell, d) int64."""
        return np.array([x for *_, x in self.bonds], dtype=np.int64)

    def rises(self, r: np.ndarray) -> np.ndarray:
        """sum_i x_i r_i for the displacement x of every bond, (n_bonds of a cell,)."""
        return r if self.is_hypercubic else self.displacements.astype(r.dtype) @ r

    def around(self, up: np.ndarray, down: np.ndarray, none: int) -> np.ndarray:
        """What the bonds are from the sites of a cell, (n_basis, z, ...): up from a lower end, down from an upper one.

        up, down: (n_bonds of a cell, ...). In the order of the bonds; z is the largest of the degrees, and what a site
        lacks to it is none.
        """
        of_end = self.ends.ravel()
        order = np.argsort(of_end, kind="stable")
        values = np.stack([up, down], axis=1).reshape(len(of_end), *up.shape[1:])[order]
        found = np.full((self.n_basis, max(self.degrees), *up.shape[1:]), none, dtype=values.dtype)
        rank = np.concatenate([np.arange(degree) for degree in self.degrees])
        found[of_end[order], rank] = values
        return found

    def torus(self, L: int) -> "Box":
        """L**d cells, closed on themselves along every axis."""
        return Box(self, L, True)

    def box(self, L: int, periodic: bool | Iterable[bool] = False) -> "Box":
        """L**d cells with open faces, or closed on themselves along the axes that are periodic."""
        return Box(self, L, periodic if isinstance(periodic, bool | np.bool_) else tuple(periodic))


def bravais(name: str, displacements: Iterable[Iterable[int]]) -> Lattice:
    """The lattice of one site a cell, with bonds along these displacements and back."""
    return Lattice(name, tuple((0, 0, tuple(x)) for x in displacements))


def _checked_bonds(bonds: Iterable[Bond]) -> Sequence[Bond]:
    try:
        own = tuple((index(b), index(e), tuple(map(index, x))) for b, e, x in bonds)
    except (TypeError, ValueError):
        raise ValueError(f"a bond is (site, site, displacement) in integers, got {bonds!r}") from None
    dimensions = {len(x) for *_, x in own}
    if len(dimensions) != 1 or 0 in dimensions or min(min(b, e) for b, e, _ in own) < 0:
        raise ValueError(f"a lattice needs bonds between sites 0, 1, ... in one dimension d >= 1, got {own}")
    both_ways = {*own, *((e, b, tuple(-x for x in displacement)) for b, e, displacement in own)}
    if len(both_ways) < 2 * len(own):
        raise ValueError(f"a lattice needs bonds to other sites, each listed once and one way; got {own}")
    units = UnitBonds(len(own))
    return units if own == tuple(units) else own


@dataclass(frozen=True)
class Box:
    """L**d cells of a lattice, open or periodic axis by axis.

    Cells follow numpy's order, the last coordinate fastest: cell = sum_i x_i L**(d - 1 - i), and site b of a cell has
    the number cell * n_basis + b. So a field of shape (L,) * d gives its values at the sites of a lattice without a
    basis by `ravel()`. Coordinates are those of the cell.

    periodic: True for a torus, False for open faces, or one of them for each axis. Where two ways round a torus lead
    to the same neighbour (L = 2) it is listed twice, and the two bonds to it are parallel, each open on its own. That
    changes nothing for sites; for bonds such a pair is joined with probability 1 - (1 - p)**2.
    """

    lattice: Lattice
    L: int
    periodic: bool | tuple[bool, ...]

    def __post_init__(self) -> None:
        checks.integer("L", self.L, at_least=1)
        checks.of_axes("periodic", self.periodic, self.d)
        if self.L == 1:
            raise ValueError(
                "with L=1 a site would be its own neighbour; take L >= 2, or leave the axis out by a smaller d"
            )
        if self.n_sites > kernels.MOST_SITES:
            raise ValueError(
                f"a box of {self.n_basis} x {self.L}**{self.d} sites has more than 2**31 - 1; {self._way_out()}"
            )
        for b, e, displacement in self.lattice.bonds:
            if b == e and self._returns(displacement):
                raise ValueError(
                    f"the displacement {displacement} leads round the torus of side L={self.L} back to its own site; "
                    f"take L > {max(map(abs, displacement))}"
                )

    def _way_out(self) -> str:
        L = int((kernels.MOST_SITES // self.n_basis) ** (1 / self.d))
        return f"reduce L to at most {L}" if L >= 2 else "reduce d to at most 30"

    def _returns(self, displacement: tuple[int, ...]) -> bool:
        around = zip(displacement, self.is_periodic, strict=True)
        return all(x % self.L == 0 if periodic else x == 0 for x, periodic in around)

    @property
    def d(self) -> int:
        return self.lattice.d

    @property
    def n_basis(self) -> int:
        return self.lattice.n_basis

    @cached_property
    def is_periodic(self) -> tuple[bool, ...]:
        """Whether each axis closes on itself."""
        return checks.of_axes("periodic", self.periodic, self.d)

    @cached_property
    def n_sites(self) -> int:
        return self.n_basis * self.L**self.d

    @property
    def n_bonds(self) -> int:
        return sum(math.prod(self._starts(displacement)) for *_, displacement in self.lattice.bonds)

    def _starts(self, displacement: tuple[int, ...]) -> list[int]:
        """Number of coordinates along each axis from which the displacement stays in the box."""
        around = zip(displacement, self.is_periodic, strict=True)
        return [self.L if periodic else max(self.L - abs(x), 0) for x, periodic in around]

    def coordinates(self, site: ArrayLike) -> np.ndarray:
        """Cell coordinates of one site or an array of them, in 0 ... L - 1: the shape of site, then d."""
        cell = checked_sites(site, self.n_sites) // self.n_basis
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
        around, inside = x + displacements[b], ends[b] >= 0
        for axis, periodic in enumerate(self.is_periodic):
            inside &= periodic | ((around[:, axis] >= 0) & (around[:, axis] < self.L))
        return self.site(around[inside], ends[b][inside])

    def _ways(self) -> tuple[np.ndarray, np.ndarray]:
        """Displacements (n_basis, z, d) and basis numbers (n_basis, z) of all neighbours, -1 for one that lacks."""
        x, (lower, upper) = self.lattice.displacements, self.lattice.ends.T
        return self.lattice.around(x, -x, 0), self.lattice.around(upper, lower, -1)

    def bonds(self) -> np.ndarray:
        """All bonds, (n_bonds, 2) int32: those of the lattice in turn, in the order of the cell they lead up from."""
        sites = np.arange(self.n_sites, dtype=np.int32).reshape((self.L,) * self.d + (self.n_basis,))
        return np.concatenate([self._pairs(sites, *bond) for bond in self.lattice.bonds])

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
        return np.concatenate([self._windings(displacement, units) for *_, displacement in self.lattice.bonds])

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
        """The box as the kernels take it; there the last axis comes first."""
        if self.lattice.is_hypercubic and len(set(self.is_periodic)) == 1:
            strides = tuple(np.uint64(self.L**axis) for axis in range(self.d))
            form = kernels.Torus if self.is_periodic[0] else kernels.Box
            return form(np.uint64(self.L), strides, np.uint64(self.n_sites))
        return cells(self.L, *self._ways(), self.is_periodic, self.n_sites)


def _sum_over_box(along: list[np.ndarray]) -> np.ndarray:
    """sum_i along[i][x_i] for every x in the box, in numpy's order."""
    return np.asarray(reduce(np.add, np.ix_(*along))).ravel()


def cells(
    L: int, displacements: np.ndarray, ends: np.ndarray, periodic: tuple[bool, ...], n_sites: int
) -> kernels.Cells:
    """A box of cells for the kernels; ends of -1 lead nowhere."""
    steps = np.ascontiguousarray(displacements[..., ::-1])
    return kernels.Cells(np.uint64(L), steps, ends, np.array(periodic[::-1]), np.uint64(n_sites))


def checked_sites(site: ArrayLike, n_sites: int) -> np.ndarray:
    """Numbers of sites as int64."""
    sites = np.asarray(site)
    if sites.dtype.kind not in "iu":
        raise ValueError(f"a site is an integer in 0 ... {n_sites - 1}, got {site!r}")
    if sites.size and (sites.min() < 0 or sites.max() >= n_sites):
        raise ValueError(f"a site lies in 0 ... {n_sites - 1}, got {sites.min()} ... {sites.max()}")
    return sites.astype(np.int64)
