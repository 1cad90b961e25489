"""The adaptive attack under the protocol: each fold's detector is attacked by its own gradient, where it is tested."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from empirical.attacks import Attacked
from empirical.detection import statistics, trials
from empirical.detection.adaptive import Evasion, evade, suspicion
from empirical.detection.classifiers import Linear
from empirical.detection.curve import Curve
from empirical.detection.protocol import Detector
from empirical.detection.trials import Scores, Trained
from empirical.experiments.detect.cases import Prepared
from percolation import seeds

START = "pgd"  # the attack it begins from, on whose inputs the detector was trained
BUDGETS = (1.0, 2.0)  # of epsilon


@dataclass(frozen=True)
class Outcome:
    """What an attack came to on all inputs: scores of those that are misclassified, and the attack's own numbers."""

    scores: Scores
    success: float
    linf: float  # median, units of x
    l2: float
    undetected: float  # share of all inputs that are misclassified and below the threshold for 5 %


def rows(
    prepared: Prepared,
    start: Attacked,
    detectors: dict[str, Detector],
    sources: np.ndarray,
    folds: np.ndarray,
    seed: int,
) -> list[dict[str, Any]]:
    """A row for each loss curve (with logistic regression) and budget; start: PGD on all inputs."""
    seen: list[Curve] = []
    found = []
    for name, detector in detectors.items():
        if not isinstance(detector, Curve) or any(detector.with_logits == one.with_logits for one in seen):
            continue  # the boosted twin has the same features, and trees have no gradient
        seen.append(detector)
        found += [_row(prepared, name, detector, start, sources, folds, budget, seed) for budget in BUDGETS]
    return found


def _row(
    prepared: Prepared,
    name: str,
    detector: Curve,
    start: Attacked,
    sources: np.ndarray,
    folds: np.ndarray,
    budget: float,
    seed: int,
) -> dict[str, Any]:
    won = start.success.cpu().numpy()
    classifiers = trials.trained(
        detector.features(prepared.x[start.success]),
        detector.features(start.points[start.success]),
        sources[won],
        folds[won],
        seed=seeds.of(f"adaptive {prepared.case.data} {name}", seed),
    )
    evaded = _evaded(prepared, detector, start, folds, classifiers, budget * prepared.epsilon)
    before, after = (_outcome(prepared, detector, one, classifiers, sources, folds) for one in (start, evaded))
    head: dict[str, Any] = {
        "data": prepared.case.data,
        "network": prepared.case.network,
        "detector": name,
        "start": START,
    }
    head |= {"budget": budget, "epsilon": budget * prepared.epsilon, "tried": len(won)}
    bootstrap = seeds.of(f"bootstrap of {prepared.case.data} adaptive", seed)
    columns = _columns(before, "before", bootstrap) | _columns(after, "after", bootstrap)
    few = "too few evaded to say more" if len(np.unique(after.scores.sources)) < trials.FEWEST else ""
    return head | columns | {"note": few}


def _evaded(
    prepared: Prepared, detector: Curve, start: Attacked, folds: np.ndarray, fitted: list[Trained], epsilon: float
) -> Attacked:
    """All inputs, each attacked with the gradient of the detector that will be tested on it."""
    parts = {}
    for fold, one in enumerate(fitted):
        rows = torch.as_tensor(np.flatnonzero(folds == fold), device=prepared.x.device)
        parts[fold] = (
            rows,
            evade(
                prepared.known.model,
                suspicion(detector, cast(Linear, one.score)),
                prepared.x[rows],
                prepared.y[rows],
                start.points[rows],
                epsilon=epsilon,
                bounds=prepared.bounds,
                rule=Evasion(prepared.case.evasion),
            ),
        )
    order = torch.cat([rows for rows, _ in parts.values()]).argsort()

    def joined(name: str) -> Tensor:
        return torch.cat([getattr(one, name) for _, one in parts.values()])[order]

    return Attacked(joined("points"), joined("success"), joined("predicted"), joined("distances"), "linf")


def _outcome(
    prepared: Prepared, detector: Curve, one: Attacked, fitted: list[Trained], sources: np.ndarray, folds: np.ndarray
) -> Outcome:
    won = one.success.cpu().numpy()
    natural, fooled = detector.features(prepared.x[one.success]), detector.features(one.points[one.success])
    parts = []
    for fold, classifier in enumerate(fitted):
        rows = folds[won] == fold
        limits = np.broadcast_to(classifier.thresholds, (int(rows.sum()), len(trials.RATES)))
        pair = (classifier.score(natural[rows]), classifier.score(fooled[rows]))
        parts.append(Scores(*pair, sources[won][rows], folds[won][rows], limits))
    scores = trials.joined(parts)
    away = (one.points - prepared.x)[one.success].flatten(1)
    linf, l2 = (away.norm(dim=1, p=p).median().item() if len(away) else np.nan for p in (float("inf"), 2))
    below = (scores.adversarial <= scores.thresholds[:, 1]).sum()
    return Outcome(scores, one.rate, linf, l2, float(below) / len(won))


def _columns(one: Outcome, when: str, bootstrap: seeds.Seed) -> dict[str, Any]:
    columns: dict[str, Any] = {"n": len(one.scores), "success": one.success, "linf": one.linf, "l2": one.l2}
    columns["undetected"] = one.undetected
    if len(one.scores):
        found = {
            "auc": statistics.auc_interval(one.scores, bootstrap),
            "tpr_5": statistics.true_positives(one.scores, 1),
        }
        for name, value in found.items():
            columns |= value.columns(name)
    return {f"{name}_{when}": value for name, value in columns.items()}
