"""`percolation graph`: a graph of the user's, from a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from percolation.terminal import Out, Run, Seed, Workers, print_paths, print_table

if TYPE_CHECKING:
    from percolation.graph_files import GraphFile
    from percolation.graph_scan import GraphScan

SHOWN = 11  # rows of the table on the screen


def graph(
    file: Annotated[
        Path,
        typer.Argument(
            help="Edge list (.txt, .csv, .tsv, .edges, .edgelist, out.NAME, .parquet), .graphml, .gexf, .gml, .net, "
            ".mtx, .npz or .graph; .gz and .bz2 of any.",
            show_default=False,
        ),
    ],
    kind: Annotated[str, typer.Option(help="What is open or closed: site or bond.")] = "bond",
    runs: Annotated[int | None, typer.Option(help="Realisations; default 100.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="20 realisations, unless --runs says more.")] = False,
    sites: Annotated[int | None, typer.Option(help="Nodes in all, to keep those without an edge.")] = None,
    nodes: Annotated[Path | None, typer.Option(help="File of all names of nodes, one a line, instead.")] = None,
    header: Annotated[
        bool | None,
        typer.Option("--header/--no-header", help="Whether the first line names columns; looked at if not said."),
    ] = None,
    seed: Seed = 0,
    workers: Workers = 0,
    out: Out = Path("results/graph"),
) -> None:
    """What a graph file holds and how it was taken; its largest cluster beside theory, with a table and a figure."""
    from percolation import checks, graph_files, graph_scan, plotting, seeds

    checks.kind(kind)
    runs = checks.integer("runs", (20 if quick else 100) if runs is None else runs, at_least=1)
    checks.memory(f"{runs} runs", seeds.BYTES * runs, "reduce --runs")
    names = None if nodes is None else [line.strip() for line in nodes.read_text("utf-8").splitlines() if line.strip()]
    read = graph_files.read(file, n_sites=sites, nodes=names, header=header)
    run = Run.begin(out, seed=seed, workers=workers)
    print_file(read)
    found = graph_scan.scan(read.graph, kind, n_realisations=runs, seed=seed, workers=workers)
    print_scan(found)
    parameters = {"file": file, "kind": kind, "runs": runs, "sites": sites, "nodes": nodes, "header": header}
    held = {"held": dict(counts(read)), "remarks": list(read.remarks), "theory": found.theory, "p_c": found.p_c}
    figure = plotting.graph_figure(found.table, kind, found.theory)
    print_paths(run.write(found.table, run.record(parameters, **held), **plotting.writers("graph", figure)))


def counts(read: "GraphFile") -> list[tuple[str, int]]:
    """What the file holds, by name."""
    import numpy as np
    from scipy.sparse import csgraph, csr_array

    graph = read.graph
    shape = (graph.n_sites, graph.n_sites)
    n_components, component = csgraph.connected_components(
        csr_array((graph.indices >= 0, graph.indices, graph.indptr), shape=shape), directed=False
    )
    return [
        ("nodes", graph.n_sites),
        ("edges", graph.n_bonds),
        ("self-loops", read.n_self_loops),
        ("duplicates", read.n_duplicates),
        ("nodes without an edge", int((graph.indptr[1:] == graph.indptr[:-1]).sum())),
        ("components", int(n_components)),
        ("nodes of the largest", int(np.bincount(component).max())),
    ]


def print_file(read: "GraphFile") -> None:
    """What it holds, and a line for everything that was skipped or taken one way of several."""
    print_table(str(read.path), ["", "n"], [[what, str(n)] for what, n in counts(read)])
    for remark in read.remarks:
        typer.echo(f"- {remark}")
    if read.remarks:
        typer.echo()


def print_scan(found: "GraphScan") -> None:
    """P(p), its error and the giant component at some p, and where it emerges."""
    table = found.table.iloc[:: max(len(found.table) // (SHOWN - 1), 1)]
    rows = [
        [f"{row.p:.3f}", f"{row.strength:.4f}", f"{row.strength_error:.4f}", f"{row.giant:.4f}"]
        for row in table.itertuples()
    ]
    print_table(f"Largest cluster, {found.kind} percolation", ["p", "simulated", "error", found.theory], rows)
    emerges = f"from p = {found.p_c:.4g} on" if found.p_c <= 1 else "at no p"
    typer.echo(f"giant component by {found.theory}: {emerges}; largest mean cluster size: at p = {found.peak:.3g}")
