"""Linear response of a line: against explicit coordinates where it is exact, the stationary recursion, invariants."""

import math
import re
import time
import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from percolation.theory import rounds
from percolation.theory.rounds import profiles, recursion
from percolation.theory.rounds.response import LEFT, PLACE, RIGHT, ROUND, respond

LEVEL, STOP = 0.0, -0.3


class Toy:
    """z(x) = h(x_0) + g(x_0) . (x_1, ...): linear beside the line from 0 to (L, 0, ...), where the theory is exact."""

    def __init__(self, seed, n_points=41, n_across=5, length=2.0):
        rng = np.random.default_rng(seed)
        self.s = np.sort(np.concatenate([[0, length], rng.uniform(0, length, n_points - 2)]))
        self.h = np.cumsum(rng.standard_normal(n_points)) * 0.4
        self.h[[0, -1]] = -0.5
        self.g = np.cumsum(rng.standard_normal((n_points, n_across)), axis=0) * 0.3 + rng.standard_normal(n_across)

    @property
    def gram(self):
        return self.g @ self.g.T

    def respond(self, **levels):
        return respond(self.h, self.gram, self.s, **({"level": LEVEL, "stop": STOP} | levels))

    def values(self, places, across):
        """z at all points of the path with vertices at places (v,) of the line, moved aside by across (v, n_across)."""
        y = np.stack([np.interp(self.s, self.s[places], one) for one in across.T], axis=1)
        return self.h + (self.g * y).sum(axis=1)

    def search(self):
        """The finder in explicit coordinates: places, across, largest z after each round, length of the first move."""
        places, across, highest, first = [0, len(self.s) - 1], [np.zeros(self.g.shape[1])] * 2, [], None
        while True:
            z = self.values(places, np.array(across))
            highest.append(z.max())
            tops = [a + int(z[a : b + 1].argmax()) for a, b in pairwise(places)]
            tops = [top for top in tops if z[top] > LEVEL + 1e-12]  # a vertex stands at stop
            if not tops:
                return np.array(places), np.array(across), np.array(highest), first
            for top in tops:
                steepness = np.linalg.norm(self.g[top])
                move = -self.g[top] / steepness * (z[top] - STOP) / steepness
                first = np.linalg.norm(move) if first is None else first
                here = np.stack([np.interp(self.s[top], self.s[places], one) for one in np.array(across).T])
                i = int(np.searchsorted(places, top))
                places.insert(i, top)
                across.insert(i, here + move)


@pytest.mark.parametrize("seed", range(25))
def test_exact_where_the_value_is_linear_beside_the_line(seed):
    """Rounds, segments, first move, largest value after every round, and every vertex, of 25 landscapes."""
    toy = Toy(seed)
    found, (places, across, highest, first) = toy.respond(), toy.search()
    assert found.rounds[0] == len(highest) - 1 and found.segments[0] == len(places) - 1
    np.testing.assert_allclose(found.highest[0], highest, atol=1e-9)
    if first is not None:
        assert found.displacement[0] == pytest.approx(first)
    path = found.path(0)
    np.testing.assert_array_equal(path.places, places)
    np.testing.assert_allclose(path.on_gradients @ toy.g, across, atol=1e-9)
    np.testing.assert_allclose(path.on_c * toy.s[-1], toy.s[places])
    np.testing.assert_allclose(path.on_a + path.on_c, 1)
    assert toy.values(path.places, path.on_gradients @ toy.g).max() <= LEVEL + 1e-9
    length = np.linalg.norm(np.diff(np.column_stack([toy.s[places], 1e-4 * across]), axis=0), axis=1).sum()
    if found.rounds[0] == 1:  # then the new pieces are those of the path
        assert found.stretch[0] == pytest.approx((length - toy.s[-1]) / 1e-8, rel=1e-4)


def test_toys_take_several_rounds():
    """What the test above is worth: all of 0 to 4 rounds occur, and cuts that swing other vertices."""
    found = [Toy(seed).respond() for seed in range(25)]
    assert {one.rounds[0] for one in found} >= {0, 1, 2, 3, 4}
    assert any((np.count_nonzero(one.path(0).on_gradients, axis=1) > 2).any() for one in found)


# p, m, L / xi, lines: CRC-32 of rounds and of segments (int64, little endian), sums of h and of the bending, all by the
# recursion that stood here before linear response, seed 11
FORMER = [
    (0.5, 0.5, 30, 200, 3225152741, 971144924, 387.8817946132888, 649.4070369076769),
    (0.1, 1.5, 12, 200, 12073387, 3168778394, 511.7136735357107, 2189.7369070395307),
    (0.9, 0.1, 30, 200, 1990137319, 1691589535, 141.31836502514972, 42.33451650172628),
    (0.01, 0.5, 3, 100, 3380539822, 765291286, 140.38888487238378, 344.2799711962135),
    (0.3, 0.2, 0.5, 100, 754912935, 1580243778, -25.53319380219394, 0.19970596047712375),
]


@pytest.mark.parametrize(("p", "m", "length", "n", "n_rounds", "n_segments", "highest", "bending"), FORMER)
def test_stationary_case_is_the_former_recursion(p, m, length, n, n_rounds, n_segments, highest, bending):
    """Every line's rounds and segments the same, heights to rounding."""
    cuts = rounds.one_dimensional(p, m, length, n_samples=n, seed=11)
    assert zlib.crc32(cuts.n_rounds.astype("<i8").tobytes()) == n_rounds
    assert zlib.crc32(cuts.n_segments.astype("<i8").tobytes()) == n_segments
    assert cuts.highest.sum() == pytest.approx(highest, rel=1e-12)
    assert cuts.bending.sum() == pytest.approx(bending, rel=1e-12)


def test_stationary_case_with_its_gram_matrix_written_out():
    """`respond` on lines whose ends are low, K = exp(-(s - s')^2 / 2), and `one_dimensional` on the same lines."""
    grid = profiles.grid(8.0, 0.1)
    (g,) = profiles.profiles(grid, 300, np.random.default_rng(2))
    g = g[(g[:, [0, -1]] < -0.5).all(axis=1)]
    s = grid.distances
    K = np.exp(-((s[:, None] - s) ** 2) / 2)
    found = respond(g, np.broadcast_to(K, (len(g), *K.shape)), s, level=0.0, stop=-0.5)
    done = recursion._cut(g, 0.0, 0.5, grid)
    np.testing.assert_array_equal(found.rounds, done.rounds)
    np.testing.assert_array_equal(found.segments, done.n_cuts + 1)
    np.testing.assert_allclose(found.stretch, done.stretch / s[1], rtol=1e-9)
    assert len(g) > 20 and found.rounds.max() > 2


def test_descents_that_do_not_follow_the_gradient():
    """u = 2 g moves twice as far for the same products halved; u with a part that changes nothing only goes further."""
    toy = Toy(3)
    plain = toy.respond()
    norms = np.linalg.norm(toy.g, axis=1)
    twice = respond(toy.h, 2 * toy.gram, toy.s, level=LEVEL, stop=STOP, norms=2 * norms)
    aside = respond(toy.h, toy.gram, toy.s, level=LEVEL, stop=STOP, norms=np.hypot(norms, 3.0))
    for other in (twice, aside):
        np.testing.assert_array_equal(other.cuts, plain.cuts)
    np.testing.assert_allclose(twice.displacement, plain.displacement)
    first = plain.cuts[0, PLACE]
    assert aside.displacement[0] == pytest.approx(plain.displacement[0] * math.hypot(norms[first], 3.0) / norms[first])


def many(n=30):
    toys = [Toy(seed) for seed in range(n)]
    s = toys[0].s
    return np.stack([toy.h for toy in toys]), np.stack([toy.gram for toy in toys]), s


def test_a_line_does_not_depend_on_the_others():
    z, K, s = many()
    together = respond(z, K, s, level=LEVEL, stop=STOP)
    for i in range(len(z)):
        alone = respond(z[i], K[i], s, level=LEVEL, stop=STOP)
        for name in ("rounds", "segments", "displacement", "stretch"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[i])
        np.testing.assert_array_equal(alone.highest[0], together.highest[i][: alone.highest.shape[1]])
        assert np.isnan(together.highest[i][alone.highest.shape[1] :]).all()
        for one, other in zip(alone.cuts_of(0), together.cuts_of(i), strict=True):
            np.testing.assert_array_equal(one, other)


def test_levels_of_each_line():
    z, K, s = many(6)
    levels = np.linspace(-0.2, 0.8, 6)
    together = respond(z, K, s, level=levels, stop=levels - 0.1)
    alone = [respond(z[i], K[i], s, level=levels[i], stop=levels[i] - 0.1).rounds[0] for i in range(6)]
    np.testing.assert_array_equal(together.rounds, alone)


@given(seed=st.integers(0, 10**6), unit=st.floats(0.1, 10), stretch=st.floats(0.1, 10), shift=st.floats(-3, 3))
def test_invariants(seed, unit, stretch, shift):
    """Units of z, x and s change nothing but the units; pieces halve, so that R < segments <= 2^R; all is open then."""
    toy = Toy(seed, n_points=15)
    one = toy.respond()
    other = respond(
        unit * toy.h + shift,
        unit**2 * toy.gram,
        stretch * toy.s - shift,
        level=unit * LEVEL + shift,
        stop=unit * STOP + shift,
    )
    for name in ("rounds", "segments", "cuts"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_allclose(other.displacement, one.displacement)
    np.testing.assert_allclose(other.highest, unit * one.highest + shift, atol=1e-8)
    np.testing.assert_allclose(other.stretch, one.stretch / stretch)
    assert one.rounds[0] < one.segments[0] <= 2 ** one.rounds[0]
    assert one.highest[0, -1] <= LEVEL and (one.highest[0, :-1] > LEVEL).all()
    cuts, weights = one.cuts_of(0)
    assert (weights > 0).all() and len(cuts) == one.segments[0] - 1
    assert ((cuts[:, LEFT] < cuts[:, PLACE]) & (cuts[:, PLACE] < cuts[:, RIGHT])).all()
    assert cuts[:, ROUND].max(initial=0) == one.rounds[0]


def test_a_line_without_prediction_is_nan_with_its_reason():
    z, K, s = many(4)
    K[1] = 0
    z[2, 0] = 0.1
    found = respond(z, K, s, level=LEVEL, stop=STOP)
    assert [bool(reason) for reason in found.reasons] == [False, True, True, False]
    assert re.search(r"no gradient across the line at s = [\d.]+, where it has to be cut", found.reasons[1])
    assert found.reasons[2] == "an end lies above the level"
    for name in ("rounds", "segments", "displacement", "stretch", "highest"):
        assert np.isnan(getattr(found, name)[1:3]).all()
        assert not np.isnan(getattr(found, name)[[0, 3]].ravel()[0])
    with pytest.raises(ValueError, match="line 1 has no predicted path: no gradient"):
        found.path(1)
    whole = respond(z[[0, 3]], K[[0, 3]], s, level=LEVEL, stop=STOP)
    np.testing.assert_array_equal(found.cuts, whole.cuts)
    np.testing.assert_array_equal(found.path(3).on_gradients, whole.path(1).on_gradients)


def test_an_open_line_needs_no_gradient():
    found = respond(np.full(5, -1.0), np.zeros((5, 5)), np.arange(5.0), level=LEVEL, stop=STOP)
    assert (found.rounds[0], found.segments[0], found.highest.tolist()) == (0, 1, [[-1.0]])
    assert np.isnan(found.displacement[0]) and found.path(0).places.tolist() == [0, 4]


GOOD = {"values": [-1, 1, -1.0], "gram": np.eye(3), "positions": [0.0, 1, 2], "level": 0.0, "stop": -0.5}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"values": [-1, -1.0], "gram": np.eye(2), "positions": [0, 1]}, "a line needs 3 or more points"),
        ({"values": [[[-1, 1, -1.0]]]}, "values and gram must be floats (m, 3) and (m, 3, 3)"),
        (
            {"gram": np.eye(4)},
            "values and gram must be floats (m, 3) and (m, 3, 3) for 3 positions, got (3,) and (4, 4)",
        ),
        ({"gram": np.eye(3, dtype=int)}, "of int64"),
        ({"values": np.zeros((0, 3)), "gram": np.zeros((0, 3, 3))}, "values and gram must be floats"),
        ({"positions": [0, 2, 1]}, "positions must be finite and increase"),
        ({"positions": [0, 1, np.inf]}, "positions must be finite and increase"),
        ({"values": [-1, np.nan, -1]}, "values of line 0 hold NaN or infinite numbers; leave out the line"),
        ({"gram": np.full((3, 3), np.nan)}, "gram of line 0 hold NaN"),
        ({"norms": [1.0, 1.0]}, "norms must be (1, 3) lengths of 0 or more, got (2,)"),
        ({"norms": [1.0, -1.0, 1.0]}, "norms must be (1, 3) lengths"),
        ({"stop": 0.0}, "stop must lie below the level, got stop=0, level=0"),
        ({"stop": [0.1]}, "stop must lie below the level, got stop=0.1"),
        ({"level": np.nan}, "level must be a finite number"),
        ({"level": [0.0, 1.0]}, "level must be a finite number, or one for each of 1 lines"),
    ],
)
def test_bad_input_is_refused(change, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        respond(**GOOD | change)


@pytest.mark.slow
def test_ten_thousand_lines_in_a_moment():
    """10^4 lines of 96 points, 1000 of them ten times, on one core: the goal is 10 s of its time."""
    rng = np.random.default_rng(0)
    g = rng.standard_normal((1000, 96, 30)).cumsum(axis=1) * 0.2 + rng.standard_normal((1000, 1, 30))
    z = rng.standard_normal((1000, 96)).cumsum(axis=1) * 0.3
    z[:, [0, -1]] = -1
    K, s = g @ g.transpose(0, 2, 1), np.linspace(0, 1, 96)
    respond(z[:2], K[:2], s, level=0.0, stop=-0.5)  # compile
    began = time.process_time()
    mean = np.mean([respond(z, K, s, level=0.0, stop=-0.5).rounds.mean() for _ in range(10)])
    seconds = time.process_time() - began
    print(f"\n10,000 lines of 96 points, {mean:.2f} rounds: {seconds:.2f} s, {seconds / 10:.1%} of the goal")
    assert seconds < 10
