"""The attack that knows the detector."""

import pytest
import torch

from empirical import attacks
from empirical.detection import classifiers, curve
from empirical.detection.adaptive import Evasion, evade, margin, suspicion
from empirical.detection.protocol import correct

BOUNDS, EPSILON = (-6.0, 6.0), 0.6


@pytest.fixture
def attacked(known, signals):
    """Sixty signals that the network knows, and PGD on them."""
    right = correct(known.model, signals.x_test, signals.y_test)
    x, y = signals.x_test[right][:60], signals.y_test[right][:60]
    generator = torch.Generator().manual_seed(0)
    return x, y, attacks.attack("pgd", known.model, x, y, epsilon=EPSILON, bounds=BOUNDS, generator=generator)


@pytest.fixture
def detector(known, attacked):
    """A loss curve and its classifier of PGD, and the score of an input."""
    x, _, found = attacked
    loss_curve = curve.curve(known, torch.Generator().manual_seed(0))
    features = torch.cat([loss_curve.of(x), loss_curve.of(found.points)]).numpy().astype(float)
    return loss_curve, classifiers.linear(features, torch.arange(len(features)).numpy() >= len(x))


def run(known, attacked, score, **more):
    x, y, found = attacked
    setting = {"epsilon": EPSILON, "bounds": BOUNDS, "rule": Evasion(steps=40)} | more
    return evade(known.model, score, x, y, found.points, **setting)


def test_it_evades_what_pgd_does_not(known, attacked, detector):
    score = suspicion(*detector)
    found, before = run(known, attacked, score), attacked[2]
    both = found.success & before.success
    assert found.rate >= before.rate and both.sum() > 40
    assert (found.points - attacked[0]).abs().max() <= EPSILON * (1 + 1e-5)
    assert (known.model(found.points[found.success]).argmax(1) != attacked[1][found.success]).all()
    scores = score(before.points[both]), score(found.points[both])
    assert (scores[1] <= scores[0] + 1e-4).all()  # its start is the first of its iterates
    assert (scores[1] < scores[0] - 0.5).float().mean() > 0.7


def test_the_score_of_a_tensor_is_the_classifiers(attacked, detector):
    loss_curve, classifier = detector
    found = suspicion(*detector)(attacked[0])
    expected = classifier(loss_curve.features(attacked[0]))
    torch.testing.assert_close(found.double(), torch.as_tensor(expected), atol=1e-3, rtol=1e-3)


def test_a_larger_budget_hides_more(known, attacked, detector):
    score = suspicion(*detector)
    near, far = (run(known, attacked, score, epsilon=size * EPSILON) for size in (1, 2))
    both = near.success & far.success
    assert score(far.points[both]).median() < score(near.points[both]).median()
    assert far.distances[both].median() > near.distances[both].median()


def test_without_a_detector_it_is_an_attack(known, attacked):
    """A score that never changes: only the margin moves the points, from the natural inputs themselves."""
    x, y, _ = attacked
    found = evade(
        known.model,
        lambda points: 0 * points.flatten(1).sum(1),
        x,
        y,
        x,
        epsilon=EPSILON,
        bounds=BOUNDS,
        rule=Evasion(30),
    )
    assert found.rate > 0.8


def test_margin_by_hand():
    logits = torch.tensor([[1.0, 4, 2], [5, 0, 3]])
    assert margin(logits, torch.tensor([1, 2])).tolist() == [2, -2]


@pytest.mark.parametrize(
    ("change", "message"), [({"steps": 0}, "steps must be at least 1"), ({"step": 0.0}, "step must")]
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        Evasion(**change)
