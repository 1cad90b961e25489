"""Figure 2: the loss along the straight line and the found path between two natural inputs, and what they show."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from empirical.finder.paths import Path as Line
from papers.figure import PAGE, arrays, house, keep, macro_name, made_by, record
from papers.input_space_mode_connectivity import path_styles
from papers.input_space_mode_connectivity.inputs import Inputs, after_rounds, searched, system

NAME = "input_space_mode_connectivity/example_path"
TITLE = "An example path between two natural inputs"
MINUTES = 0.1
NAMES = ("straight line", "found path")


@dataclass(frozen=True)
class Config(Inputs):
    """One of so many pairs is drawn: of those that take one round the one with the highest barrier."""

    shown: int = 7  # inputs along each way


QUICK = Config(pairs=60)
FULL = Config(pairs=200)


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0) -> Path:
    """Loss along both ways, and inputs at equal distances along them."""
    done = searched(config.subject("natural-natural"), seed=seed)
    pair = done.chosen(rounds=1)
    one = done.found[pair]
    ways = [one.history[0], one.path]
    rows = after_rounds(done.objective, one, pair)
    rows = rows[rows["round"].isin((0, one.rounds))]
    data = {name: rows[name].to_numpy() for name in ("round", "share", "loss", "vertex")}
    shares = np.linspace(0, 1, config.shown)
    data |= {"shares": shares, "inputs": np.stack([_inputs(way, shares) for way in ways])}
    said = {
        "pair": pair,
        "class": int(done.drawn.labels[pair]),
        "dimension": done.drawn.a[0].numel(),
        "level": done.finder.level,
        "rounds": one.rounds,
        "segments": one.path.n_segments,
        "length_ratio": 1 + one.path.excess_length,
        "connected": sum(each.connected for each in done.found),
        "tried": len(done.found),
    }
    return keep(folder, NAME, config, seed, data, **said)


def _inputs(way: Line, shares: np.ndarray) -> np.ndarray:
    """Points (n, *shape) of a path at shares of its length."""
    s = way.positions(1000)
    at = torch.from_numpy(np.interp(shares, way.arclength(s).numpy(), s.numpy()))
    return way(at).cpu().numpy()


def _loss(data_file: Path) -> pd.DataFrame:
    data = arrays(data_file)
    return pd.DataFrame({name: data[name] for name in ("round", "share", "loss", "vertex")})


def _barriers(data_file: Path) -> list[float]:
    """Largest loss of the straight line and of the path, nats."""
    return list(_loss(data_file).groupby("round")["loss"].max())


def draw(data_file: Path) -> Figure:
    """The loss to the left, the inputs along both ways to the right."""
    made, data = record(data_file), arrays(data_file)
    rows = _loss(data_file)
    n = data["inputs"].shape[1]
    with house():
        figure = plt.figure(figsize=(PAGE, 2.3))
        parts: Any = figure.subfigures(1, 2, width_ratios=(1, 1.35))
        left, right = parts
        ax = left.subplots()
        path_styles.plot_rounds(rows, ax, NAMES[1]).set_title("(a) loss along both ways")
        path_styles.level_line(ax, made["level"])
        ax.set_ylim(path_styles.FLOOR / 2, 60 * max(_barriers(data_file)))
        ax.legend(loc="upper center", ncols=2, columnspacing=1)
        right.suptitle("(b) the inputs along them, and their losses in nats", fontsize=8, x=0.02, ha="left")
        axes = right.subplots(2, n, sharex=True, sharey=True)
        for row, name in enumerate(NAMES):
            along = rows[rows["round"] == (0, made["rounds"])[row]]
            for place in range(n):
                loss = float(np.interp(data["shares"][place], along["share"], along["loss"]))
                _show(data["inputs"][row, place], axes[row, place], path_styles.FOUND[0] if row else "black")
                axes[row, place].set_title(_short(loss), loc="center", fontsize=6)
            axes[row, 0].set_ylabel(name, fontsize=7)
        for place, name in ((0, "A"), (n - 1, "C")):
            axes[1, place].set_xlabel(name)
    return figure


def _show(x: np.ndarray, ax: Axes, color: str) -> None:
    """A signal (1, length) as a curve, a picture (channels, side, side) as it is."""
    if x.ndim == 3:
        picture = np.moveaxis(x, 0, -1)
        ax.imshow(picture[..., 0] if x.shape[0] == 1 else picture.clip(0, 1), cmap="gray_r")
    else:
        ax.plot(x.ravel(), color=color, lw=0.8)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def _short(loss: float) -> str:
    """One digit of a loss, as few characters as can be."""
    if loss < path_styles.FLOOR:
        return "0"
    digit, power = f"{loss:.0e}".split("e")
    return f"{loss:.1f}" if loss >= 0.1 else rf"${digit}\cdot10^{{{int(power)}}}$"


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, (straight, found) = record(data_file), _barriers(data_file)
    return (
        rf"Two natural inputs A and C of class {made['class']}, {made['dimension']} numbers each, of "
        rf"{system(made['parameters'])}, and two ways between them. (a) Loss of their class along the straight line, "
        rf"which rises to {straight:.3g} nats, and along the path found in {made['rounds']} "
        rf"round{'s' * (made['rounds'] != 1)} ({made['segments']} segments, marks at the vertices), which stays at or "
        rf"below {found:.2g} nats; it is {made['length_ratio']:.3f} times as long. Dotted: the level {made['level']:g} "
        rf"nats; losses that vanish in single precision are drawn at ${_power(path_styles.FLOOR)}$. (b) Inputs at "
        rf"equal distances along both, with their losses. Of {made['tried']} pairs {made['connected']} are connected; "
        rf"this is the one with the highest barrier of those that take as many rounds. A single example: no errors. "
        + made_by(data_file, QUICK)
    )


def _power(value: float) -> str:
    return rf"10^{{{np.log10(value):.0f}}}"


def macros(data_file: Path) -> dict[str, str]:
    """Barriers of both ways, and the length of the path."""
    made, (straight, found) = record(data_file), _barriers(data_file)
    return {
        macro_name("example barrier straight"): f"{straight:.3g}",
        macro_name("example barrier path"): f"{found:.2g}",
        macro_name("example length ratio"): f"{made['length_ratio']:.3f}",
        macro_name("example segments"): str(made["segments"]),
    }


def finding(data_file: Path) -> str:
    """One line."""
    made, (straight, found) = record(data_file), _barriers(data_file)
    return (
        f"Between two inputs of class {made['class']} the loss of the straight line rises to {straight:.3g} nats, that "
        f"of a path of {made['segments']} segments, {made['length_ratio']:.2f} times as long, to {found:.1g}."
    )
