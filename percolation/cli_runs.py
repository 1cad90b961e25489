"""`percolation runs` and `percolation report`: what a store holds, and what can be done with it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from percolation.runs import tools
from percolation.runs.ensemble import from_store
from percolation.runs.store import Store
from percolation.terminal import print_paths, print_table

app = typer.Typer(help="Finished runs in a store: list, show, export, verify, merge, gc.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="The store, as given to --store.", show_default=False)]
Experiment = Annotated[str | None, typer.Option(help="Name of the experiment; not needed where there is one.")]
Code = Annotated[str | None, typer.Option(help="Version of the code, as `list` shows it; default the newest.")]


@app.command("list", epilog="Example:  percolation runs list scan.db")
def list_(store: File) -> None:
    """Experiments in the store, with their results and failures by version of the code."""
    with Store(store, read_only=True) as opened:
        rows = [[str(value) for value in row] for row in tools.experiments(opened)]
    print_table(str(store), ["experiment", "code", "results", "failed"], rows)


@app.command(epilog="Example:  percolation runs show scan.db --experiment threshold")
def show(store: File, experiment: Experiment = None, code: Code = None) -> None:
    """Means and errors of an experiment, case by case, the tasks that failed, and what made the results."""
    with Store(store, read_only=True) as opened:
        name = _experiment(opened, experiment)
        chosen = opened.with_code(code or tools.latest_code(opened, name))
        found = from_store(chosen, name)
        made = tools.machines(chosen)
    table = found.table()
    rows = [[_text(value) for value in row] for row in table.itertuples(index=False)]
    print_table(f"{name or store}, code {chosen.code}", [str(column) for column in table.columns], rows)
    for failure in found.failures[:10]:
        typer.echo(str(failure))
    if len(found.failures) > 10:
        typer.echo(f"and {len(found.failures) - 10} more that failed")
    for other, n in found.kept_apart.items():
        typer.echo(f"{n} results of code {other} are kept apart; see them with --code")
    for record in made:
        typer.echo(f"made by {json.dumps(record)}")


@app.command(epilog="Example:  percolation runs export scan.db scan.parquet --experiment threshold")
def export(
    store: File,
    out: Annotated[Path, typer.Argument(help="A file ending in .csv or .parquet.", show_default=False)],
    experiment: Experiment = None,
    code: Code = None,
) -> None:
    """Every result of an experiment, a row each, with its parameters and seed, as CSV or Parquet."""
    with Store(store, read_only=True) as opened:
        name = _experiment(opened, experiment)
        tools.export(opened.with_code(code or tools.latest_code(opened, name)), out, experiment=name)
    print_paths([out])


@app.command(epilog="Example:  percolation runs verify scan.db")
def verify(store: File) -> None:
    """Check the file, its references, and the bits of every result; exit code 1 if anything is wrong."""
    with Store(store, read_only=True) as opened:
        findings = tools.verify(opened)
    for finding in findings:
        typer.echo(finding)
    typer.echo(f"{store}: {f'{len(findings)} findings' if findings else 'sound'}")
    if findings:
        raise typer.Exit(1)


@app.command(epilog="Example:  percolation runs merge scan.db from-the-cluster.db")
def merge(
    store: File,
    others: Annotated[list[Path], typer.Argument(help="Stores whose results to add; they are only read.")],
) -> None:
    """Add the results of other stores to this one; exit code 1 if the same task has different results."""
    different = 0
    with Store(store) as opened:
        for path in others:
            merged = tools.merge(opened, path)
            different += len(merged.different)
            typer.echo(f"{path}: {merged.added} added, {merged.already_there} there already")
            for key in merged.different:
                typer.echo(f"task {key[:12]} has another result in {path}; that of {store} was kept")
    if different:
        raise typer.Exit(1)


@app.command(epilog="Example:  percolation runs gc scan.db --experiment pilot --dry-run")
def gc(
    store: File,
    experiment: Annotated[str | None, typer.Option(help="Remove the results of this experiment.")] = None,
    code: Annotated[str | None, typer.Option(help="Remove the results of this version of the code.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
) -> None:
    """Remove what belongs to no experiment, or what you name, and give the space back."""
    if not store.is_file():
        raise OSError(f"there is no store {store}")
    with Store(store) as opened:
        removed = tools.gc(opened, experiment=experiment, code=code, dry_run=dry_run)
    print_table(
        f"{store}: {'would be ' if dry_run else ''}removed", ["rows of", "n"], [[t, str(n)] for t, n in removed.items()]
    )


def report(
    store: File,
    out: Annotated[Path, typer.Option("--out", "-o", help="The HTML page to write.")] = Path("report.html"),
    experiment: Annotated[str | None, typer.Option(help="Only this experiment; default all, a section each.")] = None,
    code: Annotated[str | None, typer.Option(help="Version of the code; default the newest of each.")] = None,
) -> None:
    """One self-contained HTML page: figures, sortable tables, failures and provenance."""
    from percolation.report.page import write  # draws

    print_paths([write(store, out, experiment=experiment, code=code)])


def _experiment(store: Store, name: str | None) -> str:
    """The experiment that is meant: the named one, or the only one."""
    if name is not None:
        return name
    if len(known := tools.names(store)) != 1:
        raise ValueError(f"{store.path} holds {len(known)} experiments; name one with --experiment: {', '.join(known)}")
    return known[0]


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
