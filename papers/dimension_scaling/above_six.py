"""Above six dimensions: the largest cluster, the window and the number of spanning clusters on tori and in boxes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from papers import drawing
from papers.figure import PAGE, house, keep, kept_table, macro_name, made_by, record
from percolation import lattices, scaling
from percolation.quantities import with_error
from percolation.theory import thresholds

NAME = "dimension_scaling/above_six"
TITLE = "Above six dimensions the boundary decides"
MINUTES = 5.0
BOUNDARIES = {True: "torus", False: "box"}
EXPONENTS = ("largest", "window", "spanning")


@dataclass(frozen=True)
class Config:
    """Sides of tori and boxes in each dimension, and configurations of each."""

    sizes: tuple[tuple[int, tuple[int, ...]], ...] = ((7, (3, 4, 5, 6, 7, 8)), (8, (3, 4, 5, 6)))
    n_realisations: int = 400


QUICK = Config(sizes=((7, (3, 4, 5, 6)), (8, (3, 4, 5))), n_realisations=200)
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0) -> Path:
    """A row a dimension, boundary and side; exponents of the side in NAME_exponents.csv, beside theory's."""
    rows: list[dict[str, Any]] = []
    exponents: list[dict[str, Any]] = []
    for d, sizes in config.sizes:
        lattice, p_c = lattices.hypercubic(d), thresholds.hypercubic(d).value
        for periodic, name in BOUNDARIES.items():
            how: dict[str, Any] = {"n_realisations": config.n_realisations, "workers": workers or 2}
            found = [
                scaling.critical_clusters(lattice.box(L, periodic), p_c, seed=seed + 100 * d + 10 * periodic + L, **how)
                for L in sizes
            ]
            rows += [{"d": d, "boundary": name, "L": one.box.L} | _numbers(one) for one in found]
            exponents += _exponents(d, name, scaling.boundary_exponents(found))
    return keep(folder, NAME, config, seed, pd.DataFrame(rows), exponents=pd.DataFrame(exponents))


def _numbers(found: scaling.CriticalClusters) -> dict[str, float]:
    estimates = {"largest": found.mean("largest"), "window": found.window(), "spanning": found.mean("spanning")}
    return {
        key: value
        for name, one in estimates.items()
        for key, value in ((name, one.value), (f"{name}_error", one.error))
    }


def _exponents(d: int, boundary: str, found: scaling.BoundaryExponents) -> list[dict[str, Any]]:
    """Measured, and theory's where it has one."""
    theory, rows = _theory(d, boundary), []
    for name in EXPONENTS:
        one = getattr(found, name)
        if one is not None:
            about = {"d": d, "boundary": boundary, "observable": name}
            rows.append(about | {"exponent": one.value, "error": one.error, "theory": theory.get(name, np.nan)})
    return rows


def _theory(d: int, boundary: str) -> dict[str, float]:
    """The exponents of the side that theory has."""
    return {"largest": 2 * d / 3, "window": -d / 3} if boundary == "torus" else {"largest": 4.0, "spanning": d - 6.0}


def draw(data_file: Path) -> Figure:
    """Largest cluster, window of tori, spanning clusters of boxes, against the side; dashed the powers of theory."""
    rows = pd.read_csv(data_file)
    with house():
        figure, axes = plt.subplots(1, 3, figsize=(PAGE, 2.4))
        for series, ((d, boundary), of_one) in enumerate(rows.groupby(["d", "boundary"], sort=False)):
            for name, power in _theory(d, boundary).items():
                _power(axes[EXPONENTS.index(name)], of_one, name, series, power, f"$d={d}$, {boundary}")
        for ax, name in zip(
            axes, ("sites of the largest cluster", "width of the window", "spanning clusters"), strict=True
        ):
            ax.set(xscale="log", yscale="log", xlabel="side $L$", ylabel=name)
            sides = sorted(rows["L"].unique())
            ax.set_xticks(sides, [str(side) for side in sides])
            ax.set_xticks([], minor=True)
        for ax in axes[1:]:  # less than two decades
            ax.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "1246" else "")
            ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes[0].legend()
        drawing.letters(axes, ["at $p_c$", "tori", "boxes"])
    return figure


def _power(ax: Axes, rows: pd.DataFrame, name: str, series: int, power: float, label: str) -> None:
    """Points, and the power of theory through the last."""
    drawing.points(ax, rows["L"], rows[name], rows[f"{name}_error"], series, label, ms=3)
    last = rows.iloc[-1]
    line = last[name] * (rows["L"] / last["L"]) ** power
    ax.plot(rows["L"], line, ls=(0, (4, 2)), color=f"C{series}", lw=0.8, zorder=1)


def _text(row: Any) -> str:
    return with_error(row.exponent, row.error)


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, exponents = record(data_file)["parameters"], kept_table(data_file, "exponents")
    measured = "; ".join(
        rf"{one.observable}, $d = {one.d}$, {one.boundary}: {_text(one)} ({one.theory:.3g})"
        for one in exponents[exponents.theory.notna()].itertuples()
    )
    return (
        rf"Site percolation on $\mathbb{{Z}}^d$ at the published $p_c$ (Mertens and Moore 2018), "
        rf"{made['n_realisations']} configurations a side; bars are one standard error. Dashed, through the last "
        rf"point: on tori of $V = L^d$ sites $V^{{2/3}}$ and the window $V^{{-1/3}}$ (Borgs et al.\ 2005), in boxes "
        rf"$L^4$ and $L^{{d-6}}$ spanning clusters (Aizenman 1997). Exponents of $L$, measured (theory): {measured}. "
        + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Every exponent."""
    return {
        macro_name("above six", one.observable, one.boundary, int(one.d)): _text(one)
        for one in kept_table(data_file, "exponents").itertuples()
    }


def finding(data_file: Path) -> str:
    """One line."""
    exponents = kept_table(data_file, "exponents")
    first = exponents[exponents.d == exponents.d.min()].set_index(["boundary", "observable"])
    torus, box, spanning = (
        first.loc[("torus", "largest")],
        first.loc[("box", "largest")],
        first.loc[("box", "spanning")],
    )
    return (
        f"In d = {exponents.d.min()} the largest cluster at p_c grows as L to the {_text(torus)} on tori "
        f"(theory {torus.theory:.2f}) and the {_text(box)} in boxes (theory 4), where the number of spanning clusters "
        f"grows with the exponent {_text(spanning)} (theory {spanning.theory:.0f})."
    )
