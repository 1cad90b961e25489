"""Curves: exact samples at given values of p, in less memory and time than a sweep that records every step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks, runs
from percolation._kernels import sweep as kernels
from percolation._kernels.sweep_orders import bin_by_p
from percolation.lattices import FiniteGraph
from percolation.seeds import Seed
from percolation.sweeps.every_step import DEFAULT
from percolation.sweeps.opened import Bonds, Sites, keys
from percolation.sweeps.recorder import Recorder, check_observables
from percolation.sweeps.results import OBSERVABLES, Curve, Recording

GUIDE = 2**12  # cells of [0, 1) that point to where in a grid of p to begin a search


def site_curve(
    graph: FiniteGraph,
    p: ArrayLike,
    *,
    n_realisations: int,
    seed: Seed,
    observables: Sequence[str] = DEFAULT,
    size_edges: ArrayLike | None = None,
    bond_probability: float = 1.0,
    workers: int = 1,
    progress: bool = True,
) -> Curve:
    """Exact samples of site percolation at the values p, ascending, of shape (n_p,).

    Every site has a uniform number u, a hash of its own; it is open at all p > u. Sites are opened bin by bin between
    neighbouring p, in raster order inside a bin: no shuffle, no convolution, better use of the caches.
    observables, bond_probability, workers: as in `site_sweep`, also "cluster_counts", in bins with the edges
    size_edges. Memory: 4 bytes a site, 10 a site and worker, and 8 a realisation, p and observable.
    """
    sites = Sites(graph, bond_probability)
    return _curve(sites, p, n_realisations, seed, observables, size_edges, workers, progress)


def bond_curve(
    graph: FiniteGraph,
    p: ArrayLike,
    *,
    n_realisations: int,
    seed: Seed,
    observables: Sequence[str] = DEFAULT,
    size_edges: ArrayLike | None = None,
    workers: int = 1,
    progress: bool = True,
) -> Curve:
    """Exact samples of bond percolation at the values p, ascending, of shape (n_p,); see `site_curve`.

    Memory: 8 bytes a bond, and 10 for every worker.
    """
    bonds = Bonds(graph, followed="wrapping" in observables)
    return _curve(bonds, p, n_realisations, seed, observables, size_edges, workers, progress)


def _curve(
    opened: Sites | Bonds,
    p: ArrayLike,
    n_realisations: int,
    seed: Seed,
    observables: Sequence[str],
    size_edges: ArrayLike | None,
    workers: int,
    progress: bool,
) -> Curve:
    """A curve of either kind."""
    check_observables(observables, (*OBSERVABLES, "cluster_counts"))
    seeds = runs.seeds(seed, checks.integer("n_realisations", n_realisations, at_least=1))
    return _Grid(opened, tuple(observables), size_edges, _checked_grid(p)).realised(seeds, workers, progress)


@dataclass(frozen=True, eq=False)
class _Grid(Recording[Curve]):
    """Records on a grid of p."""

    p: np.ndarray  # (n_p,)

    what = "curve"

    def together(self, items: Sequence[np.random.SeedSequence], **how: Any) -> Curve:
        """Realisations of these seeds."""
        opened, grid, guide = self.opened, self.p, _guide(self.p)
        n_counted = len(grid) if "cluster_counts" in self.observables else 0
        recorder = Recorder(opened.graph, self.observables, len(items), len(grid), n_counted, self.size_edges)
        n_open = np.empty((len(items), len(grid)), dtype=np.int64)

        def realise(row: int) -> None:
            order, coins = keys(items[row], 2)
            bins, ends = _bins(order, opened.n, grid, guide)
            n_open[row] = ends[1:]
            recorder.fill(row, opened.binned(bins, ends, coins), kernels.At(ends[1:]))

        runs.run(realise, range(len(items)), **how)
        found = recorder.recorded()
        if recorder.axes:
            first = recorder.first_steps(never=np.iinfo(np.int64).max)
            found[recorder.axes] = first[:, None] <= n_open[:, :, None]
        return Curve(opened.kind, opened.graph.n_sites, grid, n_open, **found)


def _checked_grid(p: ArrayLike) -> np.ndarray:
    grid = checks.probabilities(p)
    if grid.ndim != 1 or len(grid) == 0 or (np.diff(grid) < 0).any():
        raise ValueError("a curve needs p as an ascending array of shape (n_p,); np.sort it")
    if len(grid) >= 2**16:
        raise ValueError(f"a curve takes fewer than 65536 values of p, got {len(grid)}; a sweep gives all of them")
    return grid


def _guide(p: np.ndarray) -> np.ndarray:
    """Number of values of p not above j / GUIDE, where a search for the bin of a number in that cell begins."""
    return np.searchsorted(p, np.arange(GUIDE) / GUIDE, side="right")


def _bins(key: np.uint64, n: int, p: np.ndarray, guide: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bin of each of 0 ... n - 1, and how many are open at each p, after a 0: (n,) uint16 and (n_p + 1,) int64."""
    bins, ends = np.empty(n, dtype=np.uint16), np.zeros(len(p) + 2, dtype=np.int64)
    bin_by_p(key, p, guide, bins, ends)
    return bins, ends[:-1]
