"""Results and failures as the store holds them."""

from collections.abc import Iterator, Sequence
from typing import Any

from percolation.store.connection import Connection
from percolation.store.failures import Failure
from percolation.store.tasks import Task, from_row
from percolation.store.values import Array, array_of, scalars_of

PAGE = 500  # keys a query: SQLite's oldest limit is 999 values


def find(connection: Connection, code: str, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Finished results of this code by key, for those of the keys that have one."""
    found = {}
    for first in range(0, len(keys), PAGE):
        wanted = [bytes.fromhex(key) for key in keys[first : first + PAGE]]
        sql = (
            "SELECT t.id, t.key, r.code_id, r.scalars, r.crc FROM tasks t "
            "JOIN results r ON r.task_id = t.id JOIN codes c ON c.id = r.code_id "
            f"WHERE c.name = ? AND t.key IN ({_places(wanted)})"
        )
        rows = connection.rows(sql, [code, *wanted])
        for (_, key, *_), result in zip(rows, unpacked(connection, rows), strict=True):
            found[key.hex()] = result
    return found


def failed(connection: Connection, code: str, keys: Sequence[str]) -> dict[str, Failure]:
    """Failures of this code by key."""
    found: dict[str, Failure] = {}
    for first in range(0, len(keys), PAGE):
        wanted = [bytes.fromhex(key) for key in keys[first : first + PAGE]]
        sql = f"{FAILED} WHERE c.name = ? AND t.key IN ({_places(wanted)})"
        found |= {key.hex(): _failure(row) for key, *row in connection.rows(sql, [code, *wanted])}
    return found


def results(connection: Connection, code: str, experiment: str) -> Iterator[tuple[Task, dict[str, Any]]]:
    """Every result of the experiment by this code, in the order of the keys."""
    sql = (
        "SELECT t.id, t.key, r.code_id, r.scalars, r.crc, k.function, k.parameters, t.seed FROM experiments e "
        "CROSS JOIN uses u ON u.experiment_id = e.id JOIN codes c ON c.id = u.code_id "
        "JOIN results r ON r.task_id = u.task_id AND r.code_id = u.code_id "
        "JOIN tasks t ON t.id = u.task_id JOIN cases k ON k.id = t.case_id "
        "WHERE e.name = ? AND c.name = ? ORDER BY t.key"
    )
    for page in connection.pages(sql, (experiment, code), PAGE):
        for row, result in zip(page, unpacked(connection, page), strict=True):
            yield from_row(*row[5:]), result


def failures(connection: Connection, code: str | None, experiment: str | None) -> Iterator[Failure]:
    """Failures of an experiment by this code; None: of all; in the order of the keys."""
    sql = (
        f"{FAILED} JOIN experiments e ON e.id = f.experiment_id "
        "WHERE (?1 IS NULL OR c.name = ?1) AND (?2 IS NULL OR e.name = ?2) ORDER BY t.key"
    )
    for page in connection.pages(sql, (code, experiment)):
        yield from (_failure(row) for _, *row in page)


def other_codes(connection: Connection, code: str, experiment: str) -> dict[str, int]:
    """Results of the experiment that other versions of the code have made, by version."""
    sql = (
        "SELECT c.name, count(*) FROM uses u JOIN experiments e ON e.id = u.experiment_id "
        "JOIN codes c ON c.id = u.code_id WHERE e.name = ? AND c.name != ? GROUP BY c.name ORDER BY c.name"
    )
    return dict(connection.rows(sql, (experiment, code)))


FAILED = (
    "SELECT t.key, k.function, k.parameters, t.seed, f.kind, f.message, f.traceback, f.wall FROM failures f "
    "JOIN codes c ON c.id = f.code_id JOIN tasks t ON t.id = f.task_id JOIN cases k ON k.id = t.case_id"
)


def _failure(row: Sequence[Any]) -> Failure:
    return Failure(from_row(*row[:3]), *row[3:])


def unpacked(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Scalars and arrays of rows that begin with task, key, code, scalars and CRC."""
    numbers = [row[0] for row in rows]
    arrays: dict[tuple[int, int], list[Array]] = {}
    sql = f"SELECT task_id, code_id, name, dtype, shape, crc, npy FROM arrays WHERE task_id IN ({_places(numbers)})"
    for task_id, code_id, *array in connection.rows(f"{sql} ORDER BY name", numbers):
        arrays.setdefault((task_id, code_id), []).append(Array(*array))
    for task_id, key, code_id, scalars, crc, *_ in rows:
        where = f"task {key.hex()[:12]}"
        its_own = arrays.get((task_id, code_id), ())
        yield scalars_of(scalars, crc, where) | {one.name: array_of(one, where) for one in its_own}


def _places(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
