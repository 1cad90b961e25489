"""Which papers there are, and their figures."""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import cast

import papers
from papers.figure import FigureModule
from percolation import checks


def names() -> list[str]:
    """Every PAPER/FIGURE, in the order of the papers."""
    return [f"{paper}/{figure}" for paper in paper_names() for figure in _package(paper).FIGURES]


def paper_names() -> list[str]:
    """The packages in `papers` that name figures."""
    packages = [one.name for one in pkgutil.iter_modules([str(Path(papers.__file__).parent)]) if one.ispkg]
    return [name for name in packages if hasattr(_package(name), "FIGURES")]


def title(paper: str) -> str:
    """What the paper is about."""
    return str(_package(paper).TITLE)


def find(name: str) -> FigureModule:
    """The module of PAPER/FIGURE."""
    paper, figure = checks.one_of("figure", name, names()).split("/")
    return cast(FigureModule, importlib.import_module(f"papers.{paper}.{figure}"))


def chosen(text: str | None) -> list[str]:
    """The figures meant by PAPER/FIGURE, PAPER or FIGURE alone; all of them by None."""
    everything = names()
    if text is None:
        return everything
    text = text.strip("/")
    if text in paper_names():
        return [name for name in everything if name.startswith(f"{text}/")]
    if text in everything:
        return [text]
    alone = [name for name in everything if name.endswith(f"/{text}")]
    return alone or [checks.one_of("figure", text, [*paper_names(), *everything])]


def _package(paper: str) -> ModuleType:
    return importlib.import_module(f"papers.{paper}")
