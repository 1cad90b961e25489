"""p_c and exponents from curves of several sizes: those with which, scaled, all of them fall on one.

Q_L(p) = L^(-beta/nu) f(x) exp(a (p - p_c)), x = (p - p_c) L^(1/nu). The logarithm is linear in beta/nu, in a and in
the coefficients of a polynomial for log f, so that only p_c and 1/nu are looked for. The factor with a is the analytic
correction, the largest on small sizes: of sites it holds at least p itself, since a closed site is in no cluster.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from scipy.optimize import least_squares

from percolation import checks, seeds
from percolation.quantities import Estimate
from percolation.scaling.curves import Curve, check_several, resampled

DEGREES = range(3, 9)  # of the polynomial
STARTING_DEGREE, PARAMETERS = 4, 5  # p_c, 1/nu, beta/nu, a and the first coefficient
STARTS, STARTING_Y = 24, np.geomspace(0.3, 3, 10)  # p_c and 1/nu from which the fit may set out
SETTLING = 3  # times that the points inside the range of two sizes are found anew
FEWEST_POINTS = 4  # of a size, inside that range
UNIT = 3.0  # standard errors that 1/nu must be above 0


@dataclass(frozen=True)
class Collapse:
    """What makes curves of several sizes fall on one: Q_L(p) = L^(-beta/nu) f((p - p_c) L^(1/nu))."""

    p_c: Estimate
    nu: Estimate
    beta_nu: Estimate  # beta/nu of the strength; -gamma/nu of the mean cluster size, which grows

    def __str__(self) -> str:
        return f"p_c = {self.p_c}, nu = {self.nu}, beta/nu = {self.beta_nu}"


def collapse(curves: Sequence[Curve], *, n_resamples: int = 200, seed: seeds.Seed) -> Collapse:
    """Fit p_c, nu and beta/nu to curves of two sizes or more, by least squares in log Q; p around p_c, Q above 0.

    Best is a range of p that shrinks as L^(-1/nu), out to |p - p_c| L^(1/nu) = 1 or so, and sizes a factor of 4 apart
    or more. What lies outside the range of all other sizes takes no part.
    Error, one sigma: half the range that holds 68 % of the fits to n_resamples sets of realisations, drawn from those
    of each size with replacement, since the points of a curve are correlated; times sqrt(chi^2 / degrees of freedom)
    where that is above 1. Corrections to scaling beyond the analytic one show there only in part: with bonds or small
    sizes stay within |p - p_c| L^(1/nu) = 1/2, leave out the smallest size and compare.
    """
    check_several(curves)
    rng = np.random.default_rng(seeds.sequence(seed))
    n = checks.integer("n_resamples", n_resamples, at_least=20)
    means = np.concatenate([resampled(curve, n, rng) for curve in curves], axis=1)
    low, high = max(curve.p.min() for curve in curves), min(curve.p.max() for curve in curves)
    if not low < high:
        raise ValueError(f"no p lies in the range of all sizes, the highest begins at {low:g}, one ends at {high:g}")
    points = _Points.of(curves)
    if (settled := _settled(points, _start(points, low, high))) is None:
        raise ValueError(_no_p_c(low, high))
    fit, rows = settled
    known = (means[:, points.rows][:, rows] > 0).all(axis=1)
    refits = [fit.to(replace(fit.points, log_q=np.log(row[points.rows][rows]))) for row in means[known]]
    found = np.array([(one.p_c, one.y, one.beta_nu) for one in refits])
    error = fit.stretch * np.diff(np.quantile(found, [0.16, 0.84], axis=0), axis=0)[0] / 2
    if not low < fit.p_c < high or fit.y < UNIT * error[1]:
        raise ValueError(_no_p_c(low, high))
    method = f"collapse of {len(curves)} sizes, degree {fit.degree}"
    return Collapse(
        Estimate(fit.p_c, float(error[0]), method),
        Estimate(1 / fit.y, float(error[1]) / fit.y**2, method),
        Estimate(fit.beta_nu, float(error[2]), method),
    )


@dataclass(frozen=True, eq=False)
class _Points:
    """log Q of all sizes in one row."""

    rows: np.ndarray  # (n,) which of all points of all curves: those with Q and its error above 0
    size: np.ndarray  # (n,) number of the curve
    log_length: np.ndarray  # (n,) log L less its mean over the sizes
    p: np.ndarray  # (n,)
    log_q: np.ndarray  # (n,)
    weights: np.ndarray  # (n,) 1 / error of log Q

    @classmethod
    def of(cls, curves: Sequence[Curve]) -> "_Points":
        size = np.repeat(np.arange(len(curves)), [len(curve.p) for curve in curves])
        logs = np.log([curve.length for curve in curves])
        p, q, error = (np.concatenate([getattr(one, name) for one in curves]) for name in ("p", "values", "errors"))
        rows = np.flatnonzero((q > 0) & (error > 0))
        p, q, error, size = p[rows], q[rows], error[rows], size[rows]
        return cls(rows, size, (logs - logs.mean())[size], p, np.log(q), q / error)

    def select(self, rows: np.ndarray) -> "_Points":
        return _Points(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def x(self, p_c: float, y: float) -> np.ndarray:
        """(p - p_c) (L / mean L)^y, (n,)."""
        return (self.p - p_c) * np.exp(y * self.log_length)

    def shared(self, p_c: float, y: float) -> np.ndarray:
        """Which points lie inside the range in x of two sizes at least, (n,) bool; none if too few of a size do."""
        x, sizes = self.x(p_c, y), np.unique(self.size)
        lows, highs = ([end(x[self.size == k]) for k in sizes] for end in (np.min, np.max))
        rows = (x >= np.sort(lows)[1]) & (x <= np.sort(highs)[-2])
        counts = np.bincount(self.size[rows], minlength=sizes[-1] + 1)[sizes]
        return rows if len(sizes) > 1 and counts.min() >= FEWEST_POINTS else np.zeros_like(rows)


@dataclass(frozen=True, eq=False)
class _Fit:
    """The best p_c and y = 1/nu, those of a given degree."""

    points: _Points
    degree: int
    scale: float  # of x, that brings it to -1 ... 1
    p_c: float
    y: float

    def to(self, points: _Points) -> "_Fit":
        """The fit to these points, from here on."""
        unit = self.scale / 10

        def residuals(v: np.ndarray) -> np.ndarray:
            return self._at(self.p_c + unit * v[0], v[1], points)[1]

        # y as its logarithm, kept from running away where nothing is there to be found
        begin = np.array([0.0, math.log(self.y)])
        best = least_squares(residuals, begin, method="lm").x
        return replace(self, points=points, p_c=self.p_c + unit * float(best[0]), y=_exp(best[1]))

    @property
    def beta_nu(self) -> float:
        return float(self._at(self.p_c, math.log(self.y), self.points)[0][0])

    @property
    def chi2(self) -> float:
        residuals = self._at(self.p_c, math.log(self.y), self.points)[1]
        return float(residuals @ residuals)

    @property
    def cost(self) -> float:
        """chi^2 and 2 for each parameter."""
        return self.chi2 + 2 * self.degree

    @property
    def stretch(self) -> float:
        """How many times its error the curves are off, 1 at least: sqrt(chi^2 per degree of freedom)."""
        return max(1.0, math.sqrt(self.chi2 / (len(self.points.p) - self.degree - PARAMETERS)))

    def _at(self, p_c: float, log_y: float, points: _Points) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (beta/nu, a, those of the polynomial) by least squares, and the weighted residuals (n,)."""
        x = points.x(p_c, _exp(log_y)) / self.scale
        form = np.column_stack([-points.log_length, points.p - p_c, chebvander(x, self.degree)])
        form *= points.weights[:, None]
        of = points.log_q * points.weights
        coefficients = np.linalg.lstsq(form, of, rcond=None)[0]
        return coefficients, of - form @ coefficients


def _exp(log_y: float) -> float:
    """y between 1/20 and 20."""
    return math.exp(min(max(float(log_y), -3.0), 3.0))


def _start(points: _Points, low: float, high: float) -> tuple[float, float]:
    """p_c and y on a grid at which the polynomial of STARTING_DEGREE fits best, per degree of freedom."""
    best, found = math.inf, None
    for p_c in np.linspace(low, high, STARTS + 2)[1:-1]:
        for y in STARTING_Y:
            rows = points.shared(p_c, y)
            if (left := rows.sum() - STARTING_DEGREE - PARAMETERS) <= 0:
                continue
            cost = _fit_at(points.select(rows), STARTING_DEGREE, p_c, y).cost / left
            if cost < best:
                best, found = cost, (float(p_c), float(y))
    if found is None:
        raise ValueError(
            f"too few points of different sizes lie beside each other, got {len(points.p)}; take more values of p"
        )
    return found


def _settled(points: _Points, start: tuple[float, float]) -> tuple[_Fit, np.ndarray] | None:
    """The fit of the degree of lowest cost, and the points that it is of, found in turn; None if it runs off them."""
    for _ in range(SETTLING):
        rows = points.shared(*start)
        if rows.sum() <= max(DEGREES) + PARAMETERS:
            return None
        inside = points.select(rows)
        fits = [_fit_at(inside, degree, *start).to(inside) for degree in DEGREES]
        fit = min(fits, key=lambda one: one.cost)
        start = fit.p_c, fit.y
    return fit, rows


def _no_p_c(low: float, high: float) -> str:
    return (
        f"no p_c within {low:g} ... {high:g}, the range of all sizes, makes the curves fall on one; "
        "take more values of p, further on both sides of p_c, or more realisations"
    )


def _fit_at(points: _Points, degree: int, p_c: float, y: float) -> _Fit:
    return _Fit(points, degree, float(np.abs(points.x(p_c, y)).max()), p_c, y)
