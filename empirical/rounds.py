"""The experiment on the theory of rounds: predict rounds, segments, displacement and success; then walk, and compare.

A landscape gives lines to learn from and lines to walk on. The first say p, xi, margin and d_eff (`lines`), theory
says what to expect of the path finder (`percolation.theory.rounds`), the finder walks the second, and every number
comes with its error and a z-score. Nothing is fitted to what the finder did.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.special import ndtr

from empirical import models
from empirical.descent import Descent, descend
from empirical.landscapes import Drawn, Landscape
from empirical.lines import Lines, along_lines
from empirical.path_finder import Connection, Finder, find_paths
from percolation import checks
from percolation.quantities import Estimate
from percolation.theory import rounds, thresholds

QUANTITIES = ("rounds", "segments", "displacement", "success")
MAX_ROUNDS = 16
ITERATIONS = 200  # steps of a descent
RESTARTS = 2  # of a cut that stands at a local minimum
POINTS_PER_XI, FEWEST_POINTS, MOST_POINTS = 8, 64, 2000  # of the scan of a segment
FEWEST_LINES = 256  # to learn from
GROUPS = 8  # of lines, left out in turn for the error of what they tell
N_PROFILES = 1000  # of the recursion


@dataclass(frozen=True)
class Case:
    """A landscape, and how many lines of it are walked; occupation and margin set level and stop where it has none."""

    landscape: Landscape
    pairs: int = 60
    occupation: float = 0.5
    margin: float = 0.5  # standard deviations of the Gaussian field of the same occupation

    def __post_init__(self) -> None:
        checks.integer("pairs", self.pairs, at_least=2)
        checks.positive("margin", self.margin)
        rounds.level(self.occupation)


@dataclass(frozen=True)
class Walked:
    """A row of the table, and a row for every pair."""

    row: dict[str, Any]
    pairs: list[dict[str, Any]]


def walk(case: Case, *, seed: int, report: Callable[[str], None] = lambda stage: None) -> Walked:
    """Predict, then measure. On the CPU the bits depend on the case and the seed alone: torch runs on one thread."""
    name = _name(case.landscape)
    with models.one_thread():
        drawing, predicting = np.random.SeedSequence(checks.seed(seed)).spawn(2)
        report(f"{name}: drawing lines")
        to_learn, to_walk = case.landscape.draw(max(case.pairs, FEWEST_LINES), case.pairs, drawing)
        report(f"{name}: statistics of {len(to_learn.a)} lines")
        lines = along_lines(to_learn.objective, to_learn.a, to_learn.c)
        level, stop = case.landscape.levels(case.occupation, case.margin) or _levels(lines, case)
        predicted = predict(lines, level, stop, seed=int(predicting.generate_state(1)[0]))
        report(f"{name}: walking {len(to_walk.a)} lines")
        connections = _walk(to_walk, lines, level, stop)
        return _walked(case, lines, (level, stop), predicted, connections)


def table(walked: list[Walked]) -> pd.DataFrame:
    """A row a case, with predicted_, measured_ (and _error) and z_ for each of QUANTITIES."""
    return pd.DataFrame([one.row for one in walked])


def pair_table(walked: list[Walked]) -> pd.DataFrame:
    """A row a pair."""
    return pd.DataFrame([pair for one in walked for pair in one.pairs])


def predict(lines: Lines, level: float, stop: float, *, seed: int) -> dict[str, Estimate]:
    """What theory expects of the path finder, from the statistics of the lines; displacement in units of x.

    Error: of the recursion's own sampling, and of what the lines tell, by leaving out one of 8 groups of them in turn.
    A line without a closed point has nothing to cut. Where the statistics cannot be
    had, because no line crosses the level or none comes down to stop, the numbers are NaN and the method says why.
    """
    whole = _predict(lines, level, stop, seed)
    group = np.arange(len(lines.values)) % GROUPS
    left_out = [_predict(lines.select(group != g), level, stop, seed) for g in range(GROUPS)]
    return {name: _with_jackknife(whole[name], [one[name].value for one in left_out]) for name in QUANTITIES}


def _predict(lines: Lines, level: float, stop: float, seed: int) -> dict[str, Estimate]:
    p, p_stop = lines.occupation(level), lines.occupation(stop)
    if p == 1:
        n = len(lines.values)
        nothing = {name: Estimate(value, 1 / n, f"all of {n} lines are open") for name, value in _OPEN.items()}
        return nothing | {"displacement": Estimate(math.nan, math.nan, "nothing to cut")}
    try:
        xi = lines.correlation_length(level).value
        margin = lines.margin(level, stop) if p_stop > 0 else math.nan
        found = rounds.predict(
            p, margin, lines.length() / xi, lines.effective_dimension().value, n_samples=N_PROFILES, seed=seed
        )
    except ValueError as reason:
        return {name: Estimate(math.nan, math.nan, f"no prediction: {reason}") for name in QUANTITIES}
    delta = found.displacement
    in_x = Estimate(xi * delta.value, xi * delta.error, delta.method)
    return {"rounds": found.rounds, "segments": found.segments, "displacement": in_x, "success": found.success}


_OPEN = {"rounds": 0.0, "segments": 1.0, "success": 1.0}


def _with_jackknife(whole: Estimate, left_out: list[float]) -> Estimate:
    n = len(left_out)
    scatter = math.sqrt((n - 1) * float(np.var(left_out)))
    return Estimate(whole.value, math.hypot(whole.error, scatter), f"{whole.method}; lines left out in turn")


def _levels(lines: Lines, case: Case) -> tuple[float, float]:
    """Level and stop of the wanted occupation and margin, as quantiles of the lines."""
    below = float(ndtr(rounds.level(case.occupation) - case.margin))
    return lines.quantile(case.occupation), lines.quantile(below)


def _walk(drawn: Drawn, lines: Lines, level: float, stop: float) -> list[Connection]:
    """What the finder makes of the lines whose ends come down to stop; steps as long as xi at most."""
    try:
        xi = lines.correlation_length(level).value
    except ValueError:  # no line crosses the level
        xi = lines.length()
    rule = Descent(steps="steepest", lr=xi, iterations=ITERATIONS, stop=stop, projected=True, restarts=RESTARTS)
    n_points = int(np.clip(POINTS_PER_XI * lines.length() / xi, FEWEST_POINTS, MOST_POINTS))
    finder = Finder(level, rule, MAX_ROUNDS, coarse=n_points, dense=n_points, recheck=max(1000, 2 * n_points))
    everyone = torch.arange(len(drawn.a), device=drawn.a.device)
    free = Descent(steps="steepest", lr=xi, iterations=ITERATIONS, stop=stop, restarts=RESTARTS)
    a, c = (descend(drawn.objective, end, everyone, free) for end in (drawn.a, drawn.c))
    walkers = (a.reached & c.reached).nonzero().squeeze(1)
    if not len(walkers):
        return []
    return find_paths(drawn.select(walkers).objective, a.points[walkers], c.points[walkers], finder)


def _walked(
    case: Case,
    lines: Lines,
    levels: tuple[float, float],
    predicted: dict[str, Estimate],
    connections: list[Connection],
) -> Walked:
    measured = _measure(connections)
    row: dict[str, Any] = (
        dict(case.landscape.columns) | {"wanted_occupation": case.occupation} | _statistics(lines, *levels)
    )
    row |= {"p_c": thresholds.threshold(row["dimension"]).value}
    row |= {"pairs": len(connections), "ends_stalled": case.pairs - len(connections)}
    for name in QUANTITIES:
        p, m = predicted[name], measured[name]
        row |= {f"predicted_{name}": p.value, f"predicted_{name}_error": p.error}
        row |= {f"measured_{name}": m.value, f"measured_{name}_error": m.error, f"z_{name}": m.z(p)}
    row["note"] = predicted["rounds"].method if math.isnan(predicted["rounds"].value) else ""
    of_pair = {key: row[key] for key in ("field", "data", "dimension", "depth", "occupation")}
    return Walked(row, [of_pair | _pair_row(i, one) for i, one in enumerate(connections)])


def _statistics(lines: Lines, level: float, stop: float) -> dict[str, float]:
    """What was learnt from the lines; xi in units of x."""
    p, dimension = lines.occupation(level), lines.effective_dimension()
    found = {"level": level, "stop": stop, "occupation": p, "length": lines.length()}
    try:
        xi = lines.correlation_length(level)
        found |= {"xi": xi.value, "xi_error": xi.error, "length_over_xi": lines.length() / xi.value}
    except ValueError:
        found |= {"xi": math.nan, "xi_error": math.nan, "length_over_xi": math.nan}
    margin = lines.margin(level, stop) if 0 < lines.occupation(stop) and p < 1 else math.nan
    found |= {"margin": margin, "d_eff": dimension.value, "d_eff_error": dimension.error}
    return found


def _measure(connections: list[Connection]) -> dict[str, Estimate]:
    """Means over the pairs: of all for success, of the connected ones for rounds and segments, of their first cuts."""
    found = [one for one in connections if one.connected]
    return {
        "rounds": _mean([one.rounds for one in found], "rounds"),
        "segments": _mean([one.path.n_segments for one in found], "segments"),
        "displacement": _mean([one.displacement for one in found if one.displacement >= 0], "displacement"),
        "success": _share(len(found), len(connections)),
    }


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


def _pair_row(index: int, connection: Connection) -> dict[str, Any]:
    return {
        "index": index,
        "status": connection.status,
        "rounds": connection.rounds,
        "segments": connection.path.n_segments,
        "barrier": connection.barrier,
        "displacement": connection.displacement,
        "excess_length": connection.path.excess_length,
    }


def _name(landscape: Landscape) -> str:
    columns = landscape.columns
    return f"{columns['field']} d = {columns['dimension']}"
