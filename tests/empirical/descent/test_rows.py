import numpy as np
import pytest
import torch

from empirical.descent.rows import Descent, Descents, descend
from empirical.descent.states import joined, selected
from empirical.losses.evaluation import Evaluator
from empirical.losses.objectives import ClassLoss, Field, losses


@pytest.fixture
def noisy(cnn1d, signals):
    """Objective, starts and pairs in float64: test signals aimed at the next class."""
    model = cnn1d.double()
    yield ClassLoss(model, (signals.y_test[:12] + 1) % 10), signals.x_test[:12].double(), torch.arange(12)
    model.float()


def ended(moving):
    """All rows of descents after they have ended, in the order that they carry with them as "row"."""
    gone = []
    while moving:
        gone.append(moving.step())
    found = joined(*gone)
    return selected(found, found["row"].argsort())


def bowl(points, pairs=None):
    """A valley whose curvatures differ by 100: f(x) = sum_i a_i x_i^2."""
    return (points.square() * torch.logspace(-1, 1, points.shape[1], dtype=points.dtype)).sum(1)


def test_one_row_moves_as_torch_adam_does():
    start = torch.linspace(-1, 2, 5, dtype=torch.float64)[None]
    rule = Descent(lr=0.02, iterations=150, stop=1e-12, weight_decay=0.01, deviation=0.3)
    x = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([x], lr=0.02, weight_decay=0.01)
    seen = []
    for _ in range(151):
        seen.append((bowl(x).item(), x.detach().clone()))
        optimiser.zero_grad()
        (bowl(x).sum() + 0.3 * (x - start).square().mean()).backward()
        optimiser.step()
    best_loss, best = min(seen, key=lambda pair: pair[0])
    found = descend(Field(bowl), start, torch.zeros(1, dtype=torch.long), rule)
    torch.testing.assert_close(found.points, best, rtol=0, atol=1e-12)
    assert found.losses.item() == pytest.approx(best_loss, rel=1e-12)
    assert found.steps.item() == 150 and not found.reached.item()


@pytest.mark.parametrize("projected", [False, True])
def test_batched_equals_one_at_a_time(noisy, projected):
    objective, start, pairs = noisy
    rule = Descent(lr=0.02, iterations=300, projected=projected, total_variation=1e-3)
    normals = start.flip(0)
    batched = [descend(objective, start, pairs, rule, normals=normals, batch_size=size) for size in (12, 5)]
    for i in (0, 4, 5, 11):  # first and last of all, and where the second batch of five begins
        alone = descend(objective, start[i : i + 1], pairs[i : i + 1], rule, normals=normals[i : i + 1])
        for together in batched:
            torch.testing.assert_close(alone.points[0], together.points[i], rtol=0, atol=1e-10)
            assert alone.steps[0] == together.steps[i]
    assert 0 < batched[0].reached.sum()
    assert torch.equal(batched[0].steps, batched[1].steps)


def test_the_loss_returned_is_that_of_the_point_returned(noisy):
    objective, start, pairs = noisy
    found = descend(objective, start, pairs, Descent(lr=0.05, iterations=40))
    torch.testing.assert_close(losses(objective, found.points), found.losses, rtol=1e-9, atol=1e-12)
    assert torch.equal(found.reached, found.losses <= 5e-4)
    assert found.reached.any() and not found.reached.all()  # both outcomes are tested


def test_projected_rows_stay_in_their_hyperplane(noisy):
    objective, start, pairs = noisy
    normals = start.roll(1, 0)
    rule = Descent(lr=0.02, iterations=100, projected=True)
    moved = descend(objective, start, pairs, rule, normals=normals).points - start
    cosine = torch.nn.functional.cosine_similarity(moved.flatten(1), normals.flatten(1))
    assert moved.flatten(1).norm(dim=1).min() > 0.05
    assert cosine.abs().max() < 1e-12


def test_stop_of_each_row_and_first_check():
    start = torch.ones(3, 4, dtype=torch.float64)
    stop = torch.tensor([10.0, 1.0, 0.1], dtype=torch.float64)
    found = descend(Field(bowl), start, torch.zeros(3, dtype=torch.long), Descent(first_check=5), stop=stop)
    assert found.steps[0] == 5  # low from the start, but not looked at before step 5
    assert found.reached.all() and np.all(np.diff(found.steps) >= 0)
    assert (found.losses <= stop).all()


def test_a_row_that_turns_infinite_ends_alone():
    def cliff(points):
        return bowl(points) + 0 * (points[:, 0] - 0.9).sqrt()  # NaN for x_0 < 0.9

    start = torch.tensor([[1.0, 0.0], [5.0, 0.0]])
    found = descend(Field(cliff), start, torch.arange(2), Descent(lr=0.05, iterations=60))
    assert found.steps[0] < found.steps[1] == 60
    assert torch.isfinite(found.losses).all() and not found.reached.any()


def test_total_variation_is_felt():
    start = torch.randn(1, 1, 30, generator=torch.Generator().manual_seed(1))

    def flat(points):
        return points.square().flatten(1).sum(1) * 1e-6 + 1

    rule = Descent(lr=0.02, iterations=100, total_variation=1.0)
    found = descend(lambda points, pairs: flat(points), start, torch.zeros(1, dtype=torch.long), rule)
    assert found.points.diff(dim=2).abs().sum() < 0.5 * start.diff(dim=2).abs().sum()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": 0.0}, "lr must be a finite number above 0"),
        ({"stop": float("nan")}, "stop must be a finite number, got nan"),
        ({"iterations": 0}, "iterations must be at least 1"),
        ({"deviation": -1.0}, "deviation must be a weight of at least 0"),
        ({"bounds": (1.0, 0.0)}, r"bounds must be \(low, high\) with low below high, got \(1.0, 0.0\)"),
        ({"patience": 0}, "patience must be at least 1"),
        ({"log": True, "stop": 0.0}, "log takes adam and a stop above 0"),
        ({"log": True, "steps": "steepest"}, "log takes adam"),
    ],
)
def test_bad_rules(arguments, message):
    with pytest.raises(ValueError, match=message):
        Descent(**arguments)


def test_projected_needs_normals():
    with pytest.raises(ValueError, match="needs the normals"):
        descend(Field(bowl), torch.ones(1, 2), torch.zeros(1, dtype=torch.long), Descent(projected=True))


def test_down_the_log_of_the_loss_as_torch_adam_goes():
    start = torch.linspace(-1, 2, 5, dtype=torch.float64)[None]
    x = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([x], lr=0.02)
    for _ in range(50):
        optimiser.zero_grad()
        bowl(x).log().sum().backward()
        optimiser.step()
    found = descend(
        Field(bowl), start, torch.zeros(1, dtype=torch.long), Descent(lr=0.02, iterations=50, stop=1e-12, log=True)
    )
    torch.testing.assert_close(found.points, x.detach(), rtol=0, atol=1e-12)


def test_the_log_takes_a_third_of_the_steps(noisy):
    objective, start, pairs = noisy
    plain, log = (descend(objective, start, pairs, Descent(lr=0.02, log=one)) for one in (False, True))
    assert log.reached.all() and log.steps.sum() < plain.steps.sum() / 2


@pytest.mark.parametrize("every", [4])
@pytest.mark.parametrize("room", [12, 5])
def test_rows_asked_every_few_steps_end_where_they_end_when_asked_at_each(noisy, every, room):
    """Nothing that happens to a row after its end is seen, counted or kept; the host waits less often."""
    objective, start, pairs = noisy
    rule = Descent(lr=0.05, iterations=40, patience=15, restarts=1)
    found = {}
    for n in (1, every):
        moving = Descents(Evaluator(objective, start), rule, room, every=n)
        moving.put(start, pairs, rule.stop, row=pairs)
        found[n] = ended(moving), moving.evaluate
    one, other = found[1][0], found[every][0]
    for name in ("steps", "reached", "failed", "pair"):
        assert torch.equal(one[name], other[name])
    torch.testing.assert_close(other["point"], one["point"], rtol=0, atol=1e-10)
    assert one["reached"].any() and not one["reached"].all()
    assert found[every][1].n_gradient == found[1][1].n_gradient
    assert found[every][1].n_reads < found[1][1].n_reads / 2


def test_a_row_that_fails_between_two_questions_says_so_and_keeps_its_best():
    hole = Field(lambda x: torch.where(x[:, 0] < 0.5, torch.nan, x[:, 0]))
    moving = Descents(Evaluator(hole, torch.ones(1, 1)), Descent(lr=0.1, stop=0.0, iterations=50), 1, every=4)
    moving.put(torch.ones(1, 1), torch.zeros(1, dtype=torch.long), 0.0, row=torch.zeros(1, dtype=torch.long))
    row = ended(moving)
    assert row["failed"] and not row["reached"] and 0.5 <= row["loss"] < 0.65 and row["steps"] <= 6
