"""Making figures: data that are there are kept, the rest is computed; then everything is drawn from the data."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from papers import figure as figures
from papers import registry
from percolation import checks, files, plotting


@dataclass(frozen=True)
class Made:
    """A figure that was made: its data, the files drawn from them, and its width in inches."""

    name: str  # PAPER/FIGURE
    data: Path
    drawn: tuple[Path, ...]
    width: float
    seconds: float  # that it took to have the data


def make(
    name: str,
    out: Path,
    *,
    full: bool,
    seed: int,
    workers: int,
    formats: Sequence[str],
    redraw: bool = False,
    device: str = "cpu",
) -> Made:
    """Compute the data of PAPER/FIGURE unless they are in out/PAPER, then draw them there.

    device: of figures that can be computed on another than the CPU, `on_devices`.
    """
    folder, began = checks.output_folder(out / name.split("/")[0]), time.perf_counter()
    data = _found(name, folder) if redraw else _computed(name, folder, full, seed, workers, device)
    seconds = time.perf_counter() - began
    drawn, width = draw(name, data, formats)
    return Made(name, data, tuple(drawn), width, seconds)


def draw(name: str, data: Path, formats: Sequence[str]) -> tuple[list[Path], float]:
    """The figure in each format, and its caption as text, beside the data; and its width in inches."""
    module = registry.find(name)
    figure = module.draw(data)
    try:
        _settle(figure)
        drawn = plotting.writers(data.stem, figure, formats=formats)
        caption = {f"{data.stem}.txt": text(module.caption(data) + "\n")}
        return files.write_together(data.parent, drawn | caption), float(figure.get_figwidth())
    finally:
        plt.close(figure)


def _settle(figure: Figure) -> None:
    """Lay the figure out once, to a millionth: the solver's last digits vary, and SVG names its clip paths by them."""
    with figures.house():
        figure.draw_without_rendering()
    figure.set_layout_engine(None)  # nothing is laid out, and drawn for it, before each format
    if figure.get_layout_engine() is not None:  # her own settings name one
        figure.set_layout_engine("none")
    for ax in figure.axes:
        ax.set_position(Bbox(ax.get_position().get_points().round(6)))


def checked_formats(text: str) -> tuple[str, ...]:
    """'pdf,png' as its parts, each a format that is known."""
    return tuple(dict.fromkeys(checks.one_of("format", part.strip(), plotting.FORMATS) for part in text.split(",")))


def there(name: str, out: Path, *, full: bool, seed: int) -> Path | None:
    """The data of PAPER/FIGURE in out/PAPER if they are those of this size, seed and version."""
    data = figures.kept(out / name.split("/")[0], name)
    return data if data is not None and figures.is_made_of(data, _config(name, full), seed) else None


def completed(made: Sequence[Made], out: Path, formats: Sequence[str]) -> list[Made]:
    """With them, drawn again, all other figures of the same papers whose data are there, in the order of the papers.

    One figure made anew must not take the numbers of the others from macros.tex.
    """
    new = {one.name: one for one in made}
    papers = {name.split("/")[0] for name in new}
    found = []
    for name in registry.names():
        paper = name.split("/")[0]
        if name in new:
            found.append(new[name])
        elif paper in papers and figures.kept(out / paper, name) is not None:
            found.append(make(name, out, full=False, seed=0, workers=1, formats=formats, redraw=True))
    return found


def _config(name: str, full: bool) -> Any:
    module = registry.find(name)
    return module.FULL if full else module.QUICK


def on_devices(name: str) -> bool:
    """Whether what the figure needs can be computed on another device than the CPU."""
    return "device" in signature(registry.find(name).compute).parameters


def _computed(name: str, folder: Path, full: bool, seed: int, workers: int, device: str) -> Path:
    if found := there(name, folder.parent, full=full, seed=seed):
        return found
    where = {"device": device} if on_devices(name) else {}
    return registry.find(name).compute(_config(name, full), folder, seed=seed, workers=workers, **where)


def _found(name: str, folder: Path) -> Path:
    data = figures.kept(folder, name)
    if data is None or not data.exists():
        raise ValueError(f"no data of {name} in {folder}; run once without --redraw, or name their folder by --out")
    return data


def text(content: str) -> files.Writer:
    """What writes a text."""
    return lambda path: path.write_text(content)
