"""`percolation runs` and `percolation report` as a user types them."""

import sqlite3

import pytest

from percolation.runs.store import Store
from percolation.runs.tasks import Outcome, Task


def filled(path, numbers, experiment="e"):
    with Store(path, code="one") as store:
        tasks = [Outcome(Task("module.f", {"L": 8 * (1 + k % 2)}, (0, k)), {"x": k / 7}) for k in numbers]
        store.write(tasks, experiment=experiment)
    return path


@pytest.fixture
def store(tmp_path):
    return filled(tmp_path / "runs.db", range(6))


def test_list_and_show(percolation, store):
    code, out, _ = percolation("runs", "list", store)
    assert code == 0 and "one" in out and " 6 " in out
    code, out, _ = percolation("runs", "show", store)
    assert code == 0 and "x_error" in out and "16" in out


def test_export(percolation, store, tmp_path):
    assert percolation("runs", "export", store, tmp_path / "all.csv")[0] == 0
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 1 + 6


def test_verify(percolation, store):
    code, out, _ = percolation("runs", "verify", store)
    assert code == 0 and "sound" in out


def test_merge(percolation, store, tmp_path):
    other = filled(tmp_path / "other.db", range(4, 9))
    code, out, _ = percolation("runs", "merge", store, other)
    assert code == 0 and "3 added, 2 there already" in out


def test_another_result_of_the_same_task_is_said(percolation, store, tmp_path):
    with Store(tmp_path / "other.db", code="one") as other:
        other.put(Task("module.f", {"L": 8}, [0, 0]), {"x": 0.5}, experiment="e")
    code, out, _ = percolation("runs", "merge", store, tmp_path / "other.db")
    assert code == 1 and "has another result in" in out


def test_damage_is_found(percolation, store):
    """A digit of a result is changed behind its checksum."""
    with sqlite3.connect(store) as database:
        changed = "replace(CAST(value AS TEXT), '0.142', '0.143')"
        database.execute(f"UPDATE outcomes SET value = CAST({changed} AS BLOB)")
    code, out, _ = percolation("runs", "verify", store)
    assert code == 1 and "1 findings" in out


def test_gc(percolation, store):
    assert percolation("runs", "gc", store, "--experiment", "e", "--dry-run")[0] == 0
    assert " 6 " in percolation("runs", "list", store)[1]
    assert percolation("runs", "gc", store, "--experiment", "e")[0] == 0
    assert " 6 " not in percolation("runs", "list", store)[1]


def test_report(percolation, store, tmp_path):
    assert percolation("report", store, "-o", tmp_path / "report.html")[0] == 0
    assert "<svg" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runs", "show", "STORE", "--experiment", "f"], "no results of experiment 'f'"),
        (["report", "STORE", "--experiment", "f"], "no results of experiment 'f'"),
        (["runs", "list", "missing.db"], "missing.db"),
        (["runs", "gc", "missing.db"], "there is no store missing.db"),
        (["report", "missing.db"], "missing.db"),
    ],
)
def test_bad_input(percolation, store, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    code, _, error = percolation(*(store if word == "STORE" else word for word in words))
    assert code == 2 and message in " ".join(error.split()) and "Traceback" not in error
    assert sorted(one.name for one in tmp_path.iterdir() if "-" not in one.name) == ["runs.db"]
