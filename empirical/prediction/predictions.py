"""Theory of rounds beside the path finder: what lines predict, what was measured, and how far the two are apart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from empirical.finder.find import Connection
from empirical.prediction.lines import Lines
from percolation.quantities import Estimate
from percolation.theory import rounds

QUANTITIES = ("rounds", "segments", "displacement", "success")
GROUPS = 8  # of lines, left out in turn for the error of what they tell
N_PROFILES = 1000  # of the recursion
UNEVEN = 0.3  # more of the variance between lines than a stationary field has: they are not samples of one


@dataclass(frozen=True)
class Prediction:
    """What theory expects of each of QUANTITIES, displacement in units of x, and where it stands on thin ground."""

    estimates: dict[str, Estimate]
    scatter: dict[str, float]  # standard deviation of one pair's rounds and segments, by theory
    notes: tuple[str, ...]


def predict(lines: Lines, level: float, stop: float, *, seed: int) -> Prediction:
    """What theory expects of the path finder, from the statistics of the lines.

    Error: of the recursion's own sampling, and of what the lines tell, by leaving out one of 8 groups of them in turn.
    If no line has a closed point there is nothing to cut. Where the statistics cannot be had, because no line crosses
    the level or none comes down to stop, the numbers are NaN and a note says why.
    """
    whole = _predict(lines, level, stop, seed)
    group = np.arange(len(lines.values)) % GROUPS
    left_out = [_predict(lines.select(group != g), level, stop, seed).estimates for g in np.unique(group)]
    estimates = {
        name: _with_jackknife(estimate, [one[name].value for one in left_out])
        for name, estimate in whole.estimates.items()
    }
    return Prediction(estimates, whole.scatter, whole.notes)


def measured(connections: Sequence[Connection], prediction: Prediction) -> dict[str, Estimate]:
    """Means over the pairs: of all for success, of the connected ones for rounds and segments, of their first cuts.

    Error: of the scatter, but not below what theory expects of so many pairs: a few that happen to agree are not exact.
    """
    found = [one for one in connections if one.connected]
    values = {
        "rounds": [float(one.rounds) for one in found],
        "segments": [float(one.path.n_segments) for one in found],
        "displacement": [one.displacement for one in found if one.displacement >= 0],
    }
    means = {name: _mean(some, name, prediction.scatter.get(name, math.nan)) for name, some in values.items()}
    return means | {"success": _share(len(found), len(connections))}


def compared(prediction: Prediction, connections: Sequence[Connection]) -> dict[str, float]:
    """Columns predicted_, measured_ (each with _error) and z_ for each of QUANTITIES; NaN where there is nothing."""
    columns: dict[str, float] = {}
    for name, m in measured(connections, prediction).items():
        p = prediction.estimates[name]
        columns |= {f"predicted_{name}": p.value, f"predicted_{name}_error": p.error}
        columns |= {f"measured_{name}": m.value, f"measured_{name}_error": m.error, f"z_{name}": m.z(p)}
    return columns


def statistics(lines: Lines, level: float, stop: float) -> dict[str, float]:
    """What the lines say: p, their length, xi (in units of x) and L / xi, margin, d_eff; NaN where they say nothing."""
    found = {"occupation": lines.occupation(level), "length": lines.length(), "between_lines": lines.between()}
    unknown = Estimate(math.nan, math.nan, "")
    try:
        xi = lines.correlation_length(level)
    except ValueError:
        xi = unknown
    try:
        d_eff = lines.effective_dimension()
    except ValueError:
        d_eff = unknown
    known = 0 < lines.occupation(stop) and lines.occupation(level) < 1
    margin = lines.margin(level, stop) if known else math.nan
    found |= {"xi": xi.value, "xi_error": xi.error, "length_over_xi": lines.length() / xi.value}
    return found | {"margin": margin, "d_eff": d_eff.value, "d_eff_error": d_eff.error}


def _predict(lines: Lines, level: float, stop: float, seed: int) -> Prediction:
    n = len(lines.values)
    if n < 2:
        return _unknown("lines are fewer than two")
    p, p_stop = lines.occupation(level), lines.occupation(stop)
    if p == 1:
        return _nothing_to_cut(n)
    try:
        xi = lines.correlation_length(level).value
        if p_stop == 0:
            raise ValueError("no point of the lines comes down to stop, so the margin is not known")
        length, d_eff = lines.length() / xi, lines.effective_dimension().value
        found = rounds.predict(p, lines.margin(level, stop), length, d_eff, n_samples=N_PROFILES, seed=seed)
    except ValueError as reason:
        return _unknown(str(reason))
    delta = found.displacement
    estimates = {
        "rounds": found.rounds,
        "segments": found.segments,
        "displacement": Estimate(xi * delta.value, xi * delta.error, delta.method),
        "success": found.success,
    }
    scatter = {name: math.sqrt(N_PROFILES) * estimates[name].error for name in ("rounds", "segments")}
    return Prediction(estimates, scatter, (*found.warnings, *_uneven(lines, length)))


def _nothing_to_cut(n: int) -> Prediction:
    """All lines are open; one line more might not be."""
    method = f"all of {n} lines are open"
    estimates = {name: Estimate(value, 1 / n, method) for name, value in (("rounds", 0.0), ("segments", 1.0))}
    estimates |= {"displacement": Estimate(math.nan, math.nan, method), "success": Estimate(1.0, 1 / n, method)}
    return Prediction(estimates, {}, ())


def _unknown(reason: str) -> Prediction:
    nothing = Estimate(math.nan, math.nan, f"no prediction: {reason}")
    return Prediction({name: nothing for name in QUANTITIES}, {}, (nothing.method,))


def _uneven(lines: Lines, length: float) -> tuple[str, ...]:
    """Whether lines differ more than those of a stationary field of covariance exp(-s^2 / 2) and length L.

    Of the latter's variance 2 / L^2 int (L - s) exp(-s^2 / 2) ds lies between lines.
    """
    area = math.sqrt(math.pi / 2) * math.erf(length / math.sqrt(2))
    due = 2 / length**2 * (length * area + math.expm1(-(length**2) / 2))
    if (share := lines.between()) <= due + UNEVEN:
        return ()
    return (
        f"{share:.0%} of the variance lies between lines, {due:.0%} were due: they are not of one stationary field",
    )


def _with_jackknife(whole: Estimate, left_out: list[float]) -> Estimate:
    n = len(left_out)
    scatter = math.sqrt((n - 1) * float(np.var(left_out)))
    return Estimate(whole.value, math.hypot(whole.error, scatter), f"{whole.method}; lines left out in turn")


def _mean(values: list[float], name: str, expected_scatter: float) -> Estimate:
    n, method = len(values), f"{name}, mean of {len(values)} pairs"
    if not n:
        return Estimate(math.nan, math.nan, method)
    scatter = float(np.std(values, ddof=1)) if n > 1 else math.nan
    return Estimate(float(np.mean(values)), float(np.fmax(scatter, expected_scatter)) / math.sqrt(n), method)


def _share(k: int, n: int) -> Estimate:
    """Share of connected pairs; its error that of a binomial with half a success and half a failure more."""
    if not n:
        return Estimate(math.nan, math.nan, "no pair")
    p = (k + 0.5) / (n + 1)
    return Estimate(k / n, math.sqrt(p * (1 - p) / n), f"{k} of {n} pairs")
