"""Linear fits of many runs, and their average where the form is not known beforehand."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.optimize import curve_fit


class Fit(NamedTuple):
    """What one fit says of a number."""

    value: float
    chances: np.ndarray  # (n_sources,) what each source of chance, independent and of deviation 1, adds to the value
    misfit: float  # chi^2, or -2 log(evidence) where priors have integrated the parameters out
    n_parameters: int  # fitted freely: 0 if they were integrated out
    n_left_out: int  # points

    @property
    def error(self) -> float:
        return float(np.linalg.norm(self.chances))

    @property
    def cost(self) -> float:
        """Akaike's information criterion, in which a point that is left out costs as much as a parameter."""
        return self.misfit + 2 * (self.n_parameters + self.n_left_out)


def model_average(fits: Iterable[Fit]) -> tuple[float, float]:
    """Value and error from fits that differ in their form and in the points they leave out: weights exp(-cost / 2).

    The fits are of one set of data, and of the same sources of chance. With v = sum_k w_k v_k, c = sum_k w_k c_k,

        error^2 = |c|^2 + sum_k w_k max((v_k - v)^2 - |c_k - c|^2, 0),

    the chance of the average itself and what each fit is off it beyond chance, which is the systematic part. The sum
    of the fits' own errors and of their whole spread in squares counts what chance does between them twice: it held the
    truth in up to 86 %.
    Source: the average, Jay and Neil, Phys. Rev. D 103, 114502 (2021).
    """
    fits = list(fits)
    values, costs = np.array([(fit.value, fit.cost) for fit in fits]).T
    chances = np.array([fit.chances for fit in fits])
    weights = np.exp(-(costs - costs.min()) / 2)
    weights /= weights.sum()
    value, chance = weights @ values, weights @ chances
    beyond_chance = (values - value) ** 2 - ((chances - chance) ** 2).sum(axis=1)
    return float(value), float(np.sqrt(chance @ chance + weights @ np.maximum(beyond_chance, 0)))


def fits_from_each_first(
    values: np.ndarray, deviations: np.ndarray, forms: Iterable[np.ndarray], *, fewest: int = 0
) -> Iterator[Fit]:
    """The first coefficient of the runs' mean by every form, with none, one, two, ... of the first points left out.

    values: (n_runs, n_points). deviations: (n_points,) of the mean. forms: (n_points, n_parameters) each.
    fewest: points that are always kept, the last; there are more than parameters in any case.
    """
    for form in forms:
        n_points, n_parameters = form.shape
        for first in range(n_points - max(fewest, n_parameters + 1) + 1):
            scale = form[first]  # at the first point kept every column is 1
            value, chances, chi2 = intercept(values[:, first:], deviations[first:], form[first:] / scale)
            yield Fit(value / scale[0], chances / scale[0], chi2, n_parameters, first)


def intercept(values: np.ndarray, deviations: np.ndarray, form: np.ndarray) -> tuple[float, np.ndarray, float]:
    """First coefficient of the least-squares fit of the runs' mean by form, its chances by run, and chi^2.

    values: (n_runs, n_points). deviations: (n_points,) of the mean. form: (n_points, n_parameters).
    The fit is linear, so each run is put through it and the scatter is its error; correlations between points count.
    """
    solve = np.linalg.pinv(form / deviations[:, None]) / deviations  # (n_parameters, n_points)
    of_runs = values @ solve[0]
    residuals = (values.mean(axis=0) - form @ solve @ values.mean(axis=0)) / deviations
    n, mean = len(values), of_runs.mean()
    return mean, (of_runs - mean) / np.sqrt(n * (n - 1)), residuals @ residuals


def power_corrections(sizes: np.ndarray, exponents: np.ndarray) -> list[np.ndarray]:
    """The forms a + b N^-w, (n_sizes, 2) for each exponent w."""
    return [np.stack([np.ones(len(sizes)), (sizes / sizes[0]) ** -w], axis=1) for w in exponents]


def power(x: np.ndarray, y: np.ndarray, deviations: np.ndarray) -> tuple[np.ndarray, float]:
    """y smoothed by a x^b, and the relative error of a, by least squares; x is best 1 where y is known well."""

    def form(x: np.ndarray, a: float, b: float) -> np.ndarray:
        return a * x**b

    try:
        (a, b), covariance = curve_fit(form, x, y, (y.mean(), 0.0), deviations, absolute_sigma=True)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"no power law fits slopes of {y}: too few samples near p_c; take more runs") from error
    return form(x, a, b), float(np.sqrt(covariance[0, 0]) / abs(a))
