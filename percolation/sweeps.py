"""Open sites or bonds one by one in a given order, and record the clusters after each step.

The order is data: a random permutation gives Bernoulli percolation at every p from one sweep (Newman and Ziff
2001); sites sorted by a field give the level sets of that field.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks, ensembles
from percolation._kernels import sweep as kernels
from percolation.graphs import Graph
from percolation.lattices import Lattice
from percolation.scaling import canonical

BLOCK = 2**15  # uniforms drawn at a time, so that they stay in the processor's cache

Source = np.ndarray | np.random.SeedSequence  # of a realisation's order: given, or drawn from a seed
Opening = Callable[[Source, np.ndarray, np.ndarray], None]


@dataclass(frozen=True, eq=False)
class Sweep:
    """Clusters of every realisation after n = 0 ... n_steps opened sites or bonds.

    Row r, column n: realisation r with n sites (kind "site") or bonds (kind "bond") open. In a bond sweep all sites
    are open from the start. Memory: 16 bytes a column.
    """

    kind: str  # "site" or "bond"
    n_sites: int
    n_steps: int
    largest: np.ndarray  # (n_realisations, n_steps + 1) int64, size of the largest cluster in sites, 0 if there is none
    second_moment: np.ndarray  # same shape, float64, sum of s^2 over all clusters, the largest included

    @property
    def n_realisations(self) -> int:
        return len(self.largest)

    def strength(self, p: ArrayLike) -> np.ndarray:
        """Canonical percolation strength P(p): chance that a site is in the largest cluster.

        P(p) = sum_n Binomial(n; M, p) <s_max>_n / N, with M sites or bonds to open and N sites.

        p: occupation probability in [0, 1], any shape.
        Returns an array of the shape of p, dimensionless. Finite L: P(p_c) > 0 and falls as L**(-beta/nu).
        Error: standard error over realisations, one sigma, from `strength_error(p)`; values at
        different p share realisations and are correlated.
        Source: Newman and Ziff, Phys. Rev. E 64, 016706 (2001), Sec. II.
        """
        return canonical(self.largest, p).mean(axis=0) / self.n_sites

    def strength_error(self, p: ArrayLike) -> np.ndarray:
        """Standard error of `strength(p)`, one sigma, from the spread of the realisations; nan if there is only one."""
        return _standard_error(canonical(self.largest, p)) / self.n_sites

    def mean_cluster_size(self, p: ArrayLike) -> np.ndarray:
        """Canonical mean cluster size S(p), the largest cluster left out.

        S(p) = <sum' s^2>_p / <sum' s>_p, sums over all clusters but the largest: the mean size of the cluster of an
        open site that is not in the largest one.

        p: occupation probability in [0, 1], any shape.
        Returns an array of the shape of p, in sites; nan where no site is outside the largest cluster (p = 1, and p = 0
        if sites are opened). It peaks near p_c.
        Error: one sigma from `mean_cluster_size_error(p)`, correlated between different p.
        Source: Stauffer and Aharony, Introduction to Percolation Theory (1994), Sec. 2.2 and 3.1.
        """
        squares, sites = self._outside_largest(p)
        return _ratio(squares.mean(axis=0), sites.mean(axis=0))

    def mean_cluster_size_error(self, p: ArrayLike) -> np.ndarray:
        """Standard error of `mean_cluster_size(p)`, one sigma.

        Delta method for a ratio A/B of means over realisations: the standard error of A_r - S B_r, over <B>.
        """
        squares, sites = self._outside_largest(p)
        size = _ratio(squares.mean(axis=0), sites.mean(axis=0))
        return _ratio(_standard_error(squares - size * sites), sites.mean(axis=0))

    def _outside_largest(self, p: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Canonical sum' s^2 and sum' s of every realisation, (n_realisations,) + shape of p."""
        n_open = np.arange(self.n_steps + 1) if self.kind == "site" else self.n_sites
        squares = self.second_moment - self.largest.astype(float) ** 2
        return canonical(squares, p), canonical(n_open - self.largest, p)


def site_sweep(
    graph: Graph | Lattice,
    *,
    n_realisations: int | None = None,
    seed: int = 0,
    orders: ArrayLike | None = None,
    workers: int = 1,
    progress: bool = True,
) -> Sweep:
    """Open the sites one by one and follow the clusters of open sites.

    n_realisations: random orders to draw, one from each child of SeedSequence(seed); or
    orders: (n_realisations, n_sites), each row the sites in the order of their opening, e.g. np.argsort(field).
    workers: threads, one realisation each; the result does not depend on their number.
    Cost: about 35 ns a site and realisation on a torus of 10^6 sites in 2-D or 3-D; memory 16 bytes, see `Sweep`.
    Source: Newman and Ziff, Phys. Rev. E 64, 016706 (2001), Sec. II.
    """

    def open_sites(source: Source, largest: np.ndarray, second_moment: np.ndarray) -> None:
        order = source if isinstance(source, np.ndarray) else _shuffled(graph.n_sites, source)
        if isinstance(graph, Graph):
            kernels.graph_site_sweep(graph.indptr, graph.indices, order, largest, second_moment)
        else:
            kernels.site_sweep(form, order, largest, second_moment)

    _check_graph(graph)
    form = None if isinstance(graph, Graph) else graph.kernel_form()
    sources = _sources(orders, n_realisations, seed, graph.n_sites, "site")
    return _sweep("site", graph.n_sites, graph.n_sites, sources, open_sites, workers, progress)


def bond_sweep(
    graph: Graph | Lattice,
    *,
    n_realisations: int | None = None,
    seed: int = 0,
    orders: ArrayLike | None = None,
    workers: int = 1,
    progress: bool = True,
) -> Sweep:
    """Open the bonds one by one and follow the clusters; all sites are open.

    As `site_sweep`, but orders are of shape (n_realisations, n_bonds) and number the rows of graph.bonds().
    The bonds are written out for this, 8 bytes each and as much again for every worker.
    """

    def open_bonds(source: Source, largest: np.ndarray, second_moment: np.ndarray) -> None:
        pairs = bonds[source] if isinstance(source, np.ndarray) else _shuffled_pairs(bonds, source)
        kernels.bond_sweep(pairs, graph.n_sites, largest, second_moment)

    _check_graph(graph)
    sources = _sources(orders, n_realisations, seed, graph.n_bonds, "bond")
    bonds = graph.bonds()
    return _sweep("bond", graph.n_sites, graph.n_bonds, sources, open_bonds, workers, progress)


def _sweep(
    kind: str, n_sites: int, n_steps: int, sources: list[Source], opening: Opening, workers: int, progress: bool
) -> Sweep:
    """One row of the record for every source of an order."""
    shape = (len(sources), n_steps + 1)
    largest, second_moment = np.empty(shape, dtype=np.int64), np.empty(shape)

    def realise(row: int) -> None:
        opening(sources[row], largest[row], second_moment[row])

    ensembles.run(realise, range(len(sources)), workers=workers, label=f"{kind} sweep", progress=progress)
    return Sweep(kind, n_sites, n_steps, largest, second_moment)


def _sources(orders: ArrayLike | None, n_realisations: int | None, seed: int, n_steps: int, kind: str) -> list[Source]:
    """The given orders, or a child seed for each one that is to be drawn."""
    if orders is None:
        if n_realisations is None:
            raise ValueError("a sweep needs n_realisations, or orders of its own")
        _check_memory(16 * checks.integer("n_realisations", n_realisations, at_least=1) * (n_steps + 1))
        return list(ensembles.seeds(seed, n_realisations))
    rows = np.asarray(orders)
    if rows.ndim != 2 or rows.shape[1] != n_steps or rows.dtype.kind not in "iu" or len(rows) == 0:
        raise ValueError(
            f"orders must be integers of shape (n_realisations, {n_steps}), one for every {kind}, "
            f"got {rows.dtype} of shape {rows.shape}; a single order goes in as order[None]"
        )
    if n_realisations not in (None, len(rows)):
        raise ValueError(f"orders has {len(rows)} rows, but n_realisations={n_realisations}; leave one of them out")
    return [_checked_order(row, index, kind) for index, row in enumerate(rows)]


def _checked_order(order: np.ndarray, row: int, kind: str) -> np.ndarray:
    """The order as the kernels take it, once every number below its length has been seen in it exactly once."""
    inside = (order >= 0) & (order < len(order))
    seen = np.bincount(order[inside].astype(np.int64), minlength=len(order))
    if not inside.all() or (seen != 1).any():
        missing = f"; {kind} {int((seen == 0).argmax())} is missing" if (seen == 0).any() else ""
        raise ValueError(f"orders[{row}] must hold every {kind} 0 ... {len(order) - 1} exactly once{missing}")
    return np.ascontiguousarray(order, dtype=np.int32 if len(order) <= kernels.MOST_SITES else np.int64)


def _shuffled(n: int, seed: np.random.SeedSequence) -> np.ndarray:
    """Random permutation of 0 ... n - 1, int32."""
    order, rng = np.empty(n, dtype=np.int32), np.random.default_rng(seed)
    for start in range(0, n, BLOCK):
        kernels.shuffle(order, start, rng.random(min(BLOCK, n - start)))
    return order


def _shuffled_pairs(bonds: np.ndarray, seed: np.random.SeedSequence) -> np.ndarray:
    """The bonds in random order."""
    pairs, rng = np.empty_like(bonds), np.random.default_rng(seed)
    for start in range(0, len(bonds), BLOCK):
        kernels.shuffle_pairs(pairs, bonds, start, rng.random(min(BLOCK, len(bonds) - start)))
    return pairs


def _check_graph(graph: object) -> None:
    if not isinstance(graph, Graph | Lattice):
        raise ValueError(
            f"expected a lattice or a Graph, got {type(graph).__name__}; "
            "make one with graphs.from_networkx, from_sparse or from_edges"
        )


def _check_memory(n_bytes: int) -> None:
    """Refuse what the machine cannot hold, before the operating system ends the process for it."""
    present = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if n_bytes > present:
        raise ValueError(
            f"the record of this sweep takes {n_bytes / 2**30:.3g} GiB, the machine has {present / 2**30:.3g}; "
            "reduce n_realisations (sweeps of different seeds can be averaged afterwards) or the lattice"
        )


def _standard_error(samples: np.ndarray) -> np.ndarray:
    """Of the mean over the first axis; nan for a single sample."""
    n = len(samples)
    return samples.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(samples.shape[1:], np.nan)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below, nan where below is 0."""
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
