"""p_c(d) of Z^d, sites and bonds, by theory and simulation, with residuals."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from papers import drawing
from papers.figure import PAGE, house, keep, macro_name, made_by, record
from percolation import dimension_scan
from percolation.plotting import plot_residuals, plot_thresholds
from percolation.quantities import Published, with_error

NAME = "dimension_scaling/thresholds"
TITLE = "Thresholds of the hypercubic lattice by theory and simulation"
MINUTES = 1.0


@dataclass(frozen=True)
class Config:
    """What the figure is made from."""

    d_max: int = 13
    n_runs: int = 64
    n_sites: int = 2**17  # accepted in each run
    kinds: tuple[str, ...] = ("site", "bond")


QUICK = Config(n_runs=16, n_sites=2**14)
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0) -> Path:
    """Simulate p_c for d = 2..d_max: a table with the columns of `dimension_scan` and the series, its error."""
    tables = [_scan(config, kind, seed, workers) for kind in config.kinds]
    return keep(folder, NAME, config, seed, pd.concat(tables, ignore_index=True))


def _scan(config: Config, kind: str, seed: int, workers: int) -> pd.DataFrame:
    scan = dimension_scan.scan(
        list(range(2, config.d_max + 1)),
        kind,
        method="invasion",
        runs=config.n_runs,
        n_sites=config.n_sites,
        seed=seed,
        workers=workers,
    )
    series = scan.series
    return scan.table().assign(series=[one.value for one in series], series_error=[one.error for one in series])


def draw(data_file: Path) -> Figure:
    """p_c against d with the deviations from published values below; sites to the left, bonds to the right."""
    rows = pd.read_csv(data_file)
    kinds = list(dict.fromkeys(rows["kind"]))
    with house():
        size = (PAGE * len(kinds) / 2, 3.3)
        figure, axes = plt.subplots(2, len(kinds), figsize=size, height_ratios=(2.2, 1), sharex=True, squeeze=False)
        for (upper, lower), kind in zip(axes.T, kinds, strict=True):
            of_kind = rows[rows["kind"] == kind]
            values = zip(of_kind["series"], of_kind["series_error"], strict=True)
            plot_thresholds(of_kind, upper, [Published(value, error, "series") for value, error in values])
            plot_residuals(of_kind, lower)
            upper.set_ylabel(f"threshold $p_c$ ({kind})")
        drawing.letters(axes[0], [f"{kind} percolation on $\\mathbb{{Z}}^d$" for kind in kinds])
    return figure


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    rows, made = pd.read_csv(data_file), record(data_file)["parameters"]
    beyond = int((rows["z"].abs() > 2).sum())
    return (
        rf"Thresholds of $\mathbb{{Z}}^d$, $d = 2, \dots, {rows['d'].max()}$, for {' and '.join(made['kinds'])} "
        rf"percolation. Circles: published values (Mertens and Moore 2018; Xu et al. 2014; Jacobsen 2015). Dashed: the "
        rf"series in $1/(2d-1)$ of Gaunt et al. (1976, 1978) as extended by Mertens and Moore (2018). Dots: invasion "
        rf"percolation, {made['n_runs']} runs of {made['n_sites']} sites for each $d$, extrapolated in size; bars are "
        rf"one standard error. Below: relative deviation from the published value, linear between the inner ticks; "
        rf"{beyond} of {rows['z'].notna().sum()} deviate by more than two standard errors. " + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Every simulated threshold, and how far published values are."""
    rows = pd.read_csv(data_file)
    found = {}
    for kind, d, value, error in rows[["kind", "d", "estimate", "error"]].itertuples(index=False):
        found[macro_name("pc", kind, int(d))] = with_error(value, error)
    return found | {"pcLargestZ": f"{rows['z'].abs().max():.1f}"}


def finding(data_file: Path) -> str:
    """One line."""
    rows = pd.read_csv(data_file)
    last = rows.iloc[rows[rows["kind"] == "site"]["d"].idxmax()]
    return (
        f"Simulated thresholds agree with published ones from d = 2 to {rows['d'].max()}: largest |z| = "
        f"{rows['z'].abs().max():.1f} among {len(rows)}; p_c({last['d']}) = "
        f"{with_error(last['estimate'], last['error'])} against {last['reference']:.6g}."
    )
