"""Site thresholds of wide neighbourhoods and their limit, overlapping spheres: z p_c against z, eta_c against d."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from papers import drawing
from papers.figure import PAGE, house, keep, kept_table, macro_name, made_by, record
from percolation import lattices, scaling
from percolation.quantities import with_error
from percolation.theory import continuum

NAME = "dimension_scaling/neighbourhoods"
TITLE = "Thresholds of wide neighbourhoods and of overlapping spheres"
MINUTES = 11.0


@dataclass(frozen=True)
class Config:
    """Shells of Z^d in each dimension with runs, and dimensions of spheres with the error of eta_c."""

    shells: tuple[tuple[int, tuple[int, ...], int], ...] = (
        (2, (2, 3, 4, 5, 7, 8), 256),
        (3, (2, 3, 5, 6), 128),
        (4, (2, 3, 4), 128),
        (5, (2, 3, 4), 128),
        (6, (2, 3), 128),
    )
    n_sites: int = 2**15  # of an invasion, in d >= 3
    spheres: tuple[tuple[int, float], ...] = (
        (2, 1e-4),
        (3, 1e-4),
        (4, 1e-4),
        (5, 5e-5),
        (6, 2e-5),
        (7, 1.2e-5),
        (8, 6e-6),
    )


QUICK = Config(
    shells=((2, (2, 3, 5), 32), (3, (2, 3, 5), 32), (4, (2, 3), 16)),
    n_sites=2**13,
    spheres=((2, 1e-3), (3, 1e-3), (4, 4e-4), (5, 3e-4), (6, 2e-4)),
)
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0) -> Path:
    """A row a lattice: z, p_c, and what is published; in NAME_spheres.csv a row a dimension: eta_c likewise."""
    lattices_ = [_of_shells(config, d, k, runs, seed, workers) for d, shells, runs in config.shells for k in shells]
    spheres = [_of_spheres(d, precision, seed, workers) for d, precision in config.spheres]
    return keep(folder, NAME, config, seed, pd.DataFrame(lattices_), spheres=pd.DataFrame(spheres))


def _of_shells(config: Config, d: int, shells: int, runs: int, seed: int, workers: int) -> dict[str, Any]:
    lattice = lattices.hypercubic(d, shells)
    how: dict[str, Any] = {"method": "wrapping"} if d == 2 else {"method": "invasion", "n_sites": config.n_sites}
    found = scaling.threshold(lattice, "site", runs=runs, seed=seed, workers=workers or 2, **how)
    z, known = lattice.coordination, continuum.neighbourhood(d, shells)
    numbers = {"p_c": found.value, "error": found.error, "method": found.method, "runs": found.n_runs}
    return {"d": d, "shells": shells, "z": z} | numbers | _beside(known)


def _of_spheres(d: int, precision: float, seed: int, workers: int) -> dict[str, Any]:
    found = scaling.overlapping_spheres(d, precision=precision, seed=seed, workers=workers or 2)
    numbers = {"eta_c": found.value, "error": found.error, "mean_degree": found.mean_degree, "runs": found.n_runs}
    return {"d": d} | numbers | {"method": found.method} | _beside(continuum.spheres(d))


def _beside(known: Any) -> dict[str, Any]:
    value, error, source = (known.value, known.error, known.source) if known else (np.nan, np.nan, "")
    return {"published": value, "published_error": error, "source": source}


def draw(data_file: Path) -> Figure:
    """Left: z p_c against 1/z with the limit at 0; right: critical mean degree of spheres against d."""
    rows, spheres = pd.read_csv(data_file), kept_table(data_file, "spheres")
    with house():
        figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.6))
        for series, (d, of_d) in enumerate(rows.groupby("d")):
            drawing.points(left, 1 / of_d.z, of_d.z * of_d.p_c, of_d.z * of_d.error, series, f"$d={d}$", ms=3)
            for one in spheres[spheres.d == d].itertuples():
                look: dict[str, Any] = {"ms": 4, "mfc": "white", "clip_on": False, "zorder": 4}
                drawing.points(left, [0], [one.mean_degree], [2**one.d * one.error], series, **look)
        left.set(xlabel="1 / number of neighbours $z$", ylabel="$z\\,p_c$", xlim=(0, None))
        left.legend(ncols=2)
        drawing.points(right, spheres.d, spheres.mean_degree, 2.0**spheres.d * spheres.error, 0, "simulated", ms=3)
        drawing.theory(right, spheres.d, 2.0**spheres.d * spheres.published, label="published")
        right.set(xlabel="dimension $d$", ylabel="critical mean degree $2^d\\,\\eta_c$")
        right.legend()
        drawing.letters([left, right], ["sites of $\\mathbb{Z}^d$ joined within a ball", "overlapping spheres"])
    return figure


def _deviations(rows: pd.DataFrame, value: str) -> pd.Series:
    return (rows[value] - rows.published) / np.hypot(rows.error, rows.published_error)


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    rows, spheres, made = pd.read_csv(data_file), kept_table(data_file, "spheres"), record(data_file)["parameters"]
    z = np.concatenate([_deviations(rows, "p_c"), _deviations(spheres, "eta_c")])
    z = z[np.isfinite(z)]
    return (
        rf"Site percolation on $\mathbb{{Z}}^d$ with bonds to all sites in a ball, up to {rows.z.max()} neighbours $z$ "
        rf"(left): windings in $d = 2$, invasion of {made['n_sites']} sites above. At $1/z = 0$, hollow: the limit "
        rf"$2^d \eta_c$, the critical mean degree of overlapping spheres (right), by windings in $d = 2$ and by "
        rf"invasion of Poisson points above. Bars are one standard error. Dashed: Mertens and Moore 2012 ($d = 2$), "
        rf"Lorenz and Ziff 2001 ($d = 3$), Brzeski and Kondrat 2022 ($d = 4, 5$), Torquato and Jiao 2012 above. "
        rf"Of {len(z)} numbers beside published ones "
        rf"{int((abs(z) > 2).sum())} deviate by more than two standard errors. " + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Every threshold."""
    rows, spheres = pd.read_csv(data_file), kept_table(data_file, "spheres")
    found = {
        macro_name("pc ball", int(one.d), "z", int(one.z)): with_error(one.p_c, one.error) for one in rows.itertuples()
    }
    return found | {
        macro_name("eta spheres", int(one.d)): with_error(one.eta_c, one.error) for one in spheres.itertuples()
    }


def finding(data_file: Path) -> str:
    """One line."""
    rows, spheres = pd.read_csv(data_file), kept_table(data_file, "spheres")
    plane, last = rows[rows.d == rows.d.min()].iloc[-1], spheres.iloc[-1]
    limit = spheres[spheres.d == plane.d].mean_degree.iloc[0]
    return (
        f"With ever more neighbours z p_c rises towards the critical mean degree of overlapping spheres: in d = "
        f"{plane.d:.0f} to {with_error(plane.z * plane.p_c, plane.z * plane.error)} at z = {plane.z:.0f}, limit "
        f"{limit:.4g}; spheres in d = {last.d:.0f} have eta_c = {with_error(last.eta_c, last.error)}."
    )
