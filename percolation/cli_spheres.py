"""`percolation spheres`: the critical density of overlapping spheres."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from percolation.quantities import with_error
from percolation.terminal import Out, Run, Seed, Workers, few_runs, parse_dimensions, print_paths, print_table

if TYPE_CHECKING:
    from percolation.spheres_scan import SpheresScan

QUICK_RUNS, QUICK_POINTS = 32, 2**12  # as many as windings need; of an invasion


def spheres(
    dim: Annotated[str, typer.Option(help="Dimensions, of 2 to 10: 3, or 2,3,8, or 2..8.")] = "2..6",
    method: Annotated[
        str, typer.Option(help="wrapping (d = 2..4), invasion, or auto: the one whose error is the least.")
    ] = "auto",
    precision: Annotated[
        float | None, typer.Option(help="Stop in each dimension when the error of eta_c, one sigma, is down to this.")
    ] = None,
    time: Annotated[
        float | None, typer.Option(help="Seconds in all, shared by the dimensions; then the number of runs varies.")
    ] = None,
    runs: Annotated[
        int | None, typer.Option(help="Runs a dimension, instead; default 64 (invasion 16), seconds in all.")
    ] = None,
    points: Annotated[int | None, typer.Option(help="Points accepted by a run of an invasion; default 2^16.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help=f"{QUICK_RUNS} runs, and invasions of 2^12 points.")] = False,
    seed: Seed = 0,
    workers: Workers = 0,
    out: Out = Path("results/spheres"),
) -> None:
    """Critical density eta_c of overlapping spheres by simulation, beside the best values known; table and figure."""
    from percolation import plotting, spheres_scan

    runs = few_runs(QUICK_RUNS, runs, time, precision) if quick else runs
    points = QUICK_POINTS if quick and points is None else points
    dimensions = parse_dimensions(dim)
    how: dict[str, Any] = {"runs": runs, "time": time, "precision": precision, "n_points": points}
    run = Run.begin(out, seed=seed, workers=workers)
    scan = spheres_scan.scan(dimensions, method, **how, seed=seed, workers=workers)
    record = run.record({"dim": dimensions, "method": method} | how, runs_made={e.d: e.n_runs for e in scan.simulated})
    table = scan.table()
    print_spheres(scan)
    print_paths(run.write(table, record, **plotting.writers("spheres", plotting.spheres_figure(table))))


def print_spheres(scan: "SpheresScan") -> None:
    """A row a dimension: simulated beside known."""
    rows = []
    for e, r in zip(scan.simulated, scan.references, strict=True):
        degree = with_error(e.mean_degree, 2**e.d * e.error)
        rows.append([str(e.d), str(e), str(r), f"{e.z(r):+.1f}", degree, e.method.split(",")[0]])
    print_table("eta_c of overlapping spheres", ["d", "simulated", "reference", "z", "2^d eta_c", "method"], rows)
