"""Linear response of each pair beside what the finder did with the same pair."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from empirical.finder.connections import Connection
from empirical.prediction.responses import Responses

QUANTITIES = ("rounds", "segments", "displacement", "success")
AGREEMENT = ("response_exact", "response_within_one", "response_rank", "response_rank_closed")
OF_A_PAIR = (*QUANTITIES, "expected")
NO_COLUMNS: dict[str, Any] = dict.fromkeys((f"response_{name}" for name in OF_A_PAIR), math.nan) | {"response_note": ""}


def compared(responses: Responses, connections: Sequence[Connection], max_rounds: int) -> dict[str, Any]:
    """Columns of a table: response_ (each with _error) and z_response_ of QUANTITIES, and how single pairs agree.

    Success is the share of pairs for which there is a prediction of at most max_rounds. The others are means over the
    pairs that were connected, and that have a prediction of theirs; displacement over those cut by both. Error: of such
    a mean, from the scatter between pairs. z_: measured less predicted, over the error of that difference: prediction
    and measurement are of the same pairs. NaN where there is nothing to compare.
    response_pairs: how many have a prediction. response_exact, response_within_one: share of the connected ones among
    them whose rounds are predicted exactly, or within 1. response_rank: rank correlation of predicted and measured
    rounds, of the expected ones where these are known; response_rank_closed: over those with a closed line.
    response_expected (with _error, and z_): mean of the expected rounds, over the same pairs as response_rounds.
    """
    predicted, measured = _predicted(responses, max_rounds), _measured(connections)
    both = {name: np.isfinite(predicted[name]) & np.isfinite(measured[name]) for name in QUANTITIES}
    columns: dict[str, Any] = {"response_scale": responses.scale, "response_pairs": int(responses.known.sum())}
    for name in QUANTITIES:
        p, m = predicted[name][both[name]], measured[name][both[name]]
        columns |= _column(name, p, m)
    p, m, expected = (one[both["rounds"]] for one in (predicted["rounds"], measured["rounds"], responses.expected))
    known = np.isfinite(expected)
    columns |= _column("expected", expected[known], m[known])
    closed, order = m > 0, np.where(known, expected, p)
    agreement = (_mean(p == m), _mean(abs(p - m) <= 1), rank(order, m), rank(order[closed], m[closed]))
    return columns | dict(zip(AGREEMENT, agreement, strict=True))


def second_order(responses: Responses) -> dict[str, float]:
    """Columns second_order_success, second_order_success_error: share of pairs all of whose cuts come down to stop."""
    asked = responses.comes_down[np.isfinite(responses.comes_down)]
    error = _error(asked, 1 / len(asked)) if len(asked) else math.nan
    return {"second_order_success": _mean(asked), "second_order_success_error": error}


def pair_columns(responses: Responses, index: int, max_rounds: int) -> dict[str, Any]:
    """Columns of one pair: its prediction, and a note where there is none."""
    predicted = _predicted(responses, max_rounds)
    known = {f"response_{name}": predicted[name][index] for name in QUANTITIES}
    return known | {"response_expected": responses.expected[index], "response_note": responses.notes[index]}


def _predicted(responses: Responses, max_rounds: int) -> dict[str, np.ndarray]:
    """Each of QUANTITIES, (n_pairs,)."""
    success = np.where(responses.known, responses.rounds <= max_rounds, np.nan)
    return {name: getattr(responses, name) for name in QUANTITIES[:3]} | {"success": success}


def _measured(connections: Sequence[Connection]) -> dict[str, np.ndarray]:
    """Each of QUANTITIES, (n_pairs,); NaN of a pair that is not connected, but for success."""
    found = np.array([one.connected for one in connections], dtype=bool)
    values = {
        "rounds": [one.rounds for one in connections],
        "segments": [one.path.n_segments for one in connections],
        "displacement": [one.displacement for one in connections],
    }
    measured = {name: np.where(found, np.array(some, dtype=float), np.nan) for name, some in values.items()}
    return measured | {"success": found.astype(float)}


def _column(name: str, predicted: np.ndarray, measured: np.ndarray) -> dict[str, float]:
    n = len(predicted)
    if not n:
        return {f"response_{name}": math.nan, f"response_{name}_error": math.nan, f"z_response_{name}": math.nan}
    least = (
        0.0 if name == "displacement" else 1 / n
    )  # counts that happen to agree are not exact: one pair more may differ
    difference = measured - predicted
    error, apart = (_error(one, least) for one in (predicted, difference))
    z = difference.mean() / apart if apart else math.nan
    return {
        f"response_{name}": float(predicted.mean()),
        f"response_{name}_error": error,
        f"z_response_{name}": float(z),
    }


def _error(values: np.ndarray, least: float) -> float:
    """Standard error of the mean; NaN of one value."""
    return max(float(values.std(ddof=1)) / math.sqrt(len(values)), least) if len(values) > 1 else math.nan


def rank(predicted: np.ndarray, measured: np.ndarray) -> float:
    """Spearman's rank correlation; NaN where one of the two does not vary."""
    if len(predicted) < 3 or np.ptp(predicted) == 0 or np.ptp(measured) == 0:
        return math.nan
    return float(spearmanr(predicted, measured).statistic)


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else math.nan
