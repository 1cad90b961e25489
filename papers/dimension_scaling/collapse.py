"""Finite-size scaling: the strength of tori of several sizes, and its collapse with the exponents of theory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from papers import drawing
from papers.figure import PAGE, house, keep, kept_table, macro_name, made_by, record
from percolation import lattices, scaling, sweeps
from percolation.quantities import with_error
from percolation.theory import exponents, thresholds

NAME = "dimension_scaling/collapse"
TITLE = "Finite-size scaling collapse of the strength"
MINUTES = 0.6
SHARE = 0.9  # of perfect collapses that have a quality within its band
SOURCES = {2: "Jacobsen 2015", 3: "Xu et al. 2014"}  # of p_c


@dataclass(frozen=True)
class Config:
    """Sizes of the tori in each dimension, realisations, and the range of the scaled distance to p_c."""

    dimensions: tuple[int, ...] = (2, 3)
    sizes: tuple[tuple[int, ...], ...] = ((64, 128, 256, 512), (16, 32, 64, 96))
    n_realisations: int = 400
    n_points: int = 21
    reach: float = 0.6  # of (p - p_c) L^(1 / nu)


QUICK = Config(sizes=((32, 64, 128, 256), (12, 20, 32, 48)), n_realisations=160)
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0) -> Path:
    """A row a dimension, size and p: strength, its error, and both scaled; quality and its band in NAME_quality.csv."""
    rows, qualities = [], []
    for d, sizes in zip(config.dimensions, config.sizes, strict=True):
        curves = [_curve(config, d, length, seed, workers) for length in sizes]
        p_c, nu, power = _theory(d)
        scaled = [scaling.scaled(curve, p_c, nu, power) for curve in curves]
        rows += [table for pair in zip(curves, scaled, strict=True) for table in _table(d, *pair)]
        beta = exponents.exponents(d).beta
        quality = scaling.quality(curves, p_c, nu, power)
        low, high = scaling.quality_band(curves, p_c, nu, power, share=SHARE, seed=seed)
        unscaled = scaling.quality(curves, p_c, 1e9, 0.0)
        known = {"d": d, "p_c": p_c, "nu": nu, "beta": beta.value}
        qualities.append(
            known | {"quality": quality, "quality_unscaled": unscaled, "quality_low": low, "quality_high": high}
        )
    return keep(folder, NAME, config, seed, pd.concat(rows, ignore_index=True), quality=pd.DataFrame(qualities))


def _curve(config: Config, d: int, length: int, seed: int, workers: int) -> scaling.Curve:
    """Strength of a torus at values of p evenly spaced in the scaling variable."""
    p_c, nu, _ = _theory(d)
    torus = lattices.hypercubic(d).torus(length)
    sweep = sweeps.site_sweep(
        torus, n_realisations=config.n_realisations, seed=seed + 1000 * d + length, observables=("largest",),
        workers=workers or 2,
    )  # fmt: skip
    p = p_c + np.linspace(-config.reach, config.reach, config.n_points) * length ** (-1 / nu)
    p = p[(p > 0) & (p < 1)]
    return scaling.strength_curve(length, sweep, p)


def _theory(d: int) -> tuple[float, float, float]:
    """p_c, nu and -beta/nu."""
    known = exponents.exponents(d)
    return thresholds.hypercubic(d).value, known.nu.value, -known.beta.value / known.nu.value


def _table(d: int, curve: scaling.Curve, scaled: scaling.Curve) -> Iterator[pd.DataFrame]:
    columns = {"p": curve.p, "strength": curve.values, "error": curve.errors}
    columns |= {"x": scaled.p, "y": scaled.values, "y_error": scaled.errors}
    yield pd.DataFrame({"d": d, "L": int(curve.length)} | columns)


def draw(data_file: Path) -> Figure:
    """A row a dimension: strength against p to the left, in scaling variables to the right."""
    rows, qualities = pd.read_csv(data_file), kept_table(data_file, "quality")
    with house():
        figure, axes = plt.subplots(len(qualities), 2, figsize=(PAGE, 2.0 * len(qualities)), squeeze=False)
        for (left, right), known in zip(axes, qualities.itertuples(), strict=True):
            for series, (length, of_size) in enumerate(rows[rows["d"] == known.d].groupby("L")):
                look: dict[str, Any] = {"ms": 2.5, "lw": 0.6, "ls": "-", "elinewidth": 0.6}
                columns = of_size["p"], of_size["strength"], of_size["error"]
                drawing.points(left, *columns, series, f"$L={length}$", **look)
                drawing.points(right, of_size["x"], of_size["y"], of_size["y_error"], series, **look | {"ls": ""})
            most = 1.1 * rows[rows["d"] == known.d]["strength"].max()
            drawing.theory(left, [known.p_c] * 2, [0, most], label=f"$p_c$, {SOURCES.get(known.d, 'published')}")
            left.set(xlabel="occupation $p$", ylabel="strength $P_L$", ylim=(0, most))
            right.set(xlabel=r"$(p-p_c)\,L^{1/\nu}$", ylabel=r"$P_L\,L^{\beta/\nu}$")
            left.legend(loc="upper left")
        drawing.letters(axes, _titles(qualities))
    return figure


def _titles(qualities: pd.DataFrame) -> list[str]:
    return [
        title
        for one in qualities.itertuples()
        for title in (f"site percolation, $d={one.d}$", rf"scaled with $\nu={one.nu:.4g}$, $\beta={one.beta:.3g}$")
    ]


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, qualities = record(data_file)["parameters"], kept_table(data_file, "quality")
    quality = "; ".join(
        rf"$S = {one.quality:.1f}$ in $d = {one.d}$, where a perfect one has {one.quality_low:.1f} to "
        rf"{one.quality_high:.1f} in {SHARE:.0%} of all cases; {one.quality_unscaled:.0f} without scaling".replace(
            "%", r"\%"
        )
        for one in qualities.itertuples()
    )
    return (
        rf"Strength $P_L(p)$, the share of sites in the largest cluster of site percolation on tori of side $L$ "
        rf"(left), and in scaling variables (right) with $p_c$, $\nu$ and $\beta$ of theory, not fitted ($d = 2$: "
        rf"Nienhuis 1982; $d = 3$: Wang et al.\ 2013). Dashed: $p_c$. {made['n_realisations']} realisations a size, "
        rf"each serving all $p$; bars, mostly smaller than the marks, are one standard error. Quality of the collapse "
        rf"(Houdayer and Hartmann 2004): {quality}. " + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Quality of each collapse with its band, and the strength at the p nearest to p_c on the largest torus."""
    rows, found = pd.read_csv(data_file), {}
    for one in kept_table(data_file, "quality").itertuples():
        found[macro_name("collapse quality", int(one.d))] = f"{one.quality:.1f}"
        found[macro_name("collapse band", int(one.d))] = f"{one.quality_low:.1f} to {one.quality_high:.1f}"
        found[macro_name("collapse unscaled", int(one.d))] = f"{one.quality_unscaled:.0f}"
        largest = rows[(rows["d"] == one.d) & (rows["L"] == rows[rows["d"] == one.d]["L"].max())]
        at = largest.loc[largest["x"].abs().idxmin()]
        found[macro_name("strength critical", int(one.d))] = with_error(at["strength"], at["error"])
    return found


def finding(data_file: Path) -> str:
    """One line."""
    parts = [
        f"S = {one.quality:.1f} in d = {one.d} (perfect: {one.quality_low:.1f} to {one.quality_high:.1f}, "
        f"unscaled {one.quality_unscaled:.0f})"
        for one in kept_table(data_file, "quality").itertuples()
    ]
    return f"With the exponents of theory, nothing fitted, all sizes fall on one curve: {', '.join(parts)}."
