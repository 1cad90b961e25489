"""Job 1: dimension-scaling simulations. What is p_c of Z^d, and does it follow the series of theory?

python -m papers.tutorials.scale_dimension [FOLDER]
"""

import sys
from pathlib import Path

from percolation import checks, dimension_scan, lattices, sweeps
from percolation.plotting import save, thresholds_figure


def main(folder: Path) -> list[Path]:
    """Print thresholds beside published ones; draw them; the files drawn."""
    # grow clusters on the infinite lattice, in any dimension: 8 runs of 4096 sites each
    scan = dimension_scan.scan([3, 5, 8, 13], method="invasion", runs=8, n_sites=2**12, seed=1)
    for d, simulated, known, z in zip(scan.dimensions, scan.simulated, scan.references, scan.z, strict=True):
        print(f"d = {d:2}: p_c = {simulated} simulated, {known} published, {z:+.1f} standard errors apart")

    # open the sites of a torus one by one: one set of realisations serves every p
    sweep = sweeps.site_sweep(lattices.hypercubic(3).torus(16), n_realisations=50, seed=1)
    for p in (0.25, 0.31, 0.40):
        print(f"p = {p}: largest cluster holds {sweep.strength(p):.3f} +- {sweep.strength_error(p):.3f} of the sites")
    return save(folder, "scale_dimension", thresholds_figure(scan.table(), scan.series))


if __name__ == "__main__":
    print(*main(checks.output_folder(*sys.argv[1:] or ["results/tutorials"])), sep="\n")
