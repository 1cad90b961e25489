"""Rounds of single pairs: predicted from each pair's own line, and from all lines together, against those measured."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from empirical.experiments.rounds import measure, plan
from empirical.experiments.rounds.landscapes import RandomNetwork, TrainedNetwork
from empirical.experiments.rounds.network_fields import NetworkField
from empirical.prediction import paired
from papers import drawing
from papers.figure import PAGE, house, keep, kept_table, macro_name, made_by, record
from percolation.quantities import with_error

NAME = "dimension_scaling/each_pair"
TITLE = "Rounds of each pair of a network, predicted and measured"
MINUTES = 6.0
KINDS = ("trained", "random", "chaotic")
LARGEST_DISC = 0.42  # radius, in rounds


@dataclass(frozen=True)
class Config:
    """Networks of three kinds, and how many pairs of each."""

    trained: tuple[int, ...] = (20, 40, 80, 160)  # dimensions of mnist1d, on which 1-D CNNs are trained
    random: tuple[tuple[int, int], ...] = ((100, 1), (100, 10), (784, 3), (784, 10), (3072, 10))  # d, depth of MLPs
    chaotic: tuple[tuple[int, float], ...] = ((8, 0.5), (12, 0.1), (24, 0.1), (24, 0.01))  # d, occupation of the level
    depth: int = 8  # of the chaotic networks, tanh of sigma_w = 3 on the sphere
    pairs: int = 60


QUICK = Config(trained=(40,), random=((100, 10), (784, 3)), chaotic=((8, 0.5),), depth=6, pairs=24)
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0, device: str = "cpu") -> Path:
    """A row a network, the columns of `measure.rounds_table`, kind and number; NAME_pairs.csv has a row a pair."""
    cases = _cases(config)
    walked = plan.walk_all([case for _, case in cases], seed=seed, workers=workers, device=device)
    kinds = [kind for kind, _ in cases]
    pairs = [measure.rounds_pairs([one]).assign(kind=kind) for kind, one in zip(kinds, walked, strict=True)]
    table = measure.rounds_table(walked).assign(kind=kinds)
    return keep(folder, NAME, config, seed, table, pairs=pd.concat(pairs, ignore_index=True))


def _cases(config: Config) -> list[tuple[str, measure.Case]]:
    trained = [TrainedNetwork("cnn1d", "mnist1d", d) for d in config.trained]
    random = [RandomNetwork("mlp", d, depth) for d, depth in config.random]
    chaotic = [(NetworkField("tanh", d, config.depth, 3.0, sphere=True), p) for d, p in config.chaotic]
    return (
        [("trained", measure.Case(one, config.pairs)) for one in trained]
        + [("random", measure.Case(one, config.pairs)) for one in random]
        + [("chaotic", measure.Case(one, config.pairs, p)) for one, p in chaotic]
    )


def _kinds(table: pd.DataFrame) -> list[str]:
    return [kind for kind in KINDS if kind in set(table["kind"])]


def _walked(data_file: Path) -> pd.DataFrame:
    """The connected pairs that have a prediction of their own."""
    pairs = kept_table(data_file, "pairs")
    return pairs[(pairs["status"] == "connected") & pairs["response_rounds"].notna()]


def agreement(data_file: Path) -> pd.DataFrame:
    """For each kind: pairs, mean rounds measured and by each theory, shares predicted exactly and within one, rank."""
    pairs, table = _walked(data_file), pd.read_csv(data_file)
    found = []
    for kind in _kinds(table):
        some, rows = pairs[pairs["kind"] == kind], table[table["kind"] == kind]
        apart = (some["rounds"] - some["response_rounds"]).abs()
        closed = some[some["rounds"] > 0]
        rank = paired.rank(closed["response_rounds"].to_numpy(), closed["rounds"].to_numpy())
        stationary = float(np.average(rows["predicted_rounds"], weights=rows["pairs"]))
        shares = {"exact": (apart == 0).mean(), "within_one": (apart <= 1).mean(), "rank_closed": rank}
        means = {"measured": some["rounds"].mean(), "error": some["rounds"].sem(), "stationary": stationary}
        found.append({"kind": kind, "n": len(some), "response": some["response_rounds"].mean()} | means | shares)
    return pd.DataFrame(found).set_index("kind")


def draw(data_file: Path) -> Figure:
    """A panel a kind of network: discs as large as the number of pairs, crosses for the stationary theory."""
    pairs, table = _walked(data_file), pd.read_csv(data_file)
    with house():
        figure, axes = plt.subplots(1, len(_kinds(table)), figsize=(PAGE, 2.75))
        for series, (kind, ax) in enumerate(zip(_kinds(table), axes, strict=True)):
            _panel(pairs[pairs["kind"] == kind], table[table["kind"] == kind], f"C{series}", ax)
        axes[0].set_ylabel("rounds measured")
        drawing.letters(axes, [f"{kind} networks" for kind in _kinds(table)])
        label = "pairs, by linear response of their own lines"
        handles = [
            Line2D([], [], marker="o", ls="", color="0.6", label=label),
            Line2D([], [], marker="x", ls="", color="black", label="a network's mean, by the stationary theory"),
            Line2D([], [], ls="--", color="0.45", label="theory is right"),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _panel(pairs: pd.DataFrame, rows: pd.DataFrame, color: str, ax: Axes) -> None:
    """Counts of pairs at integer rounds, area by number, the number inside where there is room."""
    counts = pairs.groupby(["response_rounds", "rounds"]).size()
    most = int(max(pairs["response_rounds"].max(), pairs["rounds"].max(), 1))
    ax.set(xlim=(-0.6, most + 0.6), ylim=(-0.6, most + 0.6), aspect="equal", xlabel="rounds predicted")
    ax.plot([-0.6, most + 0.6], [-0.6, most + 0.6], "--", color="0.45", lw=0.9, zorder=1)
    for (predicted, measured), n in counts.items():
        radius = LARGEST_DISC * np.sqrt(n / counts.max())
        ax.add_patch(plt.Circle((predicted, measured), radius, fc=color, ec="none", alpha=0.45, zorder=2))
        if radius > 0.026 * (most + 1):
            number = ax.text(predicted, measured, str(n), ha="center", va="center", fontsize=5.5, zorder=4)
            number.set_path_effects([withStroke(linewidth=1.6, foreground="white")])  # where a cross lies below
    means = rows["predicted_rounds"], rows["measured_rounds"], rows["measured_rounds_error"]
    ax.errorbar(*means, fmt="x", color="black", ms=4, mew=1, elinewidth=0.7, zorder=3)
    step = max(1, (most + 4) // 5)
    ax.set(xticks=range(0, most + 1, step), yticks=range(0, most + 1, step))


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, found = record(data_file)["parameters"], agreement(data_file)
    said = "; ".join(
        rf"{kind}: {one['n']:.0f} pairs, {one['exact']:.2f} predicted exactly, {one['within_one']:.3f} within one"
        for kind, one in found.iterrows()
    )
    random = ", ".join(rf"{d} and {depth}" for d, depth in made["random"])
    chaotic = ", ".join(rf"{d} and {p:g}" for d, p in made["chaotic"])
    networks = {
        "trained": rf"1-D CNNs trained on mnist1d, $d$ = {', '.join(map(str, made['trained']))}",
        "random": rf"random ReLU MLPs, $d$ and depth {random}",
        "chaotic": rf"random tanh networks on the sphere, $\sigma_w = 3$, depth {made['depth']}, a network a pair, $d$ "
        rf"and occupation {chaotic}",
    }
    panels = "; ".join(f"({letter}) {networks[kind]}" for letter, kind in zip("abc", found.index, strict=False))
    return (
        rf"Rounds of the path finder, measured pair by pair, against those predicted before it ran. Discs: number of "
        rf"pairs by linear response of each pair's own straight line. Crosses: mean of a network by the stationary "
        rf"theory from all its lines, bars of one standard error. Nothing is fitted; pairs that were not connected are "
        rf"left out. {panels}. {said[0].upper()}{said[1:]}. " + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """What was measured and predicted of each kind."""
    found: dict[str, str] = {}
    for kind, one in agreement(data_file).iterrows():
        found |= {
            macro_name("pairs", kind): f"{one['n']:.0f}",
            macro_name("pair rounds", kind): with_error(one["measured"], one["error"]),
            macro_name("pair rounds response", kind): f"{one['response']:.2f}",
            macro_name("pair rounds stationary", kind): f"{one['stationary']:.2f}",
            macro_name("pair rounds exact", kind): f"{one['exact']:.2f}",
            macro_name("pair rounds within one", kind): f"{one['within_one']:.3f}",
        }
    return {name: value for name, value in found.items() if "nan" not in value}


def finding(data_file: Path) -> str:
    """One line."""
    parts = [
        f"{one['exact']:.2f} of {one['n']:.0f} {kind} pairs exactly and {one['within_one']:.3f} within one"
        for kind, one in agreement(data_file).iterrows()
    ]
    return f"Linear response of each pair's own line predicts the rounds of {', '.join(parts)}."
