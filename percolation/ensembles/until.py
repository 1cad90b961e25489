"""A grid of parameters, many realisations of each, until an error is reached: stored, resumed, on any executor."""

import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from typing import Any

from percolation import checks, executors
from percolation.ensembles.bar import Bar
from percolation.ensembles.batches import Outcome, Work, name_of
from percolation.ensembles.dispatch import Dispatch
from percolation.ensembles.keeping import EVERY, Keeper, failure_of
from percolation.ensembles.plan import Plan, Target
from percolation.ensembles.results import Case, Ensemble, Interrupted, Stopped, Terminated
from percolation.ensembles.termination import Stop, ended_by, stop_signals
from percolation.store import Failure, Store
from percolation.store.provenance import code_of
from percolation.store.tasks import canonical

LOOKED_UP = 500  # tasks at a time
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
    executor: of `percolation.executors` or concurrent.futures, left open; default threads, one a core.
    store: every finished task is kept there, and none that is there is run again; a failure is taken for an answer
    unless retry. Results of another version of the code are kept apart.
    target_error: standard error to reach, in the units of the quantity: one for all, or by name.
    at_most: realisations a case. time_budget: seconds; after that nothing new is begun.
    Returns the same bits on every executor, resumed or not. Ctrl-C and SIGTERM end with everything finished kept.
    """
    if store is not None and not isinstance(store, Store):
        raise ValueError(f"store must be an open Store, got {store!r}; open it by `with Store(path) as store:`")
    cases = [dict(parameters) for parameters in grid]
    _check(realisations, target_error, time_budget, at_most)
    _check_grid(cases)
    plan = Plan(name_of(task), cases, realisations, checks.seed(seed), target_error, at_most)
    if store is not None:
        store = store.with_code(code_of(task, store.code))
    with ExitStack() as stack:
        if store is not None:
            stack.enter_context(store.driving())
        running = executor or stack.enter_context(executors.threads())
        bar = stack.enter_context(Bar(label or task.__name__, plan, target_error is not None, progress))
        stop = stack.enter_context(stop_signals())
        scan = Scan(plan, Keeper(store, experiment, retry), Dispatch(task, running), bar, stop)
        return scan.run(time_budget)


class Scan:
    """The loop of the driver."""

    def __init__(self, plan: Plan, keeper: Keeper, dispatch: Dispatch, bar: Bar, stop: Stop) -> None:
        self.plan, self.keeper, self.dispatch, self.bar, self._stop = plan, keeper, dispatch, bar, stop
        self.failures: list[Failure] = []
        self.n_run = self.n_found = 0
        self._todo: deque[Work] = deque()
        self._until = float("inf")

    def run(self, time_budget: float | None) -> Ensemble:
        self._until = time.monotonic() + (float("inf") if time_budget is None else time_budget)
        try:
            while self._go_on():
                if self._stop.signal is not None:
                    raise ended_by(self._stop.signal)
            self.keeper.flush()
        except (KeyboardInterrupt, SystemExit) as error:
            raise self._stopped(error) from None
        except BaseException:
            self._save()
            raise
        ensemble = self._ensemble()
        if ensemble.kept_apart:
            others = ", ".join(f"{n} of {code}" for code, n in ensemble.kept_apart.items())
            warnings.warn(f"results of other versions of the code are kept apart: {others}", UserWarning, stacklevel=3)
        return ensemble

    def _go_on(self) -> bool:
        """Hand out, collect, keep; False once nothing is left."""
        self.dispatch.fill(self._take, self.plan.remaining + len(self._todo))
        if self.dispatch.idle and not self._todo:
            return bool(self.plan.remaining) and not self._late
        outcomes = self.dispatch.collect(EVERY)
        self._settle(outcomes)
        self.n_run += len(outcomes)
        self.keeper.keep(outcomes)
        self.bar.draw(self.n_run + self.n_found, self.n_run)
        return True

    @property
    def _late(self) -> bool:
        return time.monotonic() >= self._until

    def _take(self, n: int) -> Sequence[Work]:
        """Up to n tasks to run; what the store has is settled on the way."""
        if self._late:
            self._todo.clear()
            return []
        while not self._todo and (batch := self.plan.take(LOOKED_UP)):
            found = self.keeper.found(batch)
            self._settle([found[work.task.key] for work in batch if work.task.key in found])
            self.n_found += len(found)
            self._todo += [work for work in batch if work.task.key not in found]
            self.bar.draw(self.n_run + self.n_found, self.n_run)
            self.keeper.keep([])
        return [self._todo.popleft() for _ in range(min(n, len(self._todo)))]

    def _settle(self, outcomes: Sequence[Outcome]) -> None:
        for one in outcomes:
            self.plan.settle(one)
            if one.result is None and len(self.failures) < FAILURES:
                self.failures.append(failure_of(one))

    def _stopped(self, error: BaseException) -> Stopped:
        self._save()
        stopped = Interrupted() if isinstance(error, KeyboardInterrupt) else Terminated(*error.args)
        stopped.ensemble = self._ensemble()
        return stopped

    def _save(self) -> None:
        """What has finished goes into the store; if even that fails, the first error is what counts."""
        try:
            outcomes = self.dispatch.abandon()
            self.n_run += len(outcomes)
            self._settle(outcomes)
            self.keeper.keep(outcomes)
            self.keeper.flush()
        except (OSError, ValueError):
            pass

    def _ensemble(self) -> Ensemble:
        points = self.plan.points
        cases = [Case(p.parameters, p.settled - p.failed.total(), dict(p.failed), p.moments) for p in points]
        missing = sum(point.wanted - point.settled for point in points)
        why = "the time was spent" if self._late else "stopped" if missing else "the error was not reached"
        status = "complete" if self.plan.reached() else f"{why}, {missing} realisations missing"
        failures = sorted(self.failures, key=lambda one: one.task.key)
        store, experiment = self.keeper.store, self.keeper.experiment
        apart, code = ({}, "") if store is None else (store.other_codes(experiment), store.code)
        return Ensemble(tuple(cases), tuple(failures), status, self.n_run, self.n_found, apart, code)


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
