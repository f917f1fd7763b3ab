"""A migration under a running service: what Postgres says of it is no record's doing."""

from collections.abc import Sequence

import asyncpg
import pytest

from schemas.catalog import BUSINESS_DAY_OPENED
from schemas.eligibility_v1 import BusinessDayOpenedV1
from services.kit.postgres import Pool, create_pool, is_fault
from services.kit.subscriber import Subscriber
from services.kit.subscription import Subscription
from services.kit.unit_of_work import Handler, UnitOfWork
from tests.builders import a_day, a_record
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
GROUP = "kit.business-day-opened"


@pytest.fixture
async def almanac(database: OpenDatabase) -> Database:
    opened = await database("kit")
    await opened.owner.execute("create table heard (business_on date, zone text); create table zone (name text)")
    return opened


async def on_day(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
    """Look up everything, write down."""
    await work.connection.fetch("select * from zone")
    days, zones = [event.business_on for event in events], [event.time_zone for event in events]
    await work.connection.execute(
        "insert into heard (business_on, zone) select * from unnest($1::date[], $2::text[])", days, zones
    )


async def _deliver(pool: Pool, handler: Handler, day: int) -> None:
    subscriber = Subscriber(pool, Subscription(BUSINESS_DAY_OPENED, GROUP, handler), 60)
    await subscriber._applying.apply(subscriber._decoder.decode([a_record(a_day(day), offset=day)]))


async def _counts(almanac: Database) -> tuple[int, int, int]:
    heard, dead, parked = [
        await almanac.pool.fetchval(f"select count(*) from {table}") for table in ("heard", "dead_letter", "parked_key")
    ]
    return heard, dead, parked


async def test_a_plan_that_a_migration_made_stale_sets_nothing_aside(almanac: Database) -> None:
    """The batch that meets it fails as a fault, comes again and is applied; its key is not parked."""
    pool = await create_pool(almanac.settings())
    await _deliver(pool, on_day, 0)
    await almanac.owner.execute("alter table zone add column note text")
    with pytest.raises(asyncpg.InvalidCachedStatementError, check=is_fault):
        await _deliver(pool, on_day, 1)
    await _deliver(pool, on_day, 1)
    assert await _counts(almanac) == (2, 0, 0)
    pool.terminate()


@pytest.mark.parametrize(
    ("change", "undo"),
    [
        ("alter table heard rename column zone to place", "alter table heard rename column place to zone"),
        ("alter table heard rename to listened", "alter table listened rename to heard"),
        (
            "alter table heard alter column business_on type integer using 0",
            "drop table heard; create table heard (business_on date, zone text)",
        ),
        ("revoke insert on heard from kit", "grant insert on heard to kit"),
    ],
)  # fmt: skip
async def test_a_schema_that_does_not_fit_the_code_sets_nothing_aside(
    almanac: Database, change: str, undo: str
) -> None:
    """A column, a table, a type, a right that is not there as the code wants it: the batch waits until it is mended."""
    pool = await create_pool(almanac.settings())
    await almanac.owner.execute(change)
    with pytest.raises(asyncpg.PostgresError, check=is_fault):
        await _deliver(pool, on_day, 0)
    await almanac.owner.execute(undo)
    await _deliver(pool, on_day, 0)
    assert await _counts(almanac) == (1, 0, 0)
    pool.terminate()
