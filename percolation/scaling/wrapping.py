"""p_c of a lattice from windings of its tori, opened at one p close to it; see `tori`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from percolation import seeds, wrapping
from percolation.growth.keys import checked as checked_infinite
from percolation.lattices import Box, Lattice
from percolation.scaling.budget import Budget, Simulated
from percolation.scaling.staged import RunsAt
from percolation.scaling.tori import FEWEST_RUNS, RUNS, Tori, checked_sizes, f_of, samples_of_a_run

__all__ = ["FEWEST_RUNS", "RUNS", "LatticeTori", "WrappingThreshold", "checked", "simulate"]

SIZES = {2: (8, 16, 32, 64), 3: (8, 16, 32, 64), 4: (4, 6, 9, 13)}  # above, too few tori fit into memory
SITES_OF_A_RUN = 2**20  # opened or closed in it, if the largest torus is no larger: about 10 ms
PILOT_RUNS = 128  # they bring p to a few 10^-4


@dataclass(frozen=True, eq=False)
class LatticeTori(Tori):
    """Tori of one lattice, whose sides are in cells."""

    kind: str
    lattices: tuple[Box, ...]

    @classmethod
    def of(cls, lattice: Lattice, kind: str, sizes: Sequence[int]) -> "LatticeTori":
        tori = tuple(lattice.torus(L) for L in sizes)
        n_samples = samples_of_a_run(np.array([torus.n_sites for torus in tori]), SITES_OF_A_RUN)
        return cls(lattice.d, tuple(sizes), n_samples, kind, tori)

    def wound(self, size: int, p: float, n: int, seed: np.random.SeedSequence) -> tuple[np.ndarray, np.ndarray]:
        found = wrapping.windings(self.lattices[size], p, kind=self.kind, n_realisations=n, seed=seed)
        return f_of(found.axes, found.rank), found.score

    def variances(self, p: float) -> np.ndarray:
        """(n_sizes,) p (1 - p) / M of M sites or bonds to open."""
        M = [torus.n_sites if self.kind == "site" else torus.n_bonds for torus in self.lattices]
        return p * (1 - p) / np.array(M)


@dataclass(frozen=True, eq=False)
class WrappingThreshold(Simulated):
    """p_c with the samples it came from."""

    d: int
    p: float  # at which the tori were opened
    sizes: np.ndarray  # (n_sizes,)
    means: np.ndarray  # (n_runs, n_sizes, 3), see `tori.Tori.run`


def simulate(
    lattice: Lattice,
    kind: str,
    budget: Budget,
    seed: seeds.Seed,
    *,
    sizes: Sequence[int] | None = None,
    p: float | None = None,
) -> WrappingThreshold:
    """p_c of a lattice in two to four dimensions, from samples of its tori at one p near it; a run is of 2^20 sites.

    sizes: sides of the tori, increasing, four at least; SIZES, times the longest displacement of a bond, if
    absent. p: at which to open, near p_c; pilots find it if absent.
    Result and error: see `tori.Tori.estimate`.
    Source: the mean of rank - 1 is the critical polynomial of Scullard and Jacobsen, J. Phys. A 45, 494004 (2012),
    arXiv:1209.1451, see also Mertens and Ziff, arXiv:1603.07289; wrapping of axes Newman and Ziff, Phys. Rev. E 64,
    016706 (2001).
    """
    tori = LatticeTori.of(lattice, kind, checked_sizes(_usual_sizes(lattice) if sizes is None else sizes))
    label = f"{lattice.name}, d = {tori.d} {kind}"
    at = RunsAt(
        tori.run, tori.estimate, partial(tori.first_guess, begin=0.5, moved=_moved), [PILOT_RUNS], label, _nearest
    )
    p, means = at.collect(budget, seed, p)
    found, runs = tori.estimate(means, p), (len(means), tori.d, p, tori.sizes, means)
    return WrappingThreshold(found.value, found.error, found.method, kind, seed, *runs)


def _moved(p: float, step: float) -> float:
    return _nearest(p, p + step)


def _nearest(p: float, wanted: float) -> float:
    """wanted as `wrapping.windings` can have it, not further from p than half-way to 0 or 1."""
    return round(float(np.clip(wanted, p / 2, (1 + p) / 2)) * wrapping.LEVELS) / wrapping.LEVELS


def checked(lattice: Lattice) -> Lattice:
    """The lattice, if it has tori of several sizes."""
    if checked_infinite(lattice).d not in SIZES:
        raise ValueError(
            f"wrapping is for d = {min(SIZES)} to {max(SIZES)}, where tori of several sizes fit, got d = {lattice.d}; "
            "use invasion"
        )
    return lattice


def _usual_sizes(lattice: Lattice) -> tuple[int, ...]:
    """Tori are as large beside the longest bond as those of nearest neighbours are."""
    reach = 1 if lattice.is_hypercubic else int(np.abs(lattice.displacements).max())
    return tuple(L * reach for L in SIZES[lattice.d])
