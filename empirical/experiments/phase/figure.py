"""The phase diagram: a panel a kind of field, dimension against number of classes."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator

from empirical.experiments.phase.measure import FIELDS, KNOWN_UP_TO, RESOLVED, smooth_threshold
from percolation.plotting import STYLE
from percolation.theory import level_sets, thresholds

TITLES = {
    "smooth": "smooth Gaussian fields",
    "iid": "independent cells",
    "network": "random ReLU networks, classes unequal",
}
IID, SMOOTH = "#D55E00", "black"  # colours of the two theories, apart from the blues of the map
SHARE = Normalize(0, 1)


def phase_figure(rows: pd.DataFrame) -> Figure:
    """A panel for each kind of field in the table, one colour bar, one legend below."""
    fields = [field for field in FIELDS if (rows["field"] == field).any()]
    with plt.style.context(STYLE):
        figure, panels = plt.subplots(
            1, len(fields), figsize=(1.9 + 3.3 * len(fields), 4.6), sharey=True, squeeze=False
        )
        for letter, field, ax in zip("abc", fields, panels[0], strict=False):
            of_field = rows[rows["field"] == field]
            plot_shares(of_field, ax)
            plot_grids(of_field, ax)
            plot_thresholds(ax)
            ax.set_title(f"({letter}) {TITLES[field]}\n{_agreement(of_field)}")
        panels[0][0].set_ylabel("number of classes $C$")
        bar = figure.colorbar(ScalarMappable(SHARE, colours()), ax=list(panels[0]), pad=0.01, aspect=30)
        bar.set_label("share of same-class pairs connected")
        figure.legend(handles=_legend(), loc="outside lower center", ncols=2 if len(fields) > 1 else 1)
        figure.suptitle("When is a class connected? Dimension against number of classes", fontsize=10.5)
    return figure


def plot_shares(rows: pd.DataFrame, ax: Axes, against: str = "classes") -> Axes:
    """Share found by the path finder as the colour of a cell of the map; hatched where nothing was measured.

    against: the column over which the map goes up, beside the dimension.
    """
    d, other = np.unique(rows["dimension"]), np.unique(rows[against])
    shares = rows.pivot(index=against, columns="dimension", values="found").reindex(index=other, columns=d)
    ax.patch.set(hatch="////", facecolor="white", edgecolor="0.75")
    ax.pcolormesh(edges(d), edges(other), shares.to_numpy(), cmap=colours(), norm=SHARE, edgecolors="white", lw=0.4)
    ax.set(xscale="log", yscale="log", xlabel="dimension $d$", xlim=edges(d)[[0, -1]], ylim=edges(other)[[0, -1]])
    for axis, ticks in ((ax.xaxis, sparse(d, 1.3)), (ax.yaxis, other)):
        axis.set_major_locator(FixedLocator(ticks.tolist()))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(lambda value, _: f"{value:g}")
    return ax


def plot_grids(rows: pd.DataFrame, ax: Axes) -> Axes:
    """Exact shares on grids as the colour of a marker in the cell: a disc, a diamond where the grid is too coarse."""
    measured = rows[rows["grid_pairs"] > 0]
    coarse = measured["grid_chord"] < RESOLVED
    for marker, part in (("o", measured[~coarse]), ("D", measured[coarse])):
        colour = part["connected_grid"]
        place = part["dimension"], part["classes"]
        ax.scatter(*place, c=colour, marker=marker, s=34, cmap=colours(), norm=SHARE, ec="black", lw=0.8, zorder=4)
    return ax


def plot_thresholds(ax: Axes) -> Axes:
    """1/C = p_c of iid percolation and of smooth level sets, and of the estimate of these, thin."""
    low, high = ax.get_xlim()
    d = np.arange(2, int(high) + 1)
    known = d[d <= KNOWN_UP_TO]
    estimated = d[d <= 100]  # by then below 1e-40
    ax.plot(d, [1 / thresholds.hypercubic(int(n)).value for n in d], "--", color=IID, lw=1.8, zorder=3)
    ax.plot(known, [1 / smooth_threshold(int(n)).value for n in known], "-", color=SMOOTH, lw=1.8, zorder=3)
    ax.plot(estimated, [1 / level_sets.gaussian(int(n)).value for n in estimated], ":", color=SMOOTH, lw=1.5, zorder=3)
    ax.set_xlim(low, high)
    return ax


def _legend() -> list[Line2D | Patch]:
    disc: dict[str, Any] = {"ls": "", "mec": "black", "mfc": colours()(0.5), "ms": 6}
    return [
        Patch(facecolor=colours()(0.5), label="cell: found by the path finder (not found proves nothing)"),
        Line2D([], [], marker="o", label="disc: connected exactly, on a grid", **disc),
        Line2D(
            [], [], marker="D", label="diamond: the same, the grid does not resolve the classes", **disc | {"ms": 5}
        ),
        Line2D([], [], ls="--", color=IID, lw=1.8, label=r"iid percolation, $1/C = p_c(\mathbb{Z}^d)$"),
        Line2D(
            [], [], ls="-", color=SMOOTH, lw=1.8, label="level sets of smooth fields: proved, simulated up to $d=7$"
        ),
        Line2D([], [], ls=":", color=SMOOTH, lw=1.5, label="their estimate: zero of the Euler characteristic"),
    ]


def _agreement(rows: pd.DataFrame) -> str:
    """How often each theory agrees with what was measured."""
    n = len(rows)
    iid, smooth = ((rows[f"{theory}_verdict"] == "agrees").sum() for theory in ("iid", "smooth"))
    return f"iid theory agrees in {iid} of {n}, smooth in {smooth}"


def colours() -> Colormap:
    """Blues, but not so dark that a black line is lost on them."""
    return LinearSegmentedColormap.from_list("shares", plt.get_cmap("Blues")(np.linspace(0, 0.75, 64)))


def edges(numbers: np.ndarray) -> np.ndarray:
    """Borders between cells on a log scale: geometric means, the outer ones as far out."""
    logs = np.log(numbers.astype(float))
    middle = (logs[1:] + logs[:-1]) / 2
    first, last = (middle[0], middle[-1]) if len(middle) else (logs[0] - 0.3, logs[0] + 0.3)
    return np.exp([2 * logs[0] - first, *middle, 2 * logs[-1] - last])


def sparse(numbers: np.ndarray, ratio: float) -> np.ndarray:
    """Those at least a ratio apart, so that their labels do not touch."""
    kept = [numbers[0]]
    for number in numbers[1:]:
        if number >= ratio * kept[-1]:
            kept.append(number)
    return np.array(kept)
