"""What a command lays down for every list of tasks in it: a store, an executor, or that it only wants to know.

    with session(store=store, experiment="rounds"):
        plan.walk_all(cases, seed=0)      # its tasks are looked up in the store and kept there

A task is known by its function, its arguments and its seed. A function that has no name of its own, being made inside
another, is run as ever and not kept.
"""

import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from percolation.ensembles import coding
from percolation.ensembles.batches import name_of
from percolation.store import Store, Task
from percolation.store.provenance import code_of
from percolation.store.writing import Entry

PATIENCE = 20.0  # seconds, up to which a pilot is run twice
EVERY = 0.25  # seconds between two transactions, which is what a kill can cost


class Planned(Exception):
    """A list of tasks was counted and not run, see `Session.plan`."""


@dataclass(frozen=True)
class Step:
    """A list of tasks in a plan."""

    label: str
    tasks: int
    finished: int  # in the store
    seconds: float  # that the rest takes, by the time of one of them


@dataclass
class Session:
    """Where the tasks of a command are run and kept."""

    store: Store | None = None
    experiment: str = ""
    executor: Executor | None = None
    resume: bool = True  # take what is in the store
    dry_run: bool = False  # count, and time one task of each list; Planned is raised in place of running them
    plan: list[Step] = field(default_factory=list)


_current: ContextVar[Session | None] = ContextVar("session", default=None)


@contextmanager
def session(**how: Any) -> Iterator[Session]:
    """A `Session` for what this thread runs inside; what its tasks run in turn is theirs."""
    made = Session(**how)
    token = _current.set(made)
    try:
        yield made
    finally:
        _current.reset(token)


@contextmanager
def preliminary() -> Iterator[None]:
    """Inside, a dry run computes all the same, and keeps nothing: for pilots that say what the work will be."""
    now = _current.get()
    token = _current.set(None if now is not None and now.dry_run else now)
    try:
        yield
    finally:
        _current.reset(token)


def in_turn(*stages: Callable[[], Any]) -> list[Any]:
    """What each of the stages returns, one after the other; a dry run hears all of them before it raises Planned.

    Stages must not need each other's results.
    """
    results, planned = [], None
    for stage in stages:
        try:
            results.append(stage())
        except Planned as plan:
            planned = plan
    if planned is not None:
        raise planned
    return results


def foresee(function: Callable[[Any], Any], work: Sequence[Any], label: str) -> None:
    """In a dry run: note these tasks, which will be run one by one, and raise Planned unless all are finished."""
    now = _current.get()
    if now is not None and now.dry_run:
        answers = Answers(function, work)
        answers.plan(label, [i for i in range(len(work)) if i not in answers.results], None, workers=1)


class Answers:
    """Results of a list of tasks by place: what the session has, and what is to be run."""

    def __init__(self, function: Callable[[Any], Any], work: Sequence[Any]) -> None:
        self.session, self.results = _current.get(), dict[int, Any]()
        self._tasks = None if self.session is None else tasks_of(function, work)
        self._store: Store | None = None
        self._entries: list[Entry] = []
        self._written = time.monotonic()
        self._function, self._work = function, work
        if self.session is not None and self.session.store is not None and self._tasks is not None:
            named = _unwrapped(function)[0]
            self._store = self.session.store.with_code(code_of(named, self.session.store.code))
            if self.session.resume:
                self._look_up(self._store, self._tasks)

    @property
    def executor(self) -> Executor | None:
        """That of the session, if the tasks can be sent there."""
        return None if self.session is None or self._tasks is None else self.session.executor

    @property
    def function(self) -> Callable[[Any], Any]:
        """What is to be run in place of the function."""
        return self._function if self._store is None else partial(timed, self._function)

    def take(self, place: int, result: Any) -> None:
        """A result that has come."""
        if self._store is not None:
            assert self._tasks is not None
            result, wall, cpu = result
            self._entries.append(Entry(self._tasks[place], _packed(result), wall, cpu))
            if time.monotonic() - self._written >= EVERY:
                self.flush()
        self.results[place] = result

    def flush(self) -> None:
        """Keep what has come, in one transaction."""
        if self._store is not None and self._entries:
            assert self.session is not None
            entries, self._entries = self._entries, []
            self._store.write(entries, experiment=self.session.experiment)
        self._written = time.monotonic()

    def plan(self, label: str, missing: Sequence[int], cost: Callable[[Any], float] | None, workers: int) -> None:
        """In a dry run: time the cheapest of the missing tasks, note what all of them would take, raise Planned."""
        if self.session is None or not self.session.dry_run or not missing:
            return
        costs = [1.0 if cost is None else cost(self._work[i]) for i in missing]
        cheapest = int(np.argmin(costs))
        wall = min(_seconds_twice(self._function, self._work[missing[cheapest]]))
        seconds = wall * sum(costs) / max(costs[cheapest], 1e-300) / max(min(workers, len(missing)), 1)
        self.session.plan.append(Step(label, len(self._work), len(self._work) - len(missing), seconds))
        raise Planned

    def _look_up(self, store: Store, tasks: Sequence[Task]) -> None:
        found = store.find(tasks)
        self.results = {i: _unpacked(found[task.key]) for i, task in enumerate(tasks) if task.key in found}


def timed(function: Callable[[Any], Any], item: Any) -> tuple[Any, float, float]:
    """The result, and the seconds that it took, by the clock and of the processor; no session inside."""
    token = _current.set(None)
    wall, cpu = time.perf_counter(), time.thread_time()
    try:
        result = function(item)
    finally:
        _current.reset(token)
    return result, time.perf_counter() - wall, time.thread_time() - cpu


def _seconds_twice(function: Callable[[Any], Any], item: Any) -> Iterator[float]:
    """Seconds of a task, and if they were few once more: the first time may compile and load."""
    _, wall, _ = timed(function, item)
    yield wall
    if wall < PATIENCE:
        yield timed(function, item)[1]


def tasks_of(function: Callable[[Any], Any], work: Sequence[Any]) -> list[Task] | None:
    """The tasks, as the function's own method `task` names them, or by its name; None if one of them has none."""
    name = getattr(function, "task", partial(_task, function))
    try:
        return [name(item) for item in work]
    except ValueError:
        return None


def _task(function: Callable[[Any], Any], item: Any) -> Task:
    """Function, arguments by name and seed: the one SeedSequence among them, or the number that is called seed."""
    inner, arguments, keywords = _unwrapped(function)
    named = dict(inspect.signature(inner).bind(*arguments, item, **keywords).arguments)
    seed: int | tuple[int, ...] = 0
    sequences = [name for name, value in named.items() if isinstance(value, np.random.SeedSequence)]
    if len(sequences) == 1:
        state = named.pop(sequences[0])
        if not isinstance(state.entropy, int):
            raise ValueError("a seed of which a task's name is made has one number as its entropy")
        seed = (state.entropy, *state.spawn_key) if state.spawn_key else state.entropy
    elif isinstance(named.get("seed"), int):
        seed = named.pop("seed")
    return Task(name_of(inner), {name: coding.named(value) for name, value in named.items()}, seed)


def _unwrapped(function: Callable[..., Any]) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
    """Function, first arguments and keywords of a partial, or of a method, whose owner is the first argument."""
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = {}
    while isinstance(function, partial):
        arguments, keywords = (*function.args, *arguments), function.keywords | keywords
        function = function.func
    if inspect.ismethod(function):
        arguments, function = (function.__self__, *arguments), function.__func__
    return function, arguments, keywords


def _packed(result: Any) -> dict[str, Any]:
    """As the store has it: an array or a number as itself, so that its mean can be shown, all else as text."""
    if isinstance(result, np.ndarray) and result.ndim or type(result) in (bool, int, float):
        return {"value": result}
    return {"coded": coding.encode(result)}


def _unpacked(kept: dict[str, Any]) -> Any:
    return coding.decode(kept["coded"]) if "coded" in kept else kept["value"]
