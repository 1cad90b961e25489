"""What is in a store, as tables."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from percolation.store import reading
from percolation.store.store import Store
from percolation.store.tasks import Task

EXPERIMENTS = (
    "SELECT e.name AS experiment, c.name AS code, count(*) AS results, 0 AS failed FROM uses u "
    "JOIN experiments e ON e.id = u.experiment_id JOIN codes c ON c.id = u.code_id GROUP BY u.experiment_id, u.code_id "
    "UNION ALL SELECT e.name, c.name, 0, count(*) FROM failures f "
    "JOIN experiments e ON e.id = f.experiment_id JOIN codes c ON c.id = f.code_id GROUP BY f.experiment_id, f.code_id"
)


def experiments(store: Store) -> pd.DataFrame:
    """A row an experiment and version of the code: results and failures."""
    columns = ["experiment", "code", "results", "failed"]
    rows = pd.DataFrame(store.connection.rows(EXPERIMENTS), columns=columns)
    return rows.groupby(columns[:2], as_index=False).sum()


def latest_code(store: Store, experiment: str) -> str:
    """The newest version of the code that the experiment has results or failures of; an error if there are none."""
    sql = (
        "SELECT c.name FROM codes c JOIN experiments e ON e.name = ? WHERE c.id IN ("
        "SELECT code_id FROM uses WHERE experiment_id = e.id UNION "
        "SELECT code_id FROM failures WHERE experiment_id = e.id"
        ") ORDER BY c.id DESC LIMIT 1"
    )
    found = store.connection.rows(sql, (experiment,))
    if not found:
        known = ", ".join(repr(name) for (name,) in store.connection.rows("SELECT name FROM experiments ORDER BY name"))
        raise ValueError(f"no results of experiment {experiment!r} in {store.path}; it holds {known or 'none at all'}")
    return str(found[0][0])


def find(
    store: Store,
    *,
    experiment: str | None = None,
    function: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Results of this code that fit, a row each in the order of the keys.

    Columns: function, the parameters, seed, the results (arrays as arrays), wall, cpu, code, key; a result with the
    name of a parameter is result_NAME. parameters: values to be equal to, numbers or text.
    """
    conditions, values = ["c.name = ?"], [store.code]
    if experiment is not None:
        conditions.append(
            "EXISTS (SELECT 1 FROM uses u JOIN experiments e ON e.id = u.experiment_id "
            "WHERE e.name = ? AND u.task_id = r.task_id AND u.code_id = r.code_id)"
        )
        values.append(experiment)
    if function is not None:
        conditions.append("k.function = ?")
        values.append(function)
    for name, value in (parameters or {}).items():
        conditions.append("json_extract(k.parameters, ?) = ?")
        values += [f'$."{name}"', value]
    sql = (
        "SELECT t.id, t.key, r.code_id, r.scalars, r.crc, k.function, k.parameters, t.seed, r.wall, r.cpu, c.name "
        # CROSS: in this order; left to itself SQLite walks all tasks by key, so as not to sort
        "FROM cases k CROSS JOIN tasks t ON t.case_id = k.id JOIN results r ON r.task_id = t.id "
        f"JOIN codes c ON c.id = r.code_id WHERE {' AND '.join(conditions)} ORDER BY t.key"
    )
    rows = []
    for page in store.connection.pages(sql, values):
        for row, result in zip(page, reading.unpacked(store.connection, page), strict=True):
            rows.append(_row(row, result))
    return pd.DataFrame(rows)


def provenance(store: Store) -> list[tuple[str, dict[str, Any]]]:
    """Versions and machines that made the results, by code."""
    sql = "SELECT c.name, p.record FROM provenance p JOIN codes c ON c.id = p.code_id ORDER BY p.id"
    return [(code, json.loads(record)) for code, record in store.connection.rows(sql)]


def _row(row: tuple[Any, ...], result: Mapping[str, Any]) -> dict[str, Any]:
    _, key, _, _, _, function, parameters, seed, wall, cpu, code = row
    task = Task(function, json.loads(parameters), json.loads(seed))
    columns = {"function": task.function} | dict(task.parameters) | {"seed": task.seed}
    taken = {*columns, "wall", "cpu", "code", "key"}
    columns |= {f"result_{name}" if name in taken else name: value for name, value in result.items()}
    return columns | {"wall": wall, "cpu": cpu, "code": code, "key": key.hex()}
