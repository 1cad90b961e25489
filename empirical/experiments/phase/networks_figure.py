"""The phase diagram of networks: a panel a depth, dimension against occupation, with thresholds of three theories."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from empirical.experiments.phase.figure import IID, SHARE, SMOOTH, colours, plot_shares
from empirical.experiments.rounds.network_fields import LINES, occupations
from percolation.plotting import STYLE

LOOKS = {  # of a theory: label, colour, dashes
    "iid": (r"iid percolation, $p_c(\mathbb{Z}^d)$", IID, "--"),
    "euler": ("zero of the Euler characteristic on the sphere", SMOOTH, "-"),
    "finder": ("half of the pairs found, theory of the finder", "#009E73", "-."),
}


def networks_figure(rows: pd.DataFrame) -> Figure:
    """A panel for each depth in the table, one colour bar, one legend below."""
    depths = sorted(rows["depth"].unique())
    with plt.style.context(STYLE):
        figure, panels = plt.subplots(
            1, len(depths), figsize=(1.9 + 3.3 * len(depths), 4.4), sharey=True, squeeze=False
        )
        for depth, ax in zip(depths, panels[0], strict=True):
            of_depth = rows[rows["depth"] == depth]
            plot_shares(of_depth, ax, against="wanted_occupation")
            plot_grids(of_depth, ax)
            plot_thresholds(of_depth, ax)
            first = of_depth.iloc[0]
            xi, length = first["xi_theory"], first["length_over_xi_theory"]
            ax.set_title(f"depth {depth}: " + rf"$\xi$ = {xi:.2g} rad, $L$ = {length:.1f} $\xi$")
        panels[0][0].set_ylabel("occupation $p$ of the level")
        bar = figure.colorbar(ScalarMappable(SHARE, colours()), ax=list(panels[0]), pad=0.01, aspect=30)
        bar.set_label("share of pairs connected")
        figure.legend(handles=_legend(rows), loc="outside lower center", ncols=2 if len(depths) > 1 else 1)
        network, sigma_w = rows["field"].iloc[0], rows["sigma_w"].iloc[0]
        figure.suptitle(rf"Random {network} networks on the sphere, $\sigma_w$ = {sigma_w:g}", fontsize=10.5)
    return figure


def plot_grids(rows: pd.DataFrame, ax: Axes) -> Axes:
    """Exact shares on grids as the colour of a disc in the cell, where there are any."""
    if "connected_grid" in rows:
        exact = rows[rows["grid_pairs"] > 0]
        place, share = (exact["dimension"], exact["wanted_occupation"]), exact["connected_grid"]
        ax.scatter(*place, c=share, s=34, cmap=colours(), norm=SHARE, ec="black", lw=0.8, zorder=4)
    return ax


def plot_thresholds(rows: pd.DataFrame, ax: Axes) -> Axes:
    """The occupation from which on each theory says connected, over the dimension."""
    (low, high), limits = ax.get_xlim(), ax.get_ylim()
    d = np.unique(np.concatenate([np.arange(3, min(int(high), 24) + 1), np.geomspace(3, high, 24).astype(int)]))
    lines = np.array([occupations(int(one), float(rows["xi_theory"].iloc[0])) for one in d if one >= low])
    for line, p in zip(LINES, lines.T, strict=True):
        _, colour, dashes = LOOKS[line]
        ax.plot(d[d >= low], p, dashes, color=colour, lw=1.8, zorder=3)
    ax.set(xlim=(low, high), ylim=limits)
    return ax


def _legend(rows: pd.DataFrame) -> list[Line2D | Patch]:
    cell = [Patch(facecolor=colours()(0.5), label="cell: found by the path finder (not found proves nothing)")]
    disc = Line2D([], [], marker="o", ls="", mec="black", mfc=colours()(0.5), ms=6, label="disc: exactly, on a grid")
    lines = [
        Line2D([], [], ls=dashes, color=colour, lw=1.8, label=label + _agreement(rows, line))
        for line, (label, colour, dashes) in LOOKS.items()
    ]
    return [*cell, *[disc] * ("connected_grid" in rows), *lines]


def _agreement(rows: pd.DataFrame, line: str) -> str:
    """How often the theory agrees with what was measured."""
    judged = rows[f"{line}_verdict"]
    return f": agrees in {(judged == 'agrees').sum()} of {(judged != 'not measured').sum()}"
