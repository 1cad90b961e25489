"""Random fields on one core: waves a second against numpy's matrix product and cosine, cells and networks."""

import os

import numpy as np
import pytest

from percolation import fields

N_FEATURES, N_POINTS = 400, 4096
GOAL = 5e7  # feature-evaluations a second at d = 100


def points(d, n=N_POINTS):
    return np.random.default_rng(0).standard_normal((n, d))


def report(benchmark, name, n, goal=None):
    """Print n things a round as a rate, beside the goal if there is one."""
    rate = n / benchmark.stats.stats.median
    verdict = (
        ""
        if goal is None
        else f", goal {goal:.0e}: " + ("goal met" if rate >= goal else f"missed by {1 - rate / goal:.0%}")
    )
    benchmark.extra_info.update(rate=rate, goal=goal)
    print(f"\n{name}: {rate:.2e} a second{verdict}")


@pytest.mark.parametrize("d", [2, 10, 100, 1000])
def test_waves_a_second(benchmark, d):
    """Values of the squared-exponential field."""
    field, x = fields.gaussian(d, fields.SquaredExponential(1.0), n_features=N_FEATURES, seed=0), points(d)
    field(x)  # compile
    benchmark.pedantic(lambda: field(x), rounds=10)
    report(benchmark, f"waves, d={d}", N_POINTS * N_FEATURES, GOAL if d == 100 else None)


@pytest.mark.parametrize("d", [2, 10, 100, 1000])
def test_waves_a_second_with_gradient(benchmark, d):
    field, x = fields.gaussian(d, fields.SquaredExponential(1.0), n_features=N_FEATURES, seed=0), points(d)
    field.with_gradient(x)  # compile
    benchmark.pedantic(lambda: field.with_gradient(x), rounds=5)
    report(benchmark, f"waves with gradient, d={d}", N_POINTS * N_FEATURES)


@pytest.mark.parametrize("d", [2, 10, 100, 1000])
def test_waves_a_second_by_numpy(benchmark, d):
    """The peer: set OPENBLAS_NUM_THREADS=1 for one core; its bits depend on the batch."""
    field, x = fields.gaussian(d, fields.SquaredExponential(1.0), n_features=N_FEATURES, seed=0), points(d)
    w, b, amplitude = 2 * np.pi * field.turns, 2 * np.pi * field.offsets, np.sqrt(2 / N_FEATURES)
    benchmark.pedantic(lambda: amplitude * np.cos(x @ w + b).sum(axis=1), rounds=5)
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "all")
    report(benchmark, f"waves by numpy, d={d}, BLAS threads {threads}", N_POINTS * N_FEATURES)


@pytest.mark.parametrize("d", [2, 100])
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_cells_a_second(benchmark, distribution, d):
    field, x = fields.iid(d, distribution=distribution, seed=0), points(d, 10**5)
    field(x)  # compile
    benchmark.pedantic(lambda: field(x), rounds=5)
    report(benchmark, f"cells {distribution}, d={d}", 10**5)


@pytest.mark.parametrize("gradient", [False, True])
def test_network_points_a_second(benchmark, gradient):
    """ReLU, d = 784, three layers of 1024."""
    field, x = fields.network(784, depth=3, seed=0), points(784, 256)
    benchmark.pedantic(lambda: field.with_gradient(x) if gradient else field(x), rounds=5)
    report(benchmark, "network with gradient" if gradient else "network", 256)
