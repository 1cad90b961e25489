"""Formats that list their nodes: networkx's, matrices of scipy, Pajek and METIS. Bytes in, `Parts` out."""

import io
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import networkx as nx
import numpy as np
from scipy import io as scipy_io
from scipy import sparse

from percolation import checks
from percolation.graph_files.parts import Parts

GEXF_READ = b"http://www.gexf.net/1.2draft"  # what networkx reads; 1.3, Gephi's of today, differs in nothing used here
BOTH_WAYS = "directions are not used; a pair joined both ways is one bond: {}"


def graphml(content: bytes) -> Parts:
    return _networkx("GraphML", lambda: nx.read_graphml(io.BytesIO(content), force_multigraph=True))


def gexf(content: bytes) -> Parts:
    known = re.sub(rb"http://(www\.)?gexf\.net/1\.\d(draft)?(?=[\"'])", GEXF_READ, content)
    return _networkx("GEXF", lambda: nx.read_gexf(io.BytesIO(known)))


def gml(content: bytes) -> Parts:
    """Labels may repeat or lack, and edges too: nodes go by their id."""

    def read() -> nx.Graph:
        text = content.decode("utf-8-sig").encode("ascii", "xmlcharrefreplace").decode()
        if not re.search(r"\bmultigraph\s+\d", text):
            text = re.sub(r"\bgraph(\s*)\[", r"graph\1[ multigraph 1 ", text, count=1)
        return nx.parse_gml(text.splitlines(), label="id")

    return _networkx("GML", read)


def matrix_market(content: bytes) -> Parts:
    """scipy 1.17 runs past the end, and the process dies, where NUL bytes or an open last line follow an entry."""
    if b"\0" in content:
        raise ValueError("not MatrixMarket: it holds NUL bytes, which no text has")
    sizes = re.match(rb"%%MatrixMarket.*\n(?:%.*\n|\s*\n)*\s*(\d{1,18})\s+(\d{1,18})", content)
    if sizes:  # before scipy makes room for them
        dense = b"array" in content.split(b"\n", 1)[0].lower()
        _checked_matrix((int(sizes[1]), int(sizes[2])), dense)
    with _in_words("MatrixMarket that scipy reads"):
        matrix = scipy_io.mmread(io.BytesIO(content + b"\n"), spmatrix=False)
    return _matrix(sparse.coo_array(matrix))


def sparse_npz(content: bytes) -> Parts:
    with _in_words("a matrix that scipy.sparse.save_npz wrote"):
        matrix = sparse.load_npz(io.BytesIO(content))
    return _matrix(sparse.coo_array(matrix))


def pajek(content: bytes) -> Parts:
    """Own reader: networkx's takes `*Arcs :1 "name"` for an edge, merges equal labels and skips *Edgeslist."""
    labels: dict[int, str] = {}
    edges: list[tuple[int, int]] = []
    section, n, directed = "", 0, False
    for k, line in enumerate(content.decode("utf-8-sig", "replace").splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("%"):
            continue
        with _in_words(f"Pajek: line {k}, {line!r:.40}"):
            if line.startswith("*"):
                section, *sizes = line.lower().split()
                if section == "*vertices":
                    n = int(sizes[0])
                    checks.memory(f"{n} vertices", 100.0 * n, "cut the graph")
                elif section not in ("*network", "*edges", "*arcs", "*edgeslist", "*arcslist"):
                    raise ValueError(f"a section {section} is not read; write *Edges")
                directed |= section.startswith("*arcs")
            elif section == "*vertices":
                words = shlex.split(line) if '"' in line else line.split()
                labels[int(words[0])] = words[1] if len(words) > 1 else words[0]
            elif section in ("*edges", "*arcs"):
                one, other = map(int, line.split()[:2])
                edges.append((one - 1, other - 1))
            elif section:
                one, *others = map(int, line.split())
                edges += [(one - 1, other - 1) for other in others]
    named = {*labels, *(end + 1 for pair in edges for end in pair)}
    if any(not 1 <= number <= n for number in named):
        raise ValueError(f"not Pajek: vertices are 1 ... {n}, got {min(named)} ... {max(named)}")
    remarks, pairs = [], np.array(edges, dtype=np.int64).reshape(-1, 2)
    if directed:
        pairs, merged = _undirected(pairs)
        remarks.append(BOTH_WAYS.format(merged))
    return Parts([labels.get(number, str(number)) for number in range(1, n + 1)], pairs, remarks)


def metis(content: bytes) -> Parts:
    """Line 1: n m [fmt [ncon]]; line 1 + i: [size] [ncon weights] then the neighbours of i from 1 [each with a weight].

    Source: METIS 5.1 manual, Sec. 4.1.1.
    """
    lines = [line for line in content.decode("utf-8-sig", "replace").splitlines() if not line.startswith("%")]
    with _in_words("METIS"):
        n, m, *more = map(int, lines[0].split())
        form = f"{more[0] if more else 0:03d}"
        skipped = (form[0] == "1") + (form[1] == "1") * (more[1] if len(more) > 1 else 1)
        step = 1 + (form[2] == "1")
        rows = [[int(word) for word in line.split()][skipped::step] for line in lines[1 : n + 1]]
    if len(lines) - 1 < n or any(line.strip() for line in lines[n + 1 :]):
        raise ValueError(f"not METIS: {n} nodes, but {len(lines) - 1} lines of neighbours")
    if beyond := [j for row in rows for j in row if not 1 <= j <= n]:
        raise ValueError(f"not METIS: nodes are 1 ... {n}, got the neighbour {beyond[0]}")
    if any(i == j - 1 for i, row in enumerate(rows) for j in row):
        raise ValueError("not METIS: a node is its own neighbour")
    half = np.array([(i, j - 1) for i, row in enumerate(rows) for j in row], dtype=np.int64).reshape(-1, 2)
    forward, back = half[half[:, 0] < half[:, 1]], half[half[:, 0] > half[:, 1]][:, ::-1]
    if len(half) != 2 * m or not np.array_equal(_sorted(forward), _sorted(back)):
        raise ValueError(
            f"not METIS: {m} edges are {2 * m} neighbours, j of i and i of j for each; got {len(half)}, or other pairs"
        )
    said = ["weights and sizes are not used"] if form != "000" else []
    return Parts([str(i) for i in range(1, n + 1)], forward, said)


def _networkx(format_: str, read: Callable[[], nx.Graph]) -> Parts:
    with _in_words(f"{format_} that networkx reads"):
        graph = read()
    if not len(graph):
        raise ValueError("it holds no node")
    number = {node: site for site, node in enumerate(graph.nodes)}
    pairs = np.array([(number[edge[0]], number[edge[1]]) for edge in graph.edges], dtype=np.int64).reshape(-1, 2)
    names = [str(label) for _, label in graph.nodes(data="label")]
    if format_ != "GML" or "None" in names or len(set(names)) < len(names):
        names = [str(node) for node in graph.nodes]
    remarks = []
    if graph.is_directed():
        pairs, merged = _undirected(pairs)
        remarks.append(BOTH_WAYS.format(merged))
    attributes = sorted({str(name) for *_, data in graph.edges(data=True) for name in data} - {"id"})
    if attributes:
        remarks.append(f"attributes of edges are not read: {', '.join(attributes):.80}")
    return Parts(names, pairs, remarks)


def _matrix(matrix: sparse.coo_array) -> Parts:
    """A bond for every pair i <= j of which one entry is not zero, in row order."""
    _checked_matrix(matrix.shape, dense=False)
    row, column = (np.asarray(one)[matrix.data != 0].astype(np.int64) for one in (matrix.row, matrix.col))
    n = matrix.shape[0]
    keys = np.unique(row * n + column)
    pairs = np.stack([keys // n, keys % n], axis=1)
    upper = np.unique(np.sort(pairs, axis=1), axis=0)
    remarks = []
    if zeros := int((matrix.data == 0).sum()):
        remarks.append(f"entries that are stored and zero are no edges: {zeros}")
    if repeated := len(row) - len(keys):
        remarks.append(f"entries given twice are one bond: {repeated}")
    one_way = len(np.unique(np.concatenate([keys, pairs[:, 1] * n + pairs[:, 0]]))) - len(keys)
    if one_way:
        remarks.append(f"not symmetric: {one_way} pairs have an entry on one side only, which is taken as a bond")
    if len(keys) and (matrix.data != 1).any():
        remarks.append("values of the entries are not used")
    return Parts([str(i) for i in range(n)], upper, remarks)


def _checked_matrix(shape: Sequence[int], dense: bool) -> None:
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"an adjacency matrix is square, got shape {tuple(shape)}")
    checks.memory(f"a matrix of {shape[0]} rows", 100.0 * shape[0] + (8.0 * shape[0] ** 2 if dense else 0), "cut it")


def _undirected(arcs: np.ndarray) -> tuple[np.ndarray, int]:
    """Arcs as bonds: of those between i and j as many as lead one way, the way of more; and how many were left out."""
    seen: dict[tuple[int, int], int] = {}
    kept = []
    for one, other in arcs.tolist():
        seen[one, other] = seen.get((one, other), 0) + 1
        kept.append(one == other or seen[one, other] > seen.get((other, one), 0))
    return arcs[np.array(kept, dtype=bool)], len(arcs) - sum(kept)


def _sorted(pairs: np.ndarray) -> np.ndarray:
    return pairs[np.lexsort(pairs.T)]


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    """Errors of a reader as a ValueError: of damaged files libraries raise many kinds."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"not {what}: {error or type(error).__name__}") from error
