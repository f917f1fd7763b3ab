"""Scheduling knows what it has said."""

import pytest

from services.scheduling.app import OWNED
from tests.own_facts import check_owned
from tests.servers import OpenDatabase
from tests.service.scheduling.world import World

pytestmark = pytest.mark.postgres


async def test_every_fact_is_found_in_the_store(world: World, database: OpenDatabase) -> None:
    """Appointments and blocks that were announced are found by their newest version."""
    [slot] = await world.open_block()
    await world.booked(await world.enrol(), slot)
    await check_owned(world.pool, OWNED, await database("scheduling"))
