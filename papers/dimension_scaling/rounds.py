"""Rounds, segments, displacement and success of the path finder against the dimension, with the two theories."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from empirical.experiments.rounds import measure, plan
from papers import drawing
from papers.figure import PAGE, house, keep, macro_name, made_by, record
from percolation.quantities import with_error
from percolation.theory.rounds import iid_dimension

NAME = "dimension_scaling/rounds"
TITLE = "The path finder in smooth random fields against two theories"
MINUTES = 1.0
QUANTITIES = {
    "success": "pairs connected",
    "rounds": "rounds",
    "segments": "segments",
    "displacement": r"first cut $|B'-B|\,/\,\xi$",
}


@dataclass(frozen=True)
class Config:
    """Gaussian fields of each dimension and occupation."""

    dimensions: tuple[int, ...] = (2, 3, 4, 6, 8, 12, 16, 30, 100, 400)
    occupations: tuple[float, ...] = (0.5, 0.1, 0.01)
    length: float = 30.0  # of a line, in correlation lengths
    margin: float = 0.5  # standard deviations
    pairs: int = 60


QUICK = Config(dimensions=(2, 3, 4, 6, 8, 12, 30, 100), length=10.0, pairs=24)
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0, device: str = "cpu") -> Path:
    """A row a dimension and occupation, the columns of `measure.rounds_table`; NAME_pairs.csv has a row a pair."""
    cases = plan.gaussian(list(config.dimensions), list(config.occupations), config.length, config.margin, config.pairs)
    walked = plan.walk_all(cases, seed=seed, workers=workers, device=device)
    return keep(folder, NAME, config, seed, measure.rounds_table(walked), pairs=measure.rounds_pairs(walked))


def draw(data_file: Path) -> Figure:
    """A panel a quantity."""
    rows = pd.read_csv(data_file)
    with house():
        figure, axes = plt.subplots(2, 2, figsize=(PAGE, 4.2))
        for ax, (name, label) in zip(axes.flat, QUANTITIES.items(), strict=True):
            _panel(rows, name, ax)
            ax.set_ylabel(label)
        _iid(rows, axes[0, 0])
        axes[0, 0].set(ylim=(-0.05, 1.2), yticks=(0, 0.5, 1))
        _plain_logarithmic(axes[1, 1])
        for ax in (axes[0, 1], axes[1, 0]):
            ax.set_ylim(bottom=0)
        axes[0, 1].legend(loc="best")
        titles = ["where paths are found", "rounds needed", "pieces of the path", "displacement of a cut"]
        drawing.letters(axes, titles)
    return figure


def _panel(rows: pd.DataFrame, name: str, ax: Axes) -> None:
    for series, p in enumerate(sorted(rows["wanted_occupation"].unique(), reverse=True)):
        of_p = rows["wanted_occupation"] == p
        some, scale = rows[of_p], rows["xi"][of_p] if name == "displacement" else 1.0
        d, value, error = some["dimension"], some[f"measured_{name}"], some[f"measured_{name}_error"]
        drawing.points(ax, d * (1 + 0.03 * series), value / scale, error / scale, series, f"$p={p:g}$, measured")
        label = "theory of the finder (this work)" if not series else None
        drawing.theory(ax, d, some[f"predicted_{name}"] / scale, series, label)
    drawing.dimension_axis(ax, rows["dimension"])


def _plain_logarithmic(ax: Axes) -> None:
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())


def _iid(rows: pd.DataFrame, ax: Axes) -> None:
    """Where iid percolation begins to predict a path at each occupation."""
    low, high = ax.get_xlim()
    for series, p in enumerate(sorted(rows["wanted_occupation"].unique(), reverse=True)):
        begins = iid_dimension(p)
        ax.plot(max(begins, low), 1.12, "v", color=f"C{series}", ms=5, mfc="white", clip_on=False)
    label = "iid: $p > p_c(d)$ from here on,\nMertens and Moore 2018"
    ax.plot([], [], "v", color="0.4", mfc="white", ls="", ms=5, label=label)
    ax.set_xlim(low, max(high, 1.25 * max(iid_dimension(p) for p in rows["wanted_occupation"])))
    ax.legend(loc="lower right")


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, rows = record(data_file)["parameters"], pd.read_csv(data_file)
    far = {name: int((rows[f"z_{name}"].abs() > 2).sum()) for name in QUANTITIES}
    counted = ", ".join(f"{n} of {rows[f'z_{name}'].notna().sum()} for {name}" for name, n in far.items())
    return (
        rf"The path finder between points {made['length']:g} correlation lengths $\xi$ apart in Gaussian fields of "
        rf"covariance $\exp(-r^2/2\xi^2)$ on $\mathbb{{R}}^d$, a share $p$ of points being open, descents ending "
        rf"{made['margin']:g} standard deviations below the level; {made['pairs']} pairs for each $p$ and $d$, marks "
        rf"set apart a little. (a) Share of pairs connected; triangles: dimension from which on iid percolation "
        rf"predicts connection, $p > p_c(\mathbb{{Z}}^d)$ (Mertens and Moore 2018). (b) Rounds and (c) straight "
        rf"pieces of the connected pairs. (d) How far the first cut is moved. Dashed: theory of the finder from the "
        rf"statistics of straight lines; the curve of success is a fit to earlier runs, the others are not fitted. "
        rf"Bars: one standard error. Deviations of more than two standard errors: {counted}. "
        + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Everything measured that has an error, and the predicted rounds."""
    found = {}
    for row in pd.read_csv(data_file).to_dict("records"):
        case = (f"p {row['wanted_occupation']:g}".replace(".", " point "), "d", int(row["dimension"]))
        for name in QUANTITIES:
            value, error = row[f"measured_{name}"], row[f"measured_{name}_error"]
            if np.isfinite(value) and np.isfinite(error):  # of one pair there is no error, and so nothing to quote
                found[macro_name(name, *case)] = with_error(value, error)
        if row["predicted_rounds"] == row["predicted_rounds"]:
            found[macro_name("rounds theory", *case)] = with_error(
                row["predicted_rounds"], row["predicted_rounds_error"]
            )
    return found


def finding(data_file: Path) -> str:
    """One line."""
    rows = pd.read_csv(data_file)
    high = rows[rows["wanted_occupation"] == rows["wanted_occupation"].max()].sort_values("dimension")
    high = high[high["measured_success"] > 0.95].iloc[[0, -1]]
    parts = [
        f"{with_error(row['measured_rounds'], row['measured_rounds_error'])} at d = {row['dimension']} (theory "
        f"{with_error(row['predicted_rounds'], row['predicted_rounds_error'])})"
        for _, row in high.iterrows()
    ]
    close = int((rows["z_rounds"].abs() <= 2).sum())
    return (
        f"In smooth fields rounds hardly depend on the dimension, as the finder's theory says: at p = "
        f"{rows['wanted_occupation'].max():g} {' and '.join(parts)}; within two errors in {close} of "
        f"{rows['z_rounds'].notna().sum()} cases."
    )
