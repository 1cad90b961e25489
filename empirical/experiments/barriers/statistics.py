"""What many barriers say together: means, medians, and how surely one kind of pair lies above another."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import binom, mannwhitneyu, norm, t, wilcoxon

from empirical.experiments.barriers.measure import CLOSED_END, NO_PARTNER
from percolation import intervals
from percolation.intervals import CONFIDENCE, Interval

REFERENCE_KIND = "natural-natural"  # with what the others are compared
SIGNIFICANT, SUGGESTIVE = 1e-6, 1e-3  # p-values at which kinds are told apart
MOST_ROUNDS = np.inf  # rounds that a pair counts for where no path was found


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row a kind, natural-natural first: losses and gaps of the pairs, rounds, and the comparison with it.

    table: a row a pair, as `measure_barriers` or `published.read` gives; pairs without a partner are only counted.
    auc: the chance that a pair of this kind has a larger gap than a natural-natural one, ties half; p: two-sided
    Mann-Whitney. rounds_auc, rounds_p: the same of the rounds, a pair without a path above all that have one; NaN
    where fewer than half of the pairs could be searched.
    distance_auc: of the distances of the ends, what these alone would tell.
    The pairs of a kind are taken as independent. Pair i of every kind has the same first end, which makes p
    conservative where it makes the gaps alike; paired_p is of Wilcoxon's signed ranks, which takes it into account.
    """
    kinds = sorted(table["kind"].unique(), key=lambda kind: kind != REFERENCE_KIND)  # stable
    usual = table[table["kind"] == REFERENCE_KIND]
    return pd.DataFrame([_row(table[table["kind"] == kind], usual) for kind in kinds])


def verdicts(row: dict[str, Any], usual: dict[str, Any]) -> list[str]:
    """What a row of the summary says of the article's order, in words: higher or not, more rounds or not.

    usual: the row of natural-natural.
    """
    medians = f"median {row['gap_median']:.3g} against {usual['gap_median']:.3g} nats"
    said = [_verdict("barriers", row["auc"], row["p"], "higher", "lower", medians)]
    if np.isfinite(row.get("rounds_auc", np.nan)):
        means = f"mean {row['rounds_mean']:.2f} against {usual['rounds_mean']:.2f}"
        said.append(_verdict("rounds", row["rounds_auc"], row["rounds_p"], "more", "fewer", means))
    return said


def auc(above: np.ndarray, below: np.ndarray) -> Interval:
    """P(above > below) + P(equal) / 2, with an interval that stands at 0 and 1 too.

    V(A) = A (1 - A) [1 + (N - 1) ((1 - A) / (2 - A) + A / (1 + A))] / (m n), N = (m + n) / 2; the limits solve
    |A - value| = z sqrt(V(A)).
    Source: R. G. Newcombe, Statistics in Medicine 25, 559 (2006), method 5.
    """
    m, n = len(above), len(below)
    if not (m and n):
        return Interval(np.nan, np.nan, np.nan)
    value = float(mannwhitneyu(above, below).statistic) / (m * n)
    z = norm.isf((1 - CONFIDENCE) / 2)

    def beyond(a: float) -> float:
        spread = 1 + ((m + n) / 2 - 1) * ((1 - a) / (2 - a) + a / (1 + a))
        return (a - value) ** 2 - z * z * a * (1 - a) * spread / (m * n)

    # at the value itself `beyond` is negative, at 0 and 1 it is not
    low = 0.0 if value == 0 else brentq(beyond, 0, value if value < 1 else 1 - 1e-12)
    high = 1.0 if value == 1 else brentq(beyond, value if value > 0 else 1e-12, 1)
    return Interval(value, float(low), float(high))


def p_value(some: np.ndarray, others: np.ndarray) -> float:
    """Of equal distributions, two-sided Mann-Whitney with ties; NaN where there is nothing to compare."""
    if not (len(some) and len(others)):
        return np.nan
    return float(mannwhitneyu(some, others, alternative="two-sided").pvalue)


def mean(x: np.ndarray) -> Interval:
    """Mean, with Student's interval."""
    if len(x) < 2:
        return Interval(float(x.mean()) if len(x) else np.nan, np.nan, np.nan)
    half = float(t.isf((1 - CONFIDENCE) / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)))
    return Interval(float(x.mean()), float(x.mean()) - half, float(x.mean()) + half)


def median(x: np.ndarray) -> Interval:
    """Median, between two of the ordered values: whatever the distribution, it lies there with at least CONFIDENCE."""
    if not len(x):
        return Interval(np.nan, np.nan, np.nan)
    n, ordered = len(x), np.sort(x)
    k = int(binom.ppf((1 - CONFIDENCE) / 2, n, 0.5))  # of the values may lie below the interval
    if k == 0:  # too few values for an interval that is this sure
        return Interval(float(np.median(x)), np.nan, np.nan)
    return Interval(float(np.median(x)), float(ordered[k - 1]), float(ordered[n - k]))


def _row(of_kind: pd.DataFrame, usual: pd.DataFrame) -> dict[str, Any]:
    made, reference = _made(of_kind), _made(usual)
    row: dict[str, Any] = {
        "kind": of_kind["kind"].iloc[0],
        "pairs": len(of_kind),
        "without_partner": len(of_kind) - len(made),
    }
    for name in ("loss_a", "loss_c", "max_loss"):
        row[f"{name}_median"] = float(np.median(made[name])) if len(made) else np.nan
    gap = made["gap"].to_numpy()
    row |= mean(gap).columns("gap_mean") | median(gap).columns("gap_median")
    row |= {f"gap_q{q}": float(np.quantile(gap, q / 100)) if len(gap) else np.nan for q in (25, 75)}
    row |= {
        "gap_sd": float(gap.std(ddof=1)) if len(gap) > 1 else np.nan,
        "gap_zero": float((gap == 0).mean()) if len(gap) else np.nan,
    }
    row |= _compared("", gap, reference["gap"].to_numpy())
    row["paired_p"] = _paired(made, reference)
    if "rounds" in of_kind:
        row |= _of_rounds(made, reference)
        row["distance_median"] = float(made["distance"].median())
        row["distance_auc"] = auc(made["distance"].to_numpy(), reference["distance"].to_numpy()).value
    return row


def _paired(made: pd.DataFrame, reference: pd.DataFrame) -> float:
    """Wilcoxon's p of the gaps of pairs with the same first end; NaN where that is not known or nothing differs."""
    if "pair" not in made:
        return np.nan
    same = [name for name in ("seed", "class", "pair") if name in made]
    both = made.merge(reference, on=same, suffixes=("", "_usual"))
    difference = (both["gap"] - both["gap_usual"]).to_numpy()
    return float(wilcoxon(difference).pvalue) if difference.any() else np.nan


def _of_rounds(made: pd.DataFrame, reference: pd.DataFrame) -> dict[str, Any]:
    """Rounds and segments of the connected pairs, how many are connected, and the comparison of the rounds."""
    searched = made[made["status"] != CLOSED_END]
    connected = searched[searched["status"] == "connected"]
    n, k = len(searched), len(connected)
    row = {"searched": n} | intervals.exact(k, n).columns("connected")
    row |= mean(connected["rounds"].to_numpy()).columns("rounds_mean")
    row["segments_mean"] = float(connected["segments"].mean())
    usual = _needed(reference[reference["status"] != CLOSED_END])
    enough = 2 * n >= len(made)  # of a kind whose ends are mostly closed the few others stand for nothing
    return row | _compared("rounds_", _needed(searched) if enough else usual[:0], usual)


def _needed(searched: pd.DataFrame) -> np.ndarray:
    return searched["rounds"].where(searched["status"] == "connected", MOST_ROUNDS).to_numpy()


def _made(table: pd.DataFrame) -> pd.DataFrame:
    """The pairs whose partner came to be."""
    return table[table["status"] != NO_PARTNER] if "status" in table else table


def _compared(prefix: str, x: np.ndarray, usual: np.ndarray) -> dict[str, float]:
    return auc(x, usual).columns(f"{prefix}auc") | {f"{prefix}p": p_value(x, usual)}


def _verdict(what: str, auc: float, p: float, higher: str, lower: str, sizes: str) -> str:
    """Told apart at SIGNIFICANT, perhaps (below SUGGESTIVE), or not."""
    p = max(p, 1e-300)  # below, a float has no digits
    numbers = f"p = {p:.1e}, AUC {auc:.3f}, {sizes}"
    if not p < SUGGESTIVE:
        return f"{what} not told apart ({numbers})"
    doubt = "" if p < SIGNIFICANT else f"; p not below {SIGNIFICANT:g}"
    return f"{what} {higher if auc > 0.5 else lower} ({numbers}{doubt})"
