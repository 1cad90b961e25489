"""Invasion percolation: accepted sites (bonds) a second on one core, and against a heap of the whole boundary."""

import heapq
import random
import time

import pytest

from percolation import growth

N_SITES = 3_000_000
GOALS = {4: 4.0e6, 8: 2.0e6, 13: 1.3e6}  # accepted sites a second


@pytest.mark.parametrize("kind", growth.KINDS)
@pytest.mark.parametrize("d", GOALS)
def test_accepted_a_second(benchmark, d, kind):
    """3e6 accepted, memory included; the goals are those for sites."""
    growth.invade(d, 1000, kind=kind, seed=0)  # compile
    seeds = iter(range(1000))
    benchmark.pedantic(lambda: growth.invade(d, N_SITES, kind=kind, seed=next(seeds)), rounds=5)
    rate, goal = N_SITES / benchmark.stats.stats.median, GOALS[d]
    verdict = "goal met" if rate >= goal else f"missed by {1 - rate / goal:.0%}"
    benchmark.extra_info.update(rate=rate, goal=goal, verdict=verdict)
    print(f"\ninvasion {kind} d={d}: {rate / 1e6:.2f} million a second, goal {goal / 1e6}: {verdict}")


@pytest.mark.parametrize("d", GOALS)
def test_against_a_heap_in_python(benchmark, d):
    """The textbook program, a heap of the boundary over coordinates, at 2e4 sites; prints how many times slower."""
    n = 20_000
    begun = time.perf_counter()
    by_heap(d, n, seed=1)
    heap = time.perf_counter() - begun
    growth.invade(d, n, seed=1)  # compile
    benchmark.pedantic(lambda: growth.invade(d, n, seed=1), rounds=20)
    print(f"\ninvasion d={d}: a heap in Python takes {heap / benchmark.stats.stats.median:.0f} times as long")


def by_heap(d, n_sites, seed):
    """Sites revealed once n_sites are accepted; its weights are its own."""
    draw = random.Random(seed).random
    site, seen, boundary = (0,) * d, {(0,) * d}, []
    for _ in range(n_sites):
        for axis in range(d):
            for step in (1, -1):
                other = (*site[:axis], site[axis] + step, *site[axis + 1 :])
                if other not in seen:
                    seen.add(other)
                    heapq.heappush(boundary, (draw(), other))
        site = heapq.heappop(boundary)[1]
    return len(seen)
