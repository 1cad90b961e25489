"""Where tasks run: threads, processes, a Dask cluster, or any executor of concurrent.futures.

A result does not depend on which one it is, nor on the number of workers.
"""

import importlib
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from multiprocessing import connection, get_context, parent_process
from typing import Any, ParamSpec, TypeVar

from percolation import checks

P = ParamSpec("P")
T = TypeVar("T")
_SPAWN = get_context("spawn")  # a forked child would inherit the locks of numba's and torch's threads


class WorkerDied(BrokenExecutor):
    """The worker that ran this call is gone; others go on."""


def threads(workers: int = 0) -> ThreadPoolExecutor:
    """Threads of this process, 0: one a core; right for kernels that release the interpreter lock."""
    return ThreadPoolExecutor(number(workers))


def processes(workers: int = 0, *, timeout: float | None = None) -> "Processes":
    """Fresh interpreters, 0: one a core; they outlive a task that dies or hangs, and nothing outlives the driver.

    timeout: seconds after which what was submitted is stopped; None never.
    """
    return Processes(number(workers), timeout=timeout)


def dask(
    scheduler: str | None = None, *, local: int | None = None, resources: dict[str, float] | None = None
) -> "Dask":
    """A Dask cluster: the scheduler's address, tcp://HOST:PORT, or a local one of so many processes.

    resources: what every task needs of a worker's `--resources`; {"GPU": 1} runs one task a device.
    """
    return Dask(scheduler, local=local, resources=resources)


def n_workers(executor: Executor) -> int:
    """How many tasks the executor runs at a time; the number of cores where it does not say."""
    known = getattr(executor, "n_workers", None) or getattr(executor, "_max_workers", None)
    return int(known or os.cpu_count() or 1)


def death(error: BaseException) -> str:
    """How the worker died, if what was submitted ended with this error for that and the executor goes on; else ""."""
    if type(error).__name__ == "ProcessExpired":  # of pebble
        return f"a worker process died, exit code {getattr(error, 'exitcode', 'unknown')}"
    of_dask = type(error).__name__ == "KilledWorker"
    return str(error) or "a worker died" if of_dask or isinstance(error, WorkerDied) else ""


class Here(Executor):
    """No workers at all: what is submitted runs at once, in the thread that submits it."""

    n_workers = 1

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Processes(Executor):
    """n_workers fresh interpreters, of pebble; functions and arguments must pickle.

    There a worker's death or hang is the end of one call: its future raises ProcessExpired or TimeoutError, a new
    worker takes over. Of the standard library's pool, and loky's, a death is the end, and no call can be stopped.
    timeout: seconds that a call may take once its function is imported.
    """

    def __init__(self, n_workers: int, *, timeout: float | None = None) -> None:
        import pebble  # starting it loads what threads do without

        self.n_workers = checks.integer("n_workers", n_workers, at_least=1)
        self._timeout = None if timeout is None else checks.positive("timeout", timeout)
        self._pool = pebble.ProcessPool(self.n_workers, context=_SPAWN, initializer=_begin)
        self._open: set[Future[Any]] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = self._pool.schedule(fn, args=args, kwargs=kwargs, timeout=self._timeout)
        self._open.add(future)
        future.add_done_callback(self._open.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._pool.stop() if cancel_futures else self._pool.close()
        if wait:
            self._pool.join()
            for future in tuple(self._open):  # pebble loses one that it was handing over when it was stopped
                future.cancel()

    def kill(self) -> None:
        """End the workers at once; what was not done is cancelled."""
        self.shutdown(cancel_futures=True)


def _begin() -> None:
    """In a new worker: Ctrl-C, which all of a terminal's processes get, is the driver's; the worker ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_driver, daemon=True).start()


def _end_with_driver() -> None:
    driver = parent_process()
    assert driver is not None
    connection.wait([driver.sentinel])
    os._exit(1)  # the task's result has nowhere to go


class Dask(Executor):
    """A Dask client as an executor that knows how many workers there are, closed together with what it started.

    Dask is imported where it is asked for: it is an extra, `cluster`. Its own `Client.get_executor` would do, but for a
    result that is lost with its worker (distributed 2026.8): there such a future never ends, here it says so.
    """

    def __init__(
        self,
        scheduler: str | None,
        *,
        local: int | None,
        resources: dict[str, float] | None = None,
        patience: float = 30.0,  # seconds to wait for the scheduler
    ) -> None:
        if (scheduler is None) == (local is None):
            raise ValueError("name the address of a scheduler, or the number of local processes: one of the two")
        try:
            distributed = importlib.import_module("distributed")
        except ImportError as error:
            raise ValueError("Dask is not installed; `pip install 'highdim-percolation[cluster]'`") from error
        self._cluster = None if local is None else _local(distributed, local, resources)
        try:
            self.client = distributed.Client(self._cluster or scheduler, timeout=patience, set_as_default=False)
        except OSError as error:
            raise OSError(
                f"no Dask scheduler answers at {scheduler}: {error}; start one with `dask scheduler`"
            ) from error
        self._counted, self._n_workers = float("-inf"), 0
        self._open: set[Future[Any]] = set()
        self._resources = {"resources": resources} if resources else {}

    @property
    def n_workers(self) -> int:
        """Threads of all the workers there are, asked for every two seconds: workers come and go."""
        if time.monotonic() - self._counted > 2:
            self._counted, self._n_workers = time.monotonic(), sum(self.client.nthreads().values())
        return max(self._n_workers, 1)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        # pure: the same call twice is two calls
        remote = self.client.submit(fn, *args, pure=False, **self._resources, **kwargs)
        future: Future[T] = Future()
        self._open.add(future)
        self.client.loop.add_callback(self._settle, remote, future)
        future.add_done_callback(lambda own: remote.cancel() if own.cancelled() else None)
        return future

    async def _settle(self, remote: Any, future: Future[Any]) -> None:
        """Hand the outcome on, in Dask's event loop: many can be on their way at once."""
        outcome: Any = None
        error: BaseException | None = None
        try:
            outcome = await self.client.gather(remote, asynchronous=True)
        except CancelledError:
            error = WorkerDied("the result was lost with the worker that held it")
        except BaseException as raised:
            error = raised
        self._open.discard(future)
        if not future.set_running_or_notify_cancel():
            return
        if error is None:
            future.set_result(outcome)
        else:
            future.set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for future in list(self._open) if cancel_futures else ():
            future.cancel()
        if wait:
            wait_for(list(self._open))
        self.client.close()
        if self._cluster is not None:
            self._cluster.close()


def _local(distributed: Any, workers: int, resources: dict[str, float] | None) -> Any:
    checks.integer("local", workers, at_least=1)
    dask = importlib.import_module("dask")
    # Dask blames a death on all that the worker had been given: the driver hears of each, and finds out which it was
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        return distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, resources=resources
        )


def number(workers: int) -> int:
    """The workers asked for; for 0 as many as there are cores."""
    return checks.integer("workers", workers, at_least=0) or os.cpu_count() or 1
