"""Whole sweeps, random order included, on one core, against the textbook algorithm in C.

The textbook program is benchmarks/textbook.c, compiled here; without gcc its comparisons are skipped.
Every case is checked before it is timed: the same order must give the same clusters.
"""

import ctypes
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from percolation import graphs, lattices, sweeps

ROUNDS = 7


@dataclass(frozen=True)
class Case:
    lattice: lattices.Lattice
    goal: float  # our time over that of the textbook program, at most


CASES = {
    "1000^2": Case(lattices.square(1000), 0.6),
    "100^3": Case(lattices.cubic(100), 0.5),
    "7^7": Case(lattices.hypercubic(7, 7), 0.4),
    "n-cube 20": Case(lattices.n_cube(20), 0.3),
}


class Textbook:
    """The C program with the arrays that it works on."""

    def __init__(self, library: ctypes.CDLL, lattice: lattices.Lattice) -> None:
        stored = graphs.from_edges(lattice.bonds(), lattice.n_sites)
        self.library, self.neighbours, self.seeds = library, np.array(stored.indices), count(1)
        self.order, self.ptr, self.largest = np.zeros((3, lattice.n_sites), dtype=np.int32)

    def sweep(self) -> None:
        def pointer(array: np.ndarray) -> ctypes.c_void_p:
            return ctypes.c_void_p(array.ctypes.data)

        n_sites, degree = len(self.order), len(self.neighbours) // len(self.order)
        arrays = map(pointer, (self.order, self.ptr, self.largest))
        self.library.site_sweep(n_sites, degree, pointer(self.neighbours), ctypes.c_uint64(next(self.seeds)), *arrays)


@pytest.fixture(scope="module")
def textbook(tmp_path_factory) -> ctypes.CDLL:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc, so no textbook program to compare with")
    library = tmp_path_factory.mktemp("textbook") / "textbook.so"
    source = Path(__file__).with_name("textbook.c")
    subprocess.run(["gcc", "-O3", "-march=native", "-shared", "-fPIC", source, "-o", library], check=True)
    return ctypes.CDLL(str(library))


def one_sweep(sweep: Callable[..., sweeps.Sweep], graph: graphs.Graph | lattices.Lattice) -> Callable[[], sweeps.Sweep]:
    """A sweep that draws a new order at each call."""
    seeds = count(1)
    return lambda: sweep(graph, n_realisations=1, seed=next(seeds), progress=False)


def ratio_to(peer: Callable[[], object], benchmark: BenchmarkFixture, ours: Callable[[], object]) -> float:
    """Our median time over the peer's; the two take turns, so that a busy machine slows both."""
    seconds = []

    def timed_peer() -> None:
        start = time.perf_counter()
        peer()
        seconds.append(time.perf_counter() - start)

    ours(), peer()
    benchmark.pedantic(ours, setup=timed_peer, rounds=ROUNDS)
    theirs = float(np.median(seconds))
    benchmark.extra_info.update(peer_seconds=theirs)
    return benchmark.stats.stats.median / theirs


def verdict(name: str, ratio: float, goal: float) -> str:
    return f"\n{name}: {ratio:.2f}, goal {goal:g}: " + (
        "goal met" if ratio <= goal else f"missed by {ratio / goal:.2f} x"
    )


@pytest.mark.parametrize("name", CASES)
def test_site_sweep(benchmark, textbook, name):
    lattice, goal = CASES[name].lattice, CASES[name].goal
    peer = Textbook(textbook, lattice)
    peer.sweep()
    ours = sweeps.site_sweep(lattice, orders=peer.order[None])
    np.testing.assert_array_equal(ours.largest[0, 1:], peer.largest)
    ratio = ratio_to(peer.sweep, benchmark, one_sweep(sweeps.site_sweep, lattice))
    print(verdict(f"site sweep {name}, of textbook C", ratio, goal))


@pytest.mark.parametrize("name", CASES)
def test_site_sweep_of_the_stored_graph(benchmark, name):
    lattice = CASES[name].lattice
    stored = graphs.from_edges(lattice.bonds(), lattice.n_sites)
    computed = one_sweep(sweeps.site_sweep, lattice)
    ratio = ratio_to(computed, benchmark, one_sweep(sweeps.site_sweep, stored))
    print(verdict(f"stored graph {name}, of the lattice kernel", ratio, 3))


@pytest.mark.parametrize("name", [*CASES, "128^2", "G(n, m)"])
def test_bond_sweep(benchmark, name):
    graph: graphs.Graph | lattices.Lattice
    if name == "G(n, m)":
        graph = graphs.from_edges(np.random.default_rng(1).integers(10**6, size=(2 * 10**6, 2)), 10**6)
    else:
        graph = lattices.square(128) if name == "128^2" else CASES[name].lattice
    benchmark.pedantic(one_sweep(sweeps.bond_sweep, graph), rounds=ROUNDS, warmup_rounds=1)
    print(f"\nbond sweep {name}: {benchmark.stats.stats.median / graph.n_bonds * 1e9:.1f} ns a bond")
