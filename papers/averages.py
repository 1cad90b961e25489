"""Averages that figures quote, each with its one-sigma error."""

import math

import numpy as np
from numpy.typing import ArrayLike

from percolation.quantities import Estimate


def geometric(values: ArrayLike, floor: float) -> tuple[float, float, float]:
    """Geometric mean of values, none taken below the floor, and its error downwards and upwards.

    exp(m), m the mean of the logarithms; errors exp(m) - exp(m - s) and exp(m + s) - exp(m), s the standard error of m.
    """
    logarithms = np.log(np.maximum(np.asarray(values, dtype=float), floor))
    mean = float(logarithms.mean())
    s = float(logarithms.std(ddof=1)) / math.sqrt(len(logarithms)) if len(logarithms) > 1 else math.nan
    value = math.exp(mean)
    return value, value - math.exp(mean - s), math.exp(mean + s) - value


def share(k: float, n: int) -> Estimate:
    """k of n, with the error of a binomial that has half a success and half a failure more."""
    p = (k + 0.5) / (n + 1)
    return Estimate(k / n, math.sqrt(p * (1 - p) / n), f"{k:g} of {n}")


def two_sided(value: float, below: float, above: float) -> str:
    r"""A positive number with unequal errors, as LaTeX: \ensuremath{0.7^{+1.2}_{-0.4}} in the text or in a formula.

    To the first digit of the smaller error, with a power of ten when far from 1; two digits where there is no error.
    """
    power = math.floor(math.log10(value))
    power = power if abs(power) > 3 else 0
    value, below, above = (one / 10.0**power for one in (value, below, above))
    known = min(below, above) > 0
    digits = max(0, -math.floor(math.log10(min(below, above) if known else value / 10)))
    errors = f"^{{+{above:.{digits}f}}}_{{-{below:.{digits}f}}}" if known else ""
    scale = rf"\times 10^{{{power}}}" if power else ""
    number = f"{value:.{digits}f}{errors}"
    return rf"\ensuremath{{{f'({number})' if scale and errors else number}{scale}}}"
