"""The radix sort against numpy's stable argsort."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from percolation.level_sets.orders import checked_values, stable_order

RNG = np.random.default_rng(1)
CASES = {
    "normal": RNG.standard_normal(5000),
    "uniform": RNG.random(5000),
    "ties": RNG.integers(-3, 3, 5000).astype(float),
    "all equal": np.full(500, 3.0),
    "losses over many decades": 10.0 ** RNG.uniform(-30, 1, 5000),
    "one far off, the rest in one 32-bit key": np.append(1 + RNG.random(3000) * 1e-9, 1e300),
    "short runs of one 32-bit key": np.append((1 + RNG.random((300, 9)) * 1e-9) * RNG.random((300, 1)), -1e300),
    "signed zeros and infinities": np.array([0.0, -0.0, np.inf, -0.0, 0.0, -np.inf, 5e-324, -5e-324]),
    "falling": np.arange(3000.0)[::-1].copy(),
    "one": np.array([2.0]),
}


@pytest.mark.parametrize("name", CASES)
def test_equal_to_argsort(name):
    np.testing.assert_array_equal(stable_order(CASES[name]), np.argsort(CASES[name], kind="stable"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_equal_to_argsort_for_any_numbers(dtype, data):
    width = 8 * np.dtype(dtype).itemsize
    numbers = st.floats(width=width, allow_nan=False) | st.sampled_from([0.0, -0.0, 1.0])
    values = data.draw(arrays.arrays(dtype, st.integers(1, 60), elements=numbers))
    np.testing.assert_array_equal(stable_order(values), np.argsort(values, kind="stable"))


def test_values_are_kept_where_they_can_be():
    single = np.zeros((2, 3), dtype=np.float32)
    assert checked_values("values", single) is single
    assert checked_values("values", np.zeros((3, 2), dtype=np.int8)).dtype == np.float64
    assert checked_values("values", np.zeros(3, dtype=">f4")).dtype == np.float64
    assert checked_values("values", np.zeros(3, dtype=np.float16)).dtype == np.float64


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[0.0, 1.0], [np.nan, 2.0]], r"NaN, first at \(1, 0\); put np.inf"),
        ([], "got shape"),
        (["a"], "real numbers"),
        (np.zeros(3, dtype=np.longdouble), "64 bits"),
    ],
)
def test_what_has_no_order_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        checked_values("values", values)
