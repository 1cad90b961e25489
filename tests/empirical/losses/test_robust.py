import pytest
import torch

from empirical.losses import robust
from empirical.losses.objectives import ClassLoss, Field
from empirical.losses.robust import Robust, rescaled
from empirical.networks import models

SHIFTS, SCALES = torch.tensor([[0, 0], [1, 0], [0, -2]]), torch.tensor([1.0, 1.0, 1.0])


def first_pixel(points, pairs=None):
    return points[:, 0, 0, 0]


def test_the_mean_over_shifts_by_hand():
    x = torch.arange(24.0).view(2, 1, 3, 4)
    found = Robust(Field(first_pixel), SHIFTS, SCALES)(x, torch.arange(2))
    by_hand = (x[:, 0, 0, 0] + x[:, 0, -1, 0] + x[:, 0, 0, 2]) / 3
    torch.testing.assert_close(found, by_hand)


def test_nothing_drawn_is_the_loss_itself(generator):
    model = models.untrained("cnn", (3, 8, 8), seed=1)
    own = ClassLoss(model, torch.tensor([3, 1]))
    x = torch.randn(2, 3, 8, 8, generator=generator)
    alone = robust.draw(own, 2, n=1, generator=generator)
    assert torch.equal(alone(x, torch.arange(2)), own(x, torch.arange(2)))


def test_it_is_a_function_drawn_once():
    own = Field(first_pixel)
    x = torch.rand(2, 1, 12, 12, generator=torch.Generator().manual_seed(3))
    first, again, other = (
        robust.draw(own, 2, n=6, jitter=3, scale=0.3, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    )
    pairs = torch.arange(2)
    assert torch.equal(first(x, pairs), first(x, pairs)) and torch.equal(first(x, pairs), again(x, pairs))
    assert not torch.equal(first(x, pairs), other(x, pairs))
    assert first.shifts.abs().max() <= 3 and (first.scales - 1).abs().max() <= 0.3
    assert first.shifts[0].tolist() == [0, 0] and first.scales[0] == 1


def test_gradients_reach_the_points():
    x = torch.rand(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    shifts = torch.tensor([[0, 0], [1, -1]])
    both = Robust(Field(lambda points: points.square().flatten(1).sum(1)), shifts, torch.tensor([1.0, 1.25]))
    assert torch.autograd.gradcheck(lambda points: both(points, torch.arange(1)), x)


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.0, 1.5, 2.0])
def test_rescaled_keeps_shape_and_constants(scale):
    x = torch.full((2, 3, 8, 8), 0.7)
    torch.testing.assert_close(rescaled(x, scale), x)


def test_rescaled_grows_and_shrinks_what_is_in_the_middle():
    x = torch.zeros(1, 1, 16, 16)
    x[..., 4:12, 4:12] = 1.0
    assert (rescaled(x, 1.5) > 0.5).sum() == 12 * 12 and (rescaled(x, 0.5) > 0.5).sum() == 4 * 4
    assert rescaled(torch.zeros(1, 1, 20), 0.7).shape == (1, 1, 20)
    middle = rescaled(x, 1.5)
    torch.testing.assert_close(middle, middle.flip(2).flip(3))  # around the middle


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda own, g: Robust(own, torch.zeros(2, 2), torch.ones(2)), r"shifts must be \(k, axes\) long"),
        (lambda own, g: Robust(own, SHIFTS, torch.ones(2)), r"shifts must be \(k, axes\) long and scales \(k,\)"),
        (lambda own, g: Robust(own, SHIFTS, torch.zeros(3)), "scales must be at least one factor above 0"),
        (lambda own, g: robust.draw(own, 2, scale=1.0, generator=g), r"scale must lie in \[0, 1\), got 1"),
        (lambda own, g: robust.draw(own, 2, jitter=-1, generator=g), "jitter must be at least 0"),
        (
            lambda own, g: Robust(own, SHIFTS, SCALES)(torch.zeros(1, 1, 8), torch.arange(1)),
            r"shifts along 2 axes need points \(n, channels, \*2 axes\), got shape \(1, 1, 8\)",
        ),
    ],
)
def test_bad_input(call, message, generator):
    with pytest.raises(ValueError, match=message):
        call(Field(first_pixel), generator)
