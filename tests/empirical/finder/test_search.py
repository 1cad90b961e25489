"""What the host does in a search: as many operations for many pairs as for few, and pairs that make room for others."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from empirical.descent.states import SMALLEST_ROOM
from empirical.finder import find
from empirical.finder.find import find_paths
from empirical.finder.search import Search
from empirical.losses import evaluation
from empirical.losses.objectives import Field
from tests.empirical.fields import FREE, PROJECTED, ridge_with_pass

HOST_WAITS = ("aten._local_scalar_dense.default", "aten.nonzero.default")  # that a device makes the host wait for


class Counted(TorchDispatchMode):
    """Counts the operations that torch is asked for."""

    def __init__(self):
        super().__init__()
        self.n = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.n[str(function)] += 1
        return function(*args, **(kwargs or {}))


def across(n):
    """Ends of n lines across the ridge, one beside the other."""
    y = torch.linspace(-1, 0.5, n, dtype=torch.float64)
    return torch.stack([0 * y - 3, y], dim=1), torch.stack([0 * y + 3, y], dim=1)


def searched(n, finder):
    with Counted() as counted:
        found = find_paths(Field(ridge_with_pass(0.05)), *across(n), finder)
    assert all(one.connected for one in found)
    return counted.n


@pytest.mark.parametrize("scan", ["sparse", "dense"])
@pytest.mark.parametrize("finder", [FREE, PROJECTED], ids=["free", "projected"])
def test_a_thousand_pairs_take_as_many_operations_as_fifty(finder, scan, monkeypatch):
    """Where all fit in one batch; the longest descent sets the number of steps, for which there is some room."""
    monkeypatch.setattr(evaluation, "MOST_POINTS", 10**7)
    monkeypatch.setattr(evaluation, "CACHE", 2**40)
    finder = replace(finder, scan=scan, batch_size=1000, descent=replace(finder.descent, lr=0.1))
    few, many = searched(50, finder), searched(1000, finder)
    assert many.total() < 1.3 * few.total()
    assert sum(many[name] for name in HOST_WAITS) < 1.3 * sum(few[name] for name in HOST_WAITS)


@pytest.mark.parametrize("scan", ["sparse", "dense"])
def test_the_host_waits_a_few_times_a_stage(scan, monkeypatch):
    """For the number of rows that go on, however many pairs: counted over the steps of all descents, and the scans."""
    monkeypatch.setattr(evaluation, "MOST_POINTS", 10**7)
    monkeypatch.setattr(evaluation, "CACHE", 2**40)
    waits = {"_descend": [], "_scan": []}

    def count(stage):
        work = getattr(Search, stage)

        def counted(search):
            with Counted() as inside:
                work(search)
            waits[stage].append(sum(inside.n[name] for name in HOST_WAITS))

        monkeypatch.setattr(Search, stage, counted)

    for stage in waits:
        count(stage)
    finder = replace(FREE, scan=scan, batch_size=1000, descent=replace(FREE.descent, lr=0.1))
    found = find_paths(Field(ridge_with_pass(0.05)), *across(300), finder)
    assert all(one.connected for one in found)
    assert len(waits["_descend"]) > 5 and max(waits["_descend"]) <= 5
    assert max(waits["_scan"]) <= 32


def test_pairs_that_end_make_room_for_others(monkeypatch):
    """Many more pairs than a search holds, of several rounds: each is as it is alone, and no row is kept in vain."""
    searches = []
    monkeypatch.setattr(find, "Search", lambda *args: searches.append(Search(*args)) or searches[-1])
    finder = replace(FREE, batch_size=2, scan="sparse", descent=replace(FREE.descent, lr=0.1))
    a, c = across(60)
    together = find_paths(Field(ridge_with_pass(0.05)), a, c, finder)
    assert len(searches[0].pairs) == len(searches[0].paths.rows) == SMALLEST_ROOM < 2 * len(a)
    for i in range(0, 60, 7):
        (alone,) = find_paths(Field(ridge_with_pass(0.05)), a[i : i + 1], c[i : i + 1], finder)
        assert (alone.status, alone.steps, alone.born) == (together[i].status, together[i].steps, together[i].born)
        torch.testing.assert_close(alone.path.vertices, together[i].path.vertices, rtol=0, atol=1e-10)
