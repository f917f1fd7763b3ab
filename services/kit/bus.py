"""Consumes: one FastStream batch subscriber for each line of a service's table of subscriptions.

The parser looks at no content, so it can't raise; decoding happens in the unit of work's reach. A batch that fails is
sought back and comes again after a pause; a record that its handler can't bear is found by halving and put aside.
"""

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage, KafkaMessage

from services.kit import floods, generation, log, metrics
from services.kit.contract import Decoder, Delivery, Reject, to_record
from services.kit.fetching import Fetches, has_ended
from services.kit.floods import DeadLetterLimit, DeadLetterLimitError
from services.kit.generation import StaleGenerationError
from services.kit.kafka import ISOLATION, SESSION_TIMEOUT_MS, create_broker
from services.kit.postgres import ALL_TENANTS, is_fault, is_outage, transaction
from services.kit.settings import Settings
from services.kit.subscription import Subscription
from services.kit.unit_of_work import Outcome, apply_batch
from services.kit.waiting import leaks_as_faults, wait

POLL_MS = 200
FIRST_BACKOFF_S = 0.1
MAX_BACKOFF_S = 5.0
CONNECT_RETRY_S = 2.0
SAMPLE_S = 2.0
SMALL_BATCH, FULL_BATCH = 50, 500
GATHER_S, MOST_GATHER_S, FLOOD_GAP_S = 0.04, 0.2, 0.5
"""A batch of one record costs forty times as much a record as a full one: after one that was not full, more may gather,
and in a flood, where one batch follows the other, twice as long from one to the next."""
REBALANCE_S = 15.0
"""A rebalance may take as long as a dead process keeps its place in the group, and a little more."""


class ConsumerGoneError(ConnectionError):
    """A task of a consumer's own has ended, and nobody would read its partitions any more."""


class Subscriber(ConsumerRebalanceListener):  # type: ignore[misc]
    """One subscription at work: applies batches, backs off on faults, knows its lag and whether it gets on."""

    def __init__(self, pool: asyncpg.Pool, subscription: Subscription, progress_timeout_s: float) -> None:
        self.subscription = subscription
        self.consumer: AIOKafkaConsumer | None = None
        self._fetches: Fetches | None = None
        self._loops: Sequence[asyncio.Task[Any]] = ()
        self.generation: int | None = None
        self._pool = pool
        self._decoder = Decoder(subscription.topic)
        self._limit = DeadLetterLimit()
        self._progress_timeout_s = progress_timeout_s
        self._faults, self._flood = 0, ""
        self._at_hand: Mapping[TopicPartition, int] = {}
        self._gathered_s, self._ended = GATHER_S, -math.inf
        self._position = -1
        self._moved_at = time.monotonic()
        self._unassigned_at: float | None = -math.inf
        self._labels = (subscription.topic.name, subscription.group)

    def connect(self, consumer: AIOKafkaConsumer, loops: Sequence[asyncio.Task[Any]] = ()) -> None:
        """Watch this consumer from now on. `loops` are the tasks that read from it: one of them lives, or none does."""
        self.consumer, self._loops = consumer, loops
        self._fetches = Fetches(consumer, *self._labels)

    def disconnect(self) -> None:
        """The consumer is gone, and its place in the group with it."""
        self.consumer, self._fetches, self._unassigned_at = None, None, -math.inf

    def check_alive(self) -> None:
        """Raise ConsumerGoneError if nobody reads any more."""
        if self.consumer is None:
            return
        if has_ended(self.consumer) or (self._loops and all(one.done() for one in self._loops)):
            raise ConsumerGoneError

    def on_partitions_assigned(self, _assigned: object) -> None:
        """A place in the group, perhaps without partitions: then others read them and this process stands by. What
        failed or stood still before may be another process's by now."""
        self._faults, self._flood, self._at_hand = 0, "", {}
        self._unassigned_at, self._moved_at = None, time.monotonic()

    def on_partitions_revoked(self, _revoked: object) -> None:
        """A rebalance begins, or the first one goes on."""
        if self._unassigned_at is None:
            self._unassigned_at = time.monotonic()

    async def on_batch(self, raw: Sequence[ConsumerRecord]) -> None:
        """Apply one batch. Raises on a fault, after a pause, so that the batch is delivered again."""
        try:
            started = time.perf_counter()
            self._at_hand = _firsts(raw)
            outcome = await self._apply(self._decoder.decode([to_record(record) for record in raw]))
            self._count(outcome, len(raw), time.perf_counter() - started)
            self._faults, self._flood, self._at_hand = 0, "", {}
            await asyncio.sleep(self._gather_s(len(raw), started))
        except Exception as error:
            self._faults += 1
            backoff_s = min(FIRST_BACKOFF_S * 2 ** min(self._faults - 1, 10), MAX_BACKOFF_S)
            metrics.BATCH_FAULTS.labels(*self._labels, type(error).__name__).inc()
            self._flood = str(error) if isinstance(error, DeadLetterLimitError) else ""
            expected = is_outage(error) or isinstance(error, StaleGenerationError)
            report = structlog.get_logger().warning if expected else structlog.get_logger().error
            report(
                "batch failed",
                topic=self._labels[0],
                group=self._labels[1],
                records=len(raw),
                backoff_s=backoff_s,
                **({"reason": self._flood} if self._flood else {}),
                **log.fault_fields(error),
            )
            await asyncio.sleep(backoff_s)
            raise

    def _gather_s(self, records: int, started: float) -> float:
        """How long to let more records gather after this batch."""
        is_flood = records >= SMALL_BATCH and started - self._ended < FLOOD_GAP_S
        self._gathered_s = min(2 * self._gathered_s, MOST_GATHER_S) if is_flood else GATHER_S
        pause_s = 0.0 if records >= FULL_BATCH else self._gathered_s
        self._ended = time.perf_counter() + pause_s
        return pause_s

    async def _apply(self, decoded: Sequence[Delivery | Reject]) -> Outcome:
        await self._check_readable(decoded)
        by_topic = self.subscription
        try:
            return await apply_batch(self._pool, by_topic.group, decoded, by_topic.handler, self.generation)
        except Exception as error:
            if is_fault(error) or isinstance(error, DeadLetterLimitError | StaleGenerationError):
                raise
            if len(decoded) > 1:
                return await self._apply_halves(decoded)
            return await self._set_aside(decoded[0], error)

    async def _check_readable(self, decoded: Sequence[Delivery | Reject]) -> None:
        if not self._limit.is_flood(decoded):
            return
        async with transaction(self._pool, ALL_TENANTS) as connection:
            skips = await floods.load_skips(connection, self.subscription.group, [one.record for one in decoded])
            left = floods.without_skipped(decoded, skips)
            if self._limit.is_flood(left) and not await floods.is_lifted(connection, self.subscription.group):
                at = floods.places(one.record for one in left if isinstance(one, Reject))
                raise DeadLetterLimitError(f"too many can't be read, {at}")

    async def _count_failure(self, one: Delivery) -> None:
        if not self._limit.count_failure():
            return
        async with transaction(self._pool, ALL_TENANTS) as connection:
            if not await floods.is_lifted(connection, self.subscription.group):
                raise DeadLetterLimitError(f"the handler fails too often, next {floods.places([one.record])}")

    async def _apply_halves(self, decoded: Sequence[Delivery | Reject]) -> Outcome:
        middle = len(decoded) // 2
        first = await self._apply(decoded[:middle])
        second = await self._apply(decoded[middle:])
        return Outcome(
            first.fresh + second.fresh,
            first.duplicates + second.duplicates,
            first.rejected + second.rejected,
            first.parked + second.parked,
        )

    async def _set_aside(self, one: Delivery | Reject, error: Exception) -> Outcome:
        if isinstance(one, Reject):
            raise error
        await self._count_failure(one)
        structlog.get_logger().error(
            "record set aside", topic=self._labels[0], group=self._labels[1], offset=one.record.offset,
            event_id=str(one.event_id), **log.fault_fields(error),
        )  # fmt: skip
        reject = Reject(one.record, "handler-error", log.fault_detail(error))
        by_topic = self.subscription
        return await apply_batch(self._pool, by_topic.group, [reject], by_topic.handler, self.generation)

    def _count(self, outcome: Outcome, records: int, seconds: float) -> None:
        metrics.RECORDS.labels(*self._labels).inc(records)
        metrics.DUPLICATES.labels(*self._labels).inc(outcome.duplicates)
        metrics.BATCH_SECONDS.labels(*self._labels).observe(seconds)
        if outcome.rejected:
            metrics.DEAD_LETTERS.labels(*self._labels, "rejected").inc(outcome.rejected)
        structlog.get_logger().info(
            "batch applied", topic=self._labels[0], group=self._labels[1], records=records, fresh=outcome.fresh,
            duplicates=outcome.duplicates, rejected=outcome.rejected, parked=outcome.parked,
            duration_ms=round(seconds * 1000),
        )  # fmt: skip

    async def sample(self) -> None:
        """Measure lag and notice progress: a batch that is at hand, or fails again and again, is not applied. What
        can't be said leaves the last measure."""
        if self.consumer is None or self._unassigned_at is not None:
            return
        position = lag = 0
        for partition in self.consumer.assignment():
            known = await self._at_and_end(self.consumer, partition)
            if known is None:
                return
            applied = min(known[0], self._at_hand.get(partition, known[0]))
            position, lag = position + applied, lag + max(0, known[1] - applied)
        metrics.LAG.labels(*self._labels).set(lag)
        if lag == 0 or position != self._position:
            self._moved_at = time.monotonic()
        self._position = position

    @staticmethod
    async def _at_and_end(consumer: AIOKafkaConsumer, partition: TopicPartition) -> tuple[int, int] | None:
        """Where the consumer is and where the partition ends; None while that can't be said: in a rebalance, or before
        the broker's first answer."""
        try:
            at = await asyncio.wait_for(consumer.position(partition), 1)
        except (TimeoutError, KafkaError):
            return None
        if partition not in consumer.assignment():  # it was given away meanwhile, and the client asserts
            return None
        end = consumer.last_stable_offset(partition)
        return None if end is None else (at, end)

    def trouble(self) -> str | None:
        """Why this subscription makes the service not ready, if it does."""
        if self.consumer is None:
            return "not connected"
        if self._unassigned_at is not None and time.monotonic() - self._unassigned_at > REBALANCE_S:
            return "no assignment"
        if (why := self._why_failing()) is not None:
            return why
        if time.monotonic() - self._moved_at > self._progress_timeout_s:
            return "no progress"
        return None

    def _why_failing(self) -> str | None:
        if self._fetches is not None and self._fetches.reason is not None:
            return self._fetches.reason
        if self._flood:
            return f"batches fail: {self._flood}: see {floods.RUNBOOK}"
        return "batches fail" if self._faults >= 3 else None


class Bus:
    """All subscriptions of a service on one broker connection. `rebuilds`: the service's tables have a generation."""

    def __init__(
        self, settings: Settings, pool: asyncpg.Pool, subscriptions: Sequence[Subscription], *, rebuilds: bool = False
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._rebuilds = rebuilds
        self._generation: int | None = None
        self.subscribers = [Subscriber(pool, one, settings.progress_timeout_s) for one in subscriptions]
        self._broker: KafkaBroker | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Consume until stopped; connect as often as it takes, and again for every generation."""
        while not self._stopping.is_set():
            try:
                with leaks_as_faults():
                    self._generation = await self._load_generation()
                    await self._start()
                    await self._watch()
            except Exception as error:
                if not isinstance(error, KafkaError) and not is_fault(error):
                    raise
                structlog.get_logger().warning("broker away", backoff_s=CONNECT_RETRY_S, **log.fault_fields(error))
                await self._stop_broker()
                await wait(self._stopping, CONNECT_RETRY_S)
            await self._stop_broker()

    async def _load_generation(self) -> int | None:
        if not self._rebuilds:
            return None
        async with transaction(self._pool, ALL_TENANTS) as connection:
            return await generation.load(connection)

    async def _watch(self) -> None:
        """Measure until stopped, or until a rebuild has begun."""
        while not self._stopping.is_set():
            for subscriber in self.subscribers:
                subscriber.check_alive()
                await subscriber.sample()
            await wait(self._stopping, SAMPLE_S)
            try:
                if await self._load_generation() != self._generation:
                    return
            except Exception as error:
                if not is_fault(error):
                    raise

    def stop(self) -> None:
        """Finish the batches at hand and leave the groups."""
        self._stopping.set()

    async def _start(self) -> None:
        settings = self._settings
        if not self.subscribers:
            return
        self._broker = broker = create_broker(settings.kafka, f"vcc-{settings.service}", settings.drain_timeout_s)
        handles = []
        for subscriber in self.subscribers:
            subscriber.generation = self._generation
            handle = broker.subscriber(
                subscriber.subscription.topic.name,
                group_id=generation.group_of(subscriber.subscription.group, self._generation),
                batch=True,
                max_records=settings.batch_records,
                batch_timeout_ms=POLL_MS,
                auto_offset_reset="earliest",
                isolation_level=ISOLATION,
                ack_policy=AckPolicy.NACK_ON_ERROR,
                session_timeout_ms=SESSION_TIMEOUT_MS,
                parser=_parse,
                decoder=_decode,
                listener=subscriber,
            )
            handle(subscriber.on_batch)
            handles.append(handle)
        await broker.start()
        for subscriber, handle in zip(self.subscribers, handles, strict=True):
            subscriber.connect(handle.consumer, handle.tasks)

    async def _stop_broker(self) -> None:
        for subscriber in self.subscribers:
            subscriber.disconnect()
        if self._broker is not None:
            await self._broker.stop()
            self._broker = None

    def troubles(self) -> str | None:
        """The first subscription's trouble, if any has one."""
        for subscriber in self.subscribers:
            trouble = subscriber.trouble()
            if trouble is not None:
                return f"{subscriber.subscription.group}: {trouble}"
        return None


def _firsts(raw: Sequence[ConsumerRecord]) -> dict[TopicPartition, int]:
    """The lowest offset of each partition."""
    firsts: dict[TopicPartition, int] = {}
    for record in raw:
        place = TopicPartition(record.topic, record.partition)
        firsts[place] = min(record.offset, firsts.get(place, record.offset))
    return firsts


async def _parse(raw: tuple[ConsumerRecord, ...], original: object) -> KafkaMessage:
    """FastStream's message without a look at any header: the default parser decodes them outside the
    acknowledgement, where one null header loses the batch."""
    consumer = original.__self__._consumer  # type: ignore[attr-defined]
    return KafkaAckableMessage(body=raw, headers={}, raw_message=raw, consumer=consumer)


async def _decode(message: KafkaMessage) -> Sequence[ConsumerRecord]:
    raw = message.raw_message
    return raw if isinstance(raw, tuple) else (raw,)
