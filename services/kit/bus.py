"""Consumes: one FastStream batch subscriber for each line of a service's table of subscriptions.

The parser looks at no content, so it can't raise; decoding happens in the unit of work's reach.
"""

from collections.abc import Sequence

from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage, KafkaMessage

from services.kit import generation
from services.kit.kafka import ISOLATION, SESSION_TIMEOUT_MS, create_broker
from services.kit.postgres import ALL_TENANTS, Pool, is_fault, transaction
from services.kit.repeating import Repeating
from services.kit.settings import Settings
from services.kit.subscriber import Subscriber
from services.kit.subscription import Subscription
from services.kit.waiting import wait

POLL_MS = 200
SAMPLE_S = 2.0


class Bus(Repeating):
    """All subscriptions of a service on one broker connection. `rebuilds`: the service's tables have a generation."""

    def __init__(
        self, settings: Settings, pool: Pool, subscriptions: Sequence[Subscription], *, rebuilds: bool = False
    ) -> None:
        super().__init__("bus", KafkaError)
        self._settings = settings
        self._pool = pool
        self._rebuilds = rebuilds
        self._generation: int | None = None
        self.subscribers = [
            Subscriber(pool, subscription, settings.progress_timeout_s) for subscription in subscriptions
        ]
        self._broker: KafkaBroker | None = None

    async def turn(self) -> float:
        """Consume on one connection until stopped, or until a rebuild has begun: then again for its generation."""
        try:
            self._generation = await self._load_generation()
            await self._start()
            await self._watch()
        finally:
            await self._stop_broker()
        return 0.0

    async def _load_generation(self) -> int | None:
        if not self._rebuilds:
            return None
        async with transaction(self._pool, ALL_TENANTS) as connection:
            return await generation.load(connection)

    async def _watch(self) -> None:
        """Measure until stopped, or until a rebuild has begun. A database that is away costs no place in the groups."""
        while not self._stopping.is_set():
            for subscriber in self.subscribers:
                subscriber.check_alive()
                await subscriber.sample()
            self.faults.forget()
            await wait(self._stopping, SAMPLE_S)
            try:
                if await self._load_generation() != self._generation:
                    return
            except Exception as error:
                if not is_fault(error):
                    raise

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


async def _parse(raw: tuple[ConsumerRecord, ...], original: object) -> KafkaMessage:
    """FastStream's message without a look at any header: the default parser decodes them outside the
    acknowledgement, where one null header loses the batch."""
    consumer = original.__self__._consumer  # type: ignore[attr-defined]
    return KafkaAckableMessage(body=raw, headers={}, raw_message=raw, consumer=consumer)


async def _decode(message: KafkaMessage) -> Sequence[ConsumerRecord]:
    raw = message.raw_message
    return raw if isinstance(raw, tuple) else (raw,)
