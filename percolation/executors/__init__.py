"""Where tasks run: threads, processes, a Dask cluster, or any executor of concurrent.futures.

A result does not depend on which one it is, nor on the number of workers.
"""

import os
from concurrent.futures import Executor, ThreadPoolExecutor

from percolation import checks
from percolation.executors.cluster import Dask
from percolation.executors.pool import Hung, Processes, WorkerDied

__all__ = ["Dask", "Hung", "Processes", "WorkerDied", "dask", "n_workers", "processes", "threads", "worker_died"]


def threads(workers: int = 0) -> ThreadPoolExecutor:
    """Threads of this process, 0: one a core; right for kernels that release the interpreter lock."""
    return ThreadPoolExecutor(_number(workers))


def processes(workers: int = 0, *, timeout: float | None = None) -> Processes:
    """Fresh interpreters, 0: one a core; they outlive a task that dies or hangs, and nothing outlives the driver.

    timeout: seconds after which what was submitted is stopped; None never.
    """
    return Processes(_number(workers), timeout=timeout)


def dask(scheduler: str | None = None, *, local: int | None = None, resources: dict[str, float] | None = None) -> Dask:
    """A Dask cluster: the scheduler's address, tcp://HOST:PORT, or a local one of so many processes.

    resources: what every task needs of a worker's `--resources`; {"GPU": 1} runs one task a device.
    """
    return Dask(scheduler, local=local, resources=resources)


def n_workers(executor: Executor) -> int:
    """How many tasks the executor runs at a time; the number of cores where it does not say."""
    known = getattr(executor, "n_workers", None) or getattr(executor, "_max_workers", None)
    return int(known or os.cpu_count() or 1)


def worker_died(error: BaseException) -> bool:
    """Whether what was submitted ended with this error because its worker did; the executor itself goes on."""
    return isinstance(error, WorkerDied) or type(error).__name__ == "KilledWorker"  # of distributed, where installed


def _number(workers: int) -> int:
    return checks.integer("workers", workers, at_least=0) or os.cpu_count() or 1
