"""Sweeps against programs that others wrote: graph-tool's sweeps step by step, scipy's labels at a fixed p.

networkx's components after every step are the twin of test_sweeps.py, its labels that of test_clusters.py.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, sparse

from percolation import clusters, graphs, lattices, random_graphs, sweeps

SWEEP = {"site": sweeps.site_sweep, "bond": sweeps.bond_sweep}
N_CASES = 300
TOTALS = ("largest", "second_moment", "n_clusters")


# graph-tool, in a process of the system's python3, all cases in one

GRAPH_TOOL = """
import sys
try:
    import numpy as np
    from graph_tool import Graph, openmp_set_num_threads
    from graph_tool.topology import edge_percolation, vertex_percolation
except ImportError:
    sys.exit(77)
openmp_set_num_threads(1)
cases, found = np.load(sys.argv[1]), {}
for k in range(int(sys.argv[3])):
    edges, order = cases[f"edges{k}"], cases[f"order{k}"]
    graph = Graph(directed=False)
    graph.add_vertex(int(cases[f"n_sites{k}"]))
    graph.add_edge_list(edges)
    site = k % 2 == 0
    found[f"largest{k}"] = (vertex_percolation(graph, order) if site else edge_percolation(graph, edges[order]))[0]
np.savez(sys.argv[2], **found)
"""


def any_graph(rng: np.random.Generator) -> lattices.FiniteGraph:
    """Lattices, random graphs with parallel bonds and loops, trees and graphs in pieces, all with a bond at least."""
    n, seed = int(rng.integers(2, 60)), int(rng.integers(2**32))
    makers: list[Callable[[], lattices.FiniteGraph]] = [
        lambda: graphs.from_edges(rng.integers(n, size=(int(rng.integers(1, 3 * n)), 2)), n),
        lambda: random_graphs.gnm(n, int(rng.integers(1, n * (n - 1) // 2 + 1)), seed=seed),
        lambda: random_graphs.configuration_model(2 * rng.geometric(0.5, n), seed=seed),
        lambda: random_graphs.nearest_neighbours(n, 2, 1, seed=seed),
        lambda: lattices.hypercubic(int(rng.integers(1, 4))).box(
            int(rng.integers(2, 6)), periodic=bool(rng.integers(2))
        ),
        lambda: lattices.n_cube(int(rng.integers(1, 7))),
        lambda: lattices.hamming(2, int(rng.integers(2, 7))),
        lambda: lattices.kagome.torus(int(rng.integers(2, 5))),
        lambda: lattices.root_lattice("D", 4).torus(2),
        lambda: lattices.cayley_tree(3, int(rng.integers(1, 5))),
    ]
    return makers[rng.integers(len(makers))]()


def test_largest_cluster_equals_that_of_graph_tool_step_by_step(tmp_path: Path) -> None:
    """Sites in the even cases, bonds in the odd ones; graph-tool tells sizes after 1, 2, ... steps."""
    rng = np.random.default_rng(1)
    given_graphs = [any_graph(rng) for _ in range(N_CASES)]
    orders = [rng.permutation(one.n_bonds if k % 2 else one.n_sites) for k, one in enumerate(given_graphs)]
    cases: dict[str, np.ndarray] = {}
    for k, (graph, order) in enumerate(zip(given_graphs, orders, strict=True)):
        cases |= {f"edges{k}": graph.bonds(), f"order{k}": order, f"n_sites{k}": np.array(graph.n_sites)}
    np.savez(tmp_path / "cases.npz", **cases)
    command = ["/usr/bin/python3", "-c", GRAPH_TOOL, "cases.npz", "found.npz", str(N_CASES)]
    try:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    except FileNotFoundError:
        pytest.skip("the peer graph-tool is not there: no /usr/bin/python3")
    if done.returncode == 77:
        pytest.skip("the peer graph-tool is not there: /usr/bin/python3 lacks it (Debian: python3-graph-tool)")
    assert done.returncode == 0, done.stderr
    found = np.load(tmp_path / "found.npz")
    for k, (graph, order) in enumerate(zip(given_graphs, orders, strict=True)):
        sweep = SWEEP["bond" if k % 2 else "site"](graph, orders=order[None])
        theirs = found[f"largest{k}"]
        np.testing.assert_array_equal(sweep.largest[0, 1:], theirs, err_msg=f"case {k}: {graph}")


# scipy at a fixed p


def totals(labels: np.ndarray) -> list[int]:
    sizes = np.bincount(labels.ravel())[1:]
    return [int(sizes.max(initial=0)), int((sizes**2).sum()), len(sizes)]


@given(d=st.integers(1, 4), L=st.integers(2, 30), p=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_sites_of_a_box_equal_ndimage_at_fixed_p(d, L, p, seed):
    """The sites with u < p, opened in the order of u: the sweep at that step, and the labels."""
    L = min(L, {1: 30, 2: 30, 3: 9, 4: 5}[d])
    box, u = lattices.hypercubic(d).box(L), np.random.default_rng(seed).random((L,) * d)
    labels = ndimage.label(u < p)[0]
    sweep = sweeps.site_sweep(box, orders=np.argsort(u.ravel())[None], observables=TOTALS)
    n = int((u < p).sum())
    assert [getattr(sweep, name)[0, n] for name in TOTALS] == totals(labels)
    np.testing.assert_array_equal(clusters.label(box, u < p), labels)


@given(L=st.integers(2, 24), d=st.integers(2, 3), p=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_sites_of_a_torus_equal_ndimage_joined_across_its_faces(L, d, p, seed):
    """ndimage knows no torus; clusters of the open box are joined where they meet across its faces."""
    L = min(L, 24 if d == 2 else 8)
    torus, u = lattices.hypercubic(d).torus(L), np.random.default_rng(seed).random((L,) * d)
    labels, n_labels = ndimage.label(u < p)
    across = [(labels.take(-1, axis), labels.take(0, axis)) for axis in range(d)]
    pairs = np.concatenate([np.stack([a.ravel(), b.ravel()], axis=1) for a, b in across])
    pairs = pairs[(pairs > 0).all(axis=1)]
    joined = sparse.coo_array((np.ones(len(pairs)), pairs.T), shape=(n_labels + 1, n_labels + 1))
    of_label = sparse.csgraph.connected_components(joined, directed=False)[1]
    sizes = np.bincount(of_label[labels[labels > 0]]) if n_labels else np.zeros(0, dtype=int)
    sizes = sizes[sizes > 0]
    sweep = sweeps.site_sweep(torus, orders=np.argsort(u.ravel())[None], observables=TOTALS)
    n = int((u < p).sum())
    assert [getattr(sweep, name)[0, n] for name in TOTALS] == [sizes.max(initial=0), (sizes**2).sum(), len(sizes)]


@given(p=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_bonds_equal_scipy_components_at_fixed_p(p, seed):
    rng = np.random.default_rng(seed)
    graph = any_graph(rng)
    u = rng.random(graph.n_bonds)
    kept = graph.bonds()[u < p]
    matrix = sparse.coo_array((np.ones(len(kept)), kept.T), shape=(graph.n_sites, graph.n_sites))
    _, labels = sparse.csgraph.connected_components(matrix, directed=False)
    sweep = sweeps.bond_sweep(graph, orders=np.argsort(u)[None], observables=TOTALS)
    assert [getattr(sweep, name)[0, len(kept)] for name in TOTALS] == totals(labels + 1)
