"""Loss barriers over many pairs a class: within a class, to adversarial partners, and the controls.

The loss is that of A's class all along the line from A to C, whatever C is. Where C is a natural input of another
class, or noise, it is high at C, no path can be low, and rounds are not defined: the status is 'closed end'.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from empirical.descent.lowering import lowered
from empirical.ends.pairs import LOWERING
from empirical.ends.sources import Source
from empirical.ends.space import Space
from empirical.ends.subject import Subject
from empirical.ends.wanted import NoPairs
from empirical.experiments.barriers.ends import (
    KINDS,
    Ends,
    NaturalInputs,
    checked_kinds,
    met_by,
    natural_inputs,
    partners,
)
from empirical.finder.connections import Connection
from empirical.finder.find import PRESETS, Finder, find_paths
from empirical.finder.paths import between
from empirical.losses import objectives
from empirical.losses.objectives import ClassLoss, losses
from empirical.losses.points import columns
from empirical.networks.taken import taken, trial
from empirical.threads import one_thread, threads_for
from percolation import checks, runs, seeds
from percolation.runs.tasks import Task

FUNCTION = "empirical.experiments.barriers.measure.chunk"
AT_A_TIME = 64  # pairs of a kind that are searched together, if a class has fewer
NO_PARTNER, CLOSED_END = "no partner", "closed end"  # statuses beside those of a connection
# of the table, a row a pair: losses in nats; `at` is the share of the line at which its loss is largest
COLUMNS = (
    *("kind", "class", "pair", "loss_a", "loss_c", "max_loss", "gap", "at", "distance"),
    *("status", "rounds", "segments"),
)


@dataclass(frozen=True)
class Asked:
    """What is measured on a network: so many pairs of each class and kind."""

    pairs: int = 50
    kinds: tuple[str, ...] = KINDS
    n_classes: int | None = None  # the first of them; None: all that the data have
    finder: Finder = PRESETS["default"]
    points: int = 251  # of the line, at which the barrier is read
    label: int | None = None  # of this class only
    lower_ends: bool = True  # natural inputs that the network knows, but not surely enough, are moved downhill

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinds", checked_kinds(self.kinds))
        checks.integer("pairs", self.pairs, at_least=1)
        checks.integer("points", self.points, at_least=3)
        if self.n_classes is not None:
            checks.integer("classes", self.n_classes, at_least=1)
        if self.label is not None:
            checks.integer("class", self.label, at_least=0)
        for name, loss in (("level", self.finder.level), ("stop", self.finder.descent.stop)):
            checks.positive(name, loss)  # a cross-entropy is


@dataclass(frozen=True)
class Plan:
    """What is measured on a network by its name: `subject.pairs` pairs of each class and kind."""

    subject: Subject
    kinds: tuple[str, ...] = KINDS
    n_classes: int | None = None
    finder: Finder = PRESETS["default"]
    points: int = 251

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinds", self.asked.kinds)

    @property
    def asked(self) -> Asked:
        """What of it is asked of any network."""
        one = self.subject
        return Asked(one.pairs, self.kinds, self.n_classes, self.finder, self.points, one.label, one.lower_ends)

    def parameters(self) -> dict[str, Any]:
        """Everything but the seed that the pairs depend on."""
        return asdict(replace(self, subject=replace(self.subject, label=None))) | {"n_classes": None}


def measure(
    model: nn.Module,
    source: Source,
    space: Space,
    asked: Asked,
    *,
    seed: int,
    about: Mapping[str, Any] | None = None,
    report: Callable[[int, int], None] = lambda done, chunks: None,
) -> pd.DataFrame:
    """One row a pair, COLUMNS, of all classes of a network: any module in evaluation mode, as `connect` takes it.

    source: of natural inputs, `sources.of_tensors(x, labels)`. space: `space_of(model, shape)`. about: what determines,
    with the seed, which pairs are drawn; None: the name of the model's class. Nothing is kept in a store, which could
    not tell one network of the user's from another.
    """
    checks.seed(seed)
    about = {"network": type(model).__name__} if about is None else about
    with threads_for(space.shape):
        met = met_by(taken(model, trial(space.shape)), source, space, asked.finder.descent.stop, asked.lower_ends)
        if asked.label is not None and asked.label >= met.n_classes:
            raise ValueError(f"class must lie in 0..{met.n_classes - 1}, the network's, got {asked.label}")
        parts = _chunks(asked, met)
        found = []
        for done, places in enumerate(parts):
            report(done, len(parts))
            labels = [met.classes.labels[place] for place in places]
            own = seeds.of(json.dumps({**about, "labels": labels}, sort_keys=True), seed)
            found.append(chunk(asked, met, places, own))
            found[-1].attrs["notes"] = list(met.notes)
        report(len(parts), len(parts))
    return _whole(found, asked, source.name, str(about.get("network")))


def measure_barriers(
    plan: Plan,
    *,
    seed: int,
    device: str = "cpu",
    report: Callable[[int, int], None] = lambda done, chunks: None,
) -> pd.DataFrame:
    """One row a pair, COLUMNS, of all classes.

    Classes are done a few at a time, so that memory does not grow with their number. In a session with a store
    (`runs.session`) a run that was killed goes on where it was, with the same bits. report: told of the chunks
    done, and of how many there are.
    """
    checks.seed(seed)
    objectives.device(device)
    with one_thread():
        found = list(stream(plan, seed=seed, device=device, report=report))
    return _whole(found, plan.asked, plan.subject.data, f"{plan.subject.training} {plan.subject.network}")


def _whole(found: list[pd.DataFrame], asked: Asked, data: str, network: str) -> pd.DataFrame:
    """All parts, if they hold a pair; their `attrs` hold the notes."""
    full = [one for one in found if len(one)]  # those without a row have no types either
    if not full:
        stop = asked.finder.descent.stop
        raise NoPairs(
            f"no class of {data} has two inputs whose loss in {network} is low (at most "
            f"{'ln 2' if asked.lower_ends else f'stop={stop:g}'}); give more images a class, raise --stop and --level"
            + ("" if asked.lower_ends else ", or --lower-ends")
        )
    table = pd.concat(full, ignore_index=True)
    table.attrs = dict(found[0].attrs)
    return table


def stream(
    plan: Plan,
    *,
    seed: int,
    device: str = "cpu",
    report: Callable[[int, int], None] = lambda done, chunks: None,
) -> Iterator[pd.DataFrame]:
    """The same a few classes at a time, in their order; nothing of them is kept here."""
    met = natural_inputs(plan.subject, seed=seed, stop=plan.finder.descent.stop, device=device)
    chunks, parts = Chunks(plan, met, seed, device), _chunks(plan.asked, met)
    label = f"{plan.subject.network}, {plan.subject.data}, seed {seed}: groups of classes"
    for done, table in enumerate(runs.stream(chunks, parts, label=label, progress=False)):
        report(done, len(parts))
        table.attrs["notes"] = list(met.notes)
        yield table
    report(len(parts), len(parts))


@dataclass(frozen=True)
class Chunks:
    """Makes the pairs of some classes, and says what such a task is called."""

    plan: Plan
    natural_inputs: NaturalInputs
    seed: int
    device: str

    def __call__(self, places: list[int]) -> pd.DataFrame:
        return chunk(self.plan.asked, self.natural_inputs, places, _seed(self.plan, self._labels(places), self.seed))

    def task(self, places: list[int]) -> Task:
        """By what it depends on: the class labels in place of the network."""
        what = self.plan.parameters() | {"labels": self._labels(places), "device": self.device}
        return Task(FUNCTION, what, self.seed)

    def _labels(self, places: list[int]) -> list[int]:
        return [self.natural_inputs.classes.labels[place] for place in places]


def chunk(asked: Asked, natural_inputs: NaturalInputs, places: list[int], seed: np.random.SeedSequence) -> pd.DataFrame:
    """The pairs of some classes."""
    generator = torch.Generator().manual_seed(seeds.integer(seed))
    ends = partners(natural_inputs, places, asked.pairs, asked.kinds, generator)
    if not len(ends.a):
        return pd.DataFrame(columns=COLUMNS)
    parts = [_of_kind(asked, natural_inputs, ends, kind) for kind in ends.partners]
    return pd.concat(parts, ignore_index=True)


def barriers(model: nn.Module, a: Tensor, c: Tensor, labels: Tensor, points: int = 251) -> pd.DataFrame:
    """Losses of the ends, the largest on the straight line and where it is: a row a pair of a, c (n, *shape).

    gap = max_loss - max(loss_a, loss_c), nats, never negative as the ends are points of the line. points: of the line,
    evenly spaced, so that a narrower maximum may be missed.
    """
    objective, t = ClassLoss(model, labels), torch.linspace(0, 1, points, dtype=a.dtype, device=a.device)
    heights = torch.stack([_along(objective, a[i], c[i], t, i) for i in range(len(a))]).double().cpu()
    top = heights.max(1)
    loss_a, loss_c = heights[:, 0], heights[:, -1]
    return pd.DataFrame(
        {
            "loss_a": loss_a.numpy(),
            "loss_c": loss_c.numpy(),
            "max_loss": top.values.numpy(),
            "gap": (top.values - torch.maximum(loss_a, loss_c)).numpy(),
            "at": top.indices.numpy() / (points - 1),
            "distance": (c - a).flatten(1).norm(dim=1).double().cpu().numpy(),
        }
    )


def _along(objective: ClassLoss, a: Tensor, c: Tensor, t: Tensor, pair: int) -> Tensor:
    line = between(a, c, columns(t, a[None]))
    return losses(objective, line, torch.full((len(t),), pair, device=a.device))


def _of_kind(asked: Asked, natural_inputs: NaturalInputs, ends: Ends, kind: str) -> pd.DataFrame:
    c, there = ends.partners[kind]
    found = barriers(natural_inputs.model, ends.a, c, ends.labels, asked.points)
    found.insert(0, "kind", kind)
    found.insert(1, "class", ends.labels.cpu().numpy())
    found.insert(2, "pair", ends.numbers.numpy())
    searched = _connected(
        asked, natural_inputs, ends, c, there.cpu().numpy(), lower=kind not in ("across-classes", "natural-noise")
    )
    found["status"] = [status if isinstance(status, str) else status.status for status in searched]
    for name, count in (("rounds", lambda one: one.rounds), ("segments", lambda one: one.path.n_segments)):
        found[name] = [np.nan if isinstance(one, str) else float(count(one)) for one in searched]
    missing = found["status"] == NO_PARTNER
    found.loc[missing, ["loss_c", "max_loss", "gap", "at", "distance"]] = np.nan
    return found[list(COLUMNS)]


def _connected(
    asked: Asked, natural_inputs: NaturalInputs, ends: Ends, c: Tensor, there: np.ndarray, *, lower: bool
) -> list[Connection | str]:
    """What the finder found for each pair, or why it was not asked."""
    a = ends.a
    if asked.lower_ends and lower:
        a, c = _lowered(natural_inputs, a, ends.labels), _lowered(natural_inputs, c, ends.labels)
    objective = ClassLoss(natural_inputs.model, ends.labels)
    low = (torch.maximum(losses(objective, a), losses(objective, c)) <= asked.finder.level).cpu().numpy()
    answers: list[Connection | str] = [CLOSED_END if one else NO_PARTNER for one in there]
    rows = (low & there).nonzero()[0]
    if len(rows):
        finder = replace(asked.finder, descent=natural_inputs.space.rule(asked.finder.descent))
        index = torch.as_tensor(rows, device=a.device)
        found = find_paths(ClassLoss(natural_inputs.model, ends.labels[index]), a[index], c[index], finder)
        for row, one in zip(rows, found, strict=True):
            answers[row] = one
    return answers


def _lowered(natural_inputs: NaturalInputs, x: Tensor, labels: Tensor) -> Tensor:
    """The points, moved downhill to `stop` where they are above."""
    rule = natural_inputs.space.rule(replace(LOWERING, stop=natural_inputs.stop))
    return lowered(ClassLoss(natural_inputs.model, labels), x, rule).points


def _chunks(asked: Asked, natural_inputs: NaturalInputs) -> list[list[int]]:
    """Places that are done together: one class, or a few where there are many."""
    places = list(range(len(natural_inputs.classes.labels)))
    size = max(AT_A_TIME // asked.pairs, 1) if len(places) > AT_A_TIME else 1
    if asked.label is not None:
        if asked.label not in natural_inputs.classes.labels:
            raise NoPairs(f"there is no input of class {asked.label} in the data")
        return [[natural_inputs.classes.labels.index(asked.label)]]
    places = places[: asked.n_classes]
    return [places[i : i + size] for i in range(0, len(places), size)]


def _seed(plan: Plan, labels: list[int], seed: int) -> np.random.SeedSequence:
    """Of the pairs of these classes: the same whatever the finder."""
    drawn = replace(plan.subject, label=None).key() | {"labels": labels}
    return seeds.of(json.dumps(drawn, sort_keys=True), seed)
