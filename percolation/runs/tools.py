"""What is in a store, as tables; whether it is sound; two stores made one; what nobody needs thrown away."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from percolation import files
from percolation.runs.database import run
from percolation.runs.ensemble import by_name
from percolation.runs.store import OUTCOMES, Store, outcome_of

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


def table(
    store: Store, *, experiment: str | None = None, parameters: Mapping[str, Any] | None = None
) -> "pd.DataFrame":
    """Results of this code that fit, a row each in the order of the keys.

    Columns: function, the parameters, seed, the results (arrays as arrays), wall, cpu, code, key; a result with the
    name of a parameter is result_NAME. parameters: values to be equal to, numbers or text.
    """
    import pandas as pd

    conditions, values = ["c.name = ?", "o.kind = ''"], [store.code]
    if experiment is not None:
        conditions.append(
            "EXISTS (SELECT 1 FROM uses u JOIN experiments e ON e.id = u.experiment_id "
            "WHERE e.name = ? AND u.outcome_id = o.id)"
        )
        values.append(experiment)
    for name, value in (parameters or {}).items():
        conditions.append("json_extract(k.parameters, ?) = ?")
        values += [f'$."{name}"', value]
    # CROSS: the cases first; left to itself SQLite walks all outcomes by key, so as not to sort
    sql = OUTCOMES.replace("outcomes o JOIN cases k", "cases k CROSS JOIN outcomes o") if parameters else OUTCOMES
    rows = []
    for page in store.database.pages(f"{sql} WHERE {' AND '.join(conditions)} ORDER BY o.key", values):
        rows += [_row(row, store.code) for row in page]
    return pd.DataFrame(rows)


def _row(row: tuple[Any, ...], code: str) -> dict[str, Any]:
    one = outcome_of(row[1:], build=False)
    columns = {"function": one.task.function} | dict(one.task.parameters) | {"seed": one.task.seed}
    taken = {*columns, "wall", "cpu", "code", "key"}
    result = by_name(one.value) or {"value": one.value}
    columns |= {f"result_{name}" if name in taken else name: value for name, value in result.items()}
    return columns | {"wall": one.wall, "cpu": one.cpu, "code": code, "key": row[0].hex()}


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


# theirs: the other's outcomes with our numbers of what we have been given by then
MAPS = """
INSERT INTO main.codes (name) SELECT name FROM other.codes WHERE true ON CONFLICT DO NOTHING;
INSERT INTO main.machines (record) SELECT record FROM other.machines WHERE true ON CONFLICT DO NOTHING;
INSERT INTO main.experiments (name) SELECT name FROM other.experiments WHERE true ON CONFLICT DO NOTHING;
INSERT INTO main.cases (function, parameters)
    SELECT function, parameters FROM other.cases WHERE true ON CONFLICT DO NOTHING;
CREATE TEMP VIEW theirs AS SELECT o.id, o.key, c.id AS code_id, k.id AS case_id, m.id AS machine_id, o.seed, o.kind,
    o.value, o.crc, o.wall, o.cpu, o.finished FROM other.outcomes o
    JOIN other.codes oc ON oc.id = o.code_id JOIN main.codes c ON c.name = oc.name
    JOIN other.cases ok ON ok.id = o.case_id
    JOIN main.cases k ON k.function = ok.function AND k.parameters = ok.parameters
    JOIN other.machines om ON om.id = o.machine_id JOIN main.machines m ON m.record = om.record
"""
BOTH = "FROM theirs t JOIN main.outcomes o ON o.key = t.key AND o.code_id = t.code_id WHERE t.kind = '' AND o.kind = ''"
COLUMNS = "key, code_id, case_id, machine_id, seed, kind, value, crc, wall, cpu, finished"
ROWS = f"""
DELETE FROM main.uses WHERE outcome_id IN (SELECT o.id FROM theirs t JOIN main.outcomes o
    ON o.key = t.key AND o.code_id = t.code_id WHERE t.kind = '' AND o.kind != '');
DELETE FROM main.outcomes WHERE kind != '' AND EXISTS (SELECT 1 FROM theirs t
    WHERE t.key = outcomes.key AND t.code_id = outcomes.code_id AND t.kind = '');
INSERT INTO main.outcomes ({COLUMNS}) SELECT {COLUMNS} FROM theirs WHERE true ON CONFLICT DO NOTHING;
INSERT INTO main.uses SELECT e.id, o.id FROM other.uses u JOIN other.experiments oe ON oe.id = u.experiment_id
    JOIN main.experiments e ON e.name = oe.name JOIN theirs t ON t.id = u.outcome_id
    JOIN main.outcomes o ON o.key = t.key AND o.code_id = t.code_id WHERE true ON CONFLICT DO NOTHING;
DROP VIEW theirs
"""


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
    Store(path, read_only=True).close()  # is it a store, and of this version?
    with store.database.alone() as connection:
        connection.execute("ATTACH ? AS other", (f"{path.resolve().as_uri()}?mode=ro",))
        try:
            with store.database.transaction():
                return _merge(connection)
        finally:
            connection.execute("DETACH other")


def _merge(connection: sqlite3.Connection) -> Merged:
    def count(sql: str) -> int:
        return int(connection.execute(f"SELECT count(*) {sql}").fetchone()[0])

    run(connection, MAPS)
    keys = connection.execute(f"SELECT hex(t.key) {BOTH} AND t.value != o.value ORDER BY t.key").fetchall()
    both, theirs = count(BOTH), count("FROM other.outcomes WHERE kind = ''")
    run(connection, ROWS)
    return Merged(theirs - both, both - len(keys), tuple(key.lower() for (key,) in keys))


UNUSED = (
    ("outcomes", "NOT EXISTS (SELECT 1 FROM uses u WHERE u.outcome_id = outcomes.id)"),
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
    with store.driving(), store.database.alone() as connection:
        # a foreign key is looked up from its parent without an index: off while rows go by the million, checked after
        connection.execute("PRAGMA foreign_keys = OFF")
        try:
            with store.database.transaction():
                _remove(connection, store, experiment, code, removed)
                if dry_run:
                    raise _Undo
        except _Undo:
            return removed
        finally:
            connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return removed


def _remove(
    connection: sqlite3.Connection, store: Store, experiment: str | None, code: str | None, removed: dict[str, int]
) -> None:
    connection.execute("CREATE INDEX temporary_uses ON uses (outcome_id)")
    if experiment is not None:
        connection.execute(
            "DELETE FROM uses WHERE experiment_id = ?", _id(connection, store, "experiments", experiment)
        )
    if code is not None:
        of_code = "SELECT id FROM outcomes WHERE code_id = ?"
        connection.execute(f"DELETE FROM uses WHERE outcome_id IN ({of_code})", _id(connection, store, "codes", code))
    for name, condition in UNUSED:
        removed[name] = connection.execute(f"DELETE FROM {name} WHERE {condition}").rowcount
    connection.execute("DROP INDEX temporary_uses")
    if connection.execute("PRAGMA foreign_key_check").fetchone():
        raise ValueError(f"{store.path} is damaged, nothing was removed; see `percolation runs verify`")


def _id(connection: sqlite3.Connection, store: Store, where: str, name: str) -> tuple[int]:
    found = connection.execute(f"SELECT id FROM {where} WHERE name = ?", (name,)).fetchone()
    if found is None:
        known = ", ".join(repr(one) for (one,) in connection.execute(f"SELECT name FROM {where} ORDER BY name"))
        raise ValueError(f"no {where.removesuffix('s')} {name!r} in {store.path}; it holds {known}")
    return tuple(found)
