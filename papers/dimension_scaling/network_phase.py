"""Chaotic networks at their threshold: pairs connected over dimension and occupation, with three predictions."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from empirical.experiments.phase import networks
from empirical.experiments.phase.figure import SHARE, colours, plot_shares
from empirical.experiments.phase.networks_figure import LOOKS, plot_grids, plot_thresholds
from empirical.experiments.rounds.network_fields import LINES
from papers import drawing
from papers.averages import share
from papers.figure import PAGE, house, keep, macro_name, made_by, record
from percolation.quantities import with_error

NAME = "dimension_scaling/network_phase"
TITLE = "Chaotic networks at their threshold"
MINUTES = 12.0
SAYS = {"iid": "iid percolation", "euler": "the Euler characteristic", "finder": "the theory of the finder"}
DECIDED = ("agrees", "refuted", "not found")


@dataclass(frozen=True)
class Config:
    """Random tanh networks of sigma_w = 3 on the sphere, one a pair; a panel a depth, which sets xi."""

    dimensions: tuple[int, ...] = (3, 4, 6, 8, 12, 16, 24)
    occupations: tuple[float, ...] = (0.5, 0.1, 0.01)
    depths: tuple[int, ...] = (4, 8)
    pairs: int = 60


QUICK = Config(dimensions=(3, 8, 16), occupations=(0.5, 0.1), pairs=8)
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0, device: str = "cpu") -> Path:
    """A row a depth, dimension and occupation, the columns of `networks.measure_networks`."""
    plan = networks.NetworksPlan(config.dimensions, config.occupations, config.depths, pairs=config.pairs)
    return keep(folder, NAME, config, seed, networks.measure_networks(plan, seed=seed, workers=workers, device=device))


def draw(data_file: Path) -> Figure:
    """A map a depth, the thresholds of the three theories drawn in."""
    rows = pd.read_csv(data_file)
    depths = sorted(rows["depth"].unique())
    with house():
        figure, axes = plt.subplots(1, len(depths), figsize=(PAGE, 3.3), sharey=True, squeeze=False)
        for depth, ax in zip(depths, axes[0], strict=True):
            of_depth = rows[rows["depth"] == depth]
            plot_shares(of_depth, ax, against="wanted_occupation")
            plot_grids(of_depth, ax)
            plot_thresholds(of_depth, ax)
            for line in ax.lines:  # a white edge: in grey print they would be as dark as the cells
                line.set_path_effects([withStroke(linewidth=line.get_linewidth() + 1.5, foreground="white")])
        axes[0, 0].set_ylabel("occupation $p$ of the level")
        lengths = [rows.loc[rows["depth"] == depth, "length_over_xi_theory"].iloc[0] for depth in depths]
        titles = [rf"depth {depth}, $L = {length:.1f}\,\xi$" for depth, length in zip(depths, lengths, strict=True)]
        drawing.letters(axes, titles)
        bar = figure.colorbar(ScalarMappable(SHARE, colours()), ax=list(axes[0]), pad=0.01, aspect=25)
        bar.set_label("share of pairs connected")
        figure.legend(handles=_legend(), loc="outside lower center", ncols=2, handlelength=3.2)
    return figure


def _legend() -> list[Line2D | Patch]:
    colour = colours()(0.5)
    disc = Line2D(
        [], [], marker="o", ls="", mec="black", mfc=colour, ms=5, label=r"disc: exactly, on grids of $S^2$, $S^3$"
    )
    lines = [Line2D([], [], ls=dashes, color=color, lw=1.8, label=label) for label, color, dashes in LOOKS.values()]
    return [Patch(facecolor=colour, label="cell: share found by the path finder"), disc, *lines]


def agreement(rows: pd.DataFrame) -> pd.DataFrame:
    """Cells by theory and verdict."""
    counts = {line: rows[f"{line}_verdict"].value_counts().reindex(DECIDED, fill_value=0) for line in LINES}
    return pd.DataFrame(counts).T


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, rows = record(data_file)["parameters"], pd.read_csv(data_file)
    counts = agreement(rows)
    fared = "; ".join(
        rf"{SAYS[line]}: agrees in {one['agrees']}, refuted in {one['refuted']}, not found in {one['not found']}"
        for line, one in counts.iterrows()
    )
    unwalked = int((rows["pairs"] == 0).sum())
    hatched = rf" Hatched: no end came down ({unwalked} cells)." if unwalked else ""
    return (
        rf"Share of pairs of low outputs that are connected, in random tanh networks, $\sigma_w = 3$, on the sphere "
        rf"$|x|^2 = d$, a network a pair; ends are $L$ apart, a quarter circle. Cells of the map: found by the path "
        rf"finder, {made['pairs']} pairs drawn for each cell (binomial error at most "
        rf"{0.5 / made['pairs'] ** 0.5:.2f}), those whose ends come down counted; not found proves nothing. Discs: "
        rf"exactly, on grids of $S^2$ and $S^3$.{hatched} Lines: occupation from which on theories say connected: iid "
        rf"percolation (Mertens and Moore 2018), the zero of the mean Euler characteristic of the sphere, and half of "
        rf"the pairs by the theory of the finder. Of {len(rows)} cells {fared}. " + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Shares found, and verdicts."""
    rows = pd.read_csv(data_file)
    counts = agreement(rows)
    found = {
        macro_name("network phase", line, verdict): str(counts.loc[line, verdict])
        for line in LINES
        for verdict in DECIDED
    }
    for row in rows[rows["pairs"] > 0].itertuples():
        of = share(round(row.found * row.pairs), int(row.pairs))
        p = f"{row.wanted_occupation:g}".replace(".", " point ")
        found[macro_name("network found depth", int(row.depth), "d", int(row.dimension), "p", p)] = with_error(
            of.value, of.error
        )
    return found


def finding(data_file: Path) -> str:
    """One line."""
    rows = pd.read_csv(data_file)
    counts = agreement(rows)
    said = [
        f"{SAYS[line]} agrees in {one['agrees']} and is refuted in {one['refuted']}" for line, one in counts.iterrows()
    ]
    return f"Chaotic networks cross their thresholds: of {len(rows)} cells {', '.join(said)}."
