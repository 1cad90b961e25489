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

from empirical import models, predictions
from empirical.descent import Descent, descend
from empirical.landscapes import Drawn, Landscape
from empirical.lines import Lines, along_lines
from empirical.path_finder import Connection, Finder, find_paths
from percolation import checks
from percolation.quantities import Estimate
from percolation.theory import rounds, thresholds

MAX_ROUNDS = 16
ITERATIONS = 200  # steps of a descent
RESTARTS = 2  # of a cut that stands at a local minimum
POINTS_PER_XI, FEWEST_POINTS, MOST_POINTS = 8, 64, 2000  # of the scan of a segment
FEWEST_LINES = 256  # to learn from


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
        predicted = predictions.predict(lines, level, stop, seed=int(predicting.generate_state(1)[0]))
        report(f"{name}: walking {len(to_walk.a)} lines")
        connections = _walk(to_walk, lines, level, stop)
        return _walked(case, lines, (level, stop), predicted, connections, len(to_walk.a))


def table(walked: list[Walked]) -> pd.DataFrame:
    """A row a case, with the columns of `predictions.compared`."""
    return pd.DataFrame([one.row for one in walked])


def pair_table(walked: list[Walked]) -> pd.DataFrame:
    """A row a pair."""
    return pd.DataFrame([pair for one in walked for pair in one.pairs])


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
    n_drawn: int,
) -> Walked:
    row: dict[str, Any] = {**case.landscape.columns, "wanted_occupation": case.occupation}
    row |= _statistics(lines, *levels)
    row |= {"p_c": thresholds.threshold(row["dimension"]).value}
    row |= {"pairs": len(connections), "ends_stalled": n_drawn - len(connections)}
    row |= predictions.compared(predicted, predictions.measured(connections))
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
