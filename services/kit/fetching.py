"""Stands between FastStream's loop and aiokafka's fetches. That loop tries again in silence, and ends in silence when a
cancellation leaks out: here what goes wrong is told, what holds no record is acknowledged, and of what is handed out it
is known which leader had been heard of when it was asked for: the client fetches ahead, and holds it meanwhile."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.codec import has_gzip, has_lz4, has_snappy, has_zstd
from aiokafka.errors import ConsumerStoppedError, KafkaError, UnsupportedCodecError
from aiokafka.protocol.fetch import FetchRequest

from services.kit import log
from services.kit.generation import StaleGenerationError
from services.kit.postgres import is_fault
from services.kit.waiting import leaks_as_faults

CODECS = {"gzip": has_gzip, "snappy": has_snappy, "lz4": has_lz4, "zstd": has_zstd}
POSITION_WITHIN_S = 1.0
Batches = Mapping[TopicPartition, list[ConsumerRecord]]
OnPassed = Callable[[Mapping[TopicPartition, int]], Awaitable[None]]
"""Told of the offsets before which nothing is left to apply, ahead of the broker."""
Epochs = Mapping[int, int]
"""Of the leaders, by partition."""


class UnreadableBatchError(KafkaError):  # type: ignore[misc]
    """What the broker sent can't be unpacked. As a `KafkaError` it is tried again after a pause."""


def unreadable_codecs() -> list[str]:
    """The compressions that this installation can't read, by name."""
    return [name for name, can_read in CODECS.items() if not can_read()]


def has_ended(consumer: AIOKafkaConsumer) -> bool:
    """Whether a task of the client's own, which ends at its stop only, is gone: it would never say so itself."""
    tasks = (consumer._coordinator._coordination_task, consumer._fetcher._fetch_task)
    return any(task is not None and task.done() for task in tasks)


class Fetches:
    """All fetches of one consumer from now on. `heard_of` tells the leaders' epochs. `reason`: why the last one gave
    nothing, if it failed; `epochs`: which were known before that was asked for which was handed out last."""

    def __init__(
        self, consumer: AIOKafkaConsumer, topic: str, group: str, on_passed: OnPassed, heard_of: Callable[[], Epochs]
    ) -> None:
        self._consumer, self._place, self._on_passed = consumer, {"topic": topic, "group": group}, on_passed
        self._heard_of, self.epochs = heard_of, heard_of()
        self._at_hand = dict(self.epochs)
        self._fetch = consumer.getmany
        self._acknowledged: dict[TopicPartition, int] = {}
        self.reason: str | None = None
        consumer.getmany = self._getmany
        self._send = consumer._client.send
        consumer._client.send = self._note_epochs

    async def _note_epochs(self, node: int, request: Any, **options: Any) -> Any:
        """A partition is asked for once all of it that was at hand is handed out."""
        known = self._heard_of()
        answer = await self._send(node, request, **options)
        if isinstance(request, FetchRequest):
            asked = {number for _, partitions in request.topics for number, *_ in partitions}
            self._at_hand |= {number: epoch for number, epoch in known.items() if number in asked}
        return answer

    async def _getmany(self, *partitions: TopicPartition, **options: Any) -> Batches:
        try:
            with leaks_as_faults():
                found: Batches = await self._fetch(*partitions, **options)
        except ConsumerStoppedError:
            raise
        except Exception as error:
            self._tell(error)
            if isinstance(error, KafkaError):
                raise
            raise UnreadableBatchError(type(error).__name__) from error
        self.reason, self.epochs = None, dict(self._at_hand)
        if not found:
            await self._acknowledge_gaps()
        return found

    def _tell(self, error: Exception) -> None:
        reason = _reason(error)
        if reason != self.reason:
            structlog.get_logger().warning("fetch failed", reason=reason, **self._place, **log.fault_fields(error))
        self.reason = reason

    async def _acknowledge_gaps(self) -> None:
        """Nothing is at hand, so all up to here is applied: what was passed over since the last record, the marks of
        transactions above all, is acknowledged too. Else it would be called lag until the next record comes."""
        try:
            async with asyncio.timeout(POSITION_WITHIN_S):
                at = {place: await self._consumer.position(place) for place in self._consumer.assignment()}
            if at and at != self._acknowledged:
                await self._on_passed(at)
                await self._consumer.commit(at)
                self._acknowledged = at
        except Exception as error:
            # A rebalance or a rebuild, or nothing is known yet: it is said later, perhaps by another process.
            if not (is_fault(error) or isinstance(error, KafkaError | StaleGenerationError)):
                raise


def _reason(error: Exception) -> str:
    if isinstance(error, UnsupportedCodecError):
        named = re.search(r"\b(" + "|".join(CODECS) + r")\b", str(error))
        return f"records are compressed with {named[1] if named else 'an unknown codec'}, which can't be read here"
    return f"can't fetch: {type(error).__name__}"
