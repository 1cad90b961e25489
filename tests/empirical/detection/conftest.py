import pytest
import torch

from empirical.detection.protocol import Known, correct


@pytest.fixture
def known(cnn1d, signals):
    """The network with 600 of its training signals."""
    return Known(cnn1d, signals.x_train[:600], signals.y_train[:600], 10)


@pytest.fixture
def tested(cnn1d, signals):
    """Forty test signals that the network knows, and noise of the same size: nothing adversarial about either."""
    right = correct(cnn1d, signals.x_test, signals.y_test)
    x = signals.x_test[right][:40]
    return x, x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
