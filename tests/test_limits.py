"""Commands that nobody can mean, or that no machine can carry out: one line, exit code 2, and at once; and what long
commands say before they begin."""

import contextlib
import os
import subprocess
import sys

import pytest

from percolation import checks

REFUSED = {
    "threshold --dim 10000000000": "at most 10000",
    "threshold --time 1e300": "three years",
    "threshold --time nan": "finite",
    "threshold --precision 1e-300": "no runs reach",
    "threshold --precision 0": "above 0",
    "threshold --workers 100000": "at most 1024",
    "threshold --runs 1000000000000": "reduce",
    "threshold --runs 1e21": "integer",
    "threshold --dim 4 --method invasion --sites 2000000000": "reduce n_sites",
    "threshold --lattice kagom": "did you mean",
    "threshold --lattice n-cube --dim 40": "at most 30",
    "threshold --seed 99999999999999999999999999": "2^63",
    "theory D --dim 1": "at least 3",
    "graph {graph} --runs 1000000000000": "reduce --runs",
    "graph {graph} --sites 100000000000": "GiB",
    "graph {graph} --kind face": "site, bond",
    "graph nosuch.csv": "No such file",
    "connect --pairs 100000000": "1000000",
    "connect --pairs 1000000 --dim 100000000": "reduce the dimension",
    "connect --classes 1000000000 --data none --training untrained --pair class-optimal": "--classes",
    "connect --network mlp --dim 10000000000 --data none --training untrained --pair class-optimal": "--dim",
    "connect --max-rounds 100000": "1000",
    "connect --candidates 1000000": "1000",
    "connect --robust 1000000000": "at most 1000",
    "connect --level nan": "finite",
    "connect --device quantum": "cpu",
    "connect --space parameters --pairs 1000000": "at most 1000",
    "connect --space parameters --max-rounds 5000": "1000",
    "barriers --pairs 100000000": "at most 1000000",
    "barriers --networks 1000000": "at most 1000",
    "barriers --max-rounds 1000000": "at most 1000",
    "barriers --dim 10000000000": "reduce the dimension",
    "barriers --classes 0": "at least 1",
    "rounds --pairs 100000000": "at most 10000",
    "rounds --field gaussian --length 1e9": "shorter lines",
    "rounds --field gaussian --dim 10000000": "10000",
    "rounds --network tanh --sigma-w 1e300 --dim 8": "at most 100",
    "rounds --network tanh --networks 10000 --pairs 10000 --dim 1000": "networks",
    "phase --pairs 100000000": "at most 10000",
    "phase --dim 2..10000000": "expected",
    "phase --classes 100000": "at most 2000",
    "phase --length 1e300": "1000",
    "detect --images 10000000000": "at most 1000000",
    "detect --epochs 1000000000": "at most 100000",
    "detect --references 1000000000": "at most 1000",
    "detect --epsilon 1e300": "whole range",
    "manifold --modes 1000000": "at most 1000",
    "manifold --side 1000000": "at most 256",
    "manifold --noise 1e300": "at most 1e+06",
    "manifold --dim 10000000000": "reduce the dimension",
    "training --pairs 100000000": "at most 10000",
    "training --checkpoints 1000000000": "at most 1000",
    "training --epochs 1000000000": "at most 100000",
    "training --dim 10000000000": "reduce the dimension",
    "compare --workers 5000": "at most 1024",
    "figures --workers 100000": "at most 1024",
    "figures nosuch": "unknown figure",
    "figures --format gif": "gif",
    "report nosuch.db": "nosuch.db",
    "runs list nosuch.db": "nosuch.db",
}
ON_A_DEVICE = ("barriers", "compare", "connect", "detect", "figures", "manifold", "phase", "rounds", "training")


@pytest.fixture
def graph(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "roads.csv"
    path.write_text("rome,paris\nparis,oslo\n")
    return path


@pytest.mark.parametrize("command", REFUSED)
def test_beyond_any_use(percolation, graph, command):
    code, output, error = percolation(*command.format(graph=graph).split())
    assert (code, output) == (2, ""), error
    assert len(error.splitlines()) == 1 and REFUSED[command] in error


@pytest.mark.parametrize("command", ON_A_DEVICE)
def test_a_device_that_is_not_here(percolation, graph, monkeypatch, command):
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    code, output, error = percolation(command, "--device", "cuda")
    assert (code, output) == (2, "")
    assert len(error.splitlines()) == 1 and "unknown device 'cuda'" in error


@pytest.fixture
def small_machine(monkeypatch):
    """A machine of one GiB."""
    monkeypatch.setattr(checks.os, "sysconf", lambda name: {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**18}[name])


@pytest.mark.parametrize(
    ("command", "reduce"),
    [
        ("threshold --dim 4 --method invasion --sites 20000000 --workers 1", "--sites"),
        ("threshold --dim 4 --method invasion --sites 5000000 --workers 16 --runs 16", "--workers"),
        ("connect --network mlp --dim 2000000 --data none --training untrained --pair class-optimal", "--dim"),
        ("connect --network googlenet --classes 1000000 --data none --training untrained --pair class-optimal", "--cl"),
    ],
)
def test_memory_is_counted_before_it_is_taken(percolation, graph, small_machine, command, reduce):
    code, output, error = percolation(*command.split())
    assert (code, output) == (2, ""), error
    assert len(error.splitlines()) == 1 and "GiB, the machine has 1;" in error and reduce in error


@pytest.mark.parametrize("words", ["DefaultCPUAllocator: can't allocate memory: 9 bytes", "CUDA out of memory."])
def test_torch_without_memory(percolation, graph, monkeypatch, words):
    from percolation import graph_scan

    def full(*arguments, **options):
        raise RuntimeError(words)

    monkeypatch.setattr(graph_scan, "scan", full)
    code, _, error = percolation("graph", graph)
    assert code == 1 and error == (
        "percolation: out of memory; reduce the size, the pairs or the batch, or try fewer --workers\n"
    )


class Begun(ValueError):
    """The work has begun."""


def begin(*arguments, **options):
    raise Begun("begun")


@pytest.mark.parametrize(
    ("command", "work", "first"),
    [
        ("barriers", "barriers.measure.measure_barriers", "cnn on digits, cnn1d on mnist1d, 3 of each: 5 kinds"),
        ("connect --space parameters", "weights.measure.connect", "3 pairs of cnn1d on mnist1d: training 6 networks"),
        ("figures dimension_scaling/", "making.make", " figures, small (--quick); about "),
    ],
)
def test_the_first_line_says_what_is_done_and_how_long(percolation, graph, monkeypatch, command, work, first):
    package = "papers" if command.startswith("figures") else "empirical.experiments"
    monkeypatch.setattr(f"{package}.{work}", begin)
    code, output, error = percolation(*command.split())
    assert (code, output) == (2, "")
    assert first in error.splitlines()[0] and " min on two cores\n" in error
    assert error.splitlines()[1:] == ["percolation: begun"]


BEFORE_TORCH = """
import sys
from contextlib import contextmanager
from percolation import cli, terminal

@contextmanager
def loading(command, takes=""):
    raise ValueError(f"{command}, torch {'torch' in sys.modules}")
    yield

terminal.loading = loading
for command in sys.argv[1:]:
    sys.argv = ["percolation", *command.split()]
    try:
        cli.main()
    except SystemExit as end:
        assert end.code == 2
"""


def test_a_terminal_shows_a_line_before_torch_is_loaded():
    commands = [*(one for one in ON_A_DEVICE if one != "figures"), "connect --space parameters"]
    done = subprocess.run([sys.executable, "-c", BEFORE_TORCH, *commands], capture_output=True, text=True)
    assert done.stderr.splitlines() == [f"percolation: {one}, torch False" for one in commands]


def test_the_line_is_gone_when_a_fault_is_found():
    driver, terminal = os.openpty()
    call = [sys.executable, "-c", "from percolation.cli import main; main()", "barriers", "--network", "nosuch"]
    with subprocess.Popen(call, stdin=terminal, stdout=terminal, stderr=terminal, close_fds=True) as process:
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # of a terminal that its last process has left
            while more := os.read(driver, 1000):
                shown += more
    os.close(driver)
    first, last = shown.decode().split("\x1b[2K", 1)[0], shown.decode().splitlines()[-1]
    assert process.returncode == 2 and "percolation barriers: loading torch; takes about 6 min" in first
    assert "percolation: unknown network 'nosuch'" in last
