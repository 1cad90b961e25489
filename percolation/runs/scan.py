"""A grid of parameters, many realisations of each, until an error is reached: stored, resumed, on any executor."""

import math
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from types import FrameType
from typing import Any

import numpy as np

from percolation import checks
from percolation.runs import executors
from percolation.runs.engine import Job, Keeper, NotFinite, bar, drive
from percolation.runs.ensemble import Case, Ensemble, by_name
from percolation.runs.moments import Moments
from percolation.runs.store import Store
from percolation.runs.tasks import Outcome, Task, canonical, case_seed, name_of, named, numbers_of, sequence_of

Target = float | Mapping[str, float]
FEWEST = 16  # results whose spread is an error: it is then known to a fifth, 1 / sqrt(2 (n - 1))
GROWTH = 4.0  # at most, from one look at the error to the next: the error itself is uncertain
LIMIT = 64  # times the first realisations: where results are too few or all equal, and nothing else is said
FAILURES = 1000  # that are named in the ensemble


def run_until(
    task: Callable[..., Any],
    grid: Iterable[Mapping[str, Any]],
    realisations: int,
    *,
    executor: Executor | None = None,
    store: Store | None = None,
    target_error: Target | None = None,
    time_budget: float | None = None,
    at_most: int | None = None,
    seed: int = 0,
    experiment: str = "",
    retry: bool = False,
    label: str = "",
    progress: bool = True,
) -> Ensemble:
    """Means and errors of task(**parameters, seed=...) over the realisations of every case of the grid.

    task: a function at the top of a module; seed is its own SeedSequence. It returns a number, an array, or a mapping
    of these by name; text and None are stored and not averaged. A task that raises, gives a number that is not
    finite, hangs (executors.processes(timeout=...)) or kills three workers is left out of the means, named, counted.
    grid: parameters by name, what JSON can say. realisations: of every case; with a target, the fewest.
    executor: of `runs.executors` or concurrent.futures, left open; default threads, one a core.
    store: every finished task is kept there, and none that is there is run again; a failure is taken for an answer
    unless retry. Results of another version of the code are kept apart.
    target_error: standard error to reach, in the units of the quantity: one for all, or by name; of an array the
    largest. Fewer than 16 results, or equal ones, have reached none: they are added to, and if it stays so the status
    says what they allow.
    at_most: realisations a case; absent, 64 times the first where results stay too few or equal.
    time_budget: seconds; after that nothing new is begun.
    Returns the same bits on every executor, resumed or not. Ctrl-C and SIGTERM end with everything finished kept.
    """
    if store is not None and not isinstance(store, Store):
        raise ValueError(f"store must be an open Store, got {store!r}; open it by `with Store(path) as store:`")
    cases = [dict(parameters) for parameters in grid]
    _check(realisations, target_error, time_budget, at_most)
    _check_grid(cases)
    points = [Point(name_of(task), one, checks.seed(seed), realisations) for one in cases]
    store = None if store is None else store.of(task)
    keeper = Keeper(store, experiment, lambda outcome: not (outcome.kind and retry))
    until = math.inf if time_budget is None else time.monotonic() + time_budget
    failures: list[Outcome] = []
    n_run = n_all = 0
    with ExitStack() as stack:
        if store is not None:
            stack.enter_context(store.driving())
        running = executor or stack.enter_context(executors.threads())
        wanted = realisations * len(points)
        draw = stack.enter_context(bar(label or task.__name__, progress))
        stopped = stack.enter_context(stop_signals())
        while n_all < wanted and time.monotonic() < until:
            jobs = drive(partial(realise, task), _jobs(points), wanted - n_all, running, keeper, until=until)
            for some in stack.enter_context(closing(jobs)):
                for one in some:
                    number, k = one.place
                    points[number].case.settle(k, one.outcome)
                failures += [one.outcome for one in some if one.outcome.kind]
                n_all, n_run = n_all + len(some), n_run + sum(one.ran for one in some)
                draw(n_all, wanted)
                if stopped:
                    raise ended_by(stopped[0])
            if target_error is not None and n_all == wanted:
                wanted += sum(point.grow(target_error, at_most) for point in points)
    apart, code = ({}, "") if store is None else (store.other_codes(experiment), store.code)
    if apart:
        others = ", ".join(f"{n} of {one}" for one, n in apart.items())
        warnings.warn(f"results of other versions of the code are kept apart: {others}", UserWarning, stacklevel=2)
    failed = tuple(sorted(failures, key=lambda one: one.task.key)[:FAILURES])
    status = _status(points, target_error, wanted - n_all, time.monotonic() >= until)
    return Ensemble(tuple(point.case for point in points), failed, status, n_run, n_all - n_run, apart, code)


def realise(function: Callable[..., Any], item: tuple[Mapping[str, Any], tuple[int, ...]]) -> Any:
    """One realisation, from parameters and the numbers of its seed; in a worker."""
    parameters, numbers = item
    result = function(**parameters, seed=sequence_of(numbers))
    if not isinstance(result, Mapping) and not by_name(result):
        raise ValueError(
            f"a task returns a number, an array, or a mapping of these by name, got {type(result).__name__}"
        )
    if strange := ", ".join(name for name, value in by_name(result).items() if not _is_finite(value)):
        raise NotFinite(f"{strange} not finite")
    return dict(result) if isinstance(result, Mapping) else result


class Point:
    """A case of the grid while it is being run: how many realisations are wanted, and were begun."""

    def __init__(self, function: str, parameters: Mapping[str, Any], seed: int, first: int) -> None:
        self.case, self.first, self.wanted, self.begun = Case(parameters), first, first, 0
        self._parent, self._function = numbers_of(case_seed(function, parameters, seed)), function
        self._parameters = {name: named(value) for name, value in parameters.items()}

    def next(self, number: int) -> Job:
        """The next realisation; number: of this case in the grid."""
        seed, k = (*self._parent, self.begun), self.begun
        self.begun += 1
        return Job((number, k), (self.case.parameters, seed), Task(self._function, self._parameters, seed))

    def excess(self, target: Target) -> float:
        """Largest error over its target; infinite where there is no error to speak of: few results, or all equal."""
        moments = self.case.moments
        targets = target if isinstance(target, Mapping) else dict.fromkeys(moments, target)
        missing = [name for name in targets if name not in moments]
        if self.case.n and (missing or not moments):
            raise ValueError(
                f"no quantity {min(missing, default='at all')!r} to reach an error of, the task gives "
                f"{', '.join(moments) or 'no number'}"
            )
        return max((_excess(moments[name], targets[name]) for name in moments if name in targets), default=math.inf)

    def grow(self, target: Target, at_most: int | None) -> int:
        """Want more realisations, now that all are in; how many. None at all where not one gave a result.

        The error falls as 1 / sqrt(n): at n realisations with error e, 1.05 n (e / target)^2 are tried next.
        """
        excess = self.excess(target)
        if excess <= 1 or not self.case.n:
            return 0
        limit = at_most or (LIMIT * self.first if math.isinf(excess) else math.inf)
        more = max(0, int(min(math.ceil(self.wanted * min(1.05 * excess**2, GROWTH)), limit)) - self.wanted)
        self.wanted += more
        return more


def _excess(moments: Moments, target: float) -> float:
    error = float(np.max(moments.error))
    return error / target if moments.n >= FEWEST and error > 0 else math.inf


def _jobs(points: Sequence[Point]) -> Iterator[Job]:
    """All realisations that are wanted and were not begun, a case after the other."""
    while pending := [(number, point) for number, point in enumerate(points) if point.begun < point.wanted]:
        yield from (point.next(number) for number, point in pending)


def _status(points: Sequence[Point], target: Target | None, missing: int, late: bool) -> str:
    short = [] if target is None else [point.case for point in points if point.excess(target) > 1]
    if not missing and not short:
        return "complete"
    status = f"{'the time was spent' if late else 'the error was not reached'}, {missing} realisations missing"
    return status if missing else status + _allowed(short[0])


def _allowed(case: Case) -> str:
    """What results allow that are no error: too few of them, or all equal."""
    where = dict(case.parameters)
    if case.n < FEWEST:
        return f"; {case.n} results at {where} are too few, {FEWEST} are needed"
    bounds = {name: case.bound(name) for name in case.moments if case.bound(name) > 0}
    return "".join(
        f"; all {case.n} of {name} at {where} are equal: another has a chance below {bound:.2g} (95 %)"
        for name, bound in bounds.items()
    )


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Inside, Ctrl-C and SIGTERM are noted, unless somebody handles them: a scan ends between two of its steps."""
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if noted:  # asked twice: at once
            raise ended_by(number)
        noted.append(number)

    usual: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    main = threading.current_thread() is threading.main_thread()
    ours = [number for number, handler in usual.items() if main and signal.getsignal(number) is handler]
    for number in ours:
        signal.signal(number, note)
    try:
        yield noted
    finally:
        for number in ours:
            signal.signal(number, usual[number])


def ended_by(number: int) -> BaseException:
    """KeyboardInterrupt for Ctrl-C; else the exit code that shells give."""
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)


def _is_finite(value: Any) -> bool:
    try:
        return bool(np.isfinite(value).all())
    except TypeError:  # text and None
        return True


def _check_grid(grid: Sequence[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for parameters in grid:
        text = canonical(parameters)
        if "seed" in parameters:
            raise ValueError(f"seed is given by the scan, it cannot be a parameter: {text}")
        if text in seen:
            raise ValueError(f"the parameters {text} stand twice in the grid; ask for more realisations instead")
        seen.add(text)


def _check(realisations: int, target: Target | None, budget: float | None, at_most: int | None) -> None:
    checks.integer("realisations", realisations, at_least=1 if target is None else 2)
    for name, one in (target if isinstance(target, Mapping) else {"target_error": target}).items():
        if one is not None:
            checks.positive(name, one)
    if budget is not None:
        checks.positive("time_budget", budget)
    if at_most is not None:
        checks.integer("at_most", at_most, at_least=realisations)
