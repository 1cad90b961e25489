"""Functions that draw on a given ax: data in, nothing computed. STYLE names the house style."""

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

from percolation import files
from percolation.quantities import Published

STYLE = "percolation.house"
# what is written into a file of each format; no date
UNDATED: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "png": {}, "svg": {"Date": None}}
FORMATS = tuple(UNDATED)
METHODS = ("invasion", "Leath", "wrapping", "window", "crossing")  # in the order of the colours from C1 on


def plot_thresholds(rows: pd.DataFrame, ax: Axes, series: Sequence[Published] = ()) -> Axes:
    """p_c against d: published values as circles, the series as a dashed line, simulation as points with errors.

    rows: columns d, kind, method, estimate, error, reference, as in `dimension_scan.COLUMNS`. series: one for each row.
    """
    if len(series) > 1:
        values = [one.value for one in series]
        ax.plot(rows["d"], values, "--", color="0.45", label=r"series in $1/(2d-1)$, Gaunt et al.")
    known = rows.dropna(subset="reference")
    if len(known):
        ax.plot(known["d"], known["reference"], "o", mfc="none", ms=7, color="C0", label="published")
    for method, color, of_method in _by_method(rows):
        points = of_method["d"], of_method["estimate"], of_method["error"]
        ax.errorbar(*points, fmt=".", color=color, label=f"simulation ({method})")
    ax.set(ylabel=f"$p_c$ ({rows['kind'].iloc[0]})")
    if rows["estimate"].max() > 1.5 * rows["estimate"].min():
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(ScalarFormatter())
        ax.yaxis.set_minor_formatter(NullFormatter())
    else:  # a tick with few digits, not an offset
        ax.margins(y=0.4)
        ax.ticklabel_format(axis="y", useOffset=False)
    _dimension_axis(rows, ax)
    ax.legend()
    return ax


def plot_residuals(rows: pd.DataFrame, ax: Axes) -> Axes:
    """(simulation - published) / published against d, one-sigma errors; linear up to the size of a typical error."""
    ax.axhline(0, color="C0", lw=0.8)
    typical = float((rows["error"] / rows["reference"]).median())
    linear = 10.0 ** math.floor(math.log10(typical)) if typical > 0 else 1e-3
    for _, color, of_method in _by_method(rows):
        reference = of_method["reference"]
        deviation = of_method["estimate"] / reference - 1
        ax.errorbar(of_method["d"], deviation, of_method["error"] / reference, fmt=".", color=color)
    ax.set_yscale("symlog", linthresh=linear)
    ax.yaxis.set_major_locator(FixedLocator([-100 * linear, -linear, 0, linear, 100 * linear]))
    ax.set(xlabel="dimension $d$", ylabel="relative\ndeviation")
    _dimension_axis(rows, ax)
    return ax


def _dimension_axis(rows: pd.DataFrame, ax: Axes) -> None:
    """Whole dimensions only, with room beside the first and the last."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_xlim(rows["d"].min() - 0.5, rows["d"].max() + 0.5)


def thresholds_figure(rows: pd.DataFrame, series: Sequence[Published] = ()) -> Figure:
    """p_c against d in a column's width, with the residuals below."""
    with plt.style.context(STYLE):
        figure, (upper, lower) = plt.subplots(2, 1, figsize=(3.25, 3.6), sharex=True, height_ratios=(2.4, 1))
        plot_thresholds(rows, upper, series)
        plot_residuals(rows, lower)
    return figure


def spheres_figure(rows: pd.DataFrame) -> Figure:
    """Critical mean degree of overlapping spheres against d, in a column's width.

    rows: columns d, eta_c, error, reference, as in `spheres_scan.COLUMNS`.
    """
    scale = 2.0 ** rows["d"]
    with plt.style.context(STYLE):
        figure, ax = plt.subplots(figsize=(3.25, 2.4))
        ax.plot(rows["d"], scale * rows["reference"], "--", color="0.45", label="published")
        ax.errorbar(rows["d"], scale * rows["eta_c"], scale * rows["error"], fmt=".", color="C1", label="simulated")
        _dimension_axis(rows, ax)
        ax.set(xlabel="dimension $d$", ylabel=r"critical mean degree $2^d \eta_c$")
        ax.legend()
    return figure


def plot_strength(rows: pd.DataFrame, ax: Axes, theory: str) -> Axes:
    """Largest cluster of a graph against p, points with errors, over the giant component by theory as a dashed line.

    rows: columns p, strength, strength_error, giant, as in `graph_scan.COLUMNS`.
    """
    ax.plot(rows["p"], rows["giant"], "--", color="0.45", label=theory)
    ax.errorbar(rows["p"], rows["strength"], rows["strength_error"], fmt=".", color="C1", label="simulation")
    ax.set(ylabel="largest cluster $P$", ylim=(0, 1.03))
    ax.legend()
    return ax


def graph_figure(rows: pd.DataFrame, kind: str, theory: str) -> Figure:
    """P(p) of a graph beside theory, with the mean cluster size below, in a column's width."""
    with plt.style.context(STYLE):
        figure, (upper, lower) = plt.subplots(2, 1, figsize=(3.25, 3.6), sharex=True, height_ratios=(2.4, 1))
        plot_strength(rows, upper, theory)
        sizes = rows.dropna(subset="mean_cluster_size")
        lower.errorbar(sizes["p"], sizes["mean_cluster_size"], sizes["mean_cluster_size_error"], fmt=".-", color="C1")
        lower.set(xlabel=f"open {kind}s $p$", ylabel="mean size\n$S$", xlim=(0, 1), ylim=(0, None))
    return figure


def _by_method(rows: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Method, its colour and its rows, for each method that there is."""
    of = rows["method"].str.split(",").str[0]
    for number, method in enumerate(METHODS, start=1):
        if (of == method).any():
            yield method, f"C{number}", rows[of == method]


def save(folder: Path, name: str, figure: Figure) -> list[Path]:
    """The figure as name.pdf and name.png in the folder."""
    return files.write_together(folder, writers(name, figure))


def writers(name: str, figure: Figure, *, formats: Sequence[str] = ("pdf", "png")) -> dict[str, files.Writer]:
    """What writes the figure as name.pdf, name.png, ...; equal data give equal bytes."""

    def write(path: Path) -> None:
        # colours of the cycle and the resolution are looked up only now
        with plt.style.context(STYLE), _without_remarks("fontTools"):
            figure.savefig(path, metadata=UNDATED[path.suffix[1:]])

    return {f"{name}.{form}": write for form in formats}


@contextmanager
def _without_remarks(name: str) -> Iterator[None]:
    """Keep a library's warnings from the user's terminal: fontTools dislikes the age of matplotlib's own font."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
