import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import lambertw

from percolation.theory import random_graphs as theory
from percolation.theory import thresholds


@pytest.mark.parametrize("c", [1.001, 1.2, 1.5, 2, 5, 30])
def test_erdos_renyi_solves_its_equation(c):
    S = float(theory.erdos_renyi(c))
    assert S == pytest.approx(1 - np.exp(-c * S), abs=1e-13)
    assert S == pytest.approx((1 + lambertw(-c * np.exp(-c)) / c).real, rel=1e-9)


def test_erdos_renyi_at_and_below_its_threshold():
    np.testing.assert_array_equal(theory.erdos_renyi([0, 0.5, 1]), 0)
    assert theory.erdos_renyi(1 + 1e-4) == pytest.approx(2e-4, rel=2e-4)
    assert theory.threshold(theory.poisson(2.5)).value == pytest.approx(1 / 2.5)


def test_open_share_of_poisson_bonds_is_a_smaller_mean_degree():
    p = np.array([0.3, 0.6, 0.9])
    np.testing.assert_allclose(theory.giant_component(theory.poisson(3), p), theory.erdos_renyi(3 * p), atol=1e-13)
    np.testing.assert_allclose(
        theory.giant_component(theory.poisson(3), p, "site"), p * theory.erdos_renyi(3 * p), atol=1e-13
    )


def test_cluster_sizes_sum_to_what_the_giant_leaves():
    s = np.arange(1, 20_000)
    for c in (0.5, 0.9, 1.5):
        law = theory.erdos_renyi_cluster_sizes(c, s)
        assert law.sum() == pytest.approx(1 - float(theory.erdos_renyi(c)), abs=1e-12)
    assert theory.erdos_renyi_cluster_sizes(0.5, s) @ s == pytest.approx(1 / (1 - 0.5))
    np.testing.assert_allclose(theory.erdos_renyi_cluster_sizes(0.7, [1, 2]), [np.exp(-0.7), 0.7 * np.exp(-1.4)])


def test_bethe_lattice_of_three_neighbours():
    """u = ((1 - p)/p)^2, S = 1 - ((1 - p)/p)^3 for bonds above p_c = 1/2, p times that for sites."""
    p = np.array([0.2, 0.5, 0.6, 0.9, 1])
    S = np.where(p > 0.5, 1 - ((1 - p) / p) ** 3, 0)
    np.testing.assert_allclose(theory.giant_component(theory.regular(3), p), S, atol=1e-13)
    np.testing.assert_allclose(theory.giant_component(theory.regular(3), p, "site"), p * S, atol=1e-13)


@pytest.mark.parametrize("z", [3, 4, 7])
def test_threshold_of_regular_graphs_is_that_of_the_bethe_lattice(z):
    assert theory.threshold(theory.regular(z)).value == pytest.approx(thresholds.threshold("bethe", "bond", z).value)


def test_giant_component_of_any_degrees_against_a_root_finder():
    law = theory.degree_distribution([0.1, 0.5, 0.1, 0.1, 0, 0.2])
    k = np.arange(6)

    def f(x, p):
        return 1 - p + p * (k * law.p)[1:] @ x ** k[:-1] / law.mean - x

    p_c = theory.threshold(law).value
    for p in (1.05 * p_c, 0.8, 1.0):
        x = brentq(f, 0, 1 - 1e-4 * (p - p_c), args=(p,), xtol=1e-15)
        assert theory.giant_component(law, p) == pytest.approx(1 - law.p @ x**k, abs=1e-12)
    assert theory.giant_component(law, 0.999 * p_c) == 0


def test_the_giant_component_begins_at_one_further_bond():
    for p_1 in np.linspace(0.1, 0.9, 9):
        law = theory.degree_distribution([0, p_1, 0, 1 - p_1])  # threshold at p_1 = 3/4
        assert (law.branching > 1) == (float(theory.giant_component(law)) > 0) == (theory.threshold(law).value < 1)


def test_graphs_without_branches_have_no_threshold():
    for z in (0, 1):
        assert theory.threshold(theory.regular(z)).value == np.inf
        assert theory.giant_component(theory.regular(z)) == 0
    assert theory.threshold(theory.regular(2)).value == 1


def test_degree_sequence_is_counted():
    np.testing.assert_array_equal(theory.degree_sequence([0, 2, 2, 1]).p, [0.25, 0.25, 0.5])
    assert theory.degree_sequence([0, 2, 2, 1]).mean == 1.25


def test_critical_degrees_fall_towards_one():
    known = [theory.geometric_critical_degree(d) for d in range(2, 12)]
    values = [one.value for one in known]
    assert values == sorted(values, reverse=True) and values[-1] > 1
    assert "Brzeski" in known[3].source and "this package" in known[4].source  # d = 6, where its error is the less


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.poisson(-1), "c must be a finite number above 0"),
        (lambda: theory.regular(-1), "z must be at least 0"),
        (lambda: theory.degree_sequence([1.5]), "degrees must be integers"),
        (lambda: theory.degree_sequence([]), "degrees must be integers"),
        (lambda: theory.degree_distribution([0.5, 0.4]), "sum to 1"),
        (lambda: theory.degree_distribution([1.5, -0.5]), r"p_k must lie in \[0, 1\]"),
        (lambda: theory.giant_component(theory.regular(3), 1.2), r"p must lie in \[0, 1\]"),
        (lambda: theory.giant_component(theory.regular(3), 0.5, "bnd"), "did you mean 'bond'"),
        (lambda: theory.erdos_renyi_cluster_sizes(1, [0]), "at least 1 site"),
        (lambda: theory.geometric_critical_degree(12), "the table has d = 2 ... 11"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
