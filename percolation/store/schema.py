"""Tables of the store, and how a file of an older version becomes one of this version."""

import sqlite3

APPLICATION = 0x50455243  # "PERC" in the header of the file: what tells a store from any other SQLite file

# cases are the points of a grid: their parameters stand once, however many realisations they have
FIRST = """
CREATE TABLE codes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE provenance (
    id INTEGER PRIMARY KEY,
    code_id INTEGER NOT NULL REFERENCES codes,
    record TEXT NOT NULL,
    UNIQUE (code_id, record)
);
CREATE TABLE experiments (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created REAL NOT NULL);
CREATE TABLE cases (
    id INTEGER PRIMARY KEY,
    function TEXT NOT NULL,
    parameters TEXT NOT NULL,
    UNIQUE (function, parameters)
);
CREATE TABLE tasks (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE CHECK (length(key) = 32),
    case_id INTEGER NOT NULL REFERENCES cases,
    seed TEXT NOT NULL
);
CREATE INDEX tasks_of_case ON tasks (case_id);
CREATE TABLE results (
    task_id INTEGER NOT NULL REFERENCES tasks,
    code_id INTEGER NOT NULL REFERENCES codes,
    provenance_id INTEGER NOT NULL REFERENCES provenance,
    scalars TEXT NOT NULL,
    crc INTEGER NOT NULL,
    wall REAL,
    cpu REAL,
    finished REAL NOT NULL,
    PRIMARY KEY (task_id, code_id)
) WITHOUT ROWID;
CREATE TABLE arrays (
    id INTEGER PRIMARY KEY,
    task_id INTEGER NOT NULL,
    code_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    dtype TEXT NOT NULL,
    shape TEXT NOT NULL,
    crc INTEGER NOT NULL,
    npy BLOB NOT NULL,
    UNIQUE (task_id, code_id, name),
    FOREIGN KEY (task_id, code_id) REFERENCES results
);
CREATE TABLE uses (
    experiment_id INTEGER NOT NULL REFERENCES experiments,
    task_id INTEGER NOT NULL,
    code_id INTEGER NOT NULL,
    PRIMARY KEY (experiment_id, task_id, code_id),
    FOREIGN KEY (task_id, code_id) REFERENCES results
) WITHOUT ROWID
"""

FAILURES = """
CREATE TABLE failures (
    task_id INTEGER NOT NULL REFERENCES tasks,
    code_id INTEGER NOT NULL REFERENCES codes,
    provenance_id INTEGER NOT NULL REFERENCES provenance,
    experiment_id INTEGER NOT NULL REFERENCES experiments,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    traceback TEXT NOT NULL,
    wall REAL,
    failed REAL NOT NULL,
    PRIMARY KEY (task_id, code_id)
) WITHOUT ROWID
"""

MIGRATIONS = (FIRST, FAILURES)  # number n brings a file of schema version n to n + 1; none is ever changed
VERSION = len(MIGRATIONS)


def check(database: sqlite3.Connection, path: object) -> int:
    """Schema version of the open file, 0 for an empty one; an error in words if it is no store or too new."""
    application, version = (
        database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    )
    if application == APPLICATION:
        if version > VERSION:
            raise ValueError(
                f"{path} has schema version {version}, this package reads up to {VERSION}: update the package"
            )
        return int(version)
    if application or version or database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise ValueError(f"{path} is an SQLite file, but no store of results; name another file")
    return 0


def migrate(database: sqlite3.Connection, path: object) -> None:
    """Bring the file to this version, in one transaction: another process sees the old tables or the new ones."""
    database.execute("BEGIN IMMEDIATE")
    try:
        for migration in MIGRATIONS[check(database, path) :]:
            for statement in migration.split(";"):
                database.execute(statement)
        database.execute(f"PRAGMA application_id = {APPLICATION}")
        database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise
