from itertools import product
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

from percolation.checks import KINDS
from percolation.theory import bounds as rigorous
from percolation.theory import formulas, thresholds

REFERENCE = pd.read_csv(Path(__file__).parents[2] / "reference" / "thresholds.csv", comment="#")


@pytest.mark.parametrize("row", REFERENCE.to_dict("records"), ids=lambda row: f"d={row['d']}")
@pytest.mark.parametrize("kind", KINDS)
def test_table_is_the_published_one(row, kind):
    threshold = thresholds.hypercubic(row["d"], kind)
    assert (threshold.value, threshold.error) == (row[f"{kind}_p_c"], row[f"{kind}_error"])


def test_entry_d13_lies_on_the_smooth_curve_of_its_neighbours():
    """c7(d) = (p_c - six terms) sigma^7 has small, shrinking second differences; 0.042715021, a wrong entry in
    circulation, breaks them."""
    d = np.arange(9, 14)
    sigma = 2 * d - 1
    residual = [thresholds.hypercubic(int(k)).value - thresholds.series(int(k)).value for k in d]
    second = np.diff(np.array(residual) * sigma**7.0, 2)
    assert np.all(np.diff(second) > 0) and np.all(second < 0)
    residual[-1] += 0.042715021 - thresholds.hypercubic(13).value
    assert not np.all(np.diff(np.diff(np.array(residual) * sigma**7.0, 2)) > 0)


@pytest.mark.parametrize(
    ("kind", "d", "n_terms", "residual"),
    [  # series - table, three digits, recomputed independently in exact fractions
        ("site", 4, 4, -3.8e-3),
        ("site", 5, 5, -5.4e-4),
        ("site", 6, 6, 7.5e-5),
        ("site", 13, 6, -2.9e-6),
        ("bond", 6, 6, -3.2e-4),
        ("bond", 13, 3, -2.8e-5),
        ("bond", 13, 6, -9.2e-7),
    ],
)
def test_series_residuals(kind, d, n_terms, residual):
    difference = thresholds.series(d, kind, n_terms).value - thresholds.hypercubic(d, kind).value
    assert difference == pytest.approx(residual, rel=0.06)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("d", range(4, 14))
def test_series_error_is_the_size_of_its_residual(kind, d):
    """One-sigma errors: the residual stays below 2.1 of them, in both kinds and every d of the table."""
    assert (
        abs(thresholds.hypercubic(d, kind).value - thresholds.series(d, kind).value)
        < 2.1 * thresholds.series(d, kind).error
    )


def test_series_agrees_with_the_rigorous_terms_in_one_over_2d():
    """Bond: x + x^2 + (7/2) x^3 + O(x^4), x = 1/2d (van der Hofstad and Slade 2006)."""
    for d in (100, 1000):
        x = 1 / (2 * d)
        assert thresholds.series(d, "bond").value == pytest.approx(x + x**2 + 3.5 * x**3, abs=20 * x**4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("d", [*range(1, 16), 400, 3072])
def test_bounds_hold(kind, d):
    bounds = thresholds.bounds("hypercubic", kind, d)
    value = thresholds.hypercubic(d, kind).value
    assert bounds.low <= value <= bounds.high
    site, bond = thresholds.hypercubic(d, "site").value, thresholds.hypercubic(d, "bond").value
    assert bond <= site <= 1 - (1 - bond) ** (2 * d)


def test_thresholds_fall_with_dimension():
    for kind in KINDS:
        values = [thresholds.hypercubic(d, kind).value for d in range(1, 60)]
        assert np.all(np.diff(values) < 0)


def test_small_known_values():
    assert thresholds.hypercubic(1).value == 1
    assert thresholds.threshold("bethe", "bond", 3).value == 1 / 2
    assert thresholds.threshold("n-cube", "bond", 20).value == pytest.approx(1 / 20 + 1 / 400 + 3.5 / 8000)


def chi(bonds, n_sites, kind):
    """Mean cluster size of an open site as a function of p, all states of a small transitive graph enumerated."""
    M = n_sites if kind == "site" else len(bonds)
    squares, n_open = np.zeros(M + 1), np.zeros(M + 1)
    for state in product([False, True], repeat=M):
        chosen = [k for k in range(M) if state[k]]
        twin = nx.Graph([pair for pair in bonds if set(pair) <= set(chosen)] if kind == "site" else [])
        twin.add_edges_from([bonds[k] for k in chosen] if kind == "bond" else [])
        twin.add_nodes_from(chosen if kind == "site" else range(n_sites))
        squares[len(chosen)] += sum(len(cluster) ** 2 for cluster in nx.connected_components(twin))
        n_open[len(chosen)] += len(twin)
    n = np.arange(M + 1)
    return lambda p: (p**n * (1 - p) ** (M - n)) @ squares / ((p**n * (1 - p) ** (M - n)) @ n_open)


@pytest.mark.parametrize(
    ("d", "q", "kind"), [(2, 2, "site"), (2, 2, "bond"), (3, 2, "site"), (3, 2, "bond"), (2, 3, "site")]
)
def test_bounds_of_finite_graphs_enclose_the_exact_level(d, q, kind):
    words = list(product(range(q), repeat=d))
    bonds = [(i, j) for j in range(q**d) for i in range(j) if sum(np.not_equal(words[i], words[j])) == 1]
    size, bounds = chi(bonds, q**d, kind), thresholds.bounds("hamming", kind, d, q)
    assert bounds.low < brentq(lambda p: size(p) - q ** (d / 3), 1e-6, 1) < bounds.high
    if q == 2:
        assert thresholds.bounds("n-cube", kind, d) == bounds


@pytest.mark.parametrize("kind", KINDS)
def test_bounds_of_large_finite_graphs_enclose_the_formulas(kind):
    """As far as the formulas hold: where what they leave out is below what the bound is lower by."""
    for n in (14, 20, 30, 100):
        bounds = thresholds.bounds("n-cube", kind, n)
        assert bounds.low < thresholds.threshold("n-cube", kind, n).value < bounds.high
    for d, q in ((2, 100), (3, 30), (4, 20), (10, 5)):
        bounds = thresholds.bounds("hamming", "bond", d, q)
        assert bounds.low < thresholds.threshold("hamming", "bond", d, q).value < bounds.high


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("d", range(3, 20))
def test_d_lattices_lie_within_their_bounds_and_near_their_formula(kind, d):
    bounds, value = thresholds.bounds("D", kind, d), thresholds.threshold("D", kind, d).value
    assert bounds.low < value < bounds.high or (kind == "site" and d > 13 and value == pytest.approx(bounds.low))
    formula = formulas.d_lattice(d, kind).threshold()
    assert abs(value - formula.value) < (1.42 if kind == "site" else 1.7) * formula.error
    site, bond = thresholds.threshold("D", "site", d).value, thresholds.threshold("D", "bond", d).value
    assert bond < site < 1 - (1 - bond) ** (2 * d * (d - 1))


def test_errors_of_the_d_formula_are_the_remainder_at_d_13():
    for kind, tolerance in (("site", 0.02), ("bond", 0.03)):
        known, formula = thresholds.threshold("D", kind, 13), formulas.d_lattice(13, kind).threshold()
        assert known.value - formula.value == pytest.approx(formula.error, rel=tolerance)


@pytest.mark.parametrize("kind", KINDS)
def test_entries_of_the_d_table_lie_on_the_smooth_curve_of_their_neighbours(kind):
    """What the formula leaves out, in its units, is a polynomial in 1/d, d = 4 ... 13, to half an error of each.

    A slip of 10^-4 in a number is 2 errors at d = 6, 10 at d = 10 and 30 at d = 13.
    """
    d = np.arange(4, 14)
    known = [thresholds.threshold("D", kind, int(one)) for one in d]
    formula = [formulas.d_lattice(int(one), kind).threshold() for one in d]
    unit = np.array([one.error for one in formula])
    left = np.array([one.value - other.value for one, other in zip(known, formula, strict=True)]) / unit
    error = np.array([one.error for one in known]) / unit
    smooth = np.polyval(np.polyfit(1 / d, left, 5, w=1 / error), 1 / d)
    assert np.abs((left - smooth) / error).max() < 0.5


def test_d_3_is_fcc():
    for kind in KINDS:
        known, fcc = thresholds.threshold("D", kind, 3), thresholds.threshold("fcc", kind)
        assert (known.value, known.error) == (fcc.value, fcc.error)
        assert thresholds.bounds("D", kind, 3).low == thresholds.bounds("fcc", kind).low


def test_d_lattices_tend_to_the_bethe_lattice():
    """(z - 1) p_c falls to 1, for bonds much sooner."""
    for kind in KINDS:
        ratios = [thresholds.threshold("D", kind, d).value * (2 * d * (d - 1) - 1) for d in range(3, 14)]
        assert np.all(np.diff(ratios) < 0) and ratios[-1] > 1
    assert ratios[-1] < 1.0014


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: thresholds.threshold("D", "site", 2), "d must be at least 3, got 2"),
        (lambda: thresholds.bounds("bethe", "bond"), "bethe is a family; give its dimension d"),
        (lambda: thresholds.bounds("Lieb", "site"), "no p_c of Lieb, site is known here"),
        (lambda: thresholds.bounds("D", "bnd", 4), "did you mean 'bond'"),
        (lambda: rigorous.walk_bound(1), "z must be at least 2"),
        (lambda: rigorous.walk_bound(4, -1), "shared must be at least 0"),
        (lambda: thresholds.bounds("hamming", "bond", 1, 4), "d must be at least 2"),
        (lambda: thresholds.bounds("n-cube", "bond", 1), "d must be at least 2"),
        (lambda: thresholds.bounds("bethe", "bond", 1), "z must be at least 2"),
        (lambda: thresholds.hypercubic(0), "d must be at least 1, got 0"),
        (lambda: thresholds.hypercubic(2.5), "d must be an integer, got 2.5"),
        (lambda: thresholds.hypercubic(3, "sites"), "did you mean 'site'"),
        (lambda: thresholds.series(8, "site", 7), "6 terms of the site series are known"),
        (lambda: thresholds.threshold("n-cube", "bond", 1), "n must be at least 2"),
        (lambda: thresholds.threshold("bethe", "bond", 1), "z must be at least 2"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
