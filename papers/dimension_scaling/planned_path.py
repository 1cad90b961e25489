"""A path written down from the gradients on a straight line alone, beside the one that the path finder found."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from empirical.ends.subject import Subject
from empirical.finder.find import find_paths
from empirical.finder.paths import Path as Line
from empirical.losses.objectives import ClassLoss
from empirical.prediction import plans
from empirical.threads import one_thread
from papers import drawing
from papers.averages import share
from papers.figure import PAGE, arrays, house, keep, macro_name, made_by, record
from papers.input_space_mode_connectivity.inputs import Searched, along, searched
from papers.input_space_mode_connectivity.path_styles import FLOOR, level_line

NAME = "dimension_scaling/planned_path"
TITLE = "A path planned from the straight line beside the path found"
MINUTES = 1.0
WAYS = {  # of a pair: label, colour, marker at the vertices
    "straight": ("straight line", "0.6", None),
    "planned": ("planned, no descent", "C1", "D"),
    "lowered": ("planned, after one descent", "C2", "s"),
    "found": ("found from the straight line", "C0", "o"),
}
SHOWN = (0.2, 0.5, 0.8)  # shares of the way at which inputs are drawn


@dataclass(frozen=True)
class Config:
    """Natural pairs of one class on mnist1d."""

    network: str = "cnn1d"
    dimension: int = 40
    pairs: int = 120
    n_points: int = 200  # of a way, at which its loss is looked at


QUICK = Config(pairs=50)
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0) -> Path:
    """Largest loss of each way of every pair with a closed line; of one of them the loss along all, and inputs."""
    subject = Subject(config.network, "mnist1d", "trained", "natural-natural", config.pairs, config.dimension)
    done = searched(subject, seed=seed)
    closed = [i for i, one in enumerate(done.found) if one.connected and one.rounds]
    if not closed:
        raise ValueError(f"none of {config.pairs} pairs needs a path that is not straight; take more pairs")
    with one_thread():
        ways, cost = _ways(done, closed)
    losses = {
        i: {way: along(done.objective, line, i, config.n_points) for way, line in ways[i].items()} for i in closed
    }
    highest = np.array([[losses[i][way]["loss"].max() for way in WAYS] for i in closed])
    pair = closed[_example(highest, [done.found[i].rounds for i in closed], done.finder.level)]
    data = {"highest": highest, "inputs": np.stack([_inputs(line, SHOWN) for line in ways[pair].values()])}
    data |= {f"{way}_{name}": one[name].to_numpy() for way, one in losses[pair].items() for name in one}
    said = {
        "class": int(done.drawn.labels[pair]),
        "rounds": done.found[pair].rounds,
        "level": done.finder.level,
        "closed": len(closed),
        "mean_rounds": float(np.mean([done.found[i].rounds for i in closed])),
        "gradients": cost / len(closed),
    }
    return keep(folder, NAME, config, seed, data, **said)


def _ways(done: Searched, pairs: list[int]) -> tuple[dict[int, dict[str, Line]], int]:
    """Each of WAYS of each pair, and how many gradients the plans took."""
    a, c, rows = done.drawn.a[pairs], done.drawn.c[pairs], torch.tensor(pairs)
    objective = ClassLoss(done.drawn.model, done.drawn.labels[rows])
    plan = plans.planned(objective, a, c, done.finder)
    lowered = find_paths(objective, a, c, done.finder, planned=plan.vertices)
    ways = {}
    for place, i in enumerate(pairs):
        written = Line(torch.cat([a[place][None], plan.vertices[place], c[place][None]]))
        straight, found = done.found[i].history[0], done.found[i].path
        ways[i] = dict(zip(WAYS, (straight, written, lowered[place].history[0], found), strict=True))
    return ways, plan.cost.n_gradient


def _example(highest: np.ndarray, rounds: list[int], level: float) -> int:
    """Of the pairs whose plan one descent opens, so that all ways differ, that of most rounds and the highest line."""
    planned, lowered = (highest[:, list(WAYS).index(way)] for way in ("planned", "lowered"))
    opened = (planned > level) & (lowered <= level)
    return max(range(len(highest)), key=lambda i: (opened[i], rounds[i], highest[i, 0]))


def _inputs(way: Line, shares: tuple[float, ...]) -> np.ndarray:
    """Points (n, D) of a way at shares of its length."""
    s = way.positions(1000)
    at = torch.from_numpy(np.interp(shares, way.arclength(s).numpy(), s.numpy()))
    return way(at).flatten(1).cpu().numpy()


def draw(data_file: Path) -> Figure:
    """(a) The loss along the ways of a pair; (b) their largest loss, all pairs; (c) inputs along them."""
    made, data = record(data_file), arrays(data_file)
    with house():
        figure = plt.figure(figsize=(PAGE, 4.6))
        grid = figure.add_gridspec(2, 6, height_ratios=(1.35, 1))
        left, right = figure.add_subplot(grid[0, :3]), figure.add_subplot(grid[0, 3:])
        _along(data, made["level"], left)
        _shares_open(data["highest"], made["level"], right)
        drawing.letters([left, right], ["the loss along four ways", "their largest loss, all pairs"])
        inputs = [figure.add_subplot(grid[1, 2 * i : 2 * i + 2]) for i in range(len(SHOWN))]
        for place, (ax, at) in enumerate(zip(inputs, SHOWN, strict=True)):
            _overlaid(data["inputs"][:, place], ax)
            ax.set_title(f"{'at' if place else '(c) inputs at'} {at:g} of the way")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=5, columnspacing=1)
    return figure


def _along(data: dict[str, np.ndarray], level: float, ax: Axes) -> None:
    for way, (label, color, marker) in WAYS.items():
        loss, vertex = np.maximum(data[f"{way}_loss"], FLOOR), np.flatnonzero(data[f"{way}_vertex"])
        marks: dict[str, Any] = {"marker": marker, "markevery": list(vertex), "ms": 3.2}
        ax.plot(data[f"{way}_share"], loss, color=color, label=label, **marks)
    level_line(ax, level)
    ax.set(yscale="log", xlim=(0, 1), xlabel="share of the way from A to C", ylabel="loss [nats]")


def _shares_open(highest: np.ndarray, level: float, ax: Axes) -> None:
    """Share of the pairs whose largest loss is no higher, for each way."""
    for column, (_, color, _) in zip(highest.T, WAYS.values(), strict=True):
        x = np.sort(np.maximum(column, FLOOR))
        ax.step([FLOOR, *x, 30], [0, *np.arange(1, len(x) + 1) / len(x), 1], where="post", color=color)
    ax.axvline(level, color="0.25", ls=":", lw=0.9, zorder=1)
    ax.set(xscale="log", xlim=(1e-5, 30), ylim=(0, 1.02), xlabel="largest loss [nats]", ylabel="share of pairs below")


def _overlaid(inputs: np.ndarray, ax: Axes) -> None:
    for x, (_, color, _) in zip(inputs, WAYS.values(), strict=True):
        ax.plot(x, color=color, lw=0.9)
    ax.set(xticks=[], yticks=[], xlabel="the numbers of an input")


def _open(data_file: Path) -> dict[str, int]:
    """How many pairs each way is open for."""
    highest, level = arrays(data_file)["highest"], record(data_file)["level"]
    return dict(zip(WAYS, (highest <= level).sum(axis=0).tolist(), strict=True))


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, n_open = record(data_file), _open(data_file)
    parameters = made["parameters"]
    return (
        rf"Paths planned by linear response, from {made['gradients']:.0f} gradients on the straight line of a pair and "
        rf"none elsewhere, beside those of the path finder; {made['closed']} natural pairs of one class whose straight "
        rf"line is closed, of \texttt{{{parameters['network']}}} trained on mnist1d, $d = {parameters['dimension']}$. "
        rf"(a) Loss along four ways between two inputs of class {made['class']}, marks at the vertices: the straight "
        rf"line, the plan as it is written down, the plan after one descent of all its vertices at once, and the path "
        rf"that was found without a plan in {made['rounds']} rounds. Dotted: the level {made['level']:g} nats. Of the "
        rf"pairs whose plan one descent opens this is one of most rounds: a single example. (b) Share of the pairs "
        rf"whose way stays below a loss: {n_open['planned']} plans are open with no descent, {n_open['lowered']} after "
        rf"one. (c) Inputs at equal shares of the length of these ways. " + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Shares of closed pairs that are open with no descent, and after one; rounds without a plan."""
    made, n_open = record(data_file), _open(data_file)
    shares = {way: share(n_open[way], made["closed"]) for way in ("planned", "lowered")}
    found = {macro_name("plan open", way): str(one) for way, one in shares.items()}
    counts = {"closed": str(made["closed"]), "rounds": f"{made['mean_rounds']:.2f}"}
    return found | {macro_name("plan", name): value for name, value in counts.items()}


def finding(data_file: Path) -> str:
    """One line."""
    made, n_open = record(data_file), _open(data_file)
    return (
        f"From {made['gradients']:.0f} gradients on a closed straight line a path can be written down that is open as "
        f"it stands for {n_open['planned']} of {made['closed']} pairs, for {n_open['lowered']} after one descent of "
        f"all its vertices; the finder takes {made['mean_rounds']:.2f} rounds, one after the other."
    )
