"""Exponents from the growth of an observable with the size: y = A L^x, corrections covered by the error."""

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks
from percolation.quantities import Estimate
from percolation.scaling.fits import average

CORRECTIONS = (0.5, 1.0, 1.5, 2.0)  # omega of the leading correction L^-omega; it is rarely known


def effective_length(n_sites: ArrayLike, d: int) -> np.ndarray:
    """The length that enters finite-size scaling on a torus of n_sites in d dimensions: n_sites^(1 / min(d, 6)).

    Below six dimensions that is L. Above, a torus scales as a random graph, largest cluster n^(2/3) and window
    n^(-1/3): with this length and the mean-field exponents d_f = 4, nu = 1/2 the same formulas hold in every d.
    Source: Kenna and Berche, Condens. Matter Phys. 16, 23601 (2013); Borgs et al., Ann. Probab. 33, 1886 (2005).
    """
    n_sites = np.asarray(n_sites, dtype=float)
    if not (n_sites >= 1).all():
        raise ValueError(f"n_sites must be at least 1, got {n_sites.min():g}")
    return n_sites ** (1 / min(checks.integer("d", d, at_least=1), 6))


def exponent(lengths: ArrayLike, values: ArrayLike, errors: ArrayLike) -> Estimate:
    """x of y = A L^x (1 + B L^-omega) from y at several lengths, with independent one-sigma errors.

    log y = log A + x log L + B L^-omega is fitted by least squares, with B = 0 and with B free for every omega of
    CORRECTIONS, from every first length on that leaves one length more than parameters; the fits are averaged.
    lengths, values, errors: (n,), increasing and positive. Two lengths give the exponent between them.
    Error, one sigma: see `fits.average`. Measured on invented data with 4 to 6 lengths, corrections of up to 12 % and
    noise of 1 %: it holds the truth in 62..92 % at one sigma, at least 93 % at two.
    """
    x, y, dy = _logarithms(lengths, values, errors)
    line = np.stack([np.ones(len(x)), x - x.mean()], axis=1)
    fits = [_fit(line[first:], y[first:], dy[first:], first) for first in range(max(len(x) - 2, 1))]
    for omega in CORRECTIONS:
        curve = np.column_stack([line, np.exp(-omega * x)])
        fits += [_fit(curve[first:], y[first:], dy[first:], first) for first in range(len(x) - 3)]
    slope, error = average(fits)
    return Estimate(slope, error, f"power law through {len(x)} sizes")


def _fit(form: np.ndarray, y: np.ndarray, dy: np.ndarray, left_out: int) -> tuple[float, float, float]:
    """Exponent, its error and chi^2 + 2 (parameters + lengths left out) of a weighted linear fit."""
    form = form / dy[:, None]
    covariance = np.linalg.inv(form.T @ form)
    parameters = covariance @ form.T @ (y / dy)
    residuals = y / dy - form @ parameters
    return parameters[1], np.sqrt(covariance[1, 1]), residuals @ residuals + 2 * (form.shape[1] + left_out)


def _logarithms(lengths: ArrayLike, values: ArrayLike, errors: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    L, y, dy = (np.asarray(array, dtype=float) for array in (lengths, values, errors))
    if not L.shape == y.shape == dy.shape or L.ndim != 1 or len(L) < 2:
        raise ValueError(
            f"expected two or more lengths with a value and an error each, got {L.shape} {y.shape} {dy.shape}"
        )
    if not ((L > 0).all() and (np.diff(L) > 0).all()):
        raise ValueError(f"lengths must be positive and increasing, got {L}")
    for name, array in (("values", y), ("errors", dy)):
        if not (np.isfinite(array) & (array > 0)).all():
            raise ValueError(f"{name} must be finite and above 0, got {array}")
    return np.log(L), np.log(y), dy / y
