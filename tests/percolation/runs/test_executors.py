"""Executors: the same bits on all of them, through deaths and hangs of workers."""

import math
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, CancelledError, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from pickle import PicklingError

import numpy as np
import pebble
import pytest

from percolation import runs
from percolation.runs import executors
from percolation.runs.scan import run_until
from tests.percolation.faults.tasks import deadly_once, hangs, log_to, logged, noise

ROOT = Path(__file__).parents[3]
GRID = [{"mu": 0.0}, {"mu": 1.0}]


def bits(found):
    return [(case.n, *(np.asarray(case.mean(n)).tobytes() + np.asarray(case.error(n)).tobytes() for n in case.moments))
            for case in found.cases]  # fmt: skip


@pytest.fixture(scope="module")
def cluster():
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with executors.dask(local=2) as opened:
        yield opened


@pytest.fixture
def expected():
    return bits(run_until(noise, GRID, 300, executor=ThreadPoolExecutor(1)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: executors.threads(3),
        lambda: executors.processes(2),
        lambda: ProcessPoolExecutor(2, mp_context=get_context("spawn")),
    ],
    ids=["threads", "processes", "somebody's own"],
)
def test_the_same_bits(make, expected):
    with make() as executor:
        assert bits(run_until(noise, GRID, 300, executor=executor)) == expected


def test_the_same_bits_on_dask(cluster, expected):
    assert bits(run_until(noise, GRID, 300, executor=cluster)) == expected
    assert executors.n_workers(cluster) == 2
    with runs.session(executor=cluster):
        assert runs.run(abs, [-2, -1]) == [2, 1]


def test_a_dask_worker_is_killed(cluster, monkeypatch, tmp_path):
    """A worker dies in the midst of its tasks; they are done elsewhere, and the result is the same."""
    log = tmp_path / "log"
    cluster.client.run(log_to, str(log))
    monkeypatch.setenv("LOG", os.devnull)
    expected = bits(run_until(logged, GRID, 400))
    victim = next(iter(cluster.client.run(os.getpid).values()))

    def kill():
        until = time.monotonic() + 20
        while not (log.exists() and log.stat().st_size > 500) and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    # the worker that takes over has no $LOG of ours, but the driver's
    assert bits(run_until(logged, GRID, 400, executor=cluster)) == expected
    killer.join()
    assert log.stat().st_size > 500


@pytest.mark.slow
def test_a_task_that_kills_dask_workers(cluster):
    from tests.percolation.faults.tasks import deadly

    found = run_until(deadly, [{"k": k} for k in range(8)], 2, executor=cluster)
    assert [dict(case.failed) for case in found.cases] == [{"died": 2} if k == 3 else {} for k in range(8)]


def test_bad_clusters():
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with pytest.raises(ValueError, match="one of the two"):
        executors.dask()
    with pytest.raises(ValueError, match="local must be at least 1, got 0"):
        executors.dask(local=0)
    with pytest.raises((OSError, ValueError), match="no Dask scheduler answers at tcp://127.0.0.1:9"):
        executors.Dask("tcp://127.0.0.1:9", local=None, patience=0.5)


def test_a_worker_that_dies_is_replaced_and_its_task_done_elsewhere(monkeypatch, tmp_path):
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    grid = [{"k": k} for k in range(6)]
    with executors.processes(2) as pool:
        found = run_until(deadly_once, grid, 5, executor=pool)
    assert (tmp_path / "log").exists()
    assert found.status == "complete"
    assert bits(found) == bits(run_until(deadly_once, grid, 5))


def test_a_task_that_hangs_is_stopped_and_the_scan_goes_on():
    with executors.processes(2, timeout=1.0) as pool:
        found = run_until(hangs, [{"k": k} for k in range(6)], 1, executor=pool)
    assert [dict(case.failed) for case in found.cases] == [{"hung": 1} if k == 3 else {} for k in range(6)]
    assert "hangs(k=3; seed 0, realisation 0) hung: stopped at its timeout" in str(found.failures[0])


def test_one_death_is_one_future_s_death():
    with executors.processes(1) as pool:
        before, dead, after = pool.submit(abs, -1), pool.submit(os._exit, 7), pool.submit(abs, -2)
        assert (before.result(), after.result()) == (1, 2)
        assert executors.death(dead.exception()) == "a worker process died, exit code 7"


def test_exceptions_come_with_the_worker_s_traceback():
    with (
        executors.processes(1) as pool,
        runs.session(executor=pool),
        pytest.raises(ValueError, match="domain") as caught,
    ):
        runs.run(math.sqrt, [-1.0])
    assert "Traceback" in "".join(caught.value.__notes__)


def test_what_does_not_pickle():
    with executors.processes(1) as pool:
        with pytest.raises((AttributeError, TypeError, PicklingError), match="pickle"):
            pool.submit(lambda: 1).result()
        with pytest.raises(Exception, match="pickle"):
            pool.submit(threading.Lock).result()
        assert pool.submit(abs, -3).result() == 3


def test_kill_ends_the_workers_at_once():
    pool = executors.processes(1)
    running, waiting = pool.submit(time.sleep, 60), pool.submit(abs, 1)
    while not running.running():
        time.sleep(0.01)
    began = time.monotonic()
    pool.kill()
    assert time.monotonic() - began < 10
    for future in (running, waiting):
        with pytest.raises((CancelledError, BrokenExecutor)):
            future.result(timeout=1)
    with pytest.raises(RuntimeError):
        pool.submit(abs, 1)


def test_a_call_that_pebble_loses_is_cancelled(monkeypatch):
    """Seen once: stopped while it hands a call over, the pool never settles the future."""
    pool = executors.processes(1)
    lost = pebble.ProcessFuture()
    monkeypatch.setattr(pool._pool, "schedule", lambda *arguments, **options: lost)
    assert pool.submit(abs, 1) is lost
    pool.kill()
    with pytest.raises(CancelledError):
        lost.result(timeout=1)


def test_a_worker_that_cannot_start_breaks_the_pool(tmp_path):
    """A script without a guard starts itself in every worker."""
    script = tmp_path / "script.py"
    script.write_text("from percolation.runs import executors\nexecutors.processes(1).submit(abs, -1).result()\n")
    done = subprocess.run([sys.executable, script], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 1 and "BrokenProcessPool" in done.stderr


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: executors.threads(-1), "workers must be at least 0, got -1"),
        (lambda: executors.processes(1, timeout=0), "timeout must be a finite number above 0, got 0"),
        (lambda: executors.Processes(0), "n_workers must be at least 1, got 0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
