"""Detectors x attacks under one protocol; a task is one attack on one network, against all detectors."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np
import pandas as pd
import torch

from empirical import attacks
from empirical.attacks import Attacked
from empirical.detection import methods, statistics, trials
from empirical.detection.protocol import Detector
from empirical.detection.trials import Scores
from empirical.experiments.detect import adaptive_trial, cases, rows
from empirical.experiments.detect.cases import Case, Prepared
from empirical.networks.taken import notes_of
from empirical.threads import one_thread
from percolation import checks, runs, seeds

DEFAULT_ATTACKS = tuple(name for name, one in attacks.ATTACKS.items() if one.extra != "autoattack")
MOST_REFERENCES = 1000  # of a class; each is a descent, and a line to every input


@dataclass(frozen=True)
class Plan:
    """What is tried: cases, attacks and detectors by name, and how the detectors are made."""

    cases: tuple[Case, ...]
    attacks: tuple[str, ...]
    detectors: tuple[str, ...]
    references: int = 1  # of a loss curve
    classifier: str = "logistic"
    adaptive: bool = True  # attack the loss curve adaptively as well, from where PGD ends

    def __post_init__(self) -> None:
        for name in self.attacks:
            attacks.find(name)
        for name in self.detectors:
            methods.find(name)
        if not (self.cases and self.attacks and self.detectors):
            raise ValueError("a benchmark needs at least one case, one attack and one detector")
        checks.integer("references", self.references, at_least=1, at_most=MOST_REFERENCES)
        checks.one_of("classifier", self.classifier, trials.classifiers.NAMES)


@dataclass(frozen=True)
class AttackResult:
    """What came of one attack on one network."""

    rows: list[dict[str, Any]]  # of each detector
    adaptive: list[dict[str, Any]]
    scores: dict[str, Scores]  # by detector
    case: Case
    attack: str
    notes: tuple[str, ...] = ()  # how a network of the user's was taken


def run(plan: Plan, *, seed: int, workers: int = 1, device: str = "cpu") -> list[AttackResult]:
    """All attacks on all networks; the numbers depend on neither the others nor the workers."""
    checks.seed(seed)
    for case in plan.cases:  # trained once, here, and read from the cache by the tasks
        with one_thread():
            cases.prepare(case, seed=seed, device=device)
    items = [(case, attack) for case in plan.cases for attack in plan.attacks]
    several = workers != 1 and len(items) > 1 and device == "cpu"
    task = partial(_task, plan=plan, seed=seed, device=device)
    cost = {"pgd": 3.0, "cw": 2.0}
    return runs.run(
        task,
        items,
        workers=workers if several else 1,
        processes=several,
        cost=lambda item: cost.get(item[1], 1.0),
        label="detect",
    )


def table(tried: Sequence[AttackResult]) -> pd.DataFrame:
    """A row a detector x attack x network."""
    return pd.DataFrame([row for one in tried for row in one.rows], columns=rows.COLUMNS)


def adaptive_table(tried: Sequence[AttackResult]) -> pd.DataFrame:
    """A row a loss-curve detector x budget x network: detection before and after, and what it costs."""
    return pd.DataFrame([row for one in tried for row in one.adaptive], columns=rows.ADAPTIVE_COLUMNS)


def score_table(tried: Sequence[AttackResult]) -> pd.DataFrame:
    """A row a tested input x detector x attack x network, so that all else can be computed again."""
    parts = []
    for one in tried:
        labels = {"data": one.case.data, "network": one.case.network, "attack": one.attack}
        for detector, scores in one.scores.items():
            parts += [_score_rows(labels | {"detector": detector}, scores, kind) for kind in ("natural", "adversarial")]
    names = ["data", "network", "attack", "detector", "kind", "source", "fold", "score", "threshold_1", "threshold_5"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)


def roc_table(tried: Sequence[AttackResult]) -> pd.DataFrame:
    """A row a point of the ROC curve of each detector x attack x network."""
    parts = []
    for one in tried:
        labels = {"data": one.case.data, "network": one.case.network, "attack": one.attack}
        for detector, scores in one.scores.items():
            false, true = statistics.roc(scores)
            points = {"false_positive_rate": false, "true_positive_rate": true}
            parts.append(pd.DataFrame(labels | {"detector": detector} | points))
    names = ["data", "network", "attack", "detector", "false_positive_rate", "true_positive_rate"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)


def libraries() -> dict[str, str]:
    """Versions of what attacks and classifiers come from."""
    installed = {}
    for name in ("foolbox", "adversarial-robustness-toolbox", "scikit-learn"):
        with suppress(metadata.PackageNotFoundError):
            installed[name] = metadata.version(name)
    return installed


def parameters(plan: Plan) -> dict[str, Any]:
    """Everything that determines the numbers but the seed."""
    settings = {name: getattr(trials, name) for name in ("N_FOLDS", "FEWEST", "RATES")}
    return {"plan": asdict(plan), "bootstrap_samples": statistics.N_SAMPLES} | settings


def _task(item: tuple[Case, str], *, plan: Plan, seed: int, device: str) -> AttackResult:
    case, attack = item
    with one_thread():  # of torch; classifiers see to themselves
        prepared = cases.prepare(case, seed=seed, device=device)
        found = attempt(prepared, attack, plan, seed=seed)
        return replace(found, notes=tuple(notes_of(prepared.known.model)))


def attempt(prepared: Prepared, attack: str, plan: Plan, *, seed: int) -> AttackResult:
    """One attack on one network, against all detectors of the plan."""
    case = prepared.case
    if not len(prepared.x):
        note = f"the network takes none of {prepared.tried} test inputs for what it is"
        return AttackResult(rows.empty(prepared, attack, None, plan, note), [], {}, case, attack)
    one = attacked(prepared, attack, seed)
    won = one.success.cpu().numpy()
    sources = trials.sources_of(prepared.x.cpu().numpy())
    if (n := len(np.unique(sources[won]))) < trials.FEWEST:
        note = f"{n} of {len(won)} attacks succeeded, a trial needs {trials.FEWEST}"
        return AttackResult(rows.empty(prepared, attack, one, plan, note), [], {}, case, attack)
    folds = trials.folds_of(sources, seeds.of(f"folds of {case.data}", seed))
    detectors = made(prepared, plan, seed)
    scores = {}
    for name, detector in detectors.items():
        natural, fooled = detector.features(prepared.x[one.success]), detector.features(one.points[one.success])
        classifier = methods.find(name).classifier or plan.classifier
        of = seeds.of(f"classifier of {case.data} {attack} {name}", seed)
        scores[name] = trials.run(natural, fooled, sources[won], folds[won], classifier=classifier, seed=of)
    found = rows.of_scores(prepared, attack, one, plan, scores, seed)
    evaded = (
        adaptive_trial.rows(prepared, one, detectors, sources, folds, seed)
        if starts_adaptive_attack(plan, attack)
        else []
    )
    return AttackResult(found, evaded, scores, case, attack)


def attacked(prepared: Prepared, attack: str, seed: int) -> Attacked:
    """The attack on all inputs, from a generator of its own."""
    number = seeds.integer(seeds.of(f"attack {prepared.case.data} {attack}", seed))
    return attacks.attack(
        attack,
        prepared.known.model,
        prepared.x,
        prepared.y,
        epsilon=prepared.epsilon if attacks.ATTACKS[attack].needs_epsilon else None,
        bounds=prepared.bounds,
        generator=torch.Generator().manual_seed(number),
        **prepared.options(attack),
    )


def made(prepared: Prepared, plan: Plan, seed: int) -> dict[str, Detector]:
    """The detectors of the plan; all loss curves have the same references."""
    number = seeds.integer(seeds.of(f"detectors of {prepared.case.data}", seed))
    return {
        name: methods.find(name, references=plan.references).make(prepared.known, torch.Generator().manual_seed(number))
        for name in plan.detectors
    }


def starts_adaptive_attack(plan: Plan, attack: str) -> bool:
    """Whether the adaptive attack begins where this one ends."""
    return plan.adaptive and attack == adaptive_trial.START


def _score_rows(labels: dict[str, Any], scores: Scores, kind: str) -> pd.DataFrame:
    values = {"kind": kind, "source": scores.sources, "fold": scores.folds, "score": getattr(scores, kind)}
    limits = {"threshold_1": scores.thresholds[:, 0], "threshold_5": scores.thresholds[:, 1]}
    return pd.DataFrame(labels | values | limits)
