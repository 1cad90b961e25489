"""Infinite lattices by coordinates, with the weights that the kernels give to their sites and bonds.

A site is (cell, basis number), a bond (its lower end, its number among the bonds of a cell).
"""

from percolation import growth, lattices

MASK = 2**64 - 1
LATTICES = {
    "Lieb": lattices.Lieb,
    "triangular": lattices.triangular,
    "honeycomb": lattices.honeycomb,
    "kagome": lattices.kagome,
    "bcc": lattices.bcc,
    "fcc": lattices.fcc,
    "D_4": lattices.root_lattice("D", 4),
    "D_7": lattices.root_lattice("D", 7),  # 84 neighbours, more than a word has bits
    "square, 2 shells": lattices.hypercubic(2, shells=2),
}


def mix(key):
    """The finaliser of SplitMix64 in Python's integers."""
    key = ((key ^ (key >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    key = ((key ^ (key >> 27)) * 0x94D049BB133111EB) & MASK
    return key ^ (key >> 31)


class Infinite:
    """What lies around a site."""

    def __init__(self, lattice):
        self.d, self.n_basis, self.bonds = lattice.d, lattice.n_basis, lattice.bonds
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
