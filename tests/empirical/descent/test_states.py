import torch

from empirical.descent.states import Table, joined, length, selected, where


def test_rows_of_states():
    some, none = {"x": torch.tensor([1, 2, 3]), "y": torch.tensor([[1.0], [2.0], [3.0]])}, {}
    assert (length(some), length(none)) == (3, 0)
    high = selected(some, where(some["x"] > 1))
    assert high["x"].tolist() == [2, 3] and high["y"].tolist() == [[2.0], [3.0]]
    assert joined() == joined(none, none) == {}
    assert joined(none, some)["x"] is some["x"]
    assert joined(some, none, high)["x"].tolist() == [1, 2, 3, 2, 3]


def test_a_table_gives_rows_again_that_were_given_back():
    table = Table(x=torch.empty(0, 2), n=torch.empty(0, dtype=torch.long))
    first = table.take(x=torch.ones(100, 2), n=torch.arange(100))
    room = len(table)
    assert len(set(first.tolist())) == 100 <= room and table.used.sum() == 100
    assert torch.equal(table["n"][first], torch.arange(100))
    table.give_back(first[10:90])
    again = table.take(x=torch.zeros(80, 2), n=torch.full((80,), 7))
    assert len(table) == room and table.used.sum() == 100
    assert set(again.tolist()).isdisjoint(set(first[:10].tolist()) | set(first[90:].tolist()))
    assert (table["n"][again] == 7).all() and table["n"][first[90:]].tolist() == list(range(90, 100))
    assert len(table.take(x=torch.zeros(0, 2), n=torch.zeros(0, dtype=torch.long))) == 0
