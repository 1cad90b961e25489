"""Functions that draw on a given ax. Data in, nothing computed, nothing saved.

`matplotlib.style.context(STYLE)` sets the house style.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from percolation.quantities import Estimate, Published

STYLE = "percolation.house"


def plot_thresholds(
    dimensions: Sequence[int],
    simulated: Sequence[Estimate],
    published: Sequence[Published],
    series: Sequence[Published],
    ax: Axes,
) -> Axes:
    """p_c against d: published values as circles, the series as a dashed line, simulation as points with errors."""
    ax.plot(dimensions, _values(series), "--", color="0.45", label=r"series in $1/(2d-1)$, Gaunt et al.")
    ax.plot(dimensions, _values(published), "o", mfc="none", ms=7, color="C0", label="published")
    ax.errorbar(dimensions, _values(simulated), _errors(simulated), fmt=".", color="C1", label="simulation (invasion)")
    ax.set(yscale="log", ylabel="$p_c$ (site)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend()
    return ax


def plot_residuals(
    dimensions: Sequence[int], simulated: Sequence[Estimate], published: Sequence[Published], ax: Axes
) -> Axes:
    """(simulation - published) / published against d, in units of 1e-4, one-sigma errors."""
    reference = _values(published)
    ax.axhline(0, color="C0", lw=0.8)
    ax.errorbar(
        dimensions,
        1e4 * (_values(simulated) / reference - 1),
        1e4 * _errors(simulated) / reference,
        fmt=".",
        color="C1",
    )
    ax.set(xlabel="dimension $d$", ylabel="rel. dev.\n" + r"$[10^{-4}]$")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return ax


def _values(numbers: Sequence[Estimate | Published]) -> np.ndarray:
    return np.array([number.value for number in numbers])


def _errors(numbers: Sequence[Estimate | Published]) -> np.ndarray:
    return np.array([number.error for number in numbers])
