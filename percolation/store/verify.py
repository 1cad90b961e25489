"""Whether a store is sound, down to the bits of every result."""

from collections.abc import Iterator
from itertools import islice

from percolation.store.store import Store
from percolation.store.tasks import from_row
from percolation.store.values import Array, array_of, scalars_of

MOST = 100  # findings


def verify(store: Store) -> list[str]:
    """What is wrong, the first hundred findings: SQLite's own check, foreign keys, CRCs, arrays, keys of tasks."""
    return list(islice(_findings(store), MOST))


def _findings(store: Store) -> Iterator[str]:
    for part in (_file, _foreign_keys, _results, _arrays, _tasks):
        try:
            yield from part(store)
        except ValueError as error:  # damaged so that it cannot be read further
            yield str(error)


def _file(store: Store) -> Iterator[str]:
    for (finding,) in store.connection.rows("PRAGMA integrity_check"):
        if finding != "ok":
            yield f"SQLite: {finding}"


def _foreign_keys(store: Store) -> Iterator[str]:
    for table, row, parent, _ in store.connection.rows("PRAGMA foreign_key_check"):
        yield f"row {row} of {table} names a row of {parent} that is not there"


def _results(store: Store) -> Iterator[str]:
    sql = "SELECT task_id, scalars, crc FROM results"
    for page in store.connection.pages(sql):
        for number, scalars, crc in page:
            try:
                scalars_of(scalars, crc, f"task number {number}")
            except ValueError as error:
                yield str(error)


def _arrays(store: Store) -> Iterator[str]:
    sql = "SELECT task_id, name, dtype, shape, crc, npy FROM arrays"
    for page in store.connection.pages(sql, size=20):
        for number, *array in page:
            try:
                array_of(Array(*array), f"task number {number}")
            except ValueError as error:
                yield str(error)


def _tasks(store: Store) -> Iterator[str]:
    sql = "SELECT t.id, t.key, k.function, k.parameters, t.seed FROM tasks t JOIN cases k ON k.id = t.case_id"
    for page in store.connection.pages(sql):
        for number, key, *task in page:
            try:
                if from_row(*task).key == key.hex():
                    continue
            except ValueError:
                pass
            yield f"task number {number} has another key than its function, parameters and seed say"
