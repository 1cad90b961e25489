"""The main job: thresholds from theory and simulation beside connectivity measured on networks, over the dimension."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any

from empirical.ends.subject import Subject
from empirical.ends.wanted import KINDS, NoPairs
from empirical.experiments.connect.measure import Measured, measure_subject
from empirical.experiments.rounds.measure import Case, Walked
from empirical.experiments.rounds.plan import gaussian, walk_all
from empirical.finder.find import PRESETS, Finder
from percolation import checks, dimension_scan, runs
from percolation.dimension_scan import DimensionScan


@dataclass(frozen=True)
class Plan:
    """What to compare: subjects and known fields for the path finder, dimensions and effort for the thresholds."""

    subjects: tuple[Subject, ...]
    fields: tuple[Case, ...]
    dimensions: tuple[int, ...] = tuple(range(2, 14))
    n_runs: int = 16
    n_sites: int = 2**16

    def of_pairs(self, n: int) -> "Plan":
        """The same with so many pairs of every subject and field."""
        checks.integer("pairs", n, at_least=2)
        subjects = tuple(replace(one, pairs=n) for one in self.subjects)
        return replace(self, subjects=subjects, fields=tuple(replace(one, pairs=n) for one in self.fields))


@dataclass(frozen=True)
class Comparison:
    """Simulated and published thresholds, what was measured on subjects and fields in the plan's order, seconds."""

    scan: DimensionScan
    measured: list[Measured]
    fields: list[Walked]
    skipped: list[str]  # subjects for which not one pair could be drawn, and why
    seconds: dict[str, float]  # by stage


def full() -> Plan:
    """Trained and untrained networks from 3 to 3072 dimensions, and Gaussian fields: minutes on two cores."""
    subjects = [
        Subject(network, data, "trained", pair, 30 if pair == "class-optimal" else 50, d)
        for network, data, dimensions in (
            ("cnn1d", "mnist1d", (20, 40, 80, 160, 320)),
            ("cnn", "digits", (16, 64, 256)),
        )
        for d in dimensions
        for pair in KINDS
    ]
    subjects += [_untrained("cnn1d", d, 30) for d in (20, 40, 80, 160, 320)]
    subjects += [_untrained("mlp", d, 30) for d in (3, 6, 10, 30, 100, 300, 1000, 3072)]
    fields = gaussian([2, 3, 4, 6, 8, 12, 16], [0.5, 0.1, 0.01], length=30.0, margin=0.5, pairs=30)
    return Plan((*subjects, _untrained("resnet18", 3072, 6)), fields)


def quick() -> Plan:
    """The same job, small: seconds."""
    subjects = [Subject("cnn1d", "mnist1d", "trained", pair, 16, d) for d in (20, 40) for pair in KINDS]
    subjects += [_untrained("cnn1d", 40, 12), *(_untrained("mlp", d, 12) for d in (30, 300))]
    return Plan(
        tuple(subjects), gaussian([3, 6, 12], [0.5, 0.1], length=10.0, margin=0.5, pairs=12), n_runs=8, n_sites=2**13
    )


def compare(
    plan: Plan,
    *,
    seed: int = 0,
    workers: int = 0,
    device: str = "cpu",
    finder: Finder = PRESETS["default"],
) -> Comparison:
    """Carry out the plan. The numbers depend on the plan, the seed and the finder, not on the workers."""
    seconds: dict[str, float] = {}

    def thresholds() -> DimensionScan:
        how: dict[str, Any] = {"method": "invasion", "runs": plan.n_runs, "n_sites": plan.n_sites}
        return dimension_scan.scan(list(plan.dimensions), **how, seed=seed, workers=workers)

    def networks() -> list[Measured | NoPairs]:
        return measure_all(plan.subjects, seed=seed, workers=workers, device=device, finder=finder)

    def fields() -> list[Walked]:
        return walk_all(plan.fields, seed=seed, workers=workers, device=device)

    scan, found, walked = runs.independent(*(_timed(seconds, stage) for stage in (thresholds, networks, fields)))
    measured = [one for one in found if isinstance(one, Measured)]
    return Comparison(scan, measured, walked, [str(one) for one in found if isinstance(one, NoPairs)], seconds)


def measure_all(
    subjects: tuple[Subject, ...],
    *,
    seed: int,
    workers: int = 0,
    device: str = "cpu",
    finder: Finder = PRESETS["default"],
) -> list[Measured | NoPairs]:
    """`measure_subject` every subject, those of one network together, so that it is trained once; in the order given.

    A subject for which not one pair could be drawn comes back as the reason.
    """
    groups = [list(group) for _, group in groupby(subjects, key=_network)]
    task = partial(_measure_group, seed=seed, device=device, finder=finder)
    found = runs.run(task, groups, workers=workers, processes=workers != 1, cost=_cost, label="networks")
    return [one for group in found for one in group]


def parameters(plan: Plan, finder: Finder) -> dict[str, Any]:
    """Everything that determines a comparison but the seed."""
    return asdict(plan) | {"finder": asdict(finder)}


def _untrained(network: str, d: int, pairs: int) -> Subject:
    return Subject(network, "none", "untrained", "class-optimal", pairs, d)


def _measure_group(subjects: list[Subject], *, seed: int, device: str, finder: Finder) -> list[Measured | NoPairs]:
    found: list[Measured | NoPairs] = []
    for subject in subjects:
        try:
            found.append(measure_subject(subject, seed=seed, device=device, finder=finder))
        except NoPairs as reason:
            found.append(reason)
    return found


def _network(subject: Subject) -> tuple[Any, ...]:
    return subject.network, subject.data, subject.training, subject.dimension


def _cost(group: list[Subject]) -> float:
    """Rough: a ResNet's inputs cost a thousand times those of a small network."""
    weight = 1000 if group[0].network == "resnet18" else 1
    return weight * (group[0].dimension or 64) * sum(subject.pairs for subject in group)


def _timed(seconds: dict[str, float], stage: Callable[[], Any]) -> Callable[[], Any]:
    """The stage, that notes its seconds under its name."""

    def timed() -> Any:
        began = time.perf_counter()
        try:
            return stage()
        finally:
            seconds[stage.__name__] = time.perf_counter() - began

    return timed
