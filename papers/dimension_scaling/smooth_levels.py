"""Critical levels of the smooth (Bargmann-Fock) field: cells made ever finer than xi, and the Euler characteristic."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from papers import drawing
from papers.figure import PAGE, house, keep, kept_table, macro_name, made_by, record
from percolation import scaling
from percolation.quantities import with_error
from percolation.theory import level_sets

NAME = "dimension_scaling/smooth_levels"
TITLE = "Critical levels of smooth fields and zeros of the Euler characteristic"
MINUTES = 10.0


@dataclass(frozen=True)
class Config:
    """Floods in any dimension and tori in low ones, at each correlation length in cells."""

    dimensions: tuple[int, ...] = (2, 3, 4, 5, 6, 7)
    xis: tuple[float, ...] = (1.0, 1.5, 2.0, 3.0, 4.0)
    n_sites: int = 2**16  # of a flood
    n_floods: int = 16
    # d, xis, lengths of the tori in xi
    boxes: tuple[tuple[int, tuple[float, ...], tuple[float, ...]], ...] = (
        (2, (1.0, 2.0, 3.0, 4.0), (16.0, 32.0, 64.0)),
        (3, (1.0, 2.0, 3.0, 4.0), (8.0, 16.0, 24.0)),
        (4, (1.0, 1.5, 2.0, 3.0), (5.0, 8.0, 11.0)),
    )
    n_boxes: int = 64


QUICK = Config(
    dimensions=(2, 3, 4, 5),
    xis=(1.0, 1.5, 2.0),
    n_sites=2**13,
    boxes=((2, (1.0, 2.0, 3.0), (16.0, 48.0)), (3, (1.0, 1.5, 2.0), (8.0, 20.0))),
)
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0) -> Path:
    """A row a method and d: level and occupation in the limit, the zero; NAME_cells.csv: a row a method, d and xi."""
    found = [_grown(config, d, seed, workers or 2) for d in config.dimensions]
    found += [_boxed(config, *boxes, seed) for boxes in config.boxes]
    limits, cells = pd.DataFrame([_limit(one) for one in found]), pd.concat([_cells(one) for one in found])
    return keep(folder, NAME, config, seed, limits, cells=cells)


def _grown(config: Config, d: int, seed: int, workers: int) -> scaling.CriticalLevel:
    how: dict[str, Any] = {"n_sites": config.n_sites, "n_runs": config.n_floods, "workers": workers, "progress": False}
    return scaling.grown_level(d, xis=config.xis, seed=seed + 100 * d, **how)


def _boxed(
    config: Config, d: int, xis: tuple[float, ...], lengths: tuple[float, ...], seed: int
) -> scaling.CriticalLevel:
    return scaling.boxed_level(d, xis=xis, lengths=lengths, n_boxes=config.n_boxes, seed=seed + 100 * d)


def _limit(one: scaling.CriticalLevel) -> dict[str, object]:
    level, p, zero = one.level, one.occupation, level_sets.gaussian_level(one.d)
    found = {"method": one.method, "d": one.d, "level": level.value, "level_error": level.error}
    return found | {"occupation": p.value, "occupation_error": p.error, "euler_level": zero}


def _cells(one: scaling.CriticalLevel) -> pd.DataFrame:
    levels, errors = zip(*((level.value, level.error) for level in one.levels), strict=True)
    return pd.DataFrame({"method": one.method, "d": one.d, "xi": one.xis, "level": levels, "level_error": errors})


def draw(data_file: Path) -> Figure:
    """(a) level against the square of a cell in xi, to its limit; (b) limits against d, with the zeros."""
    limits, cells = pd.read_csv(data_file), kept_table(data_file, "cells")
    with house():
        figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 3.0))
        for series, d in enumerate(sorted(limits["d"].unique())):
            _to_the_limit(limits[limits["d"] == d], cells[cells["d"] == d], series, left)
        left.set(xlabel=r"(cell$\,/\,\xi)^2$", ylabel="critical level $u$", xlim=(-0.04, 1.16))
        _against_dimension(limits, right)
        drawing.letters([left, right], ["ever finer cells", "in the limit of fine cells"])
    return figure


def _to_the_limit(limits: pd.DataFrame, cells: pd.DataFrame, series: int, ax: Axes) -> None:
    """Floods filled, boxes hollow; limits at 0."""
    for method, look in (("floods", {}), ("boxes", {"mfc": "white"})):
        some, end = cells[cells["method"] == method], limits[limits["method"] == method]
        if len(some):
            x, shift = some["xi"] ** -2.0, 0.012 * (method == "boxes")
            drawing.points(ax, x + shift, some["level"], some["level_error"], series, ms=3, **look)
            drawing.points(ax, end["d"] * 0 + shift - 0.006, end["level"], end["level_error"], series, ms=4.5, **look)
            line = pd.concat([end["level"], some.sort_values("xi", ascending=False)["level"]])
            ax.plot(np.append(0.0, np.sort(x)), line, color=f"C{series}", lw=0.6, alpha=0.6, zorder=1)
    coarsest = cells.sort_values("xi").iloc[0]
    ax.annotate(
        f"$d={coarsest['d']:.0f}$",
        (coarsest["xi"] ** -2.0, coarsest["level"]),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=7,
        color=f"C{series}",
    )


def _against_dimension(limits: pd.DataFrame, ax: Axes) -> None:
    d = np.arange(2, limits["d"].max() + 1)
    drawing.theory(ax, d, [level_sets.gaussian_level(int(n)) for n in d], label="largest zero of $H_{d-1}$ (Euler)")
    for series, method, look in ((0, "floods", {}), (1, "boxes", {"mfc": "white"})):
        some = limits[limits["method"] == method]
        if len(some):
            x = some["d"] + 0.08 * series
            drawing.points(ax, x, some["level"], some["level_error"], series, f"simulated, {method}", **look)
    ax.set(xlabel="dimension $d$", ylabel="critical level $u_c$", xticks=d)
    ax.yaxis.set_minor_locator(NullLocator())
    ax.legend(loc="upper left")


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, limits = record(data_file)["parameters"], pd.read_csv(data_file)
    said = ", ".join(
        rf"{with_error(row.level, row.level_error)} ($d = {row.d}$, {row.method})" for row in limits.itertuples()
    )
    tori = "; ".join(rf"$d = {d}$: {', '.join(f'{one:g}' for one in lengths)} $\xi$" for d, _, lengths in made["boxes"])
    return (
        rf"Level $u$ from which on $\{{f \le -u\}}$ percolates, in standard deviations, of the Gaussian field of "
        rf"covariance $\exp(-r^2/2\xi^2)$ on $\mathbb{{R}}^d$. (a) On cells of $\mathbb{{Z}}^d$, neighbours by faces, "
        rf"against the square of a cell in correlation lengths. Filled: {made['n_floods']} floods of "
        rf"{made['n_sites']} cells for each point; hollow: {made['n_boxes']} tori of each side ({tori}), extrapolated "
        rf"in it with the exponent of percolation. At 0: limits, averages over fits of two to four powers of the "
        rf"abscissa. (b) Limits beside the zero of the mean Euler characteristic. Bars: one standard error. Limits: "
        rf"{said}. " + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Levels and occupations in the limit."""
    found = {}
    for row in pd.read_csv(data_file).itertuples():
        found[macro_name("smooth level", row.method, int(row.d))] = with_error(row.level, row.level_error)
        found[macro_name("smooth occupation", row.method, int(row.d))] = with_error(
            row.occupation, row.occupation_error
        )
    return found


def finding(data_file: Path) -> str:
    """One line."""
    limits = pd.read_csv(data_file)
    floods = limits[limits["method"] == "floods"]
    above = floods[floods["d"] > 2]
    beyond = above["level"] - above["euler_level"]
    last = floods.iloc[-1]
    return (
        f"Smooth fields percolate {beyond.min():.2f} to {beyond.max():.2f} standard deviations beyond the zero of the "
        f"Euler characteristic in d = {above['d'].min()} to {above['d'].max()}: in d = {last['d']:.0f} at "
        f"{with_error(last['level'], last['level_error'])}, the zero being {last['euler_level']:.3f}."
    )
