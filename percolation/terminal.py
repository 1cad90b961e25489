"""What the commands share: options, tables that fit a terminal, and where the files went."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

Seed = Annotated[int, typer.Option(help="Seed of all randomness: the same seed gives the same numbers.")]
Workers = Annotated[int, typer.Option(help="Tasks at a time; 0 takes all cores. The numbers do not depend on it.")]
Device = Annotated[str, typer.Option(help="Where networks run: cpu, cuda, cuda:1, mps.")]
Out = Annotated[Path, typer.Option(help="Folder for the files, made if absent.")]


@contextmanager
def stages() -> Iterator[Callable[[str], None]]:
    """A line on standard error that says what is being done, while that is a terminal; call it with each new stage."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda stage: None
        return
    with console.status("starting") as line:
        yield lambda stage: line.update(stage)


def print_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on standard output; columns that hold only numbers stand to the right."""
    rows = [list(row) for row in rows]
    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.padding = (0, 0)  # the box keeps one space between columns: more would not fit 80 of them
    for column, name in enumerate(header):
        numbers = all(row[column][:1].isdigit() or row[column][:1] in "+-" for row in rows)
        table.add_column(Text(name), justify="right" if numbers else "left", no_wrap=True, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # brackets are text, no markup
    console = Console()
    console.print(table)
    console.print()


def print_paths(paths: Iterable[Path]) -> None:
    """The files that were written, one a line."""
    for path in paths:
        typer.echo(path)
