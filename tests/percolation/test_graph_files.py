import gzip
import io

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from percolation import graph_files
from tests import graph_writers

KARATE = nx.convert_node_labels_to_integers(nx.karate_club_graph())


def read(folder, name, text, **how):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return graph_files.read(path, **how)


def named(file):
    """Edges by the names of their ends."""
    return [(file.names[i], file.names[j]) for i, j in file.graph.bonds()]


def said(file, words):
    return any(words in remark for remark in file.remarks)


@pytest.mark.parametrize("packed", ["", ".gz", ".bz2"])
@pytest.mark.parametrize("ending", graph_writers.WRITERS)
def test_every_format_gives_the_graph_that_was_written(tmp_path, ending, packed):
    file = graph_files.read(graph_writers.write(KARATE, tmp_path / f"karate{ending}{packed}"))
    start = 1 if ending == ".graph" else 0
    edges = {tuple(sorted(int(name) - start for name in edge)) for edge in named(file)}
    assert edges == {tuple(sorted(edge)) for edge in KARATE.edges}
    assert (file.graph.n_sites, file.graph.n_bonds, file.n_self_loops, file.n_duplicates) == (34, 78, 0, 0)


def test_all_endings_are_tried():
    assert graph_writers.WRITERS.keys() == {*graph_files.TABLES, *graph_files.FORMATS}


@pytest.mark.parametrize(
    ("text", "edges"),
    [
        ("rome paris\nparis oslo 7\n", [("rome", "paris"), ("paris", "oslo")]),
        ("rome, paris, 0.5\nparis , oslo, 7\n", [("rome", "paris"), ("paris", "oslo")]),
        ("rome;paris\nparis;oslo\n", [("rome", "paris"), ("paris", "oslo")]),
        ("New York\tParis, France\nOslo\tNew York\n", [("New York", "Paris, France"), ("Oslo", "New York")]),
        ("http://a/#x y\thttp://b\n", [("http://a/#x y", "http://b")]),
        ('"a, jr",b\nb,"c;d"\n', [("a, jr", "b"), ("b", "c;d")]),
        ('"a b" c\nc "d,e"\n', [("a b", "c"), ("c", "d,e")]),
        ("a\tb\nb c\n", [("a", "b"), ("b", "c")]),
        ("1 2 0,5\n2 3 1,5\n", [("1", "2"), ("2", "3")]),
        ("0 1 {'weight': 3, 'colour': 'red'}\n1 2 {}\n", [("0", "1"), ("1", "2")]),
        ("a b # back\nb c\n", [("a", "b"), ("b", "c")]),
        ("\ufeffa b\r\nb c\r\n", [("a", "b"), ("b", "c")]),
        ("a b\rb c\r", [("a", "b"), ("b", "c")]),
    ],
)
def test_separators(tmp_path, text, edges):
    assert named(read(tmp_path, "a.txt", text)) == edges


@pytest.mark.parametrize(
    ("text", "edges", "taken"),
    [
        ("source,target\na,b\n", [("a", "b")], True),
        ("Source;Target;Weight\na;b;1\n", [("a", "b")], True),
        ("Id,Source,Target\n7,a,b\n8,b,c\n", [("a", "b"), ("b", "c")], True),
        (",from,to\n0,a,b\n1,b,c\n", [("a", "b"), ("b", "c")], True),
        ("person friend\n1 2\n2 3\n", [("1", "2"), ("2", "3")], True),
        ("u v\nv w\n", [("u", "v"), ("v", "w")], False),
        ("1 2\n2 3\n", [("1", "2"), ("2", "3")], False),
    ],
)
def test_column_names_are_no_edge(tmp_path, text, edges, taken):
    file = read(tmp_path, "a.csv", text)
    assert named(file) == edges
    assert said(file, "line 1 was taken as column names") == taken


def test_a_line_that_may_be_column_names_is_said_and_settled_by_header(tmp_path):
    text = "person,friend\nann,bob\nbob,eve\n"
    file = read(tmp_path, "a.csv", text)
    assert file.graph.n_bonds == 3 and said(file, "line 1 was taken as an edge, from 'person' to 'friend'")
    assert named(read(tmp_path, "a.csv", text, header=True)) == [("ann", "bob"), ("bob", "eve")]
    assert not read(tmp_path, "a.csv", text, header=False).remarks


def test_konect(tmp_path):
    file = read(tmp_path, "out.club", "% sym unweighted\n% 2 5 5\n1 2\n2 4\n")
    assert (file.graph.n_sites, file.graph.n_bonds) == (5, 2)
    np.testing.assert_array_equal(file.graph.bonds(), [[0, 1], [1, 3]])
    assert said(file, "skipped: 2, the first '% sym unweighted'")


def test_the_two_kinds_of_nodes_of_konect_are_kept_apart(tmp_path):
    file = read(tmp_path, "out.bought", "% bip weighted\n% 4 2 3\n1 1 5\n1 2 3\n2 1 2\n")
    assert named(file) == [("left 1", "right 1"), ("left 1", "right 2"), ("left 2", "right 1")]
    assert file.graph.n_sites == 5 and said(file, "the header says 4 edges, there are 3")


def test_integers_keep_their_order(tmp_path):
    np.testing.assert_array_equal(read(tmp_path, "a.txt", "5 4\n3 6\n").graph.bonds(), [[2, 1], [0, 3]])
    assert named(read(tmp_path, "a.txt", "01 1\n1 10\n")) == [("01", "1"), ("1", "10")]  # 01 and 1 are two names


def test_integers_without_an_edge(tmp_path):
    text = "1 2\n2 9\n"
    file = read(tmp_path, "a.txt", text)
    assert file.graph.n_sites == 3 and said(file, "of the integers 1 ... 9 6 are in no edge")
    whole = read(tmp_path, "a.txt", text, n_sites=9)
    assert whole.graph.n_sites == 9 and said(whole, "1 ... 9, 6 of them without an edge")
    np.testing.assert_array_equal(whole.graph.bonds(), [[0, 1], [1, 8]])
    from_zero = read(tmp_path, "a.txt", "0 2\n", n_sites=4)
    assert list(from_zero.names) == ["0", "1", "2", "3"]


def test_names_without_an_edge(tmp_path):
    file = read(tmp_path, "a.txt", "a b\n", n_sites=4)
    assert file.graph.n_sites == 4 and said(file, "sites added without an edge: 2")
    listed = read(tmp_path, "a.txt", "a b\n", nodes=["c", "b", "a"])
    np.testing.assert_array_equal(listed.graph.bonds(), [[2, 1]])
    assert listed.graph.n_sites == 3


def test_self_loops_and_duplicates_are_counted(tmp_path):
    file = read(tmp_path, "a.txt", "a b\nb a\na a\na a\nb c\n")
    assert (file.graph.n_bonds, file.n_self_loops, file.n_duplicates) == (5, 2, 2)
    assert "3 nodes, 5 edges, 2 self-loops, 2 duplicates" in repr(file) and "\n" not in repr(file)


def test_further_columns_are_said(tmp_path):
    assert said(read(tmp_path, "a.txt", "a b 0.5\n"), "further columns are not read (line 1: '0.5')")
    assert said(read(tmp_path, "a.txt", "a b c\nb c\n"), "is this a list of neighbours?")


@pytest.mark.parametrize(
    ("name", "text", "how", "message"),
    [
        ("a.txt", "1 2\n\n3\n", {}, "a.txt: line 3: an edge is two names, got only '3'"),
        ("a.txt", "# nothing\n", {}, "holds no edge"),
        ("a.txt", "", {}, "holds no edge"),
        ("a.csv", "a,b\nc,\n", {}, "line 2: an edge is two names, got 'c' and ''"),
        ("a.csv", "rome, paris\nparis oslo\n", {}, "line 1 has commas, line 2 has none; use one separator"),
        ("a.txt", "New York\tParis\nOslo Rome\n", {}, "line 1: names with blanks between tabs"),
        ("a.csv", 'a,"b\nc,d\n', {}, "line 1: unexpected end of data"),
        ("a.xlsx", "1 2", {}, "unknown kind of file '.xlsx'"),
        ("a", "1 2", {}, "unknown kind of file ''"),
        ("a.txt", "a b\n", {"n_sites": 1}, "n_sites=1, but there are 2 nodes"),
        ("a.txt", "a b\n", {"n_sites": 10**13}, "n_sites=10000000000000 takes .* GiB, the machine has"),
        ("a.txt", "a b\n", {"n_sites": 2.5}, "n_sites must be an integer"),
        ("a.txt", "a b\n", {"nodes": ["a"]}, "an edge leads to 'b', which is not among the 1 nodes"),
        ("a.txt", "a b\n", {"nodes": ["a", "b", "a"]}, "node 'a' is listed twice"),
        ("a.gml", "graph [ node [ id 0 ] ]", {"n_sites": 3}, "n_sites is for edge lists"),
        ("a.gml", "graph [", {}, "not GML that networkx reads"),
        ("a.graphml", "1 2", {}, "not GraphML"),
        ("a.graphml", "", {}, "not GraphML"),
        ("a.gexf", "<gexf></gexf>", {}, "not GEXF"),
        ("a.net", "*Vertices 2\n*Edges\n1 x\n", {}, "not Pajek: line 3, '1 x'"),
        ("a.net", "*Vertices 2\n*Edges\n1 3\n", {}, "not Pajek: vertices are 1 ... 2, got 1 ... 3"),
        ("a.net", "*Vertices 2\n*Matrix\n0 1\n1 0\n", {}, "section .matrix is not read"),
        ("a.net", "*Vertices 99999999999999\n", {}, "GiB"),
        ("a.mtx", "%%MatrixMarket matrix coordinate pattern general\n2 3 1\n1 1\n", {}, "square"),
        ("a.mtx", "%%MatrixMarket matrix array real general\n9999999 9999999\n1\n", {}, "GiB"),
        ("a.mtx", "1 2\n", {}, "not MatrixMarket"),
        ("a.mtx", "%%MatrixMarket matrix coordinate pattern general\n2 2 1\n2 1\0\n", {}, "holds NUL bytes"),
        ("a.npz", "PK", {}, "not a matrix that scipy"),
        ("a.parquet", "PAR1", {}, "not Parquet"),
        ("a.graph", "3 2\n2\n1 3\n", {}, "not METIS: 3 nodes, but 2 lines"),
        (
            "a.graph",
            "3 2\n2\n1\n\n",
            {},
            "not METIS: 2 edges are 4 neighbours, j of i and i of j for each; got 2",
        ),
        ("a.graph", "3 2\n2\n1 3\n9\n", {}, "not METIS: nodes are 1 ... 3, got the neighbour 9"),
        ("a.csv", "0,1,0\n1,0,1\n0,1,0\n", {}, "3 lines of 3 numbers are an adjacency matrix"),
        ("a.txt", "0 .5 0\n.5 0 2\n0 2 0\n", {}, "3 lines of 3 numbers are an adjacency matrix"),
        ("a.graph", "2 1\n2\n2\n", {}, "its own neighbour"),
        ("a.txt.gz", "1 2", {}, "cannot be unpacked"),
        ("a.txt.bz2", "1 2", {}, "cannot be unpacked"),
    ],
)
def test_bad_files_are_refused(tmp_path, name, text, how, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, name, text, **how)


def test_other_encodings_are_refused(tmp_path):
    (tmp_path / "a.txt").write_bytes("caf\xe9 1".encode("latin-1"))
    with pytest.raises(ValueError, match="a.txt: not text in UTF-8: byte 3 is 0xe9"):
        graph_files.read(tmp_path / "a.txt")


def test_a_file_cut_while_it_was_packed(tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"1 2\n" * 1000)[:-12])
    with pytest.raises(ValueError, match="cannot be unpacked"):
        graph_files.read(tmp_path / "a.txt.gz")


@pytest.mark.parametrize("name", ["a.txt", "a.graphml", "a.txt.gz"])
def test_absent_files_and_folders_are_named(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=name):
        graph_files.read(tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(OSError, match=name):
        graph_files.read(tmp_path / name)


@pytest.mark.parametrize("ending", [".graphml", ".gml", ".gexf", ".net"])
def test_arcs_are_bonds(tmp_path, ending):
    arcs = nx.DiGraph([("a", "b"), ("b", "a"), ("b", "c")])
    file = graph_files.read(graph_writers.write(arcs, tmp_path / f"arcs{ending}"))
    assert [set(edge) for edge in named(file)] == [{"a", "b"}, {"b", "c"}]
    assert said(file, "joined both ways is one bond: 1")


@pytest.mark.parametrize("ending", [".graphml", ".gml", ".net"])
def test_parallel_edges_are_kept(tmp_path, ending):
    twin = nx.MultiGraph([("a", "b"), ("b", "a"), ("b", "c")])
    file = graph_files.read(graph_writers.write(twin, tmp_path / f"twin{ending}"))
    assert (file.graph.n_bonds, file.n_duplicates) == (3, 1)


def test_gml_without_labels_and_with_edges_given_twice(tmp_path):
    nodes = 'node [ id 3 label "\xe9" ] node [ id 5 label "\xe9" ]'
    text = f"graph [ {nodes} edge [ source 3 target 5 ] edge [ source 5 target 3 ] ]"
    file = read(tmp_path, "a.gml", text)
    assert list(file.names) == ["3", "5"] and file.n_duplicates == 1
    assert list(read(tmp_path, "a.gml", 'graph [ node [ id 3 label "\xe9" ] ]').names) == ["\xe9"]


@pytest.mark.parametrize("space", ["http://gexf.net/1.3", "http://www.gexf.net/1.2draft", "http://www.gexf.net/1.3"])
def test_gexf_of_today(tmp_path, space):
    nodes = '<nodes><node id="a"/><node id="b"/></nodes><edges><edge id="0" source="a" target="b"/></edges>'
    text = f'<gexf xmlns="{space}" version="1.3"><graph defaultedgetype="undirected">{nodes}</graph></gexf>'
    assert named(read(tmp_path, "a.gexf", text)) == [("a", "b")]


def test_pajek_sections(tmp_path):
    text = (
        '% a comment\n*Network club\n*Vertices 5 2\n1 "New York" 0.1 0.2\n3 "New York"\n\n'
        '*Arcs :1 "likes"\n1 2 1\n2 1 1\n*Edges :2\n2 3\n*Edgeslist\n3 4 5\n'
    )
    file = read(tmp_path, "a.net", text)
    assert list(file.names) == ["New York", "2", "New York", "4", "5"]
    np.testing.assert_array_equal(file.graph.bonds(), [[0, 1], [1, 2], [2, 3], [2, 4]])


def test_matrices(tmp_path):
    general = "%%MatrixMarket matrix coordinate real general\n4 4 4\n1 2 0.5\n2 1 0.5\n3 2 1\n3 4 0\n"
    file = read(tmp_path, "a.mtx", general)
    np.testing.assert_array_equal(file.graph.bonds(), [[0, 1], [1, 2]])
    assert file.graph.n_sites == 4 and said(file, "stored and zero") and said(file, "not symmetric: 1 pairs")


@pytest.mark.parametrize("end", ["", " ", "\t", "\n", "\n\n", " more"])
def test_a_matrix_whose_last_line_may_be_open(tmp_path, end):
    file = read(tmp_path, "a.mtx", "%%MatrixMarket matrix coordinate integer symmetric\n3 3 2\n2 1 1\n3 2 1" + end)
    np.testing.assert_array_equal(file.graph.bonds(), [[0, 1], [1, 2]])


def test_npz_that_holds_no_sparse_matrix(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.ones(3))
    with pytest.raises(ValueError, match="a matrix that scipy.sparse.save_npz wrote"):
        graph_files.read(tmp_path / "a.npz")
    sparse.save_npz(tmp_path / "a.npz", sparse.csr_array(np.ones((2, 3))))
    with pytest.raises(ValueError, match="square, got shape"):
        graph_files.read(tmp_path / "a.npz")


def parquet(folder, **columns):
    pd.DataFrame(columns).to_parquet(folder / "a.parquet")
    return graph_files.read(folder / "a.parquet")


def test_parquet_columns(tmp_path):
    file = parquet(tmp_path, weight=[0.1, 0.2], source=["a", "b"], target=["b", "c"])
    assert named(file) == [("a", "b"), ("b", "c")] and said(file, "from column 'source' to column 'target'")
    with pytest.raises(ValueError, match="which columns are the ends"):
        parquet(tmp_path, x=[1], y=[2], z=[3])
    with pytest.raises(ValueError, match="row 1 of column 'target' is empty"):
        parquet(tmp_path, source=["a", "b"], target=["b", None])


def test_metis_with_weights_and_isolated_nodes(tmp_path):
    file = read(tmp_path, "a.graph", "4 2 011 2\n9 9 2 7\n9 9 1 7 4 8\n9 9\n9 9 2 8\n")
    np.testing.assert_array_equal(file.graph.bonds(), [[0, 1], [1, 3]])
    assert file.graph.n_sites == 4 and said(file, "weights and sizes are not used")
    assert read(tmp_path, "b.graph", "3 1\n2\n1\n\n").graph.n_sites == 3


def test_pandas_and_networkx_agree_on_a_table(tmp_path):
    text = io.StringIO()
    table = nx.to_pandas_edgelist(KARATE)
    table.to_csv(text)
    file = read(tmp_path, "karate.csv", text.getvalue())
    np.testing.assert_array_equal(file.graph.bonds(), table[["source", "target"]].to_numpy())
