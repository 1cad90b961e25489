"""Tests of random code whose rate of false alarms is stated."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm


def assert_means(samples: np.ndarray, exact: np.ndarray, *, false_alarm: float = 1e-6) -> None:
    """Each column mean of samples (n, m) agrees with exact (m,).

    A correct simulator fails for at most a fraction false_alarm of seeds (Bonferroni over the m columns, normal
    tails); a column off by 2 z s / sqrt(n) is caught. A column that never varies must be exact.
    """
    n, m = samples.shape
    error = samples.std(axis=0, ddof=1) / np.sqrt(n)
    fixed = error == 0
    np.testing.assert_array_equal(samples[0, fixed], exact[fixed])
    z = (samples.mean(axis=0) - exact)[~fixed] / error[~fixed]
    bound = norm.isf(false_alarm / (2 * m))
    assert np.abs(z).max() < bound, f"max |z| = {np.abs(z).max():.2f}, bound {bound:.2f}"


def assert_covers(z: ArrayLike) -> None:
    """Errors hold the truth: 60 to 76 % of z, distances in errors, lie within one, 92 % or more within two.

    n >= 200 repeats may be off these by one standard deviation of their share, 3.5 % of 200 at 60 %. Errors that hold
    the truth as those of a normal law do fail for 1 seed in 600 at n = 200, in 3 10^4 at 400; at an end of the band 1
    in 6. Errors that hold 84 % at one sigma, or 85 % at two, are caught with 96 % of seeds at n = 200, 99.9 % at 400.
    """
    z = np.abs(z)
    assert len(z) >= 200, f"a coverage takes 200 repeats or more, got {len(z)}"
    one, two = np.mean(z < 1), np.mean(z < 2)
    least, most, least_two = (
        p + side * np.sqrt(p * (1 - p) / len(z)) for p, side in ((0.6, -1), (0.76, 1), (0.92, -1))
    )
    assert least <= one <= most and two >= least_two, (
        f"{one:.1%} within one error, expected {least:.1%} to {most:.1%}; {two:.1%} within two, {least_two:.1%} or more"
    )
