"""Level sets of 10^7 cells on one core, against the goal and numpy's sort."""

import numpy as np
import pytest

from percolation import fields, level_sets
from percolation.level_sets.orders import stable_order

GOAL = 1.5  # seconds, the values being there
SHAPES = {2: (3162, 3162), 3: (216, 216, 216), 4: (56,) * 4, 6: (15,) * 6}


def independent(d, dtype):
    return np.random.default_rng(0).standard_normal(SHAPES[d]).astype(dtype)


def smooth(d, dtype):
    return fields.gaussian_grid(SHAPES[d], 4.0, periodic=True, dtype=dtype, seed=0)


def report(benchmark, name, n_cells, goal=None):
    """Print seconds for 10^7 cells, beside the goal if there is one."""
    seconds = benchmark.stats.stats.median * 1e7 / n_cells
    verdict = ""
    if goal is not None:
        verdict = f", goal {goal}: " + ("met" if seconds <= goal else f"missed by a factor {seconds / goal:.2f}")
    benchmark.extra_info.update(seconds=seconds, goal=goal)
    print(f"\n{name}: {seconds:.2f} s for 10^7 cells{verdict}")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [independent, smooth])
@pytest.mark.parametrize("d", SHAPES)
def test_sweep(benchmark, d, make, dtype):
    """Sort, spanning, largest cluster, merge tree."""
    values = make(d, dtype)
    level_sets.sweep(values)  # compile
    benchmark.pedantic(lambda: level_sets.sweep(values), rounds=3)
    report(benchmark, f"sweep, {make.__name__}, d={d}, {dtype.__name__}", values.size, GOAL)


@pytest.mark.parametrize("make", [independent, smooth])
@pytest.mark.parametrize("d", [2, 3])
def test_sweep_of_a_torus(benchmark, d, make):
    values = make(d, np.float32)
    level_sets.sweep(values, periodic=True)  # compile
    benchmark.pedantic(lambda: level_sets.sweep(values, periodic=True), rounds=3)
    report(benchmark, f"torus, {make.__name__}, d={d}", values.size)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "by", [stable_order, lambda x: np.argsort(x, kind="stable"), np.argsort], ids=["ours", "stable", "numpy"]
)
def test_sort(benchmark, by, dtype):
    values = independent(3, dtype).ravel()
    benchmark.pedantic(lambda: by(values), rounds=3, warmup_rounds=1)
    report(benchmark, f"sort, {benchmark.name}", values.size)


def test_barriers(benchmark):
    """10^6 random pairs of 10^7 cells."""
    found = level_sets.sweep(smooth(3, np.float32))
    i, j = np.random.default_rng(1).integers(found.n_cells, size=(2, 10**6))
    benchmark.pedantic(lambda: found.barrier(i, j), rounds=3, warmup_rounds=1)
    print(f"\nbarriers: {benchmark.stats.stats.median:.2f} us a pair")


def test_path(benchmark):
    """From corner to corner of 10^7 cells."""
    found = level_sets.sweep(smooth(3, np.float32))
    benchmark.pedantic(lambda: found.path(0, found.n_cells - 1), rounds=2, warmup_rounds=1)
    print(f"\npath: {benchmark.stats.stats.median:.2f} s")
