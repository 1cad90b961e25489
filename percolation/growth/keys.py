"""Sites of Z^d as 64-bit keys.

A site x is the key origin + sum_i x_i r_i mod 2^64 with random odd r_i drawn anew for every run, a bond is the key of
its lower end plus a random number for its axis, and a weight is a hash of the key. So a neighbour is one addition in
any dimension, no coordinate and no weight is stored, and there is no box whose size could matter.
"""

import numpy as np

from percolation import checks

KINDS = ("site", "bond")


def keys(d: int, seed: int | np.random.SeedSequence) -> tuple[np.uint64, np.ndarray, np.ndarray]:
    """The random numbers of a run: key of the origin, r (d,) odd, and what a bond of axis i adds to its lower end."""
    if not isinstance(seed, np.random.SeedSequence):
        seed = np.random.SeedSequence(checks.seed(seed))
    numbers = np.random.Generator(np.random.PCG64(seed)).integers(0, 2**64, 2 * d + 1, dtype=np.uint64)
    return numbers[0], numbers[1 : d + 1] | np.uint64(1), numbers[d + 1 :]


def steps(r: np.ndarray) -> np.ndarray:
    """What leads from a key to its neighbours': +r_0, -r_0, +r_1, ..., (2d,) uint64."""
    return np.stack([r, -r], axis=1).ravel()
