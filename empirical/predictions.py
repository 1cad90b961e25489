"""Theory of rounds beside the path finder: what lines predict, what was measured, and how far the two are apart."""

import math

import numpy as np

from empirical.lines import Lines
from empirical.path_finder import Connection
from percolation.quantities import Estimate
from percolation.theory import rounds

QUANTITIES = ("rounds", "segments", "displacement", "success")
GROUPS = 8  # of lines, left out in turn for the error of what they tell
N_PROFILES = 1000  # of the recursion
_OPEN = {"rounds": 0.0, "segments": 1.0, "success": 1.0}  # where no line leaves the open set


def predict(lines: Lines, level: float, stop: float, *, seed: int) -> dict[str, Estimate]:
    """What theory expects of the path finder, from the statistics of the lines; displacement in units of x.

    Error: of the recursion's own sampling, and of what the lines tell, by leaving out one of 8 groups of them in turn.
    If no line has a closed point there is nothing to cut. Where the statistics cannot be had, because no line crosses
    the level or none comes down to stop, the numbers are NaN and the method says why.
    """
    whole = _predict(lines, level, stop, seed)
    group = np.arange(len(lines.values)) % GROUPS
    left_out = [_predict(lines.select(group != g), level, stop, seed) for g in np.unique(group)]
    return {name: _with_jackknife(whole[name], [one[name].value for one in left_out]) for name in QUANTITIES}


def measured(connections: list[Connection]) -> dict[str, Estimate]:
    """Means over the pairs: of all for success, of the connected ones for rounds and segments, of their first cuts."""
    found = [one for one in connections if one.connected]
    return {
        "rounds": _mean([one.rounds for one in found], "rounds"),
        "segments": _mean([one.path.n_segments for one in found], "segments"),
        "displacement": _mean([one.displacement for one in found if one.displacement >= 0], "displacement"),
        "success": _share(len(found), len(connections)),
    }


def compared(predicted: dict[str, Estimate], measured: dict[str, Estimate]) -> dict[str, float]:
    """Columns predicted_, measured_ (each with _error) and z_ for each of QUANTITIES; NaN where there is nothing."""
    columns: dict[str, float] = {}
    for name in QUANTITIES:
        p, m = predicted[name], measured[name]
        columns |= {f"predicted_{name}": p.value, f"predicted_{name}_error": p.error}
        columns |= {f"measured_{name}": m.value, f"measured_{name}_error": m.error, f"z_{name}": m.z(p)}
    return columns


def _predict(lines: Lines, level: float, stop: float, seed: int) -> dict[str, Estimate]:
    n = len(lines.values)
    if n < 2:
        return _unknown("lines are fewer than two")
    p, p_stop = lines.occupation(level), lines.occupation(stop)
    if p == 1:
        nothing = {name: Estimate(value, 1 / n, f"all of {n} lines are open") for name, value in _OPEN.items()}
        return nothing | {"displacement": Estimate(math.nan, math.nan, "nothing to cut")}
    try:
        xi = lines.correlation_length(level).value
        if p_stop == 0:
            raise ValueError("no point of the lines comes down to stop, so the margin is not known")
        length, d_eff = lines.length() / xi, lines.effective_dimension().value
        found = rounds.predict(p, lines.margin(level, stop), length, d_eff, n_samples=N_PROFILES, seed=seed)
    except ValueError as reason:
        return _unknown(str(reason))
    delta = found.displacement
    in_x = Estimate(xi * delta.value, xi * delta.error, delta.method)
    return {"rounds": found.rounds, "segments": found.segments, "displacement": in_x, "success": found.success}


def _unknown(reason: str) -> dict[str, Estimate]:
    return {name: Estimate(math.nan, math.nan, f"no prediction: {reason}") for name in QUANTITIES}


def _with_jackknife(whole: Estimate, left_out: list[float]) -> Estimate:
    n = len(left_out)
    scatter = math.sqrt((n - 1) * float(np.var(left_out)))
    return Estimate(whole.value, math.hypot(whole.error, scatter), f"{whole.method}; lines left out in turn")


def _mean(values: list[float], name: str) -> Estimate:
    n, method = len(values), f"{name}, mean of {len(values)} pairs"
    if n < 2:
        return Estimate(values[0] if n else math.nan, math.nan, method)
    error = float(np.std(values, ddof=1)) / math.sqrt(n)
    return Estimate(float(np.mean(values)), error or 1 / n, method)  # a sample that does not scatter is not exact


def _share(k: int, n: int) -> Estimate:
    """Share of connected pairs; its error that of a binomial with half a success and half a failure more."""
    if not n:
        return Estimate(math.nan, math.nan, "no pair")
    p = (k + 0.5) / (n + 1)
    return Estimate(k / n, math.sqrt(p * (1 - p) / n), f"{k} of {n} pairs")
