"""Results as a table for other programs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from percolation import files
from percolation.store import query
from percolation.store.store import Store

FORMATS = (".csv", ".parquet")


def export(store: Store, path: Path, *, experiment: str) -> int:
    """Write every result of the experiment by this code, a row each with its parameters, seed and code; how many.

    The ending says the format. Numbers have the same bits when read again. Lists and arrays are JSON text.
    """
    if path.suffix not in FORMATS:
        raise ValueError(f"cannot tell the format of {path}: expected a name that ends in {' or '.join(FORMATS)}")
    table = query.find(store, experiment=experiment)
    table = table.map(_plain) if len(table) else table
    with files.appearing(path) as temporary:
        if path.suffix == ".csv":
            table.to_csv(temporary, index=False)
        else:
            _to_parquet(table, temporary)
    return len(table)


def _to_parquet(table: pd.DataFrame, path: Path) -> None:
    try:
        table.to_parquet(path, index=False)
    except ImportError as error:
        raise ValueError("Parquet needs pyarrow: `pip install pyarrow`, or export to .csv") from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return json.dumps(value) if isinstance(value, list | dict) else value
