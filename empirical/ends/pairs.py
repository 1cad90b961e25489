"""Pairs of low-loss inputs to connect: what is asked for (Subject), and what was drawn (Pairs)."""

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from empirical import attacks
from empirical.data import offline
from empirical.descent.rows import Descent, descend
from empirical.ends import modes, sources
from empirical.ends.sources import Source
from empirical.losses.objectives import ClassLoss, losses
from empirical.networks import architectures, models
from empirical.networks.architectures import Normalisation, Normalised
from percolation import checks

KINDS = ("natural-natural", "natural-adversarial", "class-optimal")  # those of the main job
MORE_KINDS = ("interpolated", "diverse")
NATURAL = ("natural-natural", "natural-adversarial", "interpolated")  # made of inputs that a data set holds
TRAININGS = ("trained", "untrained")
DATA = sources.NAMES
ATTEMPTS = 4  # at drawing class-optimal inputs: in low dimension many do not reach the level from noise
CROWD = 3  # class-optimal inputs among which one is chosen for a diverse set
MIXTURES = 4  # tried for each interpolated point

# Adversarial partners in small dimension: the article's deviation weight of 0.1 holds their loss above stop there.
# Measured on cnn1d/mnist1d, d = 40: reached by 0 of 50 with the article's weights, 44 with 0.01, 50 with 0.001.
ADVERSARIAL = attacks.Descent(lr=0.01, iterations=2048, deviation=0.01, first_check=32)
LOWERING = Descent(lr=0.01, iterations=512)  # of ends that are natural and not low enough
CONFIDENT = math.log(2)  # loss, nats, below which a network gives its class more than all the others together


class NoPairs(ValueError):
    """Not one pair of low-loss inputs could be drawn."""


@dataclass(frozen=True)
class Subject:
    """One network at one dimension, and the kind of pairs to connect."""

    network: str  # a name in models.ARCHITECTURES, or module:factory
    data: str
    training: str
    pair: str
    pairs: int = 50
    dimension: int | None = None  # None: the data set's own, or the architecture's usual one
    classes: int = 10  # of a random network that goes with no data set
    weights: str = "random"  # or imagenet, or the path of a state dict
    folder: str | None = None  # of data that is read from one
    label: int | None = None  # the only class that is looked at
    lower_ends: bool = False  # natural inputs that the network knows, but not surely enough, are moved downhill
    normalisation: Normalisation | None = (
        None  # that weights from a file expect; None: the architecture's or the data's
    )
    search: modes.Search = modes.Search()  # noqa: RUF009 (frozen)

    def __post_init__(self) -> None:
        architectures.find(self.network)
        checks.one_of("data set", self.data, DATA)
        checks.one_of("training", self.training, TRAININGS)
        checks.one_of("pair kind", self.pair, (*KINDS, *MORE_KINDS))
        checks.integer("pairs", self.pairs, at_least=1)
        if self.dimension is not None:
            checks.integer("dimension", self.dimension, at_least=1)
        if self.label is not None:
            checks.integer("class", self.label, at_least=0)
        self._check_sources()

    def _check_sources(self) -> None:
        """Weights, data and kind of pairs go together."""
        given = self.weights != "random"
        if given and self.training == "untrained":
            raise ValueError(f"a network with weights is a trained one, got weights={self.weights!r} and untrained")
        if self.data == "none" and (self.pair in NATURAL or (self.training == "trained" and not given)):
            raise ValueError(
                f"without data there are only untrained networks and class-optimal pairs, got {self.training} and "
                f"{self.pair}; choose --data {offline.NAMES[0]} or {offline.NAMES[1]}, or give --weights"
            )
        if self.data in (sources.SHIPPED, "imagenet") and self.training == "trained" and not given:
            raise ValueError(
                f"no network is trained on {self.data} here; give --weights imagenet or a file, or --training untrained"
            )
        if self.normalisation is not None and not given:
            raise ValueError("a normalisation goes with weights from a file, got random weights; leave it out")

    def key(self) -> dict[str, Any]:
        """Everything that tells it from others; what was added later only where it is not as it was before."""
        old = ("network", "data", "training", "pair", "pairs", "dimension", "classes")
        usual = {field.name: field.default for field in fields(self)}
        return {
            name: value for name, value in asdict(self).items() if name in old or getattr(self, name) != usual[name]
        }


@dataclass(frozen=True)
class Space:
    """The space in which points live: what is one unit for the network, and what bounds the coordinates."""

    unit: float = 1.0  # standard deviation that the network's normalisation divides by
    bounds: tuple[float, float] | None = None

    def rule(self, rule: Descent) -> Descent:
        """The descent, whose lengths are meant for inputs of variance 1, in this space."""
        rule = replace(rule, bounds=self.bounds if rule.bounds is None else rule.bounds)
        if self.unit == 1:
            return rule
        return replace(
            rule,
            lr=rule.lr * self.unit,
            deviation=rule.deviation / self.unit**2,
            total_variation=rule.total_variation / self.unit,
            weight_decay=rule.weight_decay / self.unit**2,
        )


@dataclass(frozen=True)
class Pairs:
    """End points with both losses at or below stop, and how they were come by."""

    model: nn.Module
    a: Tensor  # (n, *shape)
    c: Tensor  # (n, *shape)
    labels: Tensor  # (n,) long, the class whose loss is low
    counts: dict[str, float]  # points tried, points low, ...
    space: Space = Space()  # noqa: RUF009 (frozen)
    n_classes: int = 10


def draw(subject: Subject, *, seed: int, stop: float, generator: torch.Generator, device: str = "cpu") -> Pairs:
    """At most subject.pairs pairs, of distinct points; an error says so if there is none.

    seed: of the network's weights. generator: of the points and their pairing.
    """
    source = source_of(subject)
    shape = models.input_shape(subject.network, subject.dimension) if source is None else source.shape
    model = network_of(subject, source, shape, seed).to(device)
    drawing = _Drawing(subject, model, shape, space_of(model), n_outputs(model, shape), stop, generator)
    if subject.label is not None and subject.label >= drawing.n_classes:
        raise ValueError(f"class must lie in 0..{drawing.n_classes - 1}, the network's, got {subject.label}")
    if subject.pair == "natural-adversarial":
        return drawing.adversarial(_need(source))
    if subject.pair in NATURAL:
        return drawing.natural(_need(source))
    return drawing.class_optimal()


@torch.no_grad()
def n_outputs(model: nn.Module, shape: tuple[int, ...]) -> int:
    """How many classes the network tells apart."""
    where = next((one.device for one in model.parameters()), torch.device("cpu"))
    return model(torch.zeros(1, *shape, device=where)).shape[1]


def source_of(subject: Subject) -> Source | None:
    """Where the subject's natural inputs come from; None where there is no data."""
    if subject.data == "none":
        if subject.folder is not None:
            raise ValueError("without data there is nothing to read from a folder, leave --folder out")
        return None
    on_the_spot = subject.training == "trained" and subject.weights == "random"
    source = sources.of(subject.data, subject.dimension, subject.folder, training=on_the_spot)
    if subject.data in offline.NAMES and source.n_classes != subject.classes:
        raise ValueError(f"{subject.data} has {source.n_classes} classes, got classes={subject.classes}")
    return source


def dimension_of(subject: Subject) -> int:
    """How many numbers an input of the subject has; what is read from a folder of small pictures counts as 0."""
    if subject.dimension is not None:
        return subject.dimension
    if subject.data == "none":
        return math.prod(models.input_shape(subject.network))
    return 3 * sources.SIDE**2 if subject.data in (sources.SHIPPED, "imagenet") else 0


def network_of(subject: Subject, source: Source | None, shape: tuple[int, ...], seed: int) -> nn.Module:
    """The subject's network: its weights given, trained on the data, or random."""
    normalisation = source.normalisation if source else None
    if subject.weights != "random":
        # weights that were published for ImageNet expect its normalisation, those of one's own that of the data
        own = subject.normalisation or (normalisation if subject.data != sources.SHIPPED else None)
        given = subject.normalisation if subject.weights == "imagenet" else own
        side = None if source is None and subject.dimension is None else shape
        return models.pretrained(subject.network, subject.weights, side, normalisation=given)
    if source is not None and source.dataset is not None and subject.training == "trained":
        return models.trained(subject.network, source.dataset, seed=seed)
    n_classes = source.n_classes if source is not None and source.n_classes else subject.classes
    model = models.untrained(subject.network, shape, n_classes, seed=seed)
    return models.with_normalisation(model, normalisation)


def space_of(model: nn.Module) -> Space:
    """The space of a network's inputs: pictures in [0, 1] behind a normalisation, or numbers of variance 1."""
    if not isinstance(model, Normalised):
        return Space()
    return Space(model.std.mean().item(), sources.PIXELS)


def _need(source: Source | None) -> Source:
    assert source is not None  # Subject sees to it
    return source


@dataclass(frozen=True)
class _Drawing:
    """What is needed to draw pairs of any kind."""

    subject: Subject
    model: nn.Module
    shape: tuple[int, ...]
    space: Space
    n_classes: int
    stop: float
    generator: torch.Generator

    @property
    def device(self) -> torch.device:
        return next((one.device for one in self.model.parameters()), torch.device("cpu"))

    @property
    def spare(self) -> int:
        """Pairs to begin with: some do not arrive."""
        return self.subject.pairs + self.subject.pairs // 4

    def natural(self, source: Source) -> Pairs:
        """Natural inputs of one class, or mixtures of two, lowered where that is asked for."""
        n = self.spare if self.subject.lower_ends else self.subject.pairs
        found = self._candidates(source, lambda labels: _n_pairs(labels) >= n)
        counts: dict[str, float] = {"points_tried": found.n_tried, "points_low": len(found.points)}
        if self.subject.pair == "interpolated":
            found = modes.interpolated(
                self.model, found, 2 * MIXTURES * n, stop=self._threshold, generator=self.generator
            )
            counts |= {"mixtures_tried": found.n_tried, "mixtures_low": len(found.points)}
        return self._within_class(found, counts)

    def class_optimal(self) -> Pairs:
        """Class-optimal inputs, drawn again up to ATTEMPTS times while too few reach stop for all pairs."""
        subject = self.subject
        crowd = CROWD if subject.pair == "diverse" else 1
        labels = torch.arange(self.spare, device=self.device).repeat_interleave(2 * crowd) % self.n_classes
        if subject.label is not None:
            labels = torch.full_like(labels, subject.label)
        usual = replace(modes.CLASS_OPTIMAL, stop=self.stop, lr=architectures.find(subject.network).step)
        rule = self.space.rule(subject.search.rule(usual))
        parts: list[modes.Modes] = []
        while len(parts) < ATTEMPTS and (not parts or _n_pairs(modes.joined(parts).labels) < subject.pairs):
            one = modes.class_optimal(
                self.model, labels, self.shape, generator=self.generator, rule=rule, transformed=subject.search.robust
            )
            parts.append(one)
        found = modes.joined(parts)
        counts: dict[str, float] = {"points_tried": found.n_tried, "points_low": len(found.points)}
        if subject.pair == "diverse":
            n_present = max(len(found.labels.unique()), 1)
            found = modes.diverse(found, 2 * math.ceil(subject.pairs / n_present))
            counts |= {"points_chosen": len(found.points)}
        return self._within_class(found, counts)

    def adversarial(self, source: Source) -> Pairs:
        """Natural inputs with inputs of another class that were moved until they pass for the first one's class."""
        found = self._candidates(source, lambda labels: len(labels) >= 2 * self.spare and len(labels.unique()) > 1)
        counts: dict[str, float] = {"points_tried": found.n_tried, "points_low": len(found.points)}
        i = torch.randperm(len(found.points), generator=self.generator).to(found.labels.device)
        j = i.roll(1)
        other = found.labels[i] != found.labels[j]
        i, j = i[other][: self.spare], j[other][: self.spare]
        self._require(len(i), counts)
        rule = self.space.rule(replace(ADVERSARIAL, stop=self.stop))
        moved = attacks.targeted(self.model, found.points[j], found.labels[i], rule=rule)
        counts |= {"adversarial_tried": len(i), "adversarial_reached": int(moved.reached.sum())}
        a, low = self._lowered(found.points[i], found.labels[i], counts)
        return self._pairs(a, moved.points, found.labels[i], low & moved.reached, counts)

    def _candidates(self, source: Source, enough: Any) -> modes.Modes:
        """Natural inputs at or below the threshold, batch by batch until there are enough."""
        parts: list[modes.Modes] = []
        for x, labels in source.batches(self.model, self.n_classes, self.generator):
            if self.subject.label is not None:
                x, labels = x[labels == self.subject.label], labels[labels == self.subject.label]
            if not len(x):
                continue
            x, labels = x.to(self.device), labels.to(self.device)
            parts.append(modes.natural(self.model, x, labels, stop=self._threshold, bounds=self.space.bounds))
            if enough(modes.joined(parts).labels):
                break
        self._require(len(parts), {"points_tried": 0})
        return modes.joined(parts)

    @property
    def _threshold(self) -> float:
        """Loss at or below which a natural input is taken."""
        return max(CONFIDENT, self.stop) if self.subject.lower_ends else self.stop

    def _within_class(self, found: modes.Modes, counts: dict[str, float]) -> Pairs:
        n = self.spare if self.subject.lower_ends else self.subject.pairs
        i, j = modes.pairs_within_class(found.labels, n, generator=self.generator)
        self._require(len(i), counts)
        labels = found.labels[i]
        a, low_a = self._lowered(found.points[i], labels, counts)
        c, low_c = self._lowered(found.points[j], labels, counts)
        return self._pairs(a, c, labels, low_a & low_c, counts)

    def _lowered(self, x: Tensor, labels: Tensor, counts: dict[str, float]) -> tuple[Tensor, Tensor]:
        """The ends, moved downhill to stop if that is asked for, and which of them are low."""
        if not self.subject.lower_ends:
            return x, torch.ones_like(labels, dtype=torch.bool)
        pairs = torch.arange(len(x), device=x.device)
        objective = ClassLoss(self.model, labels)
        high = (losses(objective, x) > self.stop).nonzero().squeeze(1)
        rule = self.space.rule(replace(LOWERING, stop=self.stop))
        moved = descend(objective, x[high], pairs[high], rule)
        low = torch.ones_like(labels, dtype=torch.bool).index_copy(0, high, moved.reached)
        change = (moved.points - x[high]).abs().flatten(1).max(1).values
        counts["ends_lowered"] = counts.get("ends_lowered", 0) + len(high)
        counts["largest_change"] = max(counts.get("largest_change", 0.0), *change.tolist(), 0.0)
        return x.index_copy(0, high, moved.points), low

    def _pairs(self, a: Tensor, c: Tensor, labels: Tensor, low: Tensor, counts: dict[str, float]) -> Pairs:
        rows = low.nonzero().squeeze(1)[: self.subject.pairs]
        self._require(len(rows), counts)
        return Pairs(self.model, a[rows], c[rows], labels[rows], counts, self.space, self.n_classes)

    def _require(self, n: int, counts: dict[str, float]) -> None:
        if n == 0:
            listed = ", ".join(f"{name.replace('_', ' ')}: {count:g}" for name, count in counts.items())
            natural = self.subject.pair in NATURAL and not self.subject.lower_ends
            raise NoPairs(
                f"no {self.subject.pair} pair has both losses at or below stop for {self.subject.training} "
                f"{self.subject.network} ({listed}); try another seed, dimension or pair kind"
                + (", or --lower-ends" if natural else "")
            )


def _n_pairs(labels: Tensor) -> int:
    """Disjoint pairs with equal labels that can be made."""
    return int((labels.bincount() // 2).sum())
