from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from percolation.theory import thresholds

REFERENCE = pd.read_csv(Path(__file__).parents[2] / "reference" / "thresholds.csv", comment="#")


@pytest.mark.parametrize("row", REFERENCE.to_dict("records"), ids=lambda row: f"d={row['d']}")
@pytest.mark.parametrize("kind", thresholds.KINDS)
def test_table_is_the_published_one(row, kind):
    threshold = thresholds.published(row["d"], kind)
    assert (threshold.value, threshold.error) == (row[f"{kind}_p_c"], row[f"{kind}_error"])


def test_entry_d13_lies_on_the_smooth_curve_of_its_neighbours():
    """c7(d) = (p_c - six terms) sigma^7 has small, shrinking second differences; 0.042715021, a wrong entry in
    circulation, breaks them."""
    d = np.arange(9, 14)
    sigma = 2 * d - 1
    residual = [thresholds.published(int(k)).value - thresholds.series(int(k)).value for k in d]
    second = np.diff(np.array(residual) * sigma**7.0, 2)
    assert np.all(np.diff(second) > 0) and np.all(second < 0)
    residual[-1] += 0.042715021 - thresholds.published(13).value
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
    difference = thresholds.series(d, kind, n_terms).value - thresholds.published(d, kind).value
    assert difference == pytest.approx(residual, rel=0.06)


@pytest.mark.parametrize("kind", thresholds.KINDS)
@pytest.mark.parametrize("d", range(4, 14))
def test_series_error_is_the_size_of_its_residual(kind, d):
    """One-sigma errors: the residual stays below 2.1 of them, in both kinds and every d of the table."""
    assert (
        abs(thresholds.published(d, kind).value - thresholds.series(d, kind).value)
        < 2.1 * thresholds.series(d, kind).error
    )


def test_series_agrees_with_the_rigorous_terms_in_one_over_2d():
    """Bond: x + x^2 + (7/2) x^3 + O(x^4), x = 1/2d (van der Hofstad and Slade 2006)."""
    for d in (100, 1000):
        x = 1 / (2 * d)
        assert thresholds.series(d, "bond").value == pytest.approx(x + x**2 + 3.5 * x**3, abs=20 * x**4)


@pytest.mark.parametrize("kind", thresholds.KINDS)
@pytest.mark.parametrize("d", [*range(1, 16), 400, 3072])
def test_bounds_hold(kind, d):
    bounds = thresholds.bounds(d, kind)
    value = thresholds.threshold(d, kind).value
    assert bounds.low <= value <= bounds.high
    site, bond = thresholds.threshold(d, "site").value, thresholds.threshold(d, "bond").value
    assert bond <= site <= 1 - (1 - bond) ** (2 * d)


def test_thresholds_fall_with_dimension():
    for kind in thresholds.KINDS:
        values = [thresholds.threshold(d, kind).value for d in range(1, 60)]
        assert np.all(np.diff(values) < 0)


def test_small_known_values():
    assert thresholds.threshold(1).value == 1
    assert thresholds.bethe(3).value == 1 / 2
    assert thresholds.n_cube(20).value == pytest.approx(1 / 20 + 1 / 400 + 3.5 / 8000)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: thresholds.published(14), "the table has d = 2..13; use series"),
        (lambda: thresholds.threshold(0), "d must be at least 1, got 0"),
        (lambda: thresholds.threshold(2.5), "d must be an integer, got 2.5"),
        (lambda: thresholds.threshold(3, "sites"), "did you mean 'site'"),
        (lambda: thresholds.series(8, "site", 7), "6 terms of the site series are known"),
        (lambda: thresholds.n_cube(1), "n must be at least 2"),
        (lambda: thresholds.bethe(1), "z must be at least 2"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
