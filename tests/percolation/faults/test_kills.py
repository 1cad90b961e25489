"""kill -9, Ctrl-C and SIGTERM at the driver: nothing finished is lost, run again or left behind."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from percolation.runs.store import Store
from percolation.runs.tools import verify
from tests.percolation.faults.driver import bits, scan


def finished(path: Path) -> set[str]:
    """Tasks in the store, as the log names them; their code is `test` and the digest of the tasks' file."""
    with Store(path, read_only=True) as store:
        codes = [code for (code,) in store.database.rows("SELECT name FROM codes")]
        found = [one.task for code in codes for one in store.with_code(code).outcomes("long")]
    return {f"{task.parameters['mu']} {task.realisation}" for task in found}


def kill_and_resume(drivers, monkeypatch, n_kills: int, longest: float) -> None:
    moments, kept = random.Random(1), []
    for _ in range(n_kills):
        driver = drivers.start("long")
        time.sleep(moments.uniform(0, longest))
        driver.kill()
        driver.wait()
        kept.append((len(drivers.executed()), finished(drivers.store)))
    resumed = drivers.start("long").communicate()[0].strip()
    executed = drivers.executed()
    for position, before in kept:
        assert not before & set(executed[position:]), "a finished task was run again"
    assert len(kept[-1][1]) > 50, "the kills came before anything was kept: they tested nothing"
    with Store(drivers.store) as store:
        assert verify(store) == []
    monkeypatch.setenv("LOG", os.devnull)
    assert resumed == bits(scan("long", None))


def wait_for(condition) -> None:
    """Until it holds, for as long as a machine under load may take."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_driver_killed_at_a_few_moments(drivers, monkeypatch):
    kill_and_resume(drivers, monkeypatch, 3, 1.0)


@pytest.mark.slow
def test_a_driver_killed_at_fifty_moments(drivers, monkeypatch):
    kill_and_resume(drivers, monkeypatch, 50, 0.6)


def children(pid: int) -> list[int]:
    """Processes that any of its threads has started."""
    lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(one) for one in " ".join(lists).split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_no_worker_outlives_its_driver(drivers, number):
    driver = drivers.start("hangs", "--processes", "2")
    wait_for(lambda: len(drivers.executed()) >= 2)
    workers = children(driver.pid)
    assert len(workers) >= 2
    driver.send_signal(number)
    driver.wait(timeout=60)
    wait_for(lambda: not any(map(alive, workers)))  # or workers were left behind


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_driver_that_is_asked_to_stop_keeps_everything_finished(drivers, number, code):
    driver = drivers.start("long")
    wait_for(lambda: len(drivers.executed()) > 10)
    driver.send_signal(number)
    assert driver.wait(timeout=60) == code
    assert finished(drivers.store) == set(drivers.executed())
    assert 10 < len(drivers.executed()) < 2000


def test_two_drivers_share_a_store(drivers):
    first, second = drivers.launch("logged"), drivers.launch("logged")
    one, two = first.communicate()[0], second.communicate()[0]
    assert one == two != ""
    executed = drivers.executed()
    assert len(executed) == len(set(executed)) == 400
    with Store(drivers.store) as store:
        assert verify(store) == []


def test_the_driver_that_waits_goes_on_when_the_first_is_killed(drivers):
    first = drivers.start("long")
    wait_for(lambda: len(drivers.executed()) > 50)
    second = drivers.start("long")
    time.sleep(0.3)
    assert second.poll() is None
    first.kill()
    first.wait()
    kept, position = finished(drivers.store), len(drivers.executed())
    assert second.communicate(timeout=120)[0]
    assert not kept & set(drivers.executed()[position:])


def test_a_forked_child_does_not_hold_the_store_beyond_its_driver(tmp_path):
    """A child that somebody's library forked sleeps on; the driver is killed, and another begins at once."""
    program = (
        "import os, signal, sys, time\n"
        "from percolation.runs.store import Store\n"
        "with Store(sys.argv[1]) as store, store.driving():\n"
        "    if not (child := os.fork()):\n"
        "        time.sleep(30)\n"
        "        os._exit(0)\n"
        "    time.sleep(0.5)\n"
        "    print(child, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "runs.db"
    process = subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.wait()
    began = time.monotonic()
    with Store(path) as store, store.driving():
        assert time.monotonic() - began < 10 and alive(child)
        assert path.with_name("runs.db-driver").exists()
    os.kill(child, signal.SIGKILL)
    assert not path.with_name("runs.db-driver").exists()


def test_drivers_wait_for_each_other_and_take_the_lock_away(tmp_path):
    """Threads too; whoever waited for a lock that is gone makes another."""
    inside: list[int] = []

    def drive(k):
        with Store(tmp_path / "runs.db") as store:
            for _ in range(20):
                with store.driving():
                    inside.append(k)
                    time.sleep(0.001)
                    assert inside.pop() == k and not inside

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(drive, range(4)))
    assert [path.name for path in tmp_path.iterdir()] == ["runs.db"]


def test_after_a_fork_with_threads_running(drivers, tmp_path):
    """A forked child has the parent's memory and none of its threads: a lock that one of them held stays locked."""
    program = (
        "import os, sys, threading\n"
        "from percolation.runs.store import Store, Task\n"
        "from tests.percolation.faults.driver import bits, scan\n"
        "store = Store(sys.argv[1], code='test')\n"
        "before = bits(scan('strength', store))\n"
        "sql = 'WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 30000) SELECT max(x) FROM c'\n"
        "reader = threading.Thread(target=lambda: [store.database.rows(sql) for _ in range(10**9)], daemon=True)\n"
        "reader.start()\n"
        "for k in range(3):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        store.put(Task('in.the_child', {}, k), {'x': k})\n"
        "        os._exit(0 if bits(scan('strength', None)) == before else 1)\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "    assert store.get(Task('in.the_child', {}, k)) == {'x': k}\n"
        "print('same')\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "fork.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[3])
    assert done.stdout == "same\n", done.stderr
