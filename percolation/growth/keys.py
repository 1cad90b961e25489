"""Sites of an infinite lattice as 64-bit keys.

The site b of the cell x is the key origin + sum_i x_i r_i + offset_b mod 2^64 with random numbers drawn anew for every
run, a bond is the key of its lower end plus a random number for its displacement, and a weight is a hash of the key.
So a neighbour is one addition in any dimension, no coordinate and no weight is stored, and there is no box whose size
could matter. The low bits of a key are the basis number b, as many as it needs: none for a lattice without a basis.
"""

from typing import NamedTuple

import numpy as np

from percolation import seeds
from percolation._kernels import growth as kernels
from percolation.lattices import Lattice


class Keys(NamedTuple):
    """The random numbers of a run."""

    origin: np.uint64  # key of site 0 of the cell 0
    r: np.ndarray  # (d,) uint64, odd apart from the bits of the basis number
    salts: np.ndarray  # (bonds of a cell,) uint64, what a bond adds to its lower end
    offsets: np.ndarray  # (n_basis,) uint64, of the sites of a cell; the first is 0


def keys(lattice: Lattice, seed: seeds.Seed) -> Keys:
    """Keys for a run."""
    d, n_basis, n_bonds = checked(lattice).d, lattice.n_basis, len(lattice.bonds)
    numbers = seeds.generator(seed).integers(0, 2**64, d + n_bonds + n_basis, dtype=np.uint64)
    origin, r, salts, offsets = np.split(numbers, [1, d + 1, d + 1 + n_bonds])
    bits = np.uint64((n_basis - 1).bit_length())
    offsets = np.concatenate([[np.uint64(0)], offsets << bits]) + np.arange(n_basis, dtype=np.uint64)
    return Keys((origin << bits)[0], (r | np.uint64(1)) << bits, salts, offsets)


def ways(lattice: Lattice, numbers: Keys) -> kernels.Neighbours:
    """What leads from a key to its neighbours' and to its bonds': up and down each bond of a cell, in turn.

    A site that has fewer neighbours than others has steps of 0 in their place: to itself, which was seen.
    """
    r, salts, offsets = numbers.r, numbers.salts, numbers.offsets
    lower, upper = lattice.ends.T
    rises = lattice.rises(r) + offsets[upper] - offsets[lower]
    steps, bonds = lattice.around(rises, -rises, 0), lattice.around(salts, salts - rises, 0)
    return kernels.Neighbours(steps, bonds, np.uint64((1 << (len(offsets) - 1).bit_length()) - 1))


def checked(lattice: Lattice) -> Lattice:
    """The lattice, if it is one that is infinite."""
    if not isinstance(lattice, Lattice):
        raise ValueError(
            f"clusters grow on an infinite lattice, such as lattices.hypercubic(d), got {type(lattice).__name__}"
        )
    return lattice
