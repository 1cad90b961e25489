"""The open SQLite file of a store: its tables, transactions, and SQLite's errors in our words."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 60.0  # seconds to wait for another process that is writing
# synchronous: a committed result outlives a power cut; commits are few, see `Keeper`
SETTINGS = "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536"
APPLICATION = 0x50455243  # "PERC" in the header of the file: what tells a store from any other SQLite file
VERSION = 3

# cases are the points of a grid: their parameters stand once, however many realisations they have
TABLES = f"""
CREATE TABLE codes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE machines (id INTEGER PRIMARY KEY, record TEXT NOT NULL UNIQUE);
CREATE TABLE experiments (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE cases (
    id INTEGER PRIMARY KEY,
    function TEXT NOT NULL,
    parameters TEXT NOT NULL,
    UNIQUE (function, parameters)
);
CREATE TABLE outcomes (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL CHECK (length(key) = 32),
    code_id INTEGER NOT NULL REFERENCES codes,
    case_id INTEGER NOT NULL REFERENCES cases,
    machine_id INTEGER NOT NULL REFERENCES machines,
    seed TEXT NOT NULL,
    kind TEXT NOT NULL,
    value BLOB NOT NULL,
    crc INTEGER NOT NULL,
    wall REAL,
    cpu REAL,
    finished REAL NOT NULL,
    UNIQUE (key, code_id)
);
CREATE INDEX outcomes_of_case ON outcomes (case_id);
CREATE TABLE uses (
    experiment_id INTEGER NOT NULL REFERENCES experiments,
    outcome_id INTEGER NOT NULL REFERENCES outcomes,
    PRIMARY KEY (experiment_id, outcome_id)
) WITHOUT ROWID;
CREATE INDEX uses_of_outcome ON uses (outcome_id);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION}
"""
# finished: every outcome with what its numbers stand for; used: the same once for each experiment that rests on it
VIEWS = """
CREATE TEMP VIEW finished AS
SELECT o.id, o.code_id, c.name AS code, m.record AS machine, k.function, k.parameters, o.key, o.seed, o.kind,
    o.value, o.crc, o.wall, o.cpu, o.finished
FROM outcomes o JOIN codes c ON c.id = o.code_id JOIN cases k ON k.id = o.case_id
    JOIN machines m ON m.id = o.machine_id;
CREATE TEMP VIEW used AS
SELECT e.id AS experiment_id, e.name AS experiment, f.*
FROM uses u JOIN experiments e ON e.id = u.experiment_id JOIN finished f ON f.id = u.outcome_id
"""


class Database:
    """One SQLite connection, for any thread of this process; a forked child gets one of its own."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path, self.read_only = path, read_only
        # by process: SQLite must not be carried across a fork, nor closed there, which would drop the parent's locks
        self._connections: dict[int, sqlite3.Connection] = {}
        with self.alone():
            pass

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self.alone() as connection:
            return connection.execute(sql, values).fetchall()

    def pages(self, sql: str, values: Sequence[Any] = (), size: int = 500) -> Iterator[list[tuple[Any, ...]]]:
        """The rows, `size` at a time."""
        with self.alone() as connection:
            cursor = connection.execute(sql, values)
        while True:
            with self.alone():
                page = cursor.fetchmany(size)
            if not page:
                return
            yield page

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """What is written inside appears whole or not at all."""
        if self.read_only:
            raise OSError(f"{self.path} was opened to read; it cannot be changed")
        with self.alone() as connection:
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                yield connection

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """The connection outside any transaction, for this thread alone."""
        with _inside, in_words(self.path):
            if os.getpid() not in self._connections:
                self._connections[os.getpid()] = _read(self.path) if self.read_only else _write(self.path)
            yield self._connections[os.getpid()]

    def close(self) -> None:
        if os.getpid() in self._connections:
            with self.alone() as connection:
                connection.close()


# A thread inside SQLite holds locks of SQLite's own, which a child forked at that moment could never open: forks wait
# until no thread is.
_inside = threading.RLock()
os.register_at_fork(before=_inside.acquire, after_in_parent=_inside.release, after_in_child=_inside.release)


def _write(path: Path) -> sqlite3.Connection:
    with _connected(path, "rwc") as connection:
        _is_store(connection, path)  # before anything is changed: it may be somebody else's file
        _wait_for_wal(connection)
        _carry_out(connection, SETTINGS)
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            if not _is_store(connection, path):
                _carry_out(connection, TABLES)
        _carry_out(connection, VIEWS)
    return connection


def _read(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing; "rw" lets SQLite remove its -wal and -shm, if it is the last one to close."""
    if not path.is_file():
        raise OSError(f"there is no store {path}")
    try:
        return _connected_to_read(path, "rw")
    except sqlite3.OperationalError:
        # a folder that cannot be written, where SQLite cannot put its shared memory: read the file as it stands
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise OSError(
                f"{log} holds results that only a writer can read: copy both files to where you may write"
            ) from None
        return _connected_to_read(path, "ro&immutable=1")


def _connected_to_read(path: Path, mode: str) -> sqlite3.Connection:
    with _connected(path, mode) as connection:
        if not _is_store(connection, path):
            raise ValueError(f"{path} is empty, it is no store of results")
        _carry_out(connection, VIEWS + ";PRAGMA query_only = ON")
    return connection


def _carry_out(connection: sqlite3.Connection, script: str) -> None:
    """In the transaction there is; executescript would end it."""
    for statement in script.split(";"):
        connection.execute(statement)


@contextmanager
def _connected(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """A connection that is closed where the block fails."""
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


def _is_store(connection: sqlite3.Connection, path: Path) -> bool:
    """True; False for an empty file; an error in words for anything else."""
    application, version = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    )
    if application == APPLICATION and version == VERSION:
        return True
    if application == APPLICATION:
        way = "update the package" if version > VERSION else "export it with the version of the package that made it"
        raise ValueError(f"{path} has schema version {version}, this package reads version {VERSION}: {way}")
    if application or version or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise ValueError(f"{path} is an SQLite file, but no store of results; name another file")
    return False


def _wait_for_wal(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; SQLite's own patience does not cover the switch."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
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
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the upper bits say more than is needed here
        kind, words = _WORDS.get(code, (ValueError, "{path} cannot be used as a store: {error}"))
        raise kind(words.format(path=path, error=error)) from error


_BUSY = (OSError, "another process has been writing to {path} for over a minute; try again")
_CLOSED = (
    OSError,
    "cannot open {path} to write: is there such a folder, may it be written? choose another with --store",
)
_WORDS: dict[int, tuple[type[Exception], str]] = {
    sqlite3.SQLITE_FULL: (OSError, "no space left for {path}; what was stored is safe: free space and run again"),
    sqlite3.SQLITE_IOERR: (
        OSError, "cannot read or write {path}: {error}; what was stored is safe, is the disk full?"),
    sqlite3.SQLITE_READONLY: _CLOSED,
    sqlite3.SQLITE_PERM: _CLOSED,
    sqlite3.SQLITE_CANTOPEN: _CLOSED,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_NOTADB: (
        ValueError, "{path} is no store of results: not an SQLite file, or its head is damaged"),
    sqlite3.SQLITE_CORRUPT: (
        ValueError, "{path} is damaged ({error}); `percolation runs verify` says where, "
        "`percolation runs export` saves what can be read"),
}  # fmt: skip
