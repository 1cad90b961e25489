"""Open sites or bonds one by one in a given order, and record the clusters after each step or on a grid of p.

The order is data: a random permutation gives Bernoulli percolation at every p from one sweep (Newman and Ziff
2001); sites sorted by a field give the level sets of that field. `site_sweep` and `bond_sweep` record every step;
`site_curve` and `bond_curve` draw exact samples at the values of p that are asked for, in less memory and time.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks, ensembles
from percolation._kernels import sweep as kernels
from percolation.graphs import Graph
from percolation.lattices import Lattice
from percolation.recorder import AXES, TOTALS, Recorder, check_observables
from percolation.scaling import FirstSteps, canonical

BLOCK = 2**15  # uniforms drawn at a time, so that they stay in the processor's cache
GUIDE = 2**12  # cells of [0, 1) that point to where in a grid of p to begin a search

OBSERVABLES = TOTALS + AXES
DEFAULT = ("largest", "second_moment")


@dataclass(frozen=True, eq=False)
class Sweep:
    """Clusters of every realisation after n = 0 ... n_steps opened sites or bonds.

    Row r, column n: realisation r with n sites (kind "site") or bonds (kind "bond") open. In a bond sweep all sites
    are open from the start. Observables that were not asked for are None. Memory: 8 bytes a column and observable.
    """

    kind: str  # "site" or "bond"
    n_sites: int
    n_steps: int
    n_realisations: int
    # (n_realisations, n_steps + 1) float64 each; whole numbers are exact below 2^53
    largest: np.ndarray | None = None  # size of the largest cluster in sites, 0 if there is none
    second_moment: np.ndarray | None = None  # sum of s^2 over all clusters, the largest included
    n_clusters: np.ndarray | None = None
    second_largest: np.ndarray | None = None  # as large as the largest if there are two of that size
    third_moment: np.ndarray | None = None  # sum of s^3
    fourth_moment: np.ndarray | None = None  # sum of s^4
    # (n_realisations, d) int64, n_steps + 1 if it never came
    spanning: np.ndarray | None = None  # first n at which a cluster joins the two open faces across each axis
    wrapping: np.ndarray | None = None  # first n at which a cluster winds round each periodic axis
    # clusters counted by size
    counts_at: np.ndarray | None = None  # (n_counted,) int64, values of n
    size_edges: np.ndarray | None = None  # (n_bins + 1,) int64
    cluster_counts: np.ndarray | None = None  # (n_realisations, n_counted, n_bins) int64, size_edges[j] <= s < [j + 1]

    def mean(self, observable: str, p: ArrayLike) -> np.ndarray:
        """Canonical mean of one of the totals, sum_n Binomial(n; M, p) <Q>_n: an array of the shape of p.

        Error: one sigma from `error(observable, p)`; values at different p share realisations and are correlated.
        Source: Newman and Ziff, Phys. Rev. E 64, 016706 (2001), Sec. II.
        """
        return canonical(self._record(observable), p).mean(axis=0)

    def error(self, observable: str, p: ArrayLike) -> np.ndarray:
        """Standard error of `mean(observable, p)`, one sigma, from the spread of realisations; nan if only one."""
        return _standard_error(canonical(self._record(observable), p))

    def strength(self, p: ArrayLike) -> np.ndarray:
        """Canonical percolation strength P(p): chance that a site is in the largest cluster.

        P(p) = sum_n Binomial(n; M, p) <s_max>_n / N, with M sites or bonds to open and N sites.

        p: occupation probability in [0, 1], any shape.
        Returns an array of the shape of p, dimensionless. Finite L: P(p_c) > 0 and falls as L**(-beta/nu).
        Error: standard error over realisations, one sigma, from `strength_error(p)`; values at
        different p share realisations and are correlated.
        Source: Newman and Ziff, Phys. Rev. E 64, 016706 (2001), Sec. II.
        """
        return self.mean("largest", p) / self.n_sites

    def strength_error(self, p: ArrayLike) -> np.ndarray:
        """Standard error of `strength(p)`, one sigma, from the spread of the realisations; nan if there is only one."""
        return self.error("largest", p) / self.n_sites

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
        return _ratio_of_means(*self._outside_largest(p))

    def mean_cluster_size_error(self, p: ArrayLike) -> np.ndarray:
        """Standard error of `mean_cluster_size(p)`, one sigma, by the delta method for a ratio of means."""
        return _error_of_ratio(*self._outside_largest(p))

    def spanning_probability(self, p: ArrayLike, axis: int | str = "any") -> np.ndarray:
        """Canonical probability that a cluster joins the open faces across an axis, across "any" or across "all".

        R(p) = <P(Binomial(M, p) >= n_first)>, n_first the first step at which it does; for "all", each axis by a
        cluster of its own or by the same.

        p: occupation probability in [0, 1], any shape. Returns an array of the shape of p.
        Error: one sigma from `spanning_probability_error(p, axis)`.
        """
        return self._reached("spanning", axis, p).mean(axis=0)

    def spanning_probability_error(self, p: ArrayLike, axis: int | str = "any") -> np.ndarray:
        """Standard error of `spanning_probability(p, axis)`, one sigma."""
        return _standard_error(self._reached("spanning", axis, p))

    def wrapping_probability(self, p: ArrayLike, axis: int | str = "any") -> np.ndarray:
        """The same for a cluster that winds round the torus along an axis.

        Source: Newman and Ziff (2001), Sec. III; the criterion: Machta et al., Phys. Rev. E 54, 1332 (1996).
        """
        return self._reached("wrapping", axis, p).mean(axis=0)

    def wrapping_probability_error(self, p: ArrayLike, axis: int | str = "any") -> np.ndarray:
        """Standard error of `wrapping_probability(p, axis)`, one sigma."""
        return _standard_error(self._reached("wrapping", axis, p))

    def first_steps(self, observable: str, axis: int | str = "any") -> FirstSteps:
        """Steps at which the realisations first span or wrap along an axis, "any" or "all", for `scaling.crossing`."""
        return FirstSteps(_of_axis(self._record(observable), axis, "min", "max"), self.n_steps)

    def _reached(self, observable: str, axis: int | str, p: ArrayLike) -> np.ndarray:
        return self.first_steps(observable, axis).probability(p)

    def _outside_largest(self, p: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Canonical sum' s^2 and sum' s of every realisation, (n_realisations,) + shape of p."""
        n_open = np.arange(self.n_steps + 1) if self.kind == "site" else self.n_sites
        largest = self._record("largest")
        squares = self._record("second_moment") - largest**2
        return canonical(squares, p), canonical(n_open - largest, p)

    def _record(self, observable: str) -> np.ndarray:
        return _asked_for(self, observable)


@dataclass(frozen=True, eq=False)
class Curve:
    """Clusters of every realisation at given values of p, each an exact sample of percolation at that p.

    Row r, column k: realisation r at p[k]. Columns of a row share their random numbers: what is open at one p is
    open at all larger ones. Rows of several curves can be joined by np.concatenate.
    """

    kind: str  # "site" or "bond"
    n_sites: int
    p: np.ndarray  # (n_p,)
    n_open: np.ndarray  # (n_realisations, n_p) int64, sites or bonds that are open
    # as in a Sweep, (n_realisations, n_p)
    largest: np.ndarray | None = None
    second_moment: np.ndarray | None = None
    n_clusters: np.ndarray | None = None
    second_largest: np.ndarray | None = None
    third_moment: np.ndarray | None = None
    fourth_moment: np.ndarray | None = None
    spanning: np.ndarray | None = None  # (n_realisations, n_p, d) bool
    wrapping: np.ndarray | None = None  # (n_realisations, n_p, d) bool
    size_edges: np.ndarray | None = None  # (n_bins + 1,) int64
    cluster_counts: np.ndarray | None = None  # (n_realisations, n_p, n_bins) int64, size_edges[j] <= s < [j + 1]

    @property
    def n_realisations(self) -> int:
        return len(self.n_open)

    def mean(self, observable: str) -> np.ndarray:
        """Mean over realisations: (n_p,), and d or n_bins more where the observable has them."""
        return _asked_for(self, observable).mean(axis=0)

    def error(self, observable: str) -> np.ndarray:
        """Standard error of `mean(observable)`, one sigma; nan if there is only one realisation."""
        return _standard_error(_asked_for(self, observable))

    def strength(self) -> np.ndarray:
        """Percolation strength P(p) = <s_max> / N, (n_p,); see `Sweep.strength`."""
        return self.mean("largest") / self.n_sites

    def strength_error(self) -> np.ndarray:
        """Standard error of `strength()`, one sigma."""
        return self.error("largest") / self.n_sites

    def mean_cluster_size(self) -> np.ndarray:
        """Mean cluster size S(p), the largest cluster left out, (n_p,); see `Sweep.mean_cluster_size`."""
        return _ratio_of_means(*self._outside_largest())

    def mean_cluster_size_error(self) -> np.ndarray:
        """Standard error of `mean_cluster_size()`, one sigma, by the delta method for a ratio of means."""
        return _error_of_ratio(*self._outside_largest())

    def spanning_probability(self, axis: int | str = "any") -> np.ndarray:
        """Fraction of realisations in which a cluster joins the open faces across an axis, across "any" or "all"."""
        return _of_axis(_asked_for(self, "spanning"), axis, "any", "all").mean(axis=0)

    def wrapping_probability(self, axis: int | str = "any") -> np.ndarray:
        """Fraction of realisations in which a cluster winds round the torus along an axis, along "any" or "all"."""
        return _of_axis(_asked_for(self, "wrapping"), axis, "any", "all").mean(axis=0)

    def _outside_largest(self) -> tuple[np.ndarray, np.ndarray]:
        """sum' s^2 and sum' s of every realisation, (n_realisations, n_p)."""
        n_open = self.n_open if self.kind == "site" else self.n_sites
        largest = _asked_for(self, "largest")
        return _asked_for(self, "second_moment") - largest**2, n_open - largest


def site_sweep(
    graph: Graph | Lattice,
    *,
    n_realisations: int | None = None,
    seed: int = 0,
    orders: ArrayLike | None = None,
    observables: Sequence[str] = DEFAULT,
    counts_at: ArrayLike = (),
    size_edges: ArrayLike | None = None,
    bond_probability: float = 1.0,
    workers: int = 1,
    progress: bool = True,
) -> Sweep:
    """Open the sites one by one and follow the clusters of open sites.

    n_realisations: random orders to draw, one from each child of SeedSequence(seed); or
    orders: (n_realisations, n_sites), each row the sites in the order of their opening, e.g. np.argsort(field).
    observables: any of OBSERVABLES. "spanning" and "wrapping" exclude each other and need a `lattices.Crystal` with
    an open or a periodic axis; on an axis of the other kind nothing ever spans or wraps.
    counts_at: values of n at which clusters are counted by size, in bins with the edges size_edges: bin j holds
    size_edges[j] <= s < size_edges[j + 1]; 1, 2, 4, 8, ... if not given.
    bond_probability: p_b of site-bond percolation, each bond open on its own; neighbours join through open bonds.
    workers: threads, one realisation each; the result does not depend on their number.
    Cost: about 40 ns a site and realisation on a torus of 10^6 sites in 2-D or 3-D, at most twice with all observables.
    Wrapping: windings are held in 10 bits (d <= 3) or 64 / d bits an axis; a multiple of 2^bits counts as none.
    Source: Newman and Ziff, Phys. Rev. E 64, 016706 (2001), Sec. II.
    """
    _check_graph(graph)
    p_bond = float(checks.probabilities(bond_probability, "bond_probability"))
    sources = _sources(orders, n_realisations, seed, graph.n_sites, "site", observables)
    recorder, stops = _every_step("site", graph, observables, len(sources), graph.n_sites, counts_at, size_edges)

    def realise(row: int) -> None:
        order, seed = sources[row]
        order = _shuffled(graph.n_sites, seed) if order is None else order
        recorder.open_sites(row, order, stops, kernels.Coins(_keys(seed, 1)[0], p_bond))

    ensembles.run(realise, range(len(sources)), workers=workers, label="site sweep", progress=progress)
    return _sweep(recorder, graph.n_sites)


def bond_sweep(
    graph: Graph | Lattice,
    *,
    n_realisations: int | None = None,
    seed: int = 0,
    orders: ArrayLike | None = None,
    observables: Sequence[str] = DEFAULT,
    counts_at: ArrayLike = (),
    size_edges: ArrayLike | None = None,
    workers: int = 1,
    progress: bool = True,
) -> Sweep:
    """Open the bonds one by one and follow the clusters; all sites are open.

    As `site_sweep`, but orders are of shape (n_realisations, n_bonds) and number the rows of graph.bonds().
    The bonds are written out for this, 8 bytes each and as much again for every worker.
    """
    _check_graph(graph)
    sources = _sources(orders, n_realisations, seed, graph.n_bonds, "bond", observables)
    recorder, stops = _every_step("bond", graph, observables, len(sources), graph.n_bonds, counts_at, size_edges)
    bonds, windings = _as_items(graph.bonds()), recorder.windings()

    def realise(row: int) -> None:
        order, seed = sources[row]
        if order is None:
            opened, round_ = _shuffled_items(bonds, seed), _shuffled_items(windings, seed)
        else:
            opened, round_ = bonds[order], windings[order] if len(windings) else windings
        recorder.open_bonds(row, opened, round_, stops)

    ensembles.run(realise, range(len(sources)), workers=workers, label="bond sweep", progress=progress)
    return _sweep(recorder, graph.n_bonds)


def site_curve(
    graph: Graph | Lattice,
    p: ArrayLike,
    *,
    n_realisations: int,
    seed: int = 0,
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
    size_edges. Memory: 10 bytes a site and worker, and 8 a realisation, p and observable.
    """
    _check_graph(graph)
    p, p_bond = _checked_grid(p), float(checks.probabilities(bond_probability, "bond_probability"))
    seeds = ensembles.seeds(seed, checks.integer("n_realisations", n_realisations, at_least=1))
    recorder = _at_grid("site", graph, observables, len(seeds), p, size_edges)
    n_open = np.empty((len(seeds), len(p)), dtype=np.int64)
    guide = _guide(p)

    def realise(row: int) -> None:
        key, coins = _keys(seeds[row], 2)
        bins, ends = _bins(key, graph.n_sites, p, guide)
        n_open[row] = ends[1:]
        order = np.empty(ends[-1], dtype=np.int32)
        kernels.sort_numbers(bins, ends.copy(), order)
        recorder.open_sites(row, order, _stops(ends), kernels.Coins(coins, p_bond))

    ensembles.run(realise, range(len(seeds)), workers=workers, label="site curve", progress=progress)
    return _curve(recorder, p, n_open)


def bond_curve(
    graph: Graph | Lattice,
    p: ArrayLike,
    *,
    n_realisations: int,
    seed: int = 0,
    observables: Sequence[str] = DEFAULT,
    size_edges: ArrayLike | None = None,
    workers: int = 1,
    progress: bool = True,
) -> Curve:
    """Exact samples of bond percolation at the values p, ascending, of shape (n_p,); see `site_curve`.

    Memory: 8 bytes a bond, and 10 for every worker.
    """
    _check_graph(graph)
    p = _checked_grid(p)
    seeds = ensembles.seeds(seed, checks.integer("n_realisations", n_realisations, at_least=1))
    recorder = _at_grid("bond", graph, observables, len(seeds), p, size_edges)
    n_open = np.empty((len(seeds), len(p)), dtype=np.int64)
    guide, bonds, windings = _guide(p), _as_items(graph.bonds()), recorder.windings()

    def realise(row: int) -> None:
        (key,) = _keys(seeds[row], 1)
        bins, ends = _bins(key, len(bonds), p, guide)
        n_open[row] = ends[1:]
        opened, round_ = (_sorted_items(source, bins, ends) for source in (bonds, windings))
        recorder.open_bonds(row, opened, round_, _stops(ends))

    ensembles.run(realise, range(len(seeds)), workers=workers, label="bond curve", progress=progress)
    return _curve(recorder, p, n_open)


def _every_step(
    kind: str,
    graph: Graph | Lattice,
    observables: Sequence[str],
    n_realisations: int,
    n_steps: int,
    counts_at: ArrayLike,
    size_edges: ArrayLike | None,
) -> tuple[Recorder, np.ndarray]:
    """Recorder with a column for each of 0 ... n_steps, and these stops."""
    check_observables(observables, OBSERVABLES)
    counted = np.asarray(counts_at, dtype=np.int64 if np.size(counts_at) == 0 else None)
    if counted.ndim != 1 or counted.dtype.kind not in "iu" or ((counted < 0) | (counted > n_steps)).any():
        raise ValueError(f"counts_at holds numbers of open {kind}s in 0 ... {n_steps}, got {counts_at!r}")
    counted = counted.astype(np.int64)
    stops = np.arange(n_steps + 1, dtype=_integer(n_steps))
    return Recorder(kind, graph, observables, n_realisations, n_steps + 1, counted, size_edges), stops


def _at_grid(
    kind: str,
    graph: Graph | Lattice,
    observables: Sequence[str],
    n_realisations: int,
    p: np.ndarray,
    size_edges: ArrayLike | None,
) -> Recorder:
    """Recorder with a column for each p."""
    check_observables(observables, (*OBSERVABLES, "cluster_counts"))
    counted = np.arange(len(p) if "cluster_counts" in observables else 0)
    return Recorder(kind, graph, observables, n_realisations, len(p), counted, size_edges)


def _sweep(recorder: Recorder, n_steps: int) -> Sweep:
    found = recorder.recorded()
    if recorder.axes:
        found[recorder.axes] = recorder.first_steps(never=n_steps + 1)
    if len(recorder.counted):
        found["counts_at"] = recorder.counted
    return Sweep(recorder.kind, recorder.graph.n_sites, n_steps, recorder.n_realisations, **found)


def _curve(recorder: Recorder, p: np.ndarray, n_open: np.ndarray) -> Curve:
    found = recorder.recorded()
    if recorder.axes:
        first = recorder.first_steps(never=np.iinfo(np.int64).max)
        found[recorder.axes] = first[:, None] <= n_open[:, :, None]
    return Curve(recorder.kind, recorder.graph.n_sites, p, n_open, **found)


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
    kernels.throw(key, p, guide, bins, ends)
    return bins, ends[:-1]


def _sorted_items(source: np.ndarray, bins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The items of source in the order of their bins; nothing if there are none."""
    items = np.empty(ends[-1] if len(source) else 0, dtype=source.dtype)
    kernels.sort_items(bins[: len(source)], ends.copy(), source, items)
    return items


def _as_items(bonds: np.ndarray) -> np.ndarray:
    """Pairs of int32 as one int64 each."""
    return np.ascontiguousarray(bonds).view(np.int64).ravel()


def _stops(ends: np.ndarray) -> np.ndarray:
    """The ends of bins as stops of the kind that a sweep has, so that one compiled kernel serves both."""
    return ends[1:].astype(_integer(int(ends[-1])))


def _integer(n: int) -> type[np.signedinteger]:
    """The narrower integer that holds n: int32 stops are read 5 % faster."""
    return np.int32 if n <= kernels.MOST_SITES else np.int64


Source = tuple[np.ndarray | None, np.random.SeedSequence]  # a given order or none, and what to draw from


def _sources(
    orders: ArrayLike | None, n_realisations: int | None, seed: int, n_steps: int, kind: str, observables: Sequence[str]
) -> list[Source]:
    """For each realisation its order, if orders are given, and its seed."""
    if orders is None:
        if n_realisations is None:
            raise ValueError("a sweep needs n_realisations, or orders of its own")
        n_totals = len(set(observables) & set(TOTALS))
        _check_memory(8 * n_totals * checks.integer("n_realisations", n_realisations, at_least=1) * (n_steps + 1))
        return [(None, child) for child in ensembles.seeds(seed, n_realisations)]
    rows = np.asarray(orders)
    if rows.ndim != 2 or rows.shape[1] != n_steps or rows.dtype.kind not in "iu" or len(rows) == 0:
        raise ValueError(
            f"orders must be integers of shape (n_realisations, {n_steps}), one for every {kind}, "
            f"got {rows.dtype} of shape {rows.shape}; a single order goes in as order[None]"
        )
    if n_realisations not in (None, len(rows)):
        raise ValueError(f"orders has {len(rows)} rows, but n_realisations={n_realisations}; leave one of them out")
    given = [_checked_order(row, index, kind) for index, row in enumerate(rows)]
    return list(zip(given, ensembles.seeds(seed, len(given)), strict=True))


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


def _shuffled_items(source: np.ndarray, seed: np.random.SeedSequence) -> np.ndarray:
    """The items of source in random order, the order that `_shuffled` gives for the same seed."""
    items, rng = np.empty_like(source), np.random.default_rng(seed)
    for start in range(0, len(source), BLOCK):
        kernels.shuffle_items(items, source, start, rng.random(min(BLOCK, len(source) - start)))
    return items


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
            "reduce n_realisations (sweeps of different seeds can be averaged afterwards) or the lattice, or take "
            "site_curve or bond_curve, which record a grid of p only"
        )


def _keys(seed: np.random.SeedSequence, n: int) -> np.ndarray:
    """Keys for streams of hashed uniforms, (n,) uint64, independent of the order drawn from the same seed."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, 0)).generate_state(n, np.uint64)


def _asked_for(result: Sweep | Curve, observable: str) -> np.ndarray:
    """An observable of the result, if it was recorded."""
    checks.one_of("observable", observable, OBSERVABLES + ("cluster_counts",))
    values = getattr(result, observable)
    if values is None:
        raise ValueError(f"{observable!r} was not recorded; name it in observables")
    return values


def _of_axis(values: np.ndarray, axis: int | str, any_axis: str, all_axes: str) -> np.ndarray:
    """One axis of the last dimension of values, or all of them reduced by the method named."""
    if axis in ("any", "all"):
        return getattr(values, any_axis if axis == "any" else all_axes)(axis=-1)
    d = values.shape[-1]
    if isinstance(axis, str) or not 0 <= checks.integer("axis", axis, at_least=0) < d:
        raise ValueError(f"axis is a number in 0 ... {d - 1}, 'any' or 'all', got {axis!r}")
    return values[..., axis]


def _standard_error(samples: np.ndarray) -> np.ndarray:
    """Of the mean over the first axis; nan for a single sample."""
    n = len(samples)
    return samples.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(samples.shape[1:], np.nan)


def _ratio_of_means(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """<A> / <B> over the first axis, nan where <B> is 0."""
    return _ratio(above.mean(axis=0), below.mean(axis=0))


def _error_of_ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Standard error of <A> / <B> by the delta method: that of the mean of A - B <A> / <B>, over <B>."""
    return _ratio(_standard_error(above - _ratio_of_means(above, below) * below), below.mean(axis=0))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below, nan where below is 0."""
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
