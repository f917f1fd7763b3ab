"""Publishes the outbox: each shard by one relay, under a session advisory lock that it holds on its own connection.

A relay looks as soon as its own process has committed news, and from time to time for what others left. Rows are read
by id and deleted once the broker has them. After a failed send nothing at or behind the failed row is
deleted, the producer is made anew, and the shard starts again from its lowest row.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.kit import metrics
from services.kit.contract import headers_of, source_of
from services.kit.kafka import create_producer
from services.kit.outbox import NEWS, SHARDS
from services.kit.postgres import Connection, connect
from services.kit.repeating import Repeating
from services.kit.settings import Settings
from services.kit.signals import Signals
from services.kit.waiting import wait

BATCH_ROWS = 1000
LOCK_NAMESPACE = 0x766363  # "vcc"
RETRY_S = 1.0
GATHER_S = 0.02

LOAD_UNPUBLISHED = """
select id, event_id, aggregatetype, aggregateid, type, payload, occurred_at, traceparent
from outbox where shard = any($1::smallint[]) order by id limit $2
"""
DELETE_PUBLISHED = "delete from outbox where id = any($1::bigint[])"
TRY_LOCK = "select pg_try_advisory_lock($1, $2)"
LOAD_BACKLOG = """
select count(*) as rows, coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 as age_s
from outbox
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

    def stop(self) -> None:
        super().stop()
        self._news.set()

    async def run(self) -> None:
        with self._signals.waking(self._news, NEWS):
            await super().run()

    async def turn(self) -> float:
        try:
            await self._hold_shards()
        finally:
            self._was_away = True
        return 0.0

    async def _hold_shards(self) -> None:
        connection = await connect(self._settings)
        try:
            if self._was_away and self._compare_again is not None:
                await self._compare_again()
            self._was_away = False
            held = await self._take_free(connection, frozenset())
            producer = await create_producer(self._settings.kafka, f"vcc-{self._settings.service}-relay")
            try:
                await self._publish(connection, producer, held)
            finally:
                await producer.stop()
        finally:
            await connection.close(timeout=2)

    async def _publish(self, connection: asyncpg.Connection, producer: AIOKafkaProducer, held: frozenset[int]) -> None:
        tried_at = time.monotonic()
        while not self._stopping.is_set():
            if len(held) < SHARDS and time.monotonic() - tried_at > RETRY_S:
                held, tried_at = await self._take_free(connection, held), time.monotonic()
            self._news.clear()
            has_published = bool(held) and await self._publish_batch(connection, producer, held) > 0
            self.faults.forget()
            if not has_published:
                await self._await_news()

    async def _take_free(self, connection: asyncpg.Connection, held: frozenset[int]) -> frozenset[int]:
        free = [
            shard
            for shard in range(SHARDS)
            if shard not in held and await connection.fetchval(TRY_LOCK, LOCK_NAMESPACE, shard)
        ]
        return held.union(free)

    async def _publish_batch(
        self, connection: asyncpg.Connection, producer: AIOKafkaProducer, held: frozenset[int]
    ) -> int:
        rows = await connection.fetch(LOAD_UNPUBLISHED, list(held), BATCH_ROWS)
        if not rows:
            return 0
        failure, published = await self._send(producer, rows)
        await connection.execute(DELETE_PUBLISHED, [row["id"] for row in rows[:published]])
        if failure is not None:
            raise failure
        for topic in {row["aggregatetype"] for row in rows}:
            metrics.PUBLISHED.labels(topic).inc(sum(1 for row in rows if row["aggregatetype"] == topic))
        return published

    async def _send(
        self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]
    ) -> tuple[BaseException | None, int]:
        """Send in order; the first failure and how many rows before it the broker has."""
        futures: list[asyncio.Future[object]] = []
        for row in rows:
            headers = headers_of(
                row["event_id"], self._source, row["type"], row["occurred_at"].isoformat(), row["traceparent"]
            )
            key = row["aggregateid"].encode()
            futures.append(await producer.send(row["aggregatetype"], value=row["payload"], key=key, headers=headers))
        await producer.flush()
        results = await asyncio.gather(*futures, return_exceptions=True)
        for position, result in enumerate(results):
            if isinstance(result, BaseException):
                return result, position
        return None, len(rows)

    async def _await_news(self) -> None:
        """What is committed within `GATHER_S` of the first news leaves with it: fewer and fuller batches for everybody
        down the log."""
        if await wait(self._news, self._settings.relay_poll_s):
            await wait(self._stopping, GATHER_S)


async def sample_backlog(connection: Connection) -> tuple[int, float]:
    """Unpublished rows and the age of the oldest in seconds."""
    row = await connection.fetchrow(LOAD_BACKLOG)
    assert row is not None
    metrics.OUTBOX_ROWS.set(row["rows"])
    metrics.OUTBOX_AGE_SECONDS.set(row["age_s"])
    return row["rows"], row["age_s"]
