from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from percolation.theory.exponents import exponents


def test_exact_values_in_two_dimensions():
    two = exponents(2)
    assert two.nu.value == pytest.approx(4 / 3)
    assert two.beta.value == pytest.approx(5 / 36)
    assert two.gamma.value == pytest.approx(43 / 18)
    assert two.tau.value == pytest.approx(187 / 91)
    assert two.sigma.value == pytest.approx(36 / 91)
    assert two.beta.error == two.tau.error == 0


REFERENCE = pd.read_csv(Path(__file__).parents[2] / "reference" / "exponents.csv", comment="#")


@pytest.mark.parametrize("row", REFERENCE.to_dict("records"), ids=lambda row: f"{row['name']} d={row['d']}")
def test_table_is_the_published_one(row):
    found = getattr(exponents(row["d"]), row["name"])
    assert (found.value, found.error) == (row["value"], row["error"])


@pytest.mark.parametrize("d", [6, 7, 100])
def test_mean_field_from_six_dimensions_on(d):
    e = exponents(d)
    assert [e.nu.value, e.beta.value, e.gamma.value, e.tau.value, e.sigma.value] == [0.5, 1, 1, 2.5, 0.5]


@pytest.mark.parametrize(
    ("d", "beta", "gamma", "tau"),
    [(3, 0.4181, 1.793, 2.18909), (4, 0.654, 1.430, 2.3142), (5, 0.846, 1.177, 2.419)],
)
def test_derived_exponents_agree_with_direct_measurements(d, beta, gamma, tau):
    e = exponents(d)
    assert abs(e.beta.value - beta) < 3 * e.beta.error + 1e-3
    assert abs(e.gamma.value - gamma) < 3 * e.gamma.error + 1e-3
    assert abs(e.tau.value - tau) < 3 * e.tau.error + 1e-3  # Mertens and Moore 2018 for d = 4, 5


def test_epsilon_expansion_at_five_dimensions():
    """1/nu = 2 - 5 eps/21 - 653 eps^2/18522 and eta = -eps/21 - 206 eps^2/9261, eps = 6 - d; d_f = (d + 2 - eta)/2."""
    five = exponents(5)
    assert five.y_t.value == pytest.approx(2 - 5 / 21 - 653 / 18522, abs=0.02)
    assert five.d_f.value == pytest.approx((7 + 1 / 21 + 206 / 9261) / 2, abs=0.01)


def test_exponents_vary_monotonically():
    for name in ("y_t", "d_f", "d_min", "beta", "tau"):
        assert np.all(np.diff([getattr(exponents(d), name).value for d in range(2, 7)]) > 0), name


def test_one_dimension_is_refused():
    with pytest.raises(ValueError, match="d must be at least 2"):
        exponents(1)
