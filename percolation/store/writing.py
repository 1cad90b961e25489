"""Rows of tasks, results and failures, written inside a transaction of the caller."""

import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from percolation.store import provenance
from percolation.store.failures import KINDS, Failure
from percolation.store.tasks import Task, canonical
from percolation.store.values import Packed, pack


@dataclass(frozen=True)
class Entry:
    """A finished task on its way into the store."""

    task: Task
    result: Mapping[str, Any]
    wall: float | None = None  # seconds
    cpu: float | None = None


class Writer:
    """Writes rows; remembers the numbers of what recurs, for as long as the transaction lasts."""

    def __init__(self, database: sqlite3.Connection, experiment: str, code: str) -> None:
        self.database, self._cases = database, dict[tuple[str, str], int]()
        self.code = _number(database, "codes", "name", code)
        self.experiment = self._experiment(experiment)
        self.provenance = _number(database, "provenance", "code_id, record", self.code, provenance.record())

    def put(self, entry: Entry) -> None:
        """The result and its arrays; the same result once more changes nothing, another one is an error."""
        task_id, packed = self._task(entry.task), pack(entry.result)
        row = (task_id, self.code, self.provenance, packed.scalars, packed.crc, entry.wall, entry.cpu, time.time())
        sql = "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        if self.database.execute(sql, row).rowcount:
            arrays = [(task_id, self.code, a.name, a.dtype, a.shape, a.crc, a.npy) for a in packed.arrays]
            columns = "(task_id, code_id, name, dtype, shape, crc, npy)"
            self.database.executemany(f"INSERT INTO arrays {columns} VALUES (?, ?, ?, ?, ?, ?, ?)", arrays)
            self.database.execute("DELETE FROM failures WHERE task_id = ? AND code_id = ?", (task_id, self.code))
        else:
            self._expect_same(task_id, entry.task, packed)
        self._use(task_id)

    def use(self, tasks: Iterable[Task]) -> None:
        """The experiment rests on these results too, whoever made them first."""
        for task in tasks:
            self._use(self._task(task))

    def fail(self, failure: Failure) -> None:
        """The failure, unless the task has a result; a later failure replaces it."""
        if failure.kind not in KINDS:
            raise ValueError(f"unknown kind of failure {failure.kind!r}, expected one of {', '.join(KINDS)}")
        task_id = self._task(failure.task)
        done = "SELECT 1 FROM results WHERE task_id = ? AND code_id = ?"
        if not self.database.execute(done, (task_id, self.code)).fetchone():
            told = (failure.kind, failure.message, failure.traceback, failure.wall, time.time())
            row = (task_id, self.code, self.provenance, self.experiment, *told)
            self.database.execute("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def _use(self, task_id: int) -> None:
        row = (self.experiment, task_id, self.code)
        self.database.execute("INSERT INTO uses VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)

    def _task(self, task: Task) -> int:
        case = (task.function, canonical(task.parameters))
        if case not in self._cases:
            self._cases[case] = _number(self.database, "cases", "function, parameters", *case)
        row = (bytes.fromhex(task.key), self._cases[case], canonical(task.seed))
        sql = "INSERT INTO tasks (key, case_id, seed) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING id"
        new = self.database.execute(sql, row).fetchall()
        if not new:
            new = self.database.execute("SELECT id FROM tasks WHERE key = ?", row[:1]).fetchall()
        return int(new[0][0])

    def _experiment(self, name: str) -> int:
        row = (name, time.time())
        self.database.execute("INSERT INTO experiments (name, created) VALUES (?, ?) ON CONFLICT DO NOTHING", row)
        return _number(self.database, "experiments", "name", name)

    def _expect_same(self, task_id: int, task: Task, packed: Packed) -> None:
        where = (task_id, self.code)
        sql = "SELECT scalars FROM results WHERE task_id = ? AND code_id = ?"
        scalars = self.database.execute(sql, where).fetchone()[0]
        sql = "SELECT name, npy FROM arrays WHERE task_id = ? AND code_id = ? ORDER BY name"
        arrays = self.database.execute(sql, where).fetchall()
        if scalars != packed.scalars or arrays != [(a.name, a.npy) for a in packed.arrays]:
            raise ValueError(
                f"the store holds another result of {task.function} with {canonical(task.parameters)} and seed "
                f"{task.seed}: a result may depend on nothing else; the first one is kept"
            )


def _number(database: sqlite3.Connection, table: str, columns: str, *values: object) -> int:
    """Number of the row with these values, made if absent."""
    places = ", ".join("?" * len(values))
    conditions = " AND ".join(f"{column} = ?" for column in columns.split(", "))
    found = database.execute(f"SELECT id FROM {table} WHERE {conditions}", values).fetchone()
    if found is None:
        sql = f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING id"
        found = database.execute(sql, values).fetchall()[0]
    return int(found[0])
