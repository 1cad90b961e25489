"""Few results, equal results and failures are no error that was reached."""

import math

import numpy as np
import pytest

from percolation.runs import executors
from percolation.runs.scan import FEWEST, LIMIT, run_until


def rare(p, seed):
    return float(np.random.default_rng(seed).random() < p)


def mostly_raises(seed):
    if seed.spawn_key[-1] % 16:
        raise KeyError("fifteen of sixteen")
    return np.random.default_rng(seed).normal()


def constant(seed):
    return {"x": 2.5, "v": np.array([1.0, np.random.default_rng(seed).normal()])}


def raises(seed):
    raise KeyError("always")


def text(seed):
    return {"word": "none"}


def scanned(task, parameters, first=16, **how):
    return run_until(task, [parameters], first, executor=executors.Here(), **how)


def test_a_rare_event_has_no_error_of_zero():
    """Of 16 realisations at p = 0.05 all are 0 for 44 % of the seeds."""
    for seed in range(60):
        found = scanned(rare, {"p": 0.05}, target_error=0.06, seed=seed)
        case = found.cases[0]
        assert found.status == "complete" and case.mean() > 0 and 0 < case.error() <= 0.06


def test_equal_results_are_said_with_what_they_allow():
    found = scanned(rare, {"p": 0.0}, target_error=0.01, at_most=64)
    assert found.status.startswith("the error was not reached, 0 realisations missing; all 64 of value at {'p': 0.0}")
    assert "another has a chance below 0.046 (95 %)" in found.status
    case = found.cases[0]
    assert (case.n, case.mean()) == (64, 0.0) and math.isnan(case.error())
    assert (1 - case.bound()) ** 64 == pytest.approx(0.05)
    assert found.table().loc[0, "value_error"] != 0


def test_equal_results_end_somewhere_without_a_limit():
    found = scanned(rare, {"p": 0.0}, target_error=0.01)
    assert found.cases[0].n == 16 * LIMIT and found.status != "complete"


def test_of_an_array_the_largest_error_counts():
    found = scanned(constant, {}, target_error={"v": 0.2})
    assert found.status == "complete" and found.cases[0].error("v")[1] <= 0.2
    assert math.isnan(found.cases[0].error("v")[0]) and math.isnan(found.cases[0].error("x"))
    assert math.isnan(found.cases[0].bound("v"))


def test_one_result_among_failures_is_no_error():
    found = scanned(mostly_raises, {}, target_error=1.0, at_most=32)
    assert found.cases[0].n == 2
    assert (
        found.status
        == f"the error was not reached, 0 realisations missing; 2 results at {{}} are too few, {FEWEST} are needed"
    )
    found = scanned(mostly_raises, {}, target_error=1.0)
    assert found.status == "complete" and found.cases[0].n >= FEWEST and 0 < found.cases[0].error() <= 1


def test_nothing_is_added_where_everything_fails():
    found = scanned(raises, {}, target_error=1.0)
    assert found.n_run == 16 and found.status.startswith("the error was not reached") and "0 results" in found.status


def test_a_task_without_a_number_has_no_error():
    with pytest.raises(ValueError, match="no quantity 'at all' to reach an error of, the task gives no number"):
        scanned(text, {}, target_error=1.0)


def test_a_few_results_are_added_to():
    assert scanned(mostly_raises, {}, first=2, target_error=10.0).status != "complete"
    assert scanned(rare, {"p": 0.5}, first=2, target_error=10.0).cases[0].n >= FEWEST
