"""What `percolation connect --space parameters` does. torch loads only when it runs."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from percolation import checks, files
from percolation.quantities import with_error
from percolation.terminal import Run, announce, loading, print_paths, print_table

if TYPE_CHECKING:
    import pandas as pd

    from empirical.experiments.weights.measure import Task

SMALL, MINUTES_A_PAIR = ("mlp", "cnn", "cnn1d"), 1.5  # on two busy cores
NAMES = {"line": "straight line", "chain": "chain, 1 bend", "bezier": "Bezier, 1 bend", "finder": "path finder"}


def connect_parameters(
    network: str = "cnn",
    data: str | None = None,
    pairs: int | None = None,
    dim: int | None = None,
    level: float | None = None,
    max_rounds: int = 6,
    bend_epochs: int = 200,
    seed: int = 0,
    workers: int = 0,
    device: str = "cpu",
    out: Path = Path("results/connect-parameters"),
) -> None:
    """Connect independently trained networks of one architecture by paths of low training loss.

    data: digits, or mnist1d of cnn1d, if absent; pairs: 3.
    level: of the path finder, nats; None: three times the largest training loss of the networks, and at least 1e-3.
    Writes table.csv (a row a pair and path), profiles.csv (loss and errors along each), plane.npz (the loss around the
    first chain), run.json, parameters.pdf and parameters.png.
    """
    from dataclasses import replace

    with loading("connect --space parameters", "about 1.5 min a pair"):
        from empirical.experiments.weights import curves, measure

    bend = replace(curves.BEND_TRAINING, epochs=checks.integer("bend_epochs", bend_epochs, at_least=1))
    data = "mnist1d" if data is None and network == "cnn1d" else data or "digits"
    pairs = 3 if pairs is None else pairs
    task = measure.Task(network, data, pairs, dim, bend=bend, level=level, max_rounds=max_rounds)
    run(task, seed, workers, device, out)


def run(task: "Task", seed: int, workers: int, device: str, out: Path) -> None:
    """Carry out the task, write its files, print its table."""
    import numpy as np

    from empirical.data import offline
    from empirical.experiments.weights import measure
    from empirical.experiments.weights.figure import parameters_figure
    from percolation.plotting import writers

    begun = Run.begin(out, seed=seed, workers=workers, device=device)
    small = task.network in SMALL and task.data in offline.NAMES
    announce(
        f"{task.pairs} pairs of {task.network} on {task.data}: training {2 * task.pairs} networks, "
        f"{len(measure.PATHS)} paths between those of a pair",
        MINUTES_A_PAIR * task.pairs if small else None,
    )
    found = measure.connect(task, seed=seed, workers=workers, device=device)
    table = measure.table(found)
    record = begun.record(measure.parameters(found))
    plane = found.plane
    others: dict[str, files.Writer] = {
        "profiles.csv": files.csv(found.profiles),
        "plane.npz": lambda path: np.savez(path, x=plane.x, y=plane.y, loss=plane.loss, bend=plane.bend),
    }
    others |= writers("parameters", parameters_figure(found))
    paths = begun.write(table, record, **others)
    print_parameters(measure.summary(table), found.level)
    print_paths(paths)


def print_parameters(rows: "pd.DataFrame", level: float) -> None:
    """Means over the pairs, with standard errors; a row a path."""
    print_table(
        f"Trained networks: means (n = {rows['pairs'].max()} pairs); the finder's level: {level:.2g} nats",
        ["path", "barrier", "train err", "test err", "at ends", "length", "rounds", "open"],
        [
            [
                NAMES[row["path"]],
                _short(row, "barrier"),
                _percent(row["train_error"]),
                _percent(row["test_error"]),
                _percent(row["test_error_ends"]),
                _short(row, "length_over_distance"),
                _short(row, "rounds"),
                f"{row['connected']:.2f}",
            ]
            for row in rows.to_dict("records")
        ],
    )


def _short(row: dict[str, Any], name: str) -> str:
    value, error = row[name], row[f"{name}_error"]
    if math.isnan(value):
        return "-"
    if math.isnan(error) or error < 1e-6:
        return f"{value:.3g}"
    return with_error(value, error)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
