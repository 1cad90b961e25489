"""What the first generations of a cluster miss: loops whose ancestor lies before the origin.

A site i generations below an ancestor meets what a site j <= i generations below it has met before, when the two
branches and the step to what they share close a loop of n = i + j + 2 steps. In high d the branches are walks that
never turn back at once, so that such a loop has the probability R(n) of their return. At generation t ancestors are at
most t back: of the neighbours already met those are missing, up to one amplitude, that

    M(t) = sum_{i > t} sum_{j <= i} R(i + j + 2), j = i taken half, for of two sites of one generation one comes first.

M(t) ~ t^-(d - 4)/2 only where n is well above d: in d = 20 it falls from t = 4 to 8 by 2^3.9, from 8 to 16 by 2^5.7,
from 32 to 64 by 2^7.6. With it log(p m_t) of clusters is a straight line from t = 4 on in d = 14 and 20, where powers
hold from t = 8 to 11 on (chi^2 of the windows from 4 on: 5 and 13 for 6 degrees of freedom, of one power 220 and 88).
"""

import math
from fractions import Fraction
from functools import cache

import numpy as np

N_EXACT = 128  # steps; beyond, as two powers


@cache
def missing(d: int, n_generations: int) -> np.ndarray:
    """M(t) of Z^d for t = 0 .. n_generations, (n_generations + 1,)."""
    t, n = np.arange(n_generations + 1), np.arange(2 * max(n_generations, N_EXACT) + 4)
    exact = returns(d, N_EXACT)
    later, (a, b) = np.maximum(n, N_EXACT) / N_EXACT, _powers(d, exact)
    law = np.where(n % 2, 0, a * later ** (-d / 2) + b * later ** (-d / 2 - 1))
    R = np.where(n < N_EXACT, exact[np.minimum(n, N_EXACT)], law)
    # of n - 2 = i + j steps: for n <= 2t + 2 the pairs i = t + 1 .. n - 2, above j = 0 .. n / 2 - 1 with the last half
    sums, moments = (np.cumsum(one[::-1])[::-1] for one in (R, n * R))  # over n and all above
    few = moments[t + 3] - moments[2 * t + 3] - (t + 2) * (sums[t + 3] - sums[2 * t + 3])
    beyond = a * _all_pairs(len(n), d / 2) + b * _all_pairs(len(n), d / 2 + 1)
    result: np.ndarray = few + (moments - sums)[2 * t + 3] / 2 + beyond
    result.setflags(write=False)
    return result


def _powers(d: int, R: np.ndarray) -> np.ndarray:
    """a, b of R(n) = a x^-d/2 + b x^-(d/2 + 1), x = n / N_EXACT: how a random walk's begins for large n."""
    x = np.array([0.5, 1.0])
    return np.linalg.solve(np.column_stack([np.ones(2), 1 / x]), R[[N_EXACT // 2, N_EXACT]] * x ** (d / 2))


def _all_pairs(end: int, power: float) -> float:
    """Sum over even n >= end of (n / N_EXACT)^-power times (n - 1) / 2, as an integral from end - 1: midpoint rule."""
    x = (end - 1) / N_EXACT
    return N_EXACT**2 / 4 * x ** (2 - power) / (power - 2) - N_EXACT / 4 * x ** (1 - power) / (power - 1)


def returns(d: int, n: int) -> np.ndarray:
    """R(k), k = 0 .. n: the probability that a walk on Z^d that never turns back at once is after k steps at its start.

    With q = 2d - 1, walks of k steps that never turn back are a polynomial P_k in the adjacency matrix A: P_1 = A,
    P_2 = A^2 - (q + 1), P_k+1 = A P_k - q P_k-1; the number that return is the mean of P_k, by the closed walks
    <A^k> = k! [x^k] I_0(2x)^d. In integers, since the terms cancel.
    """
    q = 2 * d - 1
    closed = closed_walks(d, n + 1)
    before, now = closed[:-1], closed[1:]  # <P_k A^l>, l = 0 .. n - k, for k = 0 and 1
    found, walks = [1.0, 0.0], q + 1
    for k in range(1, n):
        before, now = now, now[1:] - (q + (k == 1)) * before[: len(now) - 1]
        walks *= q
        found.append(int(now[0]) / walks)
    return np.array(found)


def closed_walks(d: int, n: int) -> np.ndarray:
    """Number of walks of k = 0 .. n steps on Z^d that return, (n + 1,) of Python's integers."""
    one = [Fraction(1, math.factorial(m) ** 2) for m in range(n // 2 + 1)]  # I_0(2x) = sum_m x^2m / m!^2
    power = [Fraction(1)]  # of it, to the d: y = f^d has f y' = d f' y
    for m in range(1, len(one)):
        terms = [(k * (d + 1) - m) * one[k] * power[m - k] for k in range(1, m + 1)]
        power.append(sum(terms, Fraction(0)) / m)
    counts = np.zeros(n + 1, dtype=object)
    counts[::2] = [int(power[m] * math.factorial(2 * m)) for m in range(len(power))]
    return counts
