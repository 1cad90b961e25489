"""Z^d by coordinates, with the weights that the kernels give to its sites and bonds."""

from percolation import growth

MASK = 2**64 - 1


def mix(key):
    """The finaliser of SplitMix64 in Python's integers."""
    key = ((key ^ (key >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    key = ((key ^ (key >> 27)) * 0x94D049BB133111EB) & MASK
    return key ^ (key >> 31)


def neighbours(site):
    """(neighbour, axis, lower end) of each of the 2d bonds at a site given by its coordinates."""
    for axis in range(len(site)):
        for step in (1, -1):
            other = (*site[:axis], site[axis] + step, *site[axis + 1 :])
            yield other, axis, min(site, other)


class Weights:
    """Weights of sites and bonds by their coordinates, with the random numbers of a run."""

    def __init__(self, d, seed, cluster=None):
        origin, r, salts = growth.keys(d, seed)
        self.origin, self.r, self.salts = int(origin), [int(i) for i in r], [int(i) for i in salts]
        if cluster is not None:  # Leath clusters of one run each have an origin of their own
            self.origin = mix((self.origin + cluster) & MASK)

    def key(self, site):
        return self.origin + sum(x * r for x, r in zip(site, self.r, strict=True))

    def site(self, site):
        return mix(self.key(site) & MASK)

    def bond(self, lower, axis):
        return mix((self.key(lower) + self.salts[axis]) & MASK)
