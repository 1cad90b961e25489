"""Critical occupations: exact in one dimension and for tiny boxes, known values by sampling."""

import math
from itertools import permutations

import numpy as np
import pytest

from percolation import fields, level_sets
from percolation.level_sets import critical_occupation

RATE = 5.5  # standard errors: a correct program is further off for 4e-8 of seeds, normal tails


def independent(*shape):
    return lambda seed: np.random.default_rng(seed).random(shape, dtype=np.float32)


def smooth(d, L, xi):
    return lambda seed: fields.gaussian_grid((L,) * d, xi, seed=seed)


def test_a_chain_is_spanned_when_all_is_open():
    found = critical_occupation(independent(50), n_realisations=5, seed=1)
    assert (found.value, found.error) == (1.0, 0.0)


@pytest.mark.parametrize("wraps", [False, True])
def test_the_mean_over_all_orders_of_a_small_box(wraps):
    """2 x 3 cells along axis 1."""
    every = []
    for values in permutations(range(6)):
        levels = level_sets.sweep(np.array(values, dtype=float).reshape(2, 3), periodic=wraps)
        every.append(levels.occupation(levels.wrapping_level(1) if wraps else levels.spanning_level(1)))
    found = critical_occupation(independent(2, 3), axis=1, wraps=wraps, n_realisations=3000, seed=2)
    assert abs(found.value - np.mean(every)) < RATE * found.error


def test_the_two_dimensional_smooth_field_is_its_own_complement():
    """Spanning along one axis at p = 1/2 by symmetry; 0.01 is left for cells of xi / 4 and their open diagonals."""
    found = critical_occupation(smooth(2, 128, 4.0), n_realisations=100, seed=3)
    assert found.error < 0.01
    assert abs(found.value - 0.5) < 0.01 + RATE * found.error


@pytest.mark.parametrize(("d", "L", "p_c"), [(2, 128, 0.592746), (3, 32, 0.311608), (4, 14, 0.196886)])
def test_independent_cells_on_the_torus(d, L, p_c):
    """Wrapping any axis; boxes of this size are within 0.004 of infinite ones."""
    found = critical_occupation(independent(*(L,) * d), axis="any", wraps=True, n_realisations=40, seed=4)
    assert abs(found.value - p_c) < 0.004 + RATE * found.error


def test_the_method_is_told():
    assert "3 boxes" in critical_occupation(independent(4, 4), n_realisations=3, seed=1).method
    with pytest.raises(ValueError, match="n_realisations must be at least 2"):
        critical_occupation(independent(4, 4), n_realisations=1, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "n", "expected", "off"),
    [
        (smooth(2, 256, 4.0), 200, 0.50, 0.01),
        (smooth(3, 128, 4.0), 80, 0.119, 0.003),
        (independent(512, 512), 100, 0.5927, 0.003),
        (independent(64, 64, 64), 100, 0.3116, 0.004),
        (independent(24, 24, 24, 24), 100, 0.1969, 0.006),
    ],
)
def test_critical_occupations(make, n, expected, off):
    """Spanning along one axis; off is what finite boxes are allowed, besides the error. Rate as above."""
    found = critical_occupation(make, n_realisations=n, seed=5)
    assert abs(found.value - expected) < off + RATE * found.error, str(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("d", "L", "xi", "n", "known", "error"),
    [(2, 256, 4.0, 200, 0.498, 0.003), (3, 128, 4.0, 40, 0.1187, 0.0016), (4, 40, 2.0, 16, 0.0309, 0.0010)],
)
def test_boxes_find_again_what_is_quoted_of_them(d, L, xi, n, known, error):
    """The values of docs/theory.md, on the same boxes at other seeds, within 3 errors: 1 in 370 seeds fails.

    Of these boxes: in d = 4 the threshold of such cells is lower, see tests/percolation/scaling.
    """
    found = critical_occupation(smooth(d, L, xi), n_realisations=n, seed=6)
    assert abs(found.value - known) < 3 * math.hypot(found.error, error), str(found)
