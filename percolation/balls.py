"""The volume of a ball in d dimensions."""

import math


def log_volume(d: int, radius: float = 1.0) -> float:
    """log of pi^(d/2) r^d / Gamma(d/2 + 1), which itself is no float where d or r is large."""
    return d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1) + d * math.log(radius)


def volume(d: int, radius: float = 1.0) -> float:
    """pi^(d/2) r^d / Gamma(d/2 + 1)."""
    return math.exp(log_volume(d, radius))
