"""Panels of the experiment on rounds, each drawn on a given ax, and the figure that holds them."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from percolation.plotting import STYLE
from percolation.theory import rounds

STYLES = {  # of a kind of landscape: label, colour, marker
    "gaussian": ("Gaussian fields", "0.45", "o"),
    "untrained": ("random networks", "C3", "^"),
    "trained": ("trained networks", "C4", "s"),
}

SIDES = ("measured", "predicted", "response")
TICKS = (2, 3, 5, 10, 20, 50, 100, 300, 1000, 3000)  # of a logarithmic axis of dimensions


def rounds_figure(rows: pd.DataFrame) -> Figure:
    """Measured against predicted rounds by both theories; success against d; displacement against d_eff."""
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(10.6, 3.7))
        plot_against_prediction(rows, "rounds", axes[0]).set_title("(a) rounds: measured against predicted")
        plot_success(rows, axes[1]).set_title("(b) where paths are found")
        plot_displacement(rows, axes[2]).set_title("(c) displacement of the first cut")
        return figure


def plot_against_prediction(rows: pd.DataFrame, name: str, ax: Axes) -> Axes:
    """A point a case with one-sigma errors, on the diagonal if theory is right; hollow where some pairs were not found.

    Points: each pair by linear response of its own line. Crosses: the stationary theory, of all lines together, which
    takes d to be far above the dimension from which on most pairs are found. Rows of older versions have the latter
    alone.
    """
    rows = rows.reindex(columns=rows.columns.union(_with_errors(name), sort=False))
    for of_kind, label, color, marker in _kinds(rows):
        measured, error = of_kind[f"measured_{name}"], of_kind[f"measured_{name}_error"]
        ax.plot(of_kind[f"predicted_{name}"], measured, "x", color=color, ms=4, mew=0.9, alpha=0.55)
        x = of_kind[f"response_{name}"]
        ax.errorbar(x, measured, error, of_kind[f"response_{name}_error"], ls="", lw=0.7, color=color, alpha=0.6)
        near = (of_kind["measured_success"] < 0.95).to_numpy()
        ax.plot(x, measured, marker, color=color, ms=4.5, label=label)
        ax.plot(x[near], measured[near], marker, color=color, ms=4.5, mfc="white")
    ax.plot([], [], "x", color="0.5", ms=4, mew=0.9, label="stationary theory")
    columns = [f"{one}_{name}" for one in SIDES]
    most = 1.03 * max(1.0, *((rows[one] + rows[f"{one}_error"].fillna(0)).fillna(0).max() for one in columns))
    ax.plot([0, most], [0, most], "--", color="0.45", lw=0.9)
    ax.set(xlabel=f"{name}, predicted from lines", ylabel=f"{name}, measured", xlim=(-0.2, most), ylim=(-0.2, most))
    ax.legend(loc="upper left", title="hollow: success < 0.95", title_fontsize="small")
    return ax


def plot_success(rows: pd.DataFrame, ax: Axes) -> Axes:
    """Share of connected pairs of Gaussian fields against d; the finder's theory as lines, iid percolation as steps."""
    if not len(rows) or not (rows["field"] == "gaussian").any():
        ax.text(0.5, 0.5, "no Gaussian field walked", ha="center", transform=ax.transAxes)
        return ax
    fields = rows[rows["field"] == "gaussian"]
    wanted = sorted(fields["wanted_occupation"].unique())
    shades = plt.get_cmap("viridis")(np.linspace(0.05, 0.85, max(len(wanted), 1)))
    for p, shade in zip(wanted, shades, strict=False):
        of_p = fields[fields["wanted_occupation"] == p].sort_values("dimension")
        d = of_p["dimension"]
        ax.errorbar(d, of_p["measured_success"], of_p["measured_success_error"], fmt="o", ms=4, color=shade, lw=0.8)
        ax.plot(d, of_p["predicted_success"], "-", lw=1.1, color=shade, label=f"$p={p:g}$")
        ax.plot(rounds.iid_dimension(p), 1.07, "v", color=shade, ms=6, clip_on=False)
    ax.set(xscale="log", xlabel="dimension $d$", ylabel="pairs connected", ylim=(-0.04, 1.16), yticks=(0, 0.5, 1))
    _plain_logarithmic(ax)
    ax.plot([], [], "v", color="0.5", ls="", ms=5, label="iid: $p>p_c(d)$ from here")
    ax.legend(loc="lower right", title="lines: theory of the finder", title_fontsize="small")
    return ax


def plot_displacement(rows: pd.DataFrame, ax: Axes) -> Axes:
    """Displacement of the first cut in correlation lengths against the effective dimension, a tick for theory."""
    for of_kind, label, color, marker in _kinds(rows):
        xi, d = of_kind["xi"], of_kind["d_eff"]
        value, error = of_kind["measured_displacement"] / xi, of_kind["measured_displacement_error"] / xi
        ax.errorbar(d, value, error, fmt=marker, ms=4.5, lw=0.8, color=color, label=label, zorder=2)
        theory = of_kind["predicted_displacement"] / xi
        ax.plot(d, theory, "_", color="0.2", ms=9, mew=1.1, zorder=3)
    ax.plot([], [], "_", color="0.2", ms=9, label=r"theory, $(h+m)/\sqrt{d_{\rm eff}-1}$")
    ax.set(xscale="log", yscale="log", xlabel=r"effective dimension $d_{\rm eff}$", ylabel=r"$|B'-B|\,/\,\xi$")
    _plain_logarithmic(ax)
    ax.legend(loc="lower left")
    return ax


def _with_errors(name: str) -> list[str]:
    return [f"{side}_{name}{error}" for side in SIDES for error in ("", "_error")]


def _kinds(rows: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, str, str, str]]:
    """The rows of each kind of landscape that there is, with its label, colour and marker."""
    kind = rows["training"].where(rows["field"] != "gaussian", "gaussian")
    for name, look in STYLES.items():
        if (kind == name).any():
            yield rows[kind == name], *look


def _plain_logarithmic(ax: Axes) -> None:
    low, high = ax.get_xlim()
    ax.xaxis.set_major_locator(FixedLocator([d for d in TICKS if low <= d <= high]))
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_locator(NullLocator())
