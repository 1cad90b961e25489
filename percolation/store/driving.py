"""One driver at a time: two scans on one store must not run the same task twice."""

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLL = 0.2  # seconds


@contextmanager
def driving(path: Path) -> Iterator[None]:
    """Hold FILE-driver, waiting for whoever holds it.

    The lock is SQLite's own, on an empty file: it works where the store does, and the system drops it when the process
    ends, kill -9 included, so none is ever left behind. (A lock on the store itself would drop SQLite's locks there.)
    """
    lock = sqlite3.connect(
        path.with_name(path.name + "-driver"), timeout=0, isolation_level=None, check_same_thread=False
    )
    try:
        _acquire(lock, path)
        yield
    finally:
        lock.close()


def _acquire(lock: sqlite3.Connection, path: Path) -> None:
    said = False
    while True:
        try:
            lock.execute("BEGIN EXCLUSIVE")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise OSError(f"cannot make {path}-driver, the lock of the store: {error}") from error
        if not said:
            logging.getLogger(__name__).warning("another scan is running on %s; waiting until it ends", path)
            said = True
        time.sleep(POLL)
