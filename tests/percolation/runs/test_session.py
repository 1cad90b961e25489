"""Sessions: lists of tasks that are looked up, kept, sent elsewhere, or only counted; and the coding of results."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from percolation import runs
from percolation.quantities import Estimate
from percolation.runs import coding, executors
from percolation.runs.ensemble import from_store
from percolation.runs.store import Store
from percolation.runs.tasks import namer

CALLS: list[object] = []


def square(x, offset=0.0):
    CALLS.append(x)
    return {"value": x * x + offset}


def draw(seed, n):
    CALLS.append(seed)
    return np.random.default_rng(seed).normal(size=n)


@dataclass(frozen=True)
class Owner:
    factor: float

    def times(self, x):
        CALLS.append(x)
        return self.factor * x


def kept(store):
    """Results of the tasks of this file, which is part of their code."""
    return [one.value for one in store.of(square).outcomes("test")]


@pytest.fixture(autouse=True)
def _no_calls():
    CALLS.clear()


def run(store, task, items, **how):
    with runs.session(store=store, experiment="test", **how) as made:
        return runs.run(task, items, progress=False), made


@pytest.mark.parametrize(
    ("task", "items"),
    [
        (square, [1, 2, 3]),
        (partial(square, offset=0.5), [1, 2.0, np.float64(3)]),
        (Owner(0.1).times, [1, 2, 3]),
        (partial(draw, n=3), runs.seeds(5, 3)),
    ],
)
def test_what_is_kept_is_not_run_again_and_has_the_same_bits(task, items, tmp_path):
    plain = runs.run(task, items, progress=False)
    with Store(tmp_path / "s.db") as store:
        first, _ = run(store, task, items[:2])
        assert len(CALLS) == 3 + 2
        again, _ = run(store, task, items)
        assert len(CALLS) == 3 + 2 + 1  # the third alone
        anew, _ = run(store, task, items, resume=False)
        assert len(CALLS) == 3 + 2 + 1 + 3
    for found in (first + again[2:], again, anew):
        assert coding.encode(found) == coding.encode(plain)


def test_other_arguments_are_other_tasks(tmp_path):
    with Store(tmp_path / "s.db") as store:
        run(store, partial(square, offset=1.0), [1])
        for task in (square, partial(square, offset=1.5), Owner(1.0).times, Owner(2.0).times):
            before = len(CALLS)
            run(store, task, [1])
            assert len(CALLS) == before + 1
        assert run(store, partial(draw, n=2), runs.seeds(1, 1))[0][0].shape == (2,)
        assert not np.array_equal(*(run(store, partial(draw, n=2), runs.seeds(i, 1))[0][0] for i in (1, 2)))


def test_realisations_of_a_seed_are_one_case_of_the_store(tmp_path):
    with Store(tmp_path / "s.db") as store:
        found, _ = run(store, partial(draw, n=2), runs.seeds(1, 8))
        (case,) = from_store(store.of(square), "test").cases
    assert case.n == 8
    np.testing.assert_allclose(case.moments["value"].mean, np.mean(found, axis=0), rtol=1e-12)


def test_a_task_without_a_name_is_run_and_not_kept(tmp_path):
    with Store(tmp_path / "s.db") as store:
        for _ in range(2):
            assert run(store, lambda x: square(x)["value"], [3])[0] == [9]
        assert len(CALLS) == 2 and not kept(store)


def test_what_a_task_runs_in_turn_is_its_own(tmp_path):
    with Store(tmp_path / "s.db") as store:
        run(store, nested, [2, 3])
        assert len(kept(store)) == 2


def nested(n):
    return sum(one["value"] for one in runs.run(square, range(n), progress=False))


def test_what_came_before_an_error_is_kept(tmp_path):
    with Store(tmp_path / "s.db") as store:
        with pytest.raises(ZeroDivisionError):
            run(store, reciprocal, [4.0, 2.0, 0.0, 1.0])
        assert sorted(value for value in kept(store) if value is not None) == [0.25, 0.5]


def reciprocal(x):
    return 1 / x


@pytest.mark.parametrize("make", [lambda: executors.threads(2), lambda: executors.processes(2)])
def test_sent_to_an_executor(make, tmp_path):
    with Store(tmp_path / "s.db") as store, make() as executor:
        found, _ = run(store, partial(draw, n=3), runs.seeds(5, 4), executor=executor)
        assert len(kept(store)) == 4
    assert coding.encode(found) == coding.encode([draw(seed, 3) for seed in runs.seeds(5, 4)])


def test_a_dry_run_counts_and_times_one_task(tmp_path):
    with Store(tmp_path / "s.db") as store:
        run(store, square, [1, 2])
        CALLS.clear()
        with (
            pytest.raises(runs.Planned),
            runs.session(store=store, experiment="test", dry_run=True) as made,
        ):
            runs.independent(
                lambda: runs.run(square, [1, 2, 3, 4], cost=float, label="one", progress=False),
                lambda: runs.run(square, [1, 2], label="two", progress=False),
                lambda: runs.run(square, [5], label="three", progress=False),
            )
        assert [(step.label, step.tasks, step.finished) for step in made.plan] == [("one", 4, 2), ("three", 1, 0)]
        assert set(CALLS) == {3, 5}  # the cheapest of the missing
        assert len(kept(store)) == 2


def test_nothing_is_left_in_a_dry_run(tmp_path):
    with Store(tmp_path / "s.db") as store:
        run(store, square, [1, 2])
        found, made = run(store, square, [1, 2], dry_run=True)
    assert found == [{"value": 1}, {"value": 4}] and made.plan == []


def test_pilots_of_a_dry_run_are_computed():
    with runs.session(dry_run=True) as made, runs.pilots():
        assert runs.run(square, [3], progress=False) == [{"value": 9}]
    assert made.plan == []


def test_seeds_name_tasks_by_their_own_place():
    tasks = [namer(partial(draw, n=2))(seed) for seed in runs.seeds(7, 3)]
    assert [task.seed for task in tasks] == [(7, 0), (7, 1), (7, 2)]
    assert {task.parameters["n"] for task in tasks} == {2} and "seed" not in tasks[0].parameters


VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: (
        some.lists(inner) | some.dictionaries(some.text() | some.integers(), inner) | some.tuples(inner, inner)
    ),
    max_leaves=8,
)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(VALUES)
def test_coding_returns_what_it_was_given(value):
    data = coding.encode(value)
    again = coding.decode(data)
    assert coding.encode(again) == data and repr(again) == repr(value)


def test_coding_of_arrays_tables_and_dataclasses():
    table = pd.DataFrame({"x": [1.5, np.nan], "n": [1, 2], "what": ["a", None]})
    value = {
        "e": Estimate(0.1, float("nan"), "m"),
        "a": np.arange(6.0).reshape(2, 3)[:, ::2],
        "t": table,
        "s": np.int32(3),
    }
    again = coding.decode(coding.encode(value))
    assert repr(again["e"]) == repr(value["e"]) and type(again["s"]) is np.int32
    np.testing.assert_array_equal(again["a"], value["a"])
    pd.testing.assert_frame_equal(again["t"], table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"$":"made","class":"os:system","items":["true"]}', "no class of this package"),
        ('{"$":"made","class":"percolation.files:git_commit","items":[]}', "no dataclass of this package"),
        ('{"$":"made","class":"percolation.quantities:Estimate","fields":{"value":1}}', "has the fields"),
    ],
)
def test_text_that_names_strangers_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        coding.decode(text.encode())


def test_what_cannot_be_kept_is_named():
    with pytest.raises(ValueError, match=r"cannot keep builtins\.object"):
        coding.encode([object()])
