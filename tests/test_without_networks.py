"""The package without its extra `networks`: lattices work, and what needs torch says so in one line."""

import subprocess
import sys

import pytest

ABSENT = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        absent = name.partition(".")[0] in {absent}
        return None if absent else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""
COMMAND = """
from percolation.cli import main
main()
"""
LINE = 'networks need torch, torchvision, mnist1d: pip install "highdim-percolation[networks]"'


def without(program, *arguments, absent=("torch", "torchvision", "mnist1d")):
    """Run a program in a process that has none of these packages."""
    command = [sys.executable, "-c", ABSENT.replace("{absent}", str(absent)) + program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def percolation(*arguments):
    done = without(COMMAND, *arguments)
    return done.returncode, done.stdout, done.stderr


def test_help_names_every_command():
    code, output, error = percolation("--help")
    assert (code, error) == (0, "")
    assert all(name in output for name in ("threshold", "theory", "figures", "compare"))
    assert "[networks]" in output  # of compare and its like


@pytest.mark.parametrize("arguments", ["compare --quick", "connect --network mlp --pairs 3", "detect nonsense --x"])
def test_a_command_on_networks_is_one_line_and_exit_code_2(arguments):
    assert percolation(*arguments.split()) == (2, "", f"percolation: {LINE}\n")


def test_lattices_and_theory_go_without(tmp_path):
    code, output, error = percolation("theory", "kagome")
    assert (code, error) == (0, "") and "0.652703644666" in output
    arguments = "threshold --dim 3 --method invasion --sites 1024 --runs 8 --workers 1 --out"
    code, output, error = percolation(*arguments.split(), tmp_path)
    assert (code, error) == (0, "") and (tmp_path / "table.csv").exists()


def test_figures_of_lattices_go_without(tmp_path):
    """They can be imported; those of networks end with the line."""
    program = "from papers.dimension_scaling import collapse, thresholds\n" + COMMAND
    done = without(program, "figures", "dimension_scaling/training", "--out", tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, f"percolation: {LINE}"), done.stderr


def test_an_import_is_one_line_too():
    """Of what is missing alone."""
    done = without("import empirical.finder.find", absent=("mnist1d",))
    assert done.stderr.splitlines()[-1] == (
        'ImportError: networks need mnist1d: pip install "highdim-percolation[networks]"'
    )
