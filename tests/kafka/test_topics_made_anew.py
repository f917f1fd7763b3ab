"""A topic that is deleted and made anew under the same name: its offsets mean other records."""

from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.catalog import BUSINESS_DAY_OPENED
from services.kit import backlog, bus, floods, redrive, topic_ids
from services.kit.floods import Skip
from services.kit.ids import new_id
from services.kit.subscription import Subscription
from services.kit.unit_of_work import working
from tests.builders import a_day, a_record
from tests.kafka.calendars import TOPIC, drop_topic, make_topic, on_day, produce, until
from tests.kafka.test_bus import consuming
from tests.servers import Database

pytestmark = [pytest.mark.postgres, pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
async def admin(topic: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=topic)
    await client.start()
    yield client
    await client.close()


async def _make_anew(admin: AIOKafkaAdminClient) -> None:
    await drop_topic(admin)
    await make_topic(admin)


async def _id(bootstrap: str) -> object:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None) as consumer:
        return (await topic_ids.load(consumer._client, {TOPIC, "vcc.nothing.v1"})).get(TOPIC)


async def _give_up_all(database: Database, group: str, bootstrap: str) -> None:
    """Every dead letter is discarded, and all that the topic holds is skipped."""
    subscriptions = {group: Subscription(BUSINESS_DAY_OPENED, group, on_day)}
    for row in await database.pool.fetch("select id from dead_letter where state = 'dead' order by id"):
        async with working(database.pool) as work:
            await redrive.discard(work, subscriptions, row["id"], "olga")
    for partition in range(3):
        end = await backlog.end_of(database.settings(bootstrap).kafka, TopicPartition(TOPIC, partition))
        assert end is not None
        if end.offset:
            async with working(database.pool) as work:
                skip = Skip(partition, 0, end.offset - 1, only_unreadable=False, topic_id=end.topic_id)
                await floods.save_skip(work.connection, group, TOPIC, skip, "olga")


async def test_a_topic_made_anew_has_another_id(topic: str, admin: AIOKafkaAdminClient) -> None:
    """The broker tells them apart; a topic that is not there has none."""
    before = await _id(topic)
    await _make_anew(admin)
    assert before is not None

    async def has_another() -> bool:
        return await _id(topic) not in {None, before}

    await until(has_another)


@pytest.mark.parametrize("runs_on", [True, False])
async def test_nothing_said_of_the_old_topic_holds_for_the_new_one(
    calendar: Database, topic: str, admin: AIOKafkaAdminClient, monkeypatch: pytest.MonkeyPatch, runs_on: bool
) -> None:
    """Of 47 facts in the new topic none is left out on the offsets of what was discarded or skipped in the old one,
    whether the service ran meanwhile or not."""
    monkeypatch.setattr(bus, "SAMPLE_S", 0.1)
    group = f"calendar.{new_id()}"
    good = [a_record(a_day(n, f"Zone/{n}")) for n in range(47)]
    bad = [a_record(a_day(n, f"Zone/{n}"), value=b"{") for n in range(6)]

    async def all_dead() -> bool:
        return int(await calendar.pool.fetchval("select count(*) from dead_letter")) == len(bad)

    async def all_heard() -> bool:
        return int(await calendar.pool.fetchval("select count(distinct zone) from heard")) == len(good)

    await produce(topic, bad)
    async with consuming(calendar, topic, on_day, group) as consumer:
        await until(all_dead)
        await _give_up_all(calendar, group, topic)
        if runs_on:
            known = consumer.subscribers[0].topic_id
            await _make_anew(admin)

            async def has_noticed() -> bool:
                return consumer.subscribers[0].topic_id not in {None, known}

            await until(has_noticed)
            await produce(topic, good)
            await until(all_heard)
    if not runs_on:
        await _make_anew(admin)
        await produce(topic, good)
        async with consuming(calendar, topic, on_day, group):
            await until(all_heard)
