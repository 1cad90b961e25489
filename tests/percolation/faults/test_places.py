"""Disks that are full, folders that cannot be written, power cuts: the store opens, verifies, and goes on."""

import os
import random
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from percolation.runs.scan import run_until
from percolation.runs.store import Store
from percolation.runs.tasks import Outcome, Task
from percolation.runs.tools import verify
from tests.percolation.faults import driver
from tests.percolation.faults.tasks import noise

ROOT = Path(__file__).parents[3]
GRID = [{"mu": 0.0}, {"mu": 1.0}]


@contextmanager
def tmpfs(folder, size):
    """A small file system of its own at the folder; skips where mounting is not allowed."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
    if done.returncode:
        pytest.skip(f"cannot mount a file system here: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def means(found):
    return [(case.n, case.mean("x"), case.error("x"), case.mean("v").tobytes()) for case in found.cases]


def scan(store):
    return run_until(noise, GRID, 2000, store=store, experiment="e")


def test_a_disk_that_is_full(tmp_path):
    path, filler = tmp_path / "small" / "runs.db", tmp_path / "small" / "filler"
    with tmpfs(path.parent, "4m"):
        filler.write_bytes(bytes(3_600_000))
        with pytest.raises(OSError, match="space left|disk full"), Store(path, code="one") as store:
            scan(store)
        with Store(path, code="one") as store:
            assert verify(store) == []
        filler.unlink()
        with Store(path, code="one") as store:
            found = scan(store)
            assert means(found) == means(scan(None))
            assert verify(store) == []


def test_a_quota(tmp_path):
    """The same without a mount: SQLite itself says that the disk is full."""
    path = tmp_path / "runs.db"
    with Store(path, code="one") as store:
        store.database.rows("PRAGMA max_page_count = 60")
        with pytest.raises(OSError, match="no space left for .*: free space and run again"):
            scan(store)
    with Store(path, code="one") as store:
        assert verify(store) == []
        found = scan(store)
        assert means(found) == means(scan(None))
        assert verify(store) == []


def test_a_file_that_may_not_grow(tmp_path):
    """A limit on the size of files, in a process of its own: a write fails in the midst of a transaction."""
    program = (
        "import resource, signal, sys\n"
        "from percolation.runs.store import Store\n"
        "from tests.percolation.faults.test_places import scan\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "with Store(sys.argv[1], code='one') as store:\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, 250_000))\n"
        "    scan(store)\n"
    )
    path = tmp_path / "runs.db"
    done = subprocess.run([sys.executable, "-c", program, path], cwd=ROOT, capture_output=True, text=True)
    assert "is the disk full?" in done.stderr or "no space left" in done.stderr, done.stderr
    with Store(path, code="one") as store:
        assert verify(store) == []
        found = scan(store)
        assert means(found) == means(scan(None))


def test_a_folder_that_cannot_be_written(tmp_path):
    path = tmp_path / "small" / "runs.db"
    with tmpfs(path.parent, "4m"):
        with Store(path, code="one") as store:
            store.put(Task("f", {}, 0), {"x": 1.5}, experiment="other")
        subprocess.run(["mount", "-o", "remount,ro", path.parent], check=True)
        with Store(path, code="one", read_only=True) as store:
            assert store.get(Task("f", {}, 0)) == {"x": 1.5}
            assert verify(store) == []
        with pytest.raises(OSError, match="cannot be written|cannot open"), Store(path, code="one") as store:
            store.put(Task("f", {}, 1), {"x": 1.5})
        with (
            pytest.raises(OSError, match="cannot be written|cannot open|cannot make"),
            Store(path, code="one") as store,
        ):
            scan(store)
        subprocess.run(["mount", "-o", "remount,rw", path.parent], check=True)
        with Store(path, code="one") as store:
            assert means(scan(store)) == means(scan(None))


def test_killed_inside_a_transaction(tmp_path):
    """kill -9 after the rows are written and before they are committed: that batch is missing, nothing else."""
    program = (
        "import os, signal, sys\n"
        "from percolation.runs.store import Store, insert\n"
        "from percolation.runs.tasks import Outcome, Task\n"
        "store = Store(sys.argv[1], code='one')\n"
        "for batch in range(3):\n"
        "    store.write(Outcome(Task('f', {}, (batch, k)), {'x': k}) for k in range(100))\n"
        "with store.database.transaction() as database:\n"
        "    database.execute('PRAGMA cache_spill = 1')\n"
        "    for k in range(5000):\n"
        "        row = ('', 'one', '{}', k.to_bytes(32, 'big'), 0, 'f', '{}', '0', '', b'long' * 1000, 0, 0, 0)\n"
        "        assert insert(database, [row]) == ['new']\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "runs.db"
    subprocess.run([sys.executable, "-c", program, path], cwd=ROOT)
    with Store(path, code="one") as store:
        assert verify(store) == []
        assert sorted(one.task.seed for one in store.outcomes()) == [(b, k) for b in range(3) for k in range(100)]


N_BATCHES, BATCH = 12, 20


def cut_power(tmp_path, lengths) -> None:
    """A power cut leaves a log that ends anywhere, or in rubbish: the batches before that are there, all of each."""
    source = tmp_path / "source" / "runs.db"
    source.parent.mkdir()
    store = Store(source, code="one")
    for batch in range(N_BATCHES):
        store.write(Outcome(Task("f", {}, (batch, k)), {"x": k, "v": np.arange(20)}) for k in range(BATCH))
    log, rubbish = source.with_name("runs.db-wal").read_bytes(), random.Random(2)
    assert len(log) > 100_000
    seen = set()
    for length in lengths(len(log)):
        folder = tmp_path / str(length)
        folder.mkdir()
        shutil.copy(source, folder)
        tail = rubbish.randbytes(len(log) - length) if length % 2 else b""
        (folder / "runs.db-wal").write_bytes(log[:length] + tail)
        with Store(folder / "runs.db", code="one") as cut:
            assert verify(cut) == []
            found = sorted(one.task.seed for one in cut.outcomes())
            n = len(found) // BATCH
            assert found == [(batch, k) for batch in range(n) for k in range(BATCH)]
        seen.add(n)
        shutil.rmtree(folder)
    store.close()
    assert len(seen) > N_BATCHES / 2, "the cuts were all at one place"


def test_a_power_cut_at_some_places(tmp_path):
    places = random.Random(1)
    cut_power(tmp_path, lambda size: sorted(places.sample(range(size), 40)))


@pytest.mark.slow
def test_a_power_cut_around_every_write(tmp_path):
    """SQLite writes a header of 32 bytes, then frames of 24 + 4096: before, inside and after each of them."""
    cut_power(
        tmp_path,
        lambda size: sorted({min(size, max(0, 32 + k * 4120 + shift)) for k in range(size // 4120 + 1)
                             for shift in (-1, 0, 1, 24, 2048)}),
    )  # fmt: skip


def test_where_compiled_kernels_cannot_be_kept(monkeypatch):
    """Numba finds no folder that it may write: the kernels are compiled anew, and give the same."""
    program = (
        "import tempfile\n"
        "from numba.core import caching\n"
        "usual = caching._CacheLocator.ensure_cache_path\n"
        "def refuse(self):\n"
        "    if not self.get_cache_path().startswith(tempfile.gettempdir() + '/numba-'):\n"
        "        raise OSError('read-only file system')\n"
        "    usual(self)\n"
        "caching._CacheLocator.ensure_cache_path = refuse\n"
        "from percolation._kernels import cache_folder\n"
        "cache_folder.ensure()\n"
        "from tests.percolation.faults.driver import bits, scan\n"
        "print(bits(scan('strength', None)))\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.stdout.strip() == driver.bits(driver.scan("strength", None)) != "", done.stderr
