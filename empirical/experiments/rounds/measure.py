"""The experiment on the theory of rounds: predict rounds, segments, displacement and success; then walk, and compare.

A landscape gives lines to learn from and lines to walk on. The first say p, xi, margin and d_eff (`lines`), theory
says what to expect of the path finder (`percolation.theory.rounds`), the finder walks the second, and every number
comes with its error and a z-score. Nothing is fitted to what the finder did.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.special import ndtr

from empirical.descent.rows import Descent, descend
from empirical.descent.steps import STEPPERS
from empirical.experiments.rounds.landscapes import Drawn, GaussianField, Landscape
from empirical.experiments.rounds.network_fields import NetworkField
from empirical.finder.find import Connection, Finder, find_paths
from empirical.losses import objectives
from empirical.losses.objectives import ClassLoss, Objective
from empirical.networks.taken import notes_of
from empirical.prediction import paired, predictions, responses, sphere_grid
from empirical.prediction.lines import PER_XI, Lines, resolved_lines
from empirical.prediction.responses import Responses
from empirical.threads import one_thread
from percolation import checks, intervals
from percolation.theory import rounds, thresholds

MAX_ROUNDS = 16
MOST_LENGTH = 1000  # correlation lengths, of a line
ITERATIONS = 200  # steps of a descent
ADAM_ITERATIONS, ADAM_STEPS_PER_XI = 2000, 16  # of Adam, which takes shorter steps, of equal length along each axis
RESTARTS = 2  # of a cut that stands at a local minimum
POINTS_PER_XI, FEWEST_POINTS = 8, 64  # of the scan of a segment
FEWEST_LINES = 256  # to learn from
MOST_PAIRS = 10_000  # a share is known to 0.5 % by then
MOST_BYTES = 8 * 2**30  # of the fields of a case


@dataclass(frozen=True)
class Case:
    """A landscape, and how many lines of it are walked; occupation and margin set level and stop where it has none."""

    landscape: Landscape
    pairs: int = 60
    occupation: float = 0.5  # of trained networks level and stop are their own
    margin: float = 0.5  # standard deviations of the Gaussian field of the same occupation
    steps: str = "steepest"  # or "adam": which descent is measured; theory speaks of the first

    def __post_init__(self) -> None:
        rounds.level(self.occupation)
        object.__setattr__(self, "pairs", checks.integer("pairs", self.pairs, at_least=2, at_most=MOST_PAIRS))
        object.__setattr__(self, "occupation", float(self.occupation))
        object.__setattr__(self, "margin", checks.positive("margin", self.margin))
        checks.one_of("steps", self.steps, STEPPERS)
        if isinstance(self.landscape, GaussianField):
            _check_size(self.landscape, self.pairs)
        if isinstance(self.landscape, NetworkField):
            _check_weights(self.landscape, self.pairs)


@dataclass(frozen=True)
class Walked:
    """A row of the table, and a row for every pair."""

    row: dict[str, Any]
    pairs: list[dict[str, Any]]
    notes: tuple[str, ...] = ()  # how a network of the user's was taken


def walk(case: Case, *, seed: int, device: str = "cpu") -> Walked:
    """Predict, then measure. On the CPU the bits depend on the case and the seed alone: torch runs on one thread."""
    with one_thread():
        drawing, predicting = np.random.SeedSequence(checks.seed(seed)).spawn(2)
        drawn, there = (
            case.landscape.draw(max(case.pairs, FEWEST_LINES), case.pairs, drawing),
            objectives.device(device),
        )
        to_learn, to_walk = (lines.to(there) for lines in drawn)
        lines = resolved_lines(to_learn.objective, to_learn.a, to_learn.c, lambda lines: _levels(lines, case)[0])
        level, stop = _levels(lines, case)
        predicted = predictions.predict(lines, level, stop, seed=int(predicting.generate_state(1)[0]))
        xi = _longest_step(lines, level)
        finder = _finder(case, to_walk.a[0].numel(), xi, lines.length(), stop, level)
        walkers, lowered = _lowered(to_walk, xi, stop)
        n_points = responses.points_for(lines.length() / xi)
        walking = lowered.objective, lowered.a, lowered.c
        expected = responses.of_finder(*walking, finder, n_points=n_points, curved=True)
        connections = find_paths(*walking, finder) if walkers else []
        row = _columns(case, lines, level, stop) | {"pairs": len(connections)}
        row |= {"ends_stalled": len(to_walk.a) - len(connections)} | predictions.compared(predicted, connections)
        row |= {"steps": case.steps} | paired.compared(expected, connections, finder.max_rounds)
        row |= paired.second_order(expected)
        row |= _on_grid(case.landscape, lowered, level, connections)
        row["note"] = "; ".join((*predicted.notes, *_stalled(row["ends_stalled"], len(to_walk.a))))
        pairs = _pair_rows(row, len(to_walk.a), walkers, connections, expected)
        return Walked(row, pairs, _notes(to_walk.objective))


def _notes(objective: Objective) -> tuple[str, ...]:
    return tuple(notes_of(objective.model)) if isinstance(objective, ClassLoss) else ()


def rounds_table(walked: list[Walked]) -> pd.DataFrame:
    """A row a case, with the columns of `predictions.compared` and `paired.compared`.

    Of networks on the spheres S^2 and S^3 besides connected_grid with its limits, of grid_pairs: those whose ends have
    open vertices beside them; grid_found: how many of the grid_connected the finder found, grid_refuted: of others.
    """
    return pd.DataFrame([one.row for one in walked])


def rounds_pairs(walked: list[Walked]) -> pd.DataFrame:
    """A row a pair."""
    return pd.DataFrame([pair for one in walked for pair in one.pairs])


def _check_size(field: GaussianField, n_pairs: int) -> None:
    """Refuse what would work for hours or run out of memory without a word."""
    if field.length > MOST_LENGTH:
        n_lines = max(n_pairs, FEWEST_LINES)
        raise ValueError(
            f"length must be at most {MOST_LENGTH} correlation lengths, got {field.length:g}: "
            f"it takes {field.length * PER_XI:.3g} points on each of {n_lines} lines; take shorter lines"
        )
    if (n_bytes := n_pairs * field.bytes_per_line) > MOST_BYTES:
        raise ValueError(
            f"{n_pairs} lines in {field.dimension} dimensions take {n_bytes / 2**30:.3g} GiB, each with a field of its "
            f"own, at most {MOST_BYTES / 2**30:.0f} GiB; lower pairs or dim"
        )


def _check_weights(field: NetworkField, n_pairs: int) -> None:
    if (n_bytes := field.bytes_for(n_pairs)) > MOST_BYTES:
        raise ValueError(
            f"{field.n_networks(n_pairs)} networks take {n_bytes / 2**30:.3g} GiB, at most {MOST_BYTES / 2**30:.0f} "
            "GiB are used; give --networks, that pairs share"
        )


def _levels(lines: Lines, case: Case) -> tuple[float, float]:
    """Level and stop of the loss; quantiles of the lines where the landscape does not say."""
    if known := case.landscape.levels(case.occupation, case.margin):
        return known
    below = float(ndtr(rounds.level(case.occupation) - case.margin))
    return lines.quantile(case.occupation), lines.quantile(below)


def _longest_step(lines: Lines, level: float) -> float:
    """xi, or the length of a line if none crosses the level."""
    try:
        return lines.correlation_length(level).value
    except ValueError:
        return lines.length()


def _finder(case: Case, dimension: int, xi: float, length: float, stop: float, level: float) -> Finder:
    """The settings of the walk: segments are scanned at 8 points a xi."""
    if case.steps == "adam":
        lr = xi / (ADAM_STEPS_PER_XI * math.sqrt(dimension))  # of each coordinate
        rule = Descent(lr=lr, iterations=ADAM_ITERATIONS, stop=stop, projected=True, restarts=RESTARTS)
    else:
        rule = Descent(steps="steepest", lr=xi, iterations=ITERATIONS, stop=stop, projected=True, restarts=RESTARTS)
    n_points = max(int(POINTS_PER_XI * length / xi), FEWEST_POINTS)
    return Finder(
        scan="dense",
        level=level,
        descent=rule,
        max_rounds=MAX_ROUNDS,
        coarse=n_points,
        dense=n_points,
        recheck=max(1000, 2 * n_points),
    )


def _lowered(drawn: Drawn, xi: float, stop: float) -> tuple[list[int], Drawn]:
    """Numbers of the lines whose ends come down to stop, by steepest descent, and these lines with these ends."""
    everyone = torch.arange(len(drawn.a), device=drawn.a.device)
    free = Descent(steps="steepest", lr=xi, iterations=ITERATIONS, stop=stop, restarts=RESTARTS)
    a, c = (descend(drawn.objective, end, everyone, free) for end in (drawn.a, drawn.c))
    walkers = (a.reached & c.reached).nonzero().squeeze(1)
    return walkers.tolist(), Drawn(drawn.select(walkers).objective, a.points[walkers], c.points[walkers])


def _columns(case: Case, lines: Lines, level: float, stop: float) -> dict[str, Any]:
    """What the landscape is, and what its lines say."""
    columns = case.landscape.columns
    wanted = case.occupation if columns["training"] != "trained" else math.nan
    p_c = thresholds.hypercubic(columns["dimension"]).value
    found = {**columns, "wanted_occupation": wanted, "level": level, "stop": stop}
    if isinstance(case.landscape, NetworkField):
        found |= case.landscape.expected()
    return found | predictions.statistics(lines, level, stop) | {"p_c": p_c}


def _on_grid(landscape: Landscape, lowered: Drawn, level: float, connections: Sequence[Connection]) -> dict[str, float]:
    """Share of the pairs that are connected exactly, on a grid of the sphere, and what the finder found of them.

    In d = 3, and in d = 4 where xi is long enough for a grid.
    """
    if not (isinstance(landscape, NetworkField) and landscape.sphere and landscape.dimension in sphere_grid.DIMENSIONS):
        return {}
    xi = landscape.expected()["xi_theory"]
    if landscape.dimension > 3 and sphere_grid.n_vertices(xi, landscape.dimension) > sphere_grid.MOST:
        return {}
    joined = sphere_grid.connected(lowered.objective, lowered.a, lowered.c, level, xi)
    found = np.array([one.connected for one in connections], dtype=bool)
    counts = {"grid_pairs": int(np.isfinite(joined).sum()), "grid_found": int(found[joined == 1].sum())}
    counts |= {"grid_connected": int((joined == 1).sum()), "grid_refuted": int(found[joined == 0].sum())}
    return intervals.exact(counts["grid_connected"], counts["grid_pairs"]).columns("connected_grid") | counts


def _stalled(n: int, n_lines: int) -> tuple[str, ...]:
    if not n:
        return ()
    return (f"{n} of {n_lines} pairs have an end that cannot be lowered to stop: success is that of the others",)


def _pair_rows(
    row: dict[str, Any], n_lines: int, walkers: Sequence[int], connections: Sequence[Connection], expected: Responses
) -> list[dict[str, Any]]:
    """A row for every line drawn, walked or not."""
    shared = {key: row[key] for key in ("field", "data", "dimension", "depth", "occupation")}
    rows = [shared | {"index": i} | NOT_WALKED | paired.NO_COLUMNS for i in range(n_lines)]
    for place, (i, connection) in enumerate(zip(walkers, connections, strict=True)):
        rows[i] |= _pair_row(connection) | paired.pair_columns(expected, place, MAX_ROUNDS)
    return rows


def _pair_row(connection: Connection) -> dict[str, Any]:
    return {
        "status": connection.status,
        "rounds": connection.rounds,
        "segments": connection.path.n_segments,
        "barrier": connection.barrier,
        "displacement": connection.displacement,
        "excess_length": connection.path.excess_length,
    }


NOT_WALKED = {"status": "end stalled"} | dict.fromkeys(
    ("rounds", "segments", "barrier", "displacement", "excess_length"), math.nan
)
