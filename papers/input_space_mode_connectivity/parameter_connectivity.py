"""Figure 1: connectivity in parameter space; two trained networks, and three paths between them beside the line."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from empirical.experiments.weights import measure
from empirical.experiments.weights.curves import BEND_TRAINING
from papers import drawing
from papers.figure import PAGE, arrays, house, keep, kept_table, macro_name, made_by, record, tex
from papers.input_space_mode_connectivity import path_styles
from percolation.quantities import with_error

NAME = "input_space_mode_connectivity/parameter_connectivity"
TITLE = "Paths between trained networks in parameter space"
MINUTES = 1.5
PATHS = {"line": "straight line", "chain": "polygonal chain", "bezier": "Bezier curve", "finder": "path finder"}
STYLES = {"line": ("0.5", "-"), "chain": ("C1", "--"), "bezier": ("C2", "-."), "finder": ("C0", "-")}


@dataclass(frozen=True)
class Config:
    """Pairs of networks, each trained from a seed of its own; `empirical.experiments.weights.measure` connects them."""

    network: str = "cnn"
    data: str = "digits"
    pairs: int = 3
    points: int = 61  # at which a path is evaluated
    side: int = 41  # points to each side of the map
    bend_epochs: int = BEND_TRAINING.epochs
    level: float | None = None  # of the path finder, nats; None: three times the largest training loss


QUICK = Config(pairs=2, points=41, side=21)
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0, device: str = "cpu") -> Path:
    """The map around the first chain, the profiles of all paths, and a row a pair and path."""
    bend = replace(BEND_TRAINING, epochs=config.bend_epochs)
    sizes: dict[str, Any] = {"points": config.points, "side": config.side}
    task = measure.Task(config.network, config.data, config.pairs, bend=bend, level=config.level, **sizes)
    found = measure.connect(task, seed=seed, workers=workers, device=device)
    plane = found.plane
    data = {"x": plane.x, "y": plane.y, "loss": plane.loss, "bend": np.array(plane.bend)}
    tables = {"profiles": found.profiles, "paths": measure.table(found)}
    return keep(folder, NAME, config, seed, data, **tables, level=found.level)


def means(data_file: Path) -> pd.DataFrame:
    """A row a path: means over the pairs of networks with standard errors."""
    return measure.summary(kept_table(data_file, "paths")).set_index("path")


def draw(data_file: Path) -> Figure:
    """The loss around the chain; training loss and test error along the paths of the first pair."""
    made, profiles = record(data_file), kept_table(data_file, "profiles")
    first = profiles[profiles["pair"] == 0]
    with house():
        figure, (left, middle, right) = plt.subplots(1, 3, figsize=(PAGE, 2.6), width_ratios=(1.35, 1, 1))
        _plot_map(arrays(data_file), left)
        for path, name in PATHS.items():
            some, (color, style) = first[first["path"] == path], STYLES[path]
            middle.plot(
                some["share"], np.maximum(some["train_loss"], path_styles.FLOOR), color=color, ls=style, label=name
            )
            right.plot(some["share"], 100 * some["test_error"], color=color, ls=style)
        path_styles.level_line(middle, made["level"], f"level, {made['level']:.2g} nats")
        middle.set(yscale="log", ylabel="training loss [nats]")
        figure.legend(loc="outside lower center", ncols=5, columnspacing=1.5, handlelength=2.6)
        right.set(ylabel="test error [%]", ylim=(0, None))
        for ax in (middle, right):
            ax.set(xlabel="share of the way", xlim=(0, 1), xticks=(0, 0.5, 1))
        drawing.letters([left, middle, right], ["training loss around the chain", "along paths", "test error"])
    return figure


def _plot_map(plane: dict[str, np.ndarray], ax: Axes) -> None:
    """Training loss on the plane through both networks and the bend, in units of their distance."""
    loss = np.maximum(plane["loss"], path_styles.FLOOR)
    drawn = ax.pcolormesh(
        plane["x"], plane["y"], loss, norm=LogNorm(), cmap="Blues", shading="nearest", rasterized=True
    )
    x_bend, y_bend = plane["bend"]
    ax.plot([0, 1], [0, 0], color="white", lw=1.6)
    ax.plot([0, 1], [0, 0], color="0.3", lw=0.9)
    ax.plot([0, x_bend, 1], [0, y_bend, 0], color="white", lw=2.2)
    ax.plot([0, x_bend, 1], [0, y_bend, 0], color="C1", ls="--", lw=1.2)
    for x, y, name, below in ((0, 0, "A", True), (1, 0, "C", True), (x_bend, y_bend, "bend", False)):
        ax.plot(x, y, "o", color="black", mec="white", ms=4)
        place: dict[str, Any] = {"xytext": (0, -9 if below else 5), "textcoords": "offset points", "ha": "center"}
        ax.annotate(name, (x, y), fontsize=7, bbox={"fc": "white", "ec": "none", "pad": 0.6, "alpha": 0.8}, **place)
    ax.set(xlabel="along A to C [their distance]", ylabel="towards the bend", aspect="equal")
    ax.figure.colorbar(drawn, ax=ax, label="[nats]", shrink=0.7, pad=0.02)


def _barrier(row: pd.Series) -> str:
    """With its error, if there are several pairs."""
    value, error = row["barrier"], row["barrier_error"]
    return f"{value:.3g}" if np.isnan(error) else with_error(value, error)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, rows = record(data_file), means(data_file)
    barriers = ", ".join(rf"{name} {_barrier(rows.loc[path])}" for path, name in PATHS.items())
    given = made["parameters"]
    return (
        rf"Two \texttt{{{tex(given['network'])}}} networks A and C trained on {tex(given['data'])} from "
        rf"different seeds, "
        rf"and paths between their parameters: the straight line, a polygonal chain and a Bezier curve with "
        rf"one trained "
        rf"bend (Garipov et al.\ 2018), and the path finder at the level {made['level']:.2g} nats. (a) "
        rf"Training loss on "
        rf"the plane through both and the bend of the chain. (b) Training loss and (c) test error along the paths. "
        rf"Largest training loss of a path, mean over {int(rows['pairs'].iloc[0])} pairs of networks with one standard "
        rf"error: {barriers} nats. The curves are those of the first pair. " + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Barrier and test error of every path."""
    found = {}
    for path, row in means(data_file).iterrows():
        found[macro_name("parameter barrier", str(path))] = _barrier(row)
        found[macro_name("parameter error", str(path))] = _percent(row["test_error"])
    return found


def finding(data_file: Path) -> str:
    """One line."""
    rows = means(data_file)
    line, chain, finder = (rows.loc[path] for path in ("line", "chain", "finder"))
    return (
        f"Between trained networks the straight line rises to "
        f"{_barrier(line)} nats "
        f"({_percent(line['test_error'])} % test error); one trained bend lowers that to "
        f"{chain['barrier']:.1g}, the path "
        f"finder to {finder['barrier']:.1g} ({_percent(finder['test_error'])} %) in {finder['rounds']:.1f} rounds."
    )
