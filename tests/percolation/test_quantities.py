import math

import pytest

from percolation import Estimate, Threshold
from percolation.quantities import with_error


def test_z_is_the_distance_in_combined_errors():
    assert Estimate(1.0, 0.3, "a").z(Threshold(0.5, 0.4, "b")) == pytest.approx(1.0)
    assert Estimate(1.0, 0.0, "a").z(Threshold(1.0, 0.0, "b")) == 0
    assert Estimate(0.5, 0.0, "a").z(Threshold(1.0, 0.0, "b")) == -math.inf


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.07521021, 7e-7, "0.0752102(7)"),
        (0.07521021, 1.3e-6, "0.0752102(13)"),
        (0.5, 0, "0.5"),
        (123.4, 20, "123(20)"),
        (1.0, math.nan, "1(nan)"),
    ],
)
def test_with_error(value, error, text):
    assert with_error(value, error) == text
