"""For the tests of lattices, graphs and theory."""

import pytest

from percolation.scaling import wrapping


@pytest.fixture
def quarter_runs(monkeypatch):
    """Runs of `wrapping_threshold` with a quarter of the sites, so that errors are twice as large."""
    monkeypatch.setattr(wrapping, "SITES_OF_A_RUN", wrapping.SITES_OF_A_RUN // 4)
