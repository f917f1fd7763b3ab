"""Publishes the outbox: each shard by one relay, under a session advisory lock that it holds on its own connection,
fenced by an epoch (`fencing.py`), and only into a log that holds what was published before (`log_loss.py`).

Relays share the shards: each holds its part of as many as there are. A relay looks as soon as its own process has
committed news, and from time to time for what others left. Rows are read by id and moved to `published` once the broker
has them. After a failed send nothing at or behind the failed row is moved, the producer is made anew, and the shard
starts again from its lowest row.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from services.kit import metrics, published
from services.kit.contract import headers_of, source_of
from services.kit.fencing import Fence
from services.kit.horizon import Horizon
from services.kit.kafka import create_producer
from services.kit.log_loss import LogGuard
from services.kit.outbox import NEWS
from services.kit.postgres import Connection, connect
from services.kit.repeating import Repeating
from services.kit.settings import Settings
from services.kit.signals import Signals
from services.kit.waiting import wait

BATCH_ROWS = 1000
RETRY_S = 1.0
GATHER_S = 0.02

LOAD_UNPUBLISHED = """
select id, event_id, aggregatetype, aggregateid, type, payload, occurred_at, traceparent
from outbox where shard = any($1::smallint[]) and id > $3 order by id limit $2
"""
COUNTED_ROWS = 10_000
LOAD_BACKLOG = """
select
    (select count(*) from (select from outbox where id > $2 limit $1) as counted) as rows,
    coalesce(extract(epoch from clock_timestamp() - (
        select created_at from outbox where id > $2 order by id limit 1
    )), 0)::float8 as age_s
"""


class Relay(Repeating):
    """Publishes the shards whose locks it gets. Instances compete; each shard has one publisher at a time.
    `compare_again` raises if the database came back from its absence without what was published before."""

    def __init__(
        self, settings: Settings, signals: Signals, compare_again: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        super().__init__("relay", KafkaError)
        self._settings, self._signals, self._compare_again = settings, signals, compare_again
        self._was_away = False
        self._source = source_of(settings.service)
        self._news = asyncio.Event()
        self._horizon = Horizon()

    def stop(self) -> None:
        super().stop()
        self._news.set()

    async def run(self) -> None:
        with self._signals.waking(self._news, NEWS):
            await super().run()

    def horizon(self) -> int:
        """The id up to which no relay has anything to publish."""
        return self._horizon.at

    async def turn(self) -> float:
        try:
            await self._hold_shards()
        finally:
            self._was_away = True
        return 0.0

    async def _hold_shards(self) -> None:
        """The way to the broker first: who has none takes no shard from those who have."""
        connection = await connect(self._settings)
        try:
            if self._was_away and self._compare_again is not None:
                await self._compare_again()
            self._was_away = False
            self._horizon = await Horizon.begun(connection)
            producer = await create_producer(self._settings.kafka, f"vcc-{self._settings.service}-relay")
            try:
                fence = Fence(connection, LogGuard(self._settings))
                fence.guard(producer)
                await fence.be_present()
                await self._share(connection, fence)
                await self._publish(connection, producer, fence)
            finally:
                await producer.stop()
        finally:
            metrics.LOCKS_HELD.labels("relay").set(0)
            await connection.close(timeout=2)

    async def _publish(self, connection: asyncpg.Connection, producer: AIOKafkaProducer, fence: Fence) -> None:
        tried_at = time.monotonic()
        while not self._stopping.is_set():
            if time.monotonic() - tried_at > RETRY_S:
                await fence.confirm()
                await self._share(connection, fence)
                tried_at = time.monotonic()
            self._news.clear()
            has_published = bool(fence.shards) and await self._publish_batch(connection, producer, fence) > 0
            await self._horizon.move(connection)
            self.faults.forget()
            if not has_published:
                await self._await_news()

    async def _share(self, connection: asyncpg.Connection, fence: Fence) -> None:
        """Between two batches, where nothing of what may be given up is under way. What went back into the outbox is
        looked for from then on."""
        await fence.share()
        await self._horizon.follow(connection)
        metrics.LOCKS_HELD.labels("relay").set(len(fence.shards))

    async def _publish_batch(self, connection: asyncpg.Connection, producer: AIOKafkaProducer, fence: Fence) -> int:
        rows = await connection.fetch(LOAD_UNPUBLISHED, fence.shards, BATCH_ROWS, self._horizon.at)
        if not rows:
            return 0
        failure, places = await self._send(producer, rows)
        await published.keep(connection, [row["id"] for row in rows[: len(places)]], places)
        if failure is not None:
            raise failure
        for topic in {row["aggregatetype"] for row in rows}:
            metrics.PUBLISHED.labels(topic).inc(sum(1 for row in rows if row["aggregatetype"] == topic))
        return len(places)

    async def _send(
        self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]
    ) -> tuple[BaseException | None, list[RecordMetadata]]:
        """Send in order; the first failure, and where the broker has the rows before it."""
        futures: list[asyncio.Future[RecordMetadata]] = []
        for row in rows:
            headers = headers_of(
                row["event_id"], self._source, row["type"], row["occurred_at"].isoformat(), row["traceparent"]
            )
            topic, key = self._settings.kafka.prefix + row["aggregatetype"], row["aggregateid"].encode()
            futures.append(await producer.send(topic, value=row["payload"], key=key, headers=headers))
        await producer.flush()
        results = await asyncio.gather(*futures, return_exceptions=True)
        places: list[RecordMetadata] = []
        for result in results:
            if isinstance(result, BaseException):
                return result, places
            places.append(result)
        return None, places

    async def _await_news(self) -> None:
        """What is committed within `GATHER_S` of the first news leaves with it: fewer and fuller batches for everybody
        down the log."""
        if await wait(self._news, self._settings.relay_poll_s):
            await wait(self._stopping, GATHER_S)


async def sample_backlog(connection: Connection, above: int = 0) -> tuple[int, float]:
    """Unpublished rows, counted so far that a long backlog costs no more than a short one, and the age of the oldest in
    seconds. Nothing has an id up to `above`."""
    row = await connection.fetchrow(LOAD_BACKLOG, COUNTED_ROWS, above)
    assert row is not None
    metrics.OUTBOX_ROWS.set(row["rows"])
    metrics.OUTBOX_AGE_SECONDS.set(row["age_s"])
    return row["rows"], row["age_s"]
