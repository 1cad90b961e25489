import numpy as np
import pytest

from percolation import fields, scaling
from percolation.scaling.flooding import balance
from tests.statistical import assert_covers

# sites of Z^d: Jacobsen 2015; Xu, Wang, Lv and Deng 2014; Mertens and Moore 2018
PUBLISHED = {2: 0.592746, 3: 0.3116077, 4: 0.19688561, 5: 0.14079633, 6: 0.109016661}


def independent(d, distribution="uniform"):
    return lambda seed: fields.iid(d, distribution=distribution, seed=seed)


def smooth(d, xi, n_features=400):
    return lambda seed: fields.gaussian(d, fields.SquaredExponential(xi), n_features=n_features, seed=seed)


@pytest.mark.parametrize("d", PUBLISHED)
def test_independent_cells_have_the_thresholds_of_percolation(d):
    """16 floods of 2^14: within 4 errors and 3 %; 1 of 400 seeds of 2^12 was beyond 4 errors, none beyond 5."""
    found = scaling.critical_occupation(independent(d), n_sites=2**14, seed=d, progress=False)
    assert found.estimate.value == pytest.approx(PUBLISHED[d], abs=4 * found.estimate.error)
    assert found.estimate.value == pytest.approx(PUBLISHED[d], rel=0.03)
    assert found.lengths == np.inf


def test_the_law_of_the_values_does_not_matter():
    """Uniform and normal values of the same hashes: the same flood, counted at other levels."""
    uniform, normal = (
        scaling.critical_occupation(independent(3, law), n_sites=2**12, seed=5, progress=False).estimate
        for law in ("uniform", "normal")
    )
    assert normal.value == pytest.approx(uniform.value, abs=0.05 * uniform.error)


def test_bits_do_not_depend_on_workers():
    one, four = (
        scaling.critical_occupation(smooth(2, 1.0, 40), n_sites=2**10, seed=6, workers=workers, progress=False)
        for workers in (1, 4)
    )
    np.testing.assert_array_equal(one.occupations, four.occupations)
    assert one.estimate == four.estimate


def test_the_side_of_a_step_counts_in_correlation_lengths():
    """xi = 1 in steps of 1/2 is xi = 2 in steps of 1: the same waves, the same flood."""
    fine = scaling.critical_occupation(smooth(2, 1.0, 40), n_sites=2**10, side=0.5, seed=8, progress=False)
    coarse = scaling.critical_occupation(smooth(2, 2.0, 40), n_sites=2**10, seed=8, progress=False)
    assert fine.correlation_length == coarse.correlation_length == 2
    assert fine.estimate.value == pytest.approx(coarse.estimate.value, rel=1e-9)
    assert fine.lengths == pytest.approx(coarse.lengths)


def test_balance_is_exact_for_lines():
    """Runs a_i (x - x_i) of one slope: the root of the mean is the mean of the roots, and each run has its own."""
    x, roots = np.linspace(0, 1, 201), np.array([0.3, 0.4, 0.55])
    values = balance(1000 * (x - roots[:, None]), x)
    np.testing.assert_allclose(values, roots, atol=1e-12)


def test_a_smooth_field_in_three_dimensions():
    """xi = 1 in d = 3, whose level lies between those of independent cells, 0.312, and of the continuum, 0.119."""
    found = scaling.critical_occupation(smooth(3, 1.0, 200), n_sites=2**12, n_runs=8, seed=9, progress=False)
    assert 0.12 < found.estimate.value < 0.25
    assert found.lengths > 20


@pytest.mark.slow
@pytest.mark.parametrize(("d", "xi", "low", "high"), [(2, 2, 0.47, 0.53), (3, 3, 0.11, 0.135), (4, 2, 0.023, 0.034)])
def test_smooth_fields_have_the_occupations_of_the_grids(d, xi, low, high):
    """On boxes 0.50(1), 0.119(3), and in d = 4 at most 0.033(1), falling; bounds some 4 errors of ours away."""
    found = scaling.critical_occupation(smooth(d, xi), n_sites=2**17, seed=10, progress=False)
    assert low < found.estimate.value < high
    assert found.estimate.error < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("d", [2, 3])
def test_the_error_covers(d):
    """200 estimates from 16 floods of 2^12."""
    z = []
    for seed in range(200):
        found = scaling.critical_occupation(independent(d), n_sites=2**12, seed=9000 + seed, progress=False).estimate
        z.append((found.value - PUBLISHED[d]) / found.error)
    assert_covers(z)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_sites": 1000}, "n_sites must be at least 1024, got 1000"),
        ({"n_runs": 4}, "n_runs must be at least 8, got 4"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_bad_input_is_refused_in_our_words(arguments, message):
    with pytest.raises(ValueError, match=message):
        scaling.critical_occupation(independent(2), **{"seed": 1, "progress": False, **arguments})
