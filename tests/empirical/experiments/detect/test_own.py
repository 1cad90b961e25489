"""`empirical.detector(...).fit(natural, adversarial).score(x)`: two lines for one's own network."""

import numpy as np
import pytest
import torch
from torch import nn

import empirical
from empirical.detection.protocol import correct


@pytest.fixture(scope="module")
def inputs(trained_cnn1d, signals):
    """Test signals that the network knows, and adversarial ones made of them."""
    known = correct(trained_cnn1d, signals.x_test, signals.y_test)
    x, y = signals.x_test[known][:200], signals.y_test[known][:200]
    moving = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(nn.functional.cross_entropy(trained_cnn1d(moving), y), moving)
    return x, x + 0.6 * slope.sign()


@pytest.mark.parametrize("name", ["curve_logits", "mahalanobis", "curve_boosted"])
def test_adversarial_inputs_have_higher_scores(name, trained_cnn1d, signals, inputs):
    natural, adversarial = inputs
    made = empirical.detector(trained_cnn1d, signals.x_train[:1000], signals.y_train[:1000], name)
    fitted = made.fit(natural[:150], adversarial[:120])  # as many of each as there are
    scores = fitted.score(natural[150:]), fitted.score(adversarial[150:])
    assert [one.shape for one in scores] == [(50,), (50,)]
    ordered = (scores[1][:, None] > scores[0]).mean()  # 0.86 and more, +-0.04; of chance 0.5
    assert ordered > 0.7
    assert repr(fitted) == f"Fitted({name!r}, classifier {'boosting' if 'boosted' in name else 'logistic'})"


def test_as_users_have_them(trained_cnn1d, signals, inputs):
    """Arrays, lists of labels, a network that returns a dict: the scores are the same."""

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = trained_cnn1d

        def forward(self, x):
            return {"logits": self.network(x)}

    x, y = signals.x_train[:500], signals.y_train[:500]
    natural, adversarial = inputs
    expected = empirical.detector(trained_cnn1d, x, y, seed=3).fit(natural, adversarial).score(natural[:5])
    own = empirical.detector(Own().eval(), x.double().numpy(), y.tolist(), seed=3)
    found = own.fit(natural.numpy(), adversarial.double().numpy()).score(list(natural[:5]))
    np.testing.assert_allclose(found, expected)


def test_bad_input(trained_cnn1d, signals, inputs):
    x, y = signals.x_train[:500], signals.y_train[:500]
    made = empirical.detector(trained_cnn1d, x, y)
    for call, message in (
        (lambda: empirical.detector(trained_cnn1d, x, y, "curves"), "unknown detector 'curves'.*did you mean 'curve'"),
        (lambda: empirical.detector(trained_cnn1d, x, y + 8), "classes must lie in 0..9, the network's, got"),
        (lambda: empirical.detector(trained_cnn1d, x, y[:3]), r"y must be \(500,\), one class for each point"),
        (lambda: made.fit(inputs[0], inputs[1][:0]), "adversarial is empty, at least one point is needed"),
        (lambda: made.fit(inputs[0], torch.full((2, 1, 40), torch.nan)), "adversarial holds NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
