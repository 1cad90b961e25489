"""Infinite lattices by coordinates, with the weights that the kernels give to their sites and bonds.

A site is (cell, basis number), a bond (its lower end, its number among the bonds of a cell).
"""

from percolation import growth, lattices

MASK = 2**64 - 1
CRYSTALS = {
    "triangular": lattices.triangular(3),
    "honeycomb": lattices.honeycomb(2),
    "kagome": lattices.kagome(2),
    "bcc": lattices.bcc(2),
    "fcc": lattices.fcc(2),
    "D_4": lattices.root_lattice("D", 4, 3),
    "square, 2 shells": lattices.square(3, shells=2),
}


def mix(key):
    """The finaliser of SplitMix64 in Python's integers."""
    key = ((key ^ (key >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    key = ((key ^ (key >> 27)) * 0x94D049BB133111EB) & MASK
    return key ^ (key >> 31)


class Infinite:
    """What lies around a site: of Z^d for an integer, of the crystal's infinite lattice else."""

    def __init__(self, lattice):
        whole = isinstance(lattice, int)
        self.d, self.n_basis = (lattice, 1) if whole else (lattice.d, lattice.n_basis)
        units = [tuple(int(i == axis) for i in range(self.d)) for axis in range(self.d)]
        self.bonds = [(0, 0, unit) for unit in units] if whole else lattice.steps
        self.origin = ((0,) * self.d, 0)

    def neighbours(self, site):
        """(neighbour, bond, whether the bond leads up from the site) for each bond at it."""
        cell, basis = site
        for number, (start, end, displacement) in enumerate(self.bonds):
            if start == basis:
                above = tuple(x + dx for x, dx in zip(cell, displacement, strict=True))
                yield (above, end), (site, number), True
            if end == basis:
                below = tuple(x - dx for x, dx in zip(cell, displacement, strict=True)), start
                yield below, (below, number), False


class Weights:
    """Weights of sites and bonds by their coordinates, with the random numbers of a run."""

    def __init__(self, lattice, seed, cluster=None):
        numbers = growth.keys(lattice, seed)
        self.r, self.salts, self.offsets = ([int(i) for i in row] for row in numbers[1:])
        self.origin = int(numbers.origin)
        if cluster is not None:  # Leath clusters of one run each have an origin of their own
            kinds = 1 << (len(self.offsets) - 1).bit_length()
            self.origin = mix((self.origin + cluster) & MASK) // kinds * kinds

    def key(self, site):
        cell, basis = site
        return self.origin + self.offsets[basis] + sum(x * r for x, r in zip(cell, self.r, strict=True))

    def site(self, site):
        return mix(self.key(site) & MASK)

    def bond(self, bond):
        lower, number = bond
        return mix((self.key(lower) + self.salts[number]) & MASK)
