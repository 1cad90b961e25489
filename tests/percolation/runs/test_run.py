import math
import threading

import pytest

from percolation import runs


def slow_square(x):
    threading.Event().wait(0.02 / (x + 1))  # later items end first
    return x * x


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_results_come_in_the_order_of_the_items(workers):
    assert runs.run(slow_square, range(8), workers=workers) == [x * x for x in range(8)]


def test_processes_give_the_same():
    assert runs.run(math.factorial, range(5), workers=2, processes=True) == [1, 1, 2, 6, 24]


def test_seeds_are_spawned_and_independent():
    one, two = runs.seeds(3, 2), runs.seeds(3, 5)
    assert [s.generate_state(2).tolist() for s in one] == [s.generate_state(2).tolist() for s in two[:2]]
    assert len({s.generate_state(1)[0] for s in two}) == 5


@pytest.mark.parametrize("workers", [1, 3])
def test_the_first_exception_is_raised_as_it_is(workers):
    def task(x):
        if x == 2:
            raise KeyError("two")
        return x

    with pytest.raises(KeyError, match="two"):
        runs.run(task, range(6), workers=workers)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: runs.run(abs, [1], workers=-1), "workers must be at least 0, got -1"),
        (lambda: runs.seeds(-1, 2), "seed must be at least 0, got -1"),
        (lambda: runs.seeds(0.5, 2), "seed must be an integer, got 0.5"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_no_items():
    assert runs.run(abs, [], workers=4) == []
