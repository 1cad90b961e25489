"""What runs inside a worker process."""

import os
import signal
import threading
import traceback
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any

READY = b"ready"
LOADED = b"loaded"  # the call's modules are imported, which may take longer than the call: its time starts now


def serve(calls: Connection) -> None:
    """Answer calls until the driver closes its end or ends itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal's processes; the driver decides
    threading.Thread(target=_end_with_driver, daemon=True).start()
    calls.send_bytes(READY)
    while True:
        try:
            call = calls.recv_bytes()
        except (EOFError, OSError):
            return
        calls.send_bytes(_answer(call, calls))


class FromWorker(Exception):
    """The traceback in the worker, as the cause of an exception that came from there."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _answer(call: bytes, calls: Connection) -> bytes:
    try:
        try:
            function, arguments, keywords = ForkingPickler.loads(call)
        finally:
            calls.send_bytes(LOADED)
        return _pickled(True, function(*arguments, **keywords), "")
    except BaseException as error:
        told = "".join(traceback.format_exception(error))
        try:
            return _pickled(False, error, told)
        except Exception:
            return _pickled(False, RuntimeError(f"{type(error).__name__}: {error}"), told)


def _pickled(*answer: Any) -> bytes:
    return bytes(ForkingPickler.dumps(answer))


def _end_with_driver() -> None:
    driver = parent_process()
    assert driver is not None
    wait([driver.sentinel])
    os._exit(1)  # the task's result has nowhere to go
