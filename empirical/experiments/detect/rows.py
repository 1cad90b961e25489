"""Scores as rows of a table, and who wins."""

from typing import Any

from empirical.attacks import Attacked
from empirical.detection import methods, statistics
from empirical.detection.trials import RATES, Scores
from empirical.experiments.detect.cases import Prepared
from percolation import seeds
from percolation.intervals import Interval

_PERCENT = [round(100 * rate) for rate in RATES]
_RATES = [f"{kind}_{percent}{end}" for percent in _PERCENT for kind in ("tpr", "fpr") for end in ("", "_low", "_high")]
COLUMNS = [
    *("data", "network", "attack", "norm", "epsilon", "tried", "n", "success", "median_distance"),
    *("detector", "label", "classifier", "baseline", "auc", "auc_low", "auc_high", *_RATES),
    *("best_baseline", "lead", "lead_low", "lead_high", "verdict", "note"),
]
ADAPTIVE_COLUMNS = [
    *("data", "network", "detector", "start", "budget", "epsilon", "tried"),
    *(
        f"{name}_{when}"
        for name in ("n", "success", "linf", "l2", "auc", "auc_low", "auc_high", "tpr_5", "tpr_5_low", "tpr_5_high")
        for when in ("before", "after")
    ),
    *("undetected_before", "undetected_after", "note"),
]


def empty(prepared: Prepared, attack: str, one: Attacked | None, plan: Any, note: str) -> list[dict[str, Any]]:
    """A row for each detector that says why there is nothing to say."""
    return [_head(prepared, attack, one) | _method(name, plan) | {"note": note} for name in plan.detectors]


def of_scores(
    prepared: Prepared, attack: str, one: Attacked, plan: Any, scores: dict[str, Scores], seed: int
) -> list[dict[str, Any]]:
    """A row for each detector. All AUCs of an attack are compared on the same bootstrap samples."""
    head = _head(prepared, attack, one)
    bootstrap = seeds.of(f"bootstrap of {prepared.case.data} {attack}", seed)
    best = _best_baseline(scores)
    found = []
    for name, of in scores.items():
        row = head | _method(name, plan) | statistics.auc_interval(of, bootstrap).columns("auc")
        for number, percent in enumerate(_PERCENT):
            row |= statistics.true_positives(of, number).columns(f"tpr_{percent}")
            row |= statistics.false_positives(of, number).columns(f"fpr_{percent}")
        if best is not None and not methods.METHODS[name].baseline:
            lead = statistics.difference(of, scores[best], bootstrap)
            row |= {"best_baseline": best, "verdict": verdict(lead, best)} | lead.columns("lead")
        found.append(row | {"note": ""})
    return found


def verdict(lead: Interval, best: str) -> str:
    """Who wins, by the interval of the lead in AUC over the best baseline."""
    if lead.low > 0:
        return "loss curve wins"
    return f"{methods.METHODS[best].label} wins" if lead.high < 0 else f"level with {methods.METHODS[best].label}"


def _best_baseline(scores: dict[str, Scores]) -> str | None:
    """The baseline of the largest AUC; choosing it after the fact favours the baselines."""
    known = [name for name in scores if methods.METHODS[name].baseline]
    return max(known, key=lambda name: statistics.auc(scores[name]), default=None)


def _head(prepared: Prepared, attack: str, one: Attacked | None) -> dict[str, Any]:
    case = prepared.case
    head: dict[str, Any] = {"data": case.data, "network": case.network, "attack": attack, "tried": len(prepared.x)}
    if one is None:
        return head | {"n": 0}
    won = one.distances[one.success]
    distance = {"median_distance": won.median().item()} if len(won) else {}
    limited = {"epsilon": prepared.epsilon} if one.norm == "linf" else {}
    return head | limited | {"norm": one.norm, "n": len(won), "success": one.rate} | distance


def _method(name: str, plan: Any) -> dict[str, Any]:
    one = methods.METHODS[name]
    return {
        "detector": name,
        "label": one.label,
        "classifier": one.classifier or plan.classifier,
        "baseline": one.baseline,
    }
