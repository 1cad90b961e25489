"""Drivers that are started, killed and looked at from outside."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


class Drivers:
    """Processes that run tests.percolation.faults.driver on one store; $LOG is a file beside it."""

    def __init__(self, folder: Path) -> None:
        self.store, self.log = folder / "scan.db", folder / "log"
        self.log.touch()
        self.started: list[subprocess.Popen[str]] = []

    def start(self, name: str, *options: str) -> subprocess.Popen[str]:
        """A driver whose store is open, just before the scan."""
        process = self.launch(name, *options)
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        return process

    def launch(self, name: str, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.percolation.faults.driver", str(self.store), name, *options]
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"LOG": str(self.log)}, stdout=subprocess.PIPE, text=True
        )
        self.started.append(process)
        return process

    def executed(self) -> list[str]:
        """A line for every time that a task was run."""
        return self.log.read_text().splitlines()


@pytest.fixture
def drivers(tmp_path):
    started = Drivers(tmp_path)
    yield started
    for process in started.started:
        process.kill()
        process.wait()
