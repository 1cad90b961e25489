"""The one loop: jobs out to workers, outcomes back into the store and to whoever asked; again where workers die."""

import pickle
import queue
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import parent_process
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from percolation.runs import executors
from percolation.runs.tasks import Outcome, Task

if TYPE_CHECKING:
    from percolation.runs.store import Store

BATCH = 0.1  # seconds that a batch should take, at least
SHARE = 5e-3  # seconds of a batch a worker: handing one out costs the driver half of that, see docs/scaling.md
LARGEST = 1000  # jobs a batch, outcomes a transaction
DEATHS = 3  # of workers, and a task is given up
WRITE_INTERVAL = 0.25  # seconds between two transactions, which is what a kill can cost, and two drawings of the bar

current: ContextVar[Any] = ContextVar("session", default=None)  # the driver's; what a task runs in turn is its own


class NotFinite(ValueError):
    """A result holds a number that is not finite."""


@dataclass(frozen=True)
class Job:
    """One call that is to be made."""

    place: Any  # what the driver knows it by
    item: Any  # what the function is called with
    task: Task


@dataclass(frozen=True)
class Done:
    """What came of a job."""

    place: Any
    outcome: Outcome
    error: BaseException | None = None  # that the function raised
    ran: bool = True  # now, and was not found in the store


def drive(
    function: Callable[[Any], Any],
    jobs: Iterable[Job],
    n: int,
    executor: Executor,
    keeper: "Keeper",
    *,
    stop: bool = False,
    until: float = float("inf"),
) -> Generator[list[Done]]:
    """What comes of n jobs, from the store or from the workers, as it comes; what has finished is kept however it ends.

    A caller that takes its time over what it is given loses none of it by a kill.
    stop: whether a failure ends its batch. until: on the monotonic clock; after that nothing new is begun.
    """
    dispatch, held = Dispatch(function, executor, keeper.split(jobs), n, stop), float("inf")
    try:
        while True:
            late = time.monotonic() >= until
            dispatch.fill(late)
            found = keeper.taken()
            if not found and dispatch.idle:
                return
            done = dispatch.collect(0 if found else WRITE_INTERVAL)
            keeper.keep([one.outcome for one in done])
            if held > WRITE_INTERVAL / 10:  # the caller takes its time: what it is given is written before
                keeper.flush()
            given = time.monotonic()
            yield found + done
            held = time.monotonic() - given if found or done else held
    except BaseException:
        with suppress(Exception):  # the first error is what counts
            keeper.keep([one.outcome for one in dispatch.abandon()])
        raise
    finally:
        keeper.flush()


class Keeper:
    """Between jobs and a store: what is there is taken, what comes is written, several in a transaction.

    accept: which outcomes of the store are taken for an answer. Without a store nothing is found, and nothing kept.
    """

    def __init__(self, store: "Store | None", experiment: str, accept: Callable[[Outcome], bool]) -> None:
        self._store, self._experiment, self._accept = store, experiment, accept
        self._waiting: list[Outcome] = []
        self._used: list[Task] = []
        self._found: list[Done] = []
        self._written = time.monotonic()

    def split(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """Those that are to be run; what the store has of the others is `taken`."""
        jobs = iter(jobs)
        while page := list(islice(jobs, LARGEST)):
            found = {} if self._store is None else self._store.find([job.task for job in page])
            for job in page:
                outcome = found.get(job.task.key)
                if outcome is None or not self._accept(outcome):
                    yield job
                else:
                    self._found.append(Done(job.place, outcome, ran=False))
                    self._used.append(job.task)

    def taken(self) -> list[Done]:
        """What was found since the last time."""
        found, self._found = self._found, []
        return found

    def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Take these; what has waited for long enough is written."""
        if self._store is not None:
            self._waiting += outcomes
            n = len(self._waiting) + len(self._used)
            if n >= LARGEST or n and time.monotonic() - self._written >= WRITE_INTERVAL:
                self.flush()

    def flush(self) -> None:
        """Write all in one transaction."""
        if self._store is not None and not self._store.database.read_only and (self._waiting or self._used):
            self._store.write(self._waiting, self._used, experiment=self._experiment)
            self._waiting, self._used = [], []
        self._written = time.monotonic()


class Dispatch:
    """A bounded number of jobs in flight.

    Where a worker dies, its batch is tried again job by job. Some executors blame a death on all that the worker had
    been given, so the last try of a job is made with nothing else in flight: what dies then has itself to blame.
    """

    def __init__(
        self, function: Callable[[Any], Any], executor: Executor, jobs: Iterator[Job], remaining: int, stop: bool
    ) -> None:
        self._executor, self._call = executor, partial(run_batch, function, stop)
        self._jobs, self._remaining = jobs, remaining
        self._arrived: queue.SimpleQueue[Future[list[Done]]] = queue.SimpleQueue()
        self._in_flight: dict[Future[list[Done]], Sequence[Job]] = {}
        self._again: deque[Job] = deque()
        self._last_tries: deque[Job] = deque()
        self._deaths: Counter[Hashable] = Counter()
        self._wall, self._n = 0.0, 0

    @property
    def idle(self) -> bool:
        """Nothing is in flight and nothing is to be tried again."""
        return not (self._in_flight or self._again or self._last_tries)

    def fill(self, late: bool) -> None:
        """Submit until each worker has a batch and another waiting; late: nothing new."""
        workers = executors.n_workers(self._executor)
        most = 1 if isinstance(self._executor, executors.Here) else 2 * workers
        while len(self._in_flight) < most and not self._last_tries:
            new = [] if late or self._again else list(islice(self._jobs, self._size(workers)))
            self._remaining -= len(new)
            if not (batch := [self._again.popleft()] if self._again else new):
                break
            self._submit(batch)
        if self._last_tries and not self._in_flight:
            self._submit([self._last_tries.popleft()])

    def collect(self, seconds: float) -> list[Done]:
        """What has arrived; if nothing, the next batch, waiting up to so many seconds for it."""
        done = []
        with suppress(queue.Empty):
            done += self._done(self._arrived.get(timeout=seconds))
            while True:
                done += self._done(self._arrived.get_nowait())
        return done

    def abandon(self) -> list[Done]:
        """End it all: what has finished; threads are waited for, they cannot be stopped."""
        for future in self._in_flight:
            future.cancel()
        if isinstance(self._executor, ThreadPoolExecutor):
            wait(self._in_flight)
        finished = [one for one in self._in_flight if one.done() and not one.cancelled() and not one.exception()]
        if isinstance(self._executor, executors.Processes):
            self._executor.kill()
        return [done for future in finished for done in future.result()]

    def _size(self, workers: int) -> int:
        """Jobs a batch, from the time they have taken; towards the end small enough to keep all workers busy."""
        quick = max(BATCH, SHARE * workers) * self._n / self._wall if self._wall else LARGEST if self._n else 1
        return max(1, min(int(quick), LARGEST, self._remaining // (4 * workers)))

    def _submit(self, batch: Sequence[Job]) -> None:
        future = self._executor.submit(self._call, batch)
        self._in_flight[future] = batch
        future.add_done_callback(self._arrived.put)

    def _done(self, future: Future[list[Done]]) -> list[Done]:
        batch = self._in_flight.pop(future)
        try:
            done = future.result()
        except TimeoutError as error:  # of the executor: those of the function are in its outcome
            if len(batch) == 1:
                return [_failed(batch[0], "hung", f"stopped at its timeout: {error}", error)]
            self._again.extend(batch)
            return []
        except CancelledError as error:
            raise BrokenExecutor("the executor dropped tasks, was it closed?") from error
        except Exception as error:
            if not (told := executors.death(error)):
                raise
            return [one for job in batch for one in self._died(job, error, told)]
        self._wall += sum(one.outcome.wall or 0.0 for one in done)
        self._n += len(done)
        return done

    def _died(self, job: Job, error: Exception, told: str) -> list[Done]:
        self._deaths[job.place] += 1
        if self._deaths[job.place] >= DEATHS:
            return [_failed(job, "died", f"{DEATHS} workers died on it; the last: {told}", error)]
        last = self._deaths[job.place] == DEATHS - 1
        (self._last_tries if last else self._again).append(job)
        return []


def run_batch(function: Callable[[Any], Any], stop: bool, batch: Sequence[Job]) -> list[Done]:
    """What a worker does: jobs one after the other, and an outcome for each whatever happens."""
    done: list[Done] = []
    token = current.set(None)
    try:
        for job in batch:
            done.append(run_one(function, job))
            if stop and done[-1].error is not None:
                break
    finally:
        current.reset(token)
    return done


def run_one(function: Callable[[Any], Any], job: Job) -> Done:
    """The job's outcome; its item, if that is a seed, made anew: the children that it spawns are the first ones."""
    item = job.item
    if isinstance(item, np.random.SeedSequence):
        item = np.random.SeedSequence(item.entropy, spawn_key=item.spawn_key, pool_size=item.pool_size)
    wall, cpu = time.perf_counter(), time.thread_time()
    try:
        value = function(item)
    except NotFinite as error:
        return _failed(job, "nan", str(error), error)
    except (Exception, SystemExit) as error:
        told = "".join(traceback.format_exception(error))
        return _failed(job, "raised", f"{type(error).__name__}: {error}", _sendable(error, told), told)
    return Done(job.place, Outcome(job.task, value, wall=time.perf_counter() - wall, cpu=time.thread_time() - cpu))


def _failed(job: Job, kind: str, message: str, error: BaseException, told: str = "") -> Done:
    return Done(job.place, Outcome(job.task, None, kind, message, told), error)


def _sendable(error: BaseException, told: str) -> BaseException:
    """The error as it is; from another process one that can be sent, with what was told there."""
    if parent_process() is None:
        return error
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(told)
    return error


@contextmanager
def bar(label: str, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Call it with what is done and what is to be done; a bar on standard error, while that is a terminal."""
    console, drawn = Console(stderr=True), 0.0
    shown = shown and console.is_terminal

    def draw(done: int, total: int) -> None:
        nonlocal drawn
        if shown and time.monotonic() - drawn > WRITE_INTERVAL:
            drawn = time.monotonic()
            progress.update(row, completed=done, total=total)

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not shown) as progress:
        row = progress.add_task(label, total=None)
        yield draw
