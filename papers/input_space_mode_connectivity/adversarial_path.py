"""Figure 5: the path between a natural input and an adversarial one, and how many segments such paths have."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from empirical.experiments.barriers.statistics import p_value
from papers import drawing
from papers.averages import share
from papers.figure import PAGE, house, keep, kept_table, macro_name, made_by, record
from papers.input_space_mode_connectivity import path_styles
from papers.input_space_mode_connectivity.inputs import Inputs, after_rounds, searched, summary, system
from percolation.quantities import with_error

NAME = "input_space_mode_connectivity/adversarial_path"
TITLE = "Paths between natural and adversarial inputs"
MINUTES = 0.2
KINDS = ("natural-natural", "natural-adversarial")


@dataclass(frozen=True)
class Config(Inputs):
    """So many pairs of each kind."""


QUICK = Config(pairs=120)
FULL = Config(pairs=400)


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0) -> Path:
    """A row a pair of each kind; and the loss along the adversarial path of most segments, after each round."""
    rows, told = [], {}
    for kind in KINDS:
        done = searched(config.subject(kind), seed=seed)
        rows.append(summary(done).assign(kind=kind))
        told[kind] = done.drawn.counts
    pair = done.chosen()
    example = after_rounds(done.objective, done.found[pair], pair)
    levels = {"level": done.finder.level, "stop": done.finder.descent.stop}
    said = levels | {"example_pair": pair, "counts": told}
    return keep(folder, NAME, config, seed, pd.concat(rows, ignore_index=True), example=example, **said)


def numbers(data_file: Path) -> pd.DataFrame:
    """A row a kind: pairs, connected pairs, and means with standard errors of what the connected ones took."""
    rows = pd.read_csv(data_file)
    found = []
    for kind in KINDS:
        some = rows[rows["kind"] == kind]
        paths = some[some["status"] == "connected"]
        row = {"kind": kind, "pairs": len(some), "connected": len(paths), "barrier": some["barrier_0"].median()}
        for name in ("rounds", "segments"):
            row |= {name: paths[name].mean(), f"{name}_error": paths[name].sem()}
        found.append(row)
    return pd.DataFrame(found).set_index("kind")


def _p(data_file: Path) -> float:
    """Of equally many segments in both kinds, by Mann and Whitney."""
    rows = pd.read_csv(data_file)
    rows = rows[rows["status"] == "connected"]
    return p_value(*(rows.loc[rows["kind"] == kind, "segments"].to_numpy() for kind in KINDS))


def draw(data_file: Path) -> Figure:
    """The example to the left; segments and barriers of all pairs to the right."""
    rows, example = pd.read_csv(data_file), kept_table(data_file, "example")
    with house():
        figure, (left, middle, right) = plt.subplots(1, 3, figsize=(PAGE, 2.4), width_ratios=(1.5, 1, 1))
        path_styles.plot_rounds(example, left)
        path_styles.level_line(left, record(data_file)["level"])
        left.set_ylim(path_styles.FLOOR / 3, example["loss"].max() * 1e4)
        left.legend(loc="upper center", ncols=2, columnspacing=1)
        _plot_segments(rows, middle)
        _plot_barriers(rows, right)
        drawing.letters([left, middle, right], ["natural A to adversarial C", "segments", "straight line"])
    return figure


def _plot_segments(rows: pd.DataFrame, ax: Axes) -> None:
    """Share of the connected pairs whose path has so many segments, with its binomial error."""
    rows = rows[rows["status"] == "connected"]
    places = np.arange(1, rows["segments"].max() + 1)
    for series, kind in enumerate(KINDS):
        some = rows.loc[rows["kind"] == kind, "segments"]
        shares = [share(int((some == n).sum()), len(some)) for n in places]
        heights, errors = [one.value for one in shares], [one.error for one in shares]
        drawing.points(ax, places + 0.16 * (series - 0.5), heights, errors, series, kind.split("-")[1], ls="-", lw=0.6)
    ax.set(xlabel="segments of the path", ylabel="share of pairs", ylim=(0, 1.3 * ax.get_ylim()[1]))
    ax.set_xticks(places[:: 1 if len(places) < 10 else 2])
    ax.legend(title="natural A to ... C", title_fontsize=6.5)


def _plot_barriers(rows: pd.DataFrame, ax: Axes) -> None:
    """Share of the pairs whose straight line has a barrier of at least so much."""
    for series, kind in enumerate(KINDS):
        heights = np.sort(rows.loc[rows["kind"] == kind, "barrier_0"])
        above = 1 - np.arange(len(heights)) / len(heights)
        looking: dict[str, Any] = {"color": f"C{series}", "marker": drawing.MARKERS[series], "markevery": 0.12, "ms": 3}
        ax.step(np.maximum(heights, path_styles.FLOOR), above, where="pre", label=kind.split("-")[1], **looking)
    low = max(rows["barrier_0"].quantile(0.02) / 3, path_styles.FLOOR)
    ax.set(xscale="log", xlim=(low, rows["barrier_0"].max() * 2), ylim=(0, 1.04))
    ax.set(xlabel="barrier [nats]", ylabel="share of pairs above")


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, means, example = record(data_file), numbers(data_file), kept_table(data_file, "example")
    last = example[example["round"] == example["round"].max()]
    pairs = means.loc[list(KINDS)]
    return (
        rf"Paths of {system(made['parameters'])} between natural inputs A of a class and inputs C that it takes for "
        rf"this class: natural ones, or adversarial ones moved there from another class. Ends have a loss of at most "
        rf"{made['stop']:g} nats, adversarial ones just so. (a) Loss along the straight "
        rf"line and along the path after each round, marks at the vertices, of the adversarial pair that took most "
        rf"rounds: {last['round'].iloc[0]} rounds, {int(last['vertex'].sum()) - 1} segments, barrier "
        rf"{example['loss'].max():.3g} nats before and {last['loss'].max():.2g} after. Dotted: the level "
        rf"{made['level']:g} nats. (b) Share of the connected pairs by the number of segments, bars one binomial "
        rf"standard error; means {_mean(pairs, 0, 'segments')} and {_mean(pairs, 1, 'segments')}, p = "
        rf"{_p(data_file):.1g} (Mann and Whitney) of one distribution. (c) Share of the pairs whose straight line has "
        rf"at least this barrier; medians {pairs['barrier'].iloc[0]:.2g} and {pairs['barrier'].iloc[1]:.2g} nats. "
        rf"Pairs: {pairs['pairs'].iloc[0]} and {pairs['pairs'].iloc[1]}, of which {pairs['connected'].iloc[0]} and "
        rf"{pairs['connected'].iloc[1]} are connected. " + made_by(data_file, QUICK)
    )


def _mean(rows: pd.DataFrame, place: int, name: str) -> str:
    return with_error(rows[name].iloc[place], rows[f"{name}_error"].iloc[place])


def macros(data_file: Path) -> dict[str, str]:
    """Mean rounds and segments of both kinds, and the medians of their barriers."""
    found: dict[str, str] = {}
    means = numbers(data_file)
    for place, kind in enumerate(KINDS):
        short = kind.split("-")[1]
        found |= {macro_name("path", short, name): _mean(means, place, name) for name in ("rounds", "segments")}
        found[macro_name("path", short, "barrier")] = f"{means['barrier'].iloc[place]:.2g}"
    return found


def finding(data_file: Path) -> str:
    """One line."""
    means, p = numbers(data_file), _p(data_file)
    order = "more" if means["segments"].iloc[1] > means["segments"].iloc[0] else "no more"
    return (
        f"Paths to adversarial inputs have {order} segments than those between natural ones, "
        f"{_mean(means, 1, 'segments')} against {_mean(means, 0, 'segments')} (p = {p:.1g}), and higher straight "
        f"lines, median {means['barrier'].iloc[1]:.2g} against {means['barrier'].iloc[0]:.2g} nats; "
        f"{means['connected'].sum()} of {means['pairs'].sum()} pairs are connected."
    )
