"""Pairs of low-loss inputs to connect: what is asked for (Subject), and what was drawn (Pairs)."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from empirical import attacks, data, models, modes
from percolation import checks

KINDS = ("natural-natural", "natural-adversarial", "class-optimal")
TRAININGS = ("trained", "untrained")
DATA = (*data.NAMES, "none")
PATIENCE = 4096  # steps allowed to a class-optimal input: half the article's, as the last one keeps all waiting
ATTEMPTS = 4  # at drawing class-optimal inputs: in low dimension many do not reach the level from noise

# Adversarial partners in small dimension: the article's deviation weight of 0.1 holds their loss above stop there.
# Measured on cnn1d/mnist1d, d = 40: reached by 0 of 50 with the article's weights, 44 with 0.01, 50 with 0.001.
ADVERSARIAL = attacks.Descent(lr=0.01, iterations=2048, deviation=0.01, first_check=32)


class NoPairs(ValueError):
    """Not one pair of low-loss inputs could be drawn."""


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
        checks.one_of("pair kind", self.pair, KINDS)
        checks.integer("pairs", self.pairs, at_least=1)
        if self.data == "none" and (self.training == "trained" or self.pair != "class-optimal"):
            raise ValueError(
                f"without data there are only untrained networks and class-optimal pairs, got {self.training} and "
                f"{self.pair}; choose --data {data.NAMES[0]} or {data.NAMES[1]}"
            )


@dataclass(frozen=True)
class Pairs:
    """End points with both losses at or below stop, and how they were come by."""

    model: nn.Module
    a: Tensor  # (n, *shape)
    c: Tensor  # (n, *shape)
    labels: Tensor  # (n,) long, the class whose loss is low
    counts: dict[str, int]  # points tried, points low, ...


def draw(subject: Subject, *, seed: int, stop: float, generator: torch.Generator, device: str = "cpu") -> Pairs:
    """At most subject.pairs pairs, of distinct points; an error says so if there is none.

    seed: of the network's weights. generator: of the points and their pairing.
    """
    dataset = None if subject.data == "none" else data.load(subject.data, subject.dimension)
    if dataset is not None and dataset.n_classes != subject.classes:
        raise ValueError(f"{subject.data} has {dataset.n_classes} classes, got classes={subject.classes}")
    shape = models.input_shape(subject.network, subject.dimension) if dataset is None else dataset.shape
    if dataset is not None and subject.training == "trained":
        model = models.trained(subject.network, dataset, seed=seed).to(device)
    else:
        model = models.untrained(subject.network, shape, subject.classes, seed=seed).to(device)
    if subject.pair == "class-optimal":
        found = _class_optimal(subject, model, shape, stop, generator, device)
    else:
        assert dataset is not None  # Subject sees to it
        found = modes.natural(model, dataset.x_test.to(device), dataset.y_test.to(device), stop=stop)
    drawn = _adversarial if subject.pair == "natural-adversarial" else _within_class
    return drawn(subject, model, found, stop, generator)


def _within_class(
    subject: Subject, model: nn.Module, found: modes.Modes, stop: float, generator: torch.Generator
) -> Pairs:
    counts = {"points_tried": found.n_tried, "points_low": len(found.points)}
    i, j = modes.pairs_within_class(found.labels, subject.pairs, generator=generator)
    _require(len(i), subject, counts)
    return Pairs(model, found.points[i], found.points[j], found.labels[i], counts)


def _adversarial(
    subject: Subject, model: nn.Module, found: modes.Modes, stop: float, generator: torch.Generator
) -> Pairs:
    """Natural inputs with inputs of another class that were moved until they pass for the first one's class."""
    counts = {"points_tried": found.n_tried, "points_low": len(found.points)}
    i = torch.randperm(len(found.points), generator=generator).to(found.labels.device)
    j = i.roll(1)
    other = found.labels[i] != found.labels[j]
    n_sources = subject.pairs + subject.pairs // 4  # some are not reached
    i, j = i[other][:n_sources], j[other][:n_sources]
    _require(len(i), subject, counts)
    moved = attacks.targeted(model, found.points[j], found.labels[i], rule=replace(ADVERSARIAL, stop=stop))
    counts |= {"adversarial_tried": len(i), "adversarial_reached": int(moved.reached.sum())}
    low = moved.reached.nonzero().squeeze(1)[: subject.pairs]
    _require(len(low), subject, counts)
    return Pairs(model, found.points[i][low], moved.points[low], found.labels[i][low], counts)


def _class_optimal(
    subject: Subject,
    model: nn.Module,
    shape: tuple[int, ...],
    stop: float,
    generator: torch.Generator,
    device: str,
) -> modes.Modes:
    """Class-optimal inputs, drawn again up to ATTEMPTS times while too few reach stop for all pairs."""
    n_pairs = subject.pairs + subject.pairs // 4  # some to spare
    labels = torch.arange(n_pairs, device=device).repeat_interleave(2) % subject.classes
    step = models.ARCHITECTURES[subject.network].step
    rule = replace(modes.CLASS_OPTIMAL, stop=stop, lr=step, iterations=PATIENCE)
    parts: list[modes.Modes] = []
    while len(parts) < ATTEMPTS and (not parts or _n_pairs(modes.joined(parts).labels) < subject.pairs):
        parts.append(modes.class_optimal(model, labels, shape, generator=generator, rule=rule))
    return modes.joined(parts)


def _n_pairs(labels: Tensor) -> int:
    """Disjoint pairs with equal labels that can be made."""
    return int((labels.bincount() // 2).sum())


def _require(n: int, subject: Subject, counts: dict[str, int]) -> None:
    if n == 0:
        listed = ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in counts.items())
        raise NoPairs(
            f"no {subject.pair} pair has both losses at or below stop for {subject.training} {subject.network} "
            f"({listed}); try another seed, dimension or pair kind"
        )
