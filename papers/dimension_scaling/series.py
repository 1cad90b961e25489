"""How far the series of p_c(Z^d) in 1/(2d - 1) holds, and its next term by thresholds in high dimensions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from papers import drawing
from papers.figure import PAGE, house, keep, kept_table, macro_name, made_by
from percolation.checks import KINDS
from percolation.quantities import UNKNOWN, Published, with_error
from percolation.theory import series, thresholds
from percolation.theory.formulas import SERIES
from percolation.theory.series import PUBLISHED_UP_TO

NAME = "dimension_scaling/series"
TITLE = "How far the series of the hypercubic lattice holds"
MINUTES = 0.3
N_KNOWN = len(SERIES["site"].coefficients)


@dataclass(frozen=True)
class Config:
    """Dimensions shown, and those whose thresholds the next terms are fitted to."""

    first: int = 5
    fitted: int = 8
    last: int = 20
    n_points: int = 40  # of the fitted remainder


QUICK = Config()
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0) -> Path:
    """A row a kind and dimension: p_c and series of 1 to 6 terms; in NAME_remainder.csv the fit; nothing is drawn."""
    rows: list[dict[str, Any]] = []
    remainders: list[dict[str, Any]] = []
    for kind in KINDS:
        up_to_13 = series.continued(kind, dimensions=range(config.fitted, PUBLISHED_UP_TO + 1))
        for d in range(config.first, config.last + 1):
            p_c = thresholds.hypercubic(d, kind)
            sums = {f"series_{n}": thresholds.series(d, kind, n).value for n in range(1, N_KNOWN + 1)}
            told = up_to_13.threshold(d) if d > PUBLISHED_UP_TO else UNKNOWN
            numbers = {"p_c": p_c.value, "error": p_c.error, "told": told.value, "told_error": told.error}
            rows.append({"kind": kind, "d": d} | numbers | sums)
        continued = series.continued(kind, dimensions=range(config.fitted, config.last + 1))
        for x in np.linspace(0, 1 / (2 * config.fitted - 1), config.n_points):
            powers = x ** np.arange(len(continued.mean))
            error = np.sqrt(powers @ continued.covariance @ powers)
            remainders.append({"kind": kind, "x": x, "value": powers @ continued.mean, "error": error})
    return keep(folder, NAME, config, seed, pd.DataFrame(rows), remainder=pd.DataFrame(remainders))


def draw(data_file: Path) -> Figure:
    """Distance of partial sums from p_c, sites and bonds, and the remainder in units of s^-7 down to its limit c_7."""
    rows, fits = pd.read_csv(data_file), kept_table(data_file, "remainder")
    with house():
        figure, axes = plt.subplots(1, 3, figsize=(PAGE, 2.6), width_ratios=(1, 1, 1.1))
        for ax, (kind, of_kind) in zip(axes, rows.groupby("kind", sort=False), strict=False):
            _partial_sums(ax, of_kind, str(kind))
        axes[1].sharey(axes[0])
        axes[1].text(0.6, 0.12, "error of $p_c$", transform=axes[1].transAxes, fontsize=6.5, color="0.35")
        axes[0].set_ylabel("relative distance from $p_c$")
        axes[0].legend(ncols=2, fontsize=5.5, title="terms", title_fontsize=5.5)
        for number, (kind, of_fit) in enumerate(fits.groupby("kind", sort=False)):
            _remainder(axes[2], rows[rows.kind == kind], of_fit, number, f"{kind}s")
        axes[2].set(
            xlabel="$1/s$, $s=2d-1$",
            ylabel="$(p_c-$ six terms$)\\,s^7/10^3$",
            xlim=(0, 1.05 * fits.x.max()),
            ylim=(0, None),
        )
        axes[2].legend()
        drawing.letters(axes, [f"{kind} percolation" for kind in KINDS] + ["what is left of six terms"])
    return figure


def _partial_sums(ax: Axes, rows: pd.DataFrame, kind: str) -> None:
    for n in range(1, N_KNOWN + 1):
        if kind == "bond" and n == 2:  # c_2 = 0
            continue
        distance = (rows[f"series_{n}"] / rows.p_c - 1).abs()
        look: dict[str, Any] = {"ls": "-", "lw": 0.6, "ms": 2.5, "marker": drawing.MARKERS[n - 1]}
        ax.plot(rows.d, distance, color=f"C{n - 1}", label=str(n), **look)
    drawing.theory(ax, rows.d, rows.error / rows.p_c)
    ax.set(yscale="log", xlabel="dimension $d$")
    ax.set_xticks([5, 10, 15, 20])


def _remainder(ax: Axes, rows: pd.DataFrame, fit: pd.DataFrame, number: int, label: str) -> None:
    """Points with errors, those of fewer than fitted dimensions left out; the fit with its error as a band."""
    s = 2.0 * rows.d - 1
    inside = 1 / s <= fit.x.max() * 1.001
    remainder, error = (rows.p_c - rows[f"series_{N_KNOWN}"]) * s**7 / 1e3, rows.error * s**7 / 1e3
    drawing.points(ax, (1 / s)[inside], remainder[inside], error[inside], number, label, ms=3)
    ax.plot(fit.x, fit.value / 1e3, color=f"C{number}", lw=0.8)
    low, high = (fit.value - fit.error) / 1e3, (fit.value + fit.error) / 1e3
    ax.fill_between(fit.x, low, high, color=f"C{number}", alpha=0.2, lw=0)


def _next(data_file: Path, kind: str) -> Published:
    """c_7, where 1/s = 0."""
    fits = kept_table(data_file, "remainder")
    limit = fits[(fits.kind == kind) & (fits.x == 0)].iloc[0]
    return Published(limit.value, limit.error, "fit")


def caption(data_file: Path) -> str:
    """What is plotted, errors, the command."""
    rows, made = pd.read_csv(data_file), ", ".join(rf"{_next(data_file, kind)} ({kind}s)" for kind in KINDS)
    return (
        rf"The series of $p_c(\mathbb{{Z}}^d)$ in $1/s$, $s = 2d - 1$ (Gaunt et al.\ 1976, 1978; Mertens and Moore "
        rf"2018). Left: relative distance of its sums of 1 to {N_KNOWN} terms from $p_c$ (of bonds the second term is "
        rf"0), dashed the relative error of $p_c$: Mertens and Moore 2018 to $d = {PUBLISHED_UP_TO}$, from there on "
        rf"this package, Leath clusters, to $d = {rows.d.max()}$. Right: what six terms leave, times $s^7$, with one "
        rf"standard error; line and band: terms $s^{{-7}}, s^{{-8}}, \dots$ fitted, averaged over their number, the "
        rf"growth of their coefficients and the first dimension. At $1/s = 0$ it gives $c_7 =$ {made}. "
        + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """c_7, what six terms leave in each dimension, and p_c beyond the published ones by the terms fitted up to them."""
    found = {}
    for kind in KINDS:
        found[macro_name("series next", kind)] = str(_next(data_file, kind))
    for row in pd.read_csv(data_file).itertuples():
        found[macro_name("series off", row.kind, row.d)] = f"{row.series_6 / row.p_c - 1:.1e}"
        if row.d > PUBLISHED_UP_TO:
            found[macro_name("pc continued", row.kind, row.d)] = with_error(row.told, row.told_error)
    return found


def finding(data_file: Path) -> str:
    """One line."""
    rows = pd.read_csv(data_file)
    first = []
    for kind in KINDS:
        of_kind = rows[(rows.kind == kind) & ((rows.series_6 / rows.p_c - 1).abs() < 1e-4)]
        first.append(f"{of_kind.d.min()} ({kind}s)")
    beyond = rows[rows.d > PUBLISHED_UP_TO]
    z = (beyond.p_c - beyond.told) / np.hypot(beyond.error, beyond.told_error)
    told = (
        f"; thresholds simulated beyond d = {PUBLISHED_UP_TO} are where terms fitted up to there put them: "
        f"chi^2 = {(z**2).sum():.1f} for {len(z)}"
        if len(z)
        else ""
    )
    one, two = (_next(data_file, kind) for kind in KINDS)
    return (
        f"Six terms are within 1e-4 of p_c from d = {' and '.join(first)} on; the seventh has c_7 = {one} (sites) and "
        f"{two} (bonds){told}."
    )
