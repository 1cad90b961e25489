"""p_c(d) of Z^d by theory and simulation, with residuals.

    python -m papers.dimension_scaling.thresholds [--quick] [--redraw] [--out FOLDER]

compute() leaves thresholds.npz and thresholds.json; draw() makes the figure from them.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import matplotlib.pyplot as plt
import numpy as np
import typer
from matplotlib.figure import Figure

from percolation import checks, dimension_scan, files
from percolation.plotting import STYLE, plot_residuals, plot_thresholds, save
from percolation.quantities import Estimate, Published
from percolation.terminal import print_paths
from percolation.theory import thresholds


@dataclass(frozen=True)
class Config:
    """What the figure is made from."""

    d_max: int = 13
    n_runs: int = 64
    n_sites: int = 2**17  # accepted in each run
    seed: int = 1


QUICK = Config(n_runs=8, n_sites=2**12)


def compute(config: Config, folder: Path) -> Path:
    """Simulate p_c for d = 2..d_max: arrays d, simulated, published, series, each value with its error (2, n)."""
    dimensions = list(range(2, config.d_max + 1))
    scan = dimension_scan.scan(dimensions, n_runs=config.n_runs, n_sites=config.n_sites, seed=config.seed)
    path = folder / "thresholds.npz"
    with files.appearing(path) as temporary:
        np.savez(
            temporary,
            d=np.array(dimensions),
            simulated=_pairs(scan.estimates),
            published=_pairs(scan.references),
            series=_pairs([thresholds.series(d) for d in dimensions]),
        )
    files.write_json(folder / "thresholds.json", files.provenance(asdict(config), config.seed))
    return path


def draw(path: Path) -> Figure:
    """The figure from a file that compute() made."""
    with np.load(path, allow_pickle=False) as data:
        d = data["d"].tolist()
        simulated = [Estimate(value, error, "invasion") for value, error in data["simulated"].T]
        published = [Published(value, error, "table") for value, error in data["published"].T]
        series = [Published(value, error, "series") for value, error in data["series"].T]
    with plt.style.context(STYLE):
        figure, (upper, lower) = plt.subplots(2, 1, figsize=(3.25, 3.6), sharex=True, height_ratios=(2.4, 1))
        plot_thresholds(d, simulated, published, series, upper)
        plot_residuals(d, simulated, published, lower)
    return figure


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Few short runs: seconds.")] = False,
    redraw: Annotated[
        bool, typer.Option("--redraw", help="Draw from the data that is there; compute nothing.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("results/papers/dimension_scaling"),
) -> None:
    """Compute (unless --redraw) and draw p_c(d) by theory and simulation."""
    folder = checks.output_folder(out)
    path = folder / "thresholds.npz" if redraw else compute(QUICK if quick else Config(), folder)
    print_paths([path, path.with_suffix(".json"), *save(folder, "thresholds", draw(path))])


def _pairs(numbers: tuple[Estimate, ...] | tuple[Published, ...] | list[Published]) -> np.ndarray:
    return np.array([(number.value, number.error) for number in numbers]).T


if __name__ == "__main__":
    typer.run(main)
