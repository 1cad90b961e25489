"""Executors: the same bits on all of them, through deaths and hangs of workers."""

import os
import signal
import threading
import time
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from percolation import ensembles, executors
from percolation.executors import pool as pool_module
from tests.percolation.faults.tasks import deadly_once, hangs, log_to, logged, noise

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
    return bits(ensembles.run_until(noise, GRID, 300, executor=ThreadPoolExecutor(1)))


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
        assert bits(ensembles.run_until(noise, GRID, 300, executor=executor)) == expected


def test_the_same_bits_on_dask(cluster, expected):
    assert bits(ensembles.run_until(noise, GRID, 300, executor=cluster)) == expected
    assert executors.n_workers(cluster) == 2
    assert ensembles.run(abs, [-2, -1], executor=cluster) == [2, 1]


def test_a_dask_worker_is_killed(cluster, monkeypatch, tmp_path):
    """A worker dies in the midst of its tasks; they are done elsewhere, and the result is the same."""
    log = tmp_path / "log"
    cluster.client.run(log_to, str(log))
    monkeypatch.setenv("LOG", os.devnull)
    expected = bits(ensembles.run_until(logged, GRID, 400))
    victim = next(iter(cluster.client.run(os.getpid).values()))

    def kill():
        until = time.monotonic() + 20
        while not (log.exists() and log.stat().st_size > 500) and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    # the worker that takes over has no $LOG of ours, but the driver's
    assert bits(ensembles.run_until(logged, GRID, 400, executor=cluster)) == expected
    killer.join()
    assert log.stat().st_size > 500


@pytest.mark.slow
def test_a_task_that_kills_dask_workers(cluster):
    from tests.percolation.faults.tasks import deadly

    found = ensembles.run_until(deadly, [{"k": k} for k in range(8)], 2, executor=cluster)
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
        found = ensembles.run_until(deadly_once, grid, 5, executor=pool)
    assert (tmp_path / "log").exists()
    assert found.status == "complete"
    assert bits(found) == bits(ensembles.run_until(deadly_once, grid, 5))


def test_a_task_that_hangs_is_stopped_and_the_scan_goes_on():
    with executors.processes(2, timeout=1.0) as pool:
        found = ensembles.run_until(hangs, [{"k": k} for k in range(6)], 1, executor=pool)
    assert [dict(case.failed) for case in found.cases] == [{"hung": 1} if k == 3 else {} for k in range(6)]
    assert "hangs(k=3; seed (0, 0)) hung: stopped after 1 s" in str(found.failures[0])


def test_one_death_is_one_future_s_death():
    with executors.processes(1) as pool:
        before, dead, after = pool.submit(abs, -1), pool.submit(os._exit, 7), pool.submit(abs, -2)
        assert (before.result(), after.result()) == (1, 2)
        with pytest.raises(executors.WorkerDied, match="exit code 7"):
            dead.result()


def test_exceptions_come_with_the_worker_s_traceback():
    with executors.processes(1) as pool, pytest.raises(ValueError, match="invalid literal") as caught:
        pool.submit(int, "x").result()
    assert "Traceback" in str(caught.value.__cause__)


def test_what_does_not_pickle():
    with executors.processes(1) as pool:
        with pytest.raises((AttributeError, TypeError), match="pickle"):
            pool.submit(lambda: 1)
        with pytest.raises(Exception, match="pickle"):
            pool.submit(getattr, threading, "Lock").result() and pool.submit(threading.Lock).result()
        assert pool.submit(abs, -3).result() == 3


def test_kill_ends_the_workers_at_once():
    pool = executors.processes(1)
    running, waiting = pool.submit(time.sleep, 60), pool.submit(abs, 1)
    while not running.running():
        time.sleep(0.01)
    began = time.monotonic()
    pool.kill()
    assert time.monotonic() - began < 10
    assert waiting.cancelled()
    with pytest.raises(executors.WorkerDied):
        running.result()
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(abs, 1)


def test_a_worker_that_cannot_start_breaks_the_pool(monkeypatch):
    monkeypatch.setattr(pool_module, "serve", abs)  # called with the pipe: a TypeError in the child
    with executors.processes(1) as pool, pytest.raises(BrokenExecutor, match="a worker process did not start"):
        pool.submit(abs, 1).result()


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
