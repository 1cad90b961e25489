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
    steep = exponent(10 * L, 1e-9 * L**-40, 0.01e-9 / 3 * L**-40)  # units and the exponent itself have no prior
    assert steep.value == pytest.approx(-40, abs=1e-9)
    assert steep.error == pytest.approx(found.error, rel=1e-9)
    two = exponent(L[:2], L[:2] ** -0.25, 0.01 * L[:2] ** -0.25)
    assert two.value == pytest.approx(-0.25, abs=1e-12)
    assert two.error == pytest.approx(0.01 * np.sqrt(2) / np.log(2), rel=1e-9)


def held(n_lengths, noise, correction, omega, repeats, seed):
    """In how many repeats one and two errors hold the exponent 1/2, the correction being that at the first length."""
    rng = np.random.default_rng(seed)
    L = 8 * 2.0 ** np.arange(n_lengths)
    truth = L**0.5 * (1 + correction * (L / L[0]) ** -omega)
    found = [exponent(L, truth * (1 + noise * rng.standard_normal(n_lengths)), noise * truth) for _ in range(repeats)]
    z = np.abs([(one.value - 0.5) / one.error for one in found])
    return int((z < 1).sum()), int((z < 2).sum())


# the evenest and the most uneven cases of the docstring
CASES = [
    (4, 0.01, 0.0, 1.0, 0.76),
    (5, 0.002, 0.0, 1.0, 0.76),
    (6, 0.005, 0.12, 0.5, 0.67),
    (6, 0.005, -0.12, 0.5, 0.74),
    (6, 0.002, 0.05, 1.5, 0.72),
    (4, 0.005, 0.05, 1.0, 0.85),
    (4, 0.005, 0.12, 2.0, 0.6),
]


@pytest.mark.parametrize(("n_lengths", "noise", "correction", "omega", "measured"), CASES)
def test_error_covers(n_lengths, noise, correction, omega, measured):
    """500 sets: what was measured within 0.09 at one error, 92 % at two. False alarms: 1e-4 a case."""
    one, two = held(n_lengths, noise, correction, omega, 500, seed=1)
    assert one / 500 == pytest.approx(measured, abs=0.09)
    assert binomtest(two, 500, 0.92, alternative="less").pvalue > 1e-4


@pytest.mark.slow
def test_error_covers_over_many_corrections():
    """Mean over the cases of the docstring: 60 to 76 % at one error; each 92 % at two. 200 sets each; 1e-4 a case."""
    corrections = [(0.0, 1.0)] + [(b, omega) for b in (0.05, 0.12, -0.12) for omega in (0.5, 1, 1.5, 2)]
    cases = [(n, noise, *c) for n in (4, 5, 6) for noise in (0.002, 0.005, 0.01) for c in corrections]
    counts = np.array([held(*case, 200, seed) for seed, case in enumerate(cases)])
    assert 0.6 < counts[:, 0].mean() / 200 < 0.76
    for case, (_, two) in zip(cases, counts, strict=True):
        assert binomtest(int(two), 200, 0.92, alternative="less").pvalue > 1e-4, case


def test_fractal_dimension_and_beta_of_the_square_lattice():
    """Bond percolation at p_c = 1/2: d_f = 91/48, beta/nu = 5/48. Within 4 errors: fewer than 1 seed in 10^3 fails."""
    lengths, strengths, errors = [8, 16, 32, 64, 128], [], []
    for length in lengths:
        sweep = sweeps.bond_sweep(lattices.square.torus(length), n_realisations=400, seed=length, progress=False)
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
