"""p_c(d) of Z^d by theory and simulation, with residuals.

    python -m papers.dimension_scaling.thresholds [--quick] [--redraw] [--out FOLDER]

compute() leaves thresholds.csv and thresholds.json; draw() makes the figure from them.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from matplotlib.figure import Figure

from percolation import checks, dimension_scan, files
from percolation.plotting import save, thresholds_figure
from percolation.quantities import Published
from percolation.terminal import print_paths


@dataclass(frozen=True)
class Config:
    """What the figure is made from."""

    d_max: int = 13
    n_runs: int = 64
    n_sites: int = 2**17  # accepted in each run
    seed: int = 1


QUICK = Config(n_runs=8, n_sites=2**12)


def compute(config: Config, folder: Path) -> Path:
    """Simulate p_c for d = 2..d_max: a table with the columns of `dimension_scan` and the series, its error."""
    dimensions = list(range(2, config.d_max + 1))
    scan = dimension_scan.scan(
        dimensions, method="invasion", n_runs=config.n_runs, n_sites=config.n_sites, seed=config.seed
    )
    table = scan.table().assign(
        series=[one.value for one in scan.series], series_error=[one.error for one in scan.series]
    )
    path = folder / "thresholds.csv"
    with files.appearing(path) as temporary:
        files.csv(table)(temporary)
    files.write_json(folder / "thresholds.json", files.provenance(asdict(config), config.seed))
    return path


def draw(path: Path) -> Figure:
    """The figure from a file that compute() made."""
    rows = pd.read_csv(path)
    series = [Published(v, e, "series") for v, e in zip(rows["series"], rows["series_error"], strict=True)]
    return thresholds_figure(rows, series)


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Few short runs: seconds.")] = False,
    redraw: Annotated[
        bool, typer.Option("--redraw", help="Draw from the data that is there; compute nothing.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("results/papers/dimension_scaling"),
) -> None:
    """Compute (unless --redraw) and draw p_c(d) by theory and simulation."""
    folder = checks.output_folder(out)
    path = folder / "thresholds.csv" if redraw else compute(QUICK if quick else Config(), folder)
    print_paths([path, path.with_suffix(".json"), *save(folder, "thresholds", draw(path))])


if __name__ == "__main__":
    typer.run(main)
