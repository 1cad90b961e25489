"""Panels of the comparison, each drawn on a given ax, and the figure that holds them."""

from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpecBase, SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from empirical.experiments.compare.measure import Comparison
from empirical.experiments.connect.measure import Measured, connectivity_pairs, connectivity_table
from empirical.experiments.rounds.figure import plot_against_prediction, plot_success
from empirical.experiments.rounds.measure import rounds_table
from percolation.dimension_scan import DimensionScan
from percolation.plotting import STYLE, plot_residuals, plot_thresholds

# colour says which pairs are connected, marker in which network
GROUPS = {
    ("trained", "natural-natural"): ("natural-natural", "C0"),
    ("trained", "natural-adversarial"): ("natural-adversarial", "C1"),
    ("trained", "class-optimal"): ("class-optimal, trained", "C2"),
    ("untrained", "class-optimal"): ("class-optimal, untrained", "C3"),
}
MARKERS = {"cnn1d": "o", "cnn": "s", "mlp": "^", "resnet18": "D"}


def comparison_figure(comparison: Comparison, level: float) -> Figure:
    """Six panels: thresholds; connection and rounds against d; rounds needed; a path; theory of rounds; success."""
    rows, pairs = connectivity_table(comparison.measured), connectivity_pairs(comparison.measured)
    fields = rounds_table(comparison.fields)
    with plt.style.context(STYLE):
        figure = plt.figure(figsize=(14.4, 7.6))
        grid = figure.add_gridspec(2, 3)
        figure.suptitle(_finding(rows), fontsize=10.5)
        _draw_thresholds(comparison.scan, figure, grid[0, 0])
        _draw_against_dimension(rows, figure, grid[0, 1])
        plot_rounds(pairs, figure.add_subplot(grid[0, 2])).set_title("(c) rounds needed")
        example = figure.add_subplot(grid[1, 0])
        shown = chosen_example(comparison.measured)
        if shown is None:
            example.text(0.5, 0.5, "no pair needed a bend", ha="center", transform=example.transAxes)
            example.set_title("(d) an example path")
        else:
            plot_path(shown.example, level, example).set_title(f"(d) a path found: {_described(shown)}")
        both = pd.concat([fields, rows.assign(field=rows["network"])])
        predicted = plot_against_prediction(both, "rounds", figure.add_subplot(grid[1, 1]))
        predicted.set_title("(e) rounds: measured against predicted")
        plot_success(fields, figure.add_subplot(grid[1, 2])).set_title("(f) Gaussian fields: where paths are found")
        return figure


def plot_connected(rows: pd.DataFrame, ax: Axes) -> Axes:
    """Connection rate against d with its binomial interval; hollow where iid percolation predicts the contrary."""
    for group, x, style in _series(rows):
        rate = group["connected"]
        error = np.clip([rate - group["connected_low"], group["connected_high"] - rate], 0, None)
        ax.errorbar(x, rate, error, ls="", lw=0.8, alpha=0.55, color=style["color"])
        contrary = (group["iid_connected"] != (rate > 0.5)).to_numpy()
        ax.plot(x, rate, lw=0.7, alpha=0.6, **style)
        ax.plot(x[contrary], rate[contrary], ls="", **style | {"mfc": "white"})
    ax.set(ylabel="connected", ylim=(-0.05, 1.15), yticks=(0, 0.5, 1))
    return _dimension_axis(rows, ax)


def plot_mean_rounds(rows: pd.DataFrame, ax: Axes) -> Axes:
    """Mean rounds of the connected pairs against d, one-sigma errors."""
    for group, x, style in _series(rows):
        ax.errorbar(x, group["rounds"], group["rounds_error"], lw=0.7, elinewidth=0.8, **style)
    ax.set(xlabel="input dimension $d$", ylabel="mean rounds")
    ax.set_ylim(-0.15, 1.3 * np.nanmax(rows["rounds"]) + 0.3)  # room for the legend
    return _dimension_axis(rows, ax)


def plot_rounds(pairs: pd.DataFrame, ax: Axes) -> Axes:
    """Shares of the pairs that needed 0, 1, 2, ... rounds, and of those for which no path was found."""
    connected = pairs["status"] == "connected"
    most = int(pairs.loc[connected, "rounds"].max()) if connected.any() else 0
    groups = [(key, look) for key, look in GROUPS.items() if _members(pairs, key).any()]
    width = 0.8 / max(len(groups), 1)
    for place, (key, (label, color)) in enumerate(groups):
        members = _members(pairs, key)
        counts = np.bincount(pairs.loc[members & connected, "rounds"], minlength=most + 1)
        shares = np.append(counts, (members & ~connected).sum()) / members.sum()
        x = np.arange(most + 2) + (place - (len(groups) - 1) / 2) * width
        ax.bar(x, shares, width, color=color, label=f"{label} (n = {members.sum()})")
    ax.set_xticks(range(most + 2), [*map(str, range(most + 1)), "not\nfound"])
    ax.set(xlabel="rounds of the path finder", ylabel="share of pairs")
    ax.legend()
    return ax


def plot_path(curves: Sequence[tuple[np.ndarray, np.ndarray]], level: float, ax: Axes) -> Axes:
    """Loss along one path after every round: share of the length against nats, the level as a dashed line."""
    shades = plt.get_cmap("viridis_r")(np.linspace(0.12, 1, len(curves)))
    for number, ((s, loss), shade) in enumerate(zip(curves, shades, strict=True)):
        label = "straight line" if number == 0 else f"after round {number}"
        ax.plot(s, np.maximum(loss, 1e-7), color=shade, lw=2 if number == len(curves) - 1 else 1.2, label=label)
    ax.axhline(level, ls="--", color="0.3", lw=0.9, label=f"level, {level:g} nats")
    ax.set(yscale="log", xlim=(0, 1), xlabel="share of the path from A to C", ylabel="loss [nats]")
    ax.set_ylim(bottom=ax.get_ylim()[0] / 20)  # room for the legend
    ax.legend(ncols=3, loc="lower center")
    return ax


def chosen_example(measured: Sequence[Measured]) -> Measured | None:
    """The subject whose longest path is drawn: most rounds, natural-adversarial pairs before others."""
    bent = [one for one in measured if len(one.example) > 1]
    adversarial = [one for one in bent if one.row["pair"] == "natural-adversarial"]
    return max(adversarial or bent, key=lambda one: len(one.example), default=None)


def _finding(rows: pd.DataFrame) -> str:
    verdicts = rows["verdict"].value_counts()
    counted = ", ".join(f"{verdict} in {n}" for verdict, n in verdicts.items())
    return (
        "Do percolation thresholds say when a network's low-loss inputs are connected?\n"
        f"The iid prediction, $p > p_c(d)$, against the path finder in {len(rows)} cases: {counted}"
    )


def _draw_thresholds(scan: DimensionScan, figure: Figure, place: SubplotSpec) -> None:
    upper, lower = _stacked(figure, place.subgridspec(2, 1, height_ratios=(2.4, 1), hspace=0.04))
    plot_thresholds(scan.table(), upper, scan.series)
    plot_residuals(scan.table(), lower)
    upper.set_title(r"(a) threshold of $\mathbb{Z}^d$")


def _stacked(figure: Figure, rows: GridSpecBase) -> tuple[Axes, Axes]:
    """An upper and a lower axes that share their abscissa."""
    upper = figure.add_subplot(rows[0])
    upper.tick_params(labelbottom=False)
    return upper, figure.add_subplot(rows[1], sharex=upper)


def _draw_against_dimension(rows: pd.DataFrame, figure: Figure, place: SubplotSpec) -> None:
    upper, lower = _stacked(figure, place.subgridspec(2, 1, height_ratios=(1, 1.5), hspace=0.06))
    plot_connected(rows, upper).set_title("(b) measured over the dimension")
    plot_mean_rounds(rows, lower)
    networks = [name for name in MARKERS if (rows["network"] == name).any()]
    handles = [Line2D([], [], marker=MARKERS[name], color="0.4", lw=0.7, label=name) for name in networks]
    lower.legend(handles=handles, ncols=len(handles), loc="upper right")


def _series(rows: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, np.ndarray, dict[str, Any]]]:
    """For each network and kind of pairs: its rows by dimension, abscissae (set apart a little), line style."""
    for shift, (key, (_, color)) in enumerate(GROUPS.items()):
        for network, marker in MARKERS.items():
            group = rows[_members(rows, key) & (rows["network"] == network)].sort_values("dimension")
            if len(group):
                x = group["dimension"].to_numpy() * 1.035 ** (shift - 1.5)
                yield group, x, {"color": color, "marker": marker}


def _members(rows: pd.DataFrame, key: tuple[str, str]) -> pd.Series:
    training, pair = key
    return (rows["training"] == training) & (rows["pair"] == pair)


def _dimension_axis(rows: pd.DataFrame, ax: Axes) -> Axes:
    ax.set_xscale("log")
    decades = [
        d for d in (10, 30, 100, 300, 1000, 3000) if rows["dimension"].min() / 2 < d < rows["dimension"].max() * 2
    ]
    ax.xaxis.set_major_locator(FixedLocator(decades))
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_locator(NullLocator())
    return ax


def _described(one: Measured) -> str:
    row = one.row
    return f"{row['pair']}, {row['training']} {row['network']}, $d={row['dimension']}$"
