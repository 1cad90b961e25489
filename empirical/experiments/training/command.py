"""The command `percolation training`. torch loads only when it runs."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from empirical.experiments.options import QUICK_PAIRS, InputDimension, MaxRounds, Stop
from percolation import checks, files
from percolation.quantities import with_error
from percolation.terminal import Device, Out, Run, Seed, Workers, loading, print_notes, print_paths, print_table

if TYPE_CHECKING:
    import pandas as pd


def training(
    network: Annotated[str, typer.Option(help="mlp, cnn1d or cnn.")] = "cnn1d",
    data: Annotated[str, typer.Option(help="digits or mnist1d.")] = "mnist1d",
    pairs: Annotated[
        int | None, typer.Option(help="Pairs to connect at each checkpoint, of each kind of inputs; default 20.")
    ] = None,
    checkpoints: Annotated[
        int | None,
        typer.Option(help="Times to look: before training, then log-spaced epochs up to the last; default 8."),
    ] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the training data.")] = 60,
    dim: InputDimension = None,
    level: Annotated[float, typer.Option(help="Loss in nats at or below which an input is open.")] = 1e-3,
    stop: Stop = 5e-4,
    max_rounds: MaxRounds = 8,
    quick: Annotated[bool, typer.Option("--quick", help="5 pairs at 4 checkpoints, unless said.")] = False,
    seed: Seed = 0,
    workers: Workers = 0,
    device: Device = "cpu",
    out: Out = Path("results/training"),
) -> None:
    """Barriers and rounds between low-loss inputs while a network trains, checkpoint by checkpoint.

    Class-optimal inputs from the same noise each time, and natural ones as soon as some are low.
    Writes table.csv (a row a checkpoint and kind), pairs.csv (a row a pair), run.json, training.pdf and training.png.
    """
    from dataclasses import replace

    with loading("training"):
        from empirical.experiments.training import measure
        from empirical.experiments.training.figure import training_figure
        from empirical.finder.find import PRESETS
        from empirical.networks.models import Training
        from percolation.plotting import writers

    usual = PRESETS["default"]
    finder = replace(usual, level=level, max_rounds=max_rounds, descent=replace(usual.descent, stop=stop))
    rule = Training(epochs=checks.integer("epochs", epochs, at_least=1))
    pairs = (QUICK_PAIRS if quick else 20) if pairs is None else pairs
    checkpoints = (4 if quick else 8) if checkpoints is None else checkpoints
    task = measure.Task(network, data, pairs, checkpoints, dim, rule, finder)
    run = Run.begin(out, seed=seed, workers=workers, device=device)
    watched = measure.watch(task, seed=seed, workers=workers, device=device)
    table = measure.table(watched)
    record = run.record(measure.parameters(task), notes=print_notes(watched.notes))
    others = {"pairs.csv": files.csv(measure.pair_table(watched))}
    others |= writers("training", training_figure(table, level))
    paths = run.write(table, record, **others)
    print_training(table)
    print_paths(paths)


def print_training(table: "pd.DataFrame") -> None:
    """A row a checkpoint and kind of inputs: how many are low, their primary barriers and rounds."""
    print_table(
        "While the network trains: primary barriers in nats, and rounds",
        ["epoch", "test acc", "inputs", "low", "n", "barrier", "median", "straight", "rounds", "found"],
        [
            [
                str(row["epoch"]),
                f"{row['test_accuracy']:.3f}",
                row["kind"].removeprefix("class-"),
                f"{row['inputs_low']}/{row['inputs_tried']}",
                str(row["pairs"]),
                _short(row, "barrier"),
                f"{row['barrier_median']:.2g}" if row["pairs"] else "-",
                f"{row['straight']:.2f}" if row["pairs"] else "-",
                _short(row, "rounds"),
                f"{row['connected']:.2f}" if row["pairs"] else "-",
            ]
            for row in table.to_dict("records")
        ],
    )


def _short(row: dict[str, Any], name: str) -> str:
    value, error = row[name], row[f"{name}_error"]
    if math.isnan(value):
        return "-"
    return with_error(value, error) if error > 0.01 * value else f"{value:.3g}"


training.instead = dict.fromkeys(  # type: ignore[attr-defined]
    ("--weights", "--mean", "--std", "--folder", "--size"), "networks are trained here, on digits or mnist1d"
)
# shown at the foot of `--help`
training.epilog = (  # type: ignore[attr-defined]
    "Examples:  percolation training   |   percolation training --network cnn --data digits --pairs 40 --seed 1"
)
