"""Linear fits of many runs, and their average where the form is not known beforehand."""

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.optimize import curve_fit


class Fit(NamedTuple):
    """What one fit says of a number."""

    value: float
    chances: np.ndarray  # (n_sources,) what each source of chance, independent and of deviation 1, adds to the value
    pulls: np.ndarray  # (n_sources,) what each adds to -misfit / 2, the logarithm of the fit's weight
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

    The fits are of one set of data, and of the same sources of chance. With v = sum_k w_k v_k and c = sum_k w_k c_k,

        error^2 = max(|c|^2 + sum_k w_k max((v_k - v)^2 - |c_k - c|^2, 0), |dv|^2),

    the chance of the average and what each fit is off it beyond chance, the systematic part; at least dv = c +
    sum_k w_k (v_k - v) g_k, the chance of an average whose weights follow chance too, by the pulls g_k. The sum of the
    fits' own errors and of their whole spread in squares counts twice what chance does between them: it held the truth
    in up to 92 % at one sigma.
    Source: the average, Jay and Neil, Phys. Rev. D 103, 114502 (2021).
    """
    fits = list(fits)
    values, costs = np.array([(fit.value, fit.cost) for fit in fits]).T
    chances, pulls = (np.array([getattr(fit, name) for fit in fits]) for name in ("chances", "pulls"))
    weights = np.exp(-(costs - costs.min()) / 2)
    weights /= weights.sum()
    value, chance = weights @ values, weights @ chances
    apart = values - value
    beyond_chance = apart**2 - ((chances - chance) ** 2).sum(axis=1)
    of_weights = chance + (weights * apart) @ pulls  # sum w (v_k - v) = 0: what pulls all fits alike moves no weight
    square = max(chance @ chance + weights @ np.maximum(beyond_chance, 0), of_weights @ of_weights)
    return float(value), math.sqrt(square)


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
            value, chances, pulls, chi2 = intercept(values[:, first:], deviations[first:], form[first:] / scale)
            yield Fit(value / scale[0], chances / scale[0], pulls, chi2, n_parameters, first)


def points_fit(form: np.ndarray, values: np.ndarray, errors: np.ndarray, first: int = 0) -> Fit:
    """The first coefficient of independent values by least squares, so many of the first left out."""
    form, values, errors = form[first:], values[first:], errors[first:]
    solve = np.linalg.pinv(form / errors[:, None]) / errors
    residuals = (values - form @ (solve @ values)) / errors
    left_out = np.zeros(first)
    chances, pulls = (np.concatenate([left_out, of_each]) for of_each in (solve[0] * errors, -residuals))
    return Fit(float(solve[0] @ values), chances, pulls, float(residuals @ residuals), form.shape[1], first)


def intercept(
    values: np.ndarray, deviations: np.ndarray, form: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray, float]:
    """First coefficient of the least-squares fit of the runs' mean by form, its chances and pulls by run, and chi^2.

    values: (n_runs, n_points). deviations: (n_points,) of the mean. form: (n_points, n_parameters).
    The fit is linear, so each run is put through it and the scatter is its error; correlations between points count.
    """
    solve = np.linalg.pinv(form / deviations[:, None]) / deviations  # (n_parameters, n_points)
    n, mean = len(values), values.mean(axis=0)
    residuals = (mean - form @ solve @ mean) / deviations
    chance = (values - mean) / math.sqrt(n * (n - 1))  # of the mean, by run
    return float(solve[0] @ mean), chance @ solve[0], -(chance / deviations) @ residuals, residuals @ residuals


def power(x: np.ndarray, y: np.ndarray, deviations: np.ndarray) -> tuple[np.ndarray, float]:
    """y smoothed by a x^b, and the relative error of a, by least squares; x is best 1 where y is known well."""

    def form(x: np.ndarray, a: float, b: float) -> np.ndarray:
        return a * x**b

    try:
        (a, b), covariance = curve_fit(form, x, y, (y.mean(), 0.0), deviations, absolute_sigma=True)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"no power law fits slopes of {y}: too few samples near p_c; take more runs") from error
    return form(x, a, b), float(np.sqrt(covariance[0, 0]) / abs(a))
