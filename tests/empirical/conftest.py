import pytest
import torch

from empirical import data, models


@pytest.fixture(autouse=True)
def one_thread():
    with models.one_thread():
        yield


@pytest.fixture(scope="session")
def signals():
    return data.mnist1d(40)


@pytest.fixture(scope="session")
def cnn1d(signals):
    return models.trained("cnn1d", signals, seed=1)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)
