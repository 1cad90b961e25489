"""The `percolation` command. Other packages add subcommands through the entry-point group percolation.commands."""

import re
import sys
import time
from concurrent.futures import BrokenExecutor
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import typer

from percolation import checks
from percolation.terminal import Out, Seed, Workers, print_paths, print_table

app = typer.Typer(
    help="High-dimensional percolation, theory and simulation, beside a real path finder on neural networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.command(
    epilog="Examples:  percolation threshold --dim 4,8,13 --time 20   |   percolation threshold --dim 2..13 --kind bond"
)
def threshold(
    dim: Annotated[str, typer.Option(help="Dimensions: 8, or 4,8,13, or 2..13.")] = "2..13",
    kind: Annotated[str, typer.Option(help="What is open or closed: site or bond.")] = "site",
    method: Annotated[
        str, typer.Option(help="invasion, leath (d >= 6), or auto: the more precise in equal time.")
    ] = "auto",
    time_: Annotated[
        float | None,
        typer.Option("--time", help="Seconds in all, shared by the dimensions; then the number of runs varies."),
    ] = None,
    runs: Annotated[
        int | None, typer.Option(help="Runs a dimension where no --time is given; default 16 (invasion), 64 (leath).")
    ] = None,
    sites: Annotated[int, typer.Option(help="Sites accepted by an invasion run.")] = 2**17,
    seed: Seed = 0,
    workers: Workers = 0,
    out: Out = Path("results/threshold"),
) -> None:
    """Thresholds p_c of the hypercubic lattice by invasion or Leath growth, beside the published values."""
    from percolation import dimension_scan, files  # numba loads only when a command needs it

    dimensions = parse_dimensions(dim)
    dimension_scan.check(dimensions, kind, method, time_)
    checks.seed(seed)
    checks.integer("workers", workers, at_least=0)
    folder = checks.output_folder(out)
    began = time.perf_counter()
    scan = dimension_scan.scan(
        dimensions, kind, method=method, n_runs=runs, n_sites=sites, seconds=time_, seed=seed, workers=workers
    )
    parameters = {"dim": dimensions, "kind": kind, "method": method, "runs": runs, "sites": sites, "time": time_}
    record = files.provenance(parameters, seed)
    record |= {
        "workers": workers,
        "seconds": time.perf_counter() - began,
        "runs_made": {d: one.n_runs for d, one in zip(scan.dimensions, scan.simulated, strict=True)},
    }
    table = scan.table()
    rows = [
        [str(d), str(e), str(r), f"{z:+.1f}", e.method.split(",")[0]]
        for d, e, r, z in zip(scan.dimensions, scan.estimates, scan.references, scan.z, strict=True)
    ]
    paths = files.write_run(folder, table, record)
    print_table(f"p_c of Z^d, {kind} percolation", ["d", "simulated", "reference", "z", "method"], rows)
    print_paths(paths)


@app.command(epilog="Examples:  percolation theory hypercubic --dim 13   |   percolation theory kagome")
def theory(
    lattice: Annotated[
        str, typer.Argument(help="hypercubic, n-cube, bethe, triangular, honeycomb, kagome, bcc or fcc.")
    ],
    dim: Annotated[
        int | None, typer.Option(help="Dimension d; n of the n-cube; neighbours z of the Bethe lattice.")
    ] = None,
) -> None:
    """What is known of p_c of a lattice: each formula with its value, standing and source."""
    from percolation.theory.known import known

    statements = known(lattice, dim)
    rows = [[one.kind, one.what, str(one.value), one.standing] for one in statements]
    print_table(f"p_c, {lattice}" + (f" {dim}" if dim else ""), ["kind", "what", "value", "standing"], rows)
    for source in dict.fromkeys(one.value.source for one in statements):
        typer.echo(f"- {source}")


def parse_dimensions(text: str) -> list[int]:
    """'4,8,13' or '2..13' or a mixture, as a list of dimensions without repeats, in the order given."""
    dimensions: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:\s*\.\.\s*(\d+))?\s*", part)
        if not match:
            raise ValueError(f"cannot read the dimensions {text!r}; expected 8, or 4,8,13, or 2..13")
        low, high = int(match[1]), int(match[2] or match[1])
        if low < 1 or high < low or high > 10_000:
            raise ValueError(f"dimensions run upwards from 1 to at most 10000, got {part.strip()!r}")
        dimensions += [d for d in range(low, high + 1) if d not in dimensions]
    return dimensions


def main() -> None:
    """Run the command line; bad input ends with one line and exit code 2."""
    for plugin in entry_points(group="percolation.commands"):
        command = plugin.load()
        app.command(plugin.name, epilog=getattr(command, "epilog", None))(command)
    try:
        status = app(standalone_mode=False)
    except (ValueError, OSError) as error:
        sys.exit(_complain(str(error)))
    except typer.TyperException as error:
        # without arguments the help has been printed, and there is nothing to say
        sys.exit(_complain(error.format_message()) if error.format_message() else 2)
    except (MemoryError, BrokenExecutor) as error:
        _complain(f"out of memory, or a worker died: {error}; try fewer --workers")
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("interrupted", err=True)
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)


def _complain(message: str) -> int:
    typer.echo(f"percolation: {' '.join(message.split())}", err=True)
    return 2
