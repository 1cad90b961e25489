"""One look for all figures: one style file, in the package that all others stand on, and no settings beside it."""

import ast
from pathlib import Path

import matplotlib.pyplot as plt

from percolation.plotting import STYLE

ROOT = Path(__file__).parents[1]
PACKAGES = ("percolation", "empirical", "papers")
# a picture inside a page takes the colours of the page
BESIDE = {"percolation/report/figures.py"}


def test_there_is_one_style_and_it_is_found():
    found = [path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*.mplstyle")]
    assert found == ["percolation/house.mplstyle"]
    with plt.style.context(STYLE):
        assert plt.rcParams["axes.prop_cycle"].by_key()["color"][0] == "#0072B2"
        assert plt.rcParams["pdf.fonttype"] == 42  # fonts embedded as such


def test_nothing_sets_the_look_beside_it():
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            beside = path.relative_to(ROOT).as_posix() in BESIDE
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and not beside:
                    assert node.attr not in ("rcParams", "rc_context", "rcdefaults"), path
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("style.context"):
                    assert [ast.unparse(one) for one in node.args] == ["STYLE"], path
