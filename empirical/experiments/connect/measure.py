"""The comparison: does percolation say when a network's low-loss inputs are connected?

`measure` takes one network and a source of inputs, draws pairs of low-loss inputs, looks for paths between them, counts
the open cells on slices through them, and sets the result beside the threshold that iid percolation has in that
dimension. A result depends on these, the finder and the seed alone.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from empirical.ends.pairs import Pairs, draw
from empirical.ends.sources import Source
from empirical.ends.space import Space
from empirical.ends.subject import Subject, build
from empirical.ends.wanted import Wanted
from empirical.finder.connections import Cost
from empirical.finder.find import PRESETS, Connection, Connections, Finder, find_paths, straight_is_open
from empirical.finder.paths import profile
from empirical.losses import objectives
from empirical.losses.objectives import ClassLoss, Objective
from empirical.networks.sphere import OnSphere, projected
from empirical.networks.taken import notes_of
from empirical.prediction import paired, plans, predictions, responses
from empirical.prediction.cells import occupation
from empirical.prediction.lines import resolved_lines
from empirical.prediction.verdicts import verdict
from empirical.threads import one_thread, threads_for
from percolation import checks, intervals, seeds
from percolation.quantities import Estimate
from percolation.theory import thresholds

# what `predictions.statistics` tells, and the prediction, where theory is not asked
STATISTICS = (
    *("occupation", "length", "between_lines", "xi", "xi_error", "length_over_xi"),
    *("margin", "d_eff", "d_eff_error"),
)
NOT_ASKED = predictions.Prediction(
    dict.fromkeys(predictions.QUANTITIES, Estimate(math.nan, math.nan, "not asked")), {}, ("theory was not asked",)
)
PLANS = ("none", "response")
SCALES = (1.0, 1.25, 1.5, 2.0, 3.0)  # of the radial baseline


@dataclass(frozen=True)
class Measured:
    """What was measured on one network and kind of pairs: its row of the table, every pair, and one path to draw."""

    about: dict[str, Any]  # network, training, ...: what tells it from others
    row: dict[str, Any]
    pairs: list[dict[str, Any]]
    counts: dict[str, float]  # how the points were come by: tried, low, ...
    example: list[tuple[np.ndarray, np.ndarray]]  # after each round: share of the path, loss in nats
    cost: Cost  # of the search for paths
    notes: list[str] = field(default_factory=list)  # how network, weights and inputs were taken, a line each


def measure(
    model: nn.Module,
    source: Source | None,
    space: Space,
    wanted: Wanted,
    *,
    seed: int,
    finder: Finder = PRESETS["default"],
    about: Mapping[str, Any] | None = None,
    report: Callable[[str], None] = lambda stage: None,
    theory: bool = True,
    plan: str = "none",
    refuse: Callable[[Objective], None] | None = None,
    examine: Callable[[Objective, Connections], None] | None = None,
) -> Measured:
    """Draw pairs of a network's inputs, connect them, and set the result beside iid percolation.

    model: any module in evaluation mode, points (n, *shape) -> logits (n, classes); behind `Normalised` where its
    points shall be pictures in [0, 1]; of one that is `OnSphere` the ends lie on the sphere. source: of natural inputs,
    `sources.of_tensors(x, labels)`; None will do for class-optimal pairs. space: `space_of(model, shape)`.
    finder: its steps are meant for inputs of variance 1; points that are pictures in [0, 1], behind a normalisation,
    are moved by as much less, and within these bounds.
    about: what tells it from others and, with the seed, determines what is drawn; the table shows its `network` and
    `training`. None: the name of the model's class, trained, and what is wanted.

    The theory of the finder is asked before it runs, on the straight lines of the same pairs, so that prediction and
    result are not quite independent; it speaks of steepest descents, the default finder takes Adam's steps.
    report: told of every stage as it begins. theory: ask the theories too and take the radial baseline, about 3,000
    evaluations a pair; without, their columns are NaN and the verdict is 'not asked'.
    plan: "response" puts in, before the first scan, what linear response says (`prediction.plans`); the theories of the
    finder, which speak of searches from the straight line, are then not asked.
    refuse, examine: called with the objective before the search, and with it and the paths, which are not kept, after.
    On the CPU the bits depend on the other arguments alone: torch runs on one thread. Only inputs of more than WIDE
    numbers, where a core takes minutes a pair, get all of torch's threads; their last bits depend on how many.
    """
    checks.seed(seed)
    checks.one_of("plan", plan, PLANS)
    for name, loss in (("level", finder.level), ("stop", finder.descent.stop)):
        checks.positive(name, loss)  # a cross-entropy is
    if about is None:
        about = {"network": type(model).__name__, "training": "trained"} | asdict(wanted)
    name = f"{about['training']} {about['network']}"
    with threads_for(space.shape):
        drawing, slicing, predicting = _streams(about, seed)
        report(f"{name}: drawing {wanted.kind} pairs")
        drawn = draw(model, source, space, wanted, stop=finder.descent.stop, generator=drawing, name=name)
        if isinstance(model, OnSphere):
            drawn = replace(drawn, a=projected(drawn.a), c=projected(drawn.c))
        a, c, objective = drawn.a, drawn.c, ClassLoss(drawn.model, drawn.labels)
        if refuse is not None:
            refuse(objective)
        finder = replace(finder, descent=drawn.space.rule(finder.descent))
        level, stop = finder.level, finder.descent.stop
        of_finder = theory and plan == "none"
        predicted, statistics = NOT_ASKED, dict.fromkeys(STATISTICS, math.nan)
        expected = responses.unknown(len(a), "theory was not asked")
        if of_finder:
            report(f"statistics of {len(a)} straight lines")
            lines = resolved_lines(objective, a, c, lambda lines: level)
            predicted = predictions.predict(lines, level, stop, seed=predicting.initial_seed())
            statistics = predictions.statistics(lines, level, stop)
            report(f"linear response of {len(a)} straight lines")
            n_points = responses.points_for(statistics["length_over_xi"])
            expected = responses.of_finder(objective, a, c, finder, n_points=n_points)
        connections = _found(objective, a, c, finder, plan, report)
        if examine is not None:
            report("certificates and quality")
            examine(objective, connections)
        p, radial = math.nan, torch.full((len(a),), math.nan)
        if theory:
            report("occupation of the slices, radial baseline")
            p = occupation(objective, a, c, finder.level, generator=slicing).mean().item()
            radial = _radial_baseline(objective, a, c, finder)
        row = _row(about, wanted.kind, drawn, connections, p, radial)
        row |= {f"lines_{name}": value for name, value in statistics.items()}
        row |= predictions.compared(predicted, connections) | {"note": "; ".join(predicted.notes)}
        row |= paired.compared(expected, connections, finder.max_rounds)
        pairs = [_pair_row(row, i, connection, radial) for i, connection in enumerate(connections)]
        for i, pair in enumerate(pairs):
            pair |= paired.pair_columns(expected, i, finder.max_rounds)
        notes = notes_of(drawn.model) + (list(source.notes) if source is not None else [])
        example = _example(objective, connections)
        return Measured(dict(about), row, pairs, drawn.counts, example, connections.cost, notes)


def _found(
    objective: Objective, a: Tensor, c: Tensor, finder: Finder, plan: str, report: Callable[[str], None]
) -> Connections:
    """Paths, planned or not; the plan's cost is in theirs."""
    if plan == "none":
        return find_paths(objective, a, c, finder, report=lambda progress: report(str(progress)))
    report(f"plans of {len(a)} paths")
    made = plans.planned(objective, a, c, finder)
    found = find_paths(objective, a, c, finder, planned=made.vertices, report=lambda progress: report(str(progress)))
    return replace(found, cost=made.cost + found.cost)


def measure_subject(
    subject: Subject,
    *,
    seed: int,
    finder: Finder = PRESETS["default"],
    device: str = "cpu",
    report: Callable[[str], None] = lambda stage: None,
    **options: Any,
) -> Measured:
    """`measure` of a network, its data and its pairs by their names; options: theory, plan, refuse and examine."""
    objectives.device(device)
    report(f"{subject.training} {subject.network}")
    with one_thread():
        built = build(subject, seed=seed, device=device)
    return measure(*built, subject.wanted, seed=seed, finder=finder, about=subject.key(), report=report, **options)


def connectivity_table(measured: list[Measured]) -> pd.DataFrame:
    """One row a subject, the columns of `_row`, `predictions.compared` and `paired.compared`; losses in nats."""
    return pd.DataFrame([one.row for one in measured])


def connectivity_pairs(measured: list[Measured]) -> pd.DataFrame:
    """One row a pair: status, rounds, segments, losses, norms."""
    return pd.DataFrame([pair for one in measured for pair in one.pairs])


def _streams(about: Mapping[str, Any], seed: int) -> Iterator[torch.Generator]:
    """torch generators, independent between measurements and stages, the same whoever else is measured."""
    own = seeds.of(json.dumps(dict(about), sort_keys=True), seed)
    for stage in range(3):
        yield torch.Generator().manual_seed(seeds.integer(seeds.child(own, stage)))


def _radial_baseline(objective: Objective, a: Tensor, c: Tensor, finder: Finder) -> Tensor:
    """Which pairs (n,) some path A, sA, sC, C connects without any optimisation, s in SCALES."""
    pairs = torch.arange(len(a), device=a.device)
    connected = torch.zeros_like(pairs, dtype=torch.bool)
    for s in SCALES:
        legs = [(s * a, s * c), (a, s * a), (s * c, c)]
        open_so_far = pairs[~connected]
        for start, end in legs if s > 1 else legs[:1]:
            rows = open_so_far
            open_so_far = rows[straight_is_open(objective, start[rows], end[rows], rows, finder)]
        connected[open_so_far] = True
    return connected


def _row(
    about: Mapping[str, Any], kind: str, drawn: Pairs, connections: Sequence[Connection], p: float, radial: Tensor
) -> dict[str, Any]:
    found = [connection for connection in connections if connection.connected]
    n, k = len(connections), len(found)
    share = intervals.exact(k, n)
    rounds = np.array([connection.rounds for connection in found], dtype=float)
    scanned = [connection for connection in connections if not math.isnan(connection.barrier)]  # a budget may end first
    barriers = np.quantile([one.barrier for one in scanned] or [math.nan], [0.25, 0.5, 0.75])
    bent = [connection.displacement for connection in connections if connection.displacement >= 0]
    dimension = drawn.a[0].numel()
    p_c = thresholds.hypercubic(dimension).value
    return {
        "network": about["network"],
        "training": about["training"],
        "dimension": dimension,
        "classes": drawn.n_classes,
        "pair": kind,
        "pairs": n,
        "planned": sum(connection.planned > 0 for connection in connections),
        "occupation": p,
        "p_c": p_c,
        "iid_connected": p > p_c,
        **share.columns("connected"),
        "rounds": _mean(rounds),
        "rounds_error": rounds.std(ddof=1) / math.sqrt(k) if k > 1 else math.nan,
        "segments": _mean([connection.path.n_segments for connection in found]),
        "barrier_q25": barriers[0],
        "barrier_median": barriers[1],
        "barrier_q75": barriers[2],
        "gap_median": float(np.median([one.gap for one in scanned] or [math.nan])),
        "displacement": _mean(bent),
        "excess_length": _mean([connection.path.excess_length for connection in found]),
        "radial_connected": _mean(radial.tolist()),
        "verdict": "not asked" if math.isnan(p) else verdict(p > p_c, share.low, share.high),
    }


def _pair_row(row: dict[str, Any], index: int, connection: Connection, radial: Tensor) -> dict[str, Any]:
    norms = connection.path.norms
    return {name: row[name] for name in ("network", "training", "dimension", "pair")} | {
        "index": index,
        "status": connection.status,
        "rounds": connection.rounds,
        "segments": connection.path.n_segments,
        "planned": connection.planned,
        "loss_a": connection.end_losses[0],
        "loss_c": connection.end_losses[1],
        "barrier": connection.barrier,
        "gap": connection.gap,
        "displacement": connection.displacement,
        "excess_length": connection.path.excess_length,
        "norms": " ".join(f"{norm:.4g}" for norm in norms.tolist()),
        "radial_connected": radial[index].item(),
        "steps": connection.steps,
    }


def _example(objective: Objective, connections: Sequence[Connection]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The loss along the connected path that took most rounds, after each of them."""
    found = [(connection.rounds, -i) for i, connection in enumerate(connections) if connection.connected]
    if not found:
        return []
    pair = -max(found)[1]
    curves = []
    for path in connections[pair].history:
        s, loss = profile(objective, path, pair, 400)
        curves.append((path.arclength(s).numpy(), loss.cpu().numpy()))
    return curves


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else math.nan
