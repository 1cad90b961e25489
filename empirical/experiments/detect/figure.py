"""The detection benchmark as a figure: detectors x attacks, and what an attack that knows the detector leaves of it."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from empirical.attacks import ATTACKS
from percolation.plotting import STYLE

BUDGET_COLORS = {1.0: "C1", 2.0: "C3"}  # of the adaptive attack
DARK = 0.6  # share of the scale from which a cell is dark and its text white


def detection_figure(table: pd.DataFrame, adaptive: pd.DataFrame) -> Figure:
    """A row of panels for each data set: AUC, true positives at 5 %, detection before and after the adaptive attack."""
    names = list(table["data"].unique())
    with plt.style.context(STYLE):
        n_detectors = table["detector"].nunique()
        size = (11.6, len(names) * (1.3 + 0.24 * n_detectors))
        figure, axes = plt.subplots(len(names), 3, figsize=size, squeeze=False, width_ratios=(1.15, 1, 0.75))
        for row, name in zip(axes, names, strict=True):
            of_data = table[table["data"] == name]
            what = f"{name}, {of_data['network'].iloc[0]}"
            plot_matrix(of_data, "auc", row[0], low=0.5)
            row[0].set_title(f"{what}: AUC (bold: best against the attack)")
            plot_matrix(of_data, "tpr_5", row[1], low=0.0)
            row[1].set(title="true positives at 5 % false (small: half of 95 %)", yticklabels=[])
            plot_adaptive(adaptive[adaptive["data"] == name], row[2]).set_title("PGD that knows the loss curve")
        return figure


def plot_matrix(rows: pd.DataFrame, value: str, ax: Axes, *, low: float) -> Axes:
    """Detectors x attacks, each cell with its value and half its interval; a line below the loss curves."""
    wide = rows.pivot(index="detector", columns="attack", values=value)
    order, attacks = rows["detector"].unique(), rows["attack"].unique()
    grid = wide.reindex(index=order, columns=attacks).to_numpy(dtype=float)
    ax.imshow(np.clip(grid, low, 1), cmap="Blues", vmin=low, vmax=1 + 0.12 * (1 - low), aspect="auto")
    labels = rows.drop_duplicates("detector").set_index("detector")
    cells = rows.set_index(["detector", "attack"])
    for i, detector in enumerate(order):
        for j, attack in enumerate(attacks):
            best = grid[i, j] == np.nanmax(grid[:, j]) if np.isfinite(grid[:, j]).any() else False
            _write(cells.loc[(detector, attack)], value, (j, i), ax, bold=bool(best), low=low)
    ax.set_xticks(range(len(attacks)), [ATTACKS[one].label for one in attacks], rotation=35, ha="right")
    ax.set_yticks(range(len(order)), labels.loc[order, "label"])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ours = int((~labels.loc[order, "baseline"].astype(bool)).sum())
    if 0 < ours < len(order):
        ax.axhline(ours - 0.5, color="white", lw=4)
    return ax


def plot_adaptive(rows: pd.DataFrame, ax: Axes) -> Axes:
    """AUC of each loss curve against PGD, and against the adaptive attack with each budget; share that goes unseen."""
    if not len(rows):
        ax.text(0.5, 0.5, "not tried", ha="center", transform=ax.transAxes)
        ax.set_axis_off()
        return ax
    detectors = list(rows["detector"].unique())
    for i, detector in enumerate(detectors):
        of_detector = rows[rows["detector"] == detector].sort_values("budget")
        first = of_detector.iloc[0]
        _bar(first, "before", i - 0.27, "0.6", "PGD, $\\epsilon$" if i == 0 else None, ax)
        for k, (_, row) in enumerate(of_detector.iterrows()):
            budget = "" if row["budget"] == 1 else f"{row['budget']:g} "
            label = f"adaptive, {budget}$\\epsilon$" if i == 0 else None
            _bar(row, "after", i + 0.27 * k, BUDGET_COLORS.get(row["budget"], "C4"), label, ax)
    ax.axhline(0.5, color="0.4", lw=0.8, ls=":")
    names = {"curve": "loss curve", "curve_logits": "curve + logits"}
    ax.set_xticks(range(len(detectors)), [names.get(one, one) for one in detectors])
    ax.set(ylabel="AUC", ylim=(0, 1.32), yticks=(0, 0.25, 0.5, 0.75, 1), xlim=(-0.6, len(detectors) - 0.2))
    ax.legend(loc="upper left", ncols=2, title="numbers: misclassified and unseen at 5 %", title_fontsize="small")
    return ax


def _bar(row: pd.Series, when: str, x: float, color: str, label: str | None, ax: Axes) -> None:
    value = row[f"auc_{when}"]
    error = [[value - row[f"auc_low_{when}"]], [row[f"auc_high_{when}"] - value]]
    ax.bar(x, value, 0.25, color=color, label=label)
    if np.isfinite(value):
        ax.errorbar(x, value, np.maximum(error, 0), fmt="none", color="black", lw=0.9)
        ax.text(x, row[f"auc_high_{when}"] + 0.02, f"{row[f'undetected_{when}']:.0%}", ha="center", fontsize=7)


def _write(row: pd.Series, value: str, at: tuple[int, int], ax: Axes, *, bold: bool, low: float) -> None:
    """The number of a cell with half its interval in small, or a dash where there is none."""
    number = row[value]
    color = "white" if number > low + DARK * (1 - low) else "black"
    if not np.isfinite(number):
        ax.text(*at, "-", ha="center", va="center", color="0.4")
        return
    half = (row[f"{value}_high"] - row[f"{value}_low"]) / 2
    weight = "bold" if bold else "normal"
    x, y = at
    ax.text(x + 0.04, y, f"{number:.2f}", ha="right", va="center", fontsize=7.5, color=color, weight=weight)
    ax.text(x + 0.07, y + 0.02, f"±{half:.2f}".replace("0.", "."), ha="left", va="center", fontsize=5.5, color=color)
