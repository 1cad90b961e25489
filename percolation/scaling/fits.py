"""Linear fits of many runs, and their average where the form is not known beforehand."""

from collections.abc import Iterable

import numpy as np
from scipy.optimize import curve_fit


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


def average(fits: Iterable[tuple[float, float, float]]) -> tuple[float, float]:
    """Value and error of fits (value, error, cost), with weights exp(-cost / 2).

    Cost: chi^2 + 2 for each parameter and each point left out. The error has the spread of the fits, the systematic
    part, added to theirs in squares. Source: Jay and Neil, Phys. Rev. D 103, 114502 (2021).
    """
    values, errors, costs = np.array(list(fits)).T
    weights = np.exp(-(costs - costs.min()) / 2)
    weights /= weights.sum()
    value = weights @ values
    return float(value), float(np.sqrt(weights @ (errors**2 + (values - value) ** 2)))


def power(x: np.ndarray, y: np.ndarray, deviations: np.ndarray) -> tuple[np.ndarray, float]:
    """y smoothed by a x^b, and the relative error of a, by least squares; x is best 1 where y is known well."""

    def form(x: np.ndarray, a: float, b: float) -> np.ndarray:
        return a * x**b

    try:
        (a, b), covariance = curve_fit(form, x, y, (y.mean(), 0.0), deviations, absolute_sigma=True)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"no power law fits slopes of {y}: too few samples near p_c; take more runs") from error
    return form(x, a, b), float(np.sqrt(covariance[0, 0]) / abs(a))
