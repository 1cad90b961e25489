from dataclasses import replace

import numpy as np
import pytest

from percolation import growth, lattices, runs
from percolation.scaling import growth_exponents
from percolation.scaling.growth_exponents import chemical_dimension, fractal_dimension, size_exponent
from percolation.theory import thresholds
from percolation.theory.exponents import exponents
from tests.statistical import assert_covers

TRIANGULAR = lattices.triangular  # p_c = 1/2, exact
CRITICAL = {2: (TRIANGULAR, 0.5)}  # lattices and p_c
CRITICAL |= {d: (lattices.hypercubic(d), thresholds.hypercubic(d, "site").value) for d in (3, 7, 8, 10, 13)}
BY_SIZE = {"max_size": 2**12, "max_generations": 2**12}
BY_GENERATION = {"max_size": 2**40, "max_generations": 128}


def grown(seed, n_runs=16, n_clusters=25, lattice=TRIANGULAR, p=0.5, **limits):
    children = runs.seeds(seed, n_runs) if isinstance(seed, int) else seed.spawn(n_runs)
    return [growth.leath(lattice, p, n_clusters=n_clusters, seed=child, **limits) for child in children]


@pytest.fixture(scope="module")
def by_generation():
    return grown(1, **BY_GENERATION)


@pytest.fixture(scope="module")
def by_size():
    return growth.leath(TRIANGULAR, 0.5, n_clusters=2000, seed=2, **BY_SIZE)


def test_exponents_of_the_triangular_lattice(by_generation, by_size):
    """Those of two dimensions, within 4 errors: fewer than 1 seed in 10^3 fails. The errors are of use."""
    for found, exact, useful in (
        (size_exponent(by_size), exponents(2).tau, 0.03),
        (chemical_dimension(by_generation), exponents(2).d_min, 0.06),
        (fractal_dimension(by_generation), exponents(2).d_f, 0.25),
    ):
        assert abs(found.z(exact)) < 4, (found, exact)
        assert found.error < useful


def invented(t, opened, spread, alive):
    """A run whose sums by generation are these, with rounding in the clusters alive only."""
    ends = np.round(-np.diff(alive, append=0)).astype(int)
    generations = np.repeat(t, ends)
    zeros = np.zeros(len(generations), dtype=np.int64)
    truncated = generations == t[-1]
    none = np.zeros((len(t), 4))
    return growth.Leath("invented", 2, "site", 0.5, zeros, zeros, generations, truncated, opened, opened, none, spread)


def test_powers_of_the_generation_are_met():
    """d_min = 1.25, d_f = 1.8, P(alive) ~ t^-0.2, given exactly: what is left is the trapezoidal rule, t^-2."""
    t = np.arange(257)
    power = np.maximum(t, 0.5)
    alive = np.round(1e6 * power**-0.2)
    opened = alive * power ** (1.8 / 1.25 - 1)
    same = [invented(t, opened * (1 + 1e-4 * i), opened * (1 + 1e-4 * i) * power**1.6, alive) for i in range(8)]
    totals = tuple(column.sum(axis=0) for column in growth_exponents._window_sums(same))
    for exponents_of, given in ((growth_exponents._distance_exponents, 1.25), (growth_exponents._mass_exponents, 1.8)):
        found = exponents_of(totals)
        np.testing.assert_allclose(found, given, rtol=0.02)
        np.testing.assert_allclose(found[2:], given, rtol=0.002)


def test_sizes_of_a_given_tau():
    """Invented sizes, P(size >= s) = s^-0.3 without corrections: 2.3 within 4 errors, 1 seed in 10^4 fails."""
    u = np.random.default_rng(3).uniform(size=40_000)
    size = np.minimum(np.floor(u ** (-1 / 0.3)), 2**20).astype(np.int64)
    run = growth.leath(lattices.hypercubic(2), 0.1, n_clusters=1, seed=1)
    run = replace(run, size=size, truncated=size == 2**20)
    found = size_exponent(run)
    assert found.error < 0.02
    assert abs(found.value - 2.3) < 4 * found.error


def test_pseudovalues_of_a_mean_are_its_terms():
    terms = np.random.default_rng(6).uniform(size=(9, 4))
    values = growth_exponents._pseudovalues((terms, np.ones((9, 4))), lambda sums: sums[0] / sums[1])
    np.testing.assert_allclose(values, terms)


def test_runs_may_be_given_one_by_one(by_size):
    half = [
        replace(by_size, size=by_size.size[part], truncated=by_size.truncated[part])
        for part in (slice(0, 1000), slice(1000, None))
    ]
    assert size_exponent(half) == size_exponent(by_size)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda good: good[:7], "at least 8 runs are needed, got 7"),
        (lambda good: [*good[:-1], replace(good[0], p=0.4)], "one lattice, kind and p"),
        (lambda good: grown(3, max_generations=128, max_size=1000), "stopped by max_size"),
        (
            lambda good: [*good[:-1], *grown(3, 1, max_generations=64, max_size=2**40)],
            r"same max_generations, got \[64, 128\]",
        ),
        (lambda good: grown(3, max_generations=8, max_size=2**40), "1 ratios by factors of two are too few"),
        (lambda good: grown(3, p=0.05, n_clusters=1, max_generations=8), "fewer than 20 clusters reach generation 4"),
    ],
)
def test_runs_that_do_not_fit_are_refused(by_generation, change, message):
    with pytest.raises(ValueError, match=message):
        chemical_dimension(change(by_generation))


def test_too_few_clusters_are_refused():
    with pytest.raises(ValueError, match="grow more clusters or larger ones"):
        size_exponent(growth.leath(lattices.hypercubic(2), 0.3, n_clusters=30, seed=1))


@pytest.mark.slow
@pytest.mark.parametrize(("d", "n_clusters"), [(2, 400), (3, 500), (7, 4000), (13, 2000)])
def test_error_of_tau_covers(d, n_clusters):
    """400 repeats, of other seeds than those that the priors were chosen on, as below."""
    of_each = [growth.leath(*CRITICAL[d], n_clusters=n_clusters, seed=one, **BY_SIZE) for one in runs.seeds(24, 400)]
    assert_covers([size_exponent(one).z(exponents(d).tau) for one in of_each])


@pytest.mark.slow
@pytest.mark.parametrize(("d", "n_clusters"), [(2, 25), (3, 30), (7, 150), (8, 150), (10, 150), (13, 150)])
def test_errors_of_d_min_and_d_f_cover(d, n_clusters):
    repeats = [grown(one, 16, n_clusters, *CRITICAL[d], **BY_GENERATION) for one in runs.seeds(26, 400)]
    assert_covers([chemical_dimension(one).z(exponents(d).d_min) for one in repeats])
    assert_covers([fractal_dimension(one).z(exponents(d).d_f) for one in repeats])
