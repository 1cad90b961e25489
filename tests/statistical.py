"""Tests of random code whose rate of false alarms is stated."""

import numpy as np
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
