"""Lists, exports, checks, merges and clean-ups of stores, and the commands that do them."""

import json
import sqlite3

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from percolation.cli_runs import app
from percolation.runs import tools
from percolation.runs.ensemble import from_store
from percolation.runs.store import Store
from percolation.runs.tasks import Outcome, Task
from percolation.runs.tools import export, gc, merge, verify


def task(k):
    return Task("module.f", {"L": 8 * (1 + k % 2), "kind": "site"}, [0, k])


def result(k):
    return {"x": k / 7, "v": np.full(2, k / 3)}


def filled(path, numbers, code="one", experiment="e"):
    with Store(path, code=code) as store:
        store.write((Outcome(task(k), result(k)) for k in numbers), experiment=experiment)
    return path


@pytest.fixture
def path(tmp_path):
    return filled(tmp_path / "runs.db", range(6))


@pytest.fixture
def store(path):
    with Store(path, code="one") as opened:
        yield opened


def contents(store, experiment="e"):
    return [(one.task.key, repr(one.value)) for one in store.outcomes(experiment) if not one.kind]


def test_list(store):
    store.write([Outcome(task(9), None, "raised", "no")], experiment="e")
    store.with_code("two").put(task(1), {"x": 1}, experiment="f")
    assert tools.experiments(store) == [("e", "one", 6, 1), ("f", "two", 1, 0)]
    assert [tools.latest_code(store, name) for name in "ef"] == ["one", "two"]
    with pytest.raises(ValueError, match="no results of experiment 'g' in .*; it holds 'e', 'f'"):
        tools.latest_code(store, "g")


def test_table(store):
    store.put(Task("module.g", {"L": 8, "x": 5}, 0), {"x": 1}, experiment="other")
    found = tools.table(store, experiment="e")
    assert sorted(found["x"]) == [k / 7 for k in range(6)] and set(found["key"]) == {task(k).key for k in range(6)}
    assert tools.table(store, experiment="other").loc[0, ["x", "result_x"]].tolist() == [5, 1]
    assert len(tools.table(store.with_code("two"), experiment="e")) == 0


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_export_keeps_every_bit(store, tmp_path, ending):
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
    assert export(store, tmp_path / f"all{ending}", experiment="e") == 6
    read = pd.read_csv if ending == ".csv" else pd.read_parquet
    options = {"converters": {"x": float}} if ending == ".csv" else {}
    table = read(tmp_path / f"all{ending}", **options)
    by_key = {task(k).key: k for k in range(6)}
    assert table["key"].tolist() == sorted(by_key)
    for row in table.to_dict("records"):
        k = by_key[row["key"]]
        assert (row["function"], row["L"], row["kind"], json.loads(row["seed"])) == (
            "module.f",
            8 + k % 2 * 8,
            "site",
            [0, k],
        )
        assert (row["x"], json.loads(row["v"]), row["code"]) == (k / 7, [k / 3, k / 3], "one")


def test_export_to_another_format(store, tmp_path):
    with pytest.raises(ValueError, match="expected a name that ends in .csv or .parquet"):
        export(store, tmp_path / "all.txt", experiment="e")
    assert not (tmp_path / "all.txt").exists()


def test_a_sound_store_has_no_findings(store):
    assert verify(store) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ("UPDATE outcomes SET value = x'7b7d0a' WHERE id = 2", "task number 2: the result of module.f"),
        ("UPDATE outcomes SET value = 5 WHERE id = 2", "task number 2: the result of module.f"),
        ("UPDATE outcomes SET value = zeroblob(100) WHERE id = 3", "its CRC differs"),
        ("UPDATE outcomes SET value = x'5b5d', crc = 223132457, kind = 'raised' WHERE id = 3", "task number 3"),
        ("UPDATE outcomes SET seed = '[0,99]' WHERE id = 4", "task number 4 has another key"),
        ("UPDATE outcomes SET seed = 'x' WHERE id = 4", "task number 4: "),
        ("DELETE FROM cases WHERE id = 1", "names a row of cases that is not there"),
    ],
)
def test_verify_finds_damage(path, change, finding):
    other = sqlite3.connect(path)  # foreign keys are off here
    other.execute(change)
    other.commit()
    other.close()
    with Store(path, read_only=True) as opened:
        assert any(finding in one for one in verify(opened))


def test_verify_finds_a_damaged_page(path):
    whole = bytearray(path.read_bytes())
    for page in range(4096, len(whole), 4096):
        whole[page : page + 8] = b"\xff" * 8
    path.write_bytes(whole)
    done = CliRunner().invoke(app, ["verify", str(path)])
    assert done.exit_code == 1 or isinstance(done.exception, ValueError), done.output


def test_merge_adds_what_is_missing(path, tmp_path):
    other = filled(tmp_path / "other.db", range(4, 9))
    filled(other, range(2), code="two", experiment="f")
    with Store(other) as opened:
        opened.with_code("one").write([Outcome(task(20), None, "raised", "no")], experiment="e")
    whole = filled(tmp_path / "whole.db", range(9))
    before = other.read_bytes()
    with Store(path, code="one") as one, Store(whole, code="one") as expected:
        done = merge(one, other)
        assert (done.added, done.already_there, done.different) == (5, 2, ())
        assert contents(one) == contents(expected)
        assert len(contents(one.with_code("two"), "f")) == 2
        assert [failure.task.seed for failure in one.outcomes() if failure.kind] == [(0, 20)]
        assert verify(one) == []
        assert merge(one, other).added == 0
    assert other.read_bytes() == before


@pytest.mark.parametrize("change", [{"x": 5.0}, {"v": np.zeros(2)}])
def test_merge_says_where_results_differ_and_keeps_ours(store, tmp_path, change):
    with Store(tmp_path / "other.db", code="one") as other:
        other.put(task(1), result(1) | change, experiment="e")
    before = contents(store)
    assert merge(store, tmp_path / "other.db").different == (task(1).key,)
    assert contents(store) == before


def test_merge_of_what_cannot_be_merged(store, tmp_path):
    (tmp_path / "text").write_text("nothing" * 100)
    with pytest.raises(ValueError, match="is no store of results"):
        merge(store, tmp_path / "text")
    with pytest.raises(ValueError, match="into itself"):
        merge(store, store.path)
    with pytest.raises(OSError, match="there is no store"):
        merge(store, tmp_path / "absent.db")


def test_gc_removes_what_is_named_and_nothing_else(store):
    store.write((Outcome(task(k), result(k)) for k in range(4, 9)), experiment="f")  # 4 and 5 belong to both
    store.with_code("two").put(task(1), {"x": 1.0}, experiment="e")
    keep = contents(store, "f")
    dry = gc(store, experiment="e", dry_run=True)
    assert len(contents(store)) == 6
    assert gc(store, experiment="e") == dry
    assert (dry["outcomes"], dry["experiments"]) == (5, 1)
    assert contents(store, "f") == keep
    assert verify(store) == []
    assert not any(gc(store).values())
    assert gc(store, code="one")["outcomes"] == 5
    with pytest.raises(ValueError, match="no code 'one'"):
        gc(store, code="one")


def test_gc_gives_space_back(path):
    with Store(path, code="one") as store:
        store.put(Task("f", {}, 0), {"v": np.zeros(10**5)}, experiment="big")
        gc(store, experiment="big")
    assert path.stat().st_size < 10**5


def test_an_ensemble_from_the_store(store):
    store.write([Outcome(task(9), None, "hung", "no")], experiment="e")
    found = from_store(store, "e")
    assert [case.parameters["L"] for case in found.cases] == [16, 8]
    assert [(case.n, dict(case.failed)) for case in found.cases] == [(3, {"hung": 1}), (3, {})]
    assert found.cases[1].mean("x") == pytest.approx(2 / 7, abs=1e-15)
    np.testing.assert_allclose(found.cases[1].mean("v"), [2 / 3, 2 / 3])


def run(*arguments):
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_commands(path, tmp_path):
    assert "e          one        6      0" in run("list", path)[1]
    shown = run("show", path)[1]
    assert "e, code one" in shown
    assert "numpy" in shown
    assert run("export", path, tmp_path / "all.csv") == (0, f"{tmp_path / 'all.csv'}\n")
    assert run("verify", path) == (0, f"{path}: sound\n")
    other = filled(tmp_path / "other.db", [7], experiment="f")
    assert run("merge", path, other) == (0, f"{other}: 1 added, 0 there already\n")
    with pytest.raises(ValueError, match="holds 2 experiments; name one with --experiment: e, f"):
        run("show", path)
    assert run("gc", path, "--experiment", "f")[0] == 0
    assert "f " not in run("list", path)[1]
    with pytest.raises(OSError, match="there is no store"):
        run("gc", tmp_path / "absent.db")
    assert not (tmp_path / "absent.db").exists()


def test_commands_tell_of_trouble_by_their_exit_code(path, tmp_path):
    with Store(tmp_path / "other.db", code="one") as other:
        other.put(task(1), {"x": 5.0}, experiment="e")
    code, said = run("merge", path, tmp_path / "other.db")
    assert code == 1
    assert f"task {task(1).key[:12]} has another result" in said
    with Store(path) as store, store.database.transaction() as database:
        database.execute("UPDATE outcomes SET crc = 0 WHERE id = 1")
    code, said = run("verify", path)
    assert code == 1
    assert "1 findings" in said
