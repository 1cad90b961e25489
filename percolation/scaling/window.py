"""p_c of a finite graph without a boundary: where clusters reach the size that they have in its critical window."""

import math
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np

from percolation import seeds, sweeps
from percolation.lattices import FiniteGraph
from percolation.quantities import Estimate
from percolation.scaling.budget import Budget, Simulated, more_runs

RUNS = 64  # if nothing else is said
FEWEST_RUNS = 20  # realisations, whose scatter gives the error
PILOTS = 8
PILOT_GRID = 2**14  # steps of 0.1 % in p, as wide as the window of 2^30 sites
GRID = 65
REACH = 2.0  # of the grid, in log(mean cluster size), to either side of where the pilots meet the level
HEAVY_TAIL = 4  # of sum s^2: few realisations miss what is rare and large, and scatter too little (measured)
FITTED = 0.5  # the part of it where a parabola is off by less than 0.002 of the window


def simulate(graph: FiniteGraph, kind: str, budget: Budget, seed: seeds.Seed) -> Simulated:
    """The p at which the mean cluster size of an open site, the largest cluster included, is N^(1/3), N the sites.

    chi(p) = <sum_clusters s^2> / N = N^(1/3) for bonds, <sum s^2> / <open sites> = N^(1/3) for sites. For bonds this
    defines p_c of a finite transitive graph that is a tree to its clusters (n-cube, Hamming graph, torus above d = 6),
    up to the width of its critical window, |p / p_c - 1| ~ N^(-1/3); the constant before N^(1/3) is convention.
    It puts bonds of the complete graph at (1 - 0.71(2) N^(-1/3)) / N (400 realisations of 512, 1024 and 2048 sites).

    A run is a realisation; where a time or a precision sets their number, those there are come first again.
    Method: pilots find the level to a part of the window; there a curve gives chi on a grid of p, and
    p = a + b y + c y^2, y = log(chi / N^(1/3)), |y| < 1/2, is fitted by least squares: the threshold is a, less its
    bias of order 1/n_realisations.
    Error, one sigma: jackknife over the realisations, times 1 + 4/n_realisations, since few of them miss the tail of
    sum s^2. Over 500 repeats of 60 realisations it held the value of 20,000 in 68 to 74 % at one sigma, in 93 to 97 %
    at two (10-cube, H(2, 24), tori 3^7 and 24^2; bonds, sites); of 20 in 70 to 77 % and 94 to 99 %.
    Memory: that of a curve, 8 bytes a bond and 10 for every worker (sites: 4 and 10); 1.2 GiB at n = 22.
    Source: Borgs, Chayes, van der Hofstad, Slade and Spencer, Random Struct. Algorithms 27, 137 (2005).
    """
    begun, n = monotonic(), budget.runs if budget.time is None else budget.at_least
    while True:
        started = monotonic()
        found = _estimate(graph, kind, n, seed, budget.workers, budget.progress)
        more = []
        if budget.precision is not None:
            more.append(math.ceil(more_runs(n, found.error, budget.precision * budget.unit(found.value))))
        if budget.time is not None:  # as many in all as the rest affords
            more.append(int(n * (budget.time - (monotonic() - begun)) / (monotonic() - started)) - n)
        if not more or min(more) < 1:
            return Simulated(found.value, found.error, found.method, kind, seed, n)
        n += min(more)


def checked(graph: FiniteGraph) -> FiniteGraph:
    """The graph, if it is finite and has bonds."""
    if not isinstance(graph, FiniteGraph):
        raise ValueError(
            "the window is that of a finite graph (n_cube, hamming, a lattice's torus, graphs.from_networkx), got "
            f"{type(graph).__name__}"
        )
    if not graph.n_bonds:
        raise ValueError(f"the clusters of a graph without bonds never grow, got {graph.n_sites} sites")
    return graph


def _estimate(
    graph: FiniteGraph, kind: str, n_realisations: int, seed: seeds.Seed, workers: int, progress: bool
) -> Estimate:
    """The same from so many realisations."""
    pilot_seed, own_seed = (int(word) >> 1 for word in seeds.sequence(seed).generate_state(2, np.uint64))
    for n_pilots in (PILOTS, n_realisations, 8 * n_realisations):
        p = _near_level(graph, kind, n_pilots, pilot_seed, workers)
        sizes = _sizes(graph, kind, p, n_realisations, own_seed, workers, progress)
        y = sizes.mean()
        if y[0] < 0 < y[-1]:  # else the pilots were far off: more of them
            break
    value, error = _at_level(p, y, sizes.without_each())
    return Estimate(value, error, f"window, mean cluster size N^(1/3), {n_realisations} realisations")


@dataclass(frozen=True, eq=False)
class _Sizes:
    """log(chi / N^(1/3)) of realisations at values of p, as the ratio of two sums."""

    squares: np.ndarray  # (n_realisations, n_p), sum s^2
    n_open: np.ndarray  # (n_realisations, n_p), open sites
    level: float  # N^(1/3)

    def mean(self) -> np.ndarray:
        """Of all realisations together, (n_p,)."""
        return self._log(self.squares.sum(axis=0), self.n_open.sum(axis=0))

    def without_each(self) -> np.ndarray:
        """Of all but one, (n_realisations, n_p)."""
        return self._log(self.squares.sum(axis=0) - self.squares, self.n_open.sum(axis=0) - self.n_open)

    def _log(self, squares: np.ndarray, n_open: np.ndarray) -> np.ndarray:
        # where no site is open yet, chi is that of the first one, 1
        return np.log(np.maximum(squares, 1) / np.maximum(n_open, 1) / self.level)


def _sizes(
    graph: FiniteGraph, kind: str, p: np.ndarray, n_realisations: int, seed: seeds.Seed, workers: int, progress: bool
) -> _Sizes:
    how: Any = {"observables": ("second_moment",), "workers": workers, "progress": progress}
    curve_of = sweeps.site_curve if kind == "site" else sweeps.bond_curve
    curve = curve_of(graph, p, n_realisations=n_realisations, seed=seed, **how)
    assert curve.second_moment is not None
    n_open = curve.n_open if kind == "site" else np.full_like(curve.n_open, graph.n_sites)
    return _Sizes(curve.second_moment, n_open, graph.n_sites ** (1 / 3))


def _near_level(graph: FiniteGraph, kind: str, n_pilots: int, seed: seeds.Seed, workers: int) -> np.ndarray:
    """p on a grid, (GRID,), over REACH to either side of where the pilots meet the level, as far as [0, 1] lets it."""
    top = min(1.0, 2 * graph.n_sites / graph.n_bonds)  # a mean of four open bonds at a site; a tree percolates at one
    while True:
        p = np.geomspace(top / PILOT_GRID**2, top, PILOT_GRID)
        y = _sizes(graph, kind, p, n_pilots, seed, workers, False).mean()
        if y[-1] > REACH or top == 1:
            break
        top = min(1.0, 2 * top)
    if y[-1] <= 0:
        raise ValueError(
            f"with all open the mean cluster size is {math.exp(y[-1]):.3g} of N^(1/3), N = {graph.n_sites}: "
            "the graph is in small pieces; pass one of them"
        )
    low, high = np.interp([-REACH, REACH], np.maximum.accumulate(y), p)
    return np.linspace(low, high, GRID)


def _at_level(p: np.ndarray, y: np.ndarray, without_each: np.ndarray) -> tuple[float, float]:
    """Where y is 0, and its jackknife error, by fits of p to y with each realisation left out."""
    span = min(FITTED, max(-y[0], y[-1]) / 2)
    near = np.abs(y) < span
    if near.sum() < 6:  # a step of few sites
        near = np.argsort(np.abs(y))[:6]
    value = _intercepts(p[near], y[None, near])[0]
    others = _intercepts(p[near], without_each[:, near])
    n = len(others)
    value = n * value - (n - 1) * others.mean()
    error = np.sqrt((n - 1) / n * ((others - others.mean()) ** 2).sum())
    return float(value), float((1 + HEAVY_TAIL / n) * error)


def _intercepts(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    """a of p = a + b y + c y^2 by least squares, for every row of y: (n_rows,)."""
    powers = np.stack([np.ones_like(y), y, y**2], axis=2)  # (n_rows, n_p, 3)
    return np.array([np.linalg.lstsq(row, p, rcond=None)[0][0] for row in powers])
