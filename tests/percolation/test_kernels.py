"""How kernels are compiled: never from a stale cache, and with the same bits without numba's private names."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numba
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PACKAGES = ("percolation", "empirical", "papers", "benchmarks")
PRIVATE = re.compile(r"numba\.core|_nrt\b|_wrapper\b|numba\.np|\._cache\b")
# 50 bonds: fewer than the steps between two looks whether all axes are seen, after which another kernel would go on
SWEEP = """
from percolation import lattices, sweeps
sweep = sweeps.bond_sweep(
    lattices.square.torus(5),
    n_realisations=3,
    seed=3,
    observables=("largest", "second_moment", "wrapping"),
    progress=False,
)
print(sweep.largest.tobytes().hex(), sweep.second_moment.tobytes().hex(), sweep.wrapping.tobytes().hex())
"""
# a kernel that is compiled quickly, of functions of another file and with a class in the key of the cache
SMALL_KERNEL = """
from typing import NamedTuple

import numpy as np

from percolation._kernels.compiling import kernel
from percolation._kernels.union_find import find_lowest, unite_lowest


class Workspace(NamedTuple):
    parent: np.ndarray


@kernel
def are_joined(workspace):
    unite_lowest(workspace.parent, 0, 1)
    return find_lowest(workspace.parent, 1) == 0


def answer():
    return are_joined(Workspace(np.arange(2)))
"""
ANSWER = "from percolation._kernels import small; print(small.answer())"


def printed(program: str, folder: Path = ROOT, **variables: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder), **variables}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_private_names_the_bits_are_the_same(capsys):
    exec(SWEEP)
    assert printed(SWEEP, PERCOLATION_PUBLIC_NUMBA="1") == capsys.readouterr().out != ""


def test_private_names_are_in_one_file():
    naming = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if PRIVATE.search(path.read_text())
    ]
    assert naming == ["percolation/_kernels/numba_private.py"]


def test_numba_is_bounded_by_what_was_tried():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (bounds,) = [one.specifier for one in map(Requirement, project["dependencies"]) if one.name == "numba"]
    assert any(bound.operator == "<" for bound in bounds)
    assert numba.__version__ in bounds


def test_an_edit_of_another_file_is_seen_by_a_cached_kernel(tmp_path):
    """A class in the cache's key has another name then, too; what was kept cannot be read any more."""
    shutil.copytree(ROOT / "percolation", tmp_path / "percolation", ignore=shutil.ignore_patterns("__pycache__"))
    kernels, cache = tmp_path / "percolation/_kernels", tmp_path / "numba"
    (kernels / "small.py").write_text(SMALL_KERNEL)
    assert printed(ANSWER, tmp_path, NUMBA_CACHE_DIR=str(cache)) == "True\n"
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*.nbc")}
    assert kept
    assert printed(ANSWER, tmp_path, NUMBA_CACHE_DIR=str(cache)) == "True\n"
    assert kept == {path: path.stat().st_mtime_ns for path in cache.rglob("*.nbc")}  # nothing was compiled anew
    edit(kernels / "union_find.py", "min(i, j), max(i, j)", "i, i")  # nothing is united
    assert printed(ANSWER, tmp_path, NUMBA_CACHE_DIR=str(cache)) == "False\n"
    edit(kernels / "small.py", "Workspace", "Scratch")
    assert printed(ANSWER, tmp_path, NUMBA_CACHE_DIR=str(cache)) == "False\n"


def edit(path: Path, old: str, new: str) -> None:
    source = path.read_text()
    assert old in source
    path.write_text(source.replace(old, new))
