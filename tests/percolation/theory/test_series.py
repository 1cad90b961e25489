import numpy as np
import pytest

from percolation.checks import KINDS
from percolation.quantities import Published
from percolation.theory import series, thresholds
from percolation.theory.formulas import SERIES
from percolation.theory.published import published


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_known", [3, 4, 5])
def test_known_coefficients_come_out_where_they_are_withheld(kind, n_known):
    """Nothing of them is given away: within two errors, all six; and the errors are no more than half of them."""
    found = series.continued(kind, n_known=n_known).coefficient(n_known + 1)
    assert abs(found.z(Published(float(SERIES[kind].coefficients[n_known]), 0.0, "known"))) < 2
    assert found.error < 0.2 * found.value


@pytest.mark.parametrize("kind", KINDS)
def test_thresholds_that_were_left_out_are_foretold(kind):
    """d = 13 by those of d = 8 to 12 and 8 to 11, our own of d = 14 to 20 by the published ones up to 13."""
    for last in (11, 12):
        told = series.continued(kind, dimensions=range(8, last + 1)).threshold(13)
        assert abs(told.z(published("hypercubic", kind, 13))) < 2.5 and told.error < 2e-6 * told.value
    continued = series.continued(kind, dimensions=range(8, 14))
    z = np.array([continued.threshold(d).z(published("hypercubic", kind, d)) for d in range(14, 21)])
    assert (z**2).sum() < 20.3 and abs(z.mean()) < 2.8 / 7**0.5  # chi^2 of 7, and their mean: 1 in 200 each


@pytest.mark.parametrize(("kind", "told"), [("site", 0.0393386), ("bond", 0.0371837)])
def test_d_14_is_where_the_seventh_term_of_d_13_puts_it(kind, told):
    """The six terms and c_7 of d = 13, another extrapolation, with an error of 10^-7."""
    continued = series.continued(kind, dimensions=range(8, 14)).threshold(14)
    assert abs(continued.value - told) < 1e-7 and continued.error < 5e-9


@pytest.mark.parametrize("kind", KINDS)
def test_the_fit_goes_through_the_thresholds(kind):
    found = series.continued(kind)
    assert found.chi2 < 24.7  # 11 or more of 13 thresholds are free: 1 in 100
    assert max(abs(found.threshold(d).z(published("hypercubic", kind, d))) for d in found.dimensions) < 3
    assert "d = 8 to 20" in found.coefficient(7).source


def test_a_series_that_is_made_is_found_again(monkeypatch):
    """Thresholds of invented coefficients with invented errors: c_7 and c_8 within 2.5 of theirs."""
    rng, known = np.random.default_rng(5), [float(c) for c in SERIES["bond"].coefficients]
    invented = [*known, *(1.4**k * known[-1] * 7**k for k in range(1, 3))]

    def p_c(kind, d):
        value = sum(c / (2 * d - 1) ** k for k, c in enumerate(invented, start=1))
        return thresholds.Threshold(value + 1e-10 * rng.normal(), 1e-10, "invented")

    monkeypatch.setattr(series, "_p_c", p_c)
    found = series.continued("bond")
    for k in (7, 8):
        one = found.coefficient(k)
        assert abs(one.value - invented[k - 1]) < 2.5 * one.error < invented[k - 1]


def test_where_the_series_holds():
    rows = {one.d: one for one in series.held("site", range(4, 21))}
    assert rows[13].relative == pytest.approx(-6.7e-5, rel=0.01)
    assert rows[13].in_errors == pytest.approx(-28480, rel=0.001)
    assert [rows[d].best_order for d in (4, 5, 6, 13)] == [4, 5, 6, 6]
    assert all(abs(rows[d].relative) > abs(rows[d + 1].relative) for d in range(8, 18))
    assert all(one.series == pytest.approx(thresholds.series(one.d, n_terms=6).value) for one in rows.values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "sites"}, "did you mean 'site'"),
        ({"n_known": 7}, "n_known must be at most 6, got 7"),
        ({"n_known": 2}, "n_known must be at least 3, got 2"),
        ({"dimensions": [8, 9]}, "3 dimensions at least, got 2"),
        ({"dimensions": range(8, 22)}, "known up to d = 20, got d = 21"),
        ({"dimensions": [2, 3, 4]}, "d must be at least 3, got 2"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        series.continued(**arguments)


def test_coefficients_that_are_known_are_not_fitted():
    found = series.continued("bond", n_known=5)
    for call in (lambda: found.coefficient(5), lambda: found.coefficient(18), lambda: found.threshold(7)):
        with pytest.raises(ValueError, match="must be at"):
            call()
