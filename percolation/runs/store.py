"""Finished tasks in one SQLite file: nothing finished is lost, nothing is counted twice.

    with Store("scan.db") as store:
        store.put(task, {"strength": 0.52})
        store.get(task)                          # {"strength": 0.52}, after a kill as well

A result belongs to a task, (function, parameters, seed), and to the version of the code that made it: results of
another version are kept apart, `get` does not return them.
"""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from copy import copy
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zlib import crc32

from percolation import files
from percolation.runs import coding, lock
from percolation.runs.database import Database
from percolation.runs.tasks import KINDS, Outcome, Task, canonical, code_of

# what a row says of a task and of what came of it; and all that merging two stores needs
OUTCOME = "function, parameters, seed, kind, value, crc, wall, cpu"
ROW = f"experiment, code, machine, key, finished, {OUTCOME}"
EXPERIMENT, CODE, KEY, KIND, VALUE = (
    ROW.split(", ").index(one) for one in ("experiment", "code", "key", "kind", "value")
)
RECURRING = (  # what many rows share stands once
    ("INSERT OR IGNORE INTO codes (name) VALUES (?)", slice(1, 2)),
    ("INSERT OR IGNORE INTO machines (record) VALUES (?)", slice(2, 3)),
    ("INSERT OR IGNORE INTO cases (function, parameters) VALUES (?, ?)", slice(5, 7)),
)
PUT = (
    "INSERT INTO outcomes (code_id, machine_id, case_id, key, finished, seed, kind, value, crc, wall, cpu) "
    "SELECT c.id, m.id, k.id, ?4, ?5, ?8, ?9, ?10, ?11, ?12, ?13 FROM codes c, machines m, cases k "
    "WHERE c.name = ?2 AND m.record = ?3 AND k.function = ?6 AND k.parameters = ?7 "
    "ON CONFLICT (key, code_id) DO UPDATE SET machine_id = excluded.machine_id, finished = excluded.finished, "
    "kind = excluded.kind, value = excluded.value, crc = excluded.crc, wall = excluded.wall, cpu = excluded.cpu "
    "WHERE outcomes.kind != '' RETURNING id"
)
USE = (
    "INSERT OR IGNORE INTO uses SELECT e.id, o.id FROM experiments e, codes c JOIN outcomes o ON o.code_id = c.id "
    "WHERE e.name = ? AND c.name = ? AND o.key = ?"
)


class Store:
    """Finished results by task, and by the version of the code that made them.

    path: the file, made if absent unless read_only.
    code: what stands for the version of the code; default this package's version and a digest of its sources. Results
    of another code are in the file, counted by `other_codes`, and never returned by `get`, `find` or `outcomes`.
    Every `write` is one transaction, on the disk when it returns. Any thread may call; a forked child as well.
    """

    def __init__(self, path: str | os.PathLike[str], *, code: str | None = None, read_only: bool = False) -> None:
        self.path, self._code = Path(path), code
        self.database = Database(self.path, read_only=read_only)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.database.close()

    @property
    def code(self) -> str:
        """The version of the code whose results are put and found."""
        return package_code() if self._code is None else self._code

    def with_code(self, code: str) -> "Store":
        """The same open file for another version of the code."""
        other = copy(self)
        other._code = code
        return other

    def of(self, function: Callable[..., Any]) -> "Store":
        """The same for results of this function: for one of yours the digest of its file is part of the version."""
        digest = code_of(function)
        return self.with_code(f"{self.code} {digest}") if digest else self

    def get(self, task: Task) -> Any:
        """The finished result of the task by this code, with the same bits; None if there is none."""
        found = self.find([task]).get(task.key)
        return None if found is None or found.kind else found.value

    def find(self, tasks: Iterable[Task]) -> dict[str, Outcome]:
        """Results and failures by key, for those of the tasks that have one."""
        found: dict[str, Outcome] = {}
        keys = [bytes.fromhex(task.key) for task in tasks]
        for first in range(0, len(keys), 500):  # SQLite's oldest limit is 999 values
            some = keys[first : first + 500]
            sql = f"SELECT key, {OUTCOME} FROM finished WHERE code = ? AND key IN ({', '.join('?' * len(some))})"
            found |= {key.hex(): outcome_of(row) for key, *row in self.database.rows(sql, [self.code, *some])}
        return found

    def outcomes(self, experiment: str | None = None) -> Iterator[Outcome]:
        """Results and failures of an experiment, or of all, by key; classes in results as mappings of their fields."""
        of_one = ("used WHERE code = ? AND experiment = ?", (self.code, experiment))
        where, values = of_one if experiment is not None else ("finished WHERE code = ?", (self.code,))
        for page in self.database.pages(f"SELECT {OUTCOME} FROM {where} ORDER BY key", values):
            yield from (outcome_of(row, build=False) for row in page)

    def other_codes(self, experiment: str = "") -> dict[str, int]:
        """Results of the experiment that are kept apart, because another version of the code made them, by version."""
        sql = "SELECT code, count(*) FROM used WHERE experiment = ? AND code != ? AND kind = '' GROUP BY code"
        return dict(self.database.rows(sql, (experiment, self.code)))

    def put(self, task: Task, value: Any, *, experiment: str = "") -> None:
        """Keep a result, whole or not at all; once more changes nothing, a different one is an error."""
        self.write([Outcome(task, value)], experiment=experiment)

    def write(self, outcomes: Iterable[Outcome], used: Iterable[Task] = (), *, experiment: str = "") -> None:
        """In one transaction: results and failures, and tasks whose outcomes other experiments made.

        A result takes the place of a failure, a later failure that of an earlier one.
        """
        made = (experiment, self.code, package_record())  # asking git takes longer than others should wait
        kept = list(outcomes)
        rows = [(*made, *_row_of(one)) for one in kept]
        with self.database.transaction() as connection:
            for outcome, came in zip(kept, insert(connection, rows), strict=True):
                if came == "different":
                    raise ValueError(
                        f"the store holds another result of {outcome.task}: a result may depend on nothing else; "
                        "the first one is kept"
                    )
            use(connection, [(experiment, self.code, bytes.fromhex(task.key)) for task in used])

    def driving(self) -> AbstractContextManager[None]:
        """Be the only one that runs tasks for this file: another waits until the first ends, however it ends.

        The lock is the file FILE-driver; one on the store itself would drop SQLite's locks there.
        """
        return lock.held(self.path.with_name(self.path.name + "-driver"))


def insert(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """Put rows, columns ROW, where they belong; what came of each.

    "new"; "there" already; "different" from the result that is there, which is kept.
    """
    for sql, part in RECURRING:
        connection.executemany(sql, dict.fromkeys(row[part] for row in rows))
    came = [_insert(connection, row) for row in rows]
    use(connection, [(row[EXPERIMENT], row[CODE], row[KEY]) for row in rows])
    return came


def use(connection: sqlite3.Connection, rows: Sequence[tuple[str, str, bytes]]) -> None:
    """Experiments rest on outcomes, whoever made these: rows of experiment, code and key."""
    connection.executemany("INSERT OR IGNORE INTO experiments (name) VALUES (?)", {row[:1] for row in rows})
    connection.executemany(USE, rows)


def _insert(connection: sqlite3.Connection, row: tuple[Any, ...]) -> str:
    if connection.execute(PUT, row).fetchall():
        return "new"
    sql = "SELECT value = ? FROM finished WHERE key = ? AND code = ?"
    same = row[KIND] or connection.execute(sql, (row[VALUE], row[KEY], row[CODE])).fetchone()[0]
    return "there" if same else "different"


def _row_of(outcome: Outcome) -> tuple[Any, ...]:
    """ROW from the key on."""
    task, kind = outcome.task, outcome.kind
    if kind and kind not in KINDS:
        raise ValueError(f"unknown kind of failure {kind!r}, expected one of {', '.join(KINDS)}")
    value = coding.encode([outcome.message, outcome.traceback] if kind else outcome.value)
    named = (task.function, canonical(task.parameters), canonical(task.seed))
    return (bytes.fromhex(task.key), time.time(), *named, kind, value, crc32(value), outcome.wall, outcome.cpu)


def outcome_of(row: Sequence[Any], *, build: bool = True) -> Outcome:
    """Of OUTCOME, bit for bit as it was put."""
    task = Task(row[0], json.loads(row[1]), json.loads(row[2]))
    kind, value, crc, *spent = row[3:]
    if not isinstance(value, bytes) or crc32(value) != crc:  # a damaged file may hold any type
        raise ValueError(f"the result of {task} is damaged: its CRC differs; see `percolation runs verify`")
    value = coding.decode(value, build=build)
    message, told = value if kind else ("", "")
    return Outcome(task, None if kind else value, kind, message, told, *spent)


@cache
def package_code() -> str:
    """The version of this package and 12 digits of the SHA-256 of its sources."""
    digest = sha256()
    for package in sorted(files.packages()):
        spec = find_spec(package)  # not imported: what it needs may not be installed
        assert spec is not None and spec.submodule_search_locations is not None
        for folder in map(Path, spec.submodule_search_locations):
            for path in sorted(folder.rglob("*.py")):
                digest.update(f"{package}/{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return f"{files.version()} {digest.hexdigest()[:12]}"


@cache
def package_record() -> str:
    """Versions and machine, as canonical JSON; the same text for all results of one installation."""
    made = files.provenance({}, 0)
    return canonical({name: made[name] for name in ("versions", "git_commit", "machine")})
