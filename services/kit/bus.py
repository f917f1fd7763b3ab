"""Consumes: one FastStream batch subscriber for each line of a service's table of subscriptions.

The parser looks at no content, so it can't raise; decoding happens in the unit of work's reach.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial

import structlog
from aiokafka import ConsumerRecord
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage, KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber

from services.kit import floods, topic_ids, truncation
from services.kit.generation import Generation, group_of
from services.kit.kafka import ISOLATION, SESSION_TIMEOUT_MS, create_broker, reading
from services.kit.postgres import ALL_TENANTS, Pool, is_fault, transaction
from services.kit.readings import Readings
from services.kit.repeating import Repeating
from services.kit.settings import Settings
from services.kit.subscriber import Subscriber
from services.kit.subscription import Subscription
from services.kit.topic_ids import Described
from services.kit.waiting import wait

POLL_MS = 200
SAMPLE_S = 2.0
OLD_GROUPS_EVERY_S = 30.0
TOPICS_WITHIN_S = 5.0
"""For a few questions one after the other: a broker answers each behind a connection's fetch, which it holds for half a
second when there is nothing to read."""


class Bus(Repeating):
    """All subscriptions of a service on one broker connection. `rebuilds`: the service's tables have a generation."""

    def __init__(
        self, settings: Settings, pool: Pool, subscriptions: Sequence[Subscription], *, rebuilds: bool = False
    ) -> None:
        super().__init__("bus", KafkaError)
        self._settings = settings
        self._pool = pool
        self._readings = Readings(settings.kafka, pool, subscriptions) if rebuilds else None
        self._generation: Generation | None = None
        self.subscribers = [
            Subscriber(pool, subscription, settings.progress_timeout_s, settings.kafka.prefix)
            for subscription in subscriptions
        ]
        self._topics = {subscription.group: subscription.topic.name for subscription in subscriptions}
        self._prefix = settings.kafka.prefix
        self._broker: KafkaBroker | None = None
        self._old_groups_at = 0.0

    async def turn(self) -> float:
        """Consume on one connection until stopped, or until a rebuild has begun: then again for its generation."""
        try:
            self._generation = await self._readings.complete() if self._readings else None
            await self._learn_topics()
            await self._start()
            await self._watch()
        finally:
            await self._stop_broker()
        return 0.0

    async def _watch(self) -> None:
        """Measure until stopped, or until a rebuild has begun. A database that is away costs no place in the groups."""
        while not self._stopping.is_set():
            for subscriber in self.subscribers:
                subscriber.check_alive()
                await subscriber.sample()
            if await self._has_another_log():
                return
            self.faults.forget()
            await wait(self._stopping, SAMPLE_S)
            try:
                if self._readings and await self._is_over(self._readings):
                    return
            except Exception as error:
                if not is_fault(error):
                    raise

    async def _learn_topics(self) -> None:
        """Which topics the records will be of; what was said of one of that name before is not said of another."""
        if not self.subscribers:
            return
        async with reading(self._settings.kafka) as reader:
            found = await topic_ids.describe(reader._client, set(self._topics.values()), self._prefix)
            await truncation.go_back(self._pool, reader._client, self._topics, self._prefix)
        async with transaction(self._pool, ALL_TENANTS) as connection:
            await floods.adopt_skips(connection, {name: one.topic_id for name, one in found.items()})
        for subscriber in self.subscribers:
            topic = found.get(subscriber.subscription.topic.name)
            subscriber.topic_id = None if topic is None else topic.topic_id
            subscriber.leader_epochs = _epochs(topic)

    async def _has_another_log(self) -> bool:
        """Whether a topic was made since, its name's first or anew, or has lost what was read of it. A broker that does
        not answer is asked again."""
        known = {one.subscription.topic.name: one.topic_id for one in self.subscribers}
        client = next((one.consumer._client for one in self.subscribers if one.consumer is not None), None)
        if client is None:
            return False
        try:
            async with asyncio.timeout(TOPICS_WITHIN_S):
                found = await topic_ids.describe(client, known, self._prefix)
        except (KafkaError, OSError, TimeoutError):
            return False
        others = [name for name, one in found.items() if one.topic_id != known[name]]
        for name in others:
            structlog.get_logger().warning("topic made", topic=name)
        return bool(others) or await self._has_lost_its_end(client, found)

    async def _has_lost_its_end(self, client: AIOKafkaClient, found: Mapping[str, Described]) -> bool:
        """Asked when a partition has another leader, or the same one again after an absence. What was read since the
        last look counts as read under the leader before."""
        heard = {subscriber: _epochs(found.get(subscriber.subscription.topic.name)) for subscriber in self.subscribers}
        if all(subscriber.leader_epochs.items() >= epochs.items() for subscriber, epochs in heard.items()):
            return False
        try:
            async with asyncio.timeout(TOPICS_WITHIN_S):
                back = await truncation.go_back(self._pool, client, self._topics, self._prefix)
        except Exception as error:
            if not (is_fault(error) or isinstance(error, KafkaError)):
                raise
            return False
        for subscriber, epochs in heard.items():
            subscriber.leader_epochs = {**subscriber.leader_epochs, **epochs}
        return bool(back)

    async def _is_over(self, readings: Readings) -> bool:
        """Whether a rebuild has begun. If not, what is left of those before is removed now and then."""
        if await readings.current() != self._generation:
            return True
        if self._generation is not None and time.monotonic() > self._old_groups_at:
            await readings.drop_old(self._generation)
            self._old_groups_at = time.monotonic() + OLD_GROUPS_EVERY_S
        return False

    async def _start(self) -> None:
        settings, prefix = self._settings, self._settings.kafka.prefix
        if not self.subscribers:
            return
        self._broker = broker = create_broker(settings.kafka, f"vcc-{settings.service}", settings.drain_timeout_s)
        handles = []
        for subscriber in self.subscribers:
            subscriber.generation = self._generation
            handle = broker.subscriber(
                prefix + subscriber.subscription.topic.name,
                group_id=prefix + group_of(subscriber.subscription.group, self._generation),
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
            subscriber.will_read(partial(getattr, handle, "consumer"))
            handles.append(handle)
        await _start_together(broker, handles)
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


def _epochs(topic: Described | None) -> Mapping[int, int]:
    """The leaders' epochs by partition."""
    return {} if topic is None else {number: leader.epoch for number, leader in topic.leaders.items()}


async def _start_together(broker: KafkaBroker, handles: Sequence[BatchSubscriber]) -> None:
    """What FastStream does one after the other: a join waits for the group's own delay, and no group for another."""
    await broker.connect()
    for outcome in await asyncio.gather(*(handle.start() for handle in handles), return_exceptions=True):
        if outcome is not None:
            raise outcome
    broker.running = True


async def _parse(raw: tuple[ConsumerRecord, ...], original: object) -> KafkaMessage:
    """FastStream's message without a look at any header: the default parser decodes them outside the
    acknowledgement, where one null header loses the batch."""
    consumer = original.__self__._consumer  # type: ignore[attr-defined]
    return KafkaAckableMessage(body=raw, headers={}, raw_message=raw, consumer=consumer)


async def _decode(message: KafkaMessage) -> Sequence[ConsumerRecord]:
    raw = message.raw_message
    return raw if isinstance(raw, tuple) else (raw,)
