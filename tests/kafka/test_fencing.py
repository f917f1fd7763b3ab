"""A relay that was away between reading and sending: what it holds in its hands is old by the time it is back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.eligibility_v1 import BusinessDayOpenedV1
from services.kit import faults, metrics, relay
from services.kit.fencing import LOCK_NAMESPACE
from services.kit.kafka import create_producer
from services.kit.relay import Relay
from services.kit.unit_of_work import working
from tests.builders import a_day
from tests.kafka.calendars import TOPIC, until
from tests.servers import Database

pytestmark = [pytest.mark.postgres, pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(400)]
END_HOLDER = """
select pg_terminate_backend(pid) from pg_locks
where locktype = 'advisory' and granted and classid::bigint = $1
    and database = (select oid from pg_database where datname = current_database())
"""


class _Asleep:
    """Where the first relay falls asleep: before it hands a record to its client, or with its records in the client."""

    def __init__(self) -> None:
        self.fell, self.wakes = asyncio.Event(), asyncio.Event()

    async def pause(self) -> None:
        self.fell.set()
        await self.wakes.wait()

    async def before_send(self, *arguments: Any) -> AIOKafkaProducer:
        """A producer whose user sleeps with rows in his hands."""
        producer = await create_producer(*arguments)
        send = producer.send

        async def late(*record: Any, **more: Any) -> Any:
            await self.pause()
            return await send(*record, **more)

        producer.send = late
        return producer

    async def before_request(self, *arguments: Any) -> AIOKafkaProducer:
        """A producer that sleeps itself, with batches that it has not sent yet."""
        producer = await create_producer(*arguments)
        kept = producer._message_accumulator
        drain = kept.drain_by_nodes

        def late(*nodes: Any, **more: Any) -> Any:
            if kept._batches and not self.wakes.is_set():
                self.fell.set()
                return {}, True
            return drain(*nodes, **more)

        kept.drain_by_nodes = late
        return producer


def _faults() -> float:
    """Of the relays of this process, so far."""
    [known] = metrics.WORKER_FAULTS.collect()
    return sum(sample.value for sample in known.samples if sample.labels["worker"] == "relay")


@asynccontextmanager
async def _relaying(database: Database, bootstrap: str) -> AsyncIterator[None]:
    one = Relay(database.settings(bootstrap), database.pool.signals)
    task = asyncio.create_task(one.run())
    try:
        yield
    finally:
        one.stop()
        await asyncio.wait_for(task, 120)


async def _say(database: Database, day: int) -> None:
    async with working(database.pool) as work:
        await work.announce([a_day(day)])


async def _all_published(database: Database) -> None:
    async def is_empty() -> bool:
        return bool(await database.pool.fetchval("select count(*) from outbox") == 0)

    await until(is_empty)


async def _log(bootstrap: str) -> Sequence[BusinessDayOpenedV1]:
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        events: list[BusinessDayOpenedV1] = []
        while len(events) < sum(ends.values()):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                events += [BusinessDayOpenedV1.model_validate_json(record.value or b"") for record in records]
        return events
    finally:
        await consumer.stop()


@pytest.mark.parametrize("where", [_Asleep.before_send, _Asleep.before_request])
async def test_a_relay_that_was_away_says_nothing_old(
    calendar: Database, topic: str, monkeypatch: pytest.MonkeyPatch, where: Callable[..., Any]
) -> None:
    """Its session ended while it slept between reading and sending, and another relay published what it had read and a
    newer word; awake again it sends nothing of that, and then takes its turn."""
    monkeypatch.setattr(faults, "FIRST_PAUSE_S", 0.1)
    asleep = _Asleep()
    await _say(calendar, 0)
    monkeypatch.setattr(relay, "create_producer", lambda *arguments: where(asleep, *arguments))
    async with _relaying(calendar, topic):
        await asyncio.wait_for(asleep.fell.wait(), 120)
        monkeypatch.setattr(relay, "create_producer", create_producer)
        await calendar.pool.execute(END_HOLDER, LOCK_NAMESPACE)
        async with _relaying(calendar, topic):
            await _all_published(calendar)
            await _say(calendar, 1)
            await _all_published(calendar)
            before = _faults()
            asleep.wakes.set()

            async def has_noticed() -> bool:
                return _faults() > before

            await until(has_noticed)
        await _say(calendar, 2)
        await _all_published(calendar)
    assert await _log(topic) == [a_day(0), a_day(1), a_day(2)]


async def test_each_taking_of_a_shard_is_an_epoch(calendar: Database, topic: str) -> None:
    """Whoever takes the shards raises their epochs and leaves his name."""
    load = "select shard, epoch, holder from relay_shard order by shard"
    for epoch in (1, 2):
        async with _relaying(calendar, topic):
            await _say(calendar, epoch)
            await _all_published(calendar)
        rows: list[asyncpg.Record] = await calendar.pool.fetch(load)
        assert [(row["shard"], row["epoch"]) for row in rows] == [(shard, epoch) for shard in range(4)]
        assert len({row["holder"] for row in rows}) == 1
