import torch

from empirical.descent.lowering import lowered
from empirical.descent.rows import Descent
from empirical.losses.objectives import Field

BOWL = Field(lambda x: x.square().sum(1))
RULE = Descent(steps="steepest", lr=1.0, iterations=50, stop=0.01)


def test_only_what_is_too_high_is_moved():
    x = torch.tensor([[0.05, 0.0], [3.0, 0.0], [0.0, 0.5]])
    found = lowered(BOWL, x, RULE)
    assert found.rows.tolist() == [1, 2] and found.low.all()
    assert torch.equal(found.points[0], x[0]) and (BOWL(found.points, found.rows) <= 0.01 * (1 + 1e-6)).all()
    kept = lowered(BOWL, x, RULE, above=1.0)  # the third is low enough, and the second goes down to stop
    assert kept.rows.tolist() == [1] and torch.equal(kept.points[2], x[2]) and BOWL(kept.points, None)[1] <= 0.0101


def test_what_does_not_arrive_is_not_low():
    wall = Field(lambda x: x.square().sum(1) + 1)
    found = lowered(wall, torch.tensor([[0.0, 0.5]]), RULE)
    assert found.rows.tolist() == [0] and not found.low.any()


def test_nothing_is_done_where_all_is_low():
    x = torch.zeros(2, 3)
    found = lowered(BOWL, x, RULE)
    assert torch.equal(found.points, x) and not len(found.rows) and found.low.all()
