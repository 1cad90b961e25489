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


def test_chance_of_the_middle_size_is_no_shift():
    """It moves the crossings before and after it apart: of these sets only shifts that no chance explains are added."""
    for seed in range(20):
        sizes = [invented(length, 100, seed=3 * seed + k) for k, length in enumerate((16, 32, 64))]
        before, last, found = crossing(*sizes[:2]), crossing(*sizes[1:]), last_crossing(sizes)
        added = found.error**2 - last.error**2
        assert added >= 0
        if added > 0:
            apart = (last.value - before.value) ** 2
            assert apart - added > 1.2 * (before.error**2 + last.error**2)


def test_a_finite_size_shift_widens_the_error():
    def at(length, seed):
        return invented(length, 1000, seed=seed, shift=0.5 * length**-2.0)

    sizes = [at(16, 1), at(32, 2), at(64, 3)]
    found, alone = last_crossing(sizes), crossing(*sizes[1:])
    assert found.value == alone.value and found.error >= alone.error
    shifted = [invented(length, 1000, seed=length, shift=2 * length**-1.5) for length in (16, 32, 64)]
    assert last_crossing(shifted).error > 2 * crossing(*shifted[1:]).error
    assert abs(last_crossing(shifted).value - 0.4) < 4 * last_crossing(shifted).error


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
    found = last_crossing(wrapping(getattr(lattices, name), kind, (8, 16, 32), 500))
    assert abs(found.z(known.threshold(name, kind))) < 4
    assert found.error < 1e-2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["site", "bond"])
@pytest.mark.parametrize("name", ["bcc", "fcc"])
def test_thresholds_published_in_three_dimensions(name, kind):
    found = last_crossing(wrapping(getattr(lattices, name), kind, (6, 12, 24), 2000))
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
        (lambda: last_crossing([invented(20, 30, seed=1)] * 2), "three sizes at least"),
        (lambda: crossing(invented(90, 50, seed=1), invented(20, 50, seed=2, shift=0.3)), "do not cross"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
