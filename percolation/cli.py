"""The `percolation` command. Other packages add subcommands through the entry-point group percolation.commands."""

import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from percolation import checks, cli_runs
from percolation.cli_graph import graph
from percolation.cli_spheres import spheres
from percolation.long_runs import DryRun, LocalCluster, LongRun, Resume, Scheduler, StoreFile
from percolation.terminal import Out, Run, Seed, Workers, few_runs, parse_dimensions, print_paths, print_table

if TYPE_CHECKING:
    from percolation.dimension_scan import DimensionScan

QUICK_RUNS = 8  # of `threshold --quick`
app = typer.Typer(
    help="High-dimensional percolation, theory and simulation, beside a real path finder on neural networks.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
# groups of commands in the help, by job
LATTICES, NETWORKS, RUNS = "Lattices and graphs", "Networks", "Finished runs"
TO_TRY = (
    ("percolation threshold --lattice kagome", "p_c by simulation beside the known value, in seconds"),
    ("percolation graph FILE", "your own graph: its largest cluster beside theory"),
    ("percolation connect --network cnn1d --data mnist1d --pairs 5", "paths between low-loss inputs of a network"),
)


@app.callback()
def welcome(context: typer.Context) -> None:
    """High-dimensional percolation, theory and simulation, beside a real path finder on neural networks."""
    if context.invoked_subcommand is None:
        width = max(len(example) for example, _ in TO_TRY)
        typer.echo("Three things to try:\n")
        for example, what in TO_TRY:
            typer.echo(f"  {example:{width}}  {what}")
        typer.echo("\nAll commands: percolation --help; the options of one: percolation COMMAND --help")


app.add_typer(cli_runs.app, name="runs", rich_help_panel=RUNS)
app.command(
    rich_help_panel=LATTICES,
    epilog="Examples:  percolation graph roads.csv   |   percolation graph out.club.gz --kind site --runs 1000",
)(graph)
app.command(
    rich_help_panel=LATTICES,
    epilog="Examples:  percolation spheres --dim 2..8 --quick   |   percolation spheres --dim 2 --precision 1e-3",
)(spheres)
app.command(rich_help_panel=RUNS, epilog="Example:  percolation report scan.db -o report.html")(cli_runs.report)


@app.command(
    rich_help_panel=LATTICES,
    epilog="Examples:  percolation threshold --dim 4,8,13 --time 20   |   percolation threshold --lattice kagome "
    "--precision 1e-4   |   percolation threshold --dim 2..13 --kind bond --precision 1e-4   |   percolation threshold "
    "--dim 14..20 --method leath --p series --clusters 5000 --precision 1e-6 --relative --store p_c.sqlite   "
    "|   percolation threshold --dim 2..4 --shells 2 --quick",
)
def threshold(
    lattice: Annotated[
        str,
        typer.Option(
            help="hypercubic, triangular, honeycomb, kagome, Lieb, bcc, fcc, the root lattices A, D, E, or n-cube."
        ),
    ] = "hypercubic",
    dim: Annotated[
        str | None, typer.Option(help="Dimensions: 8, or 4,8,13, or 2..13, the default where the lattice has many.")
    ] = None,
    shells: Annotated[
        int, typer.Option(help="Neighbours of Z^d: those at the first so many distances; 2 adds the diagonal ones.")
    ] = 1,
    kind: Annotated[str, typer.Option(help="What is open or closed: site or bond.")] = "site",
    method: Annotated[
        str,
        typer.Option(
            help="wrapping (d = 2..4), invasion, leath (d >= 3), crossing, window (n-cube), or auto: the best of them."
        ),
    ] = "auto",
    precision: Annotated[
        float | None, typer.Option(help="Stop in each dimension when the error of p_c, one sigma, is down to this.")
    ] = None,
    relative: Annotated[bool, typer.Option("--relative", help="The precision is one in units of p_c.")] = False,
    time_: Annotated[
        float | None,
        typer.Option("--time", help="Seconds in all, shared by the dimensions; then the number of runs varies."),
    ] = None,
    runs: Annotated[
        int | None,
        typer.Option(help="Runs a dimension, instead; default 64 (invasion 16, crossing 400), seconds in all."),
    ] = None,
    sites: Annotated[int | None, typer.Option(help="Sites accepted by an invasion run; default 2^17.")] = None,
    p: Annotated[
        str | None,
        typer.Option(
            "--p", help="Where leath or wrapping grow clusters, near p_c: a number, or series; else pilots say."
        ),
    ] = None,
    clusters: Annotated[
        int | None, typer.Option(help="Clusters of a run of leath; default 500 (d = 3, 4 fewer).")
    ] = None,
    generations: Annotated[
        int | None, typer.Option(help="Generations of leath's clusters; default 64 (256 to 1024 below d = 10).")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help=f"{QUICK_RUNS} runs, and invasions of 2^13 sites.")] = False,
    seed: Seed = 0,
    workers: Workers = 0,
    store: StoreFile = None,
    resume: Resume = True,
    dry_run: DryRun = False,
    scheduler: Scheduler = None,
    local_cluster: LocalCluster = None,
    out: Out = Path("results/threshold"),
) -> None:
    """Thresholds p_c of a lattice by simulation, beside the best values known; with a table and a figure."""
    from percolation import dimension_scan, plotting  # numba loads only when a command needs it

    dimensions = _dimensions_of(lattice, WIDE_DIMENSIONS if dim is None and shells > 1 else dim)
    runs = few_runs(QUICK_RUNS, runs, time_, precision) if quick else runs
    sites = (2**13 if quick else 2**17) if sites is None else sites
    options: dict[str, Any] = {
        "relative": relative,
        "p": _p_of(p),
        "n_clusters": clusters,
        "n_generations": generations,
        "shells": shells,
    }
    plan = dimension_scan.Plan(dimensions, kind, lattice, method, runs, sites, time_, precision, **options)
    long = LongRun("threshold", out, store, resume, dry_run, scheduler, local_cluster)
    run = Run.begin(out, seed=seed, workers=workers, dry_run=dry_run)
    if dry_run and (time_ is not None or precision is not None):
        typer.echo("The first runs alone: how many more there will be follows from them.")
    scan = long(lambda: plan.carry_out(seed=seed, workers=workers))
    parameters = {
        "lattice": lattice,
        "dim": dimensions,
        "kind": kind,
        "method": method,
        "precision": precision,
    } | options
    runs_made = {d: one.n_runs for d, one in zip(scan.dimensions, scan.simulated, strict=True)}
    record = run.record(parameters | {"time": time_, "runs": runs, "sites": sites}, runs_made=runs_made)
    table = scan.table()
    paths = run.write(table, record, **plotting.writers("threshold", plotting.thresholds_figure(table, scan.series)))
    print_thresholds(scan)
    print_paths(paths)


def print_thresholds(scan: "DimensionScan") -> None:
    """A row a dimension: simulated beside known."""
    from percolation import lattices

    rows = [
        [str(d), str(e), str(r) if r.source != "none" else "", f"{z:+.1f}" if z == z else "", e.method.split(",")[0]]
        for d, e, r, z in zip(scan.dimensions, scan.simulated, scan.references, scan.z, strict=True)
    ]
    name = {"hypercubic": "Z^d", "n-cube": "the n-cube"}.get(scan.lattice)
    if scan.shells > 1:
        name = f"Z^d, {scan.shells} shells of neighbours"
    if name is None:
        name = f"{scan.lattice}_d" if lattices.dimension(scan.lattice) is None else scan.lattice
    print_table(f"p_c of {name}, {scan.kind} percolation", ["d", "simulated", "reference", "z", "method"], rows)


@app.command(
    rich_help_panel=LATTICES,
    epilog="Examples:  percolation theory hypercubic --dim 13   |   percolation theory kagome   "
    "|   percolation theory series",
)
def theory(
    lattice: Annotated[
        str,
        typer.Argument(
            help="hypercubic, n-cube, hamming, bethe, D, triangular, honeycomb, kagome, Lieb, bcc, fcc, gaussian or "
            "smooth; or series: how far that of hypercubic holds."
        ),
    ],
    dim: Annotated[
        int | None, typer.Option(help="Dimension d; n of the n-cube; neighbours z of the Bethe lattice.")
    ] = None,
    q: Annotated[int | None, typer.Option("--q", help="Letters of the Hamming graph H(d, q).")] = None,
) -> None:
    """What is known of p_c of a lattice: each formula with its value, standing and source."""
    from percolation.theory.known import known

    if lattice == "series":
        print_series(dim, q)
        return
    statements = known(lattice, dim, q)
    rows = [[one.kind, one.what, str(one.value), one.standing] for one in statements]
    print_table(f"p_c, {lattice}" + (f" {dim}" if dim else ""), ["kind", "what", "value", "standing"], rows)
    for source in dict.fromkeys(one.value.source for one in statements):
        typer.echo(f"- {source}")


def print_series(d: int | None, q: int | None) -> None:
    """The series of Z^d beside p_c in d = 8 to 20 or one of them, and with its next terms as these tell them."""
    from percolation.theory import series

    if q is not None:
        raise ValueError(f"only the Hamming graph has letters, got q={q} for series; leave --q out")
    for kind in checks.KINDS:
        more = series.continued(kind)
        rows = []
        for k in series.DIMENSIONS if d is None else [checks.integer("d", d, at_least=series.DIMENSIONS[0])]:
            continued = more.threshold(k)
            told = ["", "", "", str(continued), ""]  # nothing is known beside the series
            for one in series.held(kind, [k] if k in series.DIMENSIONS else []):
                of_six = [f"{one.relative:+.1e}", f"{one.in_errors:+.3g}"]
                told = [str(one.p_c), *of_six, str(continued), f"{continued.z(one.p_c):+.1f}"]
            rows.append([str(k), *told])
        header = ["d", "p_c", "six terms", "in errors", "with more terms", "z"]
        print_table(f"Series / p_c - 1, Z^d, {kind}s", header, rows)
        next_terms = ", ".join(f"c_{k} = {more.coefficient(k)}" for k in (7, 8))
        last = f"chi^2 = {more.chi2:.1f} of {len(more.dimensions)} thresholds"
        typer.echo(
            f"next terms in 1/(2d-1) by d = {more.dimensions[0]} to {more.dimensions[-1]}: {next_terms}; {last}\n"
        )


# what is said to those who look for options that other commands have
NOT_RANDOM = dict.fromkeys(
    ("--pairs", "--quick", "--device", "--seed", "--workers"), "nothing is drawn or searched here"
)
ON_THE_CPU = {"--pairs": "--runs says how many realisations", "--device": "it runs on the CPU, on so many --workers"}
threshold.instead = graph.instead = spheres.instead = ON_THE_CPU  # type: ignore[attr-defined]
theory.instead = NOT_RANDOM | {"--out": "it prints only; > FILE keeps that"}  # type: ignore[attr-defined]
cli_runs.report.instead = NOT_RANDOM  # type: ignore[attr-defined]


# all dimensions of a family that are worth a row
DEFAULT_DIMENSIONS = {"hypercubic": "2..13", "A": "2..8", "D": "3..13", "E": "6..8", "n-cube": "10..16"}
WIDE_DIMENSIONS = "2..6"  # of wide neighbourhoods


def _dimensions_of(lattice: str, dim: str | None) -> list[int]:
    """Those asked for; else the lattice's own, or all of its family that are worth a row."""
    from percolation import lattices

    its_own = lattices.dimension(lattice)
    if its_own and dim is None:
        return [its_own]
    return parse_dimensions(DEFAULT_DIMENSIONS[lattice] if dim is None else dim)


def _p_of(text: str | None) -> float | str | None:
    """A number, or the word for what the series says."""
    try:
        return text if text in (None, "series") else float(text)
    except ValueError:
        raise ValueError(f"p is a number near p_c, or series, got {text!r}") from None


def main() -> None:
    """Run the command line; bad input ends with one line and exit code 2."""
    for plugin in entry_points(group="percolation.commands"):
        add(plugin)
    # the help has its panels in the order of their first commands: those that other packages name before the last
    app.registered_commands.sort(key=lambda one: (one.rich_help_panel == RUNS, one.rich_help_panel != LATTICES))
    try:
        status = app(standalone_mode=False)
    except (ValueError, OSError, ImportError) as error:  # ImportError: of a package that an extra installs
        sys.exit(_complain(str(error)))
    except typer.TyperException as error:
        # a group without arguments has printed its help, and there is nothing to say
        sys.exit(_complain(error.format_message() + _instead(error)) if error.format_message() else 2)
    except (MemoryError, BrokenExecutor) as error:
        said = f": {error}" if str(error) else ""
        _complain(f"out of memory, or a worker died{said}; reduce the size, or try fewer --workers")
        sys.exit(1)
    except RuntimeError as error:
        if "allocate memory" not in str(error) and "out of memory" not in str(error):  # torch has no class for it
            raise
        _complain("out of memory; reduce the size, the pairs or the batch, or try fewer --workers")
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("interrupted", err=True)
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)


def add(plugin: EntryPoint) -> None:
    """Another package's command, in the group that it names as `panel`, once.

    Where what it needs is not installed, one that only says so.
    """
    if plugin.name in (known.name for known in app.registered_commands):  # every command costs each call time
        return
    try:
        command: Callable[..., None] = plugin.load()
        anything = {}
    except ImportError as error:
        command = _not_installed(str(error))
        anything = {"ignore_unknown_options": True, "allow_extra_args": True}
    epilog, panel = getattr(command, "epilog", None), getattr(command, "panel", NETWORKS)
    app.command(plugin.name, epilog=epilog, rich_help_panel=panel, context_settings=anything)(command)


def _not_installed(reason: str) -> Callable[[], None]:
    def command() -> None:
        raise ImportError(reason)

    command.__doc__ = escape(f"Not installed: {reason}")
    return command


def _instead(error: typer.TyperException) -> str:
    """What the command has instead of an option that others have, where it says so."""
    context, option = getattr(error, "ctx", None), getattr(error, "option_name", None)
    for known in app.registered_commands:
        if context is not None and context.info_name == (known.name or getattr(known.callback, "__name__", "")):
            way = getattr(known.callback, "instead", {}).get(option)
            return f"; {way}" if way else ""
    return ""


def _complain(message: str) -> int:
    typer.echo(f"percolation: {' '.join(message.split())}", err=True)
    return 2
