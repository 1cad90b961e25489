"""Long commands: killed and begun again, with other workers, counted beforehand; the same bytes in every case."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from percolation import cli

COMMAND = ("threshold", "--dim", "4,6", "--method", "invasion", "--runs", "48", "--sites", "8192", "--seed", "3")
PERCOLATION = (sys.executable, "-c", "from percolation.cli import main; main()")


def finished(path):
    """When each result was finished, by task."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        return dict(database.execute("SELECT id, finished FROM outcomes"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The table of a run that nothing disturbed, on one worker."""
    out = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as exit_:
        patch.setattr(sys, "argv", ["percolation", *COMMAND, "--workers", "1", "--out", str(out)])
        cli.main()
    assert not exit_.value.code
    return (out / "table.csv").read_bytes()


def test_killed_and_begun_again(percolation, tmp_path, whole):
    """SIGKILL as soon as something is stored; nothing of it is run again, and the table has the same bytes."""
    store = tmp_path / "finished.sqlite"
    run = subprocess.Popen(
        [*PERCOLATION, *COMMAND, "--workers", "1", "--out", tmp_path],
        stdout=subprocess.PIPE,
        env=dict(os.environ),
    )
    until = time.monotonic() + 120
    while not (store.exists() and _count(store)) and run.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    before = finished(store)
    assert before
    code, _, _ = percolation(*COMMAND, "--workers", 2, "--out", tmp_path)
    assert code == 0 and (tmp_path / "table.csv").read_bytes() == whole
    after = finished(store)
    assert len(after) == 96 and all(after[task] == when for task, when in before.items())
    assert percolation("runs", "verify", store)[0] == 0


def _count(path):
    try:
        return len(finished(path))
    except sqlite3.Error:  # the tables are not there yet
        return 0


def test_a_store_that_is_named_serves_other_folders(percolation, tmp_path, whole):
    store = tmp_path / "mine.db"
    for out in ("one", "two"):
        assert percolation(*COMMAND, "--store", store, "--out", tmp_path / out)[0] == 0
        assert (tmp_path / out / "table.csv").read_bytes() == whole
        assert not (tmp_path / out / "finished.sqlite").exists()
        seen = finished(store)
    assert len(seen) == 96 and seen == finished(store)


def test_more_runs_use_those_that_are_there(percolation, tmp_path):
    few = [*COMMAND[:-4], "--sites", "8192", "--seed", "3"]
    few[few.index("48")] = "16"
    assert percolation(*few, "--out", tmp_path)[0] == 0
    before = finished(tmp_path / "finished.sqlite")
    assert percolation(*COMMAND, "--out", tmp_path)[0] == 0
    after = finished(tmp_path / "finished.sqlite")
    assert len(before) == 32 and len(after) == 96 and all(after[task] == when for task, when in before.items())


def test_no_resume_computes_anew_and_finds_the_same(percolation, tmp_path, whole):
    for _ in range(2):
        assert percolation(*COMMAND, "--no-resume", "--out", tmp_path)[0] == 0
        assert (tmp_path / "table.csv").read_bytes() == whole
    assert len(finished(tmp_path / "finished.sqlite")) == 96


def test_a_dry_run_writes_nothing(percolation, tmp_path):
    out = tmp_path / "out"
    code, output, _ = percolation(*COMMAND, "--dry-run", "--out", out)
    assert code == 0 and "d = 4 site" in output and "in all" in output and "96" in output
    assert not list(tmp_path.iterdir())
    percolation(*COMMAND, "--out", out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    code, output, _ = percolation(*COMMAND, "--dry-run", "--out", out)
    assert code == 0 and "nothing is left to compute" in output
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_nothing_of_sqlite_stays_behind(percolation, tmp_path):
    """Neither after a run, nor after a look at its store, nor where a killed run left it."""
    few = ["16" if one == "48" else one for one in COMMAND]
    assert percolation(*few, "--out", tmp_path)[0] == 0
    kept = {path.name for path in tmp_path.iterdir()}
    assert "finished.sqlite" in kept and not [name for name in kept if name.startswith("finished.sqlite-")]
    for words in (("list",), ("show",), ("verify",)):
        assert percolation("runs", *words, tmp_path / "finished.sqlite")[0] == 0
        assert {path.name for path in tmp_path.iterdir()} == kept
    (tmp_path / "finished.sqlite-driver").touch()
    assert percolation(*few, "--out", tmp_path)[0] == 0
    assert {path.name for path in tmp_path.iterdir()} == kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--store {folder}", "--store names a file, got the folder"),
        ("--store {text}", "is no store of results"),
        ("--dry-run --no-resume", "leave one of them out"),
        ("--scheduler tcp://127.0.0.1:1 --local-cluster 2", "leave one of them out"),
        ("--local-cluster 0", "local-cluster must be at least 1, got 0"),
    ],
)
def test_bad_input(percolation, tmp_path, options, message):
    (tmp_path / "text.db").write_text("no store, but a text that is long enough to be looked at" * 9)
    given = options.format(folder=tmp_path, text=tmp_path / "text.db").split()
    code, _, error = percolation(*COMMAND, *given, "--out", tmp_path / "out")
    assert code == 2 and message in error and error.count("\n") == 1
    assert not (tmp_path / "out" / "table.csv").exists()


def test_on_a_cluster_the_bytes_are_the_same(percolation, tmp_path, whole):
    pytest.importorskip("distributed", reason="needs the extra cluster")
    assert percolation(*COMMAND, "--local-cluster", 2, "--out", tmp_path)[0] == 0
    assert (tmp_path / "table.csv").read_bytes() == whole
