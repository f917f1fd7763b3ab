"""Two environments on one broker: each says and hears its own, under names that differ by a prefix only."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy.topics import end_offsets, provide_topics
from schemas.catalog import BUSINESS_DAY_OPENED
from schemas.eligibility_v1 import BusinessDayOpenedV1
from schemas.envelope import Event
from services.kit import own_log
from services.kit.bus import Bus
from services.kit.generation import Generation, group_of
from services.kit.offsets import offsets
from services.kit.own_log import OLDER, BehindLogError, Owned, OwnLog, list_lost
from services.kit.readings import Readings
from services.kit.relay import Relay
from services.kit.settings import KafkaSettings, Settings
from services.kit.subscription import Subscription
from services.kit.unit_of_work import working
from tests.builders import a_day, a_record
from tests.kafka.calendars import TOPIC, drop_topic, make_topic, on_day, produce, until
from tests.servers import Database, OpenDatabase

pytestmark = [pytest.mark.postgres, pytest.mark.kafka, pytest.mark.slow]
PREFIX, GROUP = "staging.", "kit.business-day-opened"
SUBSCRIPTION = Subscription(BUSINESS_DAY_OPENED, GROUP, on_day)
UNKNOWN_DAYS = """
select position from unnest($1::date[]) with ordinality as wanted (business_on, position)
where not exists (select from heard where heard.business_on = wanted.business_on)
"""
OWNED: Mapping[type[Event], Owned] = {BusinessDayOpenedV1: Owned(("business_on",), UNKNOWN_DAYS)}


@pytest.fixture
async def shared(topic: str) -> AsyncIterator[str]:
    """The broker, with the topic of each environment."""
    admin = AIOKafkaAdminClient(bootstrap_servers=topic)
    await admin.start()
    await make_topic(admin, PREFIX + TOPIC)
    yield topic
    await drop_topic(admin, PREFIX + TOPIC)
    await admin.close()


@pytest.fixture
async def calendars(database: OpenDatabase) -> tuple[Database, Database]:
    """Of the environment with a prefix, and of that without."""
    opened = [await database("kit"), await database("kit")]
    for one in opened:
        await one.owner.execute("create table heard (position bigserial, business_on date, zone text)")
    return replace(opened[0], service="eligibility"), replace(opened[1], service="eligibility")


def settings_of(database: Database, bootstrap: str, prefix: str) -> Settings:
    return database.settings(kafka=KafkaSettings(bootstrap_servers=bootstrap, prefix=prefix))


@asynccontextmanager
async def working_in(database: Database, bootstrap: str, prefix: str) -> AsyncIterator[Bus]:
    """Relay and bus of one environment."""
    settings = settings_of(database, bootstrap, prefix)
    bus, relay = Bus(settings, database.pool, [SUBSCRIPTION]), Relay(settings, database.pool.signals)
    tasks = [asyncio.create_task(bus.run()), asyncio.create_task(relay.run())]
    yield bus
    bus.stop()
    relay.stop()
    await asyncio.wait_for(asyncio.gather(*tasks), 120)


async def heard(database: Database) -> list[str]:
    return [row["zone"] for row in await database.pool.fetch("select zone from heard order by zone")]


async def _say(database: Database, *zones: str) -> None:
    async with working(database.pool) as work:
        await work.announce([a_day(n, zone) for n, zone in enumerate(zones)])


@pytest.mark.expects_error_log("record set aside")
async def test_each_environment_hears_itself(shared: str, calendars: tuple[Database, Database]) -> None:
    """What is announced on one side arrives there and not on the other; a bad record of one side is set aside there,
    under the catalog's name, and counts as applied: neither side lags."""
    staging, plain = calendars
    async with AsyncExitStack() as stack:
        buses = [
            await stack.enter_async_context(working_in(staging, shared, PREFIX)),
            await stack.enter_async_context(working_in(plain, shared, "")),
        ]
        await produce(shared, [replace(a_record(a_day(9), value=b"{"), topic=PREFIX + TOPIC)])
        await _say(staging, "Staging/1", "Staging/2")
        await _say(plain, "Plain/1")

        async def is_done() -> bool:
            sides = (await heard(staging), await heard(plain)) == (["Staging/1", "Staging/2"], ["Plain/1"])
            letters: int = await staging.pool.fetchval("select count(*) from dead_letter")
            return sides and letters == 1 and all(bus.troubles() is None for bus in buses)

        await until(is_done)
    assert await staging.pool.fetchval("select topic from dead_letter") == TOPIC
    assert await plain.pool.fetchval("select count(*) from dead_letter") == 0
    for prefix, records in ((PREFIX, 3), ("", 1)):
        settings = KafkaSettings(bootstrap_servers=shared, prefix=prefix)
        async with offsets(settings) as broker:
            ends = await broker.ends(await broker.partitions({TOPIC}))
            assert sum(ends.values()) == records
            assert {place.topic for place in ends} == {TOPIC}
            assert await broker.behind({GROUP: TOPIC}, ends) == 0
            assert (await broker.topic_ids({TOPIC})).keys() == {TOPIC}
    async with offsets(KafkaSettings(bootstrap_servers=shared)) as broker:
        assert {GROUP, PREFIX + GROUP} <= set(await broker.groups())
    async with offsets(KafkaSettings(bootstrap_servers=shared, prefix=PREFIX)) as broker:
        assert await broker.groups() == [GROUP]
        await broker.delete_groups([GROUP])
    async with offsets(KafkaSettings(bootstrap_servers=shared)) as broker:
        assert GROUP in await broker.groups()
        assert PREFIX + GROUP not in await broker.groups()


@pytest.mark.expects_error_log("database behind its own log")
async def test_a_database_is_compared_with_its_own_environment(
    shared: str, calendars: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fact that the log has under the prefix is missed in this environment and in no other; so is what its group has
    acknowledged. A lost fact is named by the catalog's topic."""
    monkeypatch.setattr(own_log, "HEARD_RECORDS", 5)
    staging, plain = calendars
    await produce(shared, [replace(a_record(a_day(4)), topic=PREFIX + TOPIC)])
    with_prefix, without = settings_of(staging, shared, PREFIX), settings_of(plain, shared, "")
    behind = OwnLog(with_prefix, staging.pool, OWNED, [SUBSCRIPTION])
    with pytest.raises(BehindLogError):
        await behind.compare()
    assert behind.trouble == OLDER
    (line,) = [line async for line in list_lost(with_prefix, OWNED)]
    assert line.startswith(f"{TOPIC}/")
    await OwnLog(without, plain.pool, OWNED, [SUBSCRIPTION]).compare()
    async with working_in(staging, shared, PREFIX):

        async def is_heard() -> bool:
            return len(await heard(staging)) == 1

        await until(is_heard)
    await OwnLog(with_prefix, staging.pool, OWNED, [SUBSCRIPTION]).compare()
    await staging.owner.execute("truncate inbox")
    with pytest.raises(BehindLogError):
        await OwnLog(with_prefix, staging.pool, OWNED, [SUBSCRIPTION]).compare()


async def test_a_rebuild_leaves_other_environments_groups_alone(
    shared: str, calendars: tuple[Database, Database]
) -> None:
    """The groups of earlier generations are deleted under this environment's prefix only, and what is left to read is
    counted there."""
    staging, plain = calendars
    await produce(shared, [replace(a_record(a_day(4)), topic=PREFIX + TOPIC)])
    for database, prefix in ((staging, PREFIX), (plain, "")):
        await _say(database, "Somewhere")
        async with working_in(database, shared, prefix):

            async def is_heard(database: Database = database) -> bool:
                return "Somewhere" in await heard(database)

            await until(is_heard)
    next_one = Generation(2, "0a0b0c0d")
    readings = Readings(KafkaSettings(bootstrap_servers=shared, prefix=PREFIX), staging.pool, [SUBSCRIPTION])
    assert await readings.behind(replace(next_one, is_counted=False)) == 2
    await readings.drop_old(next_one)
    async with offsets(KafkaSettings(bootstrap_servers=shared)) as broker:
        groups = await broker.groups()
    assert GROUP in groups
    assert PREFIX + GROUP not in groups
    assert group_of(GROUP, next_one) not in groups


async def test_topics_are_made_and_counted_behind_the_prefix(kafka_bootstrap: str) -> None:
    """`VCC_KAFKA_PREFIX` makes topics of that name, once, and counts what is in them under the catalog's."""
    told = {"VCC_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap, "VCC_KAFKA_PREFIX": "lab."}
    topic = replace(BUSINESS_DAY_OPENED, name="vcc.of-the-lab.v1")
    assert await provide_topics(told, [topic]) == [topic.name]
    assert await provide_topics(told, [topic]) == []
    await produce(kafka_bootstrap, [replace(a_record(a_day(0)), topic=f"lab.{topic.name}")])
    assert await end_offsets(told, [topic]) == {topic.name: 1}
    del told["VCC_KAFKA_PREFIX"]
    assert await end_offsets(told, [topic]) == {topic.name: None}
