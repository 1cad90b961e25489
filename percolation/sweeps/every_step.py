"""Sweeps that record every step: microcanonical averages, and canonical ones at any p."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks, runs
from percolation._kernels import sweep as kernels
from percolation._kernels.sweep_lattices import MOST_SITES
from percolation.lattices import FiniteGraph
from percolation.seeds import Seed
from percolation.sweeps.opened import Bonds, Sites, keys
from percolation.sweeps.recorder import TOTALS, Recorder, check_observables
from percolation.sweeps.results import OBSERVABLES, Recording, Sweep

DEFAULT = ("largest", "second_moment")


def site_sweep(
    graph: FiniteGraph,
    *,
    n_realisations: int | None = None,
    seed: Seed | None = None,
    orders: ArrayLike | None = None,
    observables: Sequence[str] = DEFAULT,
    counts_at: ArrayLike = (),
    size_edges: ArrayLike | None = None,
    bond_probability: float = 1.0,
    workers: int = 1,
    progress: bool = True,
) -> Sweep:
    """Open the sites one by one and follow the clusters of open sites.

    n_realisations: random orders to draw, one from each child of the seed; or
    orders: (n_realisations, n_sites), each row the sites in the order of their opening, e.g. np.argsort(field).
    observables: any of OBSERVABLES. "spanning" and "wrapping" exclude each other and need a `lattices.Box` with
    an open or a periodic axis; on an axis of the other kind nothing ever spans or wraps.
    counts_at: values of n at which clusters are counted by size, in bins with the edges size_edges: bin j holds
    size_edges[j] <= s < size_edges[j + 1]; 1, 2, 4, 8, ... if not given.
    bond_probability: p_b of site-bond percolation, each bond open on its own; neighbours join through open bonds.
    workers: threads, one realisation each; the result does not depend on their number.
    Cost: about 35 ns a site and realisation on a torus of 10^6 sites in 2-D or 3-D, at most twice with all observables.
    Wrapping: windings are held in 10 bits (d <= 3) or 64 / d bits an axis; a multiple of 2^bits counts as none.
    Source: Newman and Ziff, Phys. Rev. E 64, 016706 (2001), Sec. II.
    """
    sites = Sites(graph, bond_probability)
    return _sweep(sites, n_realisations, seed, orders, observables, counts_at, size_edges, workers, progress)


def bond_sweep(
    graph: FiniteGraph,
    *,
    n_realisations: int | None = None,
    seed: Seed | None = None,
    orders: ArrayLike | None = None,
    observables: Sequence[str] = DEFAULT,
    counts_at: ArrayLike = (),
    size_edges: ArrayLike | None = None,
    workers: int = 1,
    progress: bool = True,
) -> Sweep:
    """Open the bonds one by one and follow the clusters; all sites are open.

    As `site_sweep`, but orders are of shape (n_realisations, n_bonds) and number the rows of graph.bonds().
    Parallel bonds, such as a torus of side L = 2 has (`lattices.Box`), are opened each on its own.
    The bonds are written out for this, 8 bytes each and as much again for every worker.
    """
    bonds = Bonds(graph, followed="wrapping" in observables)
    return _sweep(bonds, n_realisations, seed, orders, observables, counts_at, size_edges, workers, progress)


def _sweep(
    opened: Sites | Bonds,
    n_realisations: int | None,
    seed: Seed | None,
    orders: ArrayLike | None,
    observables: Sequence[str],
    counts_at: ArrayLike,
    size_edges: ArrayLike | None,
    workers: int,
    progress: bool,
) -> Sweep:
    """A sweep of either kind."""
    check_observables(observables, OBSERVABLES)
    counted = _checked_counts_at(counts_at, opened)
    given = _checked_orders(orders, n_realisations, opened)
    n_rows = _checked_number(n_realisations, opened.n, observables) if given is None else len(given)
    if seed is None and (given is None or opened.p_bond < 1):
        raise ValueError("a sweep draws its orders, and bonds beside sites, from a seed; pass seed")
    seeds = runs.seeds(0 if seed is None else seed, n_rows)
    items = seeds if given is None else list(zip(given, seeds, strict=True))
    return _EveryStep(opened, tuple(observables), size_edges, counted).realised(items, workers, progress)


@dataclass(frozen=True, eq=False)
class _EveryStep(Recording[Sweep]):
    """Records of every step."""

    counts_at: np.ndarray  # (n_counted,) int64

    def together(self, items: Sequence[Any], **how: Any) -> Sweep:
        """Realisations of these seeds, or of orders with a seed each."""
        opened, n_steps, counted = self.opened, self.opened.n, self.counts_at
        recorder = Recorder(opened.graph, self.observables, len(items), n_steps + 1, len(counted), self.size_edges)
        when = kernels.EveryStep(np.append(np.sort(counted), n_steps))

        def realise(row: int) -> None:
            order, seed = items[row] if isinstance(items[row], tuple) else (None, items[row])
            (coins,) = keys(seed, 1)
            if order is None:
                (key,) = seed.generate_state(1, np.uint64)
                opening = opened.shuffled(key, coins)
            else:
                opening = opened.ordered(order, coins)
            recorder.fill(row, opening, when)

        runs.run(realise, range(len(items)), **how)
        found = recorder.recorded()
        if recorder.axes:
            found[recorder.axes] = recorder.first_steps(never=n_steps + 1)
        if len(counted):
            found["counts_at"] = counted
            found["cluster_counts"] = found["cluster_counts"][:, np.argsort(np.argsort(counted, kind="stable"))]
        return Sweep(opened.kind, opened.graph.n_sites, n_steps, len(items), **found)


def _checked_counts_at(counts_at: ArrayLike, opened: Sites | Bonds) -> np.ndarray:
    counted = np.asarray(counts_at, dtype=np.int64 if np.size(counts_at) == 0 else None)
    if counted.ndim != 1 or counted.dtype.kind not in "iu" or ((counted < 0) | (counted > opened.n)).any():
        raise ValueError(f"counts_at holds numbers of open {opened.kind}s in 0 ... {opened.n}, got {counts_at!r}")
    return counted.astype(np.int64)


def _checked_number(n_realisations: int | None, n_steps: int, observables: Sequence[str]) -> int:
    """How many realisations, if the machine can hold their record: else the operating system ends the process."""
    if n_realisations is None:
        raise ValueError("a sweep needs n_realisations, or orders of its own, got neither")
    n_totals = len(set(observables) & set(TOTALS))
    n_bytes = 8.0 * n_totals * checks.integer("n_realisations", n_realisations, at_least=1) * (n_steps + 1)
    way_out = (
        "reduce n_realisations (sweeps of different seeds can be averaged afterwards) or the lattice, or take "
        "site_curve or bond_curve, which record a grid of p only"
    )
    checks.memory("the record of this sweep", n_bytes, way_out)
    return n_realisations


def _checked_orders(
    orders: ArrayLike | None, n_realisations: int | None, opened: Sites | Bonds
) -> list[np.ndarray] | None:
    """The orders as the kernels take them, or None if they are to be drawn."""
    if orders is None:
        return None
    rows = np.asarray(orders)
    if rows.ndim != 2 or rows.shape[1] != opened.n or rows.dtype.kind not in "iu" or len(rows) == 0:
        raise ValueError(
            f"orders must be integers of shape (n_realisations, {opened.n}), one for every {opened.kind}, "
            f"got {rows.dtype} of shape {rows.shape}; a single order goes in as order[None]"
        )
    if n_realisations not in (None, len(rows)):
        raise ValueError(f"orders has {len(rows)} rows, but n_realisations={n_realisations}; leave one of them out")
    return [_checked_order(row, index, opened.kind) for index, row in enumerate(rows)]


def _checked_order(order: np.ndarray, row: int, kind: str) -> np.ndarray:
    """The order as the kernels take it, once every number below its length has been seen in it exactly once."""
    inside = (order >= 0) & (order < len(order))
    seen = np.bincount(order[inside].astype(np.int64), minlength=len(order))
    if not inside.all() or (seen != 1).any():
        missing = f"; {kind} {int((seen == 0).argmax())} is missing" if (seen == 0).any() else ""
        raise ValueError(f"orders[{row}] must hold every {kind} 0 ... {len(order) - 1} exactly once{missing}")
    return np.ascontiguousarray(order, dtype=np.int32 if len(order) <= MOST_SITES else np.int64)
