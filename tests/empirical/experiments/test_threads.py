"""`connect` keeps to one thread where its bits are worth more than time, and not where a pair takes minutes."""

import pytest
import torch

from empirical.ends.pairs import Subject
from empirical.experiments.connect.measure import threads_for

ANY = {"training": "untrained", "pair": "class-optimal"}


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (Subject("cnn1d", "mnist1d", "trained", "natural-natural"), 1),
        (Subject("mlp", "none", **ANY, dimension=784), 1),
        (Subject("resnet18", "none", **ANY), 1),  # 32 pixels
        (Subject("resnet18", "none", **ANY, dimension=3 * 224**2), 2),
        (Subject("efficientnet_lite0", "pictures", "trained", "natural-natural", weights="imagenet"), 2),
    ],
    ids=lambda one: getattr(one, "network", one),
)
def test_threads_of_a_search(monkeypatch, subject, expected):
    monkeypatch.setattr("empirical.threads._inside", 0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with threads_for(subject):
        found = torch.get_num_threads()
    torch.set_num_threads(before)
    assert found == expected
