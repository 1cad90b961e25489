"""Open sites or bonds one by one and follow the clusters by union-find (Newman and Ziff 2001).

A sweep is one text for every lattice, every forest and every record. They come as named tuples, and what depends on
their kind (`by_kind`) is chosen when numba compiles for it; a file an idea:
- `sweep_openings`: what opens in a step, a site of a lattice or of a stored graph, or a bond;
- `sweep_lattices`: the neighbours of a site;
- `sweep_forests`: the clusters, and the first step at which they span or wrap each axis;
- `sweep_records`: totals over clusters, and where they are written;
- `sweep_orders`: random orders.
"""

from typing import NamedTuple

import numpy as np

from percolation._kernels.compiling import by_kind, lean_kernel
from percolation._kernels.sweep_forests import nothing_left
from percolation._kernels.sweep_openings import prepare, step
from percolation._kernels.sweep_records import count_sizes, write


class EveryStep(NamedTuple):
    """Record n is taken once n sites or bonds are open, n = 0 left out; row k of the counts by size at stops[k]."""

    stops: np.ndarray  # (n_counted + 1,) integers, ascending; the last is that of the sweep


class At(NamedTuple):
    """Record k, and row k of the counts by size, are taken once stops[k] sites or bonds are open."""

    stops: np.ndarray  # (n_records,) integers, ascending


@by_kind
def write_step(kind):
    """Record what is to be recorded of step n. Asked while numba compiles: else bonds take 1.3 x longer."""

    def every_step(when, tally, totals, n):
        write(tally, totals, n)

    def at_stops(when, tally, totals, n):
        pass

    return every_step if kind is EveryStep else at_stops


@by_kind
def write_stop(kind):
    """Record what is to be recorded of stop k."""

    def every_step(when, tally, totals, k):
        count_sizes(tally, k)

    def at_stops(when, tally, totals, k):
        write(tally, totals, k)
        count_sizes(tally, k)

    return every_step if kind is EveryStep else at_stops


@lean_kernel
def sweep(when, opening, forest, tally, totals, stop, n):
    """Open what is to be opened one by one, and record the clusters.

    Goes on from these totals, the first so many stops, and n open sites or bonds. Returns where it came to, at the
    latest when all stops are behind, else when every axis has been seen to span or wrap: a `Plain` forest can go on
    faster.
    """
    prepare(opening, n)
    for k in range(stop, len(when.stops)):
        last = when.stops[k]  # to ask at each step whether it is a stop takes up to a fifth of a sweep
        while n < last:
            totals = step(opening, forest, tally.counts, totals, n)
            n += 1
            write_step(when, tally, totals, n)
            if nothing_left(forest.kind, forest.first, n):
                return totals, k, n
        write_stop(when, tally, totals, k)
    return totals, len(when.stops), n
