"""Chance that the path finder connects two points of a Gaussian field in d dimensions; iid percolation for contrast.

The finder fails where the field does not fall off as fast beside the line as its barrier is high: success depends on
    x = h_L / sqrt(d - 1),   h_L = E max over [0, L] of g - u   (`profiles.barrier_height`).
No theory of the transition is known to us. What stands here is a rule and a fit, both our own, to simulations of this
project on random Gaussian fields at L = 30 xi and margin 0.5: a logistic in ln x whose half point and width are powers
of d - 1 (below d = 2 those of d = 2),
    P = 1 / (1 + (x / x_half)^(1 / w)),   x_half = exp(a) (d - 1)^b,   w = exp(e) (d - 1)^q.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, ndtr

from percolation.quantities import Estimate
from percolation.theory import thresholds
from percolation.theory.rounds.crossings import level
from percolation.theory.rounds.displacement import check_dimension
from percolation.theory.rounds.profiles import barrier_height

# d: x at which half the pairs are connected, read off by eye; the fit agrees with it to 0.15
RULE = {2: 1.2, 3: 1.2, 6: 1.4, 8: 1.55, 10: 1.7}
TYPICAL = 1.5  # of these, for all d: gives d* to +-2

# p: pairs tried, and how many were connected in each d; simulations of this project on random Fourier features
MEASURED_LENGTH, MEASURED_MARGIN = 30.0, 0.5  # L in xi, m
_CONNECTED = {
    0.3: (60, {2: 0, 3: 2, 6: 59, 12: 60}),
    0.5: (60, {2: 0, 3: 16, 6: 60}),
    0.7: (60, {2: 10, 3: 43, 6: 60}),
    0.9: (60, {2: 51, 3: 60}),
    0.01: (40, {6: 0, 8: 12, 10: 40, 12: 40}),
    0.001: (40, {6: 0, 8: 0, 10: 14, 12: 39, 16: 40}),
}
MEASURED = np.array([(p, d, k, tried) for p, (tried, of_d) in _CONNECTED.items() for d, k in of_d.items()])
_BARRIER_LINES, _BARRIER_SEED = 10_000, 0  # h_L of the measured fields, to 0.006


@dataclass(frozen=True, eq=False)
class Logistic:
    """P = 1 / (1 + (x / x_half)^(1 / w)) with ln x_half = a + b ln(d - 1) and ln w = e + q ln(d - 1)."""

    parameters: np.ndarray  # (4,): a, b, e, q
    covariance: np.ndarray  # (4, 4), inverse Fisher information
    deviance: float  # of the fit, to be compared with the number of data less 4

    def half_point(self, d: float) -> Estimate:
        """x at which half the pairs are connected, with the error of the fit."""
        return self._power(d, slice(0, 2))

    def width(self, d: float) -> Estimate:
        """w: the logit falls by 1/w where ln x grows by 1."""
        return self._power(d, slice(2, 4))

    def _power(self, d: float, two: slice) -> Estimate:
        """exp(a + b ln(d - 1)) of two of the parameters."""
        gradient = np.array([1, float(_log_components(check_dimension(d)))])
        value = math.exp(gradient @ self.parameters[two])
        error = value * math.sqrt(gradient @ self.covariance[two, two] @ gradient)
        return Estimate(value, error, "logistic fitted to simulations of this project")


def success_probability(barrier: Estimate, d: float) -> Estimate:
    """Chance that the finder connects a pair, the logistic at x = h_L / sqrt(d - 1); 1 where h_L <= 0.

    barrier: h_L, see `profiles.barrier_height`. d: dimension, d_eff of a network.
    Error: of the fit and of h_L, propagated; outside the measured 2 <= d <= 16, L = 30 xi, m = 0.5 it does not cover
    what the rule itself may miss. Source: fit of this package to its own simulations.
    """
    d = check_dimension(d)
    method = "logistic in ln x fitted to simulations of this project at L = 30 xi, m = 0.5; " + barrier.method
    if barrier.value <= 0:
        return Estimate(1.0, 0.0, method)
    fit = success_fit()
    x = barrier.value / math.sqrt(d - 1)
    logit, gradient = _logit(fit.parameters, np.array([x]), np.array([d]))
    slope = barrier.error / barrier.value / fit.width(d).value  # d logit / d ln x = -1/w
    error = math.sqrt(gradient[0] @ fit.covariance @ gradient[0] + slope**2)
    chance = float(expit(logit[0]))
    return Estimate(chance, chance * float(expit(-logit[0])) * error, method)


@lru_cache
def success_fit() -> Logistic:
    """The logistic of greatest likelihood for MEASURED, each entry a binomial count."""
    p, d, connected, tried = MEASURED.T
    median = 0.5  # there u = 0
    highest = barrier_height(median, MEASURED_LENGTH, n_samples=_BARRIER_LINES, seed=_BARRIER_SEED)
    x = (highest.value - np.array([level(one) for one in p])) / np.sqrt(d - 1)

    def cost(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        logit, gradient = _logit(parameters, x, d)
        loss = connected @ np.logaddexp(0, -logit) + (tried - connected) @ np.logaddexp(0, logit)
        return loss, (tried * expit(logit) - connected) @ gradient

    start = np.array([math.log(RULE[3]), 0, math.log(0.2), -0.5])
    best = minimize(cost, start, jac=True, method="BFGS")
    logit, gradient = _logit(best.x, x, d)
    information = gradient.T @ (gradient * (tried * expit(logit) * expit(-logit))[:, None])
    share = connected / tried
    entropy = -tried @ (_xlogx(share) + _xlogx(1 - share))
    return Logistic(best.x, np.linalg.inv(information), float(2 * (best.fun - entropy)))


def crossover_dimension(barrier: Estimate) -> Estimate:
    """d* = 1 + (h_L / 1.5)^2, above which most pairs are connected; good to +-2, which is the error given.

    As h_L is about |u| + sqrt(2 ln(L / xi)), any fixed p becomes easy at d of order log(1/p), where iid percolation
    asks for d of order 1/(2p). Source: rule of this package, from its own simulations.
    """
    h = max(barrier.value, 0.0)
    error = math.hypot(2.0 if h else 0.0, 2 * h / TYPICAL**2 * barrier.error)
    return Estimate(1 + (h / TYPICAL) ** 2, error, f"1 + (h_L / {TYPICAL})^2, rule good to +-2; {barrier.method}")


def half_occupation(highest: Estimate, d: float) -> Estimate:
    """Occupation at which the finder connects half of the pairs, p = Phi(h - x_half(d) (d - 1)^(1/2)).

    highest: h = E max over [0, L] of g, the barrier above level 0: `profiles.barrier_height` at occupation 1/2.
    About exp(-d) in high d, as success sets in where |u| grows like (d - 1)^(1/2). Error: of the fit and of h.
    """
    half = success_fit().half_point(check_dimension(d))
    root = math.sqrt(d - 1)
    u = highest.value - half.value * root
    slope = math.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)
    error = slope * math.hypot(highest.error, half.error * root)
    return Estimate(float(ndtr(u)), error, f"half of the pairs by the logistic fitted; {highest.method}")


def iid_percolates(occupation: float, d: int) -> bool:
    """Whether independent cells with this occupation percolate on Z^d: p > p_c, see `theory.thresholds`."""
    level(occupation)  # refuses what is no occupation
    return occupation > thresholds.hypercubic(d).value


def iid_dimension(occupation: float) -> int:
    """The lowest d in which independent cells of Z^d with this occupation percolate, about 1/(2p)."""
    level(occupation)
    low, high = 1, 2  # p_c(1) = 1: never in d = 1
    while not iid_percolates(occupation, high):
        low, high = high, 2 * high
    while high - low > 1:  # p_c falls with d
        middle = (low + high) // 2
        low, high = (low, middle) if iid_percolates(occupation, middle) else (middle, high)
    return high


def _log_components(d: float | np.ndarray) -> np.ndarray:
    """ln(d - 1), that of d = 2 below: nothing was measured there, and the powers would make success grow again."""
    return np.log(np.maximum(np.asarray(d) - 1, 1))


def _logit(parameters: np.ndarray, x: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(ln x_half - ln x) / w, (n,), and its derivatives by a, b, e, q, (n, 4)."""
    a, b, e, q = parameters
    l = _log_components(d)
    steepness = np.exp(-e - q * l)
    logit = (a + b * l - np.log(x)) * steepness
    return logit, np.column_stack([steepness, l * steepness, -logit, -l * logit])


def _xlogx(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x * np.log(np.where(x > 0, x, 1)), 0)
