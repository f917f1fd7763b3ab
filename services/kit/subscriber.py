"""One subscription at work: batches are applied, faults waited after; it knows its lag and whether it gets on.

A batch that fails is sought back and comes again after a pause.
"""

import asyncio
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from services.kit import floods, log, metrics
from services.kit.applying import Applying
from services.kit.batches import Outcome
from services.kit.broker_names import on_broker
from services.kit.contract import REASONS, Decoder, to_record
from services.kit.fetching import Fetches, has_ended
from services.kit.floods import DeadLetterLimitError
from services.kit.generation import Generation, StaleGenerationError
from services.kit.lag import Lag
from services.kit.postgres import Pool, is_fault, is_outage
from services.kit.subscription import Subscription

FIRST_BACKOFF_S = 0.1
MAX_BACKOFF_S = 5.0
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

    def __init__(self, pool: Pool, subscription: Subscription, progress_timeout_s: float, prefix: str = "") -> None:
        self.subscription, self._prefix = subscription, prefix
        self.consumer: AIOKafkaConsumer | None = None
        self._fetches: Fetches | None = None
        self._loops: Sequence[asyncio.Task[Any]] = ()
        self.generation: Generation | None = None
        self.topic_id: UUID | None = None
        self.leader_epochs: Mapping[int, int] = {}
        self._reader: Callable[[], AIOKafkaConsumer | None] = lambda: None
        self._is_lost = False
        self._applying = Applying(pool, subscription)
        self._decoder = Decoder(subscription.topic)
        self._progress_timeout_s = progress_timeout_s
        self._faults, self._flood = 0, ""
        self._at_hand: Mapping[TopicPartition, int] = {}
        self._gathered_s, self._ended = GATHER_S, -math.inf
        self._position = -1
        self._moved_at = time.monotonic()
        self._unassigned_at: float | None = -math.inf
        self._labels = (subscription.topic.name, subscription.group)
        self._lag = Lag(*self._labels)
        for reason in REASONS:
            metrics.DEAD_LETTERS.labels(*self._labels, reason)

    def will_read(self, reader: Callable[[], AIOKafkaConsumer | None]) -> None:
        """By this consumer, as soon as it is made: it gets its first place in the group before it has started."""
        self._reader = reader

    def connect(self, consumer: AIOKafkaConsumer, loops: Sequence[asyncio.Task[Any]] = ()) -> None:
        """Watch this consumer from now on. `loops` are the tasks that read from it: one of them lives, or none does."""
        self.consumer, self._loops = consumer, loops
        self._fetches = Fetches(consumer, *self._labels, self._on_passed, lambda: self.leader_epochs)

    async def _on_passed(self, upto: Mapping[TopicPartition, int]) -> None:
        if self.generation is not None:
            by_partition = {place.partition: at for place, at in upto.items()}
            await self._applying.passed(by_partition, self.topic_id, self.generation, self._epochs())

    def disconnect(self) -> None:
        """The consumer is gone, and its place in the group with it."""
        self.consumer, self._fetches, self._unassigned_at = None, None, -math.inf

    def check_alive(self) -> None:
        """Raise ConsumerGoneError if nobody reads any more, or nobody knows where to begin."""
        if self.consumer is None:
            return
        if self._is_lost or has_ended(self.consumer) or (self._loops and all(loop.done() for loop in self._loops)):
            raise ConsumerGoneError

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """A place in the group, perhaps without partitions: then others read them and this process stands by. What
        failed or stood still before may be another process's by now. Where the log has lost what was read, reading
        begins at the loss; who can't learn that reads nothing."""
        self._faults, self._flood, self._at_hand = 0, "", {}
        self._unassigned_at, self._moved_at = None, time.monotonic()
        try:
            await self._go_back(assigned)
        except Exception as error:
            if not is_fault(error):
                raise
            self._is_lost = True
        else:
            self._is_lost = False

    async def _go_back(self, assigned: Collection[TopicPartition]) -> None:
        reader = self._reader()
        if reader is None or not assigned:
            return
        for position in await self._applying.sent_back(self.topic_id):
            if (place := on_broker(self._prefix, position.place)) in assigned:
                reader.seek(place, position.next_offset)

    async def is_elsewhere(self, back: Mapping[TopicPartition, int]) -> bool:
        """Whether this process reads a partition from elsewhere than where its group was sent back to, or can't tell:
        from behind, or all of it again. Who has gone back already, and waits for what comes there, reads on."""
        for place, offset in back.items():
            if self.consumer is not None and (here := on_broker(self._prefix, place)) in self.consumer.assignment():
                try:
                    if await asyncio.wait_for(self.consumer.position(here), 1) != offset:
                        return True
                except (TimeoutError, KafkaError):
                    return True
        return False

    def on_partitions_revoked(self, _revoked: object) -> None:
        """A rebalance begins, or the first one goes on."""
        if self._unassigned_at is None:
            self._unassigned_at = time.monotonic()

    async def on_batch(self, raw: Sequence[ConsumerRecord]) -> None:
        """Apply one batch. Raises on a fault, after a pause, so that the batch is delivered again."""
        try:
            started = time.perf_counter()
            if self._is_lost:
                raise ConsumerGoneError
            self._at_hand, epochs = _firsts(raw), self._epochs()
            outcome = await self._applying.apply(
                self._decoder.decode(
                    [to_record(record, self.topic_id, epochs.get(record.partition), self._prefix) for record in raw]
                ),
                self.generation,
            )
            self._doubt({place.partition for place in self._at_hand}, epochs)
            await self._pass_gap(raw)
            self._count(outcome, len(raw), time.perf_counter() - started)
            self._lag.applied(raw)
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

    def _epochs(self) -> Mapping[int, int]:
        """Of the leaders who were known, by partition, before that was asked for which is at hand."""
        return self.leader_epochs if self._fetches is None else {**self.leader_epochs, **self._fetches.epochs}

    def _doubt(self, partitions: Collection[int], epochs: Mapping[int, int]) -> None:
        """What was read under an older leader than the one who has been looked at was not looked at: that leader counts
        as not heard of."""
        read = {number: epoch for number, epoch in epochs.items() if number in partitions}
        if any(self.leader_epochs.get(number, epoch) > epoch for number, epoch in read.items()):
            self.leader_epochs = {**self.leader_epochs, **read}

    async def _pass_gap(self, raw: Sequence[ConsumerRecord]) -> None:
        """Behind a batch's last record there may be none up to where the consumer goes on, which is what it will
        acknowledge: compacted ones, and those that control transactions."""
        if self.generation is None or self.consumer is None:
            return
        found = {}
        for place, last in _lasts(raw).items():
            known = await self._at_and_end(self.consumer, place) if place in self.consumer.assignment() else None
            if known is not None and known[0] > last + 1:
                found[place] = known[0]
        if found:
            await self._on_passed(found)

    def _gather_s(self, records: int, started: float) -> float:
        """How long to let more records gather after this batch."""
        is_flood = records >= SMALL_BATCH and started - self._ended < FLOOD_GAP_S
        self._gathered_s = min(2 * self._gathered_s, MOST_GATHER_S) if is_flood else GATHER_S
        pause_s = 0.0 if records >= FULL_BATCH else self._gathered_s
        self._ended = time.perf_counter() + pause_s
        return pause_s

    def _count(self, outcome: Outcome, records: int, seconds: float) -> None:
        metrics.RECORDS.labels(*self._labels).inc(records)
        metrics.DUPLICATES.labels(*self._labels).inc(outcome.duplicates)
        metrics.BATCH_SECONDS.labels(*self._labels).observe(seconds)
        for reason in outcome.reasons:
            metrics.DEAD_LETTERS.labels(*self._labels, reason).inc()
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
        position = 0
        behind: dict[TopicPartition, int] = {}
        for partition in self.consumer.assignment():
            known = await self._at_and_end(self.consumer, partition)
            if known is None:
                return
            applied = min(known[0], self._at_hand.get(partition, known[0]))
            position, behind[partition] = position + applied, max(0, known[1] - applied)
        lag = sum(behind.values())
        metrics.LAG.labels(*self._labels).set(lag)
        self._lag.tell(behind, datetime.now(UTC).timestamp())
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


def _firsts(raw: Sequence[ConsumerRecord]) -> dict[TopicPartition, int]:
    """The lowest offset of each partition."""
    firsts: dict[TopicPartition, int] = {}
    for record in raw:
        place = TopicPartition(record.topic, record.partition)
        firsts[place] = min(record.offset, firsts.get(place, record.offset))
    return firsts


def _lasts(raw: Sequence[ConsumerRecord]) -> dict[TopicPartition, int]:
    """The highest offset of each partition."""
    lasts: dict[TopicPartition, int] = {}
    for record in raw:
        place = TopicPartition(record.topic, record.partition)
        lasts[place] = max(record.offset, lasts.get(place, record.offset))
    return lasts
