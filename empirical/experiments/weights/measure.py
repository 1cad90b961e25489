"""The experiment in parameter space: are independently trained networks connected by paths of low training loss?

Pairs of networks of one architecture, trained from different seeds, and four paths between them: the straight line, a
polygonal chain and a quadratic Bezier curve with one trained bend, and the path finder's, which splits and lowers.
"""

import math
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from empirical.data import offline
from empirical.descent.rows import Descent
from empirical.experiments.weights import curves
from empirical.experiments.weights.curves import BEND_TRAINING, Curve, train_bend
from empirical.finder.find import Finder, find_paths
from empirical.finder.paths import Path
from empirical.finder.settings import MOST
from empirical.losses import objectives
from empirical.losses.weights import TrainingLoss, flat
from empirical.networks import architectures, models
from empirical.networks.models import Training
from empirical.threads import one_thread
from percolation import checks, runs, seeds

PATHS = ("line", *curves.KINDS, "finder")
ABOVE_ENDS, LOWEST_LEVEL = 3.0, 1e-3  # the usual level: so many times the largest loss of a network, nats
COSTS = {"line": 0, "chain": 2, "bezier": 2, "finder": 3}  # rough, relative
MAP_MARGIN = 0.3  # how far the map goes beyond networks and bend, in their distance
LEAST_MAP_HEIGHT = 1.2  # in the same
MOST_PAIRS = 1000  # of networks, each of them trained


@dataclass(frozen=True)
class Task:
    """What to train and to connect. level: training loss in nats at or below which the finder calls a network open.

    None takes three times the largest loss of the networks that are connected, and no less than 1e-3: all ends have
    it with a margin, whatever the data. Descents stop at half the level.
    """

    network: str = "cnn"
    data: str = "digits"
    pairs: int = 3  # of networks, no network in two of them
    dimension: int | None = None
    training: Training = field(default_factory=Training)
    bend: Training = BEND_TRAINING
    level: float | None = None
    max_rounds: int = 6
    points: int = 61  # at which a path is evaluated
    side: int = 25  # points to each side of the map around the first chain

    def __post_init__(self) -> None:
        architectures.find(self.network)
        checks.one_of("data set", self.data, offline.NAMES)
        checks.integer("pairs", self.pairs, at_least=1, at_most=MOST_PAIRS)
        checks.integer("max_rounds", self.max_rounds, at_least=0, at_most=MOST["max_rounds"])
        checks.integer("points", self.points, at_least=3)
        checks.integer("side", self.side, at_least=3)
        if self.level is not None:
            checks.positive("level", self.level)


@dataclass(frozen=True)
class Plane:
    """Training loss on the plane through both networks and the bend of their chain.

    In units of the networks' distance: a lies at (0, 0), c at (1, 0), the bend at `bend`.
    """

    x: np.ndarray  # (n_x,)
    y: np.ndarray  # (n_y,)
    loss: np.ndarray  # (n_y, n_x) nats
    bend: tuple[float, float]


@dataclass(frozen=True)
class Connected:
    """What was found: a row for each pair and path, the profile of each, and a map around the first chain."""

    task: Task
    level: float  # of the finder, nats
    rows: list[dict[str, Any]]
    profiles: pd.DataFrame  # pair, path, share of the path, train_loss, train_error, test_loss, test_error
    plane: Plane


def connect(task: Task, *, seed: int = 0, workers: int = 0, device: str = "cpu") -> Connected:
    """Train the networks, and the bends; find paths; evaluate all of them on training and test data.

    On the CPU the numbers depend on the task and the seed, not on the workers.
    """
    checks.seed(seed)
    objectives.device(device)
    dataset = offline.load(task.data, task.dimension)
    models.untrained(task.network, dataset.shape, dataset.n_classes, seed=0)  # does the network take the data?
    run = partial(runs.run, workers=workers, processes=workers != 1)
    points = run(partial(_trained, task, seed), range(2 * task.pairs), label="networks")
    losses = [loss for _, loss in points]
    level = _level(task, max(losses))
    items = [(pair, path, points[2 * pair][0], points[2 * pair + 1][0]) for pair in range(task.pairs) for path in PATHS]
    search = partial(_found, task, level, seed, device)
    found: list[_Found] = run(search, items, label="paths", cost=lambda item: COSTS[item[1]])
    (plane,) = (one.plane for one in found if one.plane is not None)
    return Connected(task, level, [one.row for one in found], pd.concat([one.profile for one in found]), plane)


def table(connected: Connected) -> pd.DataFrame:
    """A row a pair and path; losses in nats, errors as shares, lengths in units of the parameters."""
    return pd.DataFrame(connected.rows)


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a path: means over the pairs, and their standard errors in columns *_error."""
    names = ("barrier", "gap", "mean_loss", "train_error", "test_error", "length_over_distance", "rounds", "segments")
    grouped = rows.groupby("path", sort=False)
    means = pd.DataFrame({"pairs": grouped.size()})
    for name in names:
        means[name] = grouped[name].mean()
        means[f"{name}_error"] = grouped[name].sem()
    means["test_error_ends"] = grouped["test_error_ends"].mean()
    means["connected"] = grouped["connected"].mean()
    return means.reset_index()


def parameters(connected: Connected) -> dict[str, Any]:
    """Everything that determines the result but the seed, and the level that came of it."""
    return asdict(connected.task) | {
        "level": connected.level,
        "finder": asdict(finder(connected.task, connected.level)),
    }


def finder(task: Task, level: float) -> Finder:
    """The path finder's settings for networks: free descents over all the data, rows one by one.

    A loop over points gains nothing by batches, and one row at a time keeps one network's activations.
    """
    rule = Descent(lr=task.training.lr, iterations=1000, stop=level / 2)
    return Finder(
        scan="dense",
        level=level,
        descent=rule,
        max_rounds=task.max_rounds,
        coarse=16,
        dense=32,
        recheck=64,
        batch_size=1,
    )


@dataclass(frozen=True)
class _Found:
    row: dict[str, Any]
    profile: pd.DataFrame
    plane: Plane | None


def _trained(task: Task, seed: int, number: int) -> tuple[Tensor, float]:
    """The parameters of a network by its number, and its loss; the same whatever is made of it later."""
    own = seeds.integer(seeds.child(seed, number))
    with one_thread():
        dataset = offline.load(task.data, task.dimension)
        model = models.trained(task.network, dataset, seed=own, training=task.training)
        return flat(model), TrainingLoss(model, dataset.x_train, dataset.y_train).loss_and_error(flat(model))[0]


def _level(task: Task, largest: float) -> float:
    if task.level is None:
        return max(ABOVE_ENDS * largest, LOWEST_LEVEL)
    if task.level < largest:
        raise ValueError(
            f"level must lie above the training loss of every network, got {task.level:g} and a loss of {largest:.3g}; "
            "raise the level or train longer"
        )
    return task.level


def _found(task: Task, level: float, seed: int, device: str, item: tuple[int, str, Tensor, Tensor]) -> _Found:
    """One path between one pair of networks, a and c their parameters."""
    pair, kind, *ends = item
    with one_thread():
        train, test = _objectives(task, device)
        a, c = (end.to(device) for end in ends)
        generator = torch.Generator().manual_seed(seeds.integer(seeds.of(f"{kind} {pair}", seed)))
        path, searched = _path(kind, train, a, c, task, level, generator)
        profile = _profile(train, test, path, task.points)
        row = _row(task, pair, kind, (a, c), path, profile, level) | searched
        plane = _plane(train, path, task.side) if kind == "chain" and pair == 0 and isinstance(path, Curve) else None
        return _Found(row, profile.assign(pair=pair, path=kind), plane)


def _objectives(task: Task, device: str) -> tuple[TrainingLoss, TrainingLoss]:
    """The loss on training data, and that on test data with the statistics of the training data."""
    dataset = offline.load(task.data, task.dimension)
    model = models.untrained(task.network, dataset.shape, dataset.n_classes, seed=0)
    model = models.with_normalisation(model, dataset.normalisation).to(device)
    x_train = dataset.x_train.to(device)
    train = TrainingLoss(model, x_train, dataset.y_train.to(device))
    return train, TrainingLoss(model, dataset.x_test.to(device), dataset.y_test.to(device), statistics=x_train)


def _path(
    kind: str, train: TrainingLoss, a: Tensor, c: Tensor, task: Task, level: float, generator: torch.Generator
) -> tuple[Path | Curve, dict[str, Any]]:
    """The path of a kind, and what the finder says of its own."""
    if kind == "line":
        return Path(torch.stack([a, c])), {}
    if kind != "finder":
        return train_bend(train, a, c, kind, task.bend, generator=generator, n_t=2).curve, {}
    found = find_paths(train, a[None], c[None], finder(task, level))
    (one,) = found
    said = {"status": one.status, "rounds": one.rounds, "steps": one.steps}
    return one.path, said | {"n_forward": found.cost.n_forward, "n_gradient": found.cost.n_gradient}


@torch.no_grad()
def _profile(train: TrainingLoss, test: TrainingLoss, path: Path | Curve, n: int) -> pd.DataFrame:
    """Loss in nats and share of errors on both sets, at about n places; share: of the length, of t on a Bezier curve.

    Point by point: n networks at once would not fit the memory.
    """
    if isinstance(path, Curve) and path.kind == "chain":
        path = Path(torch.stack([path.a, path.bend, path.c]))
    if isinstance(path, Path):
        places = path.positions(n - 1)
        share = path.arclength(places)
    else:
        places = share = torch.linspace(0, 1, n, dtype=torch.float64)
    seen = [(*train.loss_and_error(point), *test.loss_and_error(point)) for s in places.split(1) for point in path(s)]
    losses = pd.DataFrame(seen, columns=["train_loss", "train_error", "test_loss", "test_error"])
    losses.insert(0, "share", share.numpy())
    return losses


def _row(
    task: Task,
    pair: int,
    kind: str,
    ends: tuple[Tensor, Tensor],
    path: Path | Curve,
    profile: pd.DataFrame,
    level: float,
) -> dict[str, Any]:
    loss, test_error = profile["train_loss"].to_numpy(), profile["test_error"].to_numpy()
    distance = float((ends[1] - ends[0]).cpu().double().norm())
    segments = path.n_segments if isinstance(path, Path) else 2 if path.kind == "chain" else math.nan
    return {
        "network": task.network,
        "data": task.data,
        "parameters": len(ends[0]),
        "pair": pair,
        "path": kind,
        "connected": bool(loss.max() <= level),
        "status": "",
        "rounds": math.nan,
        "segments": segments,
        "steps": math.nan,
        "n_forward": math.nan,
        "n_gradient": math.nan,
        "loss_a": loss[0],
        "loss_c": loss[-1],
        "barrier": loss.max(),
        "gap": loss.max() - max(loss[0], loss[-1]),
        "mean_loss": float(np.trapezoid(loss, profile["share"])),
        "train_error": profile["train_error"].max(),
        "test_error": test_error.max(),
        "test_error_ends": max(test_error[0], test_error[-1]),
        "test_loss": profile["test_loss"].max(),
        "distance": distance,
        "length_over_distance": path.length / distance,
    }


@torch.no_grad()
def _plane(train: TrainingLoss, chain: Curve, side: int) -> Plane:
    """The loss around a chain, in the plane that it lies in."""
    along, aside = chain.c - chain.a, chain.bend - chain.a
    unit = along.norm()
    x_bend = float(aside @ along / unit**2)
    across = aside - x_bend * along
    y_bend = float(across.norm() / unit)
    across = across * (unit / across.norm().clamp(min=1e-12))
    x = np.linspace(min(0, x_bend) - MAP_MARGIN, max(1, x_bend) + MAP_MARGIN, side)
    aside_y = max(MAP_MARGIN, (LEAST_MAP_HEIGHT - y_bend) / 2)
    y = np.linspace(-aside_y, y_bend + aside_y, side)
    loss = [[train.loss_and_error(chain.a + u * along + v * across)[0] for u in x] for v in y]
    return Plane(x, y, np.array(loss), (x_bend, y_bend))
