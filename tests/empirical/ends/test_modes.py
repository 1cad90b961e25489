from dataclasses import replace

import pytest
import torch

from empirical import attacks
from empirical.ends import modes
from empirical.losses.objectives import ClassLoss, losses, total_variation
from empirical.networks import models


def test_natural_modes_are_low(cnn1d, signals):
    found = modes.natural(cnn1d, signals.x_test, signals.y_test, stop=1e-3)
    assert 100 < len(found.points) < found.n_tried == 1000
    again = losses(ClassLoss(cnn1d, found.labels), found.points)
    torch.testing.assert_close(again, found.losses, rtol=1e-4, atol=1e-7)
    assert found.losses.max() <= 1e-3


def test_class_optimal_inputs_from_noise(generator):
    model = models.untrained("cnn1d", (1, 40), seed=2)
    labels = torch.arange(20) % 10
    found = modes.class_optimal(model, labels, (1, 40), generator=generator, batch_size=7)
    assert len(found.points) == found.n_tried == 20
    assert torch.equal(found.labels, labels)
    assert losses(ClassLoss(model, labels), found.points).max() <= 5e-4 * (1 + 1e-4)
    norms = found.points.flatten(1).norm(dim=1)
    assert norms.min() > 10 * 0.01 * 40**0.5  # a homogeneous network lowers its loss by norm: they grew


LABELS = torch.arange(8) % 4
RULE = replace(modes.CLASS_OPTIMAL, lr=0.3, iterations=1000)


@pytest.fixture(scope="module")
def image_network():
    return models.untrained("cnn", (3, 8, 8), 4, seed=1)


def class_optimal(network, rule=RULE, **options):
    """Eight of them from the same noise."""
    generator = torch.Generator().manual_seed(0)
    return modes.class_optimal(network, LABELS, (3, 8, 8), generator=generator, rule=rule, **options)


def test_total_variation_makes_class_optimal_inputs_smoother(image_network):
    plain, smooth = class_optimal(image_network), class_optimal(image_network, rule=replace(RULE, total_variation=1e-6))
    assert len(plain.points) == len(smooth.points) == 8
    assert (total_variation(smooth.points) < total_variation(plain.points)).all()
    assert losses(ClassLoss(image_network, LABELS), smooth.points).max() <= 5e-4 * (1 + 1e-4)


def test_weight_decay_makes_them_smaller(image_network):
    plain, small = class_optimal(image_network), class_optimal(image_network, rule=replace(RULE, weight_decay=1e-5))
    assert len(small.points) == 8
    assert small.points.flatten(1).norm(dim=1).mean() < plain.points.flatten(1).norm(dim=1).mean()


def test_bounds_hold_and_the_noise_lies_in_their_middle(image_network):
    limits = (0.0, 6.0)
    found = class_optimal(image_network, rule=replace(RULE, bounds=limits))
    assert len(found.points) >= 6  # not all can be had within bounds
    assert found.points.min() >= 0 and found.points.max() <= 6
    start = class_optimal(image_network, rule=replace(RULE, bounds=limits, iterations=1, stop=100.0))
    assert (start.points - 3).abs().max() < 0.06  # noise of 0.01


def test_robust_class_optimal_inputs_are_low_after_a_shift(image_network):
    """And low themselves; those found without stay low after fewer shifts."""
    rule = replace(RULE, stop=0.2)
    plain = class_optimal(image_network, rule)
    found = class_optimal(image_network, rule, transformed=modes.Transformed(n=8, jitter=1, scale=0.0))
    assert len(found.points) >= 6 and found.losses.max() <= 0.2

    def shifted(some):
        own, shifts = ClassLoss(image_network, some.labels), ((0, 1), (1, 0), (-1, 0), (0, -1))
        return torch.stack([losses(own, some.points.roll(shift, (2, 3))) for shift in shifts])

    torch.testing.assert_close(
        losses(ClassLoss(image_network, found.labels), found.points), found.losses, rtol=1e-3, atol=1e-6
    )
    assert shifted(found).median() < shifted(plain).median() / 3


def test_mixtures_lie_between_two_modes_of_a_class(cnn1d, signals, generator):
    natural = modes.natural(cnn1d, signals.x_test, signals.y_test)
    found = modes.interpolated(cnn1d, natural, 300, generator=generator)
    assert 20 < len(found.points) < found.n_tried == 300
    assert losses(ClassLoss(cnn1d, found.labels), found.points).max() <= 5e-4 * (1 + 1e-4)
    for point, label in zip(found.points[:20], found.labels[:20], strict=True):
        members = natural.points[natural.labels == label].flatten(1)
        off = point.flatten() - members
        # x = (1 - t) a + t b: the directions to a and b are opposite
        cosines = torch.nn.functional.normalize(off) @ torch.nn.functional.normalize(off).T
        i, j = divmod(int(cosines.argmin()), len(members))
        assert cosines[i, j] < -0.9999
        share = off[i].norm() / (off[i].norm() + off[j].norm())
        assert 0.25 - 1e-3 <= share <= 0.75 + 1e-3


def test_no_mixture_of_classes_with_one_mode(cnn1d, signals, generator):
    natural = modes.natural(cnn1d, signals.x_test, signals.y_test)
    alone = natural.select(torch.stack([(natural.labels == label).nonzero()[0, 0] for label in range(3)]))
    assert len(modes.interpolated(cnn1d, alone, 10, generator=generator).points) == 0


def test_a_diverse_set_is_the_farthest_apart():
    """Three clusters and n = 3: one of each. The smallest distance is at least half of the best there is."""
    generator = torch.Generator().manual_seed(2)
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = (centres.repeat(10, 1) + 0.5 * torch.randn(30, 2, generator=generator))[:, None]
    both = modes.Modes(torch.cat([points, points]), torch.tensor([2] * 30 + [7] * 30), torch.zeros(60), 60)
    found = modes.diverse(both, 3)
    assert found.labels.tolist() == [2] * 3 + [7] * 3
    chosen = found.points[:3, 0]
    assert sorted(torch.cdist(chosen, centres).argmin(1).tolist()) == [0, 1, 2]
    assert modes.diverse(both, 100).labels.tolist() == both.labels.tolist()


def test_a_diverse_set_is_within_a_factor_two_of_the_best():
    from itertools import combinations

    x = torch.randn(12, 1, 4, generator=torch.Generator().manual_seed(1))
    some = modes.Modes(x, torch.zeros(12).long(), torch.zeros(12), 12)
    chosen = modes.diverse(some, 4).points.flatten(1)

    def smallest(points):
        return torch.pdist(points).min()

    best = max(smallest(x[list(rows)].flatten(1)) for rows in combinations(range(12), 4))
    first = smallest(x[:4].flatten(1))
    assert smallest(chosen) >= best / 2 and smallest(chosen) > first


def test_targeted_attack_reaches_the_target_class(cnn1d, signals):
    natural = modes.natural(cnn1d, signals.x_test, signals.y_test)
    x, targets = natural.points[:20], (natural.labels[:20] + 1) % 10
    rule = attacks.Descent(lr=0.01, iterations=2048, deviation=0.001, first_check=32)
    found = attacks.targeted(cnn1d, x, targets, rule=rule, target_losses=torch.full((20,), 0.01))
    assert found.reached.float().mean() > 0.8
    assert (cnn1d(found.points).argmax(1) == targets)[found.reached].all()
    assert found.steps.min() >= 32
    assert (found.points - x).flatten(1).norm(dim=1).median() < x.flatten(1).norm(dim=1).median()


def test_pairs_within_class(generator):
    labels = torch.tensor([3] * 7 + [1] * 4 + [8])
    i, j = modes.pairs_within_class(labels, 100, generator=generator)
    assert len(i) == 5 and torch.equal(labels[i], labels[j])
    assert len(set(i.tolist() + j.tolist())) == 10  # disjoint
    first, _ = modes.pairs_within_class(labels, 2, generator=generator)
    assert sorted(labels[first].tolist()) == [1, 3]  # classes take turns
    assert modes.pairs_within_class(labels[-1:], 3, generator=generator)[0].numel() == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda m, x: modes.natural(m, x * torch.inf, torch.zeros(3).long()),
            "x holds NaN or infinite values at index 0",
        ),
        (lambda m, x: modes.natural(m, x, torch.zeros(9).long()), "one label for each of the 3 inputs, got 9"),
        (lambda m, x: modes.natural(m, x, torch.full((3,), -100)), "labels must be at least one class, counted from 0"),
        (lambda m, x: attacks.targeted(m, x, torch.zeros(2).long()), r"targets must be \(3,\), one for each source"),
        (
            lambda m, x: modes.natural(m, 2 * x, torch.zeros(3).long(), bounds=(0, 1)),
            r"inputs must lie in \[0, 1\], got 2 to 2 at index 0; scale them",
        ),
        (lambda m, x: modes.natural(m, x, torch.full((3,), 10)), "the model cannot take points .* labels 10..10"),
        (lambda m, x: modes.natural(m, x, torch.zeros(3)), r"labels must be a tensor \(n_pairs,\) of dtype long"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call(models.untrained("mlp", (4,), seed=0), torch.ones(3, 4))
