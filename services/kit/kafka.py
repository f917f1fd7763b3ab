"""The Kafka clients, with every unsafe default overridden here and nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from faststream.kafka import KafkaBroker

from services.kit.kafka_security import security_of, security_options, token_options
from services.kit.settings import KafkaSettings
from services.kit.waiting import LeakedCancellationError, leaks_as_faults

Isolation = Literal["read_committed", "read_uncommitted"]
ISOLATION: Final = "read_committed"
"""What a producer's transaction has taken back was never said."""
ALL_RECORDS: Final = "read_uncommitted"
"""What stands in the log, whatever others' transactions are doing."""
CLIENT_ID = "vcc"
LINGER_MS = 2
MAX_REQUEST_BYTES = 1_000_000
SESSION_TIMEOUT_MS = 10_000


def client_options(settings: KafkaSettings, client_id: str = CLIENT_ID) -> dict[str, Any]:
    """Options that every aiokafka client takes. `client_id` is what the brokers' logs, metrics and quotas name."""
    servers = settings.bootstrap_servers.split(",")
    return {"bootstrap_servers": servers, "client_id": settings.prefix + client_id, **security_options(settings)}


async def create_producer(settings: KafkaSettings, client_id: str) -> AIOKafkaProducer:
    """A started producer: all replicas acknowledge, retries can neither double nor reorder."""
    producer = AIOKafkaProducer(
        acks="all",
        enable_idempotence=True,
        linger_ms=LINGER_MS,
        max_batch_size=128 * 1024,
        max_request_size=MAX_REQUEST_BYTES,
        request_timeout_ms=15_000,
        **client_options(settings, client_id),
    )
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer


@asynccontextmanager
async def reading(
    settings: KafkaSettings, *, isolation: Isolation = ISOLATION, **more: Any
) -> AsyncIterator[AIOKafkaConsumer]:
    """A started consumer in no group, for whoever looks at the log by the way."""
    reader = AIOKafkaConsumer(group_id=None, isolation_level=isolation, **more, **client_options(settings))
    try:
        await reader.start()
        await asyncio.sleep(0)  # the task that it has just begun takes its first step, before which no stop may come
        yield reader
    finally:
        await _end(reader)


@asynccontextmanager
async def administering(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A started client for questions about topics and groups."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _end(reader: AIOKafkaConsumer) -> None:
    """aiokafka cancels tasks of its own, and lets that out of its `stop` where one did not expect it: before its first
    step, or in the pause after a failed fetch. Its connections would stay open then."""
    try:
        with leaks_as_faults():
            await reader.stop()
    except LeakedCancellationError:
        await reader._client.close()


def create_broker(settings: KafkaSettings, client_id: str, drain_timeout_s: float) -> KafkaBroker:
    """A FastStream broker that only consumes: no topic made by accident, no line that carries a payload."""
    return KafkaBroker(
        settings.bootstrap_servers.split(","),
        client_id=settings.prefix + client_id,
        security=security_of(settings),
        **token_options(settings),
        consumer_only=True,
        allow_auto_create_topics=False,
        graceful_timeout=drain_timeout_s,
        apply_types=False,
        logger=None,
    )
