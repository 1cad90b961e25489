import networkx as nx
import numpy as np
import pytest
from scipy import sparse

from percolation import graphs


def test_neighbours_are_those_of_networkx():
    twin = nx.gnm_random_graph(50, 120, seed=1)
    graph = graphs.from_networkx(twin)
    assert (graph.n_sites, graph.n_bonds) == (50, 120)
    for site in range(50):
        assert sorted(graph.neighbours(site)) == sorted(twin[site])


def test_sites_are_numbered_in_the_order_of_the_nodes():
    graph = graphs.from_networkx(nx.Graph([("c", "a"), ("a", "b")]))
    np.testing.assert_array_equal(graph.bonds(), [[0, 1], [1, 2]])


def test_edges_sparse_matrix_and_networkx_give_one_graph():
    twin = nx.convert_node_labels_to_integers(nx.karate_club_graph())
    of_networkx = graphs.from_networkx(twin)
    of_matrix = graphs.from_sparse(nx.to_scipy_sparse_array(twin))
    of_edges = graphs.from_edges(list(twin.edges), len(twin))
    for graph in (of_matrix, of_edges):
        np.testing.assert_array_equal(graph.bonds(), of_networkx.bonds())
        np.testing.assert_array_equal(graph.indices, of_networkx.indices)


def test_parallel_edges_are_bonds_of_their_own():
    graph = graphs.from_networkx(nx.MultiGraph([(0, 1), (1, 0), (1, 2)]))
    assert graph.n_bonds == 3
    assert sorted(graph.neighbours(1)) == [0, 0, 2]


def test_self_loops_are_bonds_but_make_no_neighbour():
    graph = graphs.from_edges([[0, 0], [0, 1]], 2)
    assert graph.n_bonds == 2
    np.testing.assert_array_equal(graph.neighbours(0), [1])


def test_values_of_a_sparse_matrix_do_not_count():
    matrix = sparse.csr_array(np.array([[0.5, 0.1, 0], [7.0, 0, 0], [0, 0, 0]]))
    np.testing.assert_array_equal(graphs.from_sparse(matrix).bonds(), [[0, 0], [0, 1]])


def test_graph_without_edges():
    graph = graphs.from_edges([], 3)
    assert (graph.n_sites, graph.n_bonds, len(graph.neighbours(2))) == (3, 0, 0)


def test_arrays_are_read_only():
    graph = graphs.from_edges([[0, 1]], 2)
    with pytest.raises(ValueError, match="read-only"):
        graph.edges[0, 0] = 1


@pytest.mark.parametrize(
    ("edges", "n_sites", "message"),
    [
        ([[0, 1], [1, 3]], 3, "edge 1 joins 1 and 3, but the sites are 0 ... 2"),
        ([[-1, 0]], 3, "edge 0 joins -1 and 0"),
        ([[0.5, 1.0]], 3, "edges must be integers"),
        ([[0, 1, 0.5]], 3, r"edges must be integers of shape \(n_bonds, 2\), got float64 of shape \(1, 3\)"),
        ([[0, 1], [2]], 3, r"shape \(n_bonds, 2\), got rows of different lengths"),
        ([["a", "b"]], 3, "edges must be integers"),
        (np.array([[0, 2**63]], dtype=np.uint64), 3, "edge 0 joins 0 and 9223372036854775808"),
        ([0, 1], 3, r"shape \(n_bonds, 2\)"),
        ([[0, 1]], 0, "n_sites must be at least 1"),
        ([[0, 1]], 2**31, r"n_sites must be below 2\*\*31, got 2147483648; cut the graph into its components first"),
        ([[0, 1]], 2.0, "n_sites must be an integer, got 2.0"),
    ],
)
def test_bad_edges_are_refused(edges, n_sites, message):
    with pytest.raises(ValueError, match=message):
        graphs.from_edges(edges, n_sites)


def test_empty_graph_is_refused():
    with pytest.raises(ValueError, match="n_sites must be at least 1"):
        graphs.from_networkx(nx.Graph())


@pytest.mark.parametrize("foreign", ["karate.graphml", [[0, 1]], sparse.csr_array(np.eye(2)), None])
def test_what_is_no_networkx_graph_is_refused(foreign):
    with pytest.raises(ValueError, match=f"expected a networkx graph, got {type(foreign).__name__}; from_edges"):
        graphs.from_networkx(foreign)


def test_weights_of_a_networkx_graph_do_not_count():
    twin = nx.path_graph(4)
    nx.set_edge_attributes(twin, {(0, 1): 0.5, (1, 2): -1.5, (2, 3): "heavy"}, "weight")
    np.testing.assert_array_equal(graphs.from_networkx(twin).bonds(), [[0, 1], [1, 2], [2, 3]])


def test_directed_graph_is_refused():
    with pytest.raises(ValueError, match="to_undirected"):
        graphs.from_networkx(nx.DiGraph([(0, 1)]))


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(3), "scipy.sparse"),
        (sparse.csr_array(np.ones((2, 3))), "square"),
        (sparse.csr_array(np.array([[0, 1], [0, 0]])), "matrix.T"),
        (sparse.coo_array(np.ones(3)), r"square, got shape \(3,\)"),
        (sparse.csr_array((0, 0)), "n_sites must be at least 1, got 0"),
    ],
)
def test_bad_matrices_are_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        graphs.from_sparse(matrix)


@pytest.mark.parametrize("site", [-1, 2, 0.5])
def test_sites_outside_the_graph_are_refused(site):
    with pytest.raises(ValueError, match="site"):
        graphs.from_edges([[0, 1]], 2).neighbours(site)


def test_a_graph_is_shown_in_one_line():
    assert repr(graphs.from_edges([[0, 1], [1, 2]], 4)) == "Graph(4 sites, 2 bonds)"
