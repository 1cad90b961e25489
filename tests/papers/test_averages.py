import math

import numpy as np
import pytest

from papers.averages import geometric, share, two_sided


def test_geometric_mean_with_errors_to_both_sides():
    value, below, above = geometric([1.0, 100.0], 1e-7)
    assert value == pytest.approx(10)
    # the logarithms are 0 and log 100: their standard error is half their difference
    assert (value - below, value + above) == pytest.approx((1, 100))
    assert geometric([0.0], 1e-7)[0] == pytest.approx(1e-7) and math.isnan(geometric([0.0], 1e-7)[1])


def test_a_share_has_an_error_even_at_its_ends():
    assert share(20, 20).value == 1 and 0 < share(20, 20).error < 0.05
    errors = [share(k, 100).error for k in (10, 50, 90)]
    np.testing.assert_allclose(errors, np.sqrt([0.09, 0.25, 0.09]) / 10, rtol=0.05)


@pytest.mark.parametrize(
    ("numbers", "written"),
    [
        ((0.69, 0.42, 1.23), "0.7^{+1.2}_{-0.4}"),
        ((0.0056, 0.0012, 0.0016), "0.006^{+0.002}_{-0.001}"),
        ((123.4, 20.0, 31.0), "123^{+31}_{-20}"),
        ((2.3e-5, 4e-6, 5e-6), r"(2.3^{+0.5}_{-0.4})\times 10^{-5}"),
        ((0.0015, math.nan, math.nan), "0.0015"),
        ((2.3e-5, math.nan, math.nan), r"2.3\times 10^{-5}"),
    ],
)
def test_unequal_errors_in_latex(numbers, written):
    assert two_sided(*numbers) == rf"\ensuremath{{{written}}}"
