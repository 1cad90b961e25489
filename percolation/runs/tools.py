"""What is in a store, as tables; whether it is sound; two stores made one; what nobody needs thrown away."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from percolation import files
from percolation.runs.ensemble import by_name
from percolation.runs.store import OUTCOMES, Store, Writer, outcome_of
from percolation.runs.tasks import Outcome

if TYPE_CHECKING:
    import pandas as pd

FORMATS = (".csv", ".parquet")
FINDINGS = 100  # of `verify`, at most


def experiments(store: Store) -> list[tuple[str, str, int, int]]:
    """Experiment, version of the code, results, failures: a row each."""
    sql = (
        "SELECT e.name, c.name, sum(o.kind = ''), sum(o.kind != '') FROM uses u "
        "JOIN experiments e ON e.id = u.experiment_id JOIN outcomes o ON o.id = u.outcome_id "
        "JOIN codes c ON c.id = o.code_id GROUP BY e.id, c.id ORDER BY e.name, c.name"
    )
    return [(name, code, results, failures) for name, code, results, failures in store.database.rows(sql)]


def names(store: Store) -> list[str]:
    """Names of the experiments."""
    return [str(name) for (name,) in store.database.rows("SELECT name FROM experiments ORDER BY name")]


def latest_code(store: Store, experiment: str) -> str:
    """The newest version of the code that the experiment has results or failures of; an error if there are none."""
    sql = (
        "SELECT c.name FROM codes c WHERE EXISTS (SELECT 1 FROM uses u JOIN experiments e ON e.id = u.experiment_id "
        "JOIN outcomes o ON o.id = u.outcome_id WHERE e.name = ? AND o.code_id = c.id) ORDER BY c.id DESC LIMIT 1"
    )
    found = store.database.rows(sql, (experiment,))
    if not found:
        known = ", ".join(map(repr, names(store))) or "none at all"
        raise ValueError(f"no results of experiment {experiment!r} in {store.path}; it holds {known}")
    return str(found[0][0])


def machines(store: Store) -> list[dict[str, Any]]:
    """Versions and machines that made the results of this code."""
    sql = (
        "SELECT record FROM machines WHERE id IN (SELECT o.machine_id FROM outcomes o "
        "JOIN codes c ON c.id = o.code_id WHERE c.name = ?) ORDER BY id"
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
    for part in (_file, _foreign_keys, _outcomes):
        try:
            yield from part(store)
        except ValueError as error:  # damaged so that it cannot be read further
            yield str(error)


def _file(store: Store) -> Iterator[str]:
    for (finding,) in store.database.rows("PRAGMA integrity_check"):
        if finding != "ok":
            yield f"SQLite: {finding}"


def _foreign_keys(store: Store) -> Iterator[str]:
    for table_, row, parent, _ in store.database.rows("PRAGMA foreign_key_check"):
        yield f"row {row} of {table_} names a row of {parent} that is not there"


def _outcomes(store: Store) -> Iterator[str]:
    for page in store.database.pages(OUTCOMES.replace("SELECT", "SELECT o.id,"), size=100):
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
    sql = (
        "SELECT e.name, c.name, m.record, k.function, k.parameters, o.key, o.seed, o.kind, o.value, o.crc, o.wall, "
        "o.cpu, o.finished FROM uses u JOIN experiments e ON e.id = u.experiment_id JOIN outcomes o ON "
        "o.id = u.outcome_id JOIN codes c ON c.id = o.code_id JOIN machines m ON m.id = o.machine_id "
        "JOIN cases k ON k.id = o.case_id"
    )
    added, there, different = set[tuple[str, bytes]](), set[tuple[str, bytes]](), set[tuple[str, bytes]]()
    with Store(path, read_only=True) as other, store.database.transaction() as connection:
        writer = Writer(connection)
        for page in other.database.pages(sql):
            for row in page:
                new, same = writer.put(*row)
                if not row[7]:  # a result
                    (added if new else there if same else different).add((row[1], row[5]))
    return Merged(len(added), len(there - added), tuple(sorted(key.hex() for _, key in different)))


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
                number = _id(connection, store, "codes", code)
                connection.execute(f"DELETE FROM uses WHERE outcome_id IN ({of_code})", number)
            for name, condition in UNUSED:
                removed[name] = connection.execute(f"DELETE FROM {name} WHERE {condition}").rowcount
            if dry_run:
                raise _Undo
        with store.database.alone() as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return removed


def _id(connection: sqlite3.Connection, store: Store, where: str, name: str) -> tuple[int]:
    found: tuple[int] | None = connection.execute(f"SELECT id FROM {where} WHERE name = ?", (name,)).fetchone()
    if found is None:
        known = ", ".join(repr(one) for (one,) in connection.execute(f"SELECT name FROM {where} ORDER BY name"))
        raise ValueError(f"no {where.removesuffix('s')} {name!r} in {store.path}; it holds {known}")
    return found
