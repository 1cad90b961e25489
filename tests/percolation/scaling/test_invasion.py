import numpy as np
import pytest

from percolation import growth, lattices, runs, scaling
from percolation.scaling import corrections
from percolation.theory import thresholds
from tests.statistical import assert_covers

N = growth.doubling_marks(2**16)


def runs_of(p_c, amplitude, power, *, n_runs, noise, seed):
    """Invented runs whose blocks are 1/p_c + amplitude N^-power and independent noise that falls as N^-1/2."""
    sizes, steps = N[1:], np.diff(N)
    rng = np.random.default_rng(seed)
    blocks = 1 / p_c + amplitude * sizes**-power + noise * rng.standard_normal((n_runs, len(steps))) / np.sqrt(steps)
    return np.cumsum(np.hstack([np.full((n_runs, 1), 3.0), blocks * steps]), axis=1)


@pytest.mark.parametrize("power", [0.35, 0.5, 0.8])
def test_extrapolation_finds_p_c_whatever_the_power(power):
    """Noise so small that only the form matters: the fits with the true power take all the weight."""
    runs = runs_of(0.2, -3.0, power, n_runs=20, noise=1e-4, seed=1)
    estimate = scaling.extrapolate(N, runs)
    assert estimate.value == pytest.approx(0.2, rel=2e-6)
    assert abs(N[-1] / runs[:, -1].mean() / 0.2 - 1) > 1e-5  # what it started from


def test_error_covers_invented_runs():
    """Truth and noise as in d = 4."""
    estimates = [
        scaling.extrapolate(N, runs_of(0.2, -3.0, 0.5, n_runs=16, noise=2.0, seed=seed)) for seed in range(400)
    ]
    assert_covers([(estimate.value - 0.2) / estimate.error for estimate in estimates])


@pytest.mark.parametrize("d", [2, 4])
def test_dimension_narrows_the_powers_and_the_error_covers(d):
    """Invented runs of the power that the dimension has and a term in 1/N; errors 0.8 of those of any power or less."""
    tree = 4 * np.log2(np.append(1, N[1:]))  # 4 / N in each block
    sets = [runs_of(0.2, -3.0, corrections.SIGMA[d], n_runs=16, noise=2.0, seed=seed) + tree for seed in range(200)]
    known = [scaling.extrapolate(N, one, d) for one in sets]
    assert_covers([(one.value - 0.2) / one.error for one in known])
    of_any = [scaling.extrapolate(N, one).error for one in sets[:50]]
    assert np.mean([one.error for one in known]) < 0.8 * np.mean(of_any)


def test_chain_has_threshold_one():
    """d = 1 is a tree: every block is exactly 1 and the error is that of rounding."""
    result = scaling.threshold(lattices.hypercubic(1), method="invasion", n_sites=1024, runs=8, seed=1, progress=False)
    assert result.value == pytest.approx(1, abs=1e-12)
    assert result.error < 1e-12


def assert_agrees_with_the_table(d, n_sites, n_runs, within):
    """And within 4.5 errors, which a new seed fails in fewer than 1 of 10^3."""
    estimate = scaling.threshold(
        lattices.hypercubic(d), method="invasion", n_sites=n_sites, runs=n_runs, seed=1, progress=False
    )
    published = thresholds.hypercubic(d, "site")
    assert estimate.value == pytest.approx(published.value, rel=within)
    assert abs(estimate.z(published)) < 4.5


@pytest.mark.parametrize(("d", "within"), [(4, 4e-3), (5, 2e-3), (6, 1e-3), (8, 5e-4), (10, 5e-4), (13, 5e-4)])
def test_site_threshold_agrees_with_the_table(d, within):
    """A new seed fails the bound, wider where the correction is slow, in fewer than 1 of 20."""
    assert_agrees_with_the_table(d, 2**15, 16, within)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("d", "n_sites"), [(4, 2**20), (5, 2**18), (6, 2**17), (7, 2**16), (9, 2**15), (11, 2**15), (12, 2**15)]
)
def test_site_threshold_agrees_with_the_table_to_four_digits(d, n_sites):
    """Longer where the correction is slow: errors of 1 to 3 in 10^4. A new seed fails in 1 of 20 at most, at d = 4."""
    assert_agrees_with_the_table(d, n_sites, 16, 5e-4)


@pytest.mark.parametrize("d", [2, 3, 5, 9, 13])
def test_bond_threshold_agrees_with_the_table(d):
    estimate = scaling.threshold(lattices.hypercubic(d), "bond", "invasion", n_sites=2**15, seed=2, progress=False)
    published = thresholds.hypercubic(d, "bond")
    assert abs(estimate.z(published)) < 4.5
    assert estimate.error < 0.01 * estimate.value


def test_bits_do_not_depend_on_workers_and_time_budget_can_be_repeated():
    one = scaling.threshold(
        lattices.hypercubic(5), method="invasion", time=0.2, n_sites=2**12, seed=3, workers=1, progress=False
    )
    four = scaling.threshold(
        lattices.hypercubic(5), method="invasion", runs=one.n_runs, n_sites=2**12, seed=3, workers=4, progress=False
    )
    np.testing.assert_array_equal(one.n_revealed, four.n_revealed)
    assert one == four
    assert len(one.n_revealed) == one.n_runs >= 8


def test_result_carries_its_runs():
    result = scaling.threshold(lattices.hypercubic(3), method="invasion", n_sites=2**12, runs=9, seed=4, progress=False)
    assert vars(scaling.extrapolate(result.n_accepted, result.n_revealed, 3)).items() <= vars(result).items()
    third = growth.invade(lattices.hypercubic(3), 2**12, seed=runs.seeds(4, 9)[2])
    np.testing.assert_array_equal(result.n_revealed[2], third.n_revealed)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lattice": 3}, r"such as lattices.hypercubic\(d\), got int"),
        ({"kind": "sites"}, "did you mean 'site'"),
        ({"n_sites": 100}, "n_sites must be at least 512, got 100"),
        ({"runs": 3}, "runs must be at least 8, got 3"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"time": 0.0}, "time must be a finite number above 0"),
    ],
)
def test_bad_input_is_refused_in_our_words(arguments, message):
    with pytest.raises(ValueError, match=message):
        scaling.threshold(
            method="invasion", **{"lattice": lattices.cubic, "seed": 1, "n_sites": 512, "progress": False, **arguments}
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("d", "kind"),
    [*((d, "site") for d in (2, 3, 4, 5, 6, 7, 8, 13)), *((d, "bond") for d in (2, 3, 4, 8))],
)
def test_error_covers_the_published_value(d, kind):
    """400 repeats of 24 short runs."""
    published = thresholds.hypercubic(d, kind)
    children = iter(np.random.SeedSequence(3000 + d).spawn(400 * 24))
    z = []
    for _ in range(400):
        runs = np.array(
            [growth.invade(lattices.hypercubic(d), 2**14, kind=kind, seed=next(children)).n_revealed for _ in range(24)]
        )
        z.append(scaling.extrapolate(growth.doubling_marks(2**14), runs, d).z(published))
    assert_covers(z)
