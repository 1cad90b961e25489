import warnings

import numpy as np
import pytest

from percolation.quantities import Estimate
from percolation.scaling import budget
from percolation.scaling.budget import Budget


def run(child):
    return np.random.default_rng(child).normal(size=1)


def mean(values):
    values = np.array(values)
    return Estimate(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))), "mean")


def test_a_number_of_runs_is_that_number():
    done = Budget(40, at_least=8).collect(np.random.SeedSequence(1), run, mean)
    assert len(done) == 40
    np.testing.assert_array_equal(done, [*map(run, np.random.SeedSequence(1).spawn(40))])


def test_precision_is_reached_without_waste_and_repeats():
    first, again = (Budget(8, precision=0.05, at_least=8).collect(np.random.SeedSequence(2), run, mean) for _ in "12")
    assert mean(first).error <= 0.05
    assert 300 < len(first) < 600  # 400 at variance 1
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, [*map(run, np.random.SeedSequence(2).spawn(len(first)))])


def test_a_relative_precision_is_in_units_of_the_estimate():
    def run_of_ten(child):
        return 10 + run(child)

    done = Budget(8, precision=0.005, relative=True, at_least=8).collect(np.random.SeedSequence(2), run_of_ten, mean)
    same = Budget(8, precision=0.05, at_least=8).collect(np.random.SeedSequence(2), run_of_ten, mean)
    assert mean(done).error <= 0.005 * mean(done).value
    assert abs(len(done) / len(same) - 1) < 0.02  # the mean is 10, to its error


def test_time_ends_what_precision_would_not():
    done = Budget(8, time=0.05, precision=1e-9, at_least=8).collect(np.random.SeedSequence(3), run, mean)
    assert 8 <= len(done) < 100_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"runs": 7}, "runs must be at least 8, got 7"),
        ({"time": -1.0}, "time must be a finite number above 0"),
        ({"precision": float("nan")}, "precision must be a finite number above 0"),
        ({"relative": True}, "give a precision, or leave it out"),
    ],
)
def test_bad_input_is_refused_in_our_words(arguments, message):
    with pytest.raises(ValueError, match=message):
        Budget(**{"runs": 8, "at_least": 8, **arguments})


@pytest.mark.parametrize(("days", "told"), [(3.2, True), (0.9, False)])
def test_more_than_a_day_is_foretold_by_the_first_runs(monkeypatch, days, told):
    """Runs of a minute each, whose error falls as 1 / sqrt(n) from the first four on, once; then it is reached."""
    clock = iter(range(0, 10**6, 240))
    monkeypatch.setattr(budget, "monotonic", lambda: float(next(clock)))
    precision = (240 / (days * budget.DAY)) ** 0.5
    errors = iter([1.0, 0.0])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Budget(4, precision=precision, at_least=4, progress=False).collect(
            np.random.SeedSequence(1), lambda seed: np.zeros(1), lambda done: Estimate(0.0, next(errors), "")
        )
    assert [str(one.message) for one in caught] == [
        f"an error of {precision:g} takes about 3 days here, by the first runs; a time ends it sooner"
    ] * told
