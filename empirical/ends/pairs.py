"""Pairs of low-loss inputs of a network, to be connected."""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from empirical import attacks
from empirical.descent.lowering import lowered
from empirical.descent.rows import Descent
from empirical.ends import modes
from empirical.ends.sources import Source
from empirical.ends.space import Space
from empirical.ends.wanted import NATURAL, NoPairs, Wanted
from empirical.losses.objectives import ClassLoss, device_of
from empirical.networks import models
from empirical.networks.taken import dtype_of, taken, trial

ATTEMPTS = 4  # at drawing class-optimal inputs: in low dimension many do not reach the level from noise
DIVERSE_CANDIDATES = 3  # class-optimal inputs among which one is chosen for a diverse set
MIXTURES = 4  # tried for each interpolated point

# Adversarial partners in small dimension: the article's deviation weight of 0.1 holds their loss above stop there.
# Measured on cnn1d/mnist1d, d = 40: reached by 0 of 50 with the article's weights, 44 with 0.01, 50 with 0.001.
ADVERSARIAL = attacks.Descent(lr=0.01, iterations=2048, deviation=0.01, first_check=32)
LOWERING = Descent(lr=0.01, iterations=512)  # of ends that are natural and not low enough
CONFIDENT = math.log(2)  # loss, nats, below which a network gives its class more than all the others together


@dataclass(frozen=True, repr=False)
class Pairs:
    """End points with both losses at or below stop, and how they were come by."""

    model: nn.Module
    a: Tensor  # (n, *shape)
    c: Tensor  # (n, *shape)
    labels: Tensor  # (n,) long, the class whose loss is low
    counts: dict[str, float]  # points tried, points low, ...
    space: Space
    n_classes: int

    def __repr__(self) -> str:
        return f"Pairs({len(self.a)} of points {self.space.shape}, {self.n_classes} classes)"


def draw(
    model: nn.Module,
    source: Source | None,
    space: Space,
    wanted: Wanted,
    *,
    stop: float,
    generator: torch.Generator,
    name: str = "the network",
) -> Pairs:
    """At most wanted.pairs pairs, of distinct points; an error says so if there is none.

    model: in evaluation mode; one that is no function of the points, or has no gradients, is refused. source: of
    natural inputs; None will do for class-optimal ones, made from noise. name: of the network, for that error.
    """
    model = taken(model, trial(space.shape))
    drawing = _Drawing(name, model, space, wanted, models.n_outputs(model, space.shape), stop, generator)
    if wanted.label is not None and wanted.label >= drawing.n_classes:
        raise ValueError(f"class must lie in 0..{drawing.n_classes - 1}, the network's, got {wanted.label}")
    if wanted.kind not in NATURAL:
        return drawing.class_optimal()
    if source is None:
        raise ValueError(f"{wanted.kind} pairs are made of natural inputs, got no source of them")
    if wanted.kind == "natural-adversarial":
        return drawing.adversarial(source)
    return drawing.natural(source)


@dataclass(frozen=True)
class _Drawing:
    """What is needed to draw pairs of any kind."""

    name: str
    model: nn.Module
    space: Space
    wanted: Wanted
    n_classes: int
    stop: float
    generator: torch.Generator

    @property
    def device(self) -> torch.device:
        return device_of(self.model)

    @property
    def spare(self) -> int:
        """Pairs to begin with: some do not arrive."""
        return self.wanted.pairs + self.wanted.pairs // 4

    def natural(self, source: Source) -> Pairs:
        """Natural inputs of one class, or mixtures of two, lowered where that is asked for."""
        n = self.spare if self.wanted.lower_ends else self.wanted.pairs
        found = self._candidates(source, lambda labels: _n_pairs(labels) >= n)
        counts: dict[str, float] = {"points_tried": found.n_tried, "points_low": len(found.points)}
        if self.wanted.kind == "interpolated":
            found = modes.interpolated(
                self.model, found, 2 * MIXTURES * n, stop=self._threshold, generator=self.generator
            )
            counts |= {"mixtures_tried": found.n_tried, "mixtures_low": len(found.points)}
        return self._within_class(found, counts)

    def class_optimal(self) -> Pairs:
        """Class-optimal inputs, drawn again up to ATTEMPTS times while too few reach stop for all pairs."""
        wanted = self.wanted
        crowd = DIVERSE_CANDIDATES if wanted.kind == "diverse" else 1
        labels = torch.arange(self.spare, device=self.device).repeat_interleave(2 * crowd) % self.n_classes
        if wanted.label is not None:
            labels = torch.full_like(labels, wanted.label)
        usual = replace(modes.CLASS_OPTIMAL, stop=self.stop, lr=wanted.step)
        rule = self.space.rule(wanted.search.rule(usual))
        parts: list[modes.Modes] = []
        while len(parts) < ATTEMPTS and (not parts or _n_pairs(modes.joined(parts).labels) < wanted.pairs):
            one = modes.class_optimal(
                self.model,
                labels,
                self.space.shape,
                generator=self.generator,
                rule=rule,
                transformed=wanted.search.robust,
            )
            parts.append(one)
        found = modes.joined(parts)
        counts: dict[str, float] = {"points_tried": found.n_tried, "points_low": len(found.points)}
        if wanted.kind == "diverse":
            n_present = max(len(found.labels.unique()), 1)
            found = modes.diverse(found, 2 * math.ceil(wanted.pairs / n_present))
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
            if self.wanted.label is not None:
                x, labels = x[labels == self.wanted.label], labels[labels == self.wanted.label]
            if not len(x):
                continue
            x, labels = x.to(self.device, dtype_of(self.model)), labels.to(self.device)
            parts.append(modes.natural(self.model, x, labels, stop=self._threshold, bounds=self.space.bounds))
            if enough(modes.joined(parts).labels):
                break
        self._require(len(parts), {"points_tried": 0})
        return modes.joined(parts)

    @property
    def _threshold(self) -> float:
        """Loss at or below which a natural input is taken."""
        return max(CONFIDENT, self.stop) if self.wanted.lower_ends else self.stop

    def _within_class(self, found: modes.Modes, counts: dict[str, float]) -> Pairs:
        n = self.spare if self.wanted.lower_ends else self.wanted.pairs
        i, j = modes.pairs_within_class(found.labels, n, generator=self.generator)
        self._require(len(i), counts)
        labels = found.labels[i]
        a, low_a = self._lowered(found.points[i], labels, counts)
        c, low_c = self._lowered(found.points[j], labels, counts)
        return self._pairs(a, c, labels, low_a & low_c, counts)

    def _lowered(self, x: Tensor, labels: Tensor, counts: dict[str, float]) -> tuple[Tensor, Tensor]:
        """The ends, moved downhill to stop if that is asked for, and which of them are low."""
        if not self.wanted.lower_ends:
            return x, torch.ones_like(labels, dtype=torch.bool)
        found = lowered(ClassLoss(self.model, labels), x, self.space.rule(replace(LOWERING, stop=self.stop)))
        change = (found.moved.points - x[found.rows]).abs().flatten(1).amax(1)
        counts["ends_lowered"] = counts.get("ends_lowered", 0) + len(found.rows)
        counts["largest_change"] = max(counts.get("largest_change", 0.0), *change.tolist(), 0.0)
        return found.points, found.low

    def _pairs(self, a: Tensor, c: Tensor, labels: Tensor, low: Tensor, counts: dict[str, float]) -> Pairs:
        rows = low.nonzero().squeeze(1)[: self.wanted.pairs]
        self._require(len(rows), counts)
        return Pairs(self.model, a[rows], c[rows], labels[rows], counts, self.space, self.n_classes)

    def _require(self, n: int, counts: dict[str, float]) -> None:
        if n == 0:
            listed = ", ".join(f"{name.replace('_', ' ')}: {count:g}" for name, count in counts.items())
            natural = self.wanted.kind in NATURAL and not self.wanted.lower_ends
            raise NoPairs(
                f"no {self.wanted.kind} pair has both losses at or below stop for {self.name} "
                f"({listed}); try another seed, dimension or pair kind" + (", or --lower-ends" if natural else "")
            )


def _n_pairs(labels: Tensor) -> int:
    """Disjoint pairs with equal labels that can be made."""
    return int((labels.bincount() // 2).sum())
