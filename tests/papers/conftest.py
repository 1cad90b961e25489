import pytest

from papers import registry
from tests.papers.tiny import TINY


@pytest.fixture(scope="session", autouse=True)
def _fixed_networks(fixed_networks):
    """Of fixed weights: no test hangs on the bits of a training."""


@pytest.fixture(scope="session")
def data_of(tmp_path_factory):
    """The data of PAPER/FIGURE in its smallest form, computed once: shared by the tests, which must not change it."""
    folder, made = tmp_path_factory.mktemp("papers"), {}

    def find(name):
        if name not in made:
            within = folder / name.split("/")[0]
            within.mkdir(exist_ok=True)
            made[name] = registry.find(name).compute(TINY[name], within, seed=1, workers=1)
        return made[name]

    return find
