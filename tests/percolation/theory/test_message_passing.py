from itertools import product

import networkx as nx
import numpy as np
import pytest

from percolation.theory import message_passing, random_graphs

TREE = nx.balanced_tree(2, 2)  # 7 sites, 6 bonds


def edges_of(graph):
    graph = nx.convert_node_labels_to_integers(graph)
    return np.array([edge[:2] for edge in graph.edges], dtype=int).reshape(-1, 2), len(graph)


def dense_eigenvalue(edges):
    """Spectral radius of the matrix of directed bonds, bond by bond from its definition."""
    both = [(a, b, k) for k, (a, b) in enumerate(edges)] + [(b, a, k) for k, (a, b) in enumerate(edges)]
    B = [[float(one[1] == next_[0] and one[2] != next_[2]) for next_ in both] for one in both]
    return np.abs(np.linalg.eigvals(np.array(B))).max()


def enumerated_sizes(graph, p, kind):
    """Mean size of the cluster of each site, over all states; for sites given that the site is open."""
    what = list(graph.edges) if kind == "bond" else list(graph)
    sizes, weights = np.zeros(len(graph)), np.zeros(len(graph))
    for state in product([False, True], repeat=len(what)):
        weight = np.prod([p if is_open else 1 - p for is_open in state])
        chosen = [one for one, is_open in zip(what, state, strict=True) if is_open]
        opened = nx.Graph(chosen) if kind == "bond" else graph.subgraph(chosen)
        if kind == "bond":
            opened.add_nodes_from(graph)
        for cluster in nx.connected_components(opened):
            for site in cluster:
                sizes[site] += weight * len(cluster)
                weights[site] += weight
    return sizes / weights


@pytest.mark.parametrize("kind", ["site", "bond"])
@pytest.mark.parametrize("p", [0.3, 0.8])
@pytest.mark.parametrize("tree", [TREE, nx.path_graph(6), nx.star_graph(5)])
def test_messages_are_exact_on_trees(tree, p, kind):
    sizes = message_passing.mean_cluster_sizes(*edges_of(tree), p)
    np.testing.assert_allclose(sizes, enumerated_sizes(tree, p, kind), rtol=1e-12)


def test_a_tree_has_no_giant_component():
    p = np.linspace(0, 1, 5)
    np.testing.assert_allclose(message_passing.giant_component(*edges_of(TREE), p), 0, atol=1e-12)
    np.testing.assert_allclose(message_passing.mean_cluster_sizes(*edges_of(TREE), 1.0), 7)


@pytest.mark.parametrize("kind", ["site", "bond"])
def test_regular_graphs_follow_the_bethe_lattice(kind):
    edges, n_sites = edges_of(nx.petersen_graph())
    p = np.array([0, 0.4, 0.6, 0.9, 1])
    S = message_passing.giant_component(edges, n_sites, p, kind)
    np.testing.assert_allclose(S, random_graphs.giant_component(random_graphs.regular(3), p, kind), atol=1e-10)
    # chi = (1 + p) / (1 - (z - 1) p) below p_c
    np.testing.assert_allclose(message_passing.mean_cluster_sizes(edges, n_sites, 0.4), 1.4 / 0.2)


def test_mean_size_above_the_threshold_is_that_of_the_dual_tree():
    """Bethe lattice, z = 3: finite clusters at p > 1/2 are those at q = 1 - p."""
    sizes = message_passing.mean_cluster_sizes(*edges_of(nx.petersen_graph()), 0.7)
    np.testing.assert_allclose(sizes, 1.3 / (1 - 2 * 0.3))


def test_all_is_in_the_giant_at_p_one():
    edges, n_sites = edges_of(nx.lollipop_graph(4, 3))
    assert message_passing.giant_component(edges, n_sites, 1.0) == 1
    # near p = 1 a site is cut off by one closed bond of the tail, each of those before it equally likely
    sizes = [1, 1, 1, 4, 3, 2.5, 2]
    np.testing.assert_allclose(message_passing.mean_cluster_sizes(edges, n_sites, 1 - 1e-9), sizes, atol=1e-6)


@pytest.mark.parametrize("z", [3, 4, 6])
def test_eigenvalue_of_regular_graphs(z):
    for n_sites in (20, 200):
        edges = edges_of(nx.random_regular_graph(z, n_sites, seed=1))
        assert message_passing.largest_eigenvalue(*edges) == pytest.approx(z - 1, rel=1e-9)


@pytest.mark.parametrize(
    "forest", [TREE, nx.path_graph(1000), nx.empty_graph(3), nx.disjoint_union(TREE, nx.star_graph(200))]
)
def test_eigenvalue_of_forests_is_zero(forest):
    assert message_passing.largest_eigenvalue(*edges_of(forest)) == 0
    assert message_passing.bounds(*edges_of(forest)).low == 1


@pytest.mark.parametrize(
    "graph",
    [
        nx.cycle_graph(7),
        nx.disjoint_union(nx.cycle_graph(4), nx.path_graph(4)),
        nx.karate_club_graph(),
        nx.les_miserables_graph(),
        nx.hypercube_graph(5),
        nx.gnm_random_graph(90, 110, seed=1),
        nx.disjoint_union(nx.complete_graph(5), nx.gnm_random_graph(60, 70, seed=2)),
        nx.MultiGraph([(0, 1), (0, 1), (0, 1), (1, 2)]),
    ],
)
def test_eigenvalue_against_the_matrix_itself(graph):
    edges, n_sites = edges_of(graph)
    assert message_passing.largest_eigenvalue(edges, n_sites) == pytest.approx(dense_eigenvalue(edges), rel=1e-8)


def test_self_loops_change_nothing():
    edges, n_sites = edges_of(nx.karate_club_graph())
    more = np.concatenate([edges, [[0, 0], [5, 5]]])
    assert message_passing.largest_eigenvalue(more, n_sites) == message_passing.largest_eigenvalue(edges, n_sites)
    assert message_passing.giant_component(more, n_sites, 0.4) == message_passing.giant_component(edges, n_sites, 0.4)


def test_giant_component_appears_at_the_bound():
    edges, n_sites = edges_of(nx.gnm_random_graph(300, 600, seed=3))
    p_c = message_passing.bounds(edges, n_sites).low
    below, above = message_passing.giant_component(edges, n_sites, [0.95 * p_c, 1.05 * p_c])
    assert below < 1e-9 and above > 1e-3


def test_no_bonds():
    assert message_passing.giant_component([], 4, 0.5) == 0
    np.testing.assert_array_equal(message_passing.mean_cluster_sizes([], 4, 0.5), 1)


def test_at_the_threshold_it_warns():
    with pytest.warns(RuntimeWarning, match="p is at the threshold"):
        message_passing.giant_component(*edges_of(nx.petersen_graph()), 0.5)


@pytest.mark.parametrize(
    ("edges", "n_sites", "p", "message"),
    [
        ([[0, 3]], 3, 0.5, "edge 0 joins 0 and 3, but the sites are 0 ... 2"),
        ([[-1, 0]], 3, 0.5, "edge 0 joins -1 and 0, but the sites are 0 ... 2"),
        ([[0.5, 1]], 3, 0.5, "edges must be integers"),
        ([[0, 1, 2]], 3, 0.5, r"shape \(n_bonds, 2\)"),
        ([[0, 1]], 0, 0.5, "n_sites must be at least 1"),
        ([[0, 1]], 2, -0.1, r"p must lie in \[0, 1\]"),
    ],
)
def test_bad_input(edges, n_sites, p, message):
    with pytest.raises(ValueError, match=message):
        message_passing.giant_component(edges, n_sites, p)
