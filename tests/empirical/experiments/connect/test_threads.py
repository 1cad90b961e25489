"""`connect` keeps to one thread where its bits are worth more than time, and not where a pair takes minutes."""

import pytest
import torch

from empirical.threads import threads_for


@pytest.mark.parametrize(
    ("shape", "expected"), [((1, 40), 1), ((784,), 1), ((3, 32, 32), 1), ((3, 64, 64), 1), ((3, 224, 224), 2)]
)
def test_threads_of_a_search(monkeypatch, shape, expected):
    monkeypatch.setattr("empirical.threads._inside", 0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with threads_for(shape):
        found = torch.get_num_threads()
    torch.set_num_threads(before)
    assert found == expected
