"""Panels of the experiment over training time, each drawn on a given ax, and the figure that holds them."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from percolation.plotting import STYLE

STYLES = {  # of a kind of inputs: label, colour, marker
    "class-optimal": ("class-optimal inputs", "C1", "o"),
    "natural": ("natural inputs", "C0", "s"),
}


def training_figure(rows: pd.DataFrame, level: float) -> Figure:
    """Primary barriers; rounds; accuracy and what share of inputs is low: against the epoch."""
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(10.6, 3.6))
        plot_primary_barriers(rows, level, axes[0]).set_title("(a) straight lines: median, quartiles")
        plot_rounds_over_time(rows, axes[1]).set_title("(b) rounds; hollow: some pairs not found")
        plot_learning(rows, axes[2]).set_title("(c) accuracy, share of inputs that are low")
        handles = [Line2D([], [], color=color, marker=marker, label=label) for label, color, marker in STYLES.values()]
        handles += [axes[2].lines[0], axes[2].lines[1]]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        return figure


def plot_primary_barriers(rows: pd.DataFrame, level: float, ax: Axes) -> Axes:
    """Median of the largest loss on the straight lines, quartiles as a band; below the level a line is open."""
    for of_kind, _, color, marker in _kinds(rows):
        epoch = of_kind["epoch"]
        ax.fill_between(epoch, of_kind["barrier_q25"], of_kind["barrier_q75"], color=color, alpha=0.18, lw=0)
        ax.plot(epoch, of_kind["barrier_median"], marker + "-", color=color)
    ax.axhline(level, ls="--", color="0.3", lw=0.9)
    ax.text(0.27, level, f"level {level:g}", transform=ax.get_yaxis_transform(), va="bottom", fontsize=7.5)
    ax.set(yscale="log", ylabel="largest loss [nats]")
    return _epochs(rows, ax)


def plot_rounds_over_time(rows: pd.DataFrame, ax: Axes) -> Axes:
    """Mean rounds of connected pairs, one-sigma errors; hollow where some pairs were not found."""
    for of_kind, _, color, marker in _kinds(rows):
        some_missing = (of_kind["connected"] < 1).to_numpy()
        epoch, mean = of_kind["epoch"], of_kind["rounds"]
        ax.errorbar(epoch, mean, of_kind["rounds_error"], fmt=marker + "-", color=color, lw=1)
        ax.plot(epoch[some_missing], mean[some_missing], marker, color=color, mfc="white", zorder=3)
    ax.set(ylabel="mean rounds")
    ax.set_ylim(-0.05, max(1.0, 1.05 * ax.get_ylim()[1]))
    return _epochs(rows, ax)


def plot_learning(rows: pd.DataFrame, ax: Axes) -> Axes:
    """Accuracy on test and training data, and for each kind the share of inputs that are low."""
    first = rows.drop_duplicates("epoch")
    ax.plot(first["epoch"], first["test_accuracy"], "-", color="black", label="test accuracy")
    ax.plot(first["epoch"], first["train_accuracy"], "--", color="0.5", label="training accuracy")
    for kind, (_, color, marker) in STYLES.items():
        of_kind = rows[rows["kind"] == kind]
        ax.plot(of_kind["epoch"], of_kind["inputs_low"] / of_kind["inputs_tried"], marker + ":", color=color, lw=1)
    ax.set(ylabel="share", ylim=(-0.03, 1.05))
    return _epochs(rows, ax)


def _kinds(rows: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, str, str, str]]:
    """The rows with pairs of each kind of inputs, with its label, colour and marker."""
    for kind, look in STYLES.items():
        of_kind = rows[(rows["kind"] == kind) & (rows["pairs"] > 0)]
        if len(of_kind):
            yield of_kind, *look


def _epochs(rows: pd.DataFrame, ax: Axes) -> Axes:
    """Logarithmic from the first epoch on, with room for epoch 0, before training."""
    epochs = np.unique(rows["epoch"])
    ax.set_xscale("symlog", linthresh=1, linscale=0.6)
    ax.xaxis.set_major_locator(FixedLocator(epochs.tolist()))
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set(xlabel="epochs of training", xlim=(-0.15, 1.15 * epochs[-1]))
    return ax
