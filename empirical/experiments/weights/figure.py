"""Panels of the experiment in parameter space, each drawn on a given ax, and the figure that holds them."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterMathtext, LogLocator

from empirical.experiments.weights.measure import Connected, Plane, table
from percolation.plotting import STYLE

STYLES = {  # of a path: label, colour, marker
    "line": ("straight line", "0.35", "o"),
    "chain": ("chain, trained bend", "C0", "s"),
    "bezier": ("Bezier, trained bend", "C2", "^"),
    "finder": ("path finder", "C1", "D"),
}


def parameters_figure(connected: Connected) -> Figure:
    """Training loss along the paths, test error along them, barriers of all pairs, and the plane of the first chain."""
    rows, profiles = table(connected), connected.profiles
    first = rows.iloc[0]
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(2, 2, figsize=(8.4, 6.6))
        figure.suptitle(
            f"Independently trained networks: {first['network']} on {first['data']}, "
            f"{first['parameters']:,} parameters; pairs: {rows['pair'].nunique()}",
            fontsize=10.5,
        )
        plot_along(profiles, "train_loss", axes[0, 0]).set_title("(a) training loss along the paths")
        axes[0, 0].set(yscale="log", ylabel="training loss [nats]")
        plot_along(profiles, "test_error", axes[0, 1]).set_title("(b) test error along the paths")
        axes[0, 1].set(ylabel="test error")
        plot_barriers(rows, connected.level, axes[1, 0]).set_title("(c) barriers of every pair")
        drawn = plot_plane(connected.plane, axes[1, 1])
        axes[1, 1].set_title("(d) the plane of the first chain")
        bar = figure.colorbar(drawn, ax=axes[1, 1], ticks=LogLocator(), format=LogFormatterMathtext())
        bar.set_label("training loss [nats]")
        bar.ax.minorticks_off()
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(STYLES))
        return figure


def plot_along(profiles: pd.DataFrame, name: str, ax: Axes) -> Axes:
    """A quantity against the share of the path: thin lines the pairs, thick ones their mean."""
    share = np.linspace(0, 1, 101)
    for path, (label, color, _) in STYLES.items():
        of_path = profiles[profiles["path"] == path]
        curves = [np.interp(share, one["share"], one[name]) for _, one in of_path.groupby("pair")]
        for curve in curves:
            ax.plot(share, curve, color=color, lw=0.6, alpha=0.35)
        if curves:
            ax.plot(share, np.mean(curves, axis=0), color=color, lw=1.8, label=label)
    ax.set(xlim=(0, 1), xlabel="share of the path from A to C")
    return ax


def plot_barriers(rows: pd.DataFrame, level: float, ax: Axes) -> Axes:
    """Largest training loss on every path, and that of the ends; the finder's level as a dashed line."""
    ends = rows[rows["path"] == "line"][["loss_a", "loss_c"]].to_numpy().ravel()
    groups = [("ends", ends, "black", "_")]
    groups += [(name, rows[rows["path"] == name]["barrier"].to_numpy(), *look[1:]) for name, look in STYLES.items()]
    for place, (_, values, color, marker) in enumerate(groups):
        spread = np.linspace(-0.15, 0.15, len(values)) if len(values) > 1 else np.zeros(1)
        ax.plot(place + spread, values, marker, color=color, ms=6, ls="")
    ax.axhline(level, ls="--", color="0.3", lw=0.9)
    ax.text(-0.45, level, f"level {level:.2g}", va="bottom", fontsize=7.5)
    ax.set_xticks(range(len(groups)), ["networks\nA and C", "straight\nline", "chain", "Bezier", "path\nfinder"])
    ax.set(yscale="log", ylabel="largest training loss [nats]", xlim=(-0.5, len(groups) - 0.4))
    return ax


def plot_plane(plane: Plane, ax: Axes) -> QuadContourSet:
    """Map of the loss, with both networks, the straight line and the chain; distances in units of |C - A|."""
    low, high = float(plane.loss.min()), float(plane.loss.max())
    levels = 10.0 ** (np.arange(math.floor(4 * math.log10(low)), math.ceil(4 * math.log10(high)) + 1) / 4)
    drawn = ax.contourf(plane.x, plane.y, plane.loss, levels, norm=LogNorm(*levels[[0, -1]]), cmap="viridis")
    ax.plot([0, 1], [0, 0], "--", color="black", lw=1.4)
    ax.plot([0, plane.bend[0], 1], [0, plane.bend[1], 0], "-", color="white", lw=1.6)
    for x, y, name in ((0, 0, "A"), (1, 0, "C"), (*plane.bend, "bend")):
        ax.plot(x, y, "o", color="black", mec="white", ms=5.5)
        ax.annotate(name, (x, y), xytext=(0, 6), textcoords="offset points", ha="center", color="white", weight="bold")
    ax.set(aspect="equal", xlabel="along C - A", ylabel="towards the bend")
    return drawn
