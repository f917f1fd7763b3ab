"""What the database looks like from outside: gauges that also fall."""

from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY

from schemas.catalog import BUSINESS_DAY_OPENED
from services.kit import redrive
from services.kit.batches import apply_batch
from services.kit.health import Health
from services.kit.subscription import Subscription
from services.kit.unit_of_work import UnitOfWork, working
from tests.builders import a_day, a_record, decoded
from tests.servers import OpenDatabase

pytestmark = pytest.mark.postgres
GROUP = "kit.business-day-opened"


async def on_day(work: UnitOfWork, events: Sequence[object]) -> None:
    """Hear and forget."""


def parked(group: str = GROUP) -> float | None:
    return REGISTRY.get_sample_value("vcc_parked", {"topic": BUSINESS_DAY_OPENED.name, "group": group})


async def test_the_gauge_of_parked_records_falls(database: OpenDatabase) -> None:
    """It counts what waits behind a dead letter, group by group; when that has been given up nothing is left of it,
    while another group's stays."""
    opened = await database("kit")
    health = Health(opened.settings(), opened.pool)
    for group in (GROUP, "other.business-day-opened"):
        batch = decoded(a_record(a_day(0), value=b"{"), a_record(a_day(1)), a_record(a_day(2)))
        await apply_batch(opened.pool, group, batch, on_day)
    await health._ask_postgres()
    assert (parked(), parked("other.business-day-opened")) == (2, 2)
    letter = await opened.pool.fetchval("select min(id) from dead_letter where consumer = $1", GROUP)
    subscriptions = {GROUP: Subscription(BUSINESS_DAY_OPENED, GROUP, on_day)}
    async with working(opened.pool) as work:
        await redrive.discard(work, subscriptions, letter, "olga")
    await health._ask_postgres()
    assert (parked(), parked("other.business-day-opened")) == (None, 2)
