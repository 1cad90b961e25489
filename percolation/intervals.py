"""Intervals around what was counted, that hold the true share in 95 % of all samples."""

import math
from dataclasses import dataclass

from scipy.stats import beta, binomtest

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A value between its limits; NaN where they are not known."""

    value: float
    low: float
    high: float

    def columns(self, name: str) -> dict[str, float]:
        """As the columns name, name_low and name_high of a table."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


def exact(k: int, n: int) -> Interval:
    """The share k / n, with limits that cover at least 95 % whatever the true share; NaN if n = 0.

    Source: C. J. Clopper and E. S. Pearson, Biometrika 26, 404 (1934).
    """
    return _share(k, n, "exact")


def wilson(k: int, n: int) -> Interval:
    """The share k / n, with narrower limits that cover 95 % on the average over true shares; NaN if n = 0.

    Source: E. B. Wilson, Journal of the American Statistical Association 22, 209 (1927).
    """
    return _share(k, n, "wilson")


def upper_limit(k: int, n: int) -> float:
    """One-sided: the share at which k of n or fewer come in 5 % of all samples; 1 if k = n."""
    return float(beta.ppf(CONFIDENCE, k + 1, n - k)) if k < n else 1.0


def _share(k: int, n: int, method: str) -> Interval:
    if n == 0:
        return Interval(math.nan, math.nan, math.nan)
    found = binomtest(k, n).proportion_ci(CONFIDENCE, method=method)
    return Interval(k / n, float(found.low), float(found.high))
