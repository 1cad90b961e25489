"""Windings of tori at one p: nanoseconds a site beside a labelling, and the error of p_c in equal time."""

import time

import numpy as np
import pytest
from scipy import ndimage

from percolation import lattices, scaling, wrapping
from percolation.scaling.wrapping import SIZES

P_C = {("site", 2): 0.592746, ("bond", 2): 0.5, ("site", 3): 0.311608, ("bond", 3): 0.248812}
TORI = [(2, 64), (2, 512), (3, 32), (3, 64)]


@pytest.mark.parametrize(("d", "L"), TORI)
@pytest.mark.parametrize("kind", wrapping.KINDS)
def test_sites_a_second(benchmark, kind, d, L):
    """Random numbers and windings included; ndimage labels the same sites, drawn beforehand, and does not wind."""
    torus, p = lattices.hypercubic(d).torus(L), P_C[kind, d]
    n = max(1, 2**20 // torus.n_sites)
    wrapping.windings(torus, p, kind=kind, n_realisations=1, seed=0)  # compile
    seeds = iter(range(1000))
    benchmark.pedantic(
        lambda: wrapping.windings(torus, p, kind=kind, n_realisations=n, seed=next(seeds)), rounds=15, warmup_rounds=1
    )
    ours = benchmark.stats.stats.median / n / torus.n_sites * 1e9
    opened = np.random.default_rng(1).random((n, *(L,) * d)) < p
    begun = time.perf_counter()
    for one in opened:
        ndimage.label(one)
    label = (time.perf_counter() - begun) / n / torus.n_sites * 1e9
    print(f"\nwindings {kind} d={d} L={L}: {ours:.1f} ns a site; ndimage.label of sites {label:.1f}")


@pytest.mark.parametrize(("kind", "d"), P_C)
def test_error_of_p_c_in_equal_time(benchmark, kind, d):
    """Own error times the root of the processor time: by windings, and by crossings of sweeps of the same tori."""

    def by_windings():
        found = scaling.threshold(lattices.hypercubic(d), kind, "wrapping", runs=200, seed=1, progress=False)
        return found.error

    def by_crossings():
        sizes = SIZES[d][-3:]
        found = scaling.threshold(
            lattices.hypercubic(d), kind, "crossing", sizes=sizes, runs=400, seed=1, progress=False
        )
        return found.error

    def times_root_of_time(estimate):
        begun = time.process_time()
        return estimate() * (time.process_time() - begun) ** 0.5

    by_windings()  # compile
    by_crossings()
    ours = benchmark.pedantic(lambda: times_root_of_time(by_windings), rounds=1)
    print(
        f"\np_c {kind} d={d}, error in one core-second: windings {ours:.1e}, crossings of sweeps "
        f"{times_root_of_time(by_crossings):.1e}; an error of 1e-5 takes {(ours / 1e-5) ** 2:.0f} core-seconds"
    )
