"""For all tests: the `percolation` command as a user meets it, in this process, with her arguments."""

import sys

import matplotlib.pyplot as plt
import pytest

from percolation import cli


@pytest.fixture(autouse=True)
def _close_figures():
    """pyplot keeps what is drawn until it is closed."""
    yield
    plt.close("all")


@pytest.fixture
def percolation(monkeypatch, capsys):
    """Run `percolation ARGUMENTS`: (exit code, standard output, standard error)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["percolation", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        return exit_.value.code or 0, *capsys.readouterr()

    return run
