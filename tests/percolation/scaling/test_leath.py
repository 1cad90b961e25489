import itertools

import numpy as np
import pytest

from percolation import growth, lattices, runs, scaling
from percolation.scaling import leath, loops
from percolation.theory import thresholds
from tests.statistical import assert_covers


def sums_at(p, d, kind="site", *, n_runs, n_clusters, seed, n_generations=64):
    bounds = leath.windows(n_generations)
    grown = [
        growth.leath(
            lattices.hypercubic(d), p, kind=kind, n_clusters=n_clusters, max_generations=n_generations, seed=child
        )
        for child in runs.seeds(seed, n_runs)
    ]
    return np.array([leath.window_sums(run, bounds) for run in grown]), bounds


@pytest.mark.parametrize(
    ("d", "kind"),
    [
        (6, "site"),
        (8, "bond"),
        (13, "site"),
        (40, "site"),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in [(6, "bond"), (8, "site"), (13, "bond")]),
    ],
)
def test_threshold_agrees_with_the_table(d, kind):
    """Errors of 4e-4 at d = 6, 8e-5 at d = 8 and less above; a new seed fails in fewer than 1 of 10^4."""
    estimate = scaling.threshold(lattices.hypercubic(d), kind, "leath", n_clusters=200, seed=1, progress=False)
    published = thresholds.hypercubic(d, kind)
    assert abs(estimate.z(published)) < 4.5
    assert estimate.error < {6: 1e-3}.get(d, 2e-4) * published.value


@pytest.mark.parametrize(
    ("d", "kind"),
    [
        (3, "site"),
        (4, "bond"),
        (5, "site"),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in [(3, "bond"), (4, "site"), (5, "bond")]),
    ],
)
def test_threshold_below_six_dimensions_agrees_with_the_table(d, kind):
    """Errors of 2e-3 at d = 3 and of 3e-4 at d = 5; a new seed fails in fewer than 1 of 10^3."""
    effort = {"n_generations": 128, "n_clusters": 50, "runs": 64}
    estimate = scaling.threshold(lattices.hypercubic(d), kind, "leath", seed=1, progress=False, **effort)
    published = thresholds.hypercubic(d, kind)
    assert abs(estimate.z(published)) < 4.5
    assert estimate.error < {3: 6e-3, 4: 3e-3, 5: 2e-3}[d] * published.value


@pytest.mark.parametrize("lattice", [lattices.fcc, lattices.root_lattice("D", 4)], ids=lambda one: one.name)
def test_threshold_of_other_lattices_agrees_with_the_table(lattice):
    found = scaling.threshold(
        lattice, method="leath", seed=1, n_generations=128, n_clusters=50, runs=32, progress=False
    )
    published = thresholds.threshold("D", "site", lattice.d)
    assert abs(found.z(published)) < 4.5  # a new seed fails in fewer than 1 of 10^3
    assert found.error < 1e-2 * published.value


@pytest.mark.parametrize("off", [-0.01, 0.01])
def test_newton_makes_up_for_a_p_that_is_off(off):
    """Starting 1 % away shifts 1/m by 3e-4, the step is right to its error. False alarms: 1e-5."""
    published = thresholds.hypercubic(13, "site")
    p = published.value * (1 + off)
    sums, bounds = sums_at(p, 13, n_runs=64, n_clusters=400, seed=2)
    estimate = leath.estimate(sums, bounds, lattices.hypercubic(13), p)
    assert abs(estimate.z(published)) < 4.5
    assert estimate.error < 1e-4 * published.value


@pytest.mark.parametrize(("d", "kind", "p"), [(3, "site", 0.31), (3, "bond", 0.2488), (8, "site", 0.075)])
def test_sensitivity_from_the_score_is_that_of_two_values_of_p(d, kind, p):
    """d log(p m) / d log p against a difference over 2 %; both have errors below 0.06. False alarms: 1e-5."""
    h = 0.01
    sums, bounds = sums_at(p, d, kind, n_runs=200, n_clusters=50, seed=3, n_generations=32)
    sensitivity, relative = leath.sensitivities(sums, bounds, d, p)
    logs = []
    for sign in (-1, 1):
        other, _ = sums_at(p * (1 + sign * h), d, kind, n_runs=100, n_clusters=200, seed=4, n_generations=32)
        m = leath.ratios(other)[:, 3:]
        logs.append((np.log(m.mean(axis=0)).mean(), m.mean(axis=1).std(ddof=1) / 10 / m.mean()))
    difference = 1 + (logs[1][0] - logs[0][0]) / (2 * h)
    error = sensitivity.mean() * relative
    assert abs(sensitivity[3:].mean() - difference) < 4.5 * np.hypot(error, np.hypot(logs[0][1], logs[1][1]) / (2 * h))
    assert error < 0.06


def test_controls_lower_the_variance_and_keep_the_mean():
    """At d = 8 less than half of the variance is left; the mean moves by less than its error. False alarms: 1e-5."""
    sums, _ = sums_at(0.0752, 8, n_runs=200, n_clusters=100, seed=5)
    m, D = leath._surplus(sums)
    without = D / sums[:, :, leath.N].mean(axis=0)
    controlled = leath.ratios(sums)
    assert (controlled.var(axis=0) < 0.65 * without.var(axis=0)).all()
    assert controlled.var(axis=0).sum() < 0.5 * without.var(axis=0).sum()
    assert (abs(controlled.mean(axis=0) - m) < 4.9 * without.std(axis=0) / np.sqrt(200)).all()


def test_coefficients_of_the_controls_come_from_other_folds_only():
    """Two runs of one fold whose D move by +-1 leave m and the other folds' regression as they are: only D moves.

    A regression that sees the run which it corrects follows it, and makes the mean of C beta no longer zero.
    """
    n_windows, n_runs = 3, 5 * leath.FOLDS
    rng = np.random.default_rng(9)
    sums = rng.normal(size=(n_runs, n_windows, leath.COLUMNS))
    sums[:, :, leath.N] = 1000.0
    sums[:, :, leath.T] += 15_000.0
    moved = sums.copy()
    one, other = 2, 2 + 3 * leath.FOLDS
    moved[one, :, leath.T] += 1
    moved[other, :, leath.T] -= 1
    shift = 1000 * (leath.ratios(moved) - leath.ratios(sums))
    np.testing.assert_allclose(shift[one], 1, rtol=1e-7)
    np.testing.assert_allclose(shift[other], -1, rtol=1e-7)
    same_fold = np.arange(n_runs) % leath.FOLDS == 2
    assert (np.abs(shift[~same_fold]) > 1e-6).any()  # the others do learn from them


def test_windows_and_their_sums():
    np.testing.assert_array_equal(leath.windows(16), [4, 6, 8, 11, 16])
    run = growth.leath(lattices.hypercubic(7), 0.09, n_clusters=30, seed=6, max_generations=16)
    sums = leath.window_sums(run, leath.windows(16))
    assert sums[1, leath.N] == run.opened[6:8].sum()
    assert sums[1, leath.T] == run.tested[7:9].sum()
    luck = run.opened - run.p * run.tested
    np.testing.assert_allclose(sums[1, leath.CONTROLS], [luck[6:8].sum(), *run.excess[6:8].sum(axis=0)])
    np.testing.assert_allclose(sums[1, leath.SCORE], luck[1:8].sum() / (run.p * (1 - run.p)))


@pytest.mark.parametrize("lattice", [lattices.hypercubic(8), lattices.root_lattice("D", 8)], ids=str)
def test_extrapolation_finds_m_whatever_the_amplitudes(lattice):
    """Invented runs with the form of eight dimensions, loops or powers, and noise of 1e-9: m to 10 errors, 1e-7.

    The other form is off by 10^-6 of it or more.
    """
    bounds = leath.windows(64)
    t = np.arange(64.0)[1:]
    one = loops.missing(8, 64)[1:64] if lattice.is_hypercubic else t**-2
    series = np.append(0, 1 + 0.5 * one - 0.8 * one / t)
    means = np.array([series[a:b].mean() for a, b in itertools.pairwise(bounds)])
    rng = np.random.default_rng(7)
    sums = np.zeros((40, len(means), leath.COLUMNS))
    sums[:, :, leath.N] = 1000
    sums[:, :, leath.T] = 13_000 * np.exp(means - 1) * (1 + 1e-9 * rng.standard_normal((40, len(means))))
    sums[:, :, 2:] = 1e-9 * rng.standard_normal((40, len(means), leath.COLUMNS - 2))
    assert leath.estimate(sums, bounds, lattice, 1 / 13).value == pytest.approx(1 / 13, rel=1e-7)


@pytest.mark.parametrize("d", [5, 13])
def test_far_from_p_c_the_error_is_that_of_the_sensitivity(d):
    """Invented runs, ratios known to 1e-9 but 10 % from 1 / p, and scores that know s only to a tenth or so."""
    n_runs, p, bounds = 40, 0.1, leath.windows(64)
    rng = np.random.default_rng(10)
    noise = 1e-9 * rng.standard_normal((n_runs, len(bounds) - 1))
    sums = np.zeros((n_runs, len(bounds) - 1, leath.COLUMNS))
    sums[:, :, leath.N] = 1000
    sums[:, :, leath.T] = 1000 * 1.1 / p * (1 + noise)
    sums[:, :, leath.CONTROLS] = 1e-9 * rng.standard_normal((n_runs, len(bounds) - 1, leath.COLUMNS - 3))
    sums[:, :, leath.SCORE] = noise / 1e-18 * np.exp(rng.normal(size=(n_runs, 1))) / p
    _, relative = leath.sensitivities(sums, bounds, d, p)
    assert 0.05 < relative < 0.5
    estimate = leath.estimate(sums, bounds, lattices.hypercubic(d), p)
    distance = np.log(p / estimate.value)
    assert distance > 0.01
    assert estimate.error == pytest.approx(p * distance * relative, rel=1e-3)


def test_bits_do_not_depend_on_workers_and_time_budget_can_be_repeated():
    one = scaling.threshold(
        lattices.hypercubic(9), method="leath", time=0.5, n_clusters=10, seed=8, workers=1, progress=False
    )
    four = scaling.threshold(
        lattices.hypercubic(9),
        method="leath",
        runs=one.n_runs,
        p=one.p,
        n_clusters=10,
        seed=8,
        workers=4,
        progress=False,
    )
    np.testing.assert_array_equal(one.sums, four.sums)
    assert one == four
    assert vars(leath.estimate(one.sums, one.bounds, lattices.hypercubic(9), one.p)).items() <= vars(one).items()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lattice": lattices.square}, "tell p_c from d = 3 on, got d = 2; use wrapping"),
        ({"kind": "sites"}, "did you mean 'site'"),
        ({"n_clusters": 0}, "n_clusters must be at least 1"),
        ({"runs": 8}, "runs must be at least 32, got 8"),
        ({"n_clusters": 1, "runs": 32, "n_generations": 16}, "sites in the last generations are too few"),
        ({"n_generations": 8}, "n_generations must be at least 16, got 8"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"time": 0.0}, "time must be a finite number above 0"),
    ],
)
def test_bad_input_is_refused_in_our_words(arguments, message):
    with pytest.raises(ValueError, match=message):
        scaling.threshold(
            method="leath",
            **{"lattice": lattices.hypercubic(8), "seed": 1, "n_clusters": 5, "progress": False, **arguments},
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("d", "kind"), [*((d, "site") for d in (3, 4, 5, 6, 7, 8, 13)), *((d, "bond") for d in (3, 4, 8, 13))]
)
def test_error_covers_the_published_value(d, kind):
    """400 repeats of 64 short runs."""
    published = thresholds.hypercubic(d, kind)
    how = {"n_clusters": {3: 10, 4: 25}.get(d, 100), "n_generations": 64, "workers": 2, "progress": False}
    repeats = [scaling.threshold(lattices.hypercubic(d), kind, "leath", seed=2000 + k, **how) for k in range(400)]
    assert_covers([one.z(published) for one in repeats])
