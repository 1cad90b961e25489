"""Phase diagram: when two points of one class are connected, over the dimension and the number of classes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from empirical.experiments.phase import measure
from empirical.experiments.phase.figure import IID, SMOOTH, plot_grids, plot_shares, plot_thresholds
from papers.averages import share
from papers.drawing import letters
from papers.figure import PAGE, house, keep, macro_name, made_by, record

NAME = "dimension_scaling/phase"
TITLE = "Phase diagram: dimension against number of classes"
MINUTES = 3.0
TITLES = {"smooth": "smooth Gaussian fields", "iid": "independent cells", "network": "random networks"}


@dataclass(frozen=True)
class Config:
    """Cells of the diagram, and what is measured in each."""

    dimensions: tuple[int, ...] = (2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64)
    classes: tuple[int, ...] = (2, 10, 50, 200)
    pairs: int = 40
    grid_pairs: int = 100
    small_grids: bool = False


QUICK = Config(dimensions=(2, 3, 4, 5, 8, 16, 32), classes=(2, 10, 50), pairs=12, grid_pairs=40, small_grids=True)
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0, device: str = "cpu") -> Path:
    """A row a kind of field, dimension and number of classes, the columns of `measure.row`."""
    plan = measure.Plan(
        config.dimensions,
        config.classes,
        pairs=config.pairs,
        grid_pairs=config.grid_pairs,
        quick=config.small_grids,
    )
    return keep(folder, NAME, config, seed, measure.measure_phase(plan, seed=seed, workers=workers, device=device))


def draw(data_file: Path) -> Figure:
    """A map a kind of field."""
    rows = pd.read_csv(data_file)
    kinds = [kind for kind in TITLES if (rows["field"] == kind).any()]
    with house():
        figure, axes = plt.subplots(1, len(kinds), figsize=(PAGE, 3.1), sharey=True, squeeze=False)
        for ax, kind in zip(axes[0], kinds, strict=True):
            of_kind = rows[rows["field"] == kind]
            plot_shares(of_kind, ax)
            plot_grids(of_kind, ax)
            plot_thresholds(ax)
            for line in ax.lines:  # a white edge: in grey print they would be as dark as the cells
                line.set_path_effects([withStroke(linewidth=line.get_linewidth() + 1.5, foreground="white")])
            shown = [d for d in (2, 3, 4, 8, 16, 32, 64) if d in set(rows["dimension"])]
            ax.set_xticks(shown, [str(d) for d in shown])
        axes[0, 0].set_ylabel("number of classes $C$")
        letters(axes, [TITLES[kind] for kind in kinds])
        colours = plt.get_cmap("Blues")
        map_ = axes[0, 0].collections[0]
        bar = figure.colorbar(ScalarMappable(map_.norm, map_.cmap), ax=list(axes[0]), pad=0.01, aspect=25)
        bar.set_label("share of pairs connected")
        figure.legend(handles=_legend(colours(0.4)), loc="outside lower center", ncols=2)
    return figure


def _legend(colour: Any) -> list[Patch | Line2D]:
    disc: dict[str, Any] = {"ls": "", "mec": "black", "mfc": colour, "ms": 5}
    lines = [
        (IID, "--", r"iid, $1/C = p_c(\mathbb{Z}^d)$: Mertens and Moore 2018"),
        (SMOOTH, "-", "smooth, simulated up to $d=7$"),
        (SMOOTH, ":", "smooth, estimate: zero of the Euler characteristic"),
    ]
    return [
        Patch(facecolor=colour, label="cell: share found by the path finder"),
        Line2D([], [], marker="o", label="disc: share connected exactly, on a grid", **disc),
        Line2D([], [], marker="D", label="diamond: the same, grid too coarse", **disc),
        *(Line2D([], [], color=color, ls=style, lw=1.5, label=label) for color, style, label in lines),
    ]


def agreement(rows: pd.DataFrame) -> dict[tuple[str, str, str], int]:
    """How often each theory has each verdict, for each kind of field."""
    found = {}
    for kind, of_kind in rows.groupby("field"):
        for theory in ("iid", "smooth"):
            for verdict in ("agrees", "refuted"):
                found[str(kind), theory, verdict] = int((of_kind[f"{theory}_verdict"] == verdict).sum())
    return found


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    rows, made = pd.read_csv(data_file), record(data_file)["parameters"]
    counts, n = agreement(rows), rows.groupby("field").size()
    fared = "; ".join(
        rf"{TITLES[kind]}: iid in {counts[kind, 'iid', 'agrees']}, smooth in {counts[kind, 'smooth', 'agrees']} "
        rf"of {n[kind]}"
        for kind in TITLES
        if kind in n
    )
    return (
        rf"Share of pairs of points of one class that are connected within it, $C$ classes in $d$ dimensions. Cells of "
        rf"the map: found by the path finder, {made['pairs']} pairs each (binomial error at most "
        rf"{0.5 / made['pairs'] ** 0.5:.2f}); not found proves nothing. Discs: exact, on periodic grids, up to "
        rf"{int(rows['grid_pairs'].max())} pairs each; diamonds where the grid does not resolve the classes. Lines: "
        rf"$1/C$ at the thresholds of iid percolation (Mertens and Moore 2018; dashed) and of level sets of smooth "
        rf"fields (solid; dotted: zeros of the Euler characteristic). Cells in which the theory agrees: {fared}. "
        + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Verdicts, and shares on grids."""
    rows = pd.read_csv(data_file)
    found = {macro_name("phase", *key): str(n) for key, n in agreement(rows).items()}
    found |= {macro_name("phase", kind, "cells"): str(n) for kind, n in rows.groupby("field").size().items()}
    for row in rows[rows["grid_pairs"] > 0].itertuples():
        name = macro_name("connected grid", row.field, "C", int(row.classes), "d", int(row.dimension))
        found[name] = str(share(row.connected_grid * row.grid_pairs, int(row.grid_pairs)))
    return found


def finding(data_file: Path) -> str:
    """One line."""
    rows = pd.read_csv(data_file)
    counts, n = agreement(rows), int((rows["field"] == "smooth").sum())
    return (
        f"Classes of smooth fields follow the threshold of smooth level sets (agrees in "
        f"{counts['smooth', 'smooth', 'agrees']} of {n} cells, refuted in {counts['smooth', 'smooth', 'refuted']}), "
        f"not iid percolation (agrees in {counts['smooth', 'iid', 'agrees']}, refuted in "
        f"{counts['smooth', 'iid', 'refuted']})."
    )
