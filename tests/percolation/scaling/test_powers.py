import numpy as np
import pytest
from scipy.stats import binomtest

from percolation import lattices, sweeps
from percolation.scaling.powers import effective_length, exponent
from percolation.theory.exponents import exponents

L = np.array([16, 32, 64, 128, 256.0])


def test_a_pure_power_is_met_exactly():
    found = exponent(L, 3 * L**1.7, 0.01 * L**1.7)
    assert found.value == pytest.approx(1.7, abs=1e-12)
    two = exponent(L[:2], L[:2] ** -0.25, 0.01 * L[:2] ** -0.25)
    assert two.value == pytest.approx(-0.25, abs=1e-12)
    assert two.error == pytest.approx(0.01 * np.sqrt(2) / np.log(2), rel=1e-9)


@pytest.mark.parametrize(("correction", "least"), [(0.0, 0.62), (0.6, 0.6)])
def test_error_covers(correction, least):
    """1000 sets of sizes: at least 62 and 90 % within one and two errors, also with a correction A / L."""
    rng = np.random.default_rng(1)
    truth = L**0.5 * (1 + correction / L)
    z = []
    for _ in range(1000):
        found = exponent(L, truth * (1 + 0.01 * rng.standard_normal(5)), 0.01 * truth)
        z.append(abs(found.value - 0.5) / found.error)
    assert binomtest(int((np.array(z) < 1).sum()), 1000, least, alternative="less").pvalue > 1e-4
    assert binomtest(int((np.array(z) < 2).sum()), 1000, 0.9, alternative="less").pvalue > 1e-4


def test_fractal_dimension_and_beta_of_the_square_lattice():
    """Bond percolation at p_c = 1/2: d_f = 91/48, beta/nu = 5/48. Within 4 errors: fewer than 1 seed in 10^3 fails."""
    lengths, strengths, errors = [16, 32, 64, 128], [], []
    for length in lengths:
        sweep = sweeps.bond_sweep(lattices.square(length), n_realisations=400, seed=length, progress=False)
        strengths.append(float(sweep.strength(0.5)))
        errors.append(float(sweep.strength_error(0.5)))
    found = exponent(lengths, strengths, errors)
    assert found.error < 0.02
    assert abs(found.value + 5 / 48) < 4 * found.error
    assert found.value + 2 == pytest.approx(exponents(2).d_f.value, abs=4 * found.error)


def test_effective_length():
    assert effective_length(10**6, 2) == pytest.approx(1000)
    assert effective_length(7.0**9, 9) == pytest.approx(7**1.5)
    np.testing.assert_allclose(effective_length([64, 729], 6), [2, 3])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: exponent([1, 2], [1, 2], [1]), "a value and an error each"),
        (lambda: exponent([1], [1], [1]), "two or more lengths"),
        (lambda: exponent([2, 1], [1, 2], [1, 1]), "lengths must be positive and increasing"),
        (lambda: exponent([1, 2], [1, -2], [1, 1]), "values must be finite and above 0"),
        (lambda: exponent([1, 2], [1, 2], [1, 0]), "errors must be finite and above 0"),
        (lambda: effective_length(0, 3), "n_sites must be at least 1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
