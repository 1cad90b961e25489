"""A pool of processes in which one worker's death or hang is the end of one call, not of the pool.

The standard library's pool breaks as a whole when a worker dies, cannot stop a call that hangs, and leaves its
workers behind when the driver is killed. Here a thread of the driver owns each worker and sends it a call at a time.
"""

import atexit
import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass
from multiprocessing import connection, get_context
from multiprocessing.reduction import ForkingPickler
from typing import Any, ParamSpec, TypeVar

from percolation import checks
from percolation.executors.worker import READY, FromWorker, serve

P = ParamSpec("P")
T = TypeVar("T")
_SPAWN = get_context("spawn")  # a forked child would inherit the locks of numba's and torch's threads
_starting = threading.Lock()


class WorkerDied(BrokenExecutor):
    """The worker that ran this call is gone; others go on."""


class Hung(TimeoutError):
    """The call was stopped at its timeout."""


@dataclass(frozen=True)
class Call:
    future: Future[Any]
    payload: bytes  # function, arguments, keywords


class Worker:
    """A worker process and the pipe to it."""

    def __init__(self) -> None:
        self.pipe, its_end = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=serve, args=(its_end,))
        with _starting:
            self.process.start()
        its_end.close()
        if self._read(None) != READY:
            raise BrokenExecutor(
                f"a worker process did not start (exit code {self.process.exitcode}); a script that uses processes "
                'must begin its work under `if __name__ == "__main__":`'
            )

    def answer(self, payload: bytes, timeout: float | None) -> Any:
        """The call's result; or its exception, WorkerDied, or Hung."""
        try:
            self.pipe.send_bytes(payload)
        except OSError:
            pass  # it died while idle; the reading says so
        answer = self._read(None) and self._read(timeout)
        if answer is None:
            raise WorkerDied(f"a worker process died, exit code {self.process.exitcode}")
        well, value, told = ForkingPickler.loads(answer)
        if not well:
            value.__cause__ = FromWorker(told)
            raise value
        return value

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()

    def _read(self, timeout: float | None) -> bytes | None:
        """What the worker says; None: it is gone."""
        if not connection.wait([self.pipe, self.process.sentinel], timeout):
            raise Hung(f"stopped after {timeout:g} s")
        try:
            if self.pipe.poll():
                return self.pipe.recv_bytes()
        except (EOFError, OSError):
            pass
        self.process.join()
        return None


class Processes(Executor):
    """An executor of n_workers spawned processes; functions and arguments must pickle.

    timeout: seconds that a call may take; then its worker is killed, the future raises Hung, a new worker takes over.
    """

    def __init__(self, n_workers: int, *, timeout: float | None = None) -> None:
        self.n_workers = checks.integer("n_workers", n_workers, at_least=1)
        self.timeout = None if timeout is None else checks.positive("timeout", timeout)
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._workers: set[Worker] = set()
        self._closed, self._killed, self._broken = False, False, ""
        # idle workers would keep the interpreter from ending where nobody called shutdown
        self._at_exit = weakref.WeakMethod(self.kill)
        atexit.register(_kill, self._at_exit)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        if self._closed:
            raise RuntimeError("cannot submit to an executor that was shut down")
        if self._broken:
            raise BrokenExecutor(self._broken)
        call = Call(Future(), bytes(ForkingPickler.dumps((fn, args, kwargs))))
        self._calls.put(call)
        if len(self._threads) < self.n_workers:
            thread = threading.Thread(target=self._own_a_worker, daemon=True)
            self._threads.append(thread)
            thread.start()
        return call.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures:
            self._cancel_waiting()
        if not self._closed:
            self._closed = True
            for _ in self._threads:
                self._calls.put(None)
        if wait:
            for thread in self._threads:
                thread.join()
            atexit.unregister(self._at_exit)

    def kill(self) -> None:
        """End the workers at once; what they were running raises WorkerDied, what was waiting is cancelled."""
        self._killed = True
        self.shutdown(wait=False, cancel_futures=True)
        for worker in list(self._workers):
            worker.process.kill()
        self.shutdown()

    def _own_a_worker(self) -> None:
        worker: Worker | None = None
        while (call := self._calls.get()) is not None:
            if call.future.set_running_or_notify_cancel():
                worker = self._run(call, worker)
        if worker is not None:
            self._end(worker)

    def _run(self, call: Call, worker: Worker | None) -> Worker | None:
        """Let the worker, or a new one, answer; returns it if it can be used again."""
        try:
            if worker is None:
                worker = Worker()
                self._workers.add(worker)
                if self._killed:  # while it was starting
                    worker.process.kill()
            call.future.set_result(worker.answer(call.payload, self.timeout))
            return worker
        except (WorkerDied, Hung) as error:
            assert worker is not None
            self._end(worker)
            call.future.set_exception(error)
            return None
        except BaseException as error:
            if worker is None:
                self._broken = str(error)
            call.future.set_exception(error)
            return worker

    def _end(self, worker: Worker) -> None:
        worker.kill()
        self._workers.discard(worker)

    def _cancel_waiting(self) -> None:
        while True:
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                return
            if call is None:
                self._calls.put(None)
                return
            call.future.cancel()


def _kill(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    kill = method()
    if kill is not None:
        kill()
