"""Invasion percolation on an infinite lattice."""

from dataclasses import dataclass

import numpy as np

from percolation import checks, seeds
from percolation._kernels import growth as kernels
from percolation.growth.keys import keys, ways
from percolation.lattices import Lattice

# queue no weight above 1.15 N/B(N) once N = 1024: 1.5 x faster at d = 4, more above; exact
PRUNE_FROM, MARGIN = 1024, 1.15
N_BUCKETS = 2**18
WAY_OUT = "reduce n_sites (--sites) and run more often"
BYTES_QUEUED = 20  # weight, key and successor of what is queued
# p_c (z - 1) is at most this: 1.9 on Z^d; 2.9 on the square lattice with two shells, and below 4.6 with any number
FEW_DUE_ABOVE = {"hypercubic": 2, "any": 6}


@dataclass(frozen=True)
class Invasion:
    """One invasion cluster: how many sites (or bonds) it accepted and revealed, at marks along its growth."""

    lattice: str
    d: int
    kind: str
    n_accepted: np.ndarray  # (n_marks,) int64, increasing; the last is the size asked for
    n_revealed: np.ndarray  # (n_marks,) int64, accepted ones included
    n_bytes: int  # memory of the hash set and the queue
    mistakes: float  # expected number of sites taken for seen ones, or for others, because bits agree by chance

    @property
    def ratio(self) -> np.ndarray:
        """N / B(N), which tends to p_c."""
        return self.n_accepted / self.n_revealed


def invade(
    lattice: Lattice,
    n_sites: int,
    *,
    kind: str = "site",
    seed: seeds.Seed,
    marks: np.ndarray | None = None,
) -> Invasion:
    """Invasion percolation: accept the revealed site of least weight, reveal its neighbours, repeat.

    B(N) counts the sites revealed when N are accepted: the cluster and its boundary; N / B(N) -> p_c.
    kind="bond": bonds have weights; a bond is revealed with the first of its ends, and accepted in its turn even
    if both ends are in the cluster by then.

    lattice: infinite, see `lattices`; growth begins at site 0 of a cell.
    n_sites: how many to accept, bonds if kind="bond".
    seed: see `percolation.seeds`.
    marks: numbers accepted at which to record, increasing and at most n_sites; 1, 2, 4, ... and n_sites if absent.
    Returns an Invasion. The order is exactly greedy: weights have 64 bits and no ties.
    Error: two sites share a key with probability 2^-64 a pair. The set keeps 32 bits of each site's hash, so a new
    site is taken for a seen one with probability about 2e-10 a look-up; `mistakes` is the sum, 0.01 for 3e6 sites
    in d = 13. Each changes B by about 1, so the relative error of N / B is of the order 1e-10.
    Memory: 4 bytes for each of 1.5 to 3 times (z - 1) n_sites slots, z neighbours a site (bond: 1.5 to 3 times
    n_sites), and 20 bytes an accepted site of room for the queue, of which about a sixth is touched.
    Source: Wilkinson and Willemsen, J. Phys. A 16, 3365 (1983); as an estimator of p_c Mertens and Moore,
    Phys. Rev. E 98, 022120 (2018).
    """
    checks.integer("n_sites", n_sites, at_least=1)
    checks.kind(kind)
    marks = doubling_marks(n_sites) if marks is None else checked_marks(marks, n_sites)
    numbers = keys(lattice, seed)
    around = ways(lattice, numbers)
    n_revealed, n_bytes, n_slots = _grow(kind, numbers.origin, around, marks, _few_due_above(lattice, around))
    look_ups = around.steps.shape[1] * n_sites
    n_seen = n_revealed[-1] if kind == "site" else n_sites
    return Invasion(
        lattice=lattice.name,
        d=lattice.d,
        kind=kind,
        n_accepted=marks,
        n_revealed=n_revealed,
        n_bytes=n_bytes,
        mistakes=look_ups * n_seen / n_slots * 2.0**-32 + float(n_seen) ** 2 * 2.0**-65,
    )


def doubling_marks(n: int) -> np.ndarray:
    """1, 2, 4, ... below n, and n."""
    return np.append(2 ** np.arange((n - 1).bit_length(), dtype=np.int64), n)


def checked_marks(marks: np.ndarray, n_sites: int) -> np.ndarray:
    """marks as (n,) int64: increasing numbers from 1 to n_sites."""
    marks = np.asarray(marks)
    if marks.ndim != 1 or not np.issubdtype(marks.dtype, np.integer) or len(marks) == 0:
        raise ValueError(f"marks must be a row of integers, got {marks.dtype} of shape {marks.shape}")
    if marks[0] < 1 or marks[-1] > n_sites or (np.diff(marks) <= 0).any():
        raise ValueError(f"marks must increase within 1..{n_sites}, got {marks[0]}..{marks[-1]}")
    return marks.astype(np.int64)


def slots(n_sites: int, z: int, kind: str) -> int:
    """Size of the hash set of a run, a power of 2, for z neighbours a site."""
    most_seen = (z - 1) * n_sites + 2 if kind == "site" else n_sites + 1
    n_slots = 1 << (int(1.5 * most_seen) - 1).bit_length()
    if n_slots > 2**32:
        raise ValueError(f"{n_sites} sites of {z} neighbours need over 2^32 slots; {WAY_OUT}")
    return n_slots


def memory(n_sites: int, z: int, kind: str) -> int:
    """Bytes of the set and of the queue of a run, where most is pruned."""
    return np.dtype(np.uint32).itemsize * slots(n_sites, z, kind) + BYTES_QUEUED * n_sites


def _few_due_above(lattice: Lattice, around: kernels.Neighbours) -> float:
    """A weight somewhat above p_c: what lies above comes up rarely, so that one bucket of the queue takes it all."""
    form = "hypercubic" if lattice.is_hypercubic else "any"
    return min(FEW_DUE_ABOVE[form] / max(around.steps.shape[1] - 1, 1), 1.0)


def _grow(
    kind: str, origin: np.uint64, around: kernels.Neighbours, marks: np.ndarray, last_bucket: float
) -> tuple[np.ndarray, int, int]:
    """Run the kernel until pruning has provably left out nothing that was due: (revealed, bytes, slots)."""
    n_sites, z = int(marks[-1]), around.steps.shape[1]
    n_slots = slots(n_sites, z, kind)
    checks.memory(f"a run of {n_sites} sites", memory(n_sites, z, kind), WAY_OUT)
    n_revealed = np.empty(len(marks), dtype=np.int64)
    prune_from, bonds = PRUNE_FROM, around.bonds if kind == "bond" else None
    while True:
        table = np.zeros(n_slots, dtype=np.uint32)
        queue = queue_of(n_sites, last_bucket, room=min(n_sites, 2 * prune_from) * z + n_sites)
        exact = kernels.invade(origin, around, bonds, marks, prune_from, MARGIN, table, queue, n_revealed)
        if exact:
            return n_revealed, table.nbytes + sum(array.nbytes for array in queue), n_slots
        prune_from *= 8  # once it exceeds n_sites nothing is pruned and the room holds every site revealed


def queue_of(n_sites: int, last_bucket: float, *, room: int) -> kernels.Queue:
    """An empty queue; its last bucket takes all weights above last_bucket, a linked list."""
    n_buckets = min(N_BUCKETS, 1 << max(n_sites.bit_length(), 6))
    per_unit = min(int(n_buckets / last_bucket), 2**32 - 1)
    low, mid, top = (np.zeros(-(-n_buckets // 64**level), dtype=np.uint64) for level in (1, 2, 3))
    return kernels.Queue(
        per_unit=np.array([per_unit], dtype=np.uint64),
        heads=np.full(n_buckets, -1, dtype=np.int32),
        low=low,
        mid=mid,
        top=top,
        weights=np.empty(room, dtype=np.uint64),
        keys=np.empty(room, dtype=np.uint64),
        after=np.empty(room, dtype=np.int32),
        pool=np.array([-1, 0], dtype=np.int32),
    )
