"""Job 3: figures of a paper. Data once, drawn as often as wanted; captions and quoted numbers come from the data.

python -m papers.tutorials.make_a_figure [FOLDER]
"""

import sys
from dataclasses import replace
from pathlib import Path

from papers import making
from papers.dimension_scaling import thresholds
from percolation import checks


def main(folder: Path) -> list[Path]:
    """Compute a small form of a figure, print what a paper would quote, draw it; the files drawn."""
    # a figure is a module: configurations, compute, draw, caption, macros, finding
    config = replace(thresholds.QUICK, d_max=6, n_runs=8, n_sites=2**11)
    data = thresholds.compute(config, folder, seed=1)
    print(f"data: {data.name}; how they were made: {data.with_suffix('.json').name}")
    print(f"finding: {thresholds.finding(data)}")
    for name, value in list(thresholds.macros(data).items())[:3]:
        print(rf"macro: \{name} = {value}")

    # drawing computes nothing and gives the same bytes every time
    drawn, width = making.draw(thresholds.NAME, data, ["pdf", "png"])
    print(f"a figure of {width:g} inches, its caption in {data.stem}.txt")
    return drawn


if __name__ == "__main__":
    print(*main(checks.output_folder(*sys.argv[1:] or ["results/tutorials"])), sep="\n")
