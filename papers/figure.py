"""What a figure of a paper is: a module with the names below; and what all of them share.

    TITLE: str                  what the figure shows, a few words
    QUICK, FULL                 configurations: instances of a frozen dataclass of plain values and tuples
    MINUTES: float              expected minutes of FULL on two cores, at most: processor minutes, measured on one core
    compute(config, folder, *, seed=0, workers=0) -> Path      (and device="cpu", if it can be computed on another)
                                simulate and measure; leaves NAME.csv or NAME.npz, and NAME.json, by `keep`: all or none
    draw(data_file) -> Figure   inside `house()`, width COLUMN or PAGE inches; computes nothing
    caption(data_file) -> str   LaTeX: what is plotted, n, errors, from the file; ends with `made_by(data_file, QUICK)`
    macros(data_file) -> dict   quoted numbers: `macro_name(...)` to a value with its error, such as "0.0752(7)"
    finding(data_file) -> str   one plain line for the gallery, with numbers from the file

A paper is a package in `papers` whose __init__ has TITLE and FIGURES, the names of its figure modules in their order.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from percolation import checks, files
from percolation.plotting import STYLE

COLUMN, PAGE = 3.25, 6.75  # widths of a column and of a page of a journal, inches
DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")
TEENS = ("Thirteen", "Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen")
ESCAPES = str.maketrans(
    {one: "\\" + one for one in "_%&#${}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
)  # of plain text in LaTeX
TENS = ("", "", "Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety")


class FigureModule(Protocol):
    """A module that makes one figure; see above."""

    TITLE: str
    QUICK: Any
    FULL: Any
    MINUTES: float
    compute: Callable[..., Path]
    draw: Callable[[Path], Figure]
    caption: Callable[[Path], str]
    macros: Callable[[Path], dict[str, str]]
    finding: Callable[[Path], str]


@contextmanager
def house() -> Iterator[None]:
    """The style of all figures."""
    with plt.style.context(STYLE):
        yield


def keep(
    folder: Path, figure: str, config: Any, seed: int, data: pd.DataFrame | dict[str, np.ndarray], **others: Any
) -> Path:
    """Write the data of PAPER/NAME as NAME.csv (a table) or NAME.npz (arrays), and NAME.json; the path of the data.

    others: more tables, as NAME_other.csv, and values for the record. The record says configuration, seed, versions.
    """
    name = figure.split("/")[-1]
    tables = {f"{name}_{key}.csv": files.csv(one) for key, one in others.items() if isinstance(one, pd.DataFrame)}
    values = {key: one for key, one in others.items() if not isinstance(one, pd.DataFrame)}
    made = files.provenance(asdict(config), seed) | {"figure": figure} | values
    writer = files.csv(data) if isinstance(data, pd.DataFrame) else _npz(data)
    path = checks.output_folder(folder) / f"{name}.{'csv' if isinstance(data, pd.DataFrame) else 'npz'}"
    made["data"] = path.name
    # the first named appears last: where the record is, the data are
    record_writer: files.Writer = lambda path: files.write_json(path, made)  # noqa: E731
    files.write_together(folder, {f"{name}.json": record_writer, **tables, path.name: writer})
    return path


def kept_table(data_file: Path, key: str) -> pd.DataFrame:
    """The table NAME_key.csv that `keep` wrote with the data."""
    return pd.read_csv(data_file.with_name(f"{data_file.stem}_{key}.csv"))


def arrays(data_file: Path) -> dict[str, np.ndarray]:
    """What `keep` wrote as NAME.npz."""
    with np.load(data_file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def record(data_file: Path) -> dict[str, Any]:
    """How the data were made: parameters, seed, versions and what else `keep` was given."""
    return dict(json.loads(data_file.with_suffix(".json").read_text()))


def kept(folder: Path, figure: str) -> Path | None:
    """The data of PAPER/NAME in a folder, None if they are not there."""
    by = folder / f"{figure.split('/')[-1]}.json"
    return folder / json.loads(by.read_text())["data"] if by.exists() else None


def is_made_of(data_file: Path, config: Any, seed: int) -> bool:
    """Whether the data are those of this configuration, seed and version of the package."""
    if not data_file.exists() or not data_file.with_suffix(".json").exists():
        return False
    found = record(data_file)
    same_version = found["versions"]["highdim-percolation"] == files.version()
    return same_version and found["parameters"] == _as_read(config) and found["seed"] == seed


def command(data_file: Path, quick: Any) -> str:
    """What gives these data; quick: the module's QUICK."""
    made = record(data_file)
    size = "--quick" if made["parameters"] == _as_read(quick) else "--full"
    return f"percolation figures {made['figure']} {size} --seed {made['seed']}"


def made_by(data_file: Path, quick: Any) -> str:
    """The last sentence of a caption: the command that gives these data; quick: the module's QUICK."""
    version = record(data_file)["versions"]["highdim-percolation"]
    return rf"Made by \texttt{{{tex(command(data_file, quick))}}}, version {version}."


def tex(text: str) -> str:
    """Plain text as LaTeX shows it: special characters escaped, the two hyphens of an option kept apart."""
    return text.translate(ESCAPES).replace("--", "-{}-")


def number_word(n: int) -> str:
    """13 as Thirteen, 3072 as ThreeThousandSeventyTwo: names of macros hold letters only."""
    if n < 20:
        return (*DIGITS, *TEENS)[n]
    for size, name in ((1_000_000, "Million"), (1000, "Thousand"), (100, "Hundred")):
        if n >= size:
            return number_word(n // size) + name + (number_word(n % size) if n % size else "")
    return TENS[n // 10] + (DIGITS[n % 10] if n % 10 else "")


def macro_name(*parts: str | int) -> str:
    """("pc", "site", 13) as pcSiteThirteen; what is no letter ends a word."""
    words: list[str] = []
    for part in parts:
        text = number_word(part) if isinstance(part, int) else str(part)
        words += "".join(c if c.isascii() and c.isalnum() else " " for c in text).split()
    words = ["".join(number_word(int(c)) if c.isdigit() else c for c in word) for word in words]
    return words[0][0].lower() + words[0][1:] + "".join(word[0].upper() + word[1:] for word in words[1:])


def _as_read(config: Any) -> dict[str, Any]:
    """A configuration as it comes back from a record: tuples are lists."""
    return dict(json.loads(json.dumps(asdict(config))))


def _npz(data: dict[str, np.ndarray]) -> files.Writer:
    def write(path: Path) -> None:
        with path.open("wb") as stream:
            np.savez_compressed(stream, **data)  # type: ignore[arg-type]

    return write
