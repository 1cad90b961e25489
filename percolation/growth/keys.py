"""Sites of an infinite lattice as 64-bit keys.

The site b of the cell x is the key origin + sum_i x_i r_i + offset_b mod 2^64 with random numbers drawn anew for every
run, a bond is the key of its lower end plus a random number for its displacement, and a weight is a hash of the key.
So a neighbour is one addition in any dimension, no coordinate and no weight is stored, and there is no box whose size
could matter. The low bits of a key are the basis number b, as many as it needs: none for a lattice without a basis.
"""

from typing import NamedTuple

import numpy as np

from percolation import checks, lattices, seeds
from percolation._kernels import growth as kernels

KINDS = checks.KINDS
InfiniteLattice = int | lattices.Crystal  # d for Z^d, or a crystal, whose box does not matter


class Keys(NamedTuple):
    """The random numbers of a run."""

    origin: np.uint64  # key of site 0 of the cell 0
    r: np.ndarray  # (d,) uint64, odd apart from the bits of the basis number
    salts: np.ndarray  # (bonds of a cell,) uint64, what a bond adds to its lower end
    offsets: np.ndarray  # (n_basis,) uint64, of the sites of a cell; the first is 0


def keys(lattice: InfiniteLattice, seed: seeds.Seed) -> Keys:
    """Keys for a run; Z^d by its dimension and as a crystal has the same."""
    d, n_basis = dimension(lattice), basis_size(lattice)
    n_bonds = len(lattice.steps) if isinstance(lattice, lattices.Crystal) else d
    numbers = seeds.generator(seed).integers(0, 2**64, d + n_bonds + n_basis, dtype=np.uint64)
    origin, r, salts, offsets = np.split(numbers, [1, d + 1, d + 1 + n_bonds])
    bits = np.uint64((n_basis - 1).bit_length())
    offsets = np.concatenate([[np.uint64(0)], offsets << bits]) + np.arange(n_basis, dtype=np.uint64)
    return Keys((origin << bits)[0], (r | np.uint64(1)) << bits, salts, offsets)


def ways(lattice: InfiniteLattice, numbers: Keys) -> kernels.Neighbours:
    """What leads from a key to its neighbours' and to its bonds': up and down each of `bonds_of_a_cell`, in turn."""
    r, salts, offsets = numbers.r, numbers.salts, numbers.offsets
    if isinstance(lattice, lattices.Crystal):
        starts, ends, displacements = bonds_of_a_cell(lattice)
        rises = displacements.astype(np.uint64) @ r + offsets[ends] - offsets[starts]
    else:
        starts = ends = np.zeros(lattice, dtype=np.int64)
        rises = r
    steps = by_basis(starts, ends, rises, -rises)
    bonds = by_basis(starts, ends, salts, salts - rises)
    return kernels.Neighbours(steps, bonds, np.uint64((1 << (len(offsets) - 1).bit_length()) - 1))


def bonds_of_a_cell(lattice: lattices.Crystal) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Basis numbers of lower and upper ends, (n_bonds,), and displacements between their cells, (n_bonds, d)."""
    starts, ends, displacements = zip(*lattice.steps, strict=True)
    return np.array(starts), np.array(ends), np.array(displacements, dtype=np.int64)


def by_basis(starts: np.ndarray, ends: np.ndarray, up: np.ndarray, down: np.ndarray) -> np.ndarray:
    """What the bonds of a cell are from their lower (up) and upper (down) ends, (n_basis, z) by the end's number."""
    of_end = np.stack([starts, ends], axis=1).ravel()
    order = np.argsort(of_end, kind="stable")
    return np.stack([up, down], axis=1).ravel()[order].reshape(of_end.max() + 1, -1)


def dimension(lattice: InfiniteLattice) -> int:
    """d, after a check that sites of the lattice have neighbours, each once and as many as the others."""
    if not isinstance(lattice, lattices.Crystal):
        return checks.integer("d", lattice, at_least=1)
    bonds = {(start, end, tuple(x)) for start, end, x in lattice.steps}
    both_ways = bonds | {(end, start, tuple(-x for x in displacement)) for start, end, displacement in bonds}
    if not bonds or len(both_ways) < 2 * len(lattice.steps):
        raise ValueError(f"a lattice to grow on needs bonds, each listed once and one way; got {lattice.steps}")
    n_neighbours = np.bincount([start for start, _, _ in both_ways], minlength=lattice.n_basis)
    if (n_neighbours != n_neighbours[0]).any():
        raise ValueError(f"all sites of a cell must have as many neighbours, got {n_neighbours.tolist()}")
    return lattice.d


def basis_size(lattice: InfiniteLattice) -> int:
    """Sites in a cell."""
    return lattice.n_basis if isinstance(lattice, lattices.Crystal) else 1


def name(lattice: InfiniteLattice) -> str:
    return lattice.name if isinstance(lattice, lattices.Crystal) else "hypercubic"
