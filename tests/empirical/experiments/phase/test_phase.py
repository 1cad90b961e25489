import json
import math
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import binom

from empirical.descent.rows import descend
from empirical.experiments.phase import grids, measure
from empirical.experiments.phase.command import numbers
from empirical.experiments.phase.figure import phase_figure
from empirical.experiments.phase.finder import (
    ClassMargins,
    Network,
    Pair,
    Smooth,
    Waves,
    draw_pair,
    finder_for,
    inside,
    margins,
    search,
)
from empirical.experiments.phase.measure import Case, Plan, Torus
from empirical.finder.find import find_paths
from percolation import fields
from percolation.lattices import hypercubic
from percolation.quantities import Threshold
from percolation.theory import level_sets, thresholds
from tests.statistical import assert_means

FALSE_ALARM = 1e-6
SMALL = Plan((2, 8), (2,), pairs=3, grids=1, grid_pairs=20, quick=True)


def seeds(n, seed=1):
    return np.random.SeedSequence(seed).spawn(n)


# what stands where x_0 < -1 and x_0 > 1 is class 0; in a ring the two sides are joined
def strip(points):
    return torch.stack([points[:, 0].abs() - 1, torch.zeros(len(points))], dim=1)


def ring(points):
    radius = points.norm(dim=1)
    return torch.stack([0.5 - (radius - 2).abs(), torch.zeros(len(points))], dim=1)


def two_points(logits):
    return Pair(logits, torch.tensor([-2.0, 0.0]), torch.tensor([2.0, 0.0]), 0, 0.5, 0.5)


# grids


def test_clusters_of_classes_are_those_of_networkx():
    classes = np.random.default_rng(0).integers(3, size=(5, 5, 5))
    graph = nx.Graph((i, j) for i, j in hypercubic(3).torus(5).bonds().tolist() if classes.flat[i] == classes.flat[j])
    graph.add_nodes_from(range(classes.size))
    clusters = grids._clusters(classes).ravel()
    expected = {frozenset(cluster) for cluster in nx.connected_components(graph)}
    assert {frozenset(np.flatnonzero(clusters == k).tolist()) for k in np.unique(clusters)} == expected


def test_pairs_of_one_class_and_of_a_chess_board():
    assert grids.connected_pairs(np.zeros((8, 8), dtype=np.int16), 3, 50, 0).tolist() == [True] * 50
    board = np.indices((8, 8)).sum(axis=0) % 2
    assert grids.connected_pairs(board, 3, 50, 0).tolist() == [False] * 50
    assert len(grids.connected_pairs(np.arange(64).reshape(8, 8), 3, 50, 0)) == 0  # no two of one class


@pytest.mark.parametrize(
    ("draw", "torus", "n_classes", "length", "connected"),
    [
        (grids.iid_classes, Torus(2, 256, 1), 2, 80, False),  # p = 0.5 < 0.593
        (grids.iid_classes, Torus(3, 40, 1), 2, 15, True),  # p = 0.5 > 0.312
        (grids.iid_classes, Torus(3, 40, 1), 5, 15, False),
        (grids.smooth_classes, Torus(3, 40, 3), 2, 15, True),  # p = 0.5 > 0.119
        (grids.smooth_classes, Torus(2, 192, 4), 5, 80, False),  # p = 0.2 < 0.5
    ],
)
def test_classes_percolate_as_their_occupation_says(draw, torus, n_classes, length, connected):
    """Share below 0.2 or above 0.8, of 200 pairs; in 20 other seeds it was below 0.02, or between 0.93 and 1.

    At a true share of 0.94 200 independent pairs cross 0.8 for 2e-11 of seeds; those of one torus are nearly so.
    """
    field, pairs = seeds(2)
    share = grids.connected_pairs(draw(torus, n_classes, field), length, 200, pairs).mean()
    assert share > 0.8 if connected else share < 0.2
    assert binom.cdf(160, 200, 0.94) < 2e-11


def test_classes_have_equal_shares():
    """Each of 4 classes has 1/4 of 64^2 independent cells: a normal bound, false alarm 1e-6."""
    counts = np.bincount(grids.iid_classes(Torus(2, 64, 1), 4, 0).ravel())
    assert np.abs(counts - 1024).max() < 5.1 * math.sqrt(4096 * 3 / 16)


@pytest.mark.parametrize("n_classes", [2, 10, 1000])
def test_chord_is_the_rate_of_borders(n_classes):
    field = fields.gaussian(1, fields.SquaredExponential(4.0), n_features=1, seed=0)
    expected = 1 / fields.Classes((field,) * n_classes).boundary_rate()
    assert grids.chord(Torus(2, 8, 4), n_classes) == pytest.approx(expected, rel=1e-6)


def test_boxes_of_known_classes():
    for logits, connected in ((strip, False), (ring, True)):
        pair = two_points(logits)
        assert grids.box_connected(logits, 0, pair.a, pair.c) is connected
    assert grids.box_connected(strip, 0, torch.zeros(2), pair.c) is None  # an end outside its class


# the finder


def test_waves_have_their_law():
    """Variance 1, covariance exp(-r^2 / 2), independent classes; false alarm 1e-6."""
    r = 0.8
    points = torch.tensor([[0.0, 0.0, 0.0], [0.0, r, 0.0]])
    drawn = [Waves.draw(3, 2, np.random.default_rng(seed), n_waves=16)(points).double() for seed in seeds(1000)]
    z = torch.stack(drawn).numpy()  # (draws, points, classes)
    samples = np.column_stack(
        [z[:, 0, 0], z[:, 0, 0] ** 2, z[:, 1, 1] ** 2, z[:, 0, 0] * z[:, 1, 0], z[:, 0, 0] * z[:, 0, 1]]
    )
    assert_means(samples, np.array([0, 1, 1, math.exp(-(r**2) / 2), 0]), false_alarm=FALSE_ALARM)


def test_margin_by_hand_and_its_slope():
    def outputs(points):
        return points @ torch.eye(3)

    objective = ClassMargins([outputs, outputs], torch.tensor([0, 2]), torch.tensor([1.0, 2.0]))
    points = torch.tensor([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0]], requires_grad=True)
    loss = objective(points, torch.tensor([1, 0]))
    assert loss.tolist() == [0.5, -1.0]  # (3 - 2) / 2 and 2 - 3
    loss[1].backward()
    assert points.grad[1, 0] == -1 and points.grad[1, 1:].sum() == pytest.approx(1) and points.grad[1, 2] > 0.9


def test_pairs_have_one_class_and_stand_apart():
    for source in (Smooth(5.0), Network()):
        pair = draw_pair(source, 6, 5, np.random.default_rng(3))
        both = torch.stack([pair.a, pair.c])
        assert pair.logits(both).argmax(1).tolist() == [pair.label] * 2
        if isinstance(source, Smooth):
            assert (pair.a - pair.c).norm().item() == pytest.approx(5, rel=1e-4)
        else:
            assert both.norm(dim=1).tolist() == pytest.approx([math.sqrt(6)] * 2, rel=1e-5)


@pytest.mark.parametrize(("source", "d", "n_classes"), [(Smooth(), 8, 2), (Smooth(), 16, 10), (Network(), 10, 10)])
def test_paths_stay_in_their_class(source, d, n_classes):
    """In these dimensions nearly all are found: of 6 pairs at 0.9 each, fewer than 2 in 6e-5 of the seeds."""
    searched = search(source, d, n_classes, seeds(6))
    found = [i for i, one in enumerate(searched.connections) if one.connected]
    assert len(found) >= 2
    for i in found:
        nodes, t = searched.connections[i].path.vertices, torch.linspace(0, 1, 201)[:, None]
        along = torch.cat([a + t * (c - a) for a, c in zip(nodes[:-1], nodes[1:], strict=True)])
        outputs = searched.pairs[i].logits(along)
        others = outputs.clone()
        others[:, searched.pairs[i].label] = -torch.inf
        # between the points that the finder looks at a path may touch the border
        assert (outputs[:, searched.pairs[i].label] - others.amax(1)).min() > -0.05 * searched.pairs[i].unit


def test_a_gap_is_not_crossed_and_a_ring_is_gone_round():
    pairs = [two_points(strip), two_points(ring)]
    objective, finder = margins(pairs), finder_for(Smooth(4.0), 2)
    a, c = (inside(objective, torch.stack(ends), finder) for ends in zip(*((p.a, p.c) for p in pairs), strict=True))
    # the barrier of the ring lies at its centre, where it has no slope
    a[1, 1] = c[1, 1] = 0.3
    gap, around = find_paths(objective, a, c, finder)
    assert not gap.connected and around.connected


def test_ends_stay_on_their_island():
    """A low island for x < 0.2, a high one for x > 0.4: the first step of a descent leaps across the gap."""

    def islands(points):
        x = points[:, 0]
        margin = torch.where(x < 0.2, 0.05 + 0.05 * x, torch.where(x < 0.4, -1.0, 2.0))
        return torch.stack([margin, torch.zeros(len(x))], dim=1)

    start, pairs = torch.tensor([[0.0, 0.0], [0.6, 0.0]]), torch.arange(2)
    objective = ClassMargins([islands] * 2, torch.tensor([0, 0]), torch.ones(2))
    finder = finder_for(Smooth(), 2)
    free = descend(objective, start, pairs, replace(finder.descent, projected=False)).points
    assert free[0, 0] > 0.4
    assert inside(objective, start, finder)[:, 0].tolist() == pytest.approx([0, 0.6])


@pytest.mark.parametrize(("d", "n_classes", "n_pairs"), [(2, 2, 8), (3, 2, 3), (3, 10, 2)])
def test_nothing_is_found_where_the_grid_is_disconnected(d, n_classes, n_pairs):
    """On the same fields; a path through a strait narrower than the cells of the box would be an exception."""
    plan = replace(SMALL, length=4.0, pairs=n_pairs)
    found = measure._found(Case("smooth", d, n_classes), plan, np.random.SeedSequence(5))
    assert found["box_disconnected_found"] == 0
    assert found["box_connected"] + found["box_disconnected"] == n_pairs
    assert found["found"] == found["box_connected_found"] / n_pairs


class _NeverOneClass(Smooth):
    """Starts in class 0, ends in class 1."""

    def draw(self, d, n_classes, rng):
        return lambda points: torch.stack([-points[:, 0], points[:, 0]], dim=1)

    def ends(self, d, n, rng):
        return -torch.ones(n, d), torch.ones(n, d)


def test_ends_that_cannot_be_made_are_counted():
    searched = search(_NeverOneClass(), 3, 2, seeds(4))
    assert searched.not_made == 4 and not searched.connections
    columns = measure._finder_columns(4, searched.not_made, [], 0.5, 1.0)
    assert columns["ends_not_made"] == 4 and math.isnan(columns["found"]) and math.isnan(columns["not_found"])


@pytest.mark.slow
def test_the_finder_misses_paths_in_low_dimension():
    """d = 3, C = 2, 40 pairs on the grid of their own fields: nearly all are connected, some half of them are found.

    Measured 11 of 20; at that rate outside 10..34 of 40 for 1e-4 of the seeds.
    """
    found = measure._found(Case("smooth", 3, 2), replace(SMALL, pairs=40, length=10.0), np.random.SeedSequence(2))
    assert found["box_connected"] >= 36 and found["box_disconnected_found"] == 0
    assert 10 <= found["box_connected_found"] <= 34


@pytest.mark.slow
def test_classes_of_smooth_fields_connect_below_the_threshold_of_cells():
    """d = 4, C = 10: p = 0.1 between 0.020 and p_c = 0.197; the share on the grid is above 0.9 (200 pairs, 0.96)."""
    row = measure.row(Case("smooth", 4, 10), replace(SMALL, quick=False, grids=2, grid_pairs=100), 0)
    assert row["connected_grid"] > 0.9
    assert (row["iid_verdict"], row["smooth_verdict"]) == ("refuted", "agrees")


# the table


def test_rows_of_the_table():
    table = measure.measure_phase(SMALL, seed=1, workers=1)
    assert table[["field", "dimension", "classes"]].values.tolist() == [
        [field, d, 2] for field in measure.FIELDS for d in (2, 8)
    ]
    np.testing.assert_allclose(table["found"] + table["not_found"], 1)
    assert table["p_c"].tolist() == [thresholds.hypercubic(d).value for d in (2, 8)] * 3
    on_grid = table["grid_pairs"] > 0
    assert on_grid.tolist() == [True, False] * 2 + [False, False]
    np.testing.assert_allclose((table["connected_grid"] + table["disconnected_grid"])[on_grid], 1)
    assert (table["found_low"] <= table["found"]).all() and (table["found"] <= table["found_high"]).all()
    assert table["occupation"][:4].tolist() == [0.5] * 4 and (table["occupation"][4:] > 0.3).all()
    assert (table["smooth_threshold_is"] == ["known", "estimate"] * 3).all()
    phase_figure(table)


@pytest.mark.slow
def test_the_table_depends_on_plan_and_seed_only():
    plan = replace(SMALL, dimensions=(8,), fields=("smooth", "network"))
    one, two = (measure.measure_phase(plan, seed=3, workers=workers).to_csv() for workers in (1, 2))
    assert one == two
    case = Case("network", 8, 2)
    alone, otherwise = (pd.DataFrame([measure.row(case, SMALL, seed)], index=[1]).to_csv() for seed in (3, 4))
    assert alone.splitlines()[1] == one.splitlines()[2] != otherwise.splitlines()[1]


@pytest.mark.parametrize(
    ("p", "grid", "found", "expected"),
    [
        (0.2, (0.8, 1.0, 9.0), (0.0, 0.2), "agrees"),
        (0.2, (0.0, 0.2, 9.0), (0.8, 1.0), "refuted"),
        (0.05, (0.8, 1.0, 9.0), (0.0, 0.2), "refuted"),
        (0.05, (0.0, 0.2, math.nan), (0.8, 1.0), "agrees"),
        (0.2, (0.4, 0.6, 9.0), (0.8, 1.0), "undecided"),
        (0.2, (0.0, 0.2, 1.0), (0.8, 1.0), "agrees"),  # the grid is too coarse: the finder decides
        (0.05, (0.8, 1.0, 1.0), (0.0, 0.2), "refuted"),  # although too coarse, it joins
        (0.2, None, (0.0, 0.2), "not found"),
        (0.05, None, (0.8, 1.0), "refuted"),
        (0.105, None, (0.8, 1.0), "critical"),
        (0.2, None, (math.nan, math.nan), "not measured"),
    ],
)
def test_verdict(p, grid, found, expected):
    low, high, chord = grid or (math.nan,) * 3
    on_grid = {"connected_grid_low": low, "connected_grid_high": high, "grid_chord": chord, "grid_pairs": grid and 9}
    on_grid["grid_pairs"] = 9 if grid else 0
    by_finder = {"found_low": found[0], "found_high": found[1]}
    assert measure.verdict(p, Threshold(0.1, 0.01, "test"), by_finder, on_grid) == expected


def test_smooth_threshold_is_measured_then_an_estimate():
    assert measure.smooth_threshold(2).value == 0.5 and "proved" in measure.smooth_threshold(2).source
    for d in range(3, 8):
        assert measure.smooth_threshold(d) == level_sets.simulated(d)
    for d in (8, 12, 1024):
        assert measure.smooth_threshold(d) == level_sets.gaussian(d)


def test_numbers_and_their_ladder():
    assert numbers("dim", "2..64") == (2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64)
    assert numbers("dim", "7, 9..20,7") == (7, 9, 12, 16, 20)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dimensions": (1,)}, "dim must be at least 2, got 1"),
        ({"dimensions": ()}, "dim must hold at least one number"),
        ({"classes": (2, 1)}, "classes must be at least 2, got 1"),
        ({"dimensions": (2, 5000)}, "dim must be at most 1024, got 5000"),
        ({"classes": (20_000,)}, "classes must be at most 2000, got 20000"),
        ({"fields": ("smoth",)}, "did you mean 'smooth'"),
        ({"pairs": 0}, "pairs must be at least 1"),
        ({"pairs": 10**9}, "pairs must be at most 10000, got 1000000000"),
        ({"length": 0.5}, "length must lie between 1 and 1000"),
    ],
)
def test_bad_plans(arguments, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **arguments)


# the command


def test_the_command_writes_table_record_and_figure(percolation, tmp_path: Path):
    code, output, _ = percolation(
        *"phase --quick --dim 2,8 --classes 2 --pairs 3 --workers 1 --seed 1 --out".split(), tmp_path
    )
    assert code == 0 and max(map(len, output.splitlines()[:20])) <= 80
    assert len(pd.read_csv(tmp_path / "table.csv")) == 6
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["seed"] == 1 and run["parameters"]["pairs"] == 3 and run["parameters"]["tori"]["2"]["side"] == 192
    for name in ("phase.pdf", "phase.png"):
        assert (tmp_path / name).stat().st_size > 5000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--dim 1", "dim must be at least 2, got 1"),
        ("--dim 8..2", "cannot read dim '8..2'"),
        ("--classes two", "cannot read classes 'two'"),
        ("--field cells", "unknown field 'cells'"),
        ("--pairs 0", "pairs must be at least 1"),
        ("--pairs 1000000000", "pairs must be at most 10000"),
        ("--length nan", "length must be a finite number"),
        ("--seed -1", "seed must be at least 0"),
    ],
)
def test_bad_input_ends_with_one_line(percolation, tmp_path, arguments, message):
    code, output, error = percolation("phase", *arguments.split(), "--out", tmp_path)
    assert code == 2 and not output and message in error and len(error.splitlines()) == 1
