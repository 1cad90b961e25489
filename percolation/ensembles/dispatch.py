"""Batches on their way to workers: a bounded number in flight, retries where a worker died or a task hangs."""

import queue
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

from percolation import executors
from percolation.ensembles.batches import Outcome, Work, run_batch

BATCH = 0.1  # seconds that a batch should take, at least
SHARE = 5e-3  # seconds of a batch a worker: handing one out costs the driver half of that, see docs/scaling.md
LARGEST = 1000  # tasks a batch
DEATHS = 3  # of workers, and a task is given up


class Dispatch:
    """Hands out work and collects outcomes.

    Where a worker dies, its batch is tried again task by task. Some executors blame a death on all that the worker had
    been given, so the last try of a task is made with nothing else in flight: what dies then has itself to blame.
    """

    def __init__(self, function: Callable[..., Any], executor: Executor) -> None:
        self.executor, self._call = executor, partial(run_batch, function)
        self._arrived: queue.SimpleQueue[Future[list[Outcome]]] = queue.SimpleQueue()
        self._in_flight: dict[Future[list[Outcome]], Sequence[Work]] = {}
        self._again: deque[Work] = deque()
        self._last_tries: deque[Work] = deque()
        self._deaths: Counter[str] = Counter()
        self._wall, self._n = 0.0, 0

    @property
    def idle(self) -> bool:
        """Nothing is in flight and nothing is to be tried again."""
        return not (self._in_flight or self._again or self._last_tries)

    def fill(self, take: Callable[[int], Sequence[Work]], remaining: int) -> None:
        """Submit work until each worker has a batch and another waiting; take(n) gives up to n that are to be run."""
        workers = executors.n_workers(self.executor)
        while len(self._in_flight) < 2 * workers and not self._last_tries:
            batch = [self._again.popleft()] if self._again else take(self._size(remaining, workers))
            if not batch:
                return
            self._submit(batch)
        if self._last_tries and not self._in_flight:
            self._submit([self._last_tries.popleft()])

    def collect(self, seconds: float) -> list[Outcome]:
        """Outcomes that have arrived; if none, those of the next batch, waiting up to so many seconds for it."""
        outcomes = []
        try:
            outcomes += self._outcomes(self._arrived.get(timeout=seconds))
            while True:
                outcomes += self._outcomes(self._arrived.get_nowait())
        except queue.Empty:
            return outcomes

    def abandon(self) -> list[Outcome]:
        """End it all: outcomes of what has finished; threads are waited for, they cannot be stopped."""
        for future in self._in_flight:
            future.cancel()
        if isinstance(self.executor, ThreadPoolExecutor):
            wait(self._in_flight)
        finished = [one for one in self._in_flight if one.done() and not one.cancelled() and not one.exception()]
        if isinstance(self.executor, executors.Processes):
            self.executor.kill()
        return [outcome for future in finished for outcome in future.result()]

    def _size(self, remaining: int, workers: int) -> int:
        """Tasks a batch, from the time they have taken; towards the end small enough to keep all workers busy."""
        quick = max(BATCH, SHARE * workers) * self._n / self._wall if self._wall else LARGEST if self._n else 1
        return max(1, min(int(quick), LARGEST, remaining // (4 * workers)))

    def _submit(self, batch: Sequence[Work]) -> None:
        future = self.executor.submit(self._call, batch)
        self._in_flight[future] = batch
        future.add_done_callback(self._arrived.put)

    def _outcomes(self, future: Future[list[Outcome]]) -> list[Outcome]:
        batch = self._in_flight.pop(future)
        try:
            outcomes = future.result()
        except executors.Hung as error:
            return self._hung(batch, str(error))
        except CancelledError as error:
            raise BrokenExecutor("the executor dropped tasks, was it closed?") from error
        except Exception as error:
            if not executors.worker_died(error):
                raise
            return [outcome for work in batch for outcome in self._died(work, str(error))]
        self._wall += sum(outcome.wall for outcome in outcomes)
        self._n += len(outcomes)
        return outcomes

    def _hung(self, batch: Sequence[Work], message: str) -> list[Outcome]:
        if len(batch) == 1:
            return [Outcome(batch[0], None, "hung", message)]
        self._again.extend(batch)
        return []

    def _died(self, work: Work, message: str) -> list[Outcome]:
        self._deaths[work.task.key] += 1
        if self._deaths[work.task.key] >= DEATHS:
            return [Outcome(work, None, "died", f"{DEATHS} workers died on it; the last: {message}")]
        last = self._deaths[work.task.key] == DEATHS - 1
        (self._last_tries if last else self._again).append(work)
        return []
