import pytest
import torch

from empirical import attacks, models, modes
from empirical.objectives import ClassLoss, losses


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
        (lambda m, x: modes.natural(m, x, torch.zeros(3)), r"labels must be a tensor \(n_pairs,\) of dtype long"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call(models.untrained("mlp", (4,), seed=0), torch.ones(3, 4))
