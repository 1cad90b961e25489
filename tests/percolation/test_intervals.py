"""Limits of shares: what they cover, counted exactly, and their ends."""

import math
from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from percolation import intervals


def coverage(limits, n, p):
    """The chance that the limits (low, high) of k of n hold p."""
    k = np.arange(n + 1)
    held = [low <= p <= high for low, high in map(limits, k.tolist())]
    return binom.pmf(k, n, p)[held].sum()


def ends(method, n):
    @cache
    def limits(k):
        found = method(k, n)
        return found.low, found.high

    return limits


@pytest.mark.parametrize("n", [1, 12, 50])
def test_exact_limits_cover_95_percent_of_every_share(n):
    limits = ends(intervals.exact, n)
    assert min(coverage(limits, n, p) for p in np.linspace(0, 1, 101)) >= 0.95


def test_limits_by_wilson_cover_95_percent_on_the_average_and_are_narrower():
    shares, limits = (np.arange(500) + 0.5) / 500, ends(intervals.wilson, 30)
    assert np.mean([coverage(limits, 30, p) for p in shares]) == pytest.approx(0.95, abs=0.01)
    for k in range(31):
        low, high = limits(k)
        wide = intervals.exact(k, 30)
        assert low <= k / 30 <= high and high - low < wide.high - wide.low


@pytest.mark.parametrize("n", [1, 20])
def test_an_upper_limit_is_exceeded_in_5_percent(n):
    """At the limit of k, k or fewer come with probability 0.05."""
    for k in range(n):
        assert binom.cdf(k, n, intervals.upper_limit(k, n)) == pytest.approx(0.05)
    assert intervals.upper_limit(n, n) == 1


@pytest.mark.parametrize("method", [intervals.exact, intervals.wilson])
def test_of_nothing_there_is_no_share(method):
    assert all(math.isnan(one) for one in method(0, 0).columns("found").values())
    assert list(method(3, 4).columns("found")) == ["found", "found_low", "found_high"]
    assert method(3, 4).columns("found")["found"] == 0.75
