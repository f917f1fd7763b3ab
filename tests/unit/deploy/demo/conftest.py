"""One generated population for all tests of this folder."""

import pytest

from deploy.demo.population import generate
from tests.unit.deploy.demo.worlds import World, read_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Four thousand members, six weeks, seed 7."""
    out = tmp_path_factory.mktemp("population")
    return read_world(out, generate(out, members=4_000, seed=7))


@pytest.fixture(scope="session")
def village(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Six hundred members, for what a slow library reads."""
    out = tmp_path_factory.mktemp("village")
    return read_world(out, generate(out, members=600, seed=8, weeks=4))
