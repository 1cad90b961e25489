"""Low-loss points: natural ones that a data set holds, mixtures of them, class-optimal ones made from noise.

And what is done with them: the farthest apart of many, pairs within a class.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from empirical.descent.rows import Descent, descend
from empirical.losses import robust
from empirical.losses.objectives import ClassLoss, Objective, checked_bounds, checked_points, losses
from empirical.losses.points import columns
from percolation import checks

# the article's rule (lr 0.05, weight decay 1e-7) down log(loss): the same norms in a twentieth of the steps, at most
# 511 (ResNet-50) of the 8192 it allows, and what has not fallen by 1 % in 256 of them will not arrive
CLASS_OPTIMAL = Descent(lr=0.05, iterations=2048, weight_decay=1e-7, log=True, patience=256)
MIXED = (0.25, 0.75)  # shares of the second input in a mixture of two: nearer to one it is hardly new


@dataclass(frozen=True, repr=False)
class Modes:
    """Points with their class and their loss; n_tried of them were looked at."""

    points: Tensor  # (n, *shape)
    labels: Tensor  # (n,) long
    losses: Tensor  # (n,) nats
    n_tried: int

    def __repr__(self) -> str:
        return f"Modes({len(self.points)} points {tuple(self.points.shape[1:])} of {self.n_tried} tried)"

    def select(self, rows: Tensor) -> "Modes":
        """Some of them."""
        return Modes(self.points[rows], self.labels[rows], self.losses[rows], self.n_tried)


MOST_VIEWS = 1000  # of an input, over which a loss is averaged


@dataclass(frozen=True)
class Transformed:
    """How robust a class-optimal input shall be: n shifts of at most `jitter` pixels, sizes in 1 -+ scale."""

    n: int = 4
    jitter: int = 1
    scale: float = 0.1


@dataclass(frozen=True)
class Search:
    """What may be asked of class-optimal inputs beside a low loss; None is what is usual."""

    step: float | None = None
    total_variation: float = 0.0
    weight_decay: float | None = None
    bounds: tuple[float, float] | None = None
    robust: Transformed | None = None

    def rule(self, usual: Descent) -> Descent:
        """The usual rule, changed as asked."""
        changes = {"lr": self.step, "weight_decay": self.weight_decay, "bounds": self.bounds}
        given: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
        return replace(usual, total_variation=self.total_variation, **given)


def natural(
    model: nn.Module,
    x: Tensor,
    labels: Tensor,
    *,
    stop: float = 5e-4,
    bounds: tuple[float, float] | None = None,
) -> Modes:
    """Those of the inputs x (n, *shape) whose loss for their label is at most stop.

    bounds: what all coordinates must lie in, (0, 1) for pictures; an input outside is an error.
    """
    checked_points("x", x)
    if bounds is not None:
        checked_bounds("inputs", x, bounds)
    if len(labels) != len(x):
        raise ValueError(f"expected one label for each of the {len(x)} inputs, got {len(labels)}")
    found = losses(ClassLoss(model, labels), x)
    low = found <= stop
    return Modes(x[low], labels[low], found[low], len(x))


def class_optimal(
    model: nn.Module,
    labels: Tensor,
    shape: tuple[int, ...],
    *,
    generator: torch.Generator,
    noise: float = 0.01,
    rule: Descent = CLASS_OPTIMAL,
    batch_size: int = 64,
    transformed: Transformed | None = None,
) -> Modes:
    """Minimisers of the class loss: one for each label (n,), from Gaussian noise of standard deviation `noise`.

    rule: with penalties (total variation, weight decay) if wanted; with bounds the noise lies around their middle.
    transformed: minimise the mean loss over random shifts and sizes; its stop is then rule.stop / n, at which the loss
    of the input itself, one of the n, is at most rule.stop.
    Those that did not reach the stop are left out (n_tried counts them). A network with f(s x) = s f(x) lowers its
    loss by norm alone, so look at the norms too.
    """
    checks.positive("noise", noise)
    start = noise * torch.randn(len(labels), *shape, generator=generator)
    if rule.bounds is not None:
        start = (sum(rule.bounds) / 2 + start).clamp(*rule.bounds)
    start = start.to(labels.device)
    pairs = torch.arange(len(labels), device=labels.device)
    own = ClassLoss(model, labels)
    objective: Objective = own
    stops = start.new_full((len(labels),), rule.stop)
    if transformed is not None:
        drawn = partial(robust.draw, n=transformed.n, jitter=transformed.jitter, scale=transformed.scale)
        objective, stops = drawn(own, len(shape) - 1, generator=generator), stops / transformed.n
    found = descend(objective, start, pairs, rule, stop=stops, batch_size=batch_size)
    low = found.reached
    loss = found.losses[low] if transformed is None else losses(own, found.points, pairs)[low]
    return Modes(found.points[low], labels[low], loss, len(labels))


def interpolated(model: nn.Module, found: Modes, n: int, *, stop: float = 5e-4, generator: torch.Generator) -> Modes:
    """Mixtures (1 - t) x + t y of two modes of one class, t uniform in [1/4, 3/4], that are low themselves.

    n: mixtures tried; those above stop are left out. Two modes of a class are drawn anew for each.
    """
    checks.integer("n", n, at_least=1)
    counts = found.labels.bincount()
    several = (counts[found.labels] > 1).nonzero().squeeze(1)  # modes that are not alone in their class
    if not len(several):
        return Modes(found.points[:0], found.labels[:0], found.losses[:0], 0)
    u = torch.rand(2, n, generator=generator).to(found.points)
    first = several[(u[0] * len(several)).long().clamp(max=len(several) - 1)]
    second = torch.stack([_another(found.labels, int(i), generator) for i in first])
    t = columns(MIXED[0] + (MIXED[1] - MIXED[0]) * u[1], found.points)
    mixed = torch.lerp(found.points[first], found.points[second], t)
    return natural(model, mixed, found.labels[first], stop=stop)


def diverse(found: Modes, n: int) -> Modes:
    """At most n modes of each class, as far apart as can be found: each the farthest from those taken before.

    The first is the one farthest from the mean of its class. Farthest-point selection comes within a factor 2 of the
    largest possible smallest distance, and leaves points and losses as they are, where a repulsion in the search would
    couple rows that are otherwise independent.
    Source: T. F. Gonzalez, Theoretical Computer Science 38, 293 (1985).
    """
    checks.integer("n", n, at_least=1)
    chosen = []
    for label in found.labels.unique():
        members = (found.labels == label).nonzero().squeeze(1)
        chosen.append(members[_farthest(found.points[members].flatten(1), n)])
    return found.select(torch.cat(chosen) if chosen else found.labels[:0])


def joined(parts: list[Modes]) -> Modes:
    """The modes of all parts, in order."""
    return Modes(
        torch.cat([part.points for part in parts]),
        torch.cat([part.labels for part in parts]),
        torch.cat([part.losses for part in parts]),
        sum(part.n_tried for part in parts),
    )


def pairs_within_class(labels: Tensor, n: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Indices (i, j), each (at most n,), of disjoint random pairs with equal labels; classes take turns."""
    turns = []
    for label in labels.unique():
        members = (labels == label).nonzero().squeeze(1)
        shuffled = members[torch.randperm(len(members), generator=generator).to(members.device)]
        turns += [(k, shuffled[2 * k], shuffled[2 * k + 1]) for k in range(len(members) // 2)]
    turns.sort(key=lambda turn: turn[0])  # stable: the first pair of every class, then the second, ...
    chosen = turns[:n]
    if not chosen:
        return labels.new_zeros(0), labels.new_zeros(0)
    return torch.stack([i for _, i, _ in chosen]), torch.stack([j for _, _, j in chosen])


def _another(labels: Tensor, index: int, generator: torch.Generator) -> Tensor:
    """The index of another mode of the class."""
    others = (labels == labels[index]).nonzero().squeeze(1)
    others = others[others != index]
    return others[int(torch.randint(len(others), (1,), generator=generator))]


def _farthest(x: Tensor, n: int) -> Tensor:
    """Indices (at most n,) of points x (m, D), each the farthest from those before."""
    taken = [int((x - x.mean(0)).norm(dim=1).argmax())]
    nearest = (x - x[taken[0]]).norm(dim=1)
    while len(taken) < min(n, len(x)):
        taken.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (x - x[taken[-1]]).norm(dim=1))
    return torch.tensor(taken, device=x.device)
