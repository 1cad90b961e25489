"""Throwing away, on request, and giving the space back."""

import sqlite3

from percolation.store.store import Store

UNUSED = (
    ("arrays", "NOT EXISTS (SELECT 1 FROM uses u WHERE u.task_id = arrays.task_id AND u.code_id = arrays.code_id)"),
    ("results", "NOT EXISTS (SELECT 1 FROM uses u WHERE u.task_id = results.task_id AND u.code_id = results.code_id)"),
    ("tasks", "id NOT IN (SELECT task_id FROM results UNION SELECT task_id FROM failures)"),
    ("cases", "id NOT IN (SELECT case_id FROM tasks)"),
    ("provenance", "id NOT IN (SELECT provenance_id FROM results UNION SELECT provenance_id FROM failures)"),
    ("codes", "id NOT IN (SELECT code_id FROM provenance)"),
    ("experiments", "id NOT IN (SELECT experiment_id FROM uses UNION SELECT experiment_id FROM failures)"),
)


def gc(
    store: Store, *, experiment: str | None = None, code: str | None = None, dry_run: bool = False
) -> dict[str, int]:
    """Remove what belongs to no experiment any more; how many rows of each table.

    experiment, code: remove the results and failures of this experiment, or of this version of the code, first.
    Waits for a scan that is running on the store. dry_run: count only.
    """
    with store.driving(), store.connection.alone() as database:
        # a foreign key is looked up from its parent without an index: off while rows go by the million, checked after
        database.execute("PRAGMA foreign_keys = OFF")
        try:
            removed = _remove(store, experiment, code, dry_run)
        finally:
            database.execute("PRAGMA foreign_keys = ON")
        if not dry_run:
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return removed


class _Undo(Exception):
    pass


def _remove(store: Store, experiment: str | None, code: str | None, dry_run: bool) -> dict[str, int]:
    removed: dict[str, int] = {}
    try:
        with store.connection.transaction() as database:
            _forget(database, "experiment_id", "experiments", experiment, store)
            _forget(database, "code_id", "codes", code, store)
            index = "CREATE INDEX temp_uses ON uses (task_id, code_id)"
            database.execute(index)
            for table, condition in UNUSED:
                removed[table] = database.execute(f"DELETE FROM {table} WHERE {condition}").rowcount
            database.execute("DROP INDEX temp_uses")
            if database.execute("PRAGMA foreign_key_check").fetchone():
                raise ValueError(f"{store.path} is damaged, nothing was removed; see `percolation runs verify`")
            if dry_run:
                raise _Undo
    except _Undo:
        pass
    return removed


def _forget(database: sqlite3.Connection, column: str, table: str, name: str | None, store: Store) -> None:
    if name is None:
        return
    found = database.execute(f"SELECT id FROM {table} WHERE name = ?", (name,)).fetchone()
    if found is None:
        known = ", ".join(repr(one) for (one,) in database.execute(f"SELECT name FROM {table} ORDER BY name"))
        raise ValueError(f"no {table.removesuffix('s')} {name!r} in {store.path}; it holds {known}")
    for rows in ("uses", "failures"):
        database.execute(f"DELETE FROM {rows} WHERE {column} = ?", found)
