"""Planned paths: what linear response writes down, what becomes of it in the finder, and what the result says."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from empirical.descent.rows import Descent
from empirical.finder.connections import load
from empirical.finder.find import PRESETS, Finder, find_paths
from empirical.losses.objectives import ClassLoss, Field, losses
from empirical.prediction import plans
from tests.empirical.fields import PROJECTED, ends, ridge_with_pass

RULE = Descent(steps="steepest", lr=10.0, iterations=50, stop=-0.3, projected=True)
FINDER = Finder(0.0, RULE, coarse=60, dense=60)


def ridge(x):
    """Linear beside the first axis: 1 - (x_0 / 2)^2 + (1 + x_0 / 4) x_1 - x_0 x_2 / 2."""
    return 1 - (x[:, 0] / 2) ** 2 + (1 + x[:, 0] / 4) * x[:, 1] - x[:, 0] * x[:, 2] / 2


def line():
    a = torch.tensor([[-3.0, 0, 0], [-3, -5, 0]])  # the second line is open: the field falls along -x_1
    return a, a * torch.tensor([-1.0, 1, 1])


def test_a_path_is_known_without_a_descent_where_the_value_is_linear():
    """Vertices of the plan lie 0.01 below stop, more than rounding, so no step is taken; the open line has no plan."""
    a, c = line()
    plan = plans.planned(Field(ridge), a, c, FINDER, n_points=61, lower=0.01)
    assert len(plan.vertices[0]) > 0 and len(plan.vertices[1]) == 0
    np.testing.assert_allclose(ridge(plan.vertices[0]), -0.31, atol=1e-5)
    assert plan.cost.n_gradient == 2 * 61 + len(plan.vertices[0]) and plan.cost.n_forward == 0
    found = find_paths(Field(ridge), a, c, FINDER, planned=plan.vertices)
    unplanned = find_paths(Field(ridge), a, c, FINDER)
    assert [one.status for one in found] == ["connected"] * 2
    assert [one.planned for one in found] == [len(plan.vertices[0]), 0]
    assert found[0].rounds == 0 < unplanned[0].rounds and found[0].steps <= len(plan.vertices[0])
    assert torch.equal(found[0].path.vertices[[0, -1]], torch.stack([a[0], c[0]]))
    assert found[0].barriers[0] <= 0 and np.isnan(found[0].barrier) and np.isnan(found[0].displacement)
    assert torch.equal(found[1].path.vertices, unplanned[1].path.vertices) and found[1].barrier < 0


def test_planned_paths_of_a_trained_network(trained_cnn1d, low_pairs):
    """All pairs connected as without a plan, in fewer rounds; every path open at 1000 places a segment."""
    a, c, labels = low_pairs(50)
    objective, finder = ClassLoss(trained_cnn1d, labels), PRESETS["fast"]
    plan = plans.planned(objective, a, c, finder)
    found, unplanned = (find_paths(objective, a, c, finder, planned=some) for some in (plan.vertices, None))
    assert [one.connected for one in found] == [one.connected for one in unplanned] == [True] * 50
    mean, without = (np.mean([one.rounds for one in some]) for some in (found, unplanned))
    assert 0 < mean < 0.3 * without and np.isnan([one.displacement for one in found if one.planned]).all()
    for i, one in enumerate(found):
        points = one.path(one.path.positions(1000 * one.path.n_segments))
        assert losses(objective, points, torch.full((len(points),), i)).max() <= finder.level
        assert torch.equal(one.path.vertices[[0, -1]], torch.stack([a[i], c[i]]))
        assert (one.planned > 0) == (unplanned[i].rounds > 0) and one.born[: one.planned + 2].count(0) >= 2


def test_vertices_that_do_not_come_down_are_left_out():
    """No point at x = 0 is below 0.9: the planned one there is dropped, that beside is kept, and no path is claimed."""
    a, c = ends()
    middle = torch.zeros_like(a[0])
    beside = middle.clone()
    beside[0] = a[0, 0] / 2
    (found,) = find_paths(Field(ridge_with_pass(0.9)), a, c, PROJECTED, planned=[torch.stack([beside, middle])])
    (unplanned,) = find_paths(Field(ridge_with_pass(0.9)), a, c, PROJECTED)
    assert found.planned == 1 and found.status == unplanned.status == "stalled"
    (found,) = find_paths(Field(ridge_with_pass(0.9)), a, c, PROJECTED, planned=[middle[None]])
    assert found.planned == 0 and found.barriers == unplanned.barriers


def test_a_plan_is_kept_in_files_and_history(tmp_path):
    a, c = line()
    plan = plans.planned(Field(ridge), a, c, FINDER, n_points=61)
    found = find_paths(Field(ridge), a, c, FINDER, planned=plan.vertices)
    found.save(tmp_path / "paths")
    assert [one.planned for one in load(tmp_path / "paths")] == [one.planned for one in found]
    assert found[0].history[0].n_segments == found[0].planned + 1
    with np.load(tmp_path / "paths.npz") as kept:
        older = {name: kept[name] for name in kept.files if name != "planned"}
    np.savez(tmp_path / "paths.npz", **older)
    assert [one.planned for one in load(tmp_path / "paths")] == [0, 0]
    spent = find_paths(Field(ridge), a, c, replace(FINDER, evaluations=1), planned=plan.vertices)
    assert spent[0].status == "budget" and spent[0].path.n_segments == spent[0].planned + 1


@pytest.mark.parametrize(
    ("planned", "message"),
    [
        ([torch.zeros(1, 3)], r"a plan has vertices for every pair, got 1 for 2 pairs"),
        ([torch.zeros(1, 4), torch.zeros(0, 3)], r"planned vertices must be \(k, 3\) .* got \(1, 4\) .* for pair 0"),
        ([torch.zeros(0, 3), torch.full((1, 3), torch.nan)], "planned vertices of pair 1 hold NaN"),
    ],
)
def test_bad_plans_are_refused(planned, message):
    with pytest.raises(ValueError, match=message):
        find_paths(Field(ridge), *line(), FINDER, planned=planned)


def test_by_the_command(percolation, tmp_path):
    common = ["connect", "--network", "cnn1d", "--data", "mnist1d", "--dim", 40, "--pairs", 8, "--out", tmp_path]
    code, shown, error = percolation(*common, "--plan", "response")
    assert code == 0, error
    assert "paths were planned: rounds are those after the plan" in shown
    table = (tmp_path / "table.csv").read_text().splitlines()
    row = dict(zip(table[0].split(","), table[1].split(","), strict=False))
    assert 0 < int(row["planned"]) <= int(row["pairs"]) and row["iid_connected"] == "True"
    assert '"plan": "response"' in (tmp_path / "run.json").read_text()
    code, _, error = percolation(*common, "--plan", "respond")
    assert code == 2 and "unknown plan 'respond', expected one of none, response" in error
