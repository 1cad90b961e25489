import numpy as np
import pytest

from percolation.scaling.collapse import Curve, quality, scaled

P_C, NU, POWER = 0.5, 4 / 3, -5 / 48


def invented(length, *, seed=None):
    """Points of y = L^power tanh-like((p - p_c) L^(1/nu)), with 1 % errors, drawn if there is a seed."""
    p = np.linspace(0.4, 0.6, 41)
    y = length**POWER * (1.2 + np.tanh((p - P_C) * length ** (1 / NU)))
    noise = 0 if seed is None else np.random.default_rng(seed).standard_normal(41)
    return Curve(length, p, y * (1 + 0.01 * noise), 0.01 * y)


CURVES = [invented(length, seed=length) for length in (16, 32, 64)]


def test_right_exponents_collapse_and_wrong_ones_do_not():
    """S is a mean of about 170 squares of unit variance: below 1.5 for all but 1 seed in 10^4."""
    assert 0.6 < quality(CURVES, P_C, NU, POWER) < 1.5
    assert quality(CURVES, P_C + 0.01, NU, POWER) > 3
    assert quality(CURVES, P_C, 1.0, POWER) > 3
    assert quality(CURVES, P_C, NU, 0.0) > 3


def test_scaling_variables():
    found = scaled(invented(16), P_C, NU, POWER)
    np.testing.assert_allclose(found.values, 1.2 + np.tanh(found.p))
    np.testing.assert_allclose(found.errors / found.values, 0.01)


def test_bad_input():
    with pytest.raises(ValueError, match="two curves or more, got 1"):
        quality(CURVES[:1], P_C, NU, POWER)
    apart = Curve(16, CURVES[0].p + 5, CURVES[0].values, CURVES[0].errors)
    with pytest.raises(ValueError, match="do not overlap"):
        quality([CURVES[0], apart], P_C, NU, POWER)
