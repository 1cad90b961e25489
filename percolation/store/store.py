"""The store: one SQLite file of finished realisations."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from percolation.store import provenance, reading
from percolation.store.connection import Connection
from percolation.store.driving import driving
from percolation.store.failures import Failure
from percolation.store.tasks import Task
from percolation.store.writing import Entry, Writer


class Store:
    """Finished results by task, and by the version of the code that made them.

    path: the file, made if absent unless read_only.
    code: what stands for the version of the code; default this package's version and git commit. Results of
    another code are in the file, counted by `other_codes`, and never returned by `get`, `find` or `results`.
    Every `put` is one transaction, on the disk when it returns. Any thread may call; a forked child as well.
    """

    def __init__(self, path: str | os.PathLike[str], *, code: str | None = None, read_only: bool = False) -> None:
        self.path = Path(path)
        self._code = code
        self.connection = Connection(self.path, read_only=read_only)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()

    @property
    def code(self) -> str:
        """The version of the code whose results are put and found."""
        return provenance.code() if self._code is None else self._code

    def with_code(self, code: str) -> "Store":
        """The same open file for another version of the code."""
        other = object.__new__(Store)
        other.path, other._code, other.connection = self.path, code, self.connection
        return other

    def get(self, task: Task) -> dict[str, Any] | None:
        """The finished result of the task by this code, by name and with the same bits; None if there is none."""
        return self.find([task]).get(task.key)

    def find(self, tasks: Iterable[Task]) -> dict[str, dict[str, Any]]:
        """Finished results by key, for those of the tasks that have one."""
        return reading.find(self.connection, self.code, [task.key for task in tasks])

    def put(
        self,
        task: Task,
        result: Mapping[str, Any],
        *,
        experiment: str = "",
        wall: float | None = None,
        cpu: float | None = None,
    ) -> None:
        """Keep a result, whole or not at all; once more changes nothing, a different one is an error.

        result: numbers, text, True, False, None and numpy arrays by name. wall, cpu: seconds that it took.
        """
        self.write([Entry(task, result, wall, cpu)], experiment=experiment)

    def put_many(self, results: Iterable[tuple[Task, Mapping[str, Any]]], *, experiment: str = "") -> None:
        """Keep several results in one transaction: all or none."""
        self.write((Entry(task, result) for task, result in results), experiment=experiment)

    def write(
        self,
        entries: Iterable[Entry],
        failures: Iterable[Failure] = (),
        used: Iterable[Task] = (),
        *,
        experiment: str = "",
    ) -> None:
        """In one transaction: results with their times, failures, and tasks whose results other experiments made."""
        code = self.code  # asking git takes longer than others should wait
        provenance.record()
        with self.connection.transaction() as database:
            writer = Writer(database, experiment, code)
            for entry in entries:
                writer.put(entry)
            for failure in failures:
                writer.fail(failure)
            writer.use(used)

    def results(self, experiment: str = "") -> Iterator[tuple[Task, dict[str, Any]]]:
        """Every task of the experiment with its result, in the order of the keys, whatever the order of arrival."""
        return reading.results(self.connection, self.code, experiment)

    def failed(self, tasks: Iterable[Task]) -> dict[str, Failure]:
        """Failures by key, for those of the tasks that failed."""
        return reading.failed(self.connection, self.code, [task.key for task in tasks])

    def failures(self, experiment: str | None = None) -> Iterator[Failure]:
        """Failures of an experiment, or of all, in the order of the keys."""
        return reading.failures(self.connection, self.code, experiment)

    def other_codes(self, experiment: str = "") -> dict[str, int]:
        """Results of the experiment that are kept apart, because another version of the code made them, by version."""
        return reading.other_codes(self.connection, self.code, experiment)

    def driving(self) -> AbstractContextManager[None]:
        """Be the only one that runs tasks for this file: another waits until the first ends, however it ends."""
        return driving(self.path)
