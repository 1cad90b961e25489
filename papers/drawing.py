"""What the figures of papers draw alike: points with errors, theory as dashes, axes of dimensions, letters."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

MARKERS = ("o", "s", "^", "D", "v", "P", "X")  # one a series, so that grey print tells them apart
TICKS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 3000)


def points(ax: Axes, x: Any, y: Any, error: Any, series: int, label: str | None = None, **look: Any) -> None:
    """Measured or simulated: a marker of the series with its one-sigma error."""
    usual: dict[str, Any] = {
        "marker": MARKERS[series % len(MARKERS)],
        "color": f"C{series}",
        "ls": "",
        "elinewidth": 0.8,
    }
    ax.errorbar(x, y, error, label=label, **usual | look)


def theory(ax: Axes, x: Any, y: Any, series: int | None = None, label: str | None = None, **look: Any) -> None:
    """Theory: a dashed line in the colour of the series with small hollow marks of it, grey if it belongs to none."""
    usual: dict[str, Any] = {"ls": (0, (4, 2)), "color": "0.35", "lw": 1.0, "zorder": 1}
    if series is not None:
        mark = {"marker": MARKERS[series % len(MARKERS)], "ms": 2.6, "mew": 0.6, "mfc": "white"}
        usual |= {"color": f"C{series}"} | mark
    ax.plot(x, y, label=label, **usual | look)


def dimension_axis(ax: Axes, dimensions: Sequence[int] | np.ndarray | pd.Series, name: str = "dimension $d$") -> None:
    """A logarithmic axis with plain numbers at a few of the usual places."""
    low, high = min(dimensions), max(dimensions)
    ax.set(xscale="log", xlabel=name, xlim=(low / 1.25, high * 1.25))
    shown = [d for d in TICKS if low / 1.2 <= d <= high * 1.2]
    ax.xaxis.set_major_locator(FixedLocator(shown if len(shown) > 1 else sorted({low, high})))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.xaxis.set_minor_locator(NullLocator())


def letters(axes: Sequence[Axes] | np.ndarray[Any, Any], titles: Sequence[str]) -> None:
    """(a), (b), ... and what each panel shows."""
    for letter, ax, title in zip("abcdefgh", np.asarray(axes).ravel(), titles, strict=False):
        ax.set_title(f"({letter}) {title}")
