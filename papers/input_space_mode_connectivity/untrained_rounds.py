"""Figure 7: an untrained network; the loss along the path between class-optimal inputs after each round."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from empirical.ends.subject import Subject
from papers import drawing
from papers.averages import geometric
from papers.figure import PAGE, house, keep, kept_table, macro_name, made_by, record, tex
from papers.input_space_mode_connectivity import path_styles
from papers.input_space_mode_connectivity.inputs import after_rounds, searched, summary

NAME = "input_space_mode_connectivity/untrained_rounds"
TITLE = "An untrained network: the loss after each round"
MINUTES = 0.5


@dataclass(frozen=True)
class Config:
    """Pairs of class-optimal inputs of a network with random weights."""

    network: str = "resnet18"
    dimension: int | None = None  # the usual one: 3 x 32 x 32
    pairs: int = 12


QUICK = Config(pairs=4)
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0) -> Path:
    """A row a pair; and the loss along the path of the pair that took most rounds, after each of them."""
    subject = Subject(config.network, "none", "untrained", "class-optimal", config.pairs, dimension=config.dimension)
    done = searched(subject, seed=seed)
    pair = done.chosen()
    example = after_rounds(done.objective, done.found[pair], pair)
    said = {"level": done.finder.level, "example_pair": pair, "dimension": done.drawn.a[0].numel()}
    return keep(folder, NAME, config, seed, summary(done), example=example, **said)


def after_each(data_file: Path) -> pd.DataFrame:
    """A row a round: pairs, those closed, geometric mean of the largest losses with its errors, smallest and largest.

    The path of a pair that is open stays as it is.
    """
    rows = pd.read_csv(data_file)
    level = record(data_file)["level"]
    columns = [name for name in rows if name.startswith("barrier_")]
    barriers = rows[columns].ffill(axis=1)
    found = []
    for k, name in enumerate(columns):
        values = barriers[name]
        sides = dict(zip(("mean", "below", "above"), geometric(values, path_styles.FLOOR), strict=True))
        spread = {"low": values.min(), "high": values.max(), "closed": int((values > level).sum())}
        found.append({"round": k, "pairs": len(values)} | sides | spread)
    return pd.DataFrame(found)


def draw(data_file: Path) -> Figure:
    """The loss along one path after each round to the left, the largest losses of all pairs to the right."""
    made, example = record(data_file), kept_table(data_file, "example")
    with house():
        figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.5), width_ratios=(1.4, 1))
        path_styles.plot_rounds(example, left)
        path_styles.level_line(left, made["level"])
        left.set_ylim(example["loss"].min() / 2, example["loss"].max() * 30)
        left.legend(loc="upper center", ncols=3, columnspacing=1)
        _plot_all(data_file, right)
        path_styles.level_line(right, made["level"])
        right.legend(loc="upper right")
        drawing.letters([left, right], ["loss along one path", "largest loss of every path"])
    return figure


def _plot_all(data_file: Path, ax: Axes) -> None:
    """A thin line a pair, and the geometric mean with its error."""
    rows, means = pd.read_csv(data_file), after_each(data_file)
    barriers = rows[[name for name in rows if name.startswith("barrier_")]].ffill(axis=1)
    for place, (_, one) in enumerate(barriers.iterrows()):
        ax.plot(range(len(one)), one, color="0.7", lw=0.6, label=None if place else "a pair")
    errors = [means["below"], means["above"]]
    drawing.points(ax, means["round"], means["mean"], errors, 0, "geometric mean", ls="-")
    ax.set(yscale="log", xlabel="round", ylabel="largest loss [nats]", xticks=means["round"])


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, rows = record(data_file), pd.read_csv(data_file)
    ranges = ", ".join(
        rf"{row.low:.2g} to {row.high:.2g} "
        + ("on the straight line" if not row.round else rf"after {row.round} ({row.closed} closed)")
        for row in after_each(data_file).itertuples()
    )
    connected = int((rows["status"] == "connected").sum())
    return (
        rf"Paths between class-optimal inputs of \texttt{{{tex(made['parameters']['network'])}}} with random weights, "
        rf"{made['dimension']} numbers each, made from noise. (a) Loss of the class along the path of the pair "
        rf"that took "
        rf"most rounds, after each of them, marks at the vertices. (b) Largest loss of the path of every pair, and the "
        rf"geometric mean with one standard error: {ranges}. Dotted: the level {made['level']:g} nats. {connected} of "
        rf"{len(rows)} pairs are connected in the end. " + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Largest losses after each round, and the pairs that are closed then."""
    found = {}
    for row in after_each(data_file).itertuples():
        found[macro_name("untrained range", int(row.round))] = f"{row.low:.2g} to {row.high:.2g}"
        found[macro_name("untrained closed", int(row.round))] = f"{row.closed} of {row.pairs}"
    return found


def finding(data_file: Path) -> str:
    """One line."""
    rows, means = pd.read_csv(data_file), after_each(data_file)
    steps = ", ".join(
        f"{row.low:.1g} to {row.high:.1g} after {row.round}" for row in means.itertuples() if 0 < row.round <= 3
    )
    first = means.iloc[0]
    connected = rows[rows["status"] == "connected"]
    most = f", in at most {connected['rounds'].max()} rounds" if len(connected) else ""
    return (
        f"The largest loss of a path falls from {first['low']:.1g} to {first['high']:.1g} nats on the straight line to "
        f"{steps}; {len(connected)} of {len(rows)} pairs are connected{most}."
    )
