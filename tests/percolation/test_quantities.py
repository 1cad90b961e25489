import math

import pytest

from percolation import Estimate, Threshold
from percolation.quantities import with_error

NUMBERS = [
    one(value, error, "a") for one in (Estimate, Threshold) for value in (0.5, 1.0, 1e-300) for error in (0.0, 0.3, 0.4)
]


@pytest.mark.parametrize("one", NUMBERS, ids=repr)
def test_z_is_the_same_both_ways(one):
    for other in NUMBERS:
        assert one.z(other) == -other.z(one)
        error = math.hypot(one.error, other.error)
        if error:
            assert one.z(other) == pytest.approx((one.value - other.value) / error)
        else:
            assert one.z(other) == (math.inf * (one.value - other.value) if one.value != other.value else 0)


@pytest.mark.parametrize("unknown", [(0.5, math.nan), (math.nan, 0.1), (math.nan, 0.0), (math.nan, math.nan)])
@pytest.mark.parametrize("other_error", [0.0, 0.1, math.inf])
def test_z_of_what_is_unknown_is_nan(unknown, other_error):
    for one in (Estimate(*unknown, "a"), Threshold(*unknown, "a")):
        for other in (Estimate(0.5, other_error, "b"), Threshold(0.5, other_error, "b")):
            assert math.isnan(one.z(other)) and math.isnan(other.z(one))


@pytest.mark.parametrize("one", [Estimate(0.5, 0.1, "a"), Threshold(0.5, 0.1, "a")], ids=repr)
def test_z_against_a_bare_number_names_the_way_out(one):
    with pytest.raises(ValueError, match=r"Estimate or a Threshold, got 0.5; an exact number is Threshold\(value, 0"):
        one.z(0.5)


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
