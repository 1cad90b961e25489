import random

import numpy as np
import pytest
import torch

from empirical.data import offline


@pytest.mark.parametrize(("name", "dimension"), [("digits", None), ("digits", 256), ("mnist1d", None), ("mnist1d", 25)])
def test_shapes_and_units(name, dimension):
    found = offline.load(name, dimension)
    usual = {"digits": 64, "mnist1d": 40}[name]
    assert found.dimension == (dimension or usual)
    assert found.x_train.mean().abs() < 1e-5 and found.x_train.std() == pytest.approx(1, abs=1e-5)
    assert found.n_classes == 10 and set(found.y_test.tolist()) == set(range(10))
    assert len(found.x_test) == len(found.y_test) and len(found.x_train) == len(found.y_train)


def test_train_and_test_share_no_input():
    for name in offline.NAMES:
        found = offline.load(name)
        train = {row.numpy().tobytes() for row in found.x_train}
        assert not any(row.numpy().tobytes() in train for row in found.x_test)


def test_mnist1d_leaves_the_global_randomness_alone():
    np.random.seed(5)  # noqa: NPY002 (the global state is what is tested)
    random.seed(5)
    expected = np.random.rand(), random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    made = offline.mnist1d(17, 200)
    assert (np.random.rand(), random.random()) == expected  # noqa: NPY002
    assert torch.equal(made.x_train, offline.mnist1d.__wrapped__(17, 200).x_train)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: offline.load("digit"), "unknown data set 'digit'.*did you mean 'digits'"),
        (lambda: offline.load("digits", 65), "dimension must be a square number, got 65; try 64"),
        (lambda: offline.load("mnist1d", 5), "length must be at least 10, got 5"),
        (lambda: offline.load("digits", 0), "dimension must be at least 1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
