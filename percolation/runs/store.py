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
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zlib import crc32

from percolation import files
from percolation.runs import coding, lock
from percolation.runs.database import Database
from percolation.runs.tasks import KINDS, Outcome, Task, canonical, code_of

OUTCOMES = (
    "SELECT o.key, k.function, k.parameters, o.seed, o.kind, o.value, o.crc, o.wall, o.cpu FROM outcomes o "
    "JOIN cases k ON k.id = o.case_id JOIN codes c ON c.id = o.code_id"
)
PUT = (
    "INSERT INTO outcomes (code_id, case_id, machine_id, key, seed, kind, value, crc, wall, cpu, finished) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key, code_id) DO UPDATE SET "
    "machine_id = excluded.machine_id, kind = excluded.kind, value = excluded.value, crc = excluded.crc, "
    "wall = excluded.wall, cpu = excluded.cpu, finished = excluded.finished WHERE outcomes.kind != '' RETURNING id"
)
USE = "INSERT OR IGNORE INTO uses SELECT ?, id FROM outcomes WHERE key = ? AND code_id = ?"
NAMED = {"codes": "name", "machines": "record", "experiments": "name", "cases": "function, parameters"}


class Store:
    """Finished results by task, and by the version of the code that made them.

    path: the file, made if absent unless read_only.
    code: what stands for the version of the code; default this package's version and git commit. Results of
    another code are in the file, counted by `other_codes`, and never returned by `get`, `find` or `outcomes`.
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
        other = object.__new__(Store)
        other.path, other._code, other.database = self.path, code, self.database
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
            sql = f"{OUTCOMES} WHERE c.name = ? AND o.key IN ({', '.join('?' * len(some))})"
            found |= {key.hex(): outcome_of(row) for key, *row in self.database.rows(sql, [self.code, *some])}
        return found

    def outcomes(self, experiment: str | None = None) -> Iterator[Outcome]:
        """Results and failures of an experiment, or of all, by key; classes in results as mappings of their fields."""
        sql = (
            f"{OUTCOMES} WHERE c.name = ?1 AND (?2 IS NULL OR EXISTS (SELECT 1 FROM uses u "
            "JOIN experiments e ON e.id = u.experiment_id WHERE e.name = ?2 AND u.outcome_id = o.id)) ORDER BY o.key"
        )
        for page in self.database.pages(sql, (self.code, experiment)):
            yield from (outcome_of(row, build=False) for _, *row in page)

    def other_codes(self, experiment: str = "") -> dict[str, int]:
        """Results of the experiment that are kept apart, because another version of the code made them, by version."""
        sql = (
            "SELECT c.name, count(*) FROM uses u JOIN experiments e ON e.id = u.experiment_id "
            "JOIN outcomes o ON o.id = u.outcome_id JOIN codes c ON c.id = o.code_id "
            "WHERE e.name = ? AND c.name != ? AND o.kind = '' GROUP BY c.name ORDER BY c.name"
        )
        return dict(self.database.rows(sql, (experiment, self.code)))

    def put(self, task: Task, value: Any, *, experiment: str = "") -> None:
        """Keep a result, whole or not at all; once more changes nothing, a different one is an error."""
        self.write([Outcome(task, value)], experiment=experiment)

    def write(self, outcomes: Iterable[Outcome], used: Iterable[Task] = (), *, experiment: str = "") -> None:
        """In one transaction: results and failures, and tasks whose outcomes other experiments made.

        A result takes the place of a failure, a later failure that of an earlier one.
        """
        code, machine = self.code, package_record()  # asking git takes longer than others should wait
        with self.database.transaction() as connection:
            writer = Writer(connection)
            for outcome in outcomes:
                if not writer.put(experiment, code, machine, *_row_of(outcome))[1]:
                    raise ValueError(
                        f"the store holds another result of {outcome.task}: a result may depend on nothing else; "
                        "the first one is kept"
                    )
            for task in used:
                writer.use(experiment, code, bytes.fromhex(task.key))

    def driving(self) -> AbstractContextManager[None]:
        """Be the only one that runs tasks for this file: another waits until the first ends, however it ends.

        The lock is the file FILE-driver; one on the store itself would drop SQLite's locks there.
        """
        return lock.held(self.path.with_name(self.path.name + "-driver"))


class Writer:
    """Writes rows; remembers the numbers of what recurs, for as long as the transaction lasts."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection, self._numbers = connection, dict[tuple[str, ...], int]()

    def put(
        self, experiment: str, code: str, machine: str, function: str, parameters: str, key: bytes, *rest: Any
    ) -> tuple[bool, bool]:
        """A row; whether it is new, and whether what is there now is the same. rest: from the seed to the end."""
        case = self._number("cases", function, parameters)
        numbers = (self._number("codes", code), case, self._number("machines", machine))
        new = bool(self._connection.execute(PUT, (*numbers, key, *rest)).fetchall())
        self.use(experiment, code, key)
        kind, value = rest[1:3]
        if new or kind:
            return new, True
        there = "SELECT value FROM outcomes WHERE key = ? AND code_id = ?"
        return False, self._connection.execute(there, (key, numbers[0])).fetchone() == (value,)

    def use(self, experiment: str, code: str, key: bytes) -> None:
        """The experiment rests on this outcome too, whoever made it first."""
        self._connection.execute(USE, (self._number("experiments", experiment), key, self._number("codes", code)))

    def _number(self, table: str, *values: str) -> int:
        """Number of the row with these values, made if absent."""
        if (table, *values) not in self._numbers:
            row = f"({', '.join('?' * len(values))})"
            self._connection.execute(f"INSERT OR IGNORE INTO {table} ({NAMED[table]}) VALUES {row}", values)
            found = self._connection.execute(
                f"SELECT id FROM {table} WHERE ({NAMED[table]}) = {row}", values
            ).fetchone()
            self._numbers[table, *values] = found[0]
        return self._numbers[table, *values]


def _row_of(outcome: Outcome) -> tuple[Any, ...]:
    task, kind = outcome.task, outcome.kind
    if kind and kind not in KINDS:
        raise ValueError(f"unknown kind of failure {kind!r}, expected one of {', '.join(KINDS)}")
    value = coding.encode([outcome.message, outcome.traceback] if kind else outcome.value)
    named = (task.function, canonical(task.parameters), bytes.fromhex(task.key), canonical(task.seed))
    return (*named, kind, value, crc32(value), outcome.wall, outcome.cpu, time.time())


def outcome_of(row: Sequence[Any], *, build: bool = True) -> Outcome:
    """Of function, parameters, seed, kind, value, CRC, wall and cpu, bit for bit as it was put."""
    task = Task(row[0], json.loads(row[1]), json.loads(row[2]))
    kind, value, crc, *spent = row[3:]
    if not isinstance(value, bytes) or crc32(value) != crc:  # a damaged file may hold any type
        raise ValueError(f"the result of {task} is damaged: its CRC differs; see `percolation runs verify`")
    value = coding.decode(value, build=build)
    message, told = value if kind else ("", "")
    return Outcome(task, None if kind else value, kind, message, told, *spent)


@cache
def package_code() -> str:
    """The version of this package and its git commit; with uncommitted changes, a digest of its sources as well."""
    commit = files.git_commit()
    if commit is None:
        return files.version()
    return f"{files.version()} {commit[:12]}" + (f"+{_sources()}" if commit.endswith("+") else "")


@cache
def package_record() -> str:
    """Versions and machine, as canonical JSON; the same text for all results of one installation."""
    made = files.provenance({}, 0)
    kept: dict[str, Any] = {name: made[name] for name in ("versions", "git_commit", "machine")}
    return canonical(kept)


def _sources() -> str:
    """12 digits of the SHA-256 of the sources that git knows of, tests apart."""
    root = Path(__file__).resolve().parents[2]
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", *(f"{one}/*.py" for one in sorted(files.packages()))],
        cwd=root, capture_output=True, text=True, timeout=10, check=True,
    )  # fmt: skip
    digest = sha256()
    for name in sorted(listed.stdout.splitlines()):
        if (root / name).is_file():  # a deleted file is still listed
            digest.update(name.encode() + b"\0" + (root / name).read_bytes())
    return digest.hexdigest()[:12]
