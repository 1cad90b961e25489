"""Whole sweeps, random order included, on one core, against the textbook algorithm in C, graph-tool and cpyrcolate.

The textbook program is benchmarks/textbook.c, compiled here; graph-tool is run by the system's python3. A peer that
is absent is skipped with a message. Every case is checked before it is timed: the same order, the same clusters.
"""

import ctypes
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from scipy import ndimage

from percolation import clusters, graphs, lattices, sweeps

ROUNDS = 7


@dataclass(frozen=True)
class Case:
    lattice: lattices.FiniteGraph
    goal: float  # our time over that of the textbook program, at most


CASES = {
    "1000^2": Case(lattices.square.torus(1000), 0.6),
    "100^3": Case(lattices.cubic.torus(100), 0.5),
    "7^7": Case(lattices.hypercubic(7).torus(7), 0.4),
    "n-cube 20": Case(lattices.n_cube(20), 0.3),
}


class Textbook:
    """The C program with the arrays that it works on."""

    def __init__(self, library: ctypes.CDLL, lattice: lattices.FiniteGraph) -> None:
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


def one_sweep(sweep: Callable[..., sweeps.Sweep], graph: lattices.FiniteGraph) -> Callable[[], sweeps.Sweep]:
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


GRID = np.arange(1, 101) / 100


def curve(graph: lattices.FiniteGraph) -> Callable[[], sweeps.Curve]:
    """A curve at 100 values of p from one realisation, new at each call."""
    seeds = count(1)
    return lambda: sweeps.site_curve(graph, GRID, n_realisations=1, seed=next(seeds), progress=False)


@pytest.mark.parametrize("name", CASES)
def test_site_curve(benchmark, name):
    ratio = ratio_to(one_sweep(sweeps.site_sweep, CASES[name].lattice), benchmark, curve(CASES[name].lattice))
    print(verdict(f"site curve {name}, of the exact sweep", ratio, 1))


def test_site_curve_on_the_n_cube(benchmark, textbook):
    lattice = CASES["n-cube 20"].lattice
    ratio = ratio_to(Textbook(textbook, lattice).sweep, benchmark, curve(lattice))
    print(verdict("site curve n-cube 20, of textbook C", ratio, 0.2))


@pytest.mark.parametrize("kind", ["site", "bond"])
@pytest.mark.parametrize("name", [*CASES, "1000^2 box", "128^2"])
def test_all_observables(benchmark, kind, name):
    sweep = {"site": sweeps.site_sweep, "bond": sweeps.bond_sweep}[kind]
    others = {"1000^2 box": lattices.square.box(1000), "128^2": lattices.square.torus(128)}
    lattice = others[name] if name in others else CASES[name].lattice
    axes = {"1000^2 box": ("spanning",), "n-cube 20": ()}.get(name, ("wrapping",))
    seeds = count(1)

    def everything() -> sweeps.Sweep:
        wanted = (*sweeps.TOTALS, *axes)
        return sweep(lattice, n_realisations=1, seed=next(seeds), observables=wanted, progress=False)

    ratio = ratio_to(one_sweep(sweep, lattice), benchmark, everything)
    print(verdict(f"all observables, {kind} sweep {name}, of the plain sweep", ratio, 2))


class GraphTool:
    """graph-tool in a process of its own, with one graph."""

    def __init__(self, graph: lattices.FiniteGraph, folder: Path) -> None:
        np.savez(folder / "graph.npz", edges=graph.bonds(), n_sites=graph.n_sites)
        script = Path(__file__).with_name("graph_tool_peer.py")
        self.process = subprocess.Popen(
            ["/usr/bin/python3", script, folder / "graph.npz"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.folder = folder
        if self.answer() != "ready":
            pytest.skip("/usr/bin/python3 has no graph_tool (Debian: python3-graph-tool)")

    def answer(self, question: str = "") -> str:
        assert self.process.stdin and self.process.stdout
        if question:
            print(question, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()

    def largest(self, kind: str, order: np.ndarray) -> np.ndarray:
        np.save(self.folder / "order.npy", order)
        assert self.answer(f"{kind} {self.folder}/order.npy {self.folder}/largest.npy") == "done"
        return np.load(self.folder / "largest.npy")


@pytest.fixture
def graph_tool(tmp_path) -> Iterator[Callable[..., GraphTool]]:
    started = []

    def start(graph: lattices.FiniteGraph) -> GraphTool:
        started.append(GraphTool(graph, tmp_path))
        return started[-1]

    yield start
    for peer in started:
        peer.process.kill()


def graph_of(name: str) -> lattices.FiniteGraph:
    if name == "G(n, m)":
        return graphs.from_edges(np.random.default_rng(1).integers(10**6, size=(2 * 10**6, 2)), 10**6)
    return lattices.square.torus(128) if name == "128^2" else CASES[name].lattice


@pytest.mark.parametrize(
    ("kind", "name", "goal"), [*(("site", name, 10) for name in CASES), ("bond", "1000^2", 8), ("bond", "G(n, m)", 8)]
)
def test_against_graph_tool(benchmark, graph_tool, kind, name, goal):
    graph = graph_of(name)
    peer = graph_tool(graph)
    sweep = {"site": sweeps.site_sweep, "bond": sweeps.bond_sweep}[kind]
    order = np.random.default_rng(2).permutation(graph.n_sites if kind == "site" else graph.n_bonds)
    ours = sweep(graph, orders=order[None], observables=("largest",)).largest[0]
    np.testing.assert_array_equal(peer.largest(kind, order), ours[1:])
    seconds: list[float] = []
    benchmark.pedantic(one_sweep(sweep, graph), setup=lambda: seconds.append(float(peer.answer(kind))), rounds=5)
    ratio = benchmark.stats.stats.median / float(np.median(seconds))
    print(verdict(f"{kind} sweep {name}, of graph-tool", ratio, 1 / goal))


@pytest.mark.parametrize(("name", "goal"), [("1000^2", 1 / 2.4), ("G(n, m)", 1 / 2.4), ("128^2", 1)])
def test_against_cpyrcolate(benchmark, name, goal):
    cpyrcolate = pytest.importorskip("cpyrcolate", reason="cpyrcolate is not installed")
    graph = graph_of(name)
    edges, seeds = np.ascontiguousarray(graph.bonds()), count(1)
    n = 50 if name == "128^2" else 1  # what is small is repeated: setting a call up takes as long as a sweep of 128^2

    def theirs() -> None:
        for _ in range(n):
            cpyrcolate.compute_percolation_single(edges)

    def ours() -> sweeps.Sweep:
        return sweeps.bond_sweep(graph, n_realisations=n, seed=next(seeds), progress=False)

    ratio = ratio_to(theirs, benchmark, ours)
    print(verdict(f"bond sweep {name}, of cpyrcolate", ratio, goal))


@pytest.mark.parametrize("periodic", [False, True], ids=["open", "periodic"])
@pytest.mark.parametrize(
    ("d", "L", "p", "goal"), [(2, 1000, 0.59, 1.5), (3, 100, 0.31, 1.5), (8, 6, 0.08, 0.2), (10, 4, 0.06, 0.02)]
)
def test_labels(benchmark, d, L, p, goal, periodic):
    """scipy labels open boxes only: the periodic case is held against its open one."""
    lattice, opened = lattices.hypercubic(d).box(L, periodic=periodic), np.random.default_rng(1).random((L,) * d) < p
    if not periodic:
        np.testing.assert_array_equal(clusters.label(lattice, opened), ndimage.label(opened)[0])
    ratio = ratio_to(lambda: ndimage.label(opened), benchmark, lambda: clusters.label(lattice, opened))
    print(verdict(f"labels d={d} L={L} p={p} {'torus' if periodic else 'box'}, of scipy.ndimage", ratio, goal))


def test_cost_against_size(benchmark):
    """Time a site of a curve on the 2-D torus from 10^5 to 10^8 sites."""
    nanoseconds = {}
    for L in (316, 1000, 3162, 10_000):
        draw = curve(lattices.square.torus(L))
        draw()
        start, rounds = time.perf_counter(), max(1, 3 * 10**6 // L**2)
        for _ in range(rounds):
            draw()
        nanoseconds[L] = (time.perf_counter() - start) / rounds / L**2 * 1e9
    benchmark.pedantic(draw, rounds=1)
    print("\n" + ", ".join(f"L={L}: {ns:.1f} ns a site" for L, ns in nanoseconds.items()))
    print(verdict("curve on a 2-D torus, 1e8 sites of 1e5", nanoseconds[10_000] / nanoseconds[316], 2.5))


def test_memory_of_a_large_n_cube(benchmark):
    """Peak resident memory of a process that draws one curve on the n-cube with n = 26."""
    program = (
        "from percolation import lattices, sweeps\n"
        "sweeps.site_curve(lattices.n_cube(26), [k / 100 for k in range(1, 101)], n_realisations=1, seed=1)\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )

    def kibibytes() -> int:
        return int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)

    peak = benchmark.pedantic(kibibytes, rounds=1) / 2**20
    print(verdict("peak memory of a curve on the n-cube with n = 26, GiB", peak, 1.2))


@pytest.mark.parametrize("name", [*CASES, "128^2", "G(n, m)"])
def test_bond_sweep(benchmark, name):
    graph = graph_of(name)
    benchmark.pedantic(one_sweep(sweeps.bond_sweep, graph), rounds=ROUNDS, warmup_rounds=1)
    print(f"\nbond sweep {name}: {benchmark.stats.stats.median / graph.n_bonds * 1e9:.1f} ns a bond")
