"""Scans: the means are those of the realisations, whoever ran them, whenever, and however often they were stopped."""

import math
import random
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from percolation import seeds
from percolation.runs import executors
from percolation.runs.ensemble import from_store
from percolation.runs.moments import Moments
from percolation.runs.scan import run_until
from percolation.runs.store import Store
from percolation.runs.tasks import canonical
from tests.percolation.faults.tasks import deadly, mishap, noise, slow

GRID = [{"mu": 0.0}, {"mu": 1.0}]
calls: Counter[tuple[float, int]] = Counter()


def counted(mu, seed):
    calls[mu, seed.spawn_key[-1]] += 1
    return mu + np.random.default_rng(seed).normal()


def misnamed(mu, seed):
    return {"x": mu, "y": "text"}


def list_maker(mu, seed):
    return [mu]


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "runs.db", code="one") as opened:
        calls.clear()
        yield opened


def bits(found):
    return [(case.n, dict(case.failed), *(case.mean(n).hex() + case.error(n).hex() for n in case.moments if n != "v"))
            for case in found.cases]  # fmt: skip


def stream(function, parameters, k, seed=0):
    """The generator that realisation k gets, derived here once more."""
    return np.random.default_rng(seeds.child(seeds.of(f"{function} {canonical(parameters)}", seed), k))


def test_means_and_errors_are_those_of_the_realisations():
    found = run_until(noise, GRID, 100, seed=5)
    for parameters, case in zip(GRID, found.cases, strict=True):
        streams = [stream("tests.percolation.faults.tasks.noise", parameters, k, 5) for k in range(100)]
        x = np.array([parameters["mu"] + one.normal() for one in streams])
        v = np.array([one.random(3) for one in streams])
        assert case.n == 100
        assert case.mean("x") == pytest.approx(x.mean(), rel=1e-13)
        assert case.error("x") == pytest.approx(x.std(ddof=1) / 10, rel=1e-13)
        np.testing.assert_allclose(case.mean("v"), v.mean(axis=0), rtol=1e-13)
        np.testing.assert_allclose(case.error("v"), v.std(axis=0, ddof=1) / 10, rtol=1e-12)
    assert found.status == "complete"
    table = found.table()
    assert list(table) == ["mu", "n", "raised", "nan", "hung", "died", "x", "x_error"]


def test_a_case_does_not_depend_on_the_rest_of_the_grid():
    both, one = (run_until(noise, grid, 20) for grid in (GRID, GRID[1:]))
    assert bits(both)[1:] == bits(one)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sets(st.integers(0, 70), min_size=1, max_size=50))
def test_moments_are_the_same_bits_in_any_order(data, numbers):
    values = {k: math.sin(k) * 10.0 ** (k % 9) for k in numbers}
    skipped = {k for k in numbers if k % 5 == 0}

    def moments(order):
        made = Moments()
        for k in order:
            if k in skipped:
                made.skip(k)
            else:
                made.add(k, values[k])
        return made

    order = data.draw(st.permutations(sorted(numbers)))
    one, other = moments(sorted(numbers)), moments(order)
    without = Moments()
    for k in numbers - skipped:
        without.add(k, values[k])
    assert one.total() == other.total() == without.total()
    kept = np.array([values[k] for k in sorted(numbers - skipped)])
    assert one.n == len(kept)
    if len(kept) > 1:
        assert one.mean == pytest.approx(kept.mean(), rel=1e-12, abs=1e-9)
        assert one.error == pytest.approx(kept.std(ddof=1) / len(kept) ** 0.5, rel=1e-12)


def test_moments_survive_a_large_offset():
    made = Moments()
    for k in range(1000):
        made.add(k, 1e9 + (k % 2))
    assert made.error == pytest.approx(math.sqrt(0.25 * 1000 / 999 / 1000), rel=1e-9)


def test_moments_take_a_realisation_once():
    made = Moments()
    made.add(3, 1.0)
    with pytest.raises(ValueError, match="realisations 3 to 3 are there already"):
        made.add(3, 1.0)


def test_memory_of_moments_grows_with_the_logarithm():
    made = Moments()
    for k in range(10_000):
        made.add(k, 1.0)
    assert len(made.parts) <= 14


def test_realisations_are_added_until_the_error_is_reached(store):
    found = run_until(counted, GRID, 50, target_error=0.05, store=store)
    assert found.status == "complete"
    for case in found.cases:
        assert case.error() <= 0.05
        assert 300 < case.n < 900  # 400 are needed
    again = run_until(counted, GRID, 50, target_error=0.05, executor=executors.threads(1))
    assert bits(found) == bits(again)
    assert max(calls.values()) == 2


def test_the_stored_surplus_does_not_change_the_answer(store):
    run_until(counted, GRID, 1500, store=store)
    found = run_until(counted, GRID, 50, target_error=0.05, store=store)
    assert found.n_run == 0
    assert bits(found) == bits(run_until(counted, GRID, 50, target_error=0.05))


def test_a_target_by_name():
    found = run_until(noise, GRID[:1], 16, target_error={"x": 0.1})
    assert found.cases[0].error("x") <= 0.1
    with pytest.raises(ValueError, match="no quantity 'z' to reach an error of, the task gives"):
        run_until(noise, GRID, 16, target_error={"z": 0.1})


def test_a_target_out_of_reach_is_said():
    found = run_until(noise, GRID, 16, target_error=1e-9, at_most=64)
    assert [case.n for case in found.cases] == [64, 64]
    assert found.status == "the error was not reached, 0 realisations missing"


def test_the_time_budget_is_kept_and_said():
    began = time.monotonic()
    found = run_until(slow, [{"k": 1}, {"k": 2}], 1000, time_budget=0.5, executor=executors.threads(2))
    assert time.monotonic() - began < 2
    assert found.status.startswith("the time was spent, 19")
    assert abs(found.cases[0].n - found.cases[1].n) <= 1


def test_nothing_finished_is_run_again(store):
    first = run_until(counted, GRID, 30, store=store, experiment="e")
    more = run_until(counted, [*GRID, {"mu": 2.0}], 40, store=store, experiment="e")
    assert (first.n_run, first.n_found, more.n_run, more.n_found) == (60, 0, 60, 60)
    assert set(calls.values()) == {1}
    assert bits(more) == bits(run_until(counted, [*GRID, {"mu": 2.0}], 40))
    assert sorted(bits(from_store(store.with_code(more.code), "e"))) == sorted(bits(more))


def test_results_belong_to_every_experiment_that_used_them(store):
    found = run_until(counted, GRID, 10, store=store, experiment="a")
    run_until(counted, GRID, 5, store=store, experiment="b")
    own = store.with_code(found.code)
    assert (len(list(own.outcomes("a"))), len(list(own.outcomes("b")))) == (20, 10)


def test_results_of_another_code_are_run_anew_and_said(store):
    run_until(counted, GRID, 10, store=store)
    with pytest.warns(UserWarning, match="kept apart: 20 of one"):
        found = run_until(counted, GRID, 10, store=store.with_code("two"))
    assert found.n_run == 20
    assert sum(found.kept_apart.values()) == 20


@pytest.mark.parametrize(("what", "kind"), [("raise", "raised"), ("nan", "nan")])
def test_tasks_that_fail_are_named_counted_and_left_out(store, what, kind):
    found = run_until(mishap, [{"what": what}], 200, store=store, experiment="e")
    name = "tests.percolation.faults.tasks.mishap"
    x = [stream(name, {"what": what}, k).random() for k in range(200)]
    low = [k for k in range(200) if x[k] < 0.2]
    case = found.cases[0]
    assert dict(case.failed) == {kind: len(low)}
    assert case.mean() == pytest.approx(np.mean([one for one in x if one >= 0.2]), rel=1e-12)
    assert sorted(failure.task.realisation for failure in found.failures) == low
    assert found.table().loc[0, kind] == len(low) > 20
    stored = [one for one in store.with_code(found.code).outcomes("e") if one.kind]
    assert {failure.task.key for failure in stored} == {failure.task.key for failure in found.failures}
    if kind == "raised":
        assert all('raise KeyError(f"x = {x:.3f}")' in failure.traceback for failure in stored)
    again = run_until(mishap, [{"what": what}], 200, store=store, experiment="e")
    assert (again.n_run, bits(again)) == (0, bits(found))
    assert run_until(mishap, [{"what": what}], 200, store=store, retry=True).n_run == len(low)


def test_a_clock_that_jumps_changes_nothing(monkeypatch, store):
    expected = bits(run_until(counted, GRID, 300))
    monkeypatch.setattr(time, "time", lambda: 1e9 * random.random() - 5e8)
    found = run_until(counted, GRID, 300, store=store, time_budget=60)
    assert bits(found) == expected
    assert store.database.rows("SELECT count(*) FROM outcomes WHERE wall < 0 OR cpu < 0") == [(0,)]
    assert bits(run_until(counted, GRID, 300, store=store)) == expected


def test_an_executor_that_breaks_ends_the_scan_with_its_error_and_what_was_finished(store):
    class Breaks(executors.Processes):
        def submit(self, fn, /, *args, **kwargs):
            if len(calls) > 10:
                raise executors.WorkerDied("all is lost")
            future = super().submit(abs, 1)
            future.cancel()
            future = type(future)()
            future.set_result(fn(*args, **kwargs))
            return future

    with pytest.raises(executors.WorkerDied, match="all is lost"):
        run_until(counted, GRID, 30, store=store, executor=Breaks(1))
    n = len(calls)
    assert run_until(counted, GRID, 30, store=store).n_found == n > 10


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: run_until(lambda mu, seed: 1, GRID, 2), "must be a function at the top of a module"),
        (lambda: run_until(noise, GRID, 0), "realisations must be at least 1, got 0"),
        (lambda: run_until(noise, GRID, 1, target_error=0.1), "realisations must be at least 2, got 1"),
        (lambda: run_until(noise, GRID, 2, target_error=0), "target_error must be .* above 0, got 0"),
        (lambda: run_until(noise, GRID, 2, target_error={"x": -1}), "x must be a finite number above 0"),
        (lambda: run_until(noise, GRID, 2, time_budget=-1), "time_budget must be a finite number above 0"),
        (lambda: run_until(noise, GRID, 5, at_most=4), "at_most must be at least 5, got 4"),
        (lambda: run_until(noise, GRID, 2, seed=-1), "seed must be at least 0, got -1"),
        (lambda: run_until(noise, [{"mu": float("nan")}], 2), "not JSON compliant"),
        (lambda: run_until(noise, [{"mu": 0}, {"mu": 0}], 2), "twice in the grid"),
        (lambda: run_until(noise, [{"seed": 0}], 2), "seed is given by the scan"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_result_of_a_wrong_kind_is_a_failure_that_says_so():
    found = run_until(list_maker, GRID, 2)
    assert "a task returns a number, an array, or a mapping of these by name, got list" in str(found.failures[0])
    assert math.isnan(found.cases[0].mean())


def test_text_is_stored_and_not_averaged(store):
    found = run_until(misnamed, GRID, 3, store=store)
    assert list(found.table())[6:] == ["x", "x_error"]
    own = store.with_code(found.code)
    assert [one.value for one in own.outcomes() if one.task.parameters == GRID[0]][0] == {"x": 0.0, "y": "text"}


def test_an_empty_grid():
    assert run_until(noise, [], 3).status == "complete"


def test_three_deaths_on_one_task(store):
    grid = [{"k": k} for k in range(6)]
    with executors.processes(2) as pool:
        found = run_until(deadly, grid, 2, executor=pool, store=store)
    assert [dict(case.failed) for case in found.cases] == [{"died": 2} if k == 3 else {} for k in range(6)]
    assert [case.n for case in found.cases] == [2, 2, 2, 0, 2, 2]
    assert all("deadly(k=3; seed" in str(one) and "3 workers died on it" in one.message for one in found.failures)
