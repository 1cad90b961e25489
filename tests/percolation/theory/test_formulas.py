import math
from itertools import combinations, product

import networkx as nx
import pytest
from sympy import Poly, Rational, Symbol, expand, limit, oo, series, simplify

from percolation.checks import KINDS
from percolation.theory import formulas, thresholds

d, n, q, z, x = (Symbol(name, positive=True) for name in "dnqzx")


@pytest.mark.parametrize(
    ("kind", "coefficients"),
    [  # in powers of 1/2d, computed from those in 1/(2d - 1) by hand and by substitution
        ("site", (1, Rational(5, 2), Rational(31, 4), Rational(75, 2), Rational(11977, 48), Rational(209183, 96))),
        ("bond", (1, 1, Rational(7, 2), 16, 103, Rational(9487, 12))),
    ],
)
def test_series_of_z_d_in_powers_of_one_over_2d(kind, coefficients):
    expansion = series(formulas.hypercubic(d, kind).p_c.subs(d, 1 / (2 * x)), x, 0, 7).removeO()
    assert [expansion.coeff(x, k) for k in range(1, 7)] == list(coefficients)


@pytest.mark.parametrize("kind", KINDS)
def test_expression_and_number_agree(kind):
    general = formulas.hypercubic(d, kind)
    for value in (6, 8, 13, 400):
        exact = formulas.hypercubic(value, kind)
        assert exact.p_c.is_Rational and exact.p_c == general.p_c.subs(d, value)
        assert exact.threshold().error == pytest.approx(float(general.error.subs(d, value)))
        assert exact.threshold() == thresholds.series(value, kind)


def test_error_is_the_first_term_left_out():
    assert simplify(formulas.hypercubic(d, "site", 2).error - Rational(15, 4) / (2 * d - 1) ** 3) == 0
    assert simplify(formulas.hypercubic(d, "bond", 1).error - Rational(5, 2) / (2 * d - 1) ** 3) == 0  # c_2 = 0
    assert formulas.bethe(z).error == 0


def test_hamming_graph_tends_to_the_n_cube_in_many_dimensions():
    """1/m + (2 d^2 - 1) / (2 (d - 1)^2) / m^2: the second coefficient tends to the n-cube's 1."""
    m = Symbol("m")
    second = (formulas.hamming(d, q).p_c - 1 / (d * (q - 1))) * (d * (q - 1)) ** 2
    assert limit(simplify(second), d, oo) == 1
    assert formulas.hamming(3, 10).p_c == (1 / m + Rational(17, 8) / m**2).subs(m, 27)
    for size in (15, 20):
        assert (
            abs(
                thresholds.threshold("hamming", "bond", size, 2).value
                - thresholds.threshold("n-cube", "bond", size).value
            )
            < thresholds.threshold("hamming", "bond", size, 2).error
        )


@pytest.mark.parametrize("n", [3, 4, 5])
def test_triangles_take_as_many_walks_as_the_d_formula_says(n):
    """Mean cluster size of the complete graph, z = n - 1, s = z - 1, t = n - 2, by p: every graph of n sites counted.

    bonds: 1 + z p + z s p^2 + (z s^2 - 2 z t) p^3; sites: 1 + z p + z (s - t) p^2, of which the last vanishes.
    """
    pairs, z, s, t = list(combinations(range(n), 2)), n - 1, n - 2, n - 2
    size = 0
    for state in product([False, True], repeat=len(pairs)):
        twin = nx.empty_graph(n)
        twin.add_edges_from(pair for pair, is_open in zip(pairs, state, strict=True) if is_open)
        size += len(nx.node_connected_component(twin, 0)) * x ** sum(state) * (1 - x) ** (len(pairs) - sum(state))
    bond = Poly(expand(size), x)
    assert [bond.coeff_monomial(x**k) for k in range(4)] == [1, z, z * s, z * s**2 - 2 * z * t]
    assert s - t == 0  # all sites are neighbours: 1 + z p is exact


def test_d_lattice_expands_in_its_neighbours():
    """(z - 1) p_c - 1 is t/s for sites, 2 t / s^2 for bonds, t / s ~ 2/d."""
    for kind, leading in (("site", d / 2), ("bond", d**3 / 2)):
        formula = formulas.d_lattice(d, kind)
        excess = formula.p_c * (2 * d * (d - 1) - 1) - 1
        assert limit(excess * leading, d, oo) == 1
        assert limit(formula.error / (excess * formula.p_c), d, oo) == 0
    assert formulas.d_lattice(4, "site").p_c == Rational(1, 15)
    assert formulas.d_lattice(4, "bond").p_c == Rational(1, 23) + Rational(16, 23**3)


def test_exact_values():
    assert formulas.bethe(z).p_c == 1 / (z - 1)
    assert formulas.n_cube(10).p_c == Rational(1135, 10000)
    assert thresholds.threshold("bethe", "bond", 4).value == 1 / 3


def test_standings():
    assert formulas.hypercubic(8, "bond", 3).standing == "proved"
    assert formulas.hypercubic(8, "bond").standing == "series"
    assert (formulas.n_cube(n, "bond").standing, formulas.n_cube(n, "site").standing) == ("proved", "conjecture")
    assert formulas.d_lattice(d, "site").standing == formulas.d_lattice(d, "bond").standing == "series"
    assert [thresholds.best("D", "site", k)[1] for k in (13, 14)] == ["numerical", "series"]
    assert formulas.hamming(d, q).standing == formulas.bethe(z).standing == "proved"
    standings = {(k, kind): thresholds.best("hypercubic", kind, k)[1] for k in range(1, 30) for kind in KINDS}
    assert standings[1, "site"] == standings[2, "bond"] == "proved"
    assert standings[2, "site"] == standings[20, "bond"] == "numerical"
    assert standings[21, "bond"] == "series"
    assert set(standings.values()) <= set(formulas.STANDINGS)


def test_symbols_have_no_number():
    with pytest.raises(ValueError, match="no number while d, q is a symbol"):
        formulas.hamming(d, q).threshold()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: formulas.hypercubic(0), "d must be at least 1"),
        (lambda: formulas.hypercubic(Rational(5, 2)), "d must be an integer"),
        (lambda: formulas.hypercubic(d, "bonds"), "did you mean 'bond'"),
        (lambda: formulas.hypercubic(d, "bond", 7), "6 terms of the bond series are known"),
        (lambda: thresholds.series(3, n_terms=0), "n_terms must be at least 1"),
        (lambda: thresholds.threshold("hamming", "bond", 1, 5), "d must be at least 2"),
        (lambda: thresholds.threshold("hamming", "bond", 3, 1), "q must be at least 2"),
        (lambda: formulas.bethe(math.inf), "z must be an integer"),
        (lambda: formulas.d_lattice(2), "d must be at least 3"),
        (lambda: formulas.d_lattice(d, "sit"), "did you mean 'site'"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
