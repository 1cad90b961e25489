"""Barriers of many pairs, as box plots by kind, and the rounds that they took."""

from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from empirical.experiments.barriers.measure import NO_PARTNER
from empirical.experiments.barriers.statistics import REFERENCE_KIND
from percolation.plotting import STYLE

COLORS = {
    REFERENCE_KIND: "C0",
    "natural-adversarial": "C1",
    "natural-fooling": "C3",
    "across-classes": "C2",
    "natural-noise": "C4",
}
QUANTITIES = {"loss_a": "Loss A", "loss_c": "Loss C", "max_loss": "maximum", "gap": "gap"}
LINEAR = 1e-3  # nats below which the axis of losses is linear, where losses span decades
DECADES = 1e-3  # of the largest loss: median of the ends below which they do


def barriers_figure(tables: dict[str, pd.DataFrame]) -> Figure:
    """A row a network: box plots of the losses, and the rounds where paths were searched."""
    searched = any("rounds" in table and table["rounds"].notna().any() for table in tables.values())
    with plt.style.context(STYLE):
        columns = 2 if searched else 1
        ratios = (1.9, 1) if searched else None
        size = (9.2 if searched else 5.2, 3.1 * len(tables) + 0.45)
        figure, axes = plt.subplots(len(tables), columns, figsize=size, squeeze=False, width_ratios=ratios)
        for row, (name, table) in zip(axes, tables.items(), strict=True):
            plot_barriers(table, row[0]).set_title(name)
            if searched:
                plot_rounds(table, row[1]).set_title("rounds of the path finder")
        figure.legend(handles=_handles(tables.values()), loc="outside lower center", ncols=5 if searched else 2)
    return figure


def plot_barriers(table: pd.DataFrame, ax: Axes) -> Axes:
    """Loss A, Loss C, maximum and gap of every kind, nats: quartiles, whiskers of 1.5 times that, outliers."""
    kinds = _kinds(table)
    made = table[table["status"] != NO_PARTNER] if "status" in table else table
    width = 0.8 / len(kinds)
    for place, kind in enumerate(kinds):
        of_kind = made[made["kind"] == kind]
        at = np.arange(len(QUANTITIES)) + (place - (len(kinds) - 1) / 2) * width
        _boxes(ax, [of_kind[name].to_numpy() for name in QUANTITIES], at, 0.85 * width, _color(kind, kinds))
    counts = made["kind"].value_counts()
    ax.set_xticks(range(len(QUANTITIES)), list(QUANTITIES.values()))
    ax.set(ylabel="loss of A's class [nats]", xlim=(-0.55, len(QUANTITIES) - 0.45))
    ends = made[made["kind"] == kinds[0]][["loss_a", "loss_c"]].to_numpy()
    if np.median(ends) < DECADES * made["max_loss"].max():
        ax.set_yscale("symlog", linthresh=LINEAR, linscale=0.4)
        decades = 10.0 ** np.arange(-3, max(np.ceil(np.log10(max(made["max_loss"].max(), LINEAR))), -2) + 1)
        ax.set_yticks([0, *decades])
        ax.set_ylim(-0.4 * LINEAR, 1.5 * decades[-1])
    few, most = counts.min(), counts.max()
    ax.text(
        0.01,
        0.985,
        f"n = {most} each" if few == most else f"n = {few} to {most} each",
        transform=ax.transAxes,
        va="top",
        fontsize=7.5,
    )
    return ax


def plot_rounds(table: pd.DataFrame, ax: Axes) -> Axes:
    """Shares of the pairs that needed 0, 1, 2, ... rounds, and of those for which no path was found.

    Of kinds whose pairs were searched, half of them at least.
    """
    searched = table[table["rounds"].notna()]
    # where most have a closed end, the few that were searched stand for nothing
    kinds = [kind for kind in _kinds(table) if 2 * (searched["kind"] == kind).sum() >= (table["kind"] == kind).sum()]
    connected = searched["status"] == "connected"
    most = int(searched.loc[connected, "rounds"].max()) if connected.any() else 0
    width = 0.8 / max(len(kinds), 1)
    for place, kind in enumerate(kinds):
        of_kind = searched["kind"] == kind
        counts = np.bincount(searched.loc[of_kind & connected, "rounds"].astype(int), minlength=most + 1)
        shares = np.append(counts, (of_kind & ~connected).sum()) / of_kind.sum()
        x = np.arange(most + 2) + (place - (len(kinds) - 1) / 2) * width
        ax.bar(x, shares, width, color=_color(kind, _kinds(table)))
    ax.set_xticks(range(most + 2), [*map(str, range(most + 1)), "not\nfound"])
    ax.set(xlabel="rounds", ylabel="share of pairs")
    return ax


def _boxes(ax: Axes, values: Sequence[np.ndarray], at: np.ndarray, width: float, color: str) -> None:
    made = ax.boxplot(
        [one if len(one) else np.array([np.nan]) for one in values],
        positions=at,
        widths=width,
        manage_ticks=False,
        patch_artist=True,
        flierprops={"marker": ".", "ms": 2.5, "mfc": color, "mec": "none", "alpha": 0.5},
        medianprops={"color": "black", "lw": 1.1},
        whiskerprops={"color": color, "lw": 0.9},
        capprops={"color": color, "lw": 0.9},
    )
    for box in made["boxes"]:
        box.set(facecolor=color, alpha=0.55, edgecolor=color, lw=0.8)


def _kinds(table: pd.DataFrame) -> list[str]:
    """The kinds of the table: those that are known in their usual order, then others."""
    present = list(table["kind"].unique())
    return [kind for kind in COLORS if kind in present] + [kind for kind in present if kind not in COLORS]


def _color(kind: str, kinds: Sequence[str]) -> str:
    return COLORS.get(kind, f"C{kinds.index(kind) % 7}")


def _handles(tables: Iterable[pd.DataFrame]) -> list[Patch]:
    kinds: dict[str, str] = {}
    for table in tables:
        kinds |= {kind: _color(kind, _kinds(table)) for kind in _kinds(table)}
    return [Patch(facecolor=color, alpha=0.55, edgecolor=color, label=kind) for kind, color in kinds.items()]
