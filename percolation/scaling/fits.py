"""Linear fits of many runs, and their average where the form is not known beforehand."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.optimize import curve_fit


class Fit(NamedTuple):
    """What one fit says of a number."""

    value: float
    error: float
    misfit: float  # chi^2, or -2 log(evidence) where priors have integrated the parameters out
    n_parameters: int  # fitted freely: 0 if they were integrated out
    n_left_out: int  # points

    @property
    def cost(self) -> float:
        """Akaike's information criterion, in which a point that is left out costs as much as a parameter."""
        return self.misfit + 2 * (self.n_parameters + self.n_left_out)


def model_average(fits: Iterable[Fit]) -> tuple[float, float]:
    """Value and error from fits that differ in their form and in the points they leave out: weights exp(-cost / 2).

    The error has the spread of the fits, the systematic part, added to theirs in squares.
    Source: Jay and Neil, Phys. Rev. D 103, 114502 (2021).
    """
    values, errors, costs = np.array([(fit.value, fit.error, fit.cost) for fit in fits]).T
    weights = np.exp(-(costs - costs.min()) / 2)
    weights /= weights.sum()
    value = weights @ values
    return float(value), float(np.sqrt(weights @ (errors**2 + (values - value) ** 2)))


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
            value, error, chi2 = intercept(values[:, first:], deviations[first:], form[first:] / scale)
            yield Fit(value / scale[0], error / scale[0], chi2, n_parameters, first)


def intercept(values: np.ndarray, deviations: np.ndarray, form: np.ndarray) -> tuple[float, float, float]:
    """First coefficient of the least-squares fit of the runs' mean by form, its error, and chi^2.

    values: (n_runs, n_points). deviations: (n_points,) of the mean. form: (n_points, n_parameters).
    Error: the fit is linear, so each run is put through it and the scatter is its error; correlations between the
    points count.
    """
    solve = np.linalg.pinv(form / deviations[:, None]) / deviations  # (n_parameters, n_points)
    of_runs = values @ solve[0]
    residuals = (values.mean(axis=0) - form @ solve @ values.mean(axis=0)) / deviations
    return of_runs.mean(), of_runs.std(ddof=1) / np.sqrt(len(values)), residuals @ residuals


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
