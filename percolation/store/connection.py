"""The open file: settings, transactions, and SQLite's errors in our words."""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from percolation.store import schema

PATIENCE = 60.0  # seconds to wait for another process that is writing
SETTINGS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",  # a committed result outlives a power cut; commits are few, see ensembles
    "PRAGMA cache_size = -65536",
)


class Connection:
    """One SQLite connection, for any thread of this process; a forked child gets one of its own."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path, self.read_only = path, read_only
        self._renew()
        _connections.add(self)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._own() as database:
            return database.execute(sql, values).fetchall()

    def pages(self, sql: str, values: Sequence[Any] = (), size: int = 500) -> Iterator[list[tuple[Any, ...]]]:
        """The rows, `size` at a time."""
        with self._own() as database:
            cursor = database.execute(sql, values)
        while True:
            with self._own():
                page = cursor.fetchmany(size)
            if not page:
                return
            yield page

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """What is written inside appears whole or not at all."""
        if self.read_only:
            raise OSError(f"{self.path} was opened to read; it cannot be changed")
        with self._own() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:  # SQLite itself rolls back when the disk is full
                    database.execute("ROLLBACK")
                raise

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """The connection outside any transaction: VACUUM, ATTACH and PRAGMA want that."""
        with self._own() as database:
            yield database

    def close(self) -> None:
        if self._process == os.getpid():
            with self._lock, in_words(self.path):
                self._database.close()

    @contextmanager
    def _own(self) -> Iterator[sqlite3.Connection]:
        if self._process != os.getpid():
            # SQLite must not be carried across a fork, nor closed there: that would drop the parent's locks
            self._parents = getattr(self, "_parents", []) + [self._database]
            self._renew()
        with self._lock, in_words(self.path):
            yield self._database

    def _renew(self) -> None:
        self._process, self._lock = os.getpid(), threading.RLock()
        with in_words(self.path):
            self._database = _read(self.path) if self.read_only else _write(self.path)


# A thread inside SQLite holds locks of SQLite's own, which a child forked at that moment could never open: forks wait
# until no thread is. The child then opens the file anew, see `_own`.
_connections: weakref.WeakSet[Connection] = weakref.WeakSet()
_held: list[threading.RLock] = []


def _hold() -> None:
    for connection in sorted(_connections, key=id):
        connection._lock.acquire()
        _held.append(connection._lock)


def _release() -> None:
    while _held:
        _held.pop().release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_release)


def _write(path: Path) -> sqlite3.Connection:
    database = _connect(path, "rwc")
    try:
        schema.check(database, path)  # before anything is changed: it may be somebody else's file
        _wait_for_wal(database)
        for setting in SETTINGS:
            database.execute(setting)
        if schema.check(database, path) < schema.VERSION:
            schema.migrate(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _read(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise OSError(f"there is no store {path}")
    database = _connect(path, "ro")
    try:
        version = schema.check(database, path)
    except sqlite3.OperationalError:
        # a folder that cannot be written, where SQLite cannot put its shared memory: read the file as it stands
        database.close()
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise OSError(
                f"{log} holds results that only a writer can read: copy both files to where you may write"
            ) from None
        database = _connect(path, "ro&immutable=1")
        version = schema.check(database, path)
    if version < schema.VERSION:
        database.close()
        raise ValueError(f"{path} has schema version {version}, expected {schema.VERSION}: open it once to write")
    return database


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)


def _wait_for_wal(database: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; SQLite's own patience does not cover the switch."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.05)


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """SQLite's errors as ValueError (the file is wrong) or OSError (the place is), with the way out."""
    try:
        yield
    except sqlite3.Error as error:
        raise _worded(error, path) from error


def _worded(error: sqlite3.Error, path: Path) -> Exception:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the upper bits say more than is needed here
    places = {
        sqlite3.SQLITE_FULL: f"no space left for {path}; what was stored is safe: free space and run again",
        sqlite3.SQLITE_IOERR: f"cannot read or write {path}: {error}; what was stored is safe, is the disk full?",
        sqlite3.SQLITE_READONLY: f"{path} or its folder cannot be written; choose another with --store",
        sqlite3.SQLITE_PERM: f"{path} or its folder cannot be written; choose another with --store",
        sqlite3.SQLITE_CANTOPEN: f"cannot open {path}: is there such a folder, and may it be written?",
        sqlite3.SQLITE_BUSY: f"another process has been writing to {path} for more than {PATIENCE:.0f} s; try again",
        sqlite3.SQLITE_LOCKED: f"{path} is locked: {error}; try again",
    }
    files = {
        sqlite3.SQLITE_NOTADB: f"{path} is no store of results: not an SQLite file, or its head is damaged",
        sqlite3.SQLITE_CORRUPT: f"{path} is damaged ({error}); `percolation runs verify` says where, "
        "`percolation runs export` saves what can be read",
    }
    if code in places:
        return OSError(places[code])
    return ValueError(files.get(code, f"{path} cannot be used as a store: {error}"))
