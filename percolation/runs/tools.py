"""What is in a store, as tables; whether it is sound; two stores made one; what nobody needs thrown away."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from percolation import files
from percolation.runs.ensemble import by_name
from percolation.runs.store import CODE, KEY, KIND, OUTCOME, ROW, Store, insert, outcome_of
from percolation.runs.tasks import Outcome

if TYPE_CHECKING:
    import pandas as pd

FORMATS = (".csv", ".parquet")
FINDINGS = 100  # of `verify`, at most


def experiments(store: Store) -> list[tuple[str, str, int, int]]:
    """Experiment, version of the code from the oldest to the newest, results, failures: a row each."""
    sql = (
        "SELECT experiment, code, sum(kind = ''), sum(kind != '') FROM used "
        "GROUP BY experiment_id, code_id ORDER BY experiment, code_id"
    )
    return [(name, code, results, failures) for name, code, results, failures in store.database.rows(sql)]


def names(store: Store) -> list[str]:
    """Names of the experiments."""
    return list(dict.fromkeys(name for name, *_ in experiments(store)))


def latest_code(store: Store, experiment: str) -> str:
    """The newest version of the code that the experiment has results or failures of; an error if there are none."""
    found = [code for name, code, *_ in experiments(store) if name == experiment]
    if not found:
        known = ", ".join(map(repr, names(store))) or "none at all"
        raise ValueError(f"no results of experiment {experiment!r} in {store.path}; it holds {known}")
    return found[-1]


def machines(store: Store) -> list[dict[str, Any]]:
    """Versions and machines that made the results of this code."""
    sql = (
        "SELECT record FROM machines WHERE id IN (SELECT machine_id FROM outcomes o JOIN codes c "
        "ON c.id = o.code_id WHERE c.name = ?) ORDER BY id"
    )
    return [json.loads(record) for (record,) in store.database.rows(sql, (store.code,))]


def table(store: Store, *, experiment: str) -> "pd.DataFrame":
    """Results of the experiment by this code, a row each in the order of the keys.

    Columns: function, the parameters, seed, the results (arrays as arrays), wall, cpu, code, key; a result with the
    name of a parameter is result_NAME.
    """
    import pandas as pd

    return pd.DataFrame([_row(one, store.code) for one in store.outcomes(experiment) if not one.kind])


def _row(one: Outcome, code: str) -> dict[str, Any]:
    columns = {"function": one.task.function} | dict(one.task.parameters) | {"seed": one.task.seed}
    taken = {*columns, "wall", "cpu", "code", "key"}
    result = by_name(one.value) or {"value": one.value}
    columns |= {f"result_{name}" if name in taken else name: value for name, value in result.items()}
    return columns | {"wall": one.wall, "cpu": one.cpu, "code": code, "key": one.task.key}


def export(store: Store, path: Path, *, experiment: str) -> int:
    """Write every result of the experiment by this code, a row each with its parameters, seed and code; how many.

    The ending says the format. Numbers have the same bits when read again. Lists and arrays are JSON text.
    """
    if path.suffix not in FORMATS:
        raise ValueError(f"cannot tell the format of {path}: expected a name that ends in {' or '.join(FORMATS)}")
    found = table(store, experiment=experiment)
    found = found.map(_plain) if len(found) else found
    with files.appearing(path) as temporary:
        if path.suffix == ".csv":
            found.to_csv(temporary, index=False)
        else:
            try:
                found.to_parquet(temporary, index=False)
            except ImportError as error:
                raise ValueError("Parquet needs pyarrow: `pip install pyarrow`, or export to .csv") from error
    return len(found)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple | dict | np.ndarray) or hasattr(value, "columns"):
        return json.dumps(value, default=lambda one: one.tolist() if hasattr(one, "tolist") else one.to_dict("list"))
    return value


def verify(store: Store) -> list[str]:
    """What is wrong, the first hundred findings: SQLite's own check, foreign keys, CRCs, results, keys of tasks."""
    return list(islice(_findings(store), FINDINGS))


def _findings(store: Store) -> Iterator[str]:
    for part in (_of_sqlite, _of_outcomes):
        try:
            yield from part(store)
        except ValueError as error:  # damaged so that it cannot be read further
            yield str(error)


def _of_sqlite(store: Store) -> Iterator[str]:
    yield from (f"SQLite: {found}" for (found,) in store.database.rows("PRAGMA integrity_check") if found != "ok")
    for table_, row, parent, _ in store.database.rows("PRAGMA foreign_key_check"):
        yield f"row {row} of {table_} names a row of {parent} that is not there"


def _of_outcomes(store: Store) -> Iterator[str]:
    for page in store.database.pages(f"SELECT id, key, {OUTCOME} FROM finished", size=100):
        for number, key, *row in page:
            try:
                if outcome_of(row, build=False).task.key != key.hex():
                    yield f"task number {number} has another key than its function, parameters and seed say"
            except (ValueError, TypeError) as error:
                yield f"task number {number}: {error}"


@dataclass(frozen=True)
class Merged:
    """What a merge did."""

    added: int
    already_there: int
    different: tuple[str, ...]  # keys of tasks with another result here than there; ours was kept


def merge(store: Store, path: Path) -> Merged:
    """Add everything of the store at `path`, in one transaction; the same result in both is one result."""
    if path.resolve() == store.path.resolve():
        raise ValueError(f"cannot merge {path} into itself")
    came: defaultdict[str, set[tuple[str, bytes]]] = defaultdict(set)
    with Store(path, read_only=True) as other, store.database.transaction() as connection:
        for page in other.database.pages(f"SELECT {ROW} FROM used"):
            for row, how in zip(page, insert(connection, page), strict=True):
                if not row[KIND]:
                    came[how].add((row[CODE], row[KEY]))
    different = tuple(sorted(key.hex() for _, key in came["different"]))
    return Merged(len(came["new"]), len(came["there"] - came["new"]), different)


UNUSED = (
    ("outcomes", "id NOT IN (SELECT outcome_id FROM uses)"),
    ("cases", "id NOT IN (SELECT case_id FROM outcomes)"),
    ("machines", "id NOT IN (SELECT machine_id FROM outcomes)"),
    ("codes", "id NOT IN (SELECT code_id FROM outcomes)"),
    ("experiments", "id NOT IN (SELECT experiment_id FROM uses)"),
)


class _Undo(Exception):
    pass


def gc(
    store: Store, *, experiment: str | None = None, code: str | None = None, dry_run: bool = False
) -> dict[str, int]:
    """Remove what belongs to no experiment any more; how many rows of each table.

    experiment, code: remove the results and failures of this experiment, or of this version of the code, first.
    Waits for a scan that is running on the store. dry_run: count only.
    """
    removed: dict[str, int] = {}
    with store.driving(), suppress(_Undo):
        with store.database.transaction() as connection:
            if experiment is not None:
                number = _id(connection, store, "experiments", experiment)
                connection.execute("DELETE FROM uses WHERE experiment_id = ?", number)
            if code is not None:
                of_code = "SELECT id FROM outcomes WHERE code_id = ?"
                connection.execute(
                    f"DELETE FROM uses WHERE outcome_id IN ({of_code})", _id(connection, store, "codes", code)
                )
            for name, condition in UNUSED:
                removed[name] = connection.execute(f"DELETE FROM {name} WHERE {condition}").rowcount
            if dry_run:
                raise _Undo
        store.database.rows("VACUUM")
        store.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    return removed


def _id(connection: sqlite3.Connection, store: Store, where: str, name: str) -> tuple[int]:
    found: tuple[int] | None = connection.execute(f"SELECT id FROM {where} WHERE name = ?", (name,)).fetchone()
    if found is None:
        known = ", ".join(repr(one) for (one,) in connection.execute(f"SELECT name FROM {where} ORDER BY name"))
        raise ValueError(f"no {where.removesuffix('s')} {name!r} in {store.path}; it holds {known}")
    return found
