"""Scheduling over a fresh database."""

from collections.abc import AsyncIterator

import pytest

from tests.servers import OpenDatabase
from tests.service.scheduling.world import World


@pytest.fixture
async def world(database: OpenDatabase) -> AsyncIterator[World]:
    """On Monday 15 March 2021 the United Center gives COVID-19 and influenza vaccine."""
    entered = await database("scheduling")
    opened = World(entered.pool, entered.owner)
    await opened.begin()
    yield opened
    await opened.check()
    await opened.close()
