"""The published table of barriers, and others in its format: pair, loss_a, loss_c, max_loss."""

import os
from importlib.resources import files
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

FILE = "published_barriers.csv"  # 101 rows of each kind, GoogLeNet on ImageNet; its head names the source
LOSSES = ("loss_a", "loss_c", "max_loss")
KINDS = {"within-class": "natural-natural"}  # names of the published table that are others here
ROUNDING = 1e-4  # nats by which a maximum may lie below an end loss in a table of few decimals


def published() -> pd.DataFrame:
    """Barriers of GoogLeNet between ImageNet's validation images, as they were published: kind, losses, gap.

    Source: Vrabel et al., arXiv:2409.05800 (2024), published data, the first 101 rows of each kind, 5 decimals.
    """
    with files("empirical.experiments.barriers").joinpath(FILE).open() as lines:
        return _read(lines, FILE)


def read(path: str | os.PathLike[str]) -> pd.DataFrame:
    """A table in the published format; an error names the column, or the row, that is wrong."""
    path = Path(path)
    try:
        with path.open() as lines:
            return _read(lines, str(path))
    except OSError as error:
        raise OSError(f"cannot read the table of barriers {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no table of barriers: it holds no text ({error})") from error


def _read(lines: IO, where: str) -> pd.DataFrame:
    try:
        table = pd.read_csv(lines, comment="#", dtype=str, skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"{where} is no table of barriers: {str(error).strip()}") from error
    missing = [name for name in ("pair", *LOSSES) if name not in table]
    if missing:
        raise ValueError(
            f"{where} lacks the column {missing[0]!r}; expected pair,loss_a,loss_c,max_loss, got {','.join(table)}"
        )
    if table.empty:
        raise ValueError(f"{where} has no rows; expected a pair of inputs in each")
    unnamed = table["pair"].isna()
    if unnamed.any():
        raise ValueError(f"{where}, row {_row(unnamed)}: the kind of pair is missing")
    found = pd.DataFrame({name: _losses(table[name], where) for name in LOSSES})
    _check_heights(found, where)
    found.insert(0, "kind", table["pair"].replace(KINDS))
    found["gap"] = (found["max_loss"] - found[["loss_a", "loss_c"]].max(axis=1)).clip(lower=0)
    return found


def _losses(column: pd.Series, where: str) -> pd.Series:
    """The column as finite numbers that are not negative."""
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = ~(np.isfinite(numbers) & (numbers >= 0))
    if wrong.any():
        got = column[wrong].iloc[0]
        got = "nothing" if pd.isna(got) else repr(got)
        raise ValueError(f"{where}, row {_row(wrong)}: {column.name} must be a loss in nats, 0 or more, got {got}")
    return numbers


def _check_heights(found: pd.DataFrame, where: str) -> None:
    ends = found[["loss_a", "loss_c"]].max(axis=1)
    wrong = found["max_loss"] < ends - ROUNDING
    if wrong.any():
        i = int(wrong.to_numpy().argmax())
        raise ValueError(
            f"{where}, row {_row(wrong)}: max_loss is {found['max_loss'][i]:g}, below the end loss {ends[i]:g}; the "
            "ends are points of the line"
        )


def _row(wrong: pd.Series) -> int:
    """The first row that is wrong, counted from 1 without head and comments."""
    return int(wrong.to_numpy().argmax()) + 1
