"""The lattices of the package, by function and constant, and by the names that `percolation.theory` shares."""

import math
from collections.abc import Iterator

import numpy as np

from percolation import balls, checks
from percolation.lattices.finite import NCube
from percolation.lattices.lattice import Lattice, UnitBonds, bravais


def hypercubic(d: int, shells: int = 1, *, radius: float | None = None) -> Lattice:
    """Z^d with bonds between nearest neighbours, or between all up to the shells-th nearest.

    shells=2 adds the 2 d (d - 1) neighbours at distance sqrt(2), and so on by distance.
    radius: of a ball in units of the spacing, instead: all neighbours in it, which are whole shells.
    """
    checks.integer("d", d, at_least=1)
    if radius is not None:
        shells = _shells_within(d, radius, shells)
    if checks.integer("shells", shells, at_least=1) == 1:
        return Lattice("hypercubic", UnitBonds(d))
    return bravais(f"hypercubic, {shells} shells", _first_shells(d, shells))


def root_lattice(family: str, d: int) -> Lattice:
    """The root lattice A_d, D_d or E_d, whose bonds are the roots: the shortest vectors.

    Its cell is that of the simple roots, so boxes are oblique. d >= 1 for A, >= 3 for D (D_3 is fcc), 6, 7 or 8 for E.
    Neighbours a site: d (d + 1), 2 d (d - 1), and 72, 126, 240. Its name is the family's.
    Source: Conway and Sloane, Sphere Packings, Lattices and Groups (1999), Chapter 4.
    """
    checks.one_of("family of root lattices", family, _ROOT_DIMENSIONS)
    if checks.integer("d", d, at_least=1) not in _ROOT_DIMENSIONS[family]:
        raise ValueError(
            f"there is no root lattice {family}_{d}: boxes of A are for d = 1 to 30, D for 3 to 30, E for 6, 7 and 8"
        )
    return bravais(family, _positive_roots(family, d))


def named(name: str, d: int | None = None) -> Lattice | NCube:
    """A lattice by its name, one of NAMES, and its dimension where there are many; n of the n-cube."""
    its_own = dimension(name)
    if its_own is None:
        if d is None:
            raise ValueError(f"{name} is a family, a lattice of each dimension d; say which, got None")
        if name == "n-cube":
            return NCube(d)
        return hypercubic(d) if name == "hypercubic" else root_lattice(name, d)
    if d is not None and checks.integer("d", d, at_least=1) != its_own:
        raise ValueError(f"the {name} lattice has {its_own} dimensions, got d = {d}")
    return _OF_ONE_DIMENSION[name]


def dimension(name: str) -> int | None:
    """The dimension that a lattice has; None where it is a family, one of each."""
    checks.one_of("lattice", name, NAMES)
    return _OF_ONE_DIMENSION[name].d if name in _OF_ONE_DIMENSION else None


MOST_NEIGHBOURS = 2**16  # in a ball: what kernels hold of each site
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


def _shells_within(d: int, radius: float, shells: int) -> int:
    """Number of distances of Z^d within a ball."""
    if shells != 1:
        raise ValueError(f"give a number of shells or the radius of a ball, not both; got {shells} and {radius}")
    if checks.positive("radius", radius) < 1:
        raise ValueError(f"radius must be at least 1, the spacing of the lattice, got {radius:g}")
    volume = balls.volume(d, radius)
    if volume > MOST_NEIGHBOURS:
        largest = radius * (MOST_NEIGHBOURS / volume) ** (1 / d)
        raise ValueError(f"a ball of radius {radius:g} has about {volume:.2g} sites; take radius <= {largest:.3g}")
    square = math.floor(radius**2 * (1 + 1e-12))  # radius = sqrt(k) means the shell at it
    return len({sum(c * c for c in x) for x in _ball(d, square)} - {0})


def _ball(d: int, square: int) -> Iterator[tuple[int, ...]]:
    """Vectors of Z^d whose square is at most this."""
    if d == 0:
        yield ()
        return
    reach = math.isqrt(square)
    for x in range(-reach, reach + 1):
        for rest in _ball(d - 1, square - x * x):
            yield (x, *rest)


square = hypercubic(2)
cubic = hypercubic(3)
triangular = bravais("triangular", [(1, 0), (0, 1), (1, -1)])
honeycomb = Lattice("honeycomb", ((0, 1, (0, 0)), (1, 0, (1, 0)), (1, 0, (0, 1))))
# each triangle of corners 0, 1, 2 lies in one cell; the triangles between lead to the next cells
kagome = Lattice(
    "kagome",
    (
        *((0, 1, (0, 0)), (0, 2, (0, 0)), (1, 2, (0, 0))),
        *((1, 0, (1, 0)), (2, 0, (0, 1)), (2, 1, (-1, 1))),
    ),
)
# the square lattice, site 0 of a cell, with a site of two neighbours on each bond
Lieb = Lattice("Lieb", ((0, 1, (0, 0)), (0, 2, (0, 0)), (1, 0, (1, 0)), (2, 0, (0, 1))))
bcc = bravais("bcc", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)])  # in primitive vectors, as fcc
fcc = bravais("fcc", _positive_roots("A", 3))
_OF_ONE_DIMENSION = {one.name: one for one in (triangular, honeycomb, kagome, Lieb, bcc, fcc)}
NAMES = ("hypercubic", *_OF_ONE_DIMENSION, *_ROOT_DIMENSIONS, "n-cube")
