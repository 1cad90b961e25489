import itertools
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import binom

from percolation import lattice_finder, runs
from percolation._kernels import lattice_finder as kernels
from tests.compiled import compiled

MASK = 2**64 - 1


def mix(key):
    key = (key ^ key >> 30) * 0xBF58476D1CE4E5B9 & MASK
    key = (key ^ key >> 27) * 0x94D049BB133111EB & MASK
    return key ^ key >> 31


class Cells:
    """Values of the cells of a pair, by coordinates from its start."""

    def __init__(self, way, p, seed):
        cells = lattice_finder.environment(np.array(way), p, seed)
        self.start, self.r, self.p = int(cells.start), [int(r) for r in cells.r], p
        self.ends = {(0,) * len(way), tuple(way)}

    def value(self, cell):
        key = (self.start + sum(x * r for x, r in zip(cell, self.r, strict=True))) & MASK
        return 0.0 if cell in self.ends else mix(key)

    def is_open(self, cell):
        return cell in self.ends or self.value(cell) < self.p * 2**64


def moved(cell, axis, way):
    return (*cell[:axis], cell[axis] + way, *cell[axis + 1 :])


def segment(start, end, cells):
    """Cells of the straight line, by the exact times at which it crosses faces."""
    here, path, crossings = tuple(start), [tuple(start)], {}
    for axis, (a, b) in enumerate(zip(start, end, strict=True)):
        for k in range(abs(b - a)):
            crossings.setdefault(Fraction(2 * k + 1, 2 * abs(b - a)), []).append((axis, 1 if b > a else -1))
    for time in sorted(crossings):
        due = crossings[time]
        while due:
            _, step = min((cells.value(moved(here, *step)), step) for step in due)
            due.remove(step)
            here = moved(here, *step)
            path.append(here)
    return path


def slow_bypass(start, end, cells, look_ahead, offsets):
    closed = [cell for cell in segment(start, end, cells) if not cells.is_open(cell)]
    worst = max(closed, key=cells.value)
    way = [b - a for a, b in zip(start, end, strict=True)]
    candidates = []
    for offset in offsets:
        along = sum(v * x for v, x in zip(way, offset, strict=True))
        cell = tuple(w + x for w, x in zip(worst, offset, strict=True))
        if any(offset) and abs(along) < sum(map(abs, way)) / 2 and cells.is_open(cell):
            candidates.append(cell)
            if len(candidates) == look_ahead:
                break

    def left_closed(cell):
        halves = segment(start, cell, cells), segment(cell, end, cells)
        return sum(not cells.is_open(one) for half in halves for one in half)

    return min(candidates, key=left_closed) if look_ahead > 1 else candidates[0]


def slow_search(way, p, look_ahead, max_rounds, seed, reach=6):
    """(ending, rounds, vertices), with offsets by distance, then by coordinates."""
    cells, d = Cells(way, p, seed), len(way)
    offsets = sorted(itertools.product(range(-reach, reach + 1), repeat=d), key=lambda x: (sum(c * c for c in x), x))
    chain, rounds = [(0,) * d, tuple(way)], 0
    while True:
        cut = [(a, b) for a, b in itertools.pairwise(chain) if not all(map(cells.is_open, segment(a, b, cells)))]
        if not cut:
            return "connected", rounds, chain
        if rounds == max_rounds:
            return "rounds", rounds, chain
        longer = [chain[0]]
        for a, b in itertools.pairwise(chain):
            if (a, b) in cut:
                bypass = slow_bypass(a, b, cells, look_ahead, offsets)
                if bypass in (a, b):
                    return "stalled", rounds, chain
                longer.append(bypass)
            longer.append(b)
        chain, rounds = longer, rounds + 1


@pytest.mark.parametrize("look_ahead", [1, 5])
@pytest.mark.parametrize(
    ("way", "p"), [((9, 0), 0.8), ((6, -3), 0.8), ((7, 0, 0), 0.7), ((3, -4, 3), 0.7), ((4, 0, 0, 2), 0.6)]
)
def test_every_search_equals_the_slow_twin(way, p, look_ahead):
    found = lattice_finder.between(
        [0] * len(way), list(way), p, n_pairs=12, look_ahead=look_ahead, max_rounds=4, seed=3
    )
    for i, seed in enumerate(runs.seeds(3, 12)):
        ending, rounds, chain = slow_search(way, p, look_ahead, 4, seed)
        assert lattice_finder.ENDINGS[found.status[i]].split(":")[0] == ending
        if ending == "connected" or ending == "rounds":
            assert (found.rounds[i], found.segments[i]) == (rounds, len(chain) - 1)
        if ending == "connected":
            cells = Cells(way, p, seed)
            path = [chain[0]] + [cell for a, b in itertools.pairwise(chain) for cell in segment(a, b, cells)[1:]]
            np.testing.assert_array_equal(found.paths[i], path)


@pytest.mark.parametrize("ties", lattice_finder.TIES)
@pytest.mark.parametrize(("start", "end"), [((0, 0, 0), (30, 0, 0)), ((5, -7, 2), (-4, 9, 2)), ((1, 2), (-20, 9))])
def test_every_path_returned_is_a_path_of_open_cells(start, end, ties):
    p, way = 0.85, np.subtract(end, start)
    found = lattice_finder.between(start, end, p, n_pairs=40, look_ahead=4, ties=ties, seed=5)
    assert found.connected.sum() > 10
    for path, connected, seed in zip(found.paths, found.connected, runs.seeds(5, 40), strict=True):
        if not connected:
            assert len(path) == 0
            continue
        cells = Cells(way, p, seed)
        assert tuple(path[0]) == tuple(start)
        assert tuple(path[-1]) == tuple(end)
        assert (np.abs(np.diff(path, axis=0)).sum(axis=1) == 1).all()
        assert all(cells.is_open(tuple(int(x) for x in cell)) for cell in path - np.array(start))


def test_the_straight_line_is_open_with_the_chance_of_its_cells():
    """p^(L - 1) of pairs need no round; the two tails of the binomial law at 1e-6."""
    n, p, L = 2000, 0.98, 64
    found = lattice_finder.find(3, L, p, n_pairs=n, seed=6)
    straight = int((found.connected & (found.rounds == 0)).sum())
    low, high = binom.ppf([5e-7, 1 - 5e-7], n, p ** (L - 1))
    assert low <= straight <= high
    assert all(len(path) == L + 1 for path in np.array(found.paths, dtype=object)[found.rounds == 0])


def test_the_numbers_to_meet_in_three_dimensions():
    """p = 0.9: success 0.86 +- 0.05, rounds 6.1 +- 0.2 in 1000 pairs; p = 0.6: none."""
    found = lattice_finder.find(3, 64, 0.9, n_pairs=1000, seed=1)
    assert found.success.value == pytest.approx(0.86, abs=0.05)
    assert found.mean_rounds.value == pytest.approx(6.1, abs=0.2)
    assert sum(found.endings().values()) == 1000


@pytest.mark.parametrize("d", [2, 3, 4, 5, 6])
def test_nothing_is_found_at_p_of_six_tenths(d):
    assert not lattice_finder.find(d, 64, 0.6, seed=2).connected.any()


@pytest.mark.parametrize(("d", "half"), [(2, 0.80), (3, 0.61), (4, 0.52), (5, 0.41), (6, 0.37)])
def test_look_ahead_finds_half_of_the_pairs_at(d, half):
    """With k = 64, the success crosses one half within 0.05 of the p stated."""
    below, above = (
        lattice_finder.find(d, 64, half + shift, n_pairs=60, look_ahead=64, seed=4).success.value
        for shift in (-0.05, 0.05)
    )
    assert below < 0.5 < above


def test_all_and_none():
    every = lattice_finder.find(4, 20, 1.0, n_pairs=5, seed=1)
    assert every.connected.all()
    assert (every.rounds == 0).all()
    assert every.success.error > 0
    none = lattice_finder.find(2, 20, 0.0, n_pairs=5, seed=1)
    assert not none.connected.any()
    assert np.isnan(none.mean_rounds.value)
    assert lattice_finder.find(2, 1, 0.0, n_pairs=5, seed=1).connected.all()  # neighbours


def test_no_open_cell_within_reach_is_said():
    """At p = 10^-9 none is open among 2^16 but the two ends, which the plane in the middle does not meet."""
    found = lattice_finder.find(3, 200, 1e-9, n_pairs=20, seed=1)
    assert found.endings()["candidates"] >= 10


def test_max_rounds_ends_a_search():
    found = lattice_finder.find(3, 64, 0.9, n_pairs=50, max_rounds=2, seed=1)
    assert found.rounds.max() == 2
    assert found.endings()["rounds"] > 10


def test_bits_do_not_depend_on_workers():
    one, four = (lattice_finder.find(3, 32, 0.85, n_pairs=24, seed=9, workers=workers) for workers in (1, 4))
    np.testing.assert_array_equal(one.status, four.status)
    np.testing.assert_array_equal(one.rounds, four.rounds)
    for a, b in zip(one.paths, four.paths, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("d", [2, 3, 6, 20])
def test_offsets_are_whole_shells_in_order(d):
    offsets = lattice_finder.offsets_by_distance(d)
    squares = (offsets**2).sum(axis=1)
    assert squares[0] == 0
    assert (np.diff(squares) >= 0).all()
    assert len(offsets) <= lattice_finder.MOST_OFFSETS
    assert len(np.unique(offsets, axis=0)) == len(offsets)
    for square in range(1, 4):
        shell = offsets[squares == square]
        assert len(shell) == 2**square * np.prod(range(d - square + 1, d + 1)) / np.prod(range(1, square + 1)) + (
            0 if square < 4 else 2 * d
        )
        np.testing.assert_array_equal(shell, shell[np.lexsort(shell.T[::-1])])


def test_drawn_ties_know_nothing_of_the_cells():
    """Else a direction whose cells are likely open would stand first: ranks of the first offset beside its r.

    Over 200 pairs a correlation of 0.3 is 4 standard deviations; drawn from the same stream it is 1.
    """
    offsets, seeds = lattice_finder.offsets_by_distance(4), runs.seeds(1, 200)
    keys = [lattice_finder.environment(np.array([1, 0, 0, 0]), 0.5, seed).r[0] / 2**64 for seed in seeds]
    ranks = [int((lattice_finder.shuffled(offsets[:9], seed)[1:] == offsets[1]).all(axis=1).argmax()) for seed in seeds]
    assert abs(np.corrcoef(keys, ranks)[0, 1]) < 0.3


def test_keys_of_the_twin_are_those_of_the_kernel():
    cells = lattice_finder.environment(np.array([5, -2]), 0.5, np.random.SeedSequence(1))
    assert compiled(kernels.key_of)(np.array([5, -2]), cells) == cells.end
    key = np.array([cells.start]) + cells.r[0]
    assert int(compiled(kernels.value)(key[0], cells)) == mix(int(key[0]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"p": 1.2}, r"p must lie in \[0, 1\], got 1.2"),
        ({"end": [3]}, "end must be a cell, d >= 2 integers in a row"),
        ({"end": [3, 4, 5]}, "one dimension, got 2 and 3"),
        ({"end": [0, 0]}, "must be two cells"),
        ({"end": [2**30, 0]}, "within 2\\^20"),
        ({"look_ahead": 0}, "look_ahead must be at least 1, got 0"),
        ({"n_pairs": 0}, "n_pairs must be at least 1, got 0"),
        ({"ties": "draw"}, "did you mean 'drawn'"),
        ({"seed": None}, "seed must be an integer, got None"),
    ],
)
def test_bad_input_is_refused_in_our_words(arguments, message):
    with pytest.raises(ValueError, match=message):
        lattice_finder.between(**{"start": [0, 0], "end": [3, 4], "p": 0.5, "seed": 1, **arguments})
