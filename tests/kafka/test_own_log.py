"""A service whose database forgot what the service has said, beside a log that did not."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.consumer.group_coordinator import NoGroupCoordinator
from aiokafka.errors import KafkaConnectionError
from fastapi import APIRouter

from schemas.catalog import BUSINESS_DAY_OPENED
from schemas.eligibility_v1 import BusinessDayOpenedV1
from schemas.envelope import Event
from services.kit import faults, own_log
from services.kit.app import Service, create
from services.kit.kafka import reading
from services.kit.own_log import BehindLogError, Owned, OwnLog, list_lost
from services.kit.relay import Relay
from services.kit.requests import Pool
from services.kit.settings import KafkaSettings
from services.kit.subscription import Subscription
from services.kit.unit_of_work import working
from tests.builders import a_day, a_record
from tests.kafka.calendars import on_day, produce, until
from tests.servers import Database

pytestmark = [pytest.mark.postgres, pytest.mark.kafka, pytest.mark.slow]
UNKNOWN_DAYS = """
select position from unnest($1::date[]) with ordinality as wanted (business_on, position)
where not exists (select from said where said.business_on = wanted.business_on)
"""
OWNED: Mapping[type[Event], Owned] = {BusinessDayOpenedV1: Owned(("business_on",), UNKNOWN_DAYS)}
GROUP = "kit.business-day-opened"
END_OTHERS = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
"""
BEHIND = "database behind its own log"
routes = APIRouter()


@routes.get("/days")
async def count_days(pool: Pool) -> int:
    return int(await pool.fetchval("select count(*) from said"))


SERVICE = Service(
    name="kit",
    title="A calendar",
    subscriptions=(Subscription(BUSINESS_DAY_OPENED, GROUP, on_day),),
    routers=(routes,),
    migrations=Path(__file__).parent,
    owned=OWNED,
)


@pytest.fixture
async def almanac(calendar: Database, topic: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Two days were said; the database knows the first."""
    monkeypatch.setattr(own_log, "LOOK_AGAIN_S", 0.1)
    await calendar.owner.execute("create table said (business_on date primary key)")
    await _know(calendar, 0)
    await produce(topic, [a_record(a_day(0)), a_record(a_day(1))])
    return replace(calendar, service="eligibility")  # whose topic it is


async def _know(database: Database, day: int) -> None:
    await database.pool.execute("insert into said values ($1)", a_day(day).business_on)


@asynccontextmanager
async def _serving(database: Database, bootstrap: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create(SERVICE, database.settings(bootstrap))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kit") as client,
    ):
        yield client


async def _count(database: Database, table: str) -> int:
    return int(await database.pool.fetchval(f"select count(*) from {table}"))


async def _heard_all(database: Database, bootstrap: str) -> None:
    """The service reads what is there, acknowledges it and ends; one record of it is broken."""
    await _know(database, 1)
    await produce(bootstrap, [a_record(a_day(9), value=b"{")])

    async def is_done() -> bool:
        return (await _count(database, "heard"), await _count(database, "dead_letter")) == (2, 1)

    async with _serving(database, bootstrap):
        await until(is_done)


async def _has_read(bootstrap: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return GROUP in {group for group, *_ in await admin.list_consumer_groups()}
    finally:
        await admin.close()


@pytest.mark.expects_error_log(BEHIND)
async def test_an_older_database_is_held_back_until_it_knows(almanac: Database, topic: str) -> None:
    """It reads nothing, publishes nothing, answers nothing and is not ready; once it knows the last day, it does."""
    async with working(almanac.pool) as work:
        await work.announce([a_day(2)])
    async with _serving(almanac, topic) as client:

        async def says_older() -> bool:
            reason = (await client.get("/ready")).json()["checks"]["own-log"]["reason"]
            return "older than the log" in (reason or "")

        async def is_at_work() -> bool:
            return (await _count(almanac, "heard"), await _count(almanac, "outbox")) == (3, 0)

        await until(says_older)
        refused = await client.get("/days")
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:vcc:problem:older-than-log")
        assert (await _count(almanac, "heard"), await _count(almanac, "outbox")) == (0, 1)
        assert not await _has_read(topic)
        await _know(almanac, 1)
        await _know(almanac, 2)
        await until(is_at_work)
        assert (await client.get("/days")).json() == 3


async def test_what_was_acknowledged_is_known(almanac: Database, topic: str) -> None:
    """Marks and dead letters account for all that the group has acknowledged."""
    await _heard_all(almanac, topic)
    compared = OwnLog(almanac.settings(topic), almanac.pool, OWNED, SERVICE.subscriptions)
    await compared.compare()
    assert compared.trouble is None


@pytest.mark.expects_error_log(BEHIND)
@pytest.mark.parametrize("forgotten", ["inbox", "dead_letter"])
async def test_what_was_acknowledged_and_forgotten_is_noticed(almanac: Database, topic: str, forgotten: str) -> None:
    """A database that has said nothing since its backup, but has read on, is older too."""
    await _heard_all(almanac, topic)
    await almanac.pool.execute(f"delete from {forgotten}")
    compared = OwnLog(almanac.settings(topic), almanac.pool, OWNED, SERVICE.subscriptions)
    with pytest.raises(BehindLogError):
        await compared.compare()
    long_ago = OwnLog(almanac.settings(topic, inbox_days=1), almanac.pool, OWNED, SERVICE.subscriptions)
    await long_ago.compare()


async def test_only_lost_facts_are_listed(almanac: Database, topic: str) -> None:
    """Each fact that the database lacks is a line with its place and name; broken records, repeated ones and those of
    another source are none."""
    broken = [a_record(a_day(3), value=value) for value in (b"{", None)]
    await produce(topic, [a_record(a_day(0)), *broken, a_record(a_day(3), service="outreach")])
    lines = [line async for line in list_lost(almanac.settings(topic), OWNED)]
    assert [line.split("\t")[2:] for line in lines] == [[BusinessDayOpenedV1.event_type, "business_on=2021-03-02"]]
    assert lines[0].startswith(f"{BUSINESS_DAY_OPENED.name}/")


@pytest.mark.expects_error_log(BEHIND)
async def test_an_operator_may_accept_the_loss(almanac: Database, topic: str) -> None:
    """Facts from before an accepted instant may be lacking, later ones may not."""
    compared = OwnLog(almanac.settings(topic, accepts_lost_before=a_day(2).occurred_at), almanac.pool, OWNED)
    await compared.compare()
    assert compared.trouble is None
    await produce(topic, [a_record(a_day(2))])
    with pytest.raises(BehindLogError):
        await compared.compare()


@pytest.mark.expects_error_log(BEHIND)
async def test_a_replica_that_lagged_stops_the_relay(almanac: Database, topic: str) -> None:
    """When the database comes back without its last commits, the relay ends and what it holds is not published."""
    await _know(almanac, 1)
    settings = almanac.settings(topic)
    compared = OwnLog(settings, almanac.pool, OWNED)
    await compared.compare()
    assert compared.trouble is None
    relaying = asyncio.create_task(Relay(settings, almanac.pool.signals, compared.compare).run())

    async def is_published() -> bool:
        return await _count(almanac, "outbox") == 0

    async with working(almanac.pool) as work:
        await work.connection.execute("insert into said values ($1)", a_day(2).business_on)
        await work.announce([a_day(2)])
    await until(is_published)
    await almanac.pool.execute("delete from said where business_on > $1", a_day(0).business_on)
    await almanac.pool.execute(END_OTHERS)
    with pytest.raises(BehindLogError):
        await asyncio.wait_for(relaying, 120)


async def test_a_cancellation_that_leaks_out_of_the_client_is_outlived(
    almanac: Database, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that goes away right after the reader has started has the client cancel a task of its own before that
    task's first step: the comparison is tried again, and a relay that compares after an absence lives on too."""
    await _know(almanac, 1)
    describe, left = AIOKafkaAdminClient.describe_topics, [6]

    async def going_away(self: AIOKafkaAdminClient, *topics: str) -> object:
        left[0] -= 1
        if left[0] >= 0:
            raise KafkaConnectionError
        return await describe(self, *topics)

    monkeypatch.setattr(AIOKafkaAdminClient, "describe_topics", going_away)
    monkeypatch.setattr(faults, "FIRST_PAUSE_S", 0.01)
    settings = almanac.settings(topic)
    compared = OwnLog(settings, almanac.pool, OWNED)
    relay = Relay(settings, almanac.pool.signals, compared.compare)
    relay._was_away = True
    tasks = [asyncio.create_task(one.run()) for one in (compared, relay)]
    async with working(almanac.pool) as work:
        await work.announce([a_day(1)])

    async def is_published() -> bool:
        return await _count(almanac, "outbox") == 0

    await until(is_published)
    assert (compared.trouble, [task.done() for task in tasks]) == (None, [False, False])
    compared.stop()
    relay.stop()
    await asyncio.wait_for(asyncio.gather(*tasks), 120)


async def test_a_client_that_does_not_stop_cleanly_leaves_no_connection(
    topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What leaks out of the reader's stop reaches nobody, and its connections are closed all the same."""

    async def leaking(_self: NoGroupCoordinator) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(NoGroupCoordinator, "close", leaking)
    async with reading(KafkaSettings(bootstrap_servers=topic)) as reader:
        await reader.topics()
        coordinator, connections = reader._coordinator, list(reader._client._conns.values())
    assert connections
    assert not any(one.connected() for one in connections)
    coordinator._reset_committed_task.cancel()
    await reader._fetcher.close()
