from fractions import Fraction
from math import comb

import numpy as np
import pytest

from percolation import lattices, sweeps
from percolation.scaling import FirstSteps, crossing, last_crossing
from percolation.theory import thresholds as known
from tests.statistical import assert_covers


def invented(length, n, *, seed, shift=0.0, p_c=0.4, nu=1.0):
    """First steps of n realisations of length^2 sites, (p_first - p_c - shift) length^(1/nu) of one law."""
    rng = np.random.default_rng(seed)
    p_first = p_c + shift + 0.3 * (rng.gumbel(0.2, 1.0, n)) * length ** (-1 / nu)
    return FirstSteps(np.clip(np.round(p_first * length**2), 0, length**2).astype(np.int64), length**2)


def test_probability_is_the_canonical_average_of_a_step():
    first = FirstSteps(np.array([3] * 9 + [8]), 7)  # 8: never
    p = Fraction(1, 3)
    exact = float(sum(comb(7, n) * p**n * (1 - p) ** (7 - n) for n in range(3, 8)))
    found = first.probability([[0.0, 1 / 3, 1.0]])
    assert found.shape == (10, 1, 3)
    np.testing.assert_allclose(found[0, 0], [0, exact, 1], rtol=1e-14)
    np.testing.assert_array_equal(found[9, 0], 0)


def test_slope_is_the_derivative():
    first = invented(20, 30, seed=1)
    for p in (0.38, 0.42, 0.5):
        numerical = (first.probability(p + 1e-6).mean() - first.probability(p - 1e-6).mean()) / 2e-6
        assert first.slope(p) == pytest.approx(numerical, rel=1e-4)


def test_error_of_the_crossing_covers():
    """200 invented pairs of sizes."""
    z = []
    for seed in range(200):
        found = crossing(invented(30, 100, seed=2 * seed), invented(60, 100, seed=2 * seed + 1))
        z.append((found.value - 0.4) / found.error)
    assert_covers(z)


LENGTHS = (16, 32, 64)


def three(n, *, seed, shift=0.0):
    """Three sizes whose first steps are shifted by shift / L^2: R_L by shift / L in a unit of its width."""
    return [invented(L, n, seed=3 * seed + k, shift=shift * L**-2.0) for k, L in enumerate(LENGTHS)]


@pytest.mark.parametrize(
    ("n", "shift"), [(100, 0.0), *(pytest.param(400, shift, marks=pytest.mark.slow) for shift in (0.0, 0.5, 2.0))]
)
def test_error_of_the_last_crossing_covers(n, shift):
    """With a shift of no, half and three errors of the last crossing."""
    found = [last_crossing(three(n, seed=seed, shift=shift), LENGTHS) for seed in range(1000, 1200)]
    assert_covers([(one.value - 0.4) / one.error for one in found])


def test_last_crossing_is_half_way_to_where_a_shift_has_it():
    """p_c of R_L = R + (p - p_c) S_L + b / L through three sizes, by hand, and of the last two alone, b = 0."""
    sizes = three(400, seed=1, shift=2.0)
    alone, found = crossing(*sizes[1:]), last_crossing(sizes, LENGTHS)
    R = [one.probability(alone.value) for one in sizes]
    form = [[one.slope(alone.value), 1, 1 / L] for one, L in zip(sizes, LENGTHS, strict=True)]
    shift = np.linalg.inv(form)[0] @ [one.mean() for one in R]
    assert found.value == pytest.approx(alone.value - shift / 2, abs=1e-9)
    of_each = [one.std(ddof=1) / 20 for one in R]
    chance = (np.linalg.inv(form)[0] + [0, *np.linalg.inv([row[:2] for row in form[1:]])[0]]) / 2 * of_each
    apart = (np.linalg.inv(form)[0] - [0, *np.linalg.inv([row[:2] for row in form[1:]])[0]]) / 2 * of_each
    beyond = max((shift / 2) ** 2 - apart @ apart, 0)
    assert found.error == pytest.approx(np.sqrt(chance @ chance + beyond), rel=1e-6)


def wrapping(build, kind, lengths, n):
    """First steps of wrapping round any axis, n realisations of each length."""
    sweep = {"site": sweeps.site_sweep, "bond": sweeps.bond_sweep}[kind]
    return [
        sweep(build.torus(L), n_realisations=n, seed=L, observables=("wrapping",), progress=False).first_steps(
            "wrapping"
        )
        for L in lengths
    ]


@pytest.mark.parametrize(("name", "kind"), [("triangular", "site"), ("honeycomb", "bond"), ("kagome", "site")])
def test_thresholds_proved_in_two_dimensions(name, kind):
    """Within 4 errors: about 1 seed in 10^4 fails."""
    found = last_crossing(wrapping(getattr(lattices, name), kind, (8, 16, 32), 500), (8, 16, 32))
    assert abs(found.z(known.threshold(name, kind))) < 4
    assert found.error < 1e-2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["site", "bond"])
@pytest.mark.parametrize("name", ["bcc", "fcc"])
def test_thresholds_published_in_three_dimensions(name, kind):
    found = last_crossing(wrapping(getattr(lattices, name), kind, (6, 12, 24), 2000), (6, 12, 24))
    assert abs(found.z(known.threshold(name, kind))) < 4
    assert found.error < 2e-3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FirstSteps(np.linspace(0, 1, 20), 10), "first steps must be a row of integers, got float64"),
        (
            lambda: crossing(invented(20, 3, seed=1), invented(40, 30, seed=2)),
            "at least 10 realisations of each size, got 3",
        ),
        (lambda: FirstSteps(np.arange(20), 10), r"first steps must lie in 0 ... 11, got 0 ... 19"),
        (lambda: invented(20, 30, seed=1).probability(1.2), r"p must lie in \[0, 1\]"),
        (lambda: last_crossing([invented(20, 30, seed=1)] * 2, (20, 40)), "three sizes at least"),
        (lambda: last_crossing(three(30, seed=1), (16, 32)), "got 3 and 2"),
        (lambda: last_crossing(three(30, seed=1), (32, 16, 64)), "lengths must be positive and increasing"),
        (lambda: crossing(invented(90, 50, seed=1), invented(20, 50, seed=2, shift=0.3)), "do not cross"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
