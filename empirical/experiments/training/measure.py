"""The experiment over training time: how do barriers between low-loss inputs change while a network learns?

At checkpoints of one training, log-spaced in epochs, class-optimal inputs are made from the same noise and connected by
the path finder; natural inputs too, where enough of them are low.
"""

import math
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from empirical.data import offline
from empirical.data.tensors import Dataset
from empirical.ends import modes
from empirical.ends.modes import Modes
from empirical.finder.find import PRESETS, Connection, Finder, find_paths
from empirical.losses import objectives
from empirical.losses.objectives import ClassLoss
from empirical.networks import architectures, models
from empirical.networks.models import Training
from empirical.networks.taken import notes_of
from empirical.networks.training import epochs
from empirical.threads import one_thread
from percolation import checks, intervals, runs, seeds

KINDS = ("class-optimal", "natural")
# of a descent, in the architecture's: what did not arrive is tried again with the second, since before training (cnn1d,
# slopes of 0.03) an input of loss 5e-4 lies 300 to 700 away, the reach of 2048 steps of the first
STEPS = (1.0, 10.0)
MOST_PAIRS, MOST_CHECKPOINTS = 10_000, 1000  # each checkpoint holds a copy of the weights
SPARE = 1.5  # class-optimal inputs tried over those needed: some do not reach stop


@dataclass(frozen=True)
class Task:
    """What to train, when to look, and how many pairs to connect then."""

    network: str = "cnn1d"
    data: str = "mnist1d"
    pairs: int = 20
    checkpoints: int = 8
    dimension: int | None = None
    training: Training = field(default_factory=Training)
    finder: Finder = PRESETS["default"]
    iterations: int = modes.CLASS_OPTIMAL.iterations  # steps allowed to a class-optimal input, of each length

    def __post_init__(self) -> None:
        architectures.find(self.network)
        checks.one_of("data set", self.data, offline.NAMES)
        checks.integer("pairs", self.pairs, at_least=1, at_most=MOST_PAIRS)
        checks.integer("checkpoints", self.checkpoints, at_least=2, at_most=MOST_CHECKPOINTS)
        checks.integer("iterations", self.iterations, at_least=1)
        for name, loss in (("level", self.finder.level), ("stop", self.finder.descent.stop)):
            checks.positive(name, loss)  # a cross-entropy is


@dataclass(frozen=True)
class Checkpoint:
    """A network after some epochs of its training."""

    epoch: int
    weights: dict[str, Tensor]  # its state dict, a copy


@dataclass(frozen=True)
class Watched:
    """A row for each checkpoint and kind of inputs, and a row for each of their pairs."""

    task: Task
    rows: list[dict[str, Any]]
    pairs: list[dict[str, Any]]
    notes: tuple[str, ...] = ()  # how a network of the user's was taken


def watch(task: Task, *, seed: int = 0, workers: int = 0, device: str = "cpu") -> Watched:
    """Train one network, and connect low-loss inputs of every checkpoint.

    On the CPU the numbers depend on the task and the seed, not on the workers.
    """
    checks.seed(seed)
    objectives.device(device)
    dataset = offline.load(task.data, task.dimension)
    kept_at = log_spaced(task.training.epochs, task.checkpoints)
    train = partial(trained_checkpoints, task.network, training=task.training, kept_at=kept_at, seed=seed)
    (kept,) = runs.run(train, [dataset], label="training")
    items = [(checkpoint, kind) for checkpoint in kept for kind in KINDS]
    looked = partial(_connected, task, seed, device)
    found = runs.run(looked, items, workers=workers, processes=workers != 1, label="checkpoints")
    notes = notes_of(models.to_be_trained(task.network, dataset, seed=seed))
    return Watched(task, [row for row, _ in found], [pair for _, pairs in found for pair in pairs], tuple(notes))


def table(watched: Watched) -> pd.DataFrame:
    """A row a checkpoint and kind of inputs; losses in nats, errors one sigma."""
    return pd.DataFrame(watched.rows)


def pair_table(watched: Watched) -> pd.DataFrame:
    """A row a pair."""
    return pd.DataFrame(watched.pairs, columns=["epoch", "kind", "index", *_PAIR_COLUMNS])


def parameters(task: Task) -> dict[str, Any]:
    """Everything that determines the result but the seed."""
    return asdict(task) | {"epochs": log_spaced(task.training.epochs, task.checkpoints)}


def log_spaced(last: int, n: int) -> list[int]:
    """At most n epochs: 0, then about evenly spaced logarithms from 1 to the last."""
    spaced = np.geomspace(1, last, n - 1).round().astype(int) if n > 2 else [last]
    return sorted({0, *(int(epoch) for epoch in spaced), last})


def trained_checkpoints(
    network: str, dataset: Dataset, *, training: Training, kept_at: list[int], seed: int
) -> list[Checkpoint]:
    """The network of `models.trained` after each of these epochs of its training; bit for bit the same at the last."""
    model = models.to_be_trained(network, dataset, seed=seed)
    with one_thread():
        return [
            Checkpoint(epoch, {name: value.clone() for name, value in model.state_dict().items()})
            for epoch in epochs(model, dataset, training, seed)
            if epoch in kept_at
        ]


def _connected(
    task: Task, seed: int, device: str, item: tuple[Checkpoint, str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The row of one checkpoint and kind, and those of its pairs."""
    checkpoint, kind = item
    with one_thread():
        dataset = offline.load(task.data, task.dimension)
        model = models.to_be_trained(task.network, dataset, seed=0).to(device)
        model.load_state_dict(checkpoint.weights)
        x, y = dataset.x_test.to(device), dataset.y_test.to(device)
        generator = torch.Generator().manual_seed(seeds.integer(seeds.of(f"training {kind}", seed)))
        low = _low_inputs(task, model, dataset, kind, generator, device)
        i, j = modes.pairs_within_class(low.labels, task.pairs, generator=generator)
        objective = ClassLoss(model, low.labels[i]) if len(i) else None
        found = [] if objective is None else list(find_paths(objective, low.points[i], low.points[j], task.finder))
        label = {"epoch": checkpoint.epoch, "kind": kind}
        row = label | _columns(low, found) | {"test_accuracy": models.accuracy(model, x, y)}
        row["train_accuracy"] = models.accuracy(model, dataset.x_train.to(device), dataset.y_train.to(device))
        return row, [label | {"index": k} | _pair(one) for k, one in enumerate(found)]


def _low_inputs(
    task: Task, model: nn.Module, dataset: Dataset, kind: str, generator: torch.Generator, device: str
) -> Modes:
    """Inputs with loss at or below stop: test inputs, or minimisers from noise, drawn alike at each checkpoint."""
    stop = task.finder.descent.stop
    if kind == "natural":
        return modes.natural(model, dataset.x_test.to(device), dataset.y_test.to(device), stop=stop)
    labels = torch.arange(math.ceil(SPARE * task.pairs), device=device).repeat_interleave(2) % dataset.n_classes
    usual = replace(modes.CLASS_OPTIMAL, stop=stop, iterations=task.iterations)
    parts: list[Modes] = []
    for step in (architectures.find(task.network).step * times for times in STEPS):
        rule = replace(usual, lr=step)
        parts.append(modes.class_optimal(model, labels, dataset.shape, generator=generator, rule=rule))
        counts = (part.bincount(minlength=dataset.n_classes) for part in (labels, parts[-1].labels))
        missing = next(counts) - next(counts)
        if not missing.any():
            break
        labels = torch.arange(dataset.n_classes, device=device).repeat_interleave(missing)
    return replace(modes.joined(parts), n_tried=parts[0].n_tried)


_PAIR_COLUMNS = ("status", "rounds", "segments", "barrier", "gap", "displacement", "excess_length", "distance")


def _pair(connection: Connection) -> dict[str, Any]:
    straight = connection.history[0]
    values = (connection.status, connection.rounds, connection.path.n_segments, connection.barrier, connection.gap)
    lengths = (connection.displacement, connection.path.excess_length, straight.length)
    return dict(zip(_PAIR_COLUMNS, values + lengths, strict=True))


def _columns(low: Modes, found: list[Connection]) -> dict[str, Any]:
    """Counts, barriers of all pairs, rounds of those connected; nan where there are none."""
    n, connected = len(found), [one for one in found if one.connected]
    barriers = np.array([one.barrier for one in found], dtype=float)
    rounds = np.array([one.rounds for one in connected], dtype=float)
    quartiles = np.quantile(barriers, [0.25, 0.5, 0.75]) if n else [math.nan] * 3
    return {
        "inputs_tried": low.n_tried,
        "inputs_low": len(low.points),
        "norm": float(low.points.flatten(1).norm(dim=1).mean()) if len(low.points) else math.nan,
        "pairs": n,
        **intervals.exact(len(connected), n).columns("connected"),
        "straight": sum(one.rounds == 0 for one in connected) / n if n else math.nan,
        "barrier": _mean(barriers),
        "barrier_error": _error(barriers),
        "barrier_q25": quartiles[0],
        "barrier_median": quartiles[1],
        "barrier_q75": quartiles[2],
        "rounds": _mean(rounds),
        "rounds_error": _error(rounds),
    }


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else math.nan


def _error(values: np.ndarray) -> float:
    """Standard error of the mean."""
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan
