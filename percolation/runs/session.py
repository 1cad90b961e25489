"""One function on every item of a list; and what a command lays down for all lists in it: a store, an executor.

with session(store=store, experiment="rounds"):
    rounds_plan.walk_all(cases, seed=0)      # its tasks are looked up in the store and kept there
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from percolation import checks
from percolation.runs import executors
from percolation.runs.engine import Job, Keeper, bar, current, drive, run_one
from percolation.runs.tasks import Task, namer
from percolation.seeds import BYTES, Seed, sequence

if TYPE_CHECKING:
    from percolation.runs.store import Store

Item = TypeVar("Item")
Result = TypeVar("Result")
PATIENCE = 20.0  # seconds, up to which the task that a dry run times is run twice
UNNAMED = Task("unnamed", {}, 0)


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

    store: "Store | None" = None
    experiment: str = ""
    executor: Executor | None = None
    resume: bool = True  # take what is in the store
    dry_run: bool = False  # count, and time one task of each list; Planned is raised in place of running them
    plan: list[Step] = field(default_factory=list)


@contextmanager
def session(**how: Any) -> Iterator[Session]:
    """A `Session` for what this thread runs inside; what its tasks run in turn is theirs."""
    with _now(Session(**how)) as made:
        yield made


@contextmanager
def pilots() -> Iterator[None]:
    """Inside, a dry run computes all the same, and keeps nothing: for pilots that say what the work will be."""
    now = current.get()
    with _now(None if now is not None and now.dry_run else now):
        yield


def independent(*stages: Callable[[], Any]) -> list[Any]:
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


def keeps() -> bool:
    """Whether there is a session that keeps results or sends tasks away: they must then be data, and have a name."""
    now = current.get()
    return now is not None and (now.store is not None or now.executor is not None)


def seeds(seed: Seed, n: int) -> list[np.random.SeedSequence]:
    """n independent children of the seed, SeedSequence(seed).spawn(n)."""
    checks.memory(f"{n} runs", BYTES * n, "reduce the number of runs")
    return sequence(seed).spawn(n)


def run(
    task: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int = 1,
    processes: bool = False,
    cost: Callable[[Item], float] | None = None,
    label: str = "",
    progress: bool = True,
) -> list[Result]:
    """task(item) for every item, in the order of the items, so that it does not depend on who finished first.

    workers: how many at a time; 0 takes all cores. processes=False runs threads, right for kernels that
    release the interpreter lock; processes=True starts fresh interpreters (task and items must pickle).
    cost: of an item, in any unit; the costliest are begun first, which keeps all workers busy to the end.
    progress: a bar on standard error while that is a terminal.
    The first exception of a task is raised as it is; what had not begun is not run.
    In a `session` with an executor, one of `runs.executors` or any of concurrent.futures, they run there; it is left
    open. In one with a store, what is there is not run again, and what comes is kept, by function, arguments and
    seed; a function without a name of its own, made inside another, is run here and not kept: a warning says so.
    """
    how: Any = {"workers": workers, "processes": processes, "cost": cost, "label": label, "progress": progress}
    return list(stream(task, items, **how))


def stream(
    task: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int = 1,
    processes: bool = False,
    cost: Callable[[Item], float] | None = None,
    label: str = "",
    progress: bool = True,
) -> Iterator[Result]:
    """The same one by one, in the order of the items; only those are kept in memory that came before their turn."""
    work, label, now = list(items), label or getattr(task, "__name__", "tasks"), current.get() or Session()
    tasks = _tasks(task, work) if keeps() else None
    store = None if tasks is None or now.store is None else now.store.of(getattr(task, "task", task))
    costs = [1.0 if cost is None else cost(item) for item in work]
    order = sorted(range(len(work)), key=lambda place: -costs[place])
    jobs = [Job(place, work[place], tasks[place] if tasks else UNNAMED) for place in order]
    keeper, counter = (Keeper(store, now.experiment, lambda one: now.resume and not one.kind) for _ in range(2))
    workers = min(executors.number(workers), max(len(work), 1))
    if now.dry_run and (missing := list(counter.split(jobs))):
        now.plan.append(_step(label, task, missing, costs, workers))
        raise Planned
    waiting: dict[int, Result] = {}
    n = 0
    with ExitStack() as stack:
        where = now.executor if tasks else None
        if where is None:
            make = executors.processes if processes else executors.threads
            where = stack.enter_context(executors.Here() if workers == 1 and not processes else make(workers))
        draw = stack.enter_context(bar(label, progress))
        for some in stack.enter_context(closing(drive(task, jobs, len(jobs), where, keeper, stop=True))):
            for one in some:
                if one.error is not None:
                    raise one.error
                waiting[one.place] = one.outcome.value
            draw(n + len(waiting), len(work))
            while n in waiting:
                yield waiting.pop(n)
                n += 1


def _tasks(function: Callable[[Any], Any], work: Sequence[Any]) -> list[Task] | None:
    """The tasks by name; None, with a warning, where one has none."""
    try:
        name = namer(function)
        return [name(item) for item in work]
    except ValueError as error:
        what = getattr(function, "__name__", function)
        way = "make it a function at the top of a module, with its parameters as data"
        warnings.warn(f"{what} is run here, neither kept nor sent away: {error}; {way}", UserWarning, stacklevel=4)
        return None


def _step(
    label: str, function: Callable[[Any], Any], missing: Sequence[Job], costs: Sequence[float], workers: int
) -> Step:
    """Of a dry run: how long the missing tasks take, by the time of the cheapest of them."""
    left = {job.place: costs[job.place] for job in missing}
    cheapest = min(missing, key=lambda job: left[job.place])
    with _now(None):
        wall = _seconds(function, cheapest)
        if wall < PATIENCE:  # the first time may compile and load
            wall = min(wall, _seconds(function, cheapest))
    seconds = wall * sum(left.values()) / max(left[cheapest.place], 1e-300) / min(workers, len(left))
    return Step(label, len(costs), len(costs) - len(left), seconds)


def _seconds(function: Callable[[Any], Any], job: Job) -> float:
    done = run_one(function, job)
    if done.error is not None:
        raise done.error
    return done.outcome.wall or 0.0


@contextmanager
def _now(session: Session | None) -> Iterator[Any]:
    token = current.set(session)
    try:
        yield session
    finally:
        current.reset(token)
