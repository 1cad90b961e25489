"""Seeds: one number, and the independent streams that come of it.

All that draws takes a keyword `seed`, an integer from 0 to 2^63 - 1 or a SeedSequence, and assumes none.
"""

import hashlib

import numpy as np

from percolation import checks

Seed = int | np.random.SeedSequence
BYTES = 500  # of a SeedSequence in memory, of which every run has one


def sequence(seed: Seed) -> np.random.SeedSequence:
    """The seed as a SeedSequence of its own, whose first child is child 0 whatever was spawned before."""
    if isinstance(seed, np.random.SeedSequence):
        return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key, pool_size=seed.pool_size)
    return np.random.SeedSequence(checks.seed(seed))


def child(seed: Seed, number: int) -> np.random.SeedSequence:
    """Child of the seed by its number, as `spawn` first makes it; spawn itself would give others when called again."""
    parent = seed if isinstance(seed, np.random.SeedSequence) else sequence(seed)
    return np.random.SeedSequence(parent.entropy, spawn_key=(*parent.spawn_key, number), pool_size=parent.pool_size)


def of(task: str, seed: int) -> np.random.SeedSequence:
    """The seed of a task by what it is, a text of its parameters: the same whatever other tasks there are."""
    words = np.frombuffer(hashlib.sha256(task.encode()).digest()[:16], dtype=np.uint32)
    return np.random.SeedSequence(checks.seed(seed), spawn_key=tuple(int(word) for word in words))


def generator(seed: Seed) -> np.random.Generator:
    """The seed's generator, PCG64 whatever numpy's default comes to be."""
    return np.random.Generator(np.random.PCG64(sequence(seed)))


def integer(seed: Seed) -> int:
    """63 bits of it: a seed for what takes a number."""
    return int(sequence(seed).generate_state(1, np.uint64)[0] >> np.uint64(1))
