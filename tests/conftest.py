"""For all tests: the `percolation` command as a user meets it, in this process, without her cache."""

import gc
import os
import sys

import matplotlib.pyplot as plt
import pytest

from percolation import cli

# seldom a walk over all objects: with numba, torch and matplotlib one takes half a second, together 6 % of the suite
gc.set_threshold(700, 10, 200)


@pytest.fixture(scope="session", autouse=True)
def _cache_of_networks(tmp_path_factory):
    """Trained networks are kept in a folder of this run, which its workers and their processes share."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERCOLATION_CACHE", str(folder / "networks"))
        yield


@pytest.fixture(scope="session")
def fixed_networks(_cache_of_networks):
    """Networks of usual names and seeds have the weights of tests/fixed_networks."""
    from tests import fixed_networks

    fixed_networks.install()


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
