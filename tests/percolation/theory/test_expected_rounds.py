"""Expected rounds of a line: one cut by hand, those of `respond` where no gradient turns, NaN if nothing is known."""

import re

import numpy as np
import pytest
from scipy.special import ndtr

from percolation.theory.rounds import expected_rounds, respond

LEVEL, STOP = 0.0, -0.3


def one_cut(beside):
    """Five points, gradients in the plane that turn by 0.4 radians a point; the top in the middle, its left beside."""
    angles, norms = 0.4 * np.arange(5), np.array([1.0, 2.0, 1.5, 1.0, 1.0])
    g = norms[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.array([-1.0, beside, 1.2, -9.0, -1.0]), g @ g.T, np.arange(5.0)


@pytest.mark.parametrize("length", [4.0, 2.0, 1.0])
@pytest.mark.parametrize("beside", [0.88, 0.92, 0.96])
def test_one_cut_by_hand(beside, length):
    """The cut moves by delta = 1.5 / 1.5 = 1, 4 / length points, to the ends at most. The point beside then lies at
    beside - 1.5 / 2 (2 / 1.5) (cos(0.4) + sigma (e' - cos(0.4) e)), a Gaussian, and costs a second round where closed.

    20,000 draws: errors of 0.0035, 4 of them are allowed, and what the covariance is short of by rounding.
    """
    z, K, s = one_cut(beside)
    way = np.minimum(np.array([1, 3, 5, 7]) / 8 * 4 / length, 2)
    sigma = 1 - np.interp(way, np.arange(5), np.cos(0.4 * np.arange(5))).mean()
    mean, deviation = beside - np.cos(0.4), sigma * np.sqrt(1 - np.cos(0.4) ** 2)
    found = expected_rounds(z, K, s, length, level=LEVEL, stop=STOP, n_draws=20_000, seed=1)
    assert found == pytest.approx(1 + ndtr((mean - LEVEL) / deviation), abs=0.016)


def test_lines_of_one_number_are_told_apart():
    lines = [one_cut(beside) for beside in (0.86, 0.89, 0.91, 1.0)]
    z, K = (np.array([line[i] for line in lines]) for i in (0, 1))
    s = lines[0][2]
    assert respond(z, K, s, level=LEVEL, stop=STOP).rounds.tolist() == [1, 1, 1, 2]
    found = expected_rounds(z, K, s, 2.0, level=LEVEL, stop=STOP)
    assert (np.diff(found) > 0).all() and 1 < found[0] < 1.2 and 1.8 < found[3] <= 2


def rough(m, n=48, turning=1.0, seed=0):
    """m lines of n points, the ends low; turning: 0 of gradients that change in length alone."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((m, n)).cumsum(axis=1) * 0.4
    z[:, [0, -1]] = -1
    g = turning * rng.standard_normal((m, n, 20)).cumsum(axis=1) + rng.standard_normal((m, 1, 20))
    if not turning:
        g = g * rng.uniform(0.5, 2, (m, n, 1))
    return z, g @ g.transpose(0, 2, 1), np.linspace(0, 1, n)


def test_gradients_that_do_not_turn_leave_nothing_uncertain():
    z, K, s = rough(30, turning=0)
    expected = respond(z, K, s, level=LEVEL, stop=STOP).rounds
    assert len(set(expected)) > 2
    np.testing.assert_array_equal(expected_rounds(z, K, s, 2.0, level=LEVEL, stop=STOP), expected)


def test_closed_lines_stay_closed_and_lines_alone_are_as_together(monkeypatch):
    z, K, s = rough(30)
    z[:5] = -1.0  # open
    lengths = np.linspace(0.2, 2, 30)
    together = expected_rounds(z, K, s, lengths, level=LEVEL, stop=STOP)
    first_order = respond(z, K, s, level=LEVEL, stop=STOP).rounds
    assert (together[:5] == 0).all() and (together[first_order > 0] >= 1).all()
    assert (together != first_order).sum() > 5
    monkeypatch.setattr("percolation.theory.rounds.expected.BLOCK", 4 * 48**2)
    np.testing.assert_array_equal(together, expected_rounds(z, K, s, lengths, level=LEVEL, stop=STOP))
    alone = expected_rounds(z[7], K[7].astype(np.float32), s, lengths[7], level=LEVEL, stop=STOP)
    assert alone == pytest.approx(together[7], abs=2 / 64)


def test_where_nothing_is_known_there_is_nan():
    z, K, s = rough(3)
    z[1, 0], K[2] = 1.0, 0.0
    z[2, 5] = 2.0
    found = expected_rounds(z, K, s, 2.0, level=LEVEL, stop=STOP)
    assert np.isnan(found).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lengths": -1.0}, "lengths must be finite, 0 or more, one for each of 1 lines, got -1.0"),
        ({"lengths": [1.0, 2.0]}, "one for each of 1 lines"),
        ({"lengths": np.nan}, "lengths must be finite"),
        ({"n_draws": 0}, "n_draws"),
        ({"stop": 0.0}, "stop must lie below the level"),
        ({"values": np.full(5, np.nan)}, "values of line 0 hold NaN"),
    ],
)
def test_bad_input_is_refused(change, words):
    z, K, s = one_cut(0.1)
    given = {"values": z, "gram": K, "positions": s, "lengths": 4.0, "level": LEVEL, "stop": STOP}
    with pytest.raises(ValueError, match=re.escape(words)):
        expected_rounds(**given | change)
