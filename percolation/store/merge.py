"""The results of two machines in one store."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from percolation.store.store import Store

# theirs -> ours; what we lack has been added by then
MAPS = """
INSERT INTO main.codes (name) SELECT name FROM other.codes WHERE true ON CONFLICT DO NOTHING;
CREATE TEMP TABLE code AS
    SELECT o.id AS theirs, m.id AS ours FROM other.codes o JOIN main.codes m ON m.name = o.name;
INSERT INTO main.provenance (code_id, record)
    SELECT c.ours, o.record FROM other.provenance o JOIN code c ON c.theirs = o.code_id
    WHERE true ON CONFLICT DO NOTHING;
CREATE TEMP TABLE made AS SELECT o.id AS theirs, m.id AS ours FROM other.provenance o
    JOIN code c ON c.theirs = o.code_id JOIN main.provenance m ON m.code_id = c.ours AND m.record = o.record;
INSERT INTO main.experiments (name, created)
    SELECT name, created FROM other.experiments WHERE true ON CONFLICT DO NOTHING;
CREATE TEMP TABLE experiment AS
    SELECT o.id AS theirs, m.id AS ours FROM other.experiments o JOIN main.experiments m ON m.name = o.name;
INSERT INTO main.cases (function, parameters)
    SELECT function, parameters FROM other.cases WHERE true ON CONFLICT DO NOTHING;
INSERT INTO main.tasks (key, case_id, seed) SELECT o.key, m.id, o.seed FROM other.tasks o
    JOIN other.cases k ON k.id = o.case_id
    JOIN main.cases m ON m.function = k.function AND m.parameters = k.parameters WHERE true ON CONFLICT DO NOTHING;
CREATE TEMP TABLE task (theirs INTEGER PRIMARY KEY, ours INTEGER);
INSERT INTO task SELECT o.id, m.id FROM other.tasks o JOIN main.tasks m ON m.key = o.key;
CREATE TEMP TABLE pair AS SELECT o.task_id, o.code_id, t.ours AS our_task, c.ours AS our_code, m.task_id IS NULL AS new,
    m.scalars IS NOT o.scalars AS differs FROM other.results o JOIN task t ON t.theirs = o.task_id
    JOIN code c ON c.theirs = o.code_id LEFT JOIN main.results m ON m.task_id = t.ours AND m.code_id = c.ours
"""
DIFFERENT = """
SELECT hex(t.key) FROM pair p JOIN main.tasks t ON t.id = p.our_task WHERE NOT p.new AND (p.differs OR EXISTS (
    SELECT name, npy FROM other.arrays WHERE task_id = p.task_id AND code_id = p.code_id
    EXCEPT SELECT name, npy FROM main.arrays WHERE task_id = p.our_task AND code_id = p.our_code)) ORDER BY t.key
"""
ROWS = """
INSERT INTO main.results SELECT p.our_task, p.our_code, d.ours, o.scalars, o.crc, o.wall, o.cpu, o.finished
    FROM pair p JOIN other.results o ON o.task_id = p.task_id AND o.code_id = p.code_id
    JOIN made d ON d.theirs = o.provenance_id WHERE p.new;
INSERT INTO main.arrays (task_id, code_id, name, dtype, shape, crc, npy)
    SELECT p.our_task, p.our_code, o.name, o.dtype, o.shape, o.crc, o.npy
    FROM pair p JOIN other.arrays o ON o.task_id = p.task_id AND o.code_id = p.code_id WHERE p.new;
INSERT INTO main.uses SELECT e.ours, t.ours, c.ours FROM other.uses o JOIN experiment e ON e.theirs = o.experiment_id
    JOIN task t ON t.theirs = o.task_id JOIN code c ON c.theirs = o.code_id WHERE true ON CONFLICT DO NOTHING;
INSERT INTO main.failures SELECT t.ours, c.ours, d.ours, e.ours, o.kind, o.message, o.traceback, o.wall, o.failed
    FROM other.failures o JOIN task t ON t.theirs = o.task_id JOIN code c ON c.theirs = o.code_id
    JOIN made d ON d.theirs = o.provenance_id JOIN experiment e ON e.theirs = o.experiment_id
    WHERE true ON CONFLICT DO NOTHING;
DELETE FROM main.failures WHERE EXISTS (SELECT 1 FROM main.results r
    WHERE r.task_id = failures.task_id AND r.code_id = failures.code_id)
"""
TEMPORARY = ("code", "made", "experiment", "task", "pair")


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
    with store.connection.alone() as database:
        database.execute("ATTACH ? AS other", (f"{path.resolve().as_uri()}?mode=ro",))
        try:
            with store.connection.transaction() as database:
                return _merge(database)
        finally:
            database.execute("DETACH other")


def _merge(database: sqlite3.Connection) -> Merged:
    _run(database, MAPS)
    different = tuple(key.lower() for (key,) in database.execute(DIFFERENT))
    added, there = database.execute("SELECT ifnull(sum(new), 0), ifnull(sum(NOT new), 0) FROM pair").fetchone()
    _run(database, ROWS)
    _run(database, ";".join(f"DROP TABLE temp.{name}" for name in TEMPORARY))
    return Merged(added, there - len(different), different)


def _run(database: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";"):  # executescript would commit
        database.execute(statement)
