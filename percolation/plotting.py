"""Functions that draw on a given ax: data in, nothing computed. STYLE names the house style."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter, ScalarFormatter

from percolation import files
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
    ax.yaxis.set_major_locator(FixedLocator([0.02, 0.05, 0.1, 0.2, 0.5]))
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend()
    return ax


def plot_residuals(
    dimensions: Sequence[int], simulated: Sequence[Estimate], published: Sequence[Published], ax: Axes
) -> Axes:
    """(simulation - published) / published against d, one-sigma errors; linear within +-1e-3, logarithmic outside."""
    reference = _values(published)
    ax.axhline(0, color="C0", lw=0.8)
    deviation = _values(simulated) / reference - 1
    ax.errorbar(dimensions, deviation, _errors(simulated) / reference, fmt=".", color="C1")
    ax.set_yscale("symlog", linthresh=1e-3)
    ax.yaxis.set_major_locator(FixedLocator([-1e-2, -1e-3, 0, 1e-3, 1e-2]))
    ax.set(xlabel="dimension $d$", ylabel="relative\ndeviation")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return ax


def save(folder: Path, name: str, figure: Figure) -> list[Path]:
    """The figure as name.pdf and name.png in the folder."""
    return files.write_together(folder, writers(name, figure))


def writers(name: str, figure: Figure) -> dict[str, files.Writer]:
    """What writes name.pdf and name.png; the PDF carries no date, so equal data give equal bytes."""

    def write(path: Path) -> None:
        # colours of the cycle and the resolution are looked up only now
        with plt.style.context(STYLE):
            figure.savefig(path, metadata={"CreationDate": None} if path.suffix == ".pdf" else {})

    return {f"{name}.pdf": write, f"{name}.png": write}


def _values(numbers: Sequence[Estimate | Published]) -> np.ndarray:
    return np.array([number.value for number in numbers])


def _errors(numbers: Sequence[Estimate | Published]) -> np.ndarray:
    return np.array([number.error for number in numbers])
