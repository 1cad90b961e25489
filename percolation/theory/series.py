"""The series of p_c(Z^d) in 1/s, s = 2d - 1, beside thresholds: how far it holds, and what they say of its next terms.

Coefficients of an asymptotic series grow like factorials, so a plain fit of a few of them takes what it leaves out for
part of what it fits: sites in d = 10 to 20 give c_7 = 17205(0), 20868(2), -4801(27), 9494(390), 18672(15440) with one
to five of them, each with its error. Here a coefficient that is not known has a size beforehand instead,

    c_k = 0 +- |c_K| a^(k - K) k! / K!, K the last known one,

and the fits with 2 to 12 coefficients and every growth a are averaged by their evidence, the probability that they give
to the thresholds. Many coefficients are then harmless: what the thresholds do not say of them stays as wide as it was.
What is left is that the fits hang on the lowest dimension, where the terms are largest and errors of 10^-8 of p_c weigh
all: from d = 8, 9, 10 and 11 on they are taken with equal odds, and what they are apart is part of the error.
Tried on coefficients and thresholds that are known, see `continued`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from percolation import checks
from percolation.quantities import Published, Threshold
from percolation.theory.formulas import SERIES
from percolation.theory.published import published

PUBLISHED_UP_TO = 13  # dimensions, in the literature
DIMENSIONS = range(8, 21)  # in which p_c is known better than by the series
FIRSTS = 4  # first dimensions left out one after another
FEWEST_DIMENSIONS = 3  # of a fit
TERMS = range(2, 13)
GROWTHS = np.geomspace(0.5, 4, 31)  # a; of the known coefficients of sites 1.2 to 1.5, of bonds about 1.2 and 1.5
FEWEST_KNOWN = 3


@dataclass(frozen=True)
class Held:
    """The series in one dimension beside p_c."""

    d: int
    p_c: Threshold
    series: float  # all known terms
    best_order: int  # number of terms, 1 to all, with which it is nearest to p_c

    @property
    def relative(self) -> float:
        """(series - p_c) / p_c."""
        return self.series / self.p_c.value - 1

    @property
    def in_errors(self) -> float:
        """(series - p_c) in units of the error of p_c."""
        return (self.series - self.p_c.value) / self.p_c.error


@dataclass(frozen=True, eq=False)
class Continuation:
    """The coefficients behind those taken as known, c_(n_known + 1) and so on, as thresholds give them."""

    kind: str
    n_known: int
    dimensions: tuple[int, ...]
    mean: np.ndarray  # (n_terms,)
    covariance: np.ndarray  # (n_terms, n_terms)
    chi2: float  # of all thresholds, in the fit of most weight
    n_terms: float  # mean over the fits
    growth: float  # a, mean over the fits

    @property
    def source(self) -> str:
        """What it is from."""
        first, last = self.dimensions[0], self.dimensions[-1]
        return f"fit of the terms behind the first {self.n_known} in 1/(2d-1) to p_c in d = {first} to {last}"

    def coefficient(self, k: int) -> Published:
        """c_k, k above n_known."""
        i = checks.integer("k", k, at_least=self.n_known + 1, at_most=self.n_known + len(self.mean)) - self.n_known - 1
        return Published(float(self.mean[i]), math.sqrt(self.covariance[i, i]), self.source)

    def threshold(self, d: int) -> Threshold:
        """p_c of Z^d: the known terms, and the others as they are fitted."""
        powers = _powers(np.array([checks.integer("d", d, at_least=self.dimensions[0])]), self.n_known, len(self.mean))[
            0
        ]
        value = _known_terms(self.kind, d, self.n_known) + powers @ self.mean
        return Threshold(float(value), math.sqrt(powers @ self.covariance @ powers), self.source)


def held(kind: str = "site", dimensions: Iterable[int] = DIMENSIONS) -> list[Held]:
    """The series beside the best value known of p_c, d = 2 to 20."""
    n_known = len(SERIES[checks.kind(kind)].coefficients)
    rows = []
    for d in dimensions:
        p_c = _p_c(kind, d)
        sums = [_known_terms(kind, d, n) for n in range(1, n_known + 1)]
        rows.append(Held(d, p_c, sums[-1], 1 + int(np.argmin(np.abs(np.array(sums) - p_c.value)))))
    return rows


def continued(
    kind: str = "site", *, dimensions: Iterable[int] = DIMENSIONS, n_known: int | None = None
) -> Continuation:
    """The next coefficients of the series of Z^d, from the thresholds in `published`, weighted by their errors.

    dimensions: of the thresholds, 3 to 20. n_known: coefficients taken as known, 3 to 6; all 6 if absent, fewer to see
    whether the others come out.
    Error, one sigma: of the average of the fits, what they are apart included. With 3, 4, 5 coefficients taken as known
    the next comes out as 20.9(7), 142(10), 1267(226) for sites, where 20.75, 137.02, 1240.39 are known, and as 7.3(2),
    53(4), 322(59) for bonds, where 7.5, 57, 404.58 are; p_c in d = 13 from d = 8 to 12 as 0.042715081(8) and
    0.0401876187(10), 0.2 and 1.7 errors off. From d = 8 on alone that error would be 0.0000000003, and 8 of them off.
    """
    of_kind = SERIES[checks.kind(kind)].coefficients
    n_known = len(of_kind) if n_known is None else n_known
    checks.integer("n_known", n_known, at_least=FEWEST_KNOWN, at_most=len(of_kind))
    d = np.array(sorted({checks.integer("d", one, at_least=3) for one in dimensions}))
    if len(d) < FEWEST_DIMENSIONS:
        raise ValueError(f"a fit needs {FEWEST_DIMENSIONS} dimensions at least, got {len(d)}")
    p_c = [_p_c(kind, int(one)) for one in d]
    errors = np.array([one.error for one in p_c])
    rest = np.array([one.value - _known_terms(kind, int(k), n_known) for one, k in zip(p_c, d, strict=True)])
    form = _powers(d, n_known, TERMS[-1]) / errors[:, None]
    sizes = abs(float(of_kind[n_known - 1])) * np.cumprod(np.arange(n_known + 1, n_known + 1 + TERMS[-1]))
    firsts = range(min(FIRSTS, len(d) - FEWEST_DIMENSIONS + 1))
    fits = [fit for i in firsts for fit in _fits(form[i:], (rest / errors)[i:], sizes)]
    weights = np.array([one.weight for one in fits]) / len(firsts)
    mean = weights @ np.array([one.mean for one in fits])
    spreads = np.array([one.covariance + np.outer(one.mean - mean, one.mean - mean) for one in fits])
    return Continuation(
        kind,
        n_known,
        tuple(map(int, d)),
        mean,
        np.tensordot(weights, spreads, 1),
        chi2=float(fits[int(np.argmax(weights[: len(fits) // len(firsts)]))].chi2),
        n_terms=float(weights @ [one.n_terms for one in fits]),
        growth=float(weights @ [one.growth for one in fits]),
    )


@dataclass(frozen=True, eq=False)
class _Fit:
    """Coefficients, those beyond its own 0; logarithm of the evidence, up to a constant of the data."""

    n_terms: int
    growth: float
    mean: np.ndarray
    covariance: np.ndarray
    chi2: float
    evidence: float
    weight: float = 1.0


def _fits(form: np.ndarray, values: np.ndarray, sizes: np.ndarray) -> list[_Fit]:
    """With every number of terms and growth, weighted by their evidence."""
    fits = [_fit(form, values, sizes, n, a) for n in TERMS for a in GROWTHS]
    evidence = np.array([one.evidence for one in fits])
    weights = np.exp(evidence - evidence.max())
    return [replace(one, weight=float(w)) for one, w in zip(fits, weights / weights.sum(), strict=True)]


def _fit(form: np.ndarray, values: np.ndarray, sizes: np.ndarray, n: int, growth: float) -> _Fit:
    """Least squares of values, in units of their errors, and of n coefficients in units of their sizes."""
    scale = sizes[:n] * growth ** np.arange(1, n + 1)
    design = np.vstack([form[:, :n] * scale, np.eye(n)])
    wanted = np.concatenate([values, np.zeros(n)])
    q, r = np.linalg.qr(design)
    x, inverse = np.linalg.solve(r, q.T @ wanted), np.linalg.inv(r)
    misfit = wanted - design @ x
    mean, covariance = np.zeros(len(sizes)), np.zeros((len(sizes), len(sizes)))
    mean[:n], covariance[:n, :n] = x * scale, inverse @ inverse.T * np.outer(scale, scale)
    evidence = float(-misfit @ misfit / 2 - np.log(np.abs(np.diag(r))).sum())
    chi2 = float(misfit[: len(values)] @ misfit[: len(values)])
    return _Fit(n, growth, mean, covariance, chi2, evidence)


def _powers(d: np.ndarray, n_known: int, n_terms: int) -> np.ndarray:
    """1/s^k, k = n_known + 1 ..., (n_dimensions, n_terms)."""
    return (2.0 * d[:, None] - 1) ** -np.arange(n_known + 1, n_known + n_terms + 1)


def _known_terms(kind: str, d: int, n_terms: int) -> float:
    return float(sum(c / (2 * d - 1) ** k for k, c in enumerate(SERIES[kind].coefficients[:n_terms], start=1)))


def _p_c(kind: str, d: int) -> Threshold:
    value = published("hypercubic", kind, d)
    if value is None or not value.error:
        raise ValueError(f"p_c of Z^d, {kind}, with an error is known up to d = {DIMENSIONS[-1]}, got d = {d}")
    return value
