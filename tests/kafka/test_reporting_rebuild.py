"""Reporting on a real broker: wiped and read again from the log, it holds the same."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.catalog import TARGET_ZIPS, TOPICS
from schemas.envelope import Event
from services.kit import bus, generation, unit_of_work
from services.kit.batches import apply_batch
from services.kit.bus import Bus
from services.kit.generation import Generation, StaleGenerationError, group_of
from services.kit.postgres import transaction
from services.kit.readings import Readings
from services.kit.relay import Relay
from services.kit.workers import Background
from services.reporting.app import SUBSCRIPTIONS
from services.reporting.rebuild import flow as rebuild
from services.reporting.targets import flow as targets
from services.reporting.targets.rules import Listing, Wish
from tests.builders import a_record, decoded
from tests.facts import DAY, PROGRAMME, a_day
from tests.kafka.calendars import until
from tests.servers import Database, OpenDatabase
from tests.service.reporting.builders import Reporting, a_case
from tests.service.reporting.world import a_season

pytestmark = [pytest.mark.postgres, pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
async def log(kafka_bootstrap: str) -> AsyncIterator[str]:
    """A broker with every topic of the catalog, empty."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(one.name, one.partitions, 1, topic_configs=one.config()) for one in TOPICS])
    yield kafka_bootstrap
    await admin.delete_topics([one.name for one in TOPICS])

    async def gone() -> bool:
        return not {one.name for one in TOPICS} & set(await admin.list_topics())

    await until(gone)
    await admin.close()


async def publish(bootstrap: str, events: Sequence[Event]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    records = [a_record(event) for event in events]
    sent = [await producer.send(one.topic, one.value, one.key, headers=list(one.headers)) for one in records]
    await asyncio.gather(*sent)
    await producer.stop()


async def count_log(bootstrap: str) -> dict[str, int]:
    """How many records each topic holds."""
    reader = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await reader.start()
    partitions = [TopicPartition(topic.name, n) for topic in TOPICS for n in range(topic.partitions)]
    ends = await reader.end_offsets(partitions)
    await reader.stop()
    return {topic.name: sum(end for one, end in ends.items() if one.topic == topic.name) for topic in TOPICS}


@asynccontextmanager
async def working(database: Database, bootstrap: str) -> AsyncIterator[None]:
    """The service's consumers and relays."""
    settings = database.settings(bootstrap)
    consumers = Bus(settings, database.pool, SUBSCRIPTIONS, rebuilds=True)
    parts: list[Background] = [consumers, Relay(settings, database.pool.signals)]
    tasks = [asyncio.create_task(part.run()) for part in parts]
    try:
        yield
    finally:
        for part in parts:
            part.stop()
        await asyncio.wait_for(asyncio.gather(*tasks), 120)


async def caught_up(database: Database, bootstrap: str) -> Generation:
    """As `GET /rebuild` says; the generation that it is by then."""
    readings = Readings(database.settings(bootstrap).kafka, database.pool, SUBSCRIPTIONS)

    async def nothing_left() -> bool:
        return await readings.behind(await readings.current()) == 0

    await until(nothing_left)
    return await readings.current()


async def groups_at(bootstrap: str) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return {name for name, *_ in await admin.list_consumer_groups() if name.startswith("reporting.")}
    finally:
        await admin.close()


@pytest.mark.capability("F8")
async def test_a_rebuild_gives_the_same_tables(database: OpenDatabase, log: str) -> None:
    """A season through the broker, target ZIPs listed, a record given up; then wiped while the consumers run: the log
    read again gives the same tables, and the log has not grown."""
    reporting = Reporting(await database("reporting"))
    await publish(log, a_season(1200))
    await publish_poison(log)
    async with working(reporting.database, log):
        await caught_up(reporting.database, log)
        await discard_all(reporting)
        async with unit_of_work.working(reporting.database.pool) as work:
            wish = Wish(PROGRAMME, DAY, 11, 5)
            listing = await targets.list_target_zips(work, wish)
        assert isinstance(listing, Listing)
        assert listing.listed

        async def published() -> bool:
            return bool((await count_log(log))[TARGET_ZIPS.name] == len(listing.listed))

        await until(published)
        await publish(log, [a_case("member-0", 9)])  # waits behind the poison of its key no longer
        await caught_up(reporting.database, log)
        before, records = await reporting.dump(), await count_log(log)
        async with transaction(reporting.database.pool, "*") as connection:
            assert (await rebuild.wipe(connection)).number == 2
        assert not any((await reporting.dump()).values())
        begun = await caught_up(reporting.database, log)
        assert await reporting.dump() == before
        assert await count_log(log) == records
        assert await reporting.fetch("select state from dead_letter") == [("discarded",)]

        async def old_groups_are_gone() -> bool:
            return await groups_at(log) == {group_of(one.group, begun) for one in SUBSCRIPTIONS}

        await until(old_groups_are_gone)


async def test_tables_that_lack_what_was_acknowledged_are_filled_again(
    database: OpenDatabase, log: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that came back without what its groups have read (here: empty) is not said to be caught up: the log is
    read again, to the same tables; and a rebuild after it is read from the beginning, though its number was used."""
    monkeypatch.setattr(bus, "OLD_GROUPS_EVERY_S", 0.0)
    first, restored = Reporting(await database("reporting")), Reporting(await database("reporting"))
    await publish(log, a_season(60))
    async with working(first.database, log):
        await caught_up(first.database, log)
        async with transaction(first.database.pool, "*") as connection:
            await rebuild.wipe(connection)
        before = await caught_up(first.database, log)
        filled = await first.dump()
    readings = Readings(restored.database.settings(log).kafka, restored.database.pool, SUBSCRIPTIONS)
    assert await readings.behind(await readings.current()) == sum((await count_log(log)).values())
    async with working(restored.database, log):
        await caught_up(restored.database, log)
        assert await restored.dump() == filled
        async with transaction(restored.database.pool, "*") as connection:
            assert (await rebuild.wipe(connection)).number == before.number
        await caught_up(restored.database, log)
        assert await restored.dump() == filled


async def test_a_reading_is_begun_anew_once(database: OpenDatabase) -> None:
    """A new name keeps the number and the tables; two processes that find the same loss agree on one name."""
    reporting = Reporting(await database("reporting"))
    async with transaction(reporting.database.pool, "*") as connection:
        found = await generation.load(connection)
        await generation.read_again(connection, found)
        renamed = await generation.load(connection)
        await generation.read_again(connection, found)
        assert await generation.load(connection) == renamed
    assert (renamed.number, renamed == found, renamed.name is None) == (found.number, False, False)


async def publish_poison(bootstrap: str) -> None:
    """A case that nobody can read, under the key of a member with a story."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    record = a_record(a_case("member-0"), value=b"{")
    await producer.send_and_wait(record.topic, record.value, record.key, headers=list(record.headers))
    await producer.stop()


async def discard_all(reporting: Reporting) -> None:
    """What `POST /dead-letters/{id}/discard` does."""
    from services.kit import redrive

    subscriptions = {one.group: one for one in SUBSCRIPTIONS}
    for (letter,) in await reporting.fetch("select id from dead_letter where state = 'dead'"):
        async with unit_of_work.working(reporting.database.pool) as work:
            await redrive.discard(work, subscriptions, letter, "olga")


async def test_a_late_batch_of_the_old_generation_writes_nothing(database: OpenDatabase) -> None:
    """A consumer that was paused over a rebuild is told so, and neither its facts nor its marks get in."""
    reporting = Reporting(await database("reporting"))
    days = next(one for one in SUBSCRIPTIONS if a_day().__class__ in one.topic.events)
    pool = reporting.database.pool
    batch = decoded(a_record(a_day()))
    async with transaction(pool, "*") as connection:
        old = await generation.load(connection)
        begun = await rebuild.wipe(connection)
    with pytest.raises(StaleGenerationError):
        await apply_batch(pool, days.group, batch, days.handler, old)
    assert await reporting.fetch("select 1 from inbox union all select 1 from business_day") == []
    await apply_batch(pool, days.group, batch, days.handler, begun)
    assert await reporting.fetch("select count(*) from business_day") == [(1,)]
