"""What the commands share: options, their runs from folder to files, and tables that fit a terminal."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from percolation import checks

if TYPE_CHECKING:
    import pandas as pd

    from percolation.files import Writer

MOST_WORKERS = 1024  # threads or processes of one machine; more of them only cost memory
Seed = Annotated[int, typer.Option(help="Seed of all randomness: the same seed gives the same numbers.")]
Workers = Annotated[int, typer.Option(help="Tasks at a time; 0 takes all cores. The numbers do not depend on it.")]
Device = Annotated[str, typer.Option(help="Where networks run: cpu, cuda, cuda:1, mps.")]
Out = Annotated[Path, typer.Option(help="Folder for the files, made if absent.")]


def ranges(text: str, refusal: str) -> Iterator[tuple[int, int | None]]:
    """'4,8..13' as (4, None), (8, 13); a ValueError with the refusal where it cannot be read."""
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:\s*\.\.\s*(\d+))?\s*", part)
        if not match:
            raise ValueError(refusal)
        yield int(match[1]), int(match[2]) if match[2] else None


def parse_dimensions(text: str) -> list[int]:
    """'4,8,13' or '2..13' or a mixture, as a list of dimensions without repeats, in the order given."""
    dimensions: list[int] = []
    for part in text.split(","):
        ((low, top),) = ranges(part, f"cannot read the dimensions {text!r}; expected 8, or 4,8,13, or 2..13")
        high = low if top is None else top
        if low < 1 or high < low or high > 10_000:
            raise ValueError(f"dimensions run upwards from 1 to at most 10000, got {part.strip()!r}")
        dimensions += [d for d in range(low, high + 1) if d not in dimensions]
    return dimensions


def few_runs(few: int, runs: int | None, time: float | None, precision: float | None) -> int:
    """Of --quick: few runs, or those that are said; refused beside what says otherwise how many."""
    if time is not None or precision is not None:
        raise ValueError("--quick makes few runs: leave it out beside --time and --precision, which say how many")
    return few if runs is None else runs


@dataclass(frozen=True)
class Run:
    """A command at work: where its files go, and what its record says beside the parameters."""

    folder: Path
    seed: int
    conditions: dict[str, Any]  # that the numbers do not depend on: workers, and the device if there is one
    began: float  # on time.perf_counter

    @classmethod
    def begin(cls, out: Path, *, seed: int, workers: int, device: str | None = None, dry_run: bool = False) -> "Run":
        """Check what all commands take, make the folder, start the clock: once the command's own options are checked.

        A device is recorded only; the command checks it. dry_run: the folder is not made.
        """
        checks.seed(seed)
        conditions: dict[str, Any] = {"workers": checks.integer("workers", workers, at_least=0, at_most=MOST_WORKERS)}
        if device is not None:
            conditions["device"] = device
        return cls(out if dry_run else checks.output_folder(out), seed, conditions, time.perf_counter())

    def record(self, parameters: dict[str, Any], **others: Any) -> dict[str, Any]:
        """What run.json says: provenance, conditions, seconds up to now, and others by name, which go before these."""
        from percolation import files  # pandas loads only when a command needs it

        seconds = {"seconds": time.perf_counter() - self.began}
        return files.provenance(parameters, self.seed) | self.conditions | seconds | others

    def write(self, table: "pd.DataFrame", record: dict[str, Any], **others: "Writer") -> list[Path]:
        """run.json, table.csv and others by file name, all or none; the paths are for `print_paths`."""
        from percolation import files

        return files.write_run(self.folder, table, record, **others)


@contextmanager
def stages() -> Iterator[Callable[[str], None]]:
    """A line on standard error that says what is being done, while that is a terminal; call it with each new stage."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda stage: None
        return
    with console.status("starting") as line:
        yield lambda stage: line.update(stage)


@contextmanager
def loading(command: str, takes: str = "seconds to minutes") -> Iterator[None]:
    """A line on standard error at once, while that is a terminal: torch takes seconds to load; gone when it is.

    takes: how long the command then takes, about; `announce` says it better, once it is known what is asked for.
    """
    with stages() as report:
        report(f"percolation {command}: loading torch; takes {takes}")
        yield


def announce(what: str, minutes: float | None = None) -> None:
    """A first line on standard error, before work that takes minutes: what is done, and about how long on two cores."""
    about = "" if minutes is None else f"; about {max(minutes, 1):.0f} min on two cores"
    typer.echo(f"{what}{about}", err=True)


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


def print_notes(notes: Iterable[str]) -> list[str]:
    """How a network, weights and inputs were taken, a line each, once; the same for the record."""
    once = list(dict.fromkeys(notes))
    for note in once:
        typer.echo(note)
    return once


def print_paths(paths: Iterable[Path]) -> None:
    """The files that were written, one a line."""
    for path in paths:
        typer.echo(path)
