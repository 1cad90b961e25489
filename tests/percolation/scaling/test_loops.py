import itertools

import numpy as np
import pytest

from percolation.scaling import loops


def walks(d, n):
    """Every walk of n steps on Z^d, (n_walks, n, d), and whether it never turns back at once, (n_walks,)."""
    steps = np.vstack([np.eye(d, dtype=int), -np.eye(d, dtype=int)])
    taken = steps[np.array(list(itertools.product(range(2 * d), repeat=n)))]
    turns = (taken[:, 1:] + taken[:, :-1] == 0).all(axis=2).any(axis=1)
    return taken, ~turns


@pytest.mark.parametrize(("d", "n"), [(1, 6), (2, 4), (2, 6), (2, 8), (3, 4), (3, 6)])
def test_returns_are_those_of_all_walks(d, n):
    taken, straight_on = walks(d, n)
    returned = (taken.sum(axis=1) == 0).all(axis=1)
    assert loops.closed_walks(d, n)[n] == returned.sum()
    assert loops.returns(d, n)[n] == pytest.approx(returned[straight_on].mean(), abs=1e-15)


def test_walks_of_odd_length_do_not_return():
    assert (loops.returns(4, 21)[1::2] == 0).all()


@pytest.mark.parametrize("d", [7, 8, 14])
def test_missing_falls_as_the_power_of_a_random_walk_in_the_end(d):
    """t^-(d - 4)/2, to 2 % between t = 200 and 400."""
    missing = loops.missing(d, 400)
    assert np.log2(missing[200] / missing[400]) == pytest.approx((d - 4) / 2, rel=0.02)


def test_missing_counts_loops_of_pairs_of_branches():
    d, t, u = 9, 5, 12
    R = loops.returns(d, 2 * u + 2)
    pairs = [(i, j) for i in range(t + 1, u + 1) for j in range(i + 1)]
    expected = sum(R[i + j + 2] * (0.5 if i == j else 1) for i, j in pairs)
    missing = loops.missing(d, 30)
    assert missing[t] - missing[u] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("d", [7, 9])
def test_missing_hangs_little_on_where_the_exact_part_ends(d, monkeypatch):
    """An end twice as early moves it by 1 % at most."""
    late = loops.missing(d, 128)
    monkeypatch.setattr(loops, "N_EXACT", loops.N_EXACT // 2)
    early = loops.missing.__wrapped__(d, 128)
    np.testing.assert_allclose(early, late, rtol=0.01)
