"""The store: what is put is found again bit for bit, by the same code, or it is not there at all."""

import io
import json
import sqlite3
import threading
from hashlib import sha256
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from percolation import files
from percolation.runs import database
from percolation.runs.store import Store, package_code
from percolation.runs.tasks import Outcome, Task, canonical

TASK = Task("module.function", {"L": 16, "p": 0.5}, [1, 7])


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "runs.db", code="one") as opened:
        yield opened


def same(one, other):
    """Bit for bit, types and names included."""
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert type(value) is type(other[name])
        if isinstance(value, np.ndarray):
            assert value.dtype == other[name].dtype
            assert value.shape == other[name].shape
            assert value.tobytes() == other[name].tobytes()
        else:
            assert repr(value) == repr(other[name])


RESULT = {
    "x": 0.1 + 0.2,
    "zero": -0.0,
    "inf": float("inf"),
    "nan": float("nan"),
    "n": 2**70,
    "yes": True,
    "none": None,
    "text": "ξ \"quoted\" {'float': 1}",
    "v": np.arange(6.0).reshape(2, 3)[:, ::-1],
    "i": np.array([[1]], dtype=np.int16),
    "empty": np.zeros((0, 3), dtype=">f4"),
    "c": np.array([1 + 2j]),
    "words": np.array(["a", "bc"]),
}


def test_a_result_comes_back_with_the_same_bits(store):
    assert store.get(TASK) is None
    store.put(TASK, RESULT)
    same(store.get(TASK), RESULT)


def test_it_is_on_the_disk(store):
    store.put(TASK, RESULT)
    with Store(store.path, code="one") as again:
        same(again.get(TASK), RESULT)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ARRAYS = npst.arrays(npst.scalar_dtypes(), npst.array_shapes(max_dims=3, max_side=3))


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(), SCALARS | ARRAYS, max_size=4))
def test_any_result_comes_back(tmp_path_factory, result):
    with Store(tmp_path_factory.mktemp("store") / "runs.db", code="one") as opened:
        opened.put(TASK, result)
        same(opened.get(TASK), result)


def test_numbers_of_numpy_stay_what_they_are(store):
    store.put(TASK, {"x": np.float64(0.1), "n": np.int64(3), "yes": np.bool_(True), "zero_d": np.array(2.5)})
    found = store.get(TASK)
    assert {name: (type(one), one.item()) for name, one in found.items()} == {
        "x": (np.float64, 0.1),
        "n": (np.int64, 3),
        "yes": (np.bool_, True),
        "zero_d": (np.ndarray, 2.5),
    }


def test_the_key_is_the_hash_of_the_canonical_json():
    text = '{"function":"module.function","parameters":{"L":16,"p":0.5},"seed":[1,7]}'
    assert TASK.key == sha256(text.encode()).hexdigest()
    assert Task("module.function", {"p": 0.5, "L": np.int64(16)}, (1, 7)).key == TASK.key
    others = [
        Task("module.function", {"L": 16.0, "p": 0.5}, [1, 7]),
        Task("module.function", {"L": 16, "p": 0.5}, [1, 8]),
        Task("module.other", {"L": 16, "p": 0.5}, [1, 7]),
        Task("module.function", {"L": 16, "p": np.nextafter(0.5, 1)}, [1, 7]),
    ]
    assert len({TASK.key, *(one.key for one in others)}) == 5


FINITE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(FINITE, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(), one, max_size=3))


@given(JSON)
def test_canonical_json_says_all(value):
    assert repr(json.loads(canonical(value))) == repr(json.loads(json.dumps(value, sort_keys=True)))


def test_the_same_result_once_more_changes_nothing_another_is_an_error(store):
    store.put(TASK, {"x": 1.0, "v": np.arange(3)})
    store.put(TASK, {"x": 1.0, "v": np.arange(3)})
    for other in ({"x": 1.5, "v": np.arange(3)}, {"x": 1.0, "v": np.arange(3.0)}, {"x": 1.0}):
        with pytest.raises(ValueError, match="the store holds another result of module.function"):
            store.put(TASK, other)
    same(store.get(TASK), {"x": 1.0, "v": np.arange(3)})


def test_many_are_put_whole_or_not_at_all(store):
    tasks = [Task("f", {}, k) for k in range(4)]
    with pytest.raises(ValueError, match="cannot keep builtins.function"):
        store.write([*(Outcome(task, {"x": 1}) for task in tasks[:3]), Outcome(tasks[3], {"bad": test_settings})])
    assert store.find(tasks) == {}
    store.write(Outcome(task, {"x": 1}) for task in tasks)
    assert {key: one.value for key, one in store.find(tasks).items()} == {task.key: {"x": 1} for task in tasks}


def test_results_come_in_the_order_of_the_keys_whatever_the_order_of_arrival(tmp_path):
    results = [Outcome(Task("f", {"L": k % 3}, k), {"x": k / 7, "v": np.full(2, k)}) for k in range(1200)]
    seen = []
    for name, order in (("a", results), ("b", results[::-1])):
        with Store(tmp_path / name, code="one") as opened:
            opened.write(order, experiment="e")
            opened.put(Task("f", {}, 0), {"x": 0}, experiment="other")
            seen.append([(one.task, one.value["x"], one.value["v"].tolist()) for one in opened.outcomes("e")])
    assert seen[0] == seen[1]
    assert [task.key for task, *_ in seen[0]] == sorted(one.task.key for one in results)


def test_results_of_another_code_are_kept_apart_and_counted(store):
    store.put(TASK, {"x": 1.0}, experiment="e")
    newer = store.with_code("two")
    assert newer.get(TASK) is None
    assert list(newer.outcomes("e")) == []
    assert newer.other_codes("e") == {"one": 1}
    newer.put(TASK, {"x": 2.0}, experiment="e")
    assert (store.get(TASK), newer.get(TASK)) == ({"x": 1.0}, {"x": 2.0})


def test_provenance_stands_once_and_says_what_made_the_results(store):
    store.write(Outcome(Task("f", {}, k), {"x": k}) for k in range(5))
    assert store.database.rows("SELECT name FROM codes") == [("one",)]
    ((record,),) = store.database.rows("SELECT record FROM machines")
    record = json.loads(record)
    assert record["versions"]["numpy"] == np.__version__
    assert {"git_commit", "machine"} < record.keys()


def test_the_code_is_that_of_the_version_and_the_sources(tmp_path, monkeypatch):
    package = tmp_path / "sources_of_a_test"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(files, "packages", lambda: {package.name})
    before = package_code.__wrapped__()
    assert before.startswith(f"{files.version()} ")
    (package / "notes.md").write_text("a document")
    assert package_code.__wrapped__() == before
    (package / "__init__.py").write_text("X = 1")
    assert package_code.__wrapped__() != before


def test_times_are_kept(store):
    store.write([Outcome(TASK, {"x": 1}, wall=2.5, cpu=1.25)])
    assert (store.find([TASK])[TASK.key].wall, store.find([TASK])[TASK.key].cpu) == (2.5, 1.25)


def test_a_failure_is_kept_until_there_is_a_result(store):
    failure = Outcome(TASK, None, "raised", "KeyError: 'x'", "Traceback ...", 0.5)
    store.write([failure], experiment="e")
    assert list(store.outcomes("e")) == [failure]
    assert store.find([TASK]) == {TASK.key: failure}
    assert store.get(TASK) is None
    assert "module.function(L=16, p=0.5; seed 1, realisation 7) raised: KeyError" in str(failure)
    store.write([Outcome(TASK, None, "hung", "no")], experiment="e")
    assert [one.kind for one in store.outcomes()] == ["hung"], "a later failure takes the place of an earlier one"
    store.put(TASK, {"x": 1}, experiment="e")
    assert [one.value for one in store.outcomes()] == [{"x": 1}]
    store.write([failure], experiment="e")
    assert [one.kind for one in store.outcomes()] == [""], "a failure took the place of a result"


def test_threads_may_write_together(store):
    def write(part):
        for k in range(20):
            store.put(Task("f", {"part": part}, k), {"x": k})

    threads = [threading.Thread(target=write, args=(part,)) for part in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(list(store.outcomes())) == 80


def test_a_store_of_an_earlier_schema_is_left_as_it_is(tmp_path):
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as old:
        old.execute(f"PRAGMA application_id = {database.APPLICATION}")
        old.execute("PRAGMA user_version = 2")
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(ValueError, match="schema version 2, this package reads version 3: export it with"):
            Store(path, read_only=read_only)
    assert path.read_bytes() == before


def test_settings(store):
    assert store.database.rows("PRAGMA journal_mode") == [("wal",)]
    assert store.database.rows("PRAGMA foreign_keys") == [(1,)]
    assert store.database.rows("PRAGMA synchronous") == [(2,)], "a commit must outlive a power cut"
    with pytest.raises(ValueError, match="FOREIGN KEY"), store.database.transaction() as database:
        database.execute("INSERT INTO uses VALUES (1, 99)")


def text_file(path):
    path.write_text("L,p\n16,0.5\n" * 100)


def other_database(path):
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE mine (x)")
    other.commit()


def newer(path):
    Store(path).close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (text_file, "is no store of results: not an SQLite file"),
        (other_database, "is an SQLite file, but no store of results"),
        (newer, "has schema version 99, this package reads version 3: update the package"),
    ],
)
def test_what_is_no_store_is_left_as_it_is(tmp_path, make, message, read_only):
    path = tmp_path / "runs.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message):
        Store(path, read_only=read_only)
    assert path.read_bytes() == before


def test_places_where_no_store_can_be(tmp_path):
    with pytest.raises(OSError, match="cannot open .*is there such a folder"):
        Store(tmp_path / "absent" / "runs.db")
    with pytest.raises(OSError, match="cannot open|cannot read or write"):
        Store(tmp_path)
    with pytest.raises(OSError, match="there is no store"):
        Store(tmp_path / "absent.db", read_only=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: Task("", {}, 0), "a task needs the qualified name of its function, got ''"),
        (lambda s: Task("f", {}, -1), "seed must be at least 0, got -1"),
        (lambda s: Task("f", {}, [0.5]), "seed must be an integer, got 0.5"),
        (lambda s: Task("f", {"p": float("nan")}, 0).key, "not JSON compliant"),
        (lambda s: Task("f", {"g": len}, 0).key, "a parameter must be what JSON can say, got builtin_function"),
        (lambda s: s.put(TASK, {"x": {1, 2}}), r"cannot keep builtins\.set"),
        (lambda s: s.put(TASK, {"x": np.array([None])}), r"cannot keep numpy\.ndarray"),
        (lambda s: s.write([Outcome(TASK, None, "bad")]), "unknown kind of failure 'bad', expected one of raised"),
    ],
)
def test_bad_input(store, call, message):
    with pytest.raises(ValueError, match=message):
        call(store)
    assert list(store.outcomes()) == []


def test_a_store_opened_to_read_cannot_be_changed(store):
    store.put(TASK, {"x": 1})
    with Store(store.path, code="one", read_only=True) as reader:
        assert reader.get(TASK) == {"x": 1}
        with pytest.raises(OSError, match="was opened to read"):
            reader.put(TASK, {"x": 1})


@pytest.mark.parametrize("place", [8, -1])
def test_a_flipped_bit_is_noticed(store, place):
    """In the numbers, and in the array behind them."""
    store.put(TASK, {"x": 1.5, "v": np.arange(3)})
    value = bytearray(store.database.rows("SELECT value FROM outcomes")[0][0])
    value[place] ^= 1
    with store.database.transaction() as database:
        database.execute("UPDATE outcomes SET value = ?", (bytes(value),))
    with pytest.raises(ValueError, match="is damaged: its CRC differs"):
        store.get(TASK)


def test_no_code_of_the_file_is_run(store):
    """An array whose bytes are a pickle, with the right CRC, is refused."""
    buffer = io.BytesIO()
    np.save(buffer, np.array([print]), allow_pickle=True)
    store.put(TASK, {"v": np.arange(3)})
    value = store.database.rows("SELECT value FROM outcomes")[0][0].partition(b"\n")[0] + b"\n" + buffer.getvalue()
    with store.database.transaction() as database:
        database.execute("UPDATE outcomes SET value = ?, crc = ?", (value, crc32(value)))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        store.get(TASK)
