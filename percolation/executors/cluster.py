"""A Dask cluster as an executor. Dask is imported where it is asked for: it is an extra, `cluster`."""

import importlib
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures import wait as wait_for
from typing import Any, ParamSpec, TypeVar

from percolation import checks
from percolation.executors.pool import WorkerDied

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE = 30.0  # seconds to wait for the scheduler
EVERY = 2.0  # seconds


class Dask(Executor):
    """Dask's own executor, which also knows how many workers there are, closed together with what it started."""

    def __init__(
        self,
        scheduler: str | None,
        *,
        local: int | None,
        resources: dict[str, float] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        if (scheduler is None) == (local is None):
            raise ValueError("name the address of a scheduler, or the number of local processes: one of the two")
        distributed = _distributed()
        self._cluster = None if local is None else _local(distributed, local, resources)
        try:
            self.client = distributed.Client(self._cluster or scheduler, timeout=patience, set_as_default=False)
        except OSError as error:
            raise OSError(
                f"no Dask scheduler answers at {scheduler}: {error}; start one with `dask scheduler`"
            ) from error
        self._counted, self._n_workers = -EVERY, 0
        self._open: set[Future[Any]] = set()
        self._resources = {"resources": resources} if resources else {}

    @property
    def n_workers(self) -> int:
        """Threads of all the workers there are, asked for every few seconds: workers come and go."""
        if time.monotonic() - self._counted > EVERY:
            self._counted, self._n_workers = time.monotonic(), sum(self.client.nthreads().values())
        return max(self._n_workers, 1)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As Dask's own executor does it, except that a result which was lost with its worker is said to be lost:
        there (distributed 2026.8) such a future never ends."""
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
        if cancel_futures:
            for future in list(self._open):
                future.cancel()
        if wait:
            wait_for(list(self._open))
        self.client.close()
        if self._cluster is not None:
            self._cluster.close()


def _distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise ValueError("Dask is not installed; `pip install 'highdim-percolation[cluster]'`") from error


def _local(distributed: Any, workers: int, resources: dict[str, float] | None) -> Any:
    checks.integer("local", workers, at_least=1)
    dask = importlib.import_module("dask")
    # Dask blames a death on all that the worker had been given: the driver hears of each, and finds out which it was
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        return distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, resources=resources
        )
