"""A lock that is a file beside what it guards: the system drops it when its process ends, however it ends."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_held: set[int] = set()  # descriptors


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of this file, made for it and removed at the end; whoever else wants it waits until then."""
    lock = _locked(path)
    try:
        yield
    finally:
        if lock in _held:
            if os.fstat(lock).st_nlink:
                path.unlink()  # while it is held: who waits for it finds it gone
            _release(lock)


def _locked(path: Path) -> int:
    while True:
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise OSError(f"cannot make the lock {path}: {error.strerror}") from error
        _held.add(lock)
        try:
            _wait(lock, path)
            if os.fstat(lock).st_nlink:
                return lock
        except BaseException:
            _release(lock)
            raise
        _release(lock)  # it was removed while we waited, and another may have been made


def _wait(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        logging.getLogger(__name__).warning("another scan holds %s; waiting until it ends", path)
        fcntl.flock(lock, fcntl.LOCK_EX)


def _release(lock: int) -> None:
    _held.discard(lock)
    os.close(lock)


def _release_in_child() -> None:
    """A forked child must not hold the lock beyond its parent's end."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_release_in_child)
