"""`percolation report`: a page on what a store holds."""

from pathlib import Path
from typing import Annotated

import typer

from percolation.terminal import print_paths


def report(
    store: Annotated[Path, typer.Argument(help="The store, as given to --store.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="The HTML page to write.")] = Path("report.html"),
    experiment: Annotated[str | None, typer.Option(help="Only this experiment; default all, a section each.")] = None,
    code: Annotated[str | None, typer.Option(help="Version of the code; default the newest of each.")] = None,
) -> None:
    """One self-contained HTML page: figures, sortable tables, failures and provenance."""
    from percolation.report.page import write

    print_paths([write(store, out, experiment=experiment, code=code)])
