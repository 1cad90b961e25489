"""Ends of the pairs whose barriers are counted: inputs of a class, and for each of them five partners.

A is a natural input of the class; its partners are another one of the class, one of another class, that one moved
until the network takes it for A's class (the adversarial partner), noise, and that noise moved likewise.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor, nn

from empirical import attacks
from empirical.data import folders, pictures
from empirical.descent.rows import Descent
from empirical.ends import modes, sources
from empirical.ends.pairs import CONFIDENT
from empirical.ends.space import Space
from empirical.ends.subject import Subject, build
from empirical.losses.objectives import ClassLoss, device_of, losses
from empirical.losses.points import columns
from empirical.networks import models
from empirical.networks.taken import dtype_of, notes_of
from percolation import checks

KINDS = ("natural-natural", "natural-adversarial", "natural-fooling", "across-classes", "natural-noise")
READ = 8  # pictures of a class that are read from a folder at a time
FLOOR = 1e-6  # nats: below, a loss in single precision is a few steps of 1.2e-7
# The article's partner has a loss not above that of the natural input, which is 1e-6 where a network is sure: down
# log(loss), whose slope does not fade, such a loss is reached in dozens of steps, down the loss itself in thousands.
PARTNER = Descent(lr=0.01, iterations=1024, log=True, deviation=1.0, first_check=32)

Partners = dict[str, tuple[Tensor, Tensor]]  # by kind: points (n, *shape), and which of them are what they shall be


@dataclass(frozen=True)
class Classes:
    """Natural inputs by class. Place i holds inputs of class labels[i], in batches (m, *shape) of random order."""

    labels: tuple[int, ...]
    batches: Callable[[int, torch.Generator], Iterator[Tensor]]  # (place, generator)


@dataclass(frozen=True)
class NaturalInputs:
    """A network with its natural inputs, class by class."""

    model: nn.Module
    classes: Classes
    space: Space
    n_classes: int  # outputs of the network
    threshold: float  # loss at or below which a natural input is taken, nats
    stop: float  # to which an end is moved, nats
    notes: tuple[str, ...] = ()  # how network, weights and inputs were taken, a line each

    @property
    def device(self) -> torch.device:
        return device_of(self.model)

    def low(self, place: int, generator: torch.Generator) -> Iterator[Tensor]:
        """Inputs (*shape) of a place whose loss for its class is at or below the threshold, one by one."""
        for x in self.classes.batches(place, generator):
            labels = torch.full((len(x),), self.classes.labels[place])
            yield from modes.natural(
                self.model,
                x.to(self.device, dtype_of(self.model)),
                labels.to(self.device),
                stop=self.threshold,
                bounds=self.space.bounds,
            ).points


def natural_inputs(subject: Subject, *, seed: int, stop: float, device: str = "cpu") -> NaturalInputs:
    """The subject's network, trained if that is asked for, and the natural inputs of its data."""
    model, source, space = build(subject, seed=seed, device=device)
    if source is None:
        raise ValueError("barriers are of natural inputs: choose data that are not 'none'")
    met = met_by(model, source, space, stop, subject.lower_ends)
    if subject.label is not None and subject.label >= met.n_classes:
        raise ValueError(f"class must lie in 0..{met.n_classes - 1}, the network's, got {subject.label}")
    return met


def met_by(model: nn.Module, source: sources.Source, space: Space, stop: float, lower_ends: bool) -> NaturalInputs:
    """A network with the natural inputs of a source."""
    n = models.n_outputs(model, source.shape)
    threshold = max(CONFIDENT, stop) if lower_ends else stop
    notes = (*notes_of(model), *source.notes)
    return NaturalInputs(model, _classes(source, model, n), space, n, threshold, stop, notes)


def partners(
    natural_inputs: NaturalInputs, places: list[int], n: int, kinds: tuple[str, ...], generator: torch.Generator
) -> "Ends":
    """At most n inputs of each place, and their partners of each kind.

    No input is used twice among those of a call.
    """
    low = {place: natural_inputs.low(place, generator) for place in range(len(natural_inputs.classes.labels))}
    a, c, labels, numbers = [], [], [], []
    for place in places:
        own = list(islice(low[place], 2 * n))
        half = len(own) // 2
        a += own[:half]
        c += own[half : 2 * half]
        labels += [natural_inputs.classes.labels[place]] * half
        numbers += list(range(half))
    if not a:
        return Ends(torch.zeros(0), torch.zeros(0, dtype=torch.long), torch.zeros(0, dtype=torch.long), {})
    first, classes = torch.stack(a), torch.tensor(labels, device=natural_inputs.device)
    whole = torch.ones(len(a), dtype=torch.bool, device=natural_inputs.device)
    made: Partners = {"natural-natural": (torch.stack(c), whole)}
    if {"across-classes", "natural-adversarial"} & set(kinds):
        made["across-classes"] = _inputs_of_other_classes(natural_inputs, low, classes.tolist(), first, generator)
    if {"natural-noise", "natural-fooling"} & set(kinds):
        made["natural-noise"] = _noise(first, natural_inputs.space, generator), whole
    for kind, begin in (("natural-adversarial", "across-classes"), ("natural-fooling", "natural-noise")):
        if kind in kinds:
            made[kind] = _lowered(natural_inputs, first, classes, *made[begin])
    return Ends(first, classes, torch.tensor(numbers), {kind: made[kind] for kind in kinds})


@dataclass(frozen=True)
class Ends:
    """First ends with their classes, and their partners by kind."""

    a: Tensor  # (n, *shape)
    labels: Tensor  # (n,) long, the classes whose loss is looked at
    numbers: Tensor  # (n,) long, of the pair within its class
    partners: Partners


def _inputs_of_other_classes(
    natural_inputs: NaturalInputs,
    low: dict[int, Iterator[Tensor]],
    labels: list[int],
    like: Tensor,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """A natural input of a random other class for each of the labels; which could be found."""
    x, found = like.clone(), torch.zeros(len(labels), dtype=torch.bool, device=like.device)
    for i, label in enumerate(labels):
        others = [place for place in low if natural_inputs.classes.labels[place] != label]
        for chosen in torch.randperm(len(others), generator=generator).tolist():
            one = next(low[others[chosen]], None)
            if one is not None:
                x[i], found[i] = one, True
                break
    return x, found


def _noise(like: Tensor, space: Space, generator: torch.Generator) -> Tensor:
    """Gaussian pixels, of the mean and the standard deviation of each input, within the bounds."""
    flat = like.flatten(1)
    mean, std = (columns(one, like) for one in (flat.mean(1), flat.std(1)))
    noise = mean + std * torch.randn(like.shape, generator=generator).to(like)
    return noise if space.bounds is None else noise.clamp(*space.bounds)


def _lowered(
    natural_inputs: NaturalInputs, a: Tensor, labels: Tensor, start: Tensor, there: Tensor
) -> tuple[Tensor, Tensor]:
    """The starts, moved until their loss is not above A's; which of them came there."""
    rows = there.nonzero().squeeze(1)
    if not len(rows):
        return start, there
    own = losses(ClassLoss(natural_inputs.model, labels), a).clamp(min=FLOOR)
    rule = natural_inputs.space.rule(PARTNER)
    moved = attacks.targeted(natural_inputs.model, start[rows], labels[rows], target_losses=own[rows], rule=rule)
    return start.index_copy(0, rows, moved.points), there.index_copy(0, rows, moved.reached)


def _classes(source: sources.Source, model: nn.Module, n: int) -> Classes:
    if source.pictures is not None:
        known = folders.for_network(source.pictures, n, models.categories())
        return _indexed(known.labels, known.take, READ)
    if source.name == sources.SHIPPED:
        return _pictured(model, source.shape[1])
    x, y = next(source.batches(model, n, torch.Generator()))
    return _indexed(y, lambda rows: x[rows], len(y))


def _indexed(labels: Tensor, take: Callable[[Tensor], Tensor], size: int) -> Classes:
    """Classes of labelled inputs of which any can be taken by its index."""
    present = labels.unique().tolist()

    def batches(place: int, generator: torch.Generator) -> Iterator[Tensor]:
        members = (labels == present[place]).nonzero().squeeze(1)
        for part in members[torch.randperm(len(members), generator=generator)].split(size):
            yield take(part)

    return Classes(tuple(present), batches)


def _pictured(model: nn.Module, side: int) -> Classes:
    """Each shipped picture is a class, the one that the network sees in its middle; its views are the inputs."""
    first: dict[int, str] = {}
    for name in pictures.names():
        first.setdefault(int(sources.seen(model, pictures.load(name, side)[None].to(device_of(model)))), name)

    def batches(place: int, generator: torch.Generator) -> Iterator[Tensor]:
        for _ in range(sources.BATCHES):
            yield pictures.views(list(first.values())[place], READ, side, generator=generator)

    return Classes(tuple(first), batches)


def checked_kinds(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """The kinds, in their own order, natural-natural among them: the others are compared with it."""
    for kind in kinds:
        checks.one_of("kind of pairs", kind, KINDS)
    return tuple(kind for kind in KINDS if kind in kinds or kind == KINDS[0])
