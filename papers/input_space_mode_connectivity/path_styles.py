"""How the figures of the article draw alike: the loss after each round, the level, losses too small to be drawn."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

FLOOR = 1e-7  # nats: cross-entropy in single precision is no smaller but 0
ROUNDS = (  # colour, marker at the vertices; from light to dark, so that grey print tells them apart
    ("0.6", None),
    ("C4", "s"),
    ("C5", "^"),
    ("C1", "D"),
    ("C0", "v"),
    ("C2", "P"),
    ("C3", "X"),
    ("black", "o"),
)
FOUND = ("C0", "o")  # of the last path where it stands for all rounds


def name_of_round(k: int) -> str:
    """As legends say it."""
    return "straight line" if k == 0 else f"after round {k}"


def style_of_round(k: int) -> tuple[str, str | None]:
    """Colour and marker of the path after round k."""
    return ROUNDS[min(k, len(ROUNDS) - 1)]


def plot_rounds(rows: pd.DataFrame, ax: Axes, last: str | None = None) -> Axes:
    """Loss along the straight line and the path after each round, marks at the vertices; columns of `after_rounds`.

    last: name of the last of them.
    """
    for k, some in rows.groupby("round"):
        named = last is not None and k == rows["round"].max()
        color, marker = FOUND if named else style_of_round(int(k))
        label = last if named else name_of_round(int(k))
        loss = np.maximum(some["loss"], FLOOR)
        marks: dict[str, Any] = {"marker": marker, "markevery": list(np.flatnonzero(some["vertex"])), "ms": 3.2}
        ax.plot(some["share"], loss, color=color, label=label, **marks)
    ax.set(yscale="log", xlim=(0, 1), xlabel="share of the way from A to C", ylabel="loss [nats]")
    return ax


def level_line(ax: Axes, level: float, label: str | None = None) -> None:
    """The level below which an input is open, dotted."""
    ax.axhline(level, color="0.25", ls=":", lw=0.9, zorder=1, label=label or f"level, {level:g} nats")
