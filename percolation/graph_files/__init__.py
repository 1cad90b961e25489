"""Graphs from files: edge lists as people write them, and the formats of networkx, scipy, pandas, Pajek and METIS."""

import bz2
import gzip
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from percolation import checks
from percolation.graph_files import edge_lists, formats
from percolation.graph_files.parts import Parts
from percolation.graphs import Graph, from_edges

TABLES = (".txt", ".csv", ".tsv", ".edges", ".edgelist", ".parquet")
FORMATS: dict[str, Callable[[bytes], Parts]] = {
    ".graphml": formats.graphml,
    ".gexf": formats.gexf,
    ".gml": formats.gml,
    ".net": formats.pajek,
    ".mtx": formats.matrix_market,
    ".npz": formats.sparse_npz,
    ".graph": formats.metis,
}
PACKED: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.decompress, ".bz2": bz2.decompress}


@dataclass(frozen=True, eq=False)
class GraphFile:
    """A graph as a file has it. Made by `read`."""

    path: Path
    graph: Graph
    names: Sequence[str]  # of the sites
    remarks: tuple[str, ...]  # what was skipped, and how what is ambiguous was taken

    @property
    def n_self_loops(self) -> int:
        """Bonds from a site to itself, which join nothing."""
        return int((self.graph.edges[:, 0] == self.graph.edges[:, 1]).sum())

    @property
    def n_duplicates(self) -> int:
        """Bonds beyond the first between the same two sites, each of which opens on its own."""
        low, high = np.sort(self.graph.edges, axis=1).astype(np.int64).T
        return len(low) - len(np.unique(low * self.graph.n_sites + high))

    def __repr__(self) -> str:
        return (
            f"GraphFile({str(self.path)!r}: {self.graph.n_sites} nodes, {self.graph.n_bonds} edges, "
            f"{self.n_self_loops} self-loops, {self.n_duplicates} duplicates, {len(self.remarks)} remarks)"
        )


def read(
    path: str | os.PathLike[str],
    *,
    n_sites: int | None = None,
    nodes: Sequence[str] | None = None,
    header: bool | None = None,
) -> GraphFile:
    """The graph of a file, by the ending of its name; .gz and .bz2 of any.

    Edge lists (.txt, .csv, .tsv, .edges, .edgelist, KONECT's out.NAME): two names a line, between tabs, semicolons,
    commas or blanks, the same on all lines; "names in quotes" may hold any of them. Lines that begin with # or % are
    skipped, and a line of column names, which may say where the two are (source, target). .parquet: two columns.
    Sites are the integers in their order, where all names are integers; else the names in the order they are seen in.
    Bond k is edge k of the file.
    GraphML, GEXF, GML, Pajek (.net), MatrixMarket (.mtx), scipy.sparse (.npz) and METIS (.graph): their own nodes.

    Directions and weights are not used. A file of arcs or a matrix that is not symmetric gives one bond to a pair that
    is joined both ways.
    n_sites: of an edge list, to keep nodes without an edge. nodes: the names of all sites in their order, instead.
    header: whether the first line names columns; looked at if not given.
    """
    path = Path(path)
    ending = _ending(path)
    content = _content(path)
    own = [name for name, value in (("n_sites", n_sites), ("nodes", nodes), ("header", header)) if value is not None]
    if ending not in TABLES and own:
        raise ValueError(f"{own[0]} is for edge lists, but {path} lists its nodes itself; leave it out")
    try:
        if ending in TABLES:
            listed = edge_lists.parquet(content) if ending == ".parquet" else edge_lists.text(_decoded(content), header)
            parts = edge_lists.numbered(listed, n_sites, nodes)
        else:
            parts = FORMATS[ending](content)
        graph = from_edges(parts.edges, len(parts.names))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return GraphFile(path, graph, parts.names, tuple(parts.remarks))


def _ending(path: Path) -> str:
    """What says how to read it: .csv of roads.csv and of roads.csv.gz, .edges of KONECT's out.roads."""
    unpacked = path.with_suffix("") if path.suffix.lower() in PACKED else path
    if unpacked.name.startswith("out."):
        return ".edges"
    return checks.one_of("kind of file", unpacked.suffix.lower(), (*TABLES, *FORMATS))


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    unpack = PACKED.get(path.suffix.lower())
    if unpack is None:
        return content
    try:
        return unpack(content)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ValueError(f"{path} cannot be unpacked: {error}") from error


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise ValueError(f"not text in UTF-8: byte {error.start} is {byte:#x}") from error
