import numpy as np
import pytest

from percolation.quantities import Estimate
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


def test_time_ends_what_precision_would_not():
    done = Budget(8, time=0.05, precision=1e-9, at_least=8).collect(np.random.SeedSequence(3), run, mean)
    assert 8 <= len(done) < 100_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"runs": 7}, "runs must be at least 8, got 7"),
        ({"time": -1.0}, "time must be a finite number above 0"),
        ({"precision": float("nan")}, "precision must be a finite number above 0"),
    ],
)
def test_bad_input_is_refused_in_our_words(arguments, message):
    with pytest.raises(ValueError, match=message):
        Budget(**{"runs": 8, "at_least": 8, **arguments})
