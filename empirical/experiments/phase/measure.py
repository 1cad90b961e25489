"""The phase diagram: which share of pairs of one class is connected, over the dimension and the number of classes.

Exactly on grids in low dimension, and by the path finder in any; in smooth random fields, in independent cells and in
random networks; beside what iid percolation and percolation of smooth fields predict. A path that the finder does not
find may exist: "not found" and "disconnected on the grid" are different columns.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from empirical.experiments.phase import grids
from empirical.experiments.phase.finder import Network, Searched, Smooth, search
from empirical.experiments.phase.grids import Torus
from empirical.losses import objectives
from empirical.prediction import verdicts
from empirical.threads import one_thread
from percolation import checks, intervals, lattice_finder, runs, seeds
from percolation.quantities import Threshold
from percolation.theory import level_sets, thresholds

FIELDS = ("smooth", "iid", "network")
LOOK_AHEAD, LATTICE_ROUNDS = 64, 8  # of the finder's twin on the lattice
BOXES = ("box_connected", "box_connected_found", "box_disconnected", "box_disconnected_found")
RESOLVED = 2.0  # cells that a class must be wide on the average for a grid of smooth fields to decide
PAIRS_AT_ONCE = 64  # each with the weights of its field: 2 MB at C = 1000
MOST_DIMENSIONS, MOST_CLASSES = 1024, 2000
MOST_PAIRS = 10_000  # a share is known to 0.5 % by then

# as large as a minute on one core allows at C = 200: 90, 28, 12 and 8 xi
FULL = {2: Torus(2, 720, 8), 3: Torus(3, 112, 4), 4: Torus(4, 36, 3), 5: Torus(5, 16, 2)}
QUICK = {2: Torus(2, 192, 6), 3: Torus(3, 36, 3), 4: Torus(4, 16, 2), 5: Torus(5, 10, 2)}

KNOWN_UP_TO = max(level_sets.SIMULATED)  # dimension; the threshold of smooth fields is an estimate above


@dataclass(frozen=True)
class Plan:
    """What to measure. length: distance of the two points, in xi (smooth), cells (iid); networks have their own."""

    dimensions: tuple[int, ...]
    classes: tuple[int, ...]
    fields: tuple[str, ...] = FIELDS
    pairs: int = 40  # of the finder, each in a field of its own
    length: float = 10.0
    grids: int = 2  # tori of each kind
    grid_pairs: int = 100  # of each torus
    quick: bool = False

    def __post_init__(self) -> None:
        for name, numbers, low, high in (
            ("dim", self.dimensions, 2, MOST_DIMENSIONS),
            ("classes", self.classes, 2, MOST_CLASSES),
        ):
            if not numbers:
                raise ValueError(f"{name} must hold at least one number")
            for number in numbers:
                if checks.integer(name, number, at_least=low) > high:
                    raise ValueError(f"{name} must be at most {high}, got {number}")
        for field in self.fields:
            checks.one_of("field", field, FIELDS)
        for name in ("pairs", "grids", "grid_pairs"):
            checks.integer(name, getattr(self, name), at_least=1, at_most=MOST_PAIRS)
        if not 1 <= checks.finite("length", self.length) <= 1000:
            raise ValueError(f"length must lie between 1 and 1000 correlation lengths, got {self.length:g}")

    @property
    def tori(self) -> dict[int, Torus]:
        return QUICK if self.quick else FULL

    def cases(self) -> list["Case"]:
        return [Case(field, d, c) for field in self.fields for d in self.dimensions for c in self.classes]


@dataclass(frozen=True)
class Case:
    """One cell of the diagram."""

    field: str
    dimension: int
    classes: int


def measure_phase(plan: Plan, *, seed: int = 0, workers: int = 0, device: str = "cpu") -> pd.DataFrame:
    """Carry out the plan: a row a case, the columns of `row`. The numbers depend on plan and seed, not on workers."""
    checks.seed(seed)
    objectives.device(device)
    task = partial(row, plan=plan, seed=seed, device=device)
    workers = workers if device == "cpu" else 1
    found = runs.run(task, plan.cases(), workers=workers, processes=workers != 1, cost=_cost, label="cases")
    return pd.DataFrame(found)


def row(case: Case, plan: Plan, seed: int, device: str = "cpu") -> dict[str, Any]:
    """One row of the table: what was asked, what the grid and the finder say, what two theories predict."""
    key = (FIELDS.index(case.field), case.dimension, case.classes)
    on_grid, for_pairs = np.random.SeedSequence(seed, spawn_key=key).spawn(2)
    with one_thread():
        grid = _on_grid(case, plan, on_grid)
        found = _on_lattice(case, plan, for_pairs) if case.field == "iid" else _found(case, plan, for_pairs, device)
    return asdict(case) | found | grid | _predicted(case, found, grid)


def parameters(plan: Plan) -> dict[str, Any]:
    """Everything that determines a table but the seed."""
    used = {d: asdict(torus) for d, torus in plan.tori.items() if d in plan.dimensions}
    return asdict(plan) | {"tori": used, "look_ahead": LOOK_AHEAD, "lattice_rounds": LATTICE_ROUNDS}


def smooth_threshold(d: int) -> Threshold:
    """Critical occupation of the level sets of smooth Gaussian fields on R^d.

    d = 2: proved. 3 to 7: simulated, in the limit of fine cells, `theory.level_sets.simulated`. Above: the zero of the
    mean Euler characteristic, an estimate, `theory.level_sets.gaussian`.
    """
    return level_sets.simulated(d) if d in level_sets.SIMULATED else level_sets.gaussian(d)


def _on_grid(case: Case, plan: Plan, seed: np.random.SeedSequence) -> dict[str, Any]:
    """Share of same-class pairs of cells that are connected on tori, where these are made; nan elsewhere."""
    torus = plan.tori.get(case.dimension)
    if torus is None or case.field == "network":
        return intervals.exact(0, 0).columns("connected_grid") | _grid_columns(0, math.nan, math.nan, math.nan)
    smooth = case.field == "smooth"
    draw = grids.smooth_classes if smooth else grids.iid_classes
    cell = 1.0 / torus.xi if smooth else 1.0  # in the unit of lengths
    reach = torus.reach(plan.length) if smooth else min(plan.length, torus.side / 2)
    joined = []
    for child in seed.spawn(plan.grids):
        for_field, for_pairs = child.spawn(2)
        classes = draw(torus, case.classes, for_field)
        joined.append(grids.connected_pairs(classes, reach / cell, plan.grid_pairs, for_pairs))
    n, k = sum(map(len, joined)), int(sum(one.sum() for one in joined))
    width = grids.chord(torus, case.classes) if smooth else math.nan
    return intervals.exact(k, n).columns("connected_grid") | _grid_columns(
        n, 1 - k / n if n else math.nan, reach, width
    )


def _grid_columns(pairs: int, disconnected: float, length: float, width: float) -> dict[str, Any]:
    return {"disconnected_grid": disconnected, "grid_pairs": pairs, "grid_length": length, "grid_chord": width}


def _found(case: Case, plan: Plan, seed: np.random.SeedSequence, device: str = "cpu") -> dict[str, Any]:
    """What the path finder finds in smooth fields or in networks, each pair in one of its own."""
    source = Smooth(plan.length) if case.field == "smooth" else Network()
    seeds = seed.spawn(plan.pairs)
    rounds: list[int] = []
    sizes: list[float] = []
    boxes: Counter[str] = Counter()
    for first in range(0, plan.pairs, PAIRS_AT_ONCE):
        searched = search(source, case.dimension, case.classes, seeds[first : first + PAIRS_AT_ONCE], device)
        rounds += [connection.rounds for connection in searched.connections if connection.connected]
        sizes += [pair.occupation for pair in searched.pairs]
        boxes += _in_boxes(searched) if _has_boxes(case) else Counter()
    occupation = 1 / case.classes if case.field == "smooth" else float(np.mean(sizes)) if sizes else math.nan
    columns = _finder_columns(plan.pairs, plan.pairs - len(sizes), rounds, occupation, source.length(case.dimension))
    return columns | {name: boxes[name] if _has_boxes(case) else math.nan for name in BOXES}


def _on_lattice(case: Case, plan: Plan, seed: np.random.SeedSequence) -> dict[str, Any]:
    """What the finder's twin finds among independent cells: beside a pair of one class a cell has it with 1/C."""
    length = max(round(plan.length), 1)
    found = lattice_finder.find(
        case.dimension,
        length,
        1 / case.classes,
        n_pairs=plan.pairs,
        look_ahead=LOOK_AHEAD,
        max_rounds=LATTICE_ROUNDS,
        seed=seeds.integer(seed),
    )
    rounds = found.rounds[found.connected].tolist()
    return _finder_columns(plan.pairs, 0, rounds, 1 / case.classes, length) | dict.fromkeys(BOXES, math.nan)


def _finder_columns(pairs: int, not_made: int, rounds: list[int], occupation: float, length: float) -> dict[str, Any]:
    """rounds: of each pair that was connected. Shares are of the pairs whose ends were made."""
    n, k = pairs - not_made, len(rounds)
    shares = intervals.exact(k, n).columns("found")
    return (
        {"occupation": occupation, "length": length, "pairs": pairs, "ends_not_made": not_made}
        | shares
        | {
            "not_found": 1 - k / n if n else math.nan,
            "rounds": float(np.mean(rounds)) if rounds else math.nan,
        }
    )


def _has_boxes(case: Case) -> bool:
    """Whether the fields of the pairs are cut into cells as well."""
    fine = case.dimension in grids.SPACING and case.classes <= grids.BOX_CLASSES
    return case.field == "smooth" and fine


def _in_boxes(searched: Searched) -> Counter[str]:
    """The finder against the grid on the same fields: pairs by what is true in a box around them."""
    counts: Counter[str] = Counter()
    for pair, a, c, connection in zip(searched.pairs, *searched.ends, searched.connections, strict=True):
        connected = grids.box_connected(pair.logits, pair.label, a, c)
        if connected is not None:
            name = "box_connected" if connected else "box_disconnected"
            counts[name] += 1
            counts[name + "_found"] += connection.connected
    return counts


def _predicted(case: Case, found: dict[str, Any], grid: dict[str, Any]) -> dict[str, Any]:
    """The two thresholds at this dimension, and whether they say that a class of this occupation is connected."""
    iid, smooth = thresholds.hypercubic(case.dimension), smooth_threshold(case.dimension)
    p = found["occupation"]
    return {
        "p_c": iid.value,
        "iid_predicts": p > iid.value,
        "smooth_threshold": smooth.value,
        "smooth_threshold_is": "known" if case.dimension <= KNOWN_UP_TO else "estimate",
        "smooth_predicts": p > smooth.value,
        "decided_by": "grid" if _grid_decides(grid) else "finder",
        "iid_verdict": verdict(p, iid, found, grid),
        "smooth_verdict": verdict(p, smooth, found, grid),
    }


def verdict(p: float, threshold: Threshold, found: dict[str, Any], grid: dict[str, Any]) -> str:
    """How a threshold fared; the pairs count as connected if more than half of them are (interval above 1/2).

    Where a grid resolves the classes, or joins most pairs, it decides: 'agrees', 'refuted', or 'undecided' where 1/2
    lies in the interval. Elsewhere the finder, which proves nothing by failing: `prediction.verdicts.verdict`.
    'critical': p is at the threshold, within its error, where nothing is predicted.
    """
    name = "connected_grid" if _grid_decides(grid) else "found"
    low, high = ((grid | found)[f"{name}_{end}"] for end in ("low", "high"))
    if math.isnan(low):
        return "not measured"
    if abs(p - threshold.value) <= threshold.error:
        return "critical"
    answer = verdicts.verdict(p > threshold.value, low, high)
    return "refuted" if name == "connected_grid" and answer == "not found" else answer


def _grid_decides(grid: dict[str, Any]) -> bool:
    """Whether there is a grid that resolves the classes, or that joins most pairs although it does not.

    Cells too large tear a class apart rather than join it: in d = 3 level sets percolate from 0.119 on, from 0.136 on
    where xi is 2 cells.
    """
    resolved = not grid["grid_chord"] < RESOLVED  # nan where cells are all there is
    return grid["grid_pairs"] > 0 and (resolved or grid["connected_grid_low"] > 0.5)


def _cost(case: Case) -> float:
    """Rough: grids of smooth fields take a transform a class, all else seconds."""
    on_grid = case.field == "smooth" and case.dimension in FULL
    return case.classes * (100 if on_grid else 1) + 1000 * (case.field == "smooth" and case.dimension == 3)


def ladder(low: int, high: int) -> Sequence[int]:
    """The numbers low ... high that are at most 5, or 2^k, or 3 2^k; and the two ends: even steps on a log scale."""
    steps = {2, 3, 4, 5} | {base * 2**k for base in (2, 3) for k in range(14)}
    return sorted({low, high} | {n for n in steps if low < n < high})
