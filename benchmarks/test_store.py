"""What it costs to keep results and to hand out tasks: 10^6 small results, an empty task, a scan of 7^7 sweeps.

The numbers, and what they say of larger machines, stand in docs/scaling.md. Each goal is asserted, so that
`make benchmark` fails where one is missed; the times are of an idle machine.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from percolation import lattices, sweeps
from percolation.runs import executors, tools
from percolation.runs.scan import run_until
from percolation.runs.store import Store
from percolation.runs.tasks import Outcome, Task

N = 10**6
ROOT = Path(__file__).parents[1]


def nothing(k: int, seed: np.random.SeedSequence) -> float:
    """A task whose cost is all overhead."""
    return 0.5


def kernel(k: int, seed: np.random.SeedSequence) -> float:
    """About 100 us of work that holds no lock."""
    time.sleep(100e-6)
    return 0.5


def sweep(L: int, d: int, seed: np.random.SeedSequence) -> float:
    """Largest cluster at half filling of one site sweep."""
    number = int(seed.generate_state(1)[0])
    done = sweeps.site_sweep(lattices.hypercubic(d).torus(L), n_realisations=1, seed=number, progress=False)
    assert done.largest is not None
    return float(done.largest[0, done.n_steps // 2])


def stored(n: int) -> Iterator[Outcome]:
    """Small results of a hundred cases."""
    x = np.random.default_rng(1).random(n)
    for k in range(n):
        task = Task("benchmarks.module.strength", {"L": 8 + k % 100, "p": 0.59275, "kind": "site"}, (0, k // 100))
        yield Outcome(task, {"strength": float(x[k]), "wraps": bool(k % 2)}, wall=1.25e-3, cpu=1.2e-3)


@pytest.fixture(scope="module")
def million(tmp_path_factory) -> Iterator[tuple[Path, float]]:
    """A store of N results, written a thousand a transaction, and the seconds that it took."""
    path, entries = tmp_path_factory.mktemp("million") / "runs.db", stored(N)
    began = time.perf_counter()
    with Store(path, code="one") as store:
        for _ in range(N // 1000):
            store.write([next(entries) for _ in range(1000)], experiment="e")
    yield path, time.perf_counter() - began


def test_insert(million):
    path, seconds = million
    print(f"\n{N / seconds:.0f} inserts a second, {path.stat().st_size / N:.0f} bytes a result")
    assert N / seconds >= 5000
    assert path.stat().st_size / N < 600


def test_list(benchmark, million):
    with Store(million[0], code="one", read_only=True) as store:
        rows = benchmark.pedantic(tools.experiments, args=(store,), rounds=3)
    assert rows == [("e", "one", N, 0)]
    assert benchmark.stats.stats.max < 1


def overhead(executor, task, n: int, store: Store | None = None, executing: float = 0.0) -> float:
    """Seconds a task beyond those of the task itself, on the workers that there are."""
    began = time.perf_counter()
    done = run_until(task, [{"k": 1}], n, executor=executor, store=store, progress=False)
    assert done.status == "complete"
    return (time.perf_counter() - began) / n - executing / executors.n_workers(executor)


@pytest.mark.parametrize("stored", [False, True], ids=["no store", "store"])
def test_overhead_of_threads(tmp_path, stored):
    with executors.threads(2) as pool, Store(tmp_path / "runs.db") as store:
        seconds = overhead(pool, nothing, 20_000, store if stored else None)
    print(f"\nthreads, {'with' if stored else 'no'} store: {seconds * 1e6:.0f} us a task")
    assert seconds < 1e-3


def test_overhead_of_processes():
    with executors.processes(2) as pool:
        overhead(pool, nothing, 100)  # until the workers are up
        seconds = overhead(pool, nothing, 20_000)
        one_by_one = sum(_ping(pool) for _ in range(500)) / 500
    print(f"\nprocesses: {seconds * 1e6:.0f} us a task, {one_by_one * 1e6:.0f} us a call that is not batched")
    assert seconds < 1e-3


def test_overhead_of_dask():
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with executors.dask(local=2) as pool:
        overhead(pool, nothing, 100)
        seconds = overhead(pool, nothing, 20_000)
        one_by_one = sum(_ping(pool) for _ in range(300)) / 300
        began = time.perf_counter()
        for future in [pool.submit(abs, k) for k in range(1000)]:
            future.result()
        batches = (time.perf_counter() - began) / 1000
    print(
        f"\nDask: {seconds * 1e6:.0f} us a task, {one_by_one * 1e6:.0f} us a call that is waited for, "
        f"{batches * 1e6:.0f} us a call of a thousand at once"
    )
    assert seconds < 5e-3
    assert batches < 5e-3


def _ping(pool) -> float:
    began = time.perf_counter()
    pool.submit(abs, -1).result()
    return time.perf_counter() - began


def test_short_kernels_do_not_drown():
    """100 us a task: two threads still do more than one could without any overhead."""
    with executors.threads(2) as pool:
        seconds = overhead(pool, kernel, 5000)
    print(f"\na kernel of 100 us (and the 60 us that sleeping adds): {seconds * 1e6:.0f} us a task on two threads")
    assert seconds < 1e-3


def test_memory_of_the_driver(tmp_path):
    """Peak resident memory of a driver of 10^4, 10^5 and 10^6 tasks with a store."""
    program = (
        "import sys\n"
        "from benchmarks.test_store import nothing\n"
        "from percolation.runs import executors\n"
        "from percolation.runs.scan import run_until\n"
        "from percolation.runs.store import Store\n"
        "with Store(sys.argv[1]) as store, executors.threads(2) as pool:\n"
        "    grid = [{'k': k} for k in range(100)]\n"
        "    run_until(nothing, grid, int(sys.argv[2]) // 100, store=store, executor=pool, progress=False)\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    peaks = {}
    for n in (10**4, 10**5, 10**6):
        began = time.perf_counter()
        command = [sys.executable, "-c", program, str(tmp_path / f"{n}.db"), str(n)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        peaks[n] = int(done.stdout) / 1024
        print(f"\n{n} tasks: {peaks[n]:.0f} MiB, {(time.perf_counter() - began) / n * 1e6:.0f} us a task")
    assert peaks[10**6] < 500


def test_two_workers_on_sweeps_of_7_to_the_7():
    """Seconds with one worker over seconds with two; the two take turns, so that a busy machine slows both."""
    if (os.cpu_count() or 1) < 2:
        pytest.skip("one core")
    seconds: dict[int, list[float]] = {1: [], 2: []}
    sweep(7, 7, np.random.SeedSequence(1))
    for _ in range(3):
        for workers, taken in seconds.items():
            with executors.threads(workers) as pool:
                began = time.perf_counter()
                run_until(sweep, [{"L": 7, "d": 7}], 60, executor=pool, progress=False)
                taken.append(time.perf_counter() - began)
    ratio = min(seconds[1]) / min(seconds[2])
    print(f"\n60 sweeps of 7^7: {min(seconds[1]):.2f} s on one worker, {ratio:.2f} times as fast on two")
    assert ratio >= 1.85
