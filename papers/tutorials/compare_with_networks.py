"""Job 2: theory beside measured connectivity. Are the low-loss inputs of a random network one connected set?

python -m papers.tutorials.compare_with_networks [FOLDER]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt

from empirical.ends.subject import Subject
from empirical.experiments.compare.figure import plot_path
from empirical.experiments.connect.measure import measure_subject
from papers.figure import COLUMN, house
from percolation import checks
from percolation.plotting import save


def main(folder: Path) -> list[Path]:
    """Print what two theories and the path finder say of the same pairs; draw one path; the files drawn."""
    # eight pairs of inputs of one class, made from noise by descent, of a random network of 100 inputs
    subject = Subject("mlp", "none", "untrained", "class-optimal", pairs=8, dimension=100)
    measured = measure_subject(subject, seed=1)
    row = measured.row
    print(
        f"open cells on slices through the pairs: p = {row['occupation']:.3f}; iid percolation: p_c = {row['p_c']:.4f}"
    )
    print(f"so iid percolation says {'connected' if row['iid_connected'] else 'not connected'}")
    print(f"the path finder connects {row['connected']:.0%}, in {row['rounds']:.1f} rounds on the average")
    print(f"its theory asks for {row['predicted_rounds']:.1f} rounds; verdict on iid percolation: {row['verdict']}")

    # the loss along the path that took most rounds, before and after each of them
    with house():
        figure, ax = plt.subplots(figsize=(COLUMN, 2.4))
        plot_path(measured.example, 1e-3, ax)
        ax.legend(ncols=2, loc="lower center")
    return save(folder, "compare_with_networks", figure)


if __name__ == "__main__":
    print(*main(checks.output_folder(*sys.argv[1:] or ["results/tutorials"])), sep="\n")
