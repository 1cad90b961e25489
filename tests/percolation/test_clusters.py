"""Labels against scipy.ndimage and networkx."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from percolation import clusters, graphs, lattices, sweeps

ANY = [
    lattices.hypercubic(1).torus(2),
    lattices.hypercubic(1).torus(9),
    lattices.square.torus(2),
    lattices.square.torus(7),
    lattices.square.box(5, periodic=(True, False)),
    lattices.square.box(5, periodic=(False, True)),
    lattices.cubic.box(4, periodic=(True, False, True)),
    lattices.hypercubic(4).torus(3),
    lattices.hypercubic(2, shells=2).torus(5),
    lattices.kagome.box(3),
    lattices.root_lattice("D", 4).torus(2),
    lattices.hamming(3, 3),
    lattices.n_cube(5),
    lattices.cayley_tree(3, 3),
]


@given(d=st.integers(1, 6), L=st.integers(2, 9), p=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_open_box_equals_ndimage(d, L, p, seed):
    L = min(L, {1: 9, 2: 9, 3: 7, 4: 5}.get(d, 3))
    opened = np.random.default_rng(seed).random((L,) * d) < p
    labels = clusters.label(lattices.hypercubic(d).box(L), opened)
    np.testing.assert_array_equal(labels, ndimage.label(opened)[0])


@given(graph=st.sampled_from(ANY), p=st.floats(0, 1), p_bond=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_sites_and_bonds_equal_networkx(graph, p, p_bond, seed):
    rng = np.random.default_rng(seed)
    sites, bonds = rng.random(graph.n_sites) < p, rng.random(graph.n_bonds) < p_bond
    for given_bonds in (None, bonds):
        labels = clusters.label(graph, sites, given_bonds)
        twin = nx.Graph()
        twin.add_nodes_from(np.flatnonzero(sites).tolist())
        kept = graph.bonds() if given_bonds is None else graph.bonds()[bonds]
        twin.add_edges_from((i, j) for i, j in kept.tolist() if sites[i] and sites[j])
        expected = np.zeros(graph.n_sites, dtype=int)
        for number, cluster in enumerate(sorted(nx.connected_components(twin), key=min), start=1):
            expected[list(cluster)] = number
        np.testing.assert_array_equal(labels, expected)


def test_large_labels_agree_with_the_sweep():
    """The same 300 x 300 torus at n = 50,000 and 60,000 open sites: sizes of all clusters."""
    lattice, order = lattices.square.torus(300), np.random.default_rng(1).permutation(90_000)
    sweep = sweeps.site_sweep(
        lattice,
        orders=order[None],
        observables=("n_clusters",),
        counts_at=[50_000, 60_000],
        size_edges=np.arange(1, 90_002),
    )
    for row, n in enumerate((50_000, 60_000)):
        opened = np.zeros(90_000, dtype=bool)
        opened[order[:n]] = True
        sizes = np.bincount(clusters.label(lattice, opened))[1:]
        np.testing.assert_array_equal(sweep.cluster_counts[0, row], np.bincount(sizes, minlength=90_001)[1:])
        assert len(sizes) == sweep.n_clusters[0, n]


def test_all_is_open_if_nothing_is_given():
    assert (clusters.label(lattices.square.torus(4)) == 1).all()
    assert clusters.label(lattices.square.torus(3), open_bonds=np.zeros(18, dtype=bool)).tolist() == list(range(1, 10))
    assert clusters.label(graphs.from_edges([], 3), np.array([True, False, True])).tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"open_sites": np.ones(9)}, r"bool of shape \(9,\) or \(3, 3\), got float64"),
        ({"open_sites": np.ones((3, 4), dtype=bool)}, r"got bool of shape \(3, 4\)"),
        ({"open_bonds": np.ones(9, dtype=bool)}, r"open_bonds must be bool of shape \(18,\)"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        clusters.label(lattices.square.torus(3), **arguments)
