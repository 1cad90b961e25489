"""Lattices by name and dimension: boxes and tori of any side for samples, and the infinite lattice for growth."""

from collections.abc import Callable
from functools import partial

from percolation import checks, lattices
from percolation.growth import InfiniteLattice
from percolation.lattices import Crystal

# dimension: the function that makes the torus
_OF_ONE_DIMENSION: dict[str, tuple[int, Callable[..., Crystal]]] = {
    "triangular": (2, lattices.triangular),
    "honeycomb": (2, lattices.honeycomb),
    "kagome": (2, lattices.kagome),
    "bcc": (3, lattices.bcc),
    "fcc": (3, lattices.fcc),
}
_ROOTS = ("A", "D", "E")
NAMES = ("hypercubic", *_OF_ONE_DIMENSION, *_ROOTS)


def dimension(name: str) -> int | None:
    """The dimension that a lattice has; None where it is one of many."""
    checks.one_of("lattice", name, NAMES)
    return _OF_ONE_DIMENSION[name][0] if name in _OF_ONE_DIMENSION else None


def box(name: str, d: int) -> Callable[..., Crystal]:
    """The function of L (and periodic) that makes the lattice's boxes; an error if there is none in d dimensions."""
    checks.one_of("lattice", name, NAMES)
    checks.integer("d", d, at_least=1)
    if name in _OF_ONE_DIMENSION:
        its_own, make = _OF_ONE_DIMENSION[name]
        if d != its_own:
            raise ValueError(f"the {name} lattice has {its_own} dimensions, got d = {d}")
        return make
    if name in _ROOTS:
        lattices.root_lattice(name, d, 2, periodic=False)  # says which d there are
        return partial(lattices.root_lattice, name, d)
    return partial(lattices.hypercubic, d)


def infinite(name: str, d: int) -> InfiniteLattice:
    """The lattice as `growth` takes it."""
    return d if name == "hypercubic" else box(name, d)(2, periodic=False)
