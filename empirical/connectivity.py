"""The comparison: does percolation say when a network's low-loss inputs are connected?

`measure` takes one network at one dimension, draws pairs of low-loss inputs, looks for paths between them, counts
the open cells on slices through them, and sets the result beside the threshold that iid percolation has in that
dimension. A result depends on the subject, the finder and the seed alone.
"""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import binomtest
from torch import Tensor, nn

from empirical import attacks, data, models, modes
from empirical.objectives import ClassLoss, Objective
from empirical.path_finder import PRESETS, Connection, Finder, find_paths, straight_is_open
from empirical.paths import profile
from empirical.segmentation import occupation
from percolation import checks
from percolation.theory import thresholds

PAIRS = ("natural-natural", "natural-adversarial", "class-optimal")
TRAININGS = ("trained", "untrained")
DATA = (*data.NAMES, "none")
SCALES = (1.0, 1.25, 1.5, 2.0, 3.0)  # of the radial baseline
ATTEMPTS = 4  # at drawing class-optimal inputs: in low dimension many do not reach the level from noise
CONFIDENCE = 0.95  # of the interval around a connection rate

# Adversarial partners in small dimension: the article's deviation weight of 0.1 holds their loss above stop there.
# Measured on cnn1d/mnist1d, d = 40: reached by 0 of 50 with the article's weights, 44 with 0.01, 50 with 0.001.
ADVERSARIAL = attacks.Descent(lr=0.01, iterations=2048, deviation=0.01, first_check=32)

COLUMNS = (
    "network",
    "training",
    "dimension",
    "classes",
    "pair",
    "pairs",
    "occupation",
    "p_c",
    "iid_connected",
    "connected",
    "connected_low",
    "connected_high",
    "rounds",
    "rounds_error",
    "segments",
    "barrier_q25",
    "barrier_median",
    "barrier_q75",
    "gap_median",
    "displacement",
    "excess_length",
    "radial_connected",
    "verdict",
)


@dataclass(frozen=True)
class Subject:
    """One network at one dimension, and the kind of pairs to connect."""

    network: str
    data: str
    training: str
    pair: str
    pairs: int = 50
    dimension: int | None = None  # None: the data set's own, or the architecture's usual one
    classes: int = 10

    def __post_init__(self) -> None:
        checks.one_of("network", self.network, models.ARCHITECTURES)
        checks.one_of("data set", self.data, DATA)
        checks.one_of("training", self.training, TRAININGS)
        checks.one_of("pair kind", self.pair, PAIRS)
        checks.integer("pairs", self.pairs, at_least=1)
        if self.data == "none" and (self.training == "trained" or self.pair != "class-optimal"):
            raise ValueError(
                f"without data there are only untrained networks and class-optimal pairs, got {self.training} and "
                f"{self.pair}; choose --data {data.NAMES[0]} or {data.NAMES[1]}"
            )


@dataclass(frozen=True)
class Measured:
    """What was measured on one subject: its row of the table, every pair, and one path to draw."""

    subject: Subject
    row: dict[str, Any]
    pairs: list[dict[str, Any]]
    drawn: dict[str, Any]  # how the points were come by: tried, passed over
    example: list[tuple[np.ndarray, np.ndarray]]  # after each round: share of the path, loss in nats


def measure(subject: Subject, *, seed: int, finder: Finder = PRESETS["default"], device: str = "cpu") -> Measured:
    """Draw the pairs of the subject, connect them, and set the result beside iid percolation.

    On the CPU the bits depend on the arguments alone: torch runs on one thread.
    """
    checks.integer("seed", seed, at_least=0)
    with models.one_thread():
        streams = _streams(subject, seed)
        model, dataset, shape = _network(subject, seed)
        model = model.to(device)
        a, c, labels, drawn = _points(subject, model, dataset, shape, finder, next(streams))
        objective = ClassLoss(model, labels)
        connections = find_paths(objective, a, c, finder)
        p = occupation(objective, a, c, finder.level, generator=next(streams)).mean().item()
        radial = _radial_baseline(objective, a, c, finder)
        row = _row(subject, math.prod(shape), connections, p, radial)
        pairs = [_pair_row(row, i, connection, radial) for i, connection in enumerate(connections)]
        return Measured(subject, row, pairs, drawn, _example(objective, connections))


def table(measured: list[Measured]) -> pd.DataFrame:
    """One row a subject, columns COLUMNS; losses in nats, lengths in units of the inputs (variance 1)."""
    return pd.DataFrame([one.row for one in measured], columns=COLUMNS)


def pair_table(measured: list[Measured]) -> pd.DataFrame:
    """One row a pair: status, rounds, segments, losses, norms."""
    return pd.DataFrame([pair for one in measured for pair in one.pairs])


def _streams(subject: Subject, seed: int) -> Iterator[torch.Generator]:
    """torch generators, independent between subjects and stages, the same whoever else is measured."""
    digest = hashlib.sha256(json.dumps(asdict(subject), sort_keys=True).encode()).digest()
    key = tuple(int(word) for word in np.frombuffer(digest[:16], dtype=np.uint32))
    sequence = np.random.SeedSequence(seed, spawn_key=key)
    for child in sequence.spawn(2):
        yield torch.Generator().manual_seed(int(child.generate_state(1, np.uint64)[0] >> 1))


def _network(subject: Subject, seed: int) -> tuple[nn.Module, data.Dataset | None, tuple[int, ...]]:
    if subject.data == "none":
        shape = _bare_shape(subject.network, subject.dimension)
        return models.untrained(subject.network, shape, subject.classes, seed=seed), None, shape
    dataset = data.load(subject.data, subject.dimension)
    if subject.training == "trained":
        return models.trained(subject.network, dataset, seed=seed), dataset, dataset.shape
    return models.untrained(subject.network, dataset.shape, subject.classes, seed=seed), dataset, dataset.shape


def _bare_shape(network: str, dimension: int | None) -> tuple[int, ...]:
    """Shape of an input of the given dimension, for a network that goes with no data set."""
    axes, channels, usual = {"mlp": (0, 1, 64), "cnn1d": (1, 1, 40), "cnn": (2, 1, 64), "resnet18": (2, 3, 3072)}[
        network
    ]
    dimension = checks.integer("dimension", usual if dimension is None else dimension, at_least=1)
    if axes == 0:
        return (dimension,)
    side = round((dimension / channels) ** (1 / axes))
    if channels * side**axes != dimension:
        raise ValueError(
            f"{network} takes {channels} x side^{axes} numbers, got dimension={dimension}; try {channels * side**axes}"
        )
    return (channels, *[side] * axes)


def _points(
    subject: Subject,
    model: nn.Module,
    dataset: data.Dataset | None,
    shape: tuple[int, ...],
    finder: Finder,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor, dict[str, Any]]:
    """End points A and C (n, *shape), the class (n,) of each pair, and how they were come by."""
    device = next(model.parameters()).device
    if subject.pair == "class-optimal":
        found = _class_optimal(subject, model, shape, device, generator)
    else:
        assert dataset is not None
        x, y = dataset.x_test.to(device), dataset.y_test.to(device)
        found = modes.natural(model, x, y, stop=finder.descent.stop)
    drawn = {"points_tried": found.n_tried, "points_low": len(found.points)}
    if subject.pair != "natural-adversarial":
        i, j = modes.pairs_within_class(found.labels, subject.pairs, generator=generator)
        _require(len(i), subject, drawn)
        return found.points[i], found.points[j], found.labels[i], drawn
    return _adversarial_pairs(subject, model, found, drawn, finder, generator)


def _class_optimal(
    subject: Subject, model: nn.Module, shape: tuple[int, ...], device: torch.device, generator: torch.Generator
) -> modes.Modes:
    """Class-optimal inputs, drawn again up to ATTEMPTS times while too few reach the level for all pairs."""
    labels = torch.arange(subject.pairs, device=device).repeat_interleave(2) % subject.classes
    parts = []
    for _ in range(ATTEMPTS):
        parts.append(modes.class_optimal(model, labels, shape, generator=generator))
        found = modes.joined(parts)
        if len(modes.pairs_within_class(found.labels, subject.pairs, generator=generator)[0]) == subject.pairs:
            break
    return found


def _adversarial_pairs(
    subject: Subject,
    model: nn.Module,
    found: modes.Modes,
    drawn: dict[str, Any],
    finder: Finder,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor, dict[str, Any]]:
    """Natural inputs with inputs of another class that were moved until they pass for the first one's class."""
    i = torch.randperm(len(found.points), generator=generator).to(found.labels.device)
    j = i.roll(1)
    other = found.labels[i] != found.labels[j]
    n_sources = subject.pairs + subject.pairs // 4
    i, j = i[other][:n_sources], j[other][:n_sources]
    _require(len(i), subject, drawn)
    rule = attacks.Descent(**asdict(ADVERSARIAL) | {"stop": finder.descent.stop})
    moved = attacks.targeted(model, found.points[j], found.labels[i], rule=rule)
    drawn |= {"adversarial_tried": len(i), "adversarial_reached": int(moved.reached.sum())}
    low = moved.reached.nonzero().squeeze(1)[: subject.pairs]
    _require(len(low), subject, drawn)
    return found.points[i][low], moved.points[low], found.labels[i][low], drawn


def _require(n: int, subject: Subject, drawn: dict[str, Any]) -> None:
    if n == 0:
        counts = ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in drawn.items())
        raise ValueError(
            f"no {subject.pair} pair has both losses at or below stop for {subject.training} {subject.network} "
            f"({counts}); try another seed, dimension or pair kind"
        )


def _radial_baseline(objective: Objective, a: Tensor, c: Tensor, finder: Finder) -> Tensor:
    """Which pairs (n,) some path A, sA, sC, C connects without any optimisation, s in SCALES."""
    pairs = torch.arange(len(a), device=a.device)
    connected = torch.zeros_like(pairs, dtype=torch.bool)
    for s in SCALES:
        left = pairs[~connected]
        corners = (a[left], s * a[left], s * c[left], c[left])
        legs = [
            straight_is_open(objective, start, end, left, finder)
            for start, end in zip(corners[:-1], corners[1:], strict=True)
        ]
        connected[left] = torch.stack(legs).all(0)
    return connected


def _row(subject: Subject, dimension: int, connections: list[Connection], p: float, radial: Tensor) -> dict[str, Any]:
    found = [connection for connection in connections if connection.connected]
    n, k = len(connections), len(found)
    interval = binomtest(k, n).proportion_ci(CONFIDENCE, method="exact")
    rounds = np.array([connection.rounds for connection in found], dtype=float)
    barriers = np.quantile([connection.barrier for connection in connections], [0.25, 0.5, 0.75])
    bent = [connection.displacement for connection in connections if connection.displacement >= 0]
    p_c = thresholds.threshold(dimension).value
    return {
        "network": subject.network,
        "training": subject.training,
        "dimension": dimension,
        "classes": subject.classes,
        "pair": subject.pair,
        "pairs": n,
        "occupation": p,
        "p_c": p_c,
        "iid_connected": p > p_c,
        "connected": k / n,
        "connected_low": interval.low,
        "connected_high": interval.high,
        "rounds": _mean(rounds),
        "rounds_error": rounds.std(ddof=1) / math.sqrt(k) if k > 1 else math.nan,
        "segments": _mean([connection.path.n_segments for connection in found]),
        "barrier_q25": barriers[0],
        "barrier_median": barriers[1],
        "barrier_q75": barriers[2],
        "gap_median": float(np.median([connection.gap for connection in connections])),
        "displacement": _mean(bent),
        "excess_length": _mean([connection.path.excess_length for connection in found]),
        "radial_connected": radial.double().mean().item(),
        "verdict": verdict(p > p_c, interval.low, interval.high),
    }


def verdict(iid_connected: bool, low: float, high: float) -> str:
    """How iid percolation fared: the pairs count as connected if more than half of them are (interval above 1/2).

    'agrees'; 'refuted': paths were found where it predicts none; 'not found': it predicts paths and the finder, which
    proves nothing by failing, found few; 'undecided': 1/2 lies in the interval.
    """
    if low <= 0.5 <= high:
        return "undecided"
    if iid_connected == (low > 0.5):
        return "agrees"
    return "not found" if iid_connected else "refuted"


def _pair_row(row: dict[str, Any], index: int, connection: Connection, radial: Tensor) -> dict[str, Any]:
    norms = connection.path.norms
    return {name: row[name] for name in ("network", "training", "dimension", "pair")} | {
        "index": index,
        "status": connection.status,
        "rounds": connection.rounds,
        "segments": connection.path.n_segments,
        "loss_a": connection.end_losses[0],
        "loss_c": connection.end_losses[1],
        "barrier": connection.barrier,
        "gap": connection.gap,
        "displacement": connection.displacement,
        "excess_length": connection.path.excess_length,
        "norms": " ".join(f"{norm:.4g}" for norm in norms.tolist()),
        "radial_connected": bool(radial[index]),
        "steps": connection.steps,
    }


def _example(objective: Objective, connections: list[Connection]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The loss along the connected path that took most rounds, after each of them."""
    found = [(connection.rounds, -i) for i, connection in enumerate(connections) if connection.connected]
    if not found:
        return []
    pair = -max(found)[1]
    curves = []
    for path in connections[pair].history:
        s, loss = profile(objective, path, pair, 400)
        curves.append((path.arclength(s).numpy(), loss.cpu().numpy()))
    return curves


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else math.nan
