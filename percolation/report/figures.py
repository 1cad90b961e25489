"""Figures of a page as inline SVG, the same bytes every time, in the colours of the page."""

import re
from collections import defaultdict
from collections.abc import Mapping
from html import escape
from io import StringIO
from numbers import Real
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from percolation.plotting import STYLE
from percolation.runs.ensemble import Ensemble

MOST_FIGURES, MOST_LINES = 12, 8
INK = "#010203"  # a colour that no style uses; the page's own takes its place


def means(found: Ensemble, salt: str) -> list[str]:
    """Mean with one-sigma error of each scalar quantity against each varied number, a line for the other parameters.

    At most 12; the table has the rest.
    """
    drawn: list[str] = []
    for quantity in dict.fromkeys(name for case in found.cases for name in case.moments):
        for parameter in _varied(found):
            lines = _lines(found, quantity, parameter)
            if lines and len(drawn) < MOST_FIGURES:
                drawn.append(_mean(lines, parameter, quantity, f"{salt}-{len(drawn)}"))
    return drawn


def _varied(found: Ensemble) -> list[str]:
    values: defaultdict[str, set[Any]] = defaultdict(set)
    for case in found.cases:
        for name, value in case.parameters.items():
            values[name].add(value if is_number(value) else None)
    return [name for name, seen in values.items() if None not in seen and len(seen) > 1]


def _lines(found: Ensemble, quantity: str, parameter: str) -> dict[str, list[tuple[float, float, float]]]:
    """Points (parameter, mean, error) by the text of the other parameters that vary."""
    several = {
        name
        for case in found.cases
        for name, value in case.parameters.items()
        if name != parameter and any(other.parameters.get(name) != value for other in found.cases[:1])
    }
    lines: defaultdict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for case in found.cases:
        mean, error = case.mean(quantity), case.error(quantity)
        if isinstance(mean, float) and isinstance(error, float) and parameter in case.parameters and mean == mean:
            label = ", ".join(f"{name} {case.parameters[name]}" for name in sorted(several & set(case.parameters)))
            lines[label].append((case.parameters[parameter], mean, 0.0 if error != error else error))
    return lines


def _mean(lines: Mapping[str, list[tuple[float, float, float]]], parameter: str, quantity: str, salt: str) -> str:
    look: dict[Any, Any] = {"text.parse_math": False, "text.usetex": False} | _inked()
    with plt.style.context(STYLE), mpl.rc_context(look):
        figure = Figure(figsize=(5, 3.2), layout="constrained")
        ax = figure.subplots()
        join = len(lines) <= MOST_LINES
        for label, points in lines.items():
            x, y, error = zip(*sorted(points), strict=True)
            style: dict[str, Any] = {"fmt": "o-", "label": label} if join else {"fmt": "o", "color": "C0"}
            ax.errorbar(x, y, error, ms=3.5, lw=1, capsize=2, **style)
        ax.set(xlabel=parameter, ylabel=quantity)
        if join and len(lines) > 1:
            figure.legend(frameon=False, loc="outside right upper")
        return _svg(figure, salt, f"{quantity} against {parameter}")


def _inked() -> dict[str, str]:
    names = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    return dict.fromkeys(names, INK) | dict.fromkeys(("figure.facecolor", "axes.facecolor"), "none")


def _svg(figure: Figure, salt: str, title: str) -> str:
    text = StringIO()
    with mpl.rc_context({"svg.hashsalt": salt, "svg.fonttype": "path"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    drawing = text.getvalue()[text.getvalue().index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", drawing, flags=re.S).replace(INK, "currentColor")
    label = escape(title)
    return f'<figure role="img" aria-label="{label}">{drawing}<figcaption>{label}, one sigma</figcaption></figure>'


def is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
