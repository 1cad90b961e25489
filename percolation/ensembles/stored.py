"""Means and errors of what a store holds."""

from collections import defaultdict
from itertools import count

from percolation.ensembles.batches import Outcome, Work
from percolation.ensembles.plan import Point
from percolation.ensembles.results import Case, Ensemble
from percolation.store import Store
from percolation.store.tasks import Task, canonical

AFTER = 2**40  # numbers for results that have no number of a realisation, or one that is taken


def from_store(store: Store, experiment: str = "") -> Ensemble:
    """The experiment's results by this code, by case: for those of `run_until` the same bits as it gave."""
    points: defaultdict[tuple[str, str], Point] = defaultdict(lambda: Point({}, 0))
    numbers: defaultdict[tuple[str, str], count[int]] = defaultdict(lambda: count(AFTER))
    taken: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for task, result in store.results(experiment):
        case = (task.function, canonical(task.parameters))
        number = _number(task)
        if number in taken[case]:
            number = next(numbers[case])
        taken[case].add(number)
        point = points[case]
        point.parameters = task.parameters
        point.settle(Outcome(Work(0, number, task), result))
    failures = tuple(store.failures(experiment))
    for failure in failures:
        point = points[failure.task.function, canonical(failure.task.parameters)]
        point.parameters = failure.task.parameters
        point.settle(Outcome(Work(0, _number(failure.task), failure.task), None, failure.kind, failure.message))
    cases = tuple(
        Case(p.parameters, p.settled - p.failed.total(), dict(p.failed), p.moments) for _, p in sorted(points.items())
    )
    n = sum(case.n for case in cases)
    return Ensemble(cases, failures, "stored", 0, n, store.other_codes(experiment), store.code)


def _number(task: Task) -> int:
    return AFTER - 1 if isinstance(task.seed, int) else int(task.seed[-1])
