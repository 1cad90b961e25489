import json
import stat
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from percolation import checks, files


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), files.appearing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with files.appearing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600


KILLED = """
import os, signal, sys
from pathlib import Path
from percolation import files
with files.appearing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_kill_left_is_removed_by_the_next_run(tmp_path):
    path = tmp_path / "table.csv"
    subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".table-") and left.read_text() == "half"
    elsewhere = tmp_path / ".table-00000000-1-x.csv"  # of another machine in a shared folder
    elsewhere.write_text("")
    with files.appearing(path), files.appearing(path):  # one that still writes is left alone
        assert len(list(tmp_path.iterdir())) == 3
    assert set(tmp_path.iterdir()) == {path, elsewhere}


KILLED_RUN = """
import os, signal, sys
from pathlib import Path
import pandas as pd
from percolation import files
table = pd.DataFrame({"x": [1]})
killed = {"figure.pdf": lambda path: os.kill(os.getpid(), signal.SIGKILL)}
files.write_run(Path(sys.argv[1]), table, {"run": 1}, **killed)
"""


def test_what_a_kill_left_of_a_whole_run_is_removed_by_the_next(tmp_path):
    """Killed after run.json and table.csv were written and before they appeared."""
    subprocess.run([sys.executable, "-c", KILLED_RUN, tmp_path], check=False)
    left = {path.name.partition("-")[0] for path in tmp_path.iterdir()}
    assert {".run", ".table"} <= left and "run.json" not in left
    files.write_run(tmp_path, pd.DataFrame({"x": [1]}), {"run": 2}, **{"figure.pdf": lambda path: path.write_text("")})
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "table.csv", "figure.pdf"}


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_tables_read_back_to_the_same_bits(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("table") / "table.csv"
    files.write_together(path.parent, {path.name: files.csv(pd.DataFrame({"x": values}))})
    assert [float(line) for line in path.read_text().split()[1:]] == values


def test_run_json_says_how_the_result_was_made(tmp_path):
    record = files.provenance({"dims": np.arange(3), "level": np.float64(0.1)}, seed=7)
    run, table = files.write_run(tmp_path, pd.DataFrame({"x": [1]}), record)
    read = json.loads(run.read_text())
    assert read["parameters"] == {"dims": [0, 1, 2], "level": 0.1} and read["seed"] == 7
    assert {"highdim-percolation", "python", "numpy", "torch"} <= set(read["versions"])
    assert {"git_commit", "machine", "finished", "command"} <= set(read)
    assert table.read_text() == "x\n1\n"


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OSError, match="cannot make the output folder .*choose another with --out"):
        checks.output_folder(tmp_path / "out")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: checks.integer("d", True, at_least=1), "d must be an integer, got True"),
        (lambda: checks.integer("d", 0, at_least=1), "d must be at least 1, got 0"),
        (lambda: checks.probabilities([0.2, 1.5]), r"p must lie in \[0, 1\], got 1.5 at index \(1,\)"),
        (lambda: checks.probabilities(float("nan")), r"p must lie in \[0, 1\], got nan"),
        (lambda: checks.one_of("kind", "zzz", ["site"]), "unknown kind 'zzz', expected one of site$"),
        (lambda: checks.positive("x", float("inf")), "x must be a finite number above 0, got inf"),
    ],
)
def test_checks(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_files_of_a_run_appear_together_or_not_at_all(tmp_path):
    files.write_run(tmp_path, pd.DataFrame({"x": [1]}), {"run": 1})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fails(path):
        path.write_text("half")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        files.write_run(tmp_path, pd.DataFrame({"x": [2]}), {"run": 2}, **{"figure.pdf": fails})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_seeds():
    assert checks.seed(2**63 - 1) == 2**63 - 1
    for bad in (-1, 2**63, 1.0):
        with pytest.raises(ValueError, match="seed must be"):
            checks.seed(bad)
