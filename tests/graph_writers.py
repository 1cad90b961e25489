"""Graphs written to files by others' writers, in every format that `percolation.graph_files` reads."""

import bz2
import gzip

import networkx as nx
import pandas as pd
from scipy import io, sparse


def write(graph, path):
    """A simple networkx graph of the nodes 0 ... n - 1, each with a neighbour, written as the path's ending says."""
    pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(path.suffix)
    if pack is not None:
        path.write_bytes(pack(write(graph, path.with_suffix("")).read_bytes()))
        return path
    WRITERS[path.suffix](graph, path)
    return path


def _lines(separator):
    def write(graph, path):
        path.write_text("# edges\n" + "".join(f"{u}{separator}{v}\n" for u, v in graph.edges))

    return write


def _metis(graph, path):
    rows = [" ".join(str(j + 1) for j in graph[i]) for i in range(len(graph))]
    path.write_text("% a comment\n" + "\n".join([f"{len(graph)} {graph.number_of_edges()}", *rows]) + "\n")


WRITERS = {
    ".txt": _lines(" "),
    ".edges": _lines(" "),
    ".edgelist": nx.write_edgelist,
    ".csv": _lines(","),
    ".tsv": _lines("\t"),
    ".parquet": lambda graph, path: pd.DataFrame(graph.edges, columns=["source", "target"]).to_parquet(path),
    ".graphml": nx.write_graphml,
    ".gexf": nx.write_gexf,
    ".gml": nx.write_gml,
    ".net": nx.write_pajek,
    ".mtx": lambda graph, path: io.mmwrite(path, sparse.coo_array(nx.to_scipy_sparse_array(graph))),
    ".npz": lambda graph, path: sparse.save_npz(path, nx.to_scipy_sparse_array(graph)),
    ".graph": _metis,
}
