"""Rounds of the path finder: against the fact sheet's recursion and simulations, slow twins, and exact small cases.

Every statistical test fixes its seed and bounds the rate at which another seed would fail a correct program.
"""

import math
import re
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import chi2, norm, poisson

from percolation.quantities import Estimate
from percolation.theory import rounds, thresholds
from percolation.theory.rounds import profiles as lines
from percolation.theory.rounds import recursion, success
from tests.statistical import assert_means

FALSE_ALARM = 1e-4  # of each test below, shared by its comparisons (Bonferroni)


def assert_close(estimates, references, *, false_alarm=FALSE_ALARM):
    """Each estimate within the combined error of its reference, for all but a fraction false_alarm of seeds."""
    z = np.array([estimate.z(reference) for estimate, reference in zip(estimates, references, strict=True)])
    bound = norm.isf(false_alarm / (2 * len(z)))
    assert np.abs(z).max() < bound, f"max |z| = {np.abs(z).max():.2f} at {np.abs(z).argmax()}, bound {bound:.2f}"


def sample(n, length, seed=0, spacing=lines.SPACING):
    """(n, n_points) profiles, and the grid."""
    grid = lines.grid(length, spacing)
    return np.concatenate(list(lines.profiles(grid, n, np.random.default_rng(seed)))), grid


@pytest.mark.parametrize("length", [1e-4, 0.1, 3, 30, 200])
def test_waves_sum_to_the_covariance(length):
    grid = lines.grid(length)
    s = grid.distances
    assert np.cos(np.outer(s, grid.wave_numbers)) @ grid.weights**2 == pytest.approx(np.exp(-(s**2) / 2), abs=1e-12)
    assert s[1] <= lines.SPACING and s[-1] == pytest.approx(length)


def test_profiles_have_this_covariance():
    """False alarms: 1e-6."""
    g, grid = sample(4000, 6.0, seed=3)
    lags = np.array([0, 20, 40, 80, 160])
    assert_means(g[:, [50]] * g[:, 50 + lags], np.exp(-(grid.distances[lags] ** 2) / 2), false_alarm=1e-6)
    assert_means(g[:, [0, -1]], np.zeros(2), false_alarm=1e-6)


def test_spacing_changes_the_grid_and_not_the_functions():
    (coarse, wide), (fine, narrow) = sample(3, 4.0, spacing=1 / 10), sample(3, 4.0, spacing=1 / 40)
    assert narrow.n_intervals % wide.n_intervals == 0
    np.testing.assert_allclose(fine[:, :: narrow.n_intervals // wide.n_intervals], coarse, atol=1e-10)


def test_waves_summed_on_a_short_line_are_those_of_the_circle(monkeypatch):
    direct, _ = sample(5, 0.9)
    monkeypatch.setattr(lines, "SHORT", 0)
    np.testing.assert_allclose(direct, sample(5, 0.9)[0], atol=1e-10)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_crossings_follow_rice(p):
    """And xi is found again from them, in another unit of length. False alarms: 1e-4 for each p."""
    g, grid = sample(1000, 20.0, seed=4)
    counts = rounds.count_upcrossings(g, rounds.level(p))
    # the grid misses a fraction spacing^2 / 12 = 5e-5, far below the error
    assert_means(counts[:, None], np.array([rounds.crossing_rate(p) * grid.length]), false_alarm=FALSE_ALARM / 2)
    xi = rounds.correlation_length(counts, 2.5 * grid.length, p)
    assert_close([xi], [Estimate(2.5, 0, "given")], false_alarm=FALSE_ALARM / 2)
    assert xi.error < xi.value / math.sqrt(counts.sum())  # crossings repel


def test_error_of_the_correlation_length_covers():
    """z over 200 sets of 50 lines has variance 1, but for a t of 49 degrees (1.04). False alarms: 1e-4."""
    g, _ = sample(10_000, 10.0, seed=5, spacing=0.1)
    counts = rounds.count_upcrossings(g, rounds.level(0.7)).reshape(200, 50)
    z = np.array([rounds.correlation_length(row, 10.0, 0.7).z(Estimate(1, 0, "given")) for row in counts])
    spread = np.sum((z - z.mean()) ** 2) / 1.04
    assert chi2.ppf(FALSE_ALARM / 2, 199) < spread < chi2.isf(FALSE_ALARM / 2, 199)


def test_correlation_length_with_unequal_lines_and_without_scatter():
    """Twice the line, twice the crossings: no scatter, so the error is Poisson's, the upper bound."""
    xi = rounds.correlation_length([2, 4, 6], [10, 20, 30], 0.5)
    assert xi.value == pytest.approx(60 / (2 * math.pi * 12)) and xi.error == pytest.approx(xi.value / math.sqrt(12))


def cut_slowly(g, s, u, m):
    """Rounds and segments as the definition has them: every piece that is not open, round by round."""
    for end, other in ((0, -1), (-1, 0)):
        tent = (s - s[other]) / (s[end] - s[other])
        g = g - max(g[end] - (u - m), 0) * np.exp(-((s - s[end]) ** 2) / 2) * tent
    vertices, n_rounds, bending = [0, len(g) - 1], 0, 0.0
    while closed := [(a, b) for a, b in pairwise(vertices) if g[a : b + 1].max() > u]:
        n_rounds += 1
        for a, b in closed:
            top = a + int(g[a : b + 1].argmax())
            drop = g[top] - u + m
            tent = np.interp(s, s[[a, top, b]], [0, 1, 0])
            g = g - drop * np.exp(-((s - s[top]) ** 2) / 2) * tent
            bending += drop**2 / 2 * (1 / (s[top] - s[a]) + 1 / (s[b] - s[top]))
            vertices.append(top)
        vertices.sort()
    return n_rounds, len(vertices) - 1, bending


@pytest.mark.parametrize(("p", "m", "length"), [(0.5, 0.5, 30), (0.1, 1.5, 12), (0.9, 0.1, 30), (0.3, 0.2, 1)])
def test_kernel_does_what_the_slow_twin_does(p, m, length):
    g, grid = sample(40, length, seed=6, spacing=0.05)
    slow = np.array([cut_slowly(row, grid.distances, rounds.level(p), m) for row in g])
    done = recursion._cut(g, rounds.level(p), m, grid)
    n_rounds, n_segments = done.rounds, done.n_cuts + 1
    np.testing.assert_array_equal(np.column_stack([n_rounds, n_segments]), slow[:, :2])
    np.testing.assert_allclose(done.stretch / grid.distances[1], slow[:, 2])
    assert np.all(n_segments >= n_rounds + 1) and np.all(n_segments <= 2**n_rounds)
    np.testing.assert_array_equal(done.first <= rounds.level(p), n_rounds == 0)


# p, m, L / xi, rounds, segments: earlier runs of this recursion by this project, the first row with an error of 0.04,
# 540 profiles; the others are taken to have as many
QUOTED_PROFILES = 540
FIRST = [(0.5, 0.5, 30, 4.47, 8.27), (0.9, 0.5, 30, 1.95, 3.16), (0.5, 0.5, 3, 0.56, None)]
OTHERS = [
    (0.3, 0.5, 30, 5.13, 10.72),
    (0.7, 0.5, 30, 3.57, 5.87),
    (0.01, 0.5, 30, 6.26, None),
    (0.001, 0.5, 30, 6.51, None),
    (0.1, 1.5, 30, 5.34, None),
    (0.3, 1.5, 30, 4.83, None),
    (0.5, 1.5, 30, 4.25, None),
    (0.7, 1.5, 30, 3.39, None),
    (0.9, 1.5, 30, 1.85, None),
    (0.3, 0.1, 30, 5.57, None),
    (0.5, 0.1, 30, 4.77, None),
    (0.7, 0.1, 30, 3.73, None),
    (0.9, 0.1, 30, 2.02, None),
    (0.5, 0.5, 10, 2.00, None),
    (0.5, 0.5, 100, 8.13, None),
    (0.9, 0.5, 3, 0.16, None),
    (0.9, 0.5, 10, 0.68, None),
    (0.9, 0.5, 100, 4.60, None),
]


def assert_rows(rows, n_samples):
    ours, theirs = [], []
    for p, m, length, n_rounds, n_segments in rows:
        cuts = rounds.one_dimensional(p, m, length, n_samples=n_samples, seed=7)
        for estimate, reference in ((cuts.rounds, n_rounds), (cuts.segments, n_segments)):
            if reference is not None:
                ours.append(estimate)
                error = estimate.error * math.sqrt(n_samples / QUOTED_PROFILES)
                theirs.append(Estimate(reference, error, "earlier runs"))
    assert_close(ours, theirs)


def test_rounds_and_segments_of_earlier_runs():
    """False alarms: 1e-4. Off by half a round is caught."""
    assert_rows(FIRST, 1000)


@pytest.mark.slow
def test_all_rounds_and_segments_of_earlier_runs():
    """False alarms: 1e-4."""
    assert_rows(FIRST + OTHERS, 4000)


# p, m, rounds, error of the real finder on random Gaussian fields of 60 to 400 dimensions at L = 30 xi, earlier runs
ON_FIELDS = [
    (0.3, 0.5, 5.05, 0.11),
    (0.5, 0.5, 4.47, 0.13),
    (0.7, 0.5, 3.55, 0.14),
    (0.9, 0.5, 1.83, 0.14),
    (0.1, 1.5, 5.35, 0.11),
    (0.3, 1.5, 4.87, 0.12),
    (0.5, 1.5, 4.33, 0.13),
    (0.7, 1.5, 3.50, 0.13),
    (0.9, 1.5, 1.63, 0.13),
    (0.3, 0.1, 5.62, 0.12),
    (0.5, 0.1, 4.85, 0.14),
    (0.7, 0.1, 4.03, 0.13),
    (0.9, 0.1, 1.87, 0.14),
    (0.01, 0.5, 6.47, 0.14),
    (0.001, 0.5, 6.67, 0.12),
]


def test_rounds_of_the_finder_on_fields():
    """Sum of squared z over 15 independent simulations. False alarms: 1e-4. All off by 0.25 rounds is caught."""
    z = [
        rounds.one_dimensional(p, m, 30, n_samples=1000, seed=seed).rounds.z(Estimate(measured, error, "earlier runs"))
        for seed, (p, m, measured, error) in enumerate(ON_FIELDS)
    ]
    assert np.sum(np.square(z)) < chi2.isf(FALSE_ALARM, len(z)), z


def test_grid_is_fine_enough():
    """The same functions at half the spacing: rounds change by less than 0.02, segments by less than 0.05."""
    coarse, fine = (
        rounds.one_dimensional(0.5, 0.5, 30, n_samples=1000, seed=8, spacing=lines.SPACING / k) for k in (1, 2)
    )
    assert abs(coarse.rounds.value - fine.rounds.value) < 0.02
    assert abs(coarse.segments.value - fine.segments.value) < 0.05
    assert abs(coarse.drop.value - fine.drop.value) < 0.001


def test_errors_of_the_recursion_cover():
    """z over 200 seeds of 60 profiles has variance 1, but for a t of 59 degrees (1.035). False alarms: 1e-4 in all."""
    runs = [rounds.one_dimensional(0.7, 0.5, 10, n_samples=60, seed=seed, spacing=0.1) for seed in range(200)]
    for name in ("rounds", "segments", "drop", "excess"):
        estimates = [getattr(run, name) for run in runs]
        values = np.array([one.value for one in estimates])
        z = (values - values.mean()) / [one.error for one in estimates]
        assert chi2.ppf(FALSE_ALARM / 8, 199) < np.sum(z**2) / 1.035 < chi2.isf(FALSE_ALARM / 8, 199), name


def mean_height(mean):
    """Mean height in nodes of random binary search trees on a Poisson number of nodes, up to 40 of them.

    H_0 = 0, H_K = 1 + max(H_I, H_(K-1-I)), I uniform on 0 ... K - 1 (Devroye 1986).
    """
    K, at_most, total = np.arange(41), np.eye(41)[0], np.zeros(41)
    for _ in K:
        total += 1 - at_most
        at_most = np.append(1, np.convolve(at_most, at_most)[:40] / K[1:])
    np.testing.assert_allclose(total[:7], [0, 1, 2, 8 / 3, 10 / 3, 19 / 5, 64 / 15])
    return total @ poisson.pmf(K, mean)


def test_rare_barriers_make_a_search_tree():
    """At p = 0.99 rounds are the height of the tree of cuts on Poisson barriers, to 5 %. False alarms: 1e-4.

    Where barriers are narrow and apart, the worst of them is each equally often.
    """
    cuts = rounds.one_dimensional(0.99, 0.5, 100, n_samples=2000, seed=9)
    tree = mean_height(rounds.crossing_rate(0.99) * 100)
    assert_close([cuts.rounds], [Estimate(tree, 0.05 * tree / norm.isf(FALSE_ALARM / 2), "search tree")])


def test_where_nothing_is_cut_the_errors_are_not_zero():
    cuts = rounds.one_dimensional(0.9999, 0.5, 0.5, n_samples=10, seed=0)
    assert (cuts.rounds.value, cuts.rounds.error, cuts.segments.value) == (0, 0.1, 1)
    assert math.isnan(cuts.drop.value) and math.isnan(cuts.drop.error)


def test_displacement_and_length_measured_on_fields():
    """Earlier simulations at p = 0.5, 60 pairs of a random Gaussian field a dimension. False alarms: 1e-4."""
    n = 2000
    cuts = rounds.one_dimensional(0.5, 0.5, 30, n_samples=n, seed=10)
    ours, theirs = [], []
    for d, delta, excess in ((30, 0.458, None), (100, 0.256, 0.0011), (400, 0.122, 0.0003)):
        for one, measured, digits in (
            (rounds.first_displacement(cuts.drop, d), delta, 3),
            (rounds.excess_length(cuts.excess, d), excess, 4),
        ):
            if measured is None:  # not yet of first order
                continue
            ours.append(one)
            error = math.hypot(one.error * math.sqrt(n / 60), 10**-digits / math.sqrt(12))
            theirs.append(Estimate(measured, error, "earlier runs"))
    assert_close(ours, theirs)


def test_displacement_in_known_numbers():
    """3 across a gradient of 9 components of 1/2 each: 3 * 2 / 3."""
    moved = rounds.first_displacement(Estimate(3, 0.3, "given"), 10, xi=2)
    assert (moved.value, moved.error) == (pytest.approx(2), pytest.approx(0.2))
    longer = rounds.excess_length(Estimate(0.9, 0.09, "given"), 10)
    assert (longer.value, longer.error) == (pytest.approx(0.1), pytest.approx(0.01))
    assert rounds.effective_dimension([3, 6], [1, 2]).value == pytest.approx(10)


def test_effective_dimension_of_an_isotropic_field():
    """50 components, in any unit, and several points a line. False alarms: 1e-4."""
    gradient = 0.3 * np.random.default_rng(11).standard_normal((2000, 3, 50))
    across, along = np.linalg.norm(gradient[..., 1:], axis=-1), gradient[..., 0]
    estimates = [rounds.effective_dimension(across, along), rounds.effective_dimension(across[:, 0], along[:, 0])]
    assert_close(estimates, [Estimate(50, 0, "given")] * 2)
    assert 1.2 < estimates[1].error / estimates[0].error < 2.4  # sqrt(3)


def test_logistic_describes_the_simulations():
    """Deviance of 21 counts with 4 parameters: below the 1e-3 quantile of chi^2 with 17 degrees."""
    fit = rounds.success_fit()
    assert fit.deviance < chi2.isf(1e-3, len(success.MEASURED) - 4)
    for d, x in success.RULE.items():
        assert fit.half_point(d).value == pytest.approx(x, abs=0.15)
    assert fit.width(10).value < fit.width(3).value


def test_predicted_success_of_each_simulation():
    """Within 0.12, two errors of a share of 60 pairs."""
    for p, d, connected, tried in success.MEASURED:
        height = rounds.barrier_height(p, 30, n_samples=2000, seed=12)
        assert rounds.success_probability(height, d).value == pytest.approx(connected / tried, abs=0.12), (p, d)


def test_success_is_a_matter_of_log_one_over_p():
    height = rounds.barrier_height(1e-3, 30, n_samples=2000, seed=13)
    assert rounds.success_probability(height, 8).value < 0.5 < rounds.success_probability(height, 16).value
    assert rounds.crossover_dimension(height).value == pytest.approx(12.6, abs=0.5)
    assert rounds.iid_dimension(1e-3) == pytest.approx(500, rel=0.01)
    chances = [rounds.success_probability(height, d).value for d in (1.001, 1.5, 2, 6, 9, 10, 10.5, 11, 12, 20, 800)]
    assert chances == sorted(chances)
    certain = rounds.success_probability(Estimate(-0.1, 0.01, "open lines"), 5)
    assert (certain.value, certain.error) == (1, 0)


def test_error_of_the_success_grows_with_that_of_the_barrier():
    sharp, blunt = (rounds.success_probability(Estimate(2.0, error, "given"), 3) for error in (0.0, 0.1))
    above, below = (rounds.success_probability(Estimate(2 + step, 0, "given"), 3).value for step in (0.001, -0.001))
    slope = (above - below) / 0.002
    assert blunt.error == pytest.approx(math.hypot(sharp.error, 0.1 * slope), rel=1e-3)


@pytest.mark.parametrize(("p", "d"), [(0.6, 2), (0.59, 3), (0.311, 4), (0.1, 7)])
def test_lowest_dimension_in_which_cells_percolate(p, d):
    assert rounds.iid_dimension(p) == d
    assert thresholds.hypercubic(d).value < p < thresholds.hypercubic(d - 1).value
    assert rounds.iid_percolates(p, d) and not rounds.iid_percolates(p, d - 1)


def test_prediction_depends_on_its_arguments_alone(monkeypatch):
    arguments = (0.5, 0.5, 10, 100)
    first = rounds.predict(*arguments, n_samples=300, seed=1)
    monkeypatch.setattr(lines, "AT_ONCE", 1000)  # in other blocks
    np.random.default_rng(5).random()
    assert rounds.predict(*arguments, n_samples=300, seed=1) == first
    assert rounds.predict(*arguments, n_samples=300, seed=2).rounds != first.rounds


def test_prediction_of_the_developers_recipe():
    """Earlier simulations: rounds 4.5, segments 8.2, displacement 0.25, success 1 at d = 100; success 0.27 at d = 3."""
    high, low = (rounds.predict(0.5, 0.5, 30, d, n_samples=1000, seed=3) for d in (100, 3))
    assert high.rounds.value == pytest.approx(4.5, abs=0.15) and high.segments.value == pytest.approx(8.2, abs=0.3)
    assert high.displacement.value == pytest.approx(0.25, abs=0.01) and high.success.value > 0.999
    assert low.success.value == pytest.approx(0.27, abs=0.1)
    assert low.rounds == high.rounds
    assert not any("success is extrapolated" in one for one in high.warnings)
    assert any("d* = " in one for one in rounds.predict(0.01, 0.5, 30, 3, n_samples=50, seed=3).warnings)
    assert any("extrapolated" in one for one in rounds.predict(0.5, 0.01, 3, 100, n_samples=50, seed=3).warnings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"occupation": 0.0}, "occupation must lie strictly between 0 and 1, got 0"),
        ({"occupation": math.nan}, "occupation must lie strictly"),
        ({"margin": -0.1}, "margin must be a finite number above 0, got -0.1"),
        ({"margin": 0.0}, "margin must be a finite number above 0"),
        ({"length_over_xi": 0.0}, "length_over_xi must be a finite number above 0, got 0"),
        ({"length_over_xi": 1e6}, "length_over_xi must be at most 100000, got 1e+06"),
        ({"length_over_xi": math.inf}, "length_over_xi must be a finite"),
        ({"d_eff": 1.0}, "d_eff must be a finite number above 1, got 1"),
        ({"n_samples": 1}, "n_samples must be at least 2, got 1"),
        ({"n_samples": 10.5}, "n_samples must be an integer"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_what_cannot_be_predicted_is_refused(change, words):
    good = {"occupation": 0.5, "margin": 0.5, "length_over_xi": 3.0, "d_eff": 10.0, "n_samples": 10, "seed": 0}
    with pytest.raises(ValueError, match=re.escape(words)):
        rounds.predict(**good | change)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rounds.one_dimensional(0.5, 0.5, 3, n_samples=10, seed=0, spacing=0.5), "spacing must be at most"),
        (lambda: rounds.correlation_length([3], 10, 0.5), "2 or more lines"),
        (lambda: rounds.correlation_length([0, 0], 10, 0.5), "take longer lines"),
        (lambda: rounds.correlation_length([1, -1], 10, 0.5), "0 or more, got -1"),
        (lambda: rounds.correlation_length([1, 2], 0, 0.5), "length must be"),
        (lambda: rounds.effective_dimension([1.0], [1.0]), "2 or more lines"),
        (lambda: rounds.effective_dimension([1.0, 1.0], [0.0, 0.0]), "leave out lines"),
    ],
)
def test_bad_input_is_refused_in_our_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()
