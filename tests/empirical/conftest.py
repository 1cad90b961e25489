from copy import deepcopy

import pytest
import torch

from empirical.data import offline
from empirical.ends import modes
from empirical.networks import models
from empirical.threads import one_thread


@pytest.fixture(autouse=True)
def on_one_thread():
    with one_thread():
        yield


@pytest.fixture(scope="session", autouse=True)
def _fixed_networks(fixed_networks):
    """Of fixed weights: no test hangs on the bits of a training."""


@pytest.fixture(scope="session")
def signals():
    return offline.mnist1d(40)


@pytest.fixture(scope="session")
def trained_cnn1d(signals):
    return models.trained("cnn1d", signals, seed=1)


@pytest.fixture
def cnn1d(trained_cnn1d):
    """A copy of its own for each test, which may turn it into float64."""
    return deepcopy(trained_cnn1d)


@pytest.fixture(scope="session")
def low_pairs(trained_cnn1d, signals):
    """low_pairs(n): n pairs of test signals of one class that the network knows, their ends and labels."""

    def draw(n):
        found = modes.natural(trained_cnn1d, signals.x_test, signals.y_test)
        i, j = modes.pairs_within_class(found.labels, n, generator=torch.Generator().manual_seed(0))
        return found.points[i], found.points[j], found.labels[i]

    return draw


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)
