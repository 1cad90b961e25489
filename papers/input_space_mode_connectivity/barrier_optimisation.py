"""Figure 3: the barrier B moved downhill to B', and the secondary barriers that are left on both halves."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from empirical.descent.rows import Descents
from empirical.finder.connections import Connection
from empirical.finder.quality import new_vertices
from empirical.finder.scans import Lines, Seen, scan
from empirical.finder.settings import Finder
from empirical.losses.evaluation import Evaluator
from empirical.losses.objectives import Objective
from empirical.threads import one_thread
from papers import drawing
from papers.averages import share
from papers.figure import PAGE, house, keep, kept_table, macro_name, made_by, record
from papers.input_space_mode_connectivity import path_styles
from papers.input_space_mode_connectivity.inputs import Inputs, after_rounds, searched, summary, system

NAME = "input_space_mode_connectivity/barrier_optimisation"
TITLE = "Optimising the barrier, and the secondary barriers that it leaves"
MINUTES = 0.1


@dataclass(frozen=True)
class Config(Inputs):
    """How the barrier is moved: Adam on the loss, without the restriction to a hyperplane."""

    lr: float = 0.005  # step of Adam in units of inputs of variance 1, a tenth of the usual: the descent can be seen
    iterations: int = 2048


QUICK = Config(pairs=60)
FULL = Config(pairs=400)


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0) -> Path:
    """A row a pair; of the pair of most rounds the loss along its paths, and of every B while it is moved."""
    rule = {"lr": config.lr, "iterations": config.iterations}
    done = searched(config.subject("natural-natural"), seed=seed, preset="untrained", **rule)
    pair = done.chosen()
    paths = after_rounds(done.objective, done.found[pair], pair)
    with one_thread():
        descents = pd.concat(list(_descents(done.objective, done.found[pair], pair, done.finder)), ignore_index=True)
    said = {"level": done.finder.level, "stop": done.finder.descent.stop, "example_pair": pair}
    return keep(folder, NAME, config, seed, summary(done), paths=paths, descents=descents, **said)


def _descents(objective: Objective, found: Connection, pair: int, finder: Finder) -> Iterator[pd.DataFrame]:
    """Of each cut of each round: lowest loss so far after every step."""
    for number, (before, after) in enumerate(zip(found.history[:-1], found.history[1:], strict=True), start=1):
        for segment in new_vertices(before, after)[0]:
            losses = _descent(objective, before.vertices[segment], before.vertices[segment + 1], pair, finder)
            yield pd.DataFrame({"round": number, "segment": segment, "step": range(len(losses)), "loss": losses})


def _descent(objective: Objective, a: Tensor, c: Tensor, pair: int, finder: Finder) -> list[float]:
    """Lowest loss so far of the worst point of a segment at every step: what the finder did, once more."""
    evaluate, line = Evaluator(objective, a[None]), Lines(a[None], c[None], torch.tensor([pair]))
    seen = Seen.nothing(1, a)
    scan(evaluate, line, seen, finder.level, finder.coarse, torch.tensor([finder.dense]))
    moving, lowest = Descents(evaluate, replace(finder.descent, restarts=0), 1), []
    moving.put(line.points(seen.place), line.pairs, finder.descent.stop, line.c - line.a)
    while moving:
        ended = moving.step()
        lowest.append(float(ended["loss"] if ended else moving.now["best_loss"]))
    return lowest


def draw(data_file: Path) -> Figure:
    """The descents; the loss along the path after each round; secondary against primary barriers of all pairs."""
    made, paths = record(data_file), kept_table(data_file, "paths")
    with house():
        figure, (left, middle, right) = plt.subplots(1, 3, figsize=(PAGE, 2.4), width_ratios=(1, 1.45, 1))
        _plot_descents(kept_table(data_file, "descents"), made["stop"], left)
        path_styles.plot_rounds(paths, middle)
        path_styles.level_line(middle, made["level"])
        middle.set_ylim(paths["loss"].max() * 1e-7, paths["loss"].max() * 1e3)
        middle.legend(loc="upper center", ncols=2, columnspacing=0.8)
        _plot_secondary(pd.read_csv(data_file), made["level"], right)
        titles = ["every B on its way", "loss along the path", "primary, secondary"]
        drawing.letters([left, middle, right], titles)
    return figure


def _plot_descents(rows: pd.DataFrame, stop: float, ax: Axes) -> None:
    """Loss against optimiser steps, a line a barrier, coloured by its round."""
    for (number, _), some in rows.groupby(["round", "segment"]):
        color, marker = path_styles.style_of_round(int(number))
        label = (
            f"round {number}" if some["segment"].iloc[0] == rows.loc[rows["round"] == number, "segment"].min() else None
        )
        places = [0, len(some) - 1]
        ax.plot(some["step"] + 1, some["loss"], color=color, marker=marker, markevery=places, ms=3, label=label)
    path_styles.level_line(ax, stop, f"stop, {stop:g} nats")
    ax.set(xscale="log", yscale="log", xlabel="evaluations of the gradient", ylabel="lowest loss so far [nats]")
    ax.set_ylim(stop / 3, rows["loss"].max() * 1000)
    ax.legend(loc="upper right")


def _plot_secondary(rows: pd.DataFrame, level: float, ax: Axes) -> None:
    """Largest loss of the path after round 1 against that of the straight line, a mark a pair."""
    cut = rows[rows["rounds"] >= 1]
    low = cut["barrier_1"] <= level
    for series, (some, label) in enumerate(((cut[low], "open after round 1"), (cut[~low], "barrier left"))):
        marker, color = drawing.MARKERS[series], f"C{series}"
        ax.plot(some["barrier_0"], some["barrier_1"], marker, color=color, ms=3, mew=0.6, mfc="none", label=label)
    path_styles.level_line(ax, level)
    ends = np.array([level, cut["barrier_0"].max() * 1.5])
    ax.plot(ends, ends, color="0.6", lw=0.7, label="as high as before")
    ax.set(xscale="log", yscale="log", xlabel="primary barrier [nats]", ylabel="secondary barrier [nats]")
    ax.set_ylim(cut["barrier_1"].min() / 2, ends[1] * 3e3)
    ax.legend(loc="upper left")


def numbers(data_file: Path) -> dict[str, float]:
    """What caption, macros and finding quote."""
    rows, paths, descents = pd.read_csv(data_file), kept_table(data_file, "paths"), kept_table(data_file, "descents")
    level = record(data_file)["level"]
    cut = rows[rows["rounds"] >= 1]
    left = int((cut["barrier_1"] > level).sum())
    return {
        "pairs": len(rows),
        "connected": int((rows["status"] == "connected").sum()),
        "cut": len(cut),
        "left": left,
        "left_share": share(left, len(cut)).value,
        "left_error": share(left, len(cut)).error,
        "lowering": float((cut["barrier_0"] / cut["barrier_1"]).median()),
        "rounds": int(paths["round"].max()),
        "barriers": int(descents.groupby(["round", "segment"]).ngroups),
        "steps": int(descents[descents["round"] == 1]["step"].max()),
        "primary": float(paths.loc[paths["round"] == 0, "loss"].max()),
        "secondary": float(paths.loc[paths["round"] == 1, "loss"].max()),
        "last": float(paths.loc[paths["round"] == paths["round"].max(), "loss"].max()),
    }


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, n = record(data_file), numbers(data_file)
    return (
        rf"Barriers between natural inputs of {system(made['parameters'])}, moved downhill by Adam (step "
        rf"{made['parameters']['lr']:g} in units of inputs of variance 1). (a) The pair that takes most rounds: lowest "
        rf"loss so far of each of its {n['barriers']} barriers B against the gradients evaluated, until it reaches "
        rf"the stop of {made['stop']:g} nats as B$'$; "
        rf"the first one takes {n['steps']} steps. (b) Loss along its path after each "
        rf"round, marks at the vertices: {n['primary']:.3g} nats on the straight line, a secondary barrier of "
        rf"{n['secondary']:.2g} after round 1, {n['last']:.2g} after round {n['rounds']}. Dotted: the level "
        rf"{made['level']:g} nats. (c) Largest loss after round 1 against that of the straight line, a mark for each "
        rf"of the {n['cut']} of {n['pairs']} pairs whose line is closed; {n['left']} of them, a share of "
        rf"{n['left_share']:.2f} $\pm$ {n['left_error']:.2f}, keep a secondary barrier above the level. In the end "
        rf"{n['connected']} of {n['pairs']} pairs are connected. " + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Barriers of the example, and how many pairs keep a secondary one."""
    n = numbers(data_file)
    return {
        macro_name("optimised barrier primary"): f"{n['primary']:.3g}",
        macro_name("optimised barrier secondary"): f"{n['secondary']:.2g}",
        macro_name("optimised barrier last"): f"{n['last']:.2g}",
        macro_name("optimised barrier steps"): str(n["steps"]),
        macro_name("secondary barrier pairs"): f"{n['left']} of {n['cut']}",
    }


def finding(data_file: Path) -> str:
    """One line."""
    n = numbers(data_file)
    return (
        f"Moving B lowers the barrier of the path by a median factor of {n['lowering']:.2g} in one round; "
        f"{n['left']} of {n['cut']} pairs keep a secondary barrier above the level, and "
        f"{n['connected']} of {n['pairs']} are connected in the end."
    )
