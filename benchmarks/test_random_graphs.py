"""Time and memory of each generator at 10^6 sites, beside networkx and igraph where these have it.

Memory (Linux only) is the highest resident set of a fresh process that makes the graph once, less what it held before.
A peer that is not installed is skipped. Points in d = 8 are fewer: there a k-d tree no longer helps.
"""

import importlib.util
import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from percolation import graphs, random_graphs

N, C = 10**6, 4.0
DEGREES = np.repeat([1, 3, 8], [400_000, 300_000, 300_000])

OURS: dict[str, Callable[[], graphs.Graph]] = {
    "G(n, 4/n)": lambda: random_graphs.gnp(N, C / N, seed=1),
    "G(n, 2n)": lambda: random_graphs.gnm(N, 2 * N, seed=1),
    "regular, z = 3": lambda: random_graphs.regular(N, 3, seed=1),
    "regular, z = 10": lambda: random_graphs.regular(N, 10, seed=1),
    "configuration model, mean 3.7": lambda: random_graphs.configuration_model(DEGREES, seed=1),
    "geometric, d = 2, mean 4.5": lambda: random_graphs.geometric(N, 2, mean_degree=4.5, seed=1),
    "geometric, d = 3, mean 2.7": lambda: random_graphs.geometric(N, 3, mean_degree=2.7, seed=1),
    "geometric, d = 4, mean 2.1": lambda: random_graphs.geometric(N, 4, mean_degree=2.1, seed=1),
    "geometric, d = 8, n = 2 10^4": lambda: random_graphs.geometric(N // 50, 8, mean_degree=1.2, seed=1),
    "3 nearest, d = 2": lambda: random_graphs.nearest_neighbours(N, 2, 3, seed=1),
    "3 nearest, d = 3": lambda: random_graphs.nearest_neighbours(N, 3, 3, seed=1),
}


def of_networkx(name: str) -> object:
    import networkx as nx

    makers = {
        "G(n, 4/n)": lambda: nx.fast_gnp_random_graph(N, C / N, seed=1),
        "G(n, 2n)": lambda: nx.gnm_random_graph(N, 2 * N, seed=1),
        "regular, z = 3": lambda: nx.random_regular_graph(3, N, seed=1),
        "configuration model, mean 3.7": lambda: nx.configuration_model(DEGREES.tolist(), seed=1),
    }
    return makers[name]()


def of_igraph(name: str) -> object:
    import igraph

    r = random_graphs.radius(N, 2, 4.5)
    makers = {
        "G(n, 4/n)": lambda: igraph.Graph.Erdos_Renyi(n=N, p=C / N),
        "G(n, 2n)": lambda: igraph.Graph.Erdos_Renyi(n=N, m=2 * N),
        "regular, z = 3": lambda: igraph.Graph.K_Regular(N, 3),
        "regular, z = 10": lambda: igraph.Graph.K_Regular(N, 10),
        "configuration model, mean 3.7": lambda: igraph.Graph.Degree_Sequence(DEGREES.tolist()),
        "geometric, d = 2, mean 4.5": lambda: igraph.Graph.GRG(N, r, torus=True),
    }
    return makers[name]()


PEERS = {
    "networkx": (of_networkx, ["G(n, 4/n)", "G(n, 2n)", "regular, z = 3", "configuration model, mean 3.7"]),
    "igraph": (of_igraph, list(OURS)[:6]),
}


def ours(name: str) -> object:
    return OURS[name]()


def highest() -> float:
    """MiB. Not getrusage: what it gives a fresh process begins at the memory of the one that started it."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def growth(make: Callable[[str], object], name: str) -> float:
    random_graphs.gnm(10, 10, seed=1)  # imports and compiled code are not the graph's
    before = highest()
    make(name)
    return highest() - before


def memory(make: Callable[[str], object], name: str) -> float:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(growth, make, name).result()


@pytest.mark.parametrize("name", OURS)
def test_generator(benchmark, name):
    graph = benchmark.pedantic(OURS[name], rounds=3, warmup_rounds=1)
    seconds, MiB = benchmark.stats.stats.median, memory(ours, name)
    per_bond = seconds / graph.n_bonds * 1e9
    print(f"\n{name}: {graph.n_bonds} bonds, {seconds:.2f} s, {per_bond:.0f} ns a bond, {MiB:.0f} MiB")


@pytest.mark.parametrize(("peer", "name"), [(peer, name) for peer in PEERS for name in PEERS[peer][1]])
def test_peer(benchmark, peer, name):
    if importlib.util.find_spec(peer) is None:
        pytest.skip(f"{peer} is not installed")
    make = PEERS[peer][0]
    benchmark.pedantic(make, args=(name,), rounds=1)
    print(f"\n{name} by {peer}: {benchmark.stats.stats.median:.2f} s, {memory(make, name):.0f} MiB")
