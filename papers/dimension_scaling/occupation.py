"""Critical occupation against the dimension: independent cells beside smooth Gaussian fields."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from papers import drawing
from papers.figure import COLUMN, house, keep, macro_name, made_by, record
from percolation import fields, level_sets, scaling
from percolation.quantities import Estimate, with_error
from percolation.theory import level_sets as characteristic
from percolation.theory import thresholds

NAME = "dimension_scaling/occupation"
TITLE = "Critical occupation of independent and of smooth fields"
MINUTES = 0.7


@dataclass(frozen=True)
class Config:
    """Floods grown on Z^d in any dimension, and boxes of smooth fields in low ones."""

    d_max: int = 8
    xis: tuple[float, ...] = (1.0, 2.0)  # correlation lengths in cells; 0 stands for independent cells
    n_sites: int = 2**15  # of a flood
    n_floods: int = 16
    boxes: tuple[tuple[int, int, float], ...] = ((2, 256, 4.0), (3, 64, 4.0), (4, 28, 2.5))  # d, side, xi
    n_boxes: int = 32


QUICK = Config(d_max=7, n_sites=2**12, boxes=((2, 96, 4.0), (3, 36, 3.0), (4, 16, 2.0)))
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0) -> Path:
    """A row a method, d and xi: the occupation of the critical level, its error, and the iid threshold of theory.

    Of floods also the occupation from floods of half the size, its error, and their radius in correlation lengths.
    """
    floods = [(d, xi) for xi in (0.0, *config.xis) for d in range(2, config.d_max + 1)]
    found = [_flood_row(d, xi, _flooded(config, d, xi, seed, workers)) for d, xi in floods]
    found += [_row("box", d, xi, _spanned(config, d, side, xi, seed)) for d, side, xi in config.boxes]
    return keep(folder, NAME, config, seed, pd.DataFrame(found))


def _row(method: str, d: int, xi: float, found: Estimate) -> dict[str, object]:
    p_c = thresholds.hypercubic(d)
    return {"method": method, "d": d, "xi": xi, "occupation": found.value, "error": found.error, "p_c": p_c.value}


def _flood_row(d: int, xi: float, found: scaling.CriticalOccupation) -> dict[str, object]:
    halved = {"halved": found.halved.value, "halved_error": found.halved.error, "lengths": found.lengths}
    return _row("flood", d, xi, found.estimate) | halved


def _flooded(config: Config, d: int, xi: float, seed: int, workers: int) -> scaling.CriticalOccupation:
    return scaling.critical_occupation(
        partial(_field, d, xi),
        seed=seed + 100 * d + round(10 * xi),
        n_sites=config.n_sites,
        n_runs=config.n_floods,
        workers=workers or 2,
    )


def _field(d: int, xi: float, seed: np.random.SeedSequence) -> fields.IidField | fields.FourierField:
    if not xi:
        return fields.iid(d, distribution="uniform", seed=seed)
    return fields.gaussian(d, fields.SquaredExponential(xi), seed=seed)


def _spanned(config: Config, d: int, side: int, xi: float, seed: int) -> Estimate:
    make = partial(_box, (side,) * d, xi)
    return level_sets.critical_occupation(make, n_realisations=config.n_boxes, seed=seed + d)


def _box(shape: tuple[int, ...], xi: float, seed: np.random.SeedSequence) -> np.ndarray:
    return fields.gaussian_grid(shape, xi, seed=seed)


def draw(data_file: Path) -> Figure:
    """Occupation against d, logarithmic."""
    rows = pd.read_csv(data_file)
    floods, boxes = rows[rows["method"] == "flood"], rows[rows["method"] == "box"]
    d = np.arange(2, rows["d"].max() + 1)
    with house():
        figure, ax = plt.subplots(figsize=(COLUMN, 3.0))
        drawing.theory(ax, d, [thresholds.hypercubic(int(n)).value for n in d], 0, "iid, Mertens and Moore 2018")
        for series, (xi, of_xi) in enumerate(floods.groupby("xi")):
            label = rf"smooth, grown, $\xi = {xi:g}$ cells" if xi else "independent cells, grown"
            drawing.points(ax, of_xi["d"], of_xi["occupation"], of_xi["error"], series, label)
        if len(boxes):
            label = rf"smooth, boxes, $\xi = {boxes['xi'].min():g}$ to {boxes['xi'].max():g} cells"
            points = boxes["d"] + 0.12, boxes["occupation"], boxes["error"]
            drawing.points(ax, *points, 3, label, mfc="white")
        zeros = [characteristic.gaussian(int(n)).value for n in d]
        drawing.theory(ax, d, zeros, label="smooth: zero of the Euler characteristic", ls=":")
        ax.set(yscale="log", xlabel="dimension $d$", ylabel="critical occupation", xticks=d, xlim=(1.7, d[-1] + 0.4))
        ax.legend(loc="lower left")
    return figure


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, rows = record(data_file)["parameters"], pd.read_csv(data_file)
    floods = rows[rows["method"] == "flood"]
    apart = ((floods["occupation"] - floods["halved"]) / floods["error"]).abs().max()
    return (
        rf"Share of open cells at the level from which on the open set $\{{f \le h\}}$ percolates on $\mathbb{{Z}}^d$. "
        rf"Filled: floods of {made['n_sites']} cells, {made['n_floods']} for each point, of independent values and of "
        rf"Gaussian fields of covariance $\exp(-r^2/2\xi^2)$, extrapolated in size; smooth ones have radii of "
        rf"{floods['lengths'].min():.1f} $\xi$ or more, and floods of half the size differ by at most {apart:.1f} "
        rf"errors. Hollow: spanning of boxes of side "
        rf"{', '.join(str(box[1]) for box in made['boxes'])} cells, {made['n_boxes']} of each, not extrapolated in "
        rf"size. Bars: one standard error. Dashed: published thresholds of independent sites (Mertens and Moore 2018; "
        rf"Xu et al.\ 2014; Jacobsen 2015). Dotted: zeros of the mean Euler characteristic, an estimate. "
        + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Every critical occupation."""
    found = {}
    for row in pd.read_csv(data_file).itertuples():
        what = "box" if row.method == "box" else f"xi {row.xi:g}".replace(".", " point ") if row.xi else "iid"
        found[macro_name("occupation", what, int(row.d))] = with_error(row.occupation, row.error)
    return found


def finding(data_file: Path) -> str:
    """One line."""
    rows = pd.read_csv(data_file)
    floods = rows[rows["method"] == "flood"]
    last = floods[floods["d"] == floods["d"].max()].set_index("xi")
    smoothest, iid = last.loc[last.index.max()], last.loc[0.0]
    ratio = iid["occupation"] / smoothest["occupation"]
    return (
        f"Smooth fields percolate at far lower occupation: in d = {smoothest['d']:.0f} at "
        f"{with_error(smoothest['occupation'], smoothest['error'])} (xi = {smoothest.name:g} cells), independent cells "
        f"at {with_error(iid['occupation'], iid['error'])}, {ratio:.0f} times as much."
    )
