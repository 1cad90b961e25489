"""Loss barriers over many pairs a class: within a class, to adversarial partners, and the controls.

The loss is that of A's class all along the line from A to C, whatever C is. Where C is a natural input of another
class, or noise, it is high at C, no path can be low, and rounds are not defined: the status is 'closed end'.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from empirical.descent.lowering import lowered
from empirical.ends.pairs import LOWERING
from empirical.ends.subject import Subject
from empirical.ends.wanted import NoPairs
from empirical.experiments.barriers.ends import KINDS, Ends, NaturalInputs, checked_kinds, natural_inputs, partners
from empirical.finder.connections import Connection
from empirical.finder.find import PRESETS, Finder, find_paths
from empirical.finder.paths import between
from empirical.losses import objectives
from empirical.losses.objectives import ClassLoss, losses
from empirical.losses.points import columns
from empirical.threads import one_thread
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
class Plan:
    """What is measured: `subject.pairs` pairs of each class and kind. subject.label: of this class only."""

    subject: Subject
    kinds: tuple[str, ...] = KINDS
    n_classes: int | None = None  # the first of them; None: all that the data have
    finder: Finder = PRESETS["default"]
    points: int = 251  # of the line, at which the barrier is read

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinds", checked_kinds(self.kinds))
        checks.integer("points", self.points, at_least=3)
        if self.n_classes is not None:
            checks.integer("classes", self.n_classes, at_least=1)
        for name, loss in (("level", self.finder.level), ("stop", self.finder.descent.stop)):
            checks.positive(name, loss)  # a cross-entropy is

    def parameters(self) -> dict[str, Any]:
        """Everything but the seed that the pairs depend on."""
        return asdict(replace(self, subject=replace(self.subject, label=None))) | {"n_classes": None}


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
    table = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)
    if table.empty:
        stop = plan.finder.descent.stop
        raise NoPairs(
            f"no class of {plan.subject.data} has two inputs whose loss in {plan.subject.training} "
            f"{plan.subject.network} is low (at most {'ln 2' if plan.subject.lower_ends else f'stop={stop:g}'}); "
            "give more images a class, raise --stop and --level"
            + ("" if plan.subject.lower_ends else ", or --lower-ends")
        )
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
    chunks, parts = Chunks(plan, met, seed, device), _chunks(plan, met)
    label = f"{plan.subject.network}, {plan.subject.data}, seed {seed}: groups of classes"
    for done, table in enumerate(runs.stream(chunks, parts, label=label)):
        report(done, len(parts))
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
        return chunk(self.plan, self.natural_inputs, places, _seed(self.plan, self._labels(places), self.seed))

    def task(self, places: list[int]) -> Task:
        """By what it depends on: the class labels in place of the network."""
        what = self.plan.parameters() | {"labels": self._labels(places), "device": self.device}
        return Task(FUNCTION, what, self.seed)

    def _labels(self, places: list[int]) -> list[int]:
        return [self.natural_inputs.classes.labels[place] for place in places]


def chunk(plan: Plan, natural_inputs: NaturalInputs, places: list[int], seed: np.random.SeedSequence) -> pd.DataFrame:
    """The pairs of some classes."""
    generator = torch.Generator().manual_seed(seeds.integer(seed))
    ends = partners(natural_inputs, places, plan.subject.pairs, plan.kinds, generator)
    if not len(ends.a):
        return pd.DataFrame(columns=COLUMNS)
    parts = [_of_kind(plan, natural_inputs, ends, kind) for kind in ends.partners]
    return pd.concat(parts, ignore_index=True)


def barriers(model: torch.nn.Module, a: Tensor, c: Tensor, labels: Tensor, points: int = 251) -> pd.DataFrame:
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


def _of_kind(plan: Plan, natural_inputs: NaturalInputs, ends: Ends, kind: str) -> pd.DataFrame:
    c, there = ends.partners[kind]
    found = barriers(natural_inputs.model, ends.a, c, ends.labels, plan.points)
    found.insert(0, "kind", kind)
    found.insert(1, "class", ends.labels.cpu().numpy())
    found.insert(2, "pair", ends.numbers.numpy())
    searched = _connected(
        plan, natural_inputs, ends, c, there.cpu().numpy(), lower=kind not in ("across-classes", "natural-noise")
    )
    found["status"] = [status if isinstance(status, str) else status.status for status in searched]
    for name, count in (("rounds", lambda one: one.rounds), ("segments", lambda one: one.path.n_segments)):
        found[name] = [np.nan if isinstance(one, str) else float(count(one)) for one in searched]
    missing = found["status"] == NO_PARTNER
    found.loc[missing, ["loss_c", "max_loss", "gap", "at", "distance"]] = np.nan
    return found[list(COLUMNS)]


def _connected(
    plan: Plan, natural_inputs: NaturalInputs, ends: Ends, c: Tensor, there: np.ndarray, *, lower: bool
) -> list[Connection | str]:
    """What the finder found for each pair, or why it was not asked."""
    a = ends.a
    if plan.subject.lower_ends and lower:
        a, c = _lowered(natural_inputs, a, ends.labels), _lowered(natural_inputs, c, ends.labels)
    objective = ClassLoss(natural_inputs.model, ends.labels)
    low = (torch.maximum(losses(objective, a), losses(objective, c)) <= plan.finder.level).cpu().numpy()
    answers: list[Connection | str] = [CLOSED_END if one else NO_PARTNER for one in there]
    rows = (low & there).nonzero()[0]
    if len(rows):
        finder = replace(plan.finder, descent=natural_inputs.space.rule(plan.finder.descent))
        index = torch.as_tensor(rows, device=a.device)
        found = find_paths(ClassLoss(natural_inputs.model, ends.labels[index]), a[index], c[index], finder)
        for row, one in zip(rows, found, strict=True):
            answers[row] = one
    return answers


def _lowered(natural_inputs: NaturalInputs, x: Tensor, labels: Tensor) -> Tensor:
    """The points, moved downhill to `stop` where they are above."""
    rule = natural_inputs.space.rule(replace(LOWERING, stop=natural_inputs.stop))
    return lowered(ClassLoss(natural_inputs.model, labels), x, rule).points


def _chunks(plan: Plan, natural_inputs: NaturalInputs) -> list[list[int]]:
    """Places that are done together: one class, or a few where there are many."""
    places = list(range(len(natural_inputs.classes.labels)))
    size = max(AT_A_TIME // plan.subject.pairs, 1) if len(places) > AT_A_TIME else 1
    if plan.subject.label is not None:
        if plan.subject.label not in natural_inputs.classes.labels:
            raise NoPairs(f"there is no input of class {plan.subject.label} in {plan.subject.data}")
        return [[natural_inputs.classes.labels.index(plan.subject.label)]]
    places = places[: plan.n_classes]
    return [places[i : i + size] for i in range(0, len(places), size)]


def _seed(plan: Plan, labels: list[int], seed: int) -> np.random.SeedSequence:
    """Of the pairs of these classes: the same whatever the finder."""
    drawn = replace(plan.subject, label=None).key() | {"labels": labels}
    return seeds.of(json.dumps(drawn, sort_keys=True), seed)
