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
    epilog="Examples:  percolation threshold --dim 4,8,13 --time 20   |   percolation threshold --lattice kagome "
    "--precision 1e-4   |   percolation threshold --dim 2..13 --kind bond --precision 1e-4"
)
def threshold(
    lattice: Annotated[
        str,
        typer.Option(help="hypercubic, triangular, honeycomb, kagome, bcc, fcc, the root lattices A, D, E, or n-cube."),
    ] = "hypercubic",
    dim: Annotated[
        str | None, typer.Option(help="Dimensions: 8, or 4,8,13, or 2..13, the default where the lattice has many.")
    ] = None,
    kind: Annotated[str, typer.Option(help="What is open or closed: site or bond.")] = "site",
    method: Annotated[
        str,
        typer.Option(help="wrapping (d = 2..4), invasion, leath (d >= 3), window (n-cube), or auto: the best of them."),
    ] = "auto",
    precision: Annotated[
        float | None, typer.Option(help="Stop in each dimension when the error of p_c, one sigma, is down to this.")
    ] = None,
    time_: Annotated[
        float | None,
        typer.Option("--time", help="Seconds in all, shared by the dimensions; then the number of runs varies."),
    ] = None,
    runs: Annotated[
        int | None, typer.Option(help="Runs a dimension, instead; default 64 (invasion 16), seconds in all.")
    ] = None,
    sites: Annotated[int, typer.Option(help="Sites accepted by an invasion run.")] = 2**17,
    seed: Seed = 0,
    workers: Workers = 0,
    out: Out = Path("results/threshold"),
) -> None:
    """Thresholds p_c of a lattice by simulation, beside the best values known; with a table and a figure."""
    from percolation import dimension_scan, families, files, plotting  # numba loads only when a command needs it

    checks.one_of("lattice", lattice, dimension_scan.LATTICES)
    its_own = None if lattice == "n-cube" else families.dimension(lattice)
    dimensions = (
        [its_own] if its_own and dim is None else parse_dimensions(_dimensions_of(lattice) if dim is None else dim)
    )
    dimension_scan.check(dimensions, kind, lattice, method, runs, sites, time_, precision)
    checks.seed(seed)
    checks.integer("workers", workers, at_least=0)
    folder = checks.output_folder(out)
    began = time.perf_counter()
    scan = dimension_scan.scan(
        dimensions,
        kind,
        lattice=lattice,
        method=method,
        n_runs=runs,
        n_sites=sites,
        seconds=time_,
        precision=precision,
        seed=seed,
        workers=workers,
    )
    parameters = {"lattice": lattice, "dim": dimensions, "kind": kind, "method": method, "precision": precision}
    record = files.provenance(parameters | {"time": time_, "runs": runs, "sites": sites}, seed)
    record |= {
        "workers": workers,
        "seconds": time.perf_counter() - began,
        "runs_made": {d: one.n_runs for d, one in zip(scan.dimensions, scan.simulated, strict=True)},
    }
    table = scan.table()
    figure = plotting.writers("threshold", plotting.thresholds_figure(table, scan.series))
    rows = [
        [str(d), str(e), str(r) if r.source != "none" else "", f"{z:+.1f}" if z == z else "", e.method.split(",")[0]]
        for d, e, r, z in zip(scan.dimensions, scan.estimates, scan.references, scan.z, strict=True)
    ]
    paths = files.write_run(folder, table, record, **figure)
    name = {"hypercubic": "Z^d", "n-cube": "the n-cube"}.get(lattice, f"{lattice}_d" if its_own is None else lattice)
    print_table(f"p_c of {name}, {kind} percolation", ["d", "simulated", "reference", "z", "method"], rows)
    print_paths(paths)


@app.command(epilog="Examples:  percolation theory hypercubic --dim 13   |   percolation theory kagome")
def theory(
    lattice: Annotated[
        str, typer.Argument(help="hypercubic, n-cube, hamming, bethe, D, triangular, honeycomb, kagome, bcc or fcc.")
    ],
    dim: Annotated[
        int | None, typer.Option(help="Dimension d; n of the n-cube; neighbours z of the Bethe lattice.")
    ] = None,
    q: Annotated[int | None, typer.Option("--q", help="Letters of the Hamming graph H(d, q).")] = None,
) -> None:
    """What is known of p_c of a lattice: each formula with its value, standing and source."""
    from percolation.theory.known import known

    statements = known(lattice, dim, q)
    rows = [[one.kind, one.what, str(one.value), one.standing] for one in statements]
    print_table(f"p_c, {lattice}" + (f" {dim}" if dim else ""), ["kind", "what", "value", "standing"], rows)
    for source in dict.fromkeys(one.value.source for one in statements):
        typer.echo(f"- {source}")


def _dimensions_of(lattice: str) -> str:
    """All dimensions of a family that are worth a row."""
    return {"hypercubic": "2..13", "A": "2..8", "D": "3..13", "E": "6..8", "n-cube": "10..16"}[lattice]


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
