"""Points and labels as users have them: converted where harmless, else one line."""

import numpy as np
import pytest
import torch

from empirical.data import given

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 3, 6, 6), dtype=np.uint8)


@pytest.mark.parametrize(
    ("x", "dtype", "expected", "said"),
    [
        (torch.ones(2, 3), torch.float32, torch.ones(2, 3), []),
        (np.ones((2, 3), dtype=np.float32), None, torch.ones(2, 3), []),
        ([[1.0, 2.0]], None, torch.tensor([[1.0, 2.0]], dtype=torch.float64), []),
        ([torch.zeros(3), torch.ones(3)], None, torch.stack([torch.zeros(3), torch.ones(3)]), []),
        (np.ones((2, 3)), torch.float32, torch.ones(2, 3), ["points: float64, made float32 as the network"]),
        (PIXELS, None, torch.tensor(PIXELS) / 255, ["points: uint8, divided by 255"]),
        (
            PIXELS.transpose(0, 2, 3, 1),
            torch.float32,
            torch.tensor(PIXELS) / 255,
            ["points: uint8, divided by 255", "points: channels stood last, put first: (2, 3, 6, 6)"],
        ),
        (
            PIXELS[0].transpose(1, 2, 0) / 255,
            torch.float64,
            torch.tensor(PIXELS[0] / 255),
            ["points: channels stood last, put first: (3, 6, 6)"],
        ),
    ],
)
def test_points(x, dtype, expected, said):
    found, notes = given.points(x, dtype)
    assert torch.equal(found, expected) and found.dtype == expected.dtype and notes == said


@pytest.mark.parametrize("y", [[1, 0], (1, 0), np.array([1, 0], dtype=np.uint8), torch.tensor([1, 0]), [1.0, 0.0]])
def test_labels(y):
    found = given.labels(y, 2)
    assert found.dtype == torch.long and found.tolist() == [1, 0]


def test_one_label_for_all():
    assert given.labels(3, 2).tolist() == [3, 3] and given.labels(np.int64(3), 1).tolist() == [3]
    assert given.labels([[3], [4]], 2).tolist() == [3, 4]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: given.points(np.arange(6).reshape(2, 3)), "must hold floating numbers, or uint8 pictures, got int64"),
        (lambda: given.points([[1.0], [1.0, 2.0]]), "must be a tensor, an array or a list of numbers, got list"),
        (lambda: given.points("cat.png"), "must be a tensor, an array or a list of numbers, got str"),
        (lambda: given.labels([1, 2, 3], 2), r"labels must be \(2,\), one class for each point, got \(3,\)"),
        (lambda: given.labels(np.eye(2), 2), r"got \(2, 2\); one-hot labels are given as labels.argmax\(1\)"),
        (lambda: given.labels([0.5, 1], 2), r"must be classes counted from 0, whole numbers, got \[0.5, 1.0\]"),
        (lambda: given.labels([-1, 1], 2), "must be classes counted from 0"),
        (lambda: given.labels(["cat", "dog"], 2), "labels must be a tensor, an array or a list of numbers, got list"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
