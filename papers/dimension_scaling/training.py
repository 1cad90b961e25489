"""Trained against untrained networks over the dimension: connection, rounds, barrier of the straight line; a table."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from empirical.ends.subject import Subject
from empirical.experiments.compare.measure import measure_all
from empirical.experiments.connect.measure import Measured, connectivity_pairs, connectivity_table
from papers import drawing
from papers.averages import geometric, share
from papers.figure import PAGE, house, keep, kept_table, macro_name, made_by, record
from papers.tables import Table
from percolation.quantities import with_error

NAME = "dimension_scaling/training"
TITLE = "Trained and untrained networks"
MINUTES = 2.0
FLOOR = 1e-7  # nats
GROUPS = {
    ("trained", "natural-natural"): "trained, natural-natural",
    ("trained", "natural-adversarial"): "trained, natural-adversarial",
    ("trained", "class-optimal"): "trained, class-optimal",
    ("untrained", "class-optimal"): "untrained, class-optimal",
}


@dataclass(frozen=True)
class Config:
    """One-dimensional convolutional networks on mnist1d signals of each length."""

    dimensions: tuple[int, ...] = (20, 40, 80, 160, 320)
    pairs: int = 50


QUICK = Config(dimensions=(20, 40, 80), pairs=20)
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0, device: str = "cpu") -> Path:
    """A row a dimension, training and kind of pairs, the columns of `connectivity_table`; NAME_pairs.csv."""
    subjects = [
        Subject("cnn1d", "mnist1d" if training == "trained" else "none", training, pair, config.pairs, d)
        for d in config.dimensions
        for training, pair in GROUPS
    ]
    found = measure_all(tuple(subjects), seed=seed, workers=workers, device=device)
    measured = [one for one in found if isinstance(one, Measured)]
    skipped = [str(one) for one in found if not isinstance(one, Measured)]
    pairs = connectivity_pairs(measured)
    return keep(folder, NAME, config, seed, connectivity_table(measured), pairs=pairs, skipped=skipped)


def draw(data_file: Path) -> Figure:
    """Three panels over the dimension."""
    rows, pairs = pd.read_csv(data_file), kept_table(data_file, "pairs")
    with house():
        figure, (left, middle, right) = plt.subplots(1, 3, figsize=(PAGE, 2.75))
        for series, label, some in _groups(rows):
            d = some["dimension"] * 1.08 ** (series - 1.5)
            errors = [share(one.connected * one.pairs, one.pairs).error for one in some.itertuples()]
            drawing.points(left, d, some["connected"], errors, series, label)
            drawing.points(middle, d, some["rounds"], some["rounds_error"], series)
            theory = "theory of the finder (this work)" if not series else None
            drawing.theory(middle, some["dimension"], some["predicted_rounds"], series, theory)
            barriers = [_barrier(pairs, row) for _, row in some.iterrows()]
            values, *sides = zip(*barriers, strict=True)
            drawing.points(right, d, values, sides, series)
        left.set(ylabel="pairs connected", ylim=(-0.05, 1.2), yticks=(0, 0.5, 1))
        middle.set(ylabel="rounds", ylim=(0, None))
        drawing.theory(
            right, [min(rows["dimension"]) / 2, 2 * max(rows["dimension"])], [1e-3] * 2, ls=":", label="level"
        )
        right.set(ylabel="barrier of the line [nats]", yscale="log")
        for ax in (left, middle, right):
            drawing.dimension_axis(ax, rows["dimension"], "input dimension $d$")
            ax.set_xticks(sorted(set(rows["dimension"])))
        drawing.letters([left, middle, right], ["paths found", "rounds needed", "straight lines"])
        figure.legend(loc="outside lower center", ncols=3)
    return figure


def _groups(rows: pd.DataFrame) -> Iterator[tuple[int, str, pd.DataFrame]]:
    for series, ((training, pair), label) in enumerate(GROUPS.items()):
        some = rows[(rows["training"] == training) & (rows["pair"] == pair)]
        if len(some):
            yield series, label, some


def _barrier(pairs: pd.DataFrame, row: pd.Series) -> tuple[float, float, float]:
    """Geometric mean of the barriers of the straight lines of a subject."""
    own = pairs[(pairs[["training", "dimension", "pair"]] == row[["training", "dimension", "pair"]]).all(axis=1)]
    return geometric(own["barrier"].dropna(), FLOOR)


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    rows, made = pd.read_csv(data_file), record(data_file)
    skipped = f" Left out: {len(made['skipped'])} cases in which no pair could be drawn." if made["skipped"] else ""
    return (
        rf"1-D convolutional networks on inputs of $d$ numbers, trained on mnist1d signals or with random weights: (a) "
        rf"share of pairs of low-loss inputs (at most $10^{{-3}}$ nats) that the path finder connects, (b) rounds of "
        rf"the connected pairs, (c) largest loss on the straight line, geometric mean; dotted: the level. "
        rf"Dashed: theory "
        rf"of the finder from the statistics of straight lines, not fitted. {rows['pairs'].min()} to "
        rf"{rows['pairs'].max()} pairs each, marks set apart a little; bars are one standard error.{skipped} "
        + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Rounds and connection rate of every case."""
    found = {}
    for row in pd.read_csv(data_file).itertuples():
        case = (row.training, row.pair, "d", int(row.dimension))
        rate = share(row.connected * row.pairs, row.pairs)
        found[macro_name("connected", *case)] = str(rate)
        if math.isfinite(row.rounds) and math.isfinite(row.rounds_error):
            found[macro_name("mean rounds", *case)] = with_error(row.rounds, row.rounds_error)
    return found


def finding(data_file: Path) -> str:
    """One line."""
    rows, pairs = pd.read_csv(data_file), kept_table(data_file, "pairs")
    connected = (pairs["status"] == "connected").groupby(pairs["training"]).agg(["sum", "size"])
    shares = [f"{one.sum_} of {one.n} {training}" for training, one in _counted(connected)]
    verdicts = rows["verdict"].value_counts()
    return (
        f"Paths are found in {' and '.join(shares)} pairs, and iid percolation agrees in "
        f"{verdicts.get('agrees', 0)} of "
        f"{len(rows)} cases without telling the hard from the easy: mean rounds run from {rows['rounds'].min():.1f} to "
        f"{rows['rounds'].max():.1f}."
    )


@dataclass(frozen=True)
class _Count:
    sum_: int
    n: int


def _counted(table: pd.DataFrame) -> Iterator[tuple[str, _Count]]:
    for training, row in table.iterrows():
        yield str(training), _Count(int(row["sum"]), int(row["size"]))


def table(data_file: Path) -> Table:
    """The comparison: iid percolation, the path finder, and the finder's theory, a row a case."""
    rows = pd.read_csv(data_file).to_dict("records")
    header = ("training", "pairs", "d", "n", "p", "p_c", "p > p_c", "connected", "rounds", "theory", "verdict")
    cells = [
        (
            row["training"],
            row["pair"],
            str(row["dimension"]),
            str(row["pairs"]),
            f"{row['occupation']:.3f}",
            f"{row['p_c']:.2g}",
            "yes" if row["iid_connected"] else "no",
            str(share(row["connected"] * row["pairs"], row["pairs"])),
            _with_error(row["rounds"], row["rounds_error"]),
            _with_error(row["predicted_rounds"], row["predicted_rounds_error"]),
            row["verdict"],
        )
        for row in rows
    ]
    what = "Independent percolation, the path finder and its theory on 1-D CNNs; p: share of open cells on slices"
    return Table(what, header, tuple(cells))


def _with_error(value: float, error: float) -> str:
    return with_error(value, error) if math.isfinite(value) and math.isfinite(error) else "--"
