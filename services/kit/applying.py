"""What becomes of a subscription's batches: a record that its handler can't bear is found by halving and set aside, and
so many bad records at once that the code or their sender must be broken are refused."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from services.kit import floods, log, positions
from services.kit.batches import Outcome, apply_batch
from services.kit.contract import HANDLER_ERROR, Delivery, Reject
from services.kit.floods import DeadLetterLimit, DeadLetterLimitError
from services.kit.generation import Generation, StaleGenerationError, hold
from services.kit.positions import Position, Span
from services.kit.postgres import ALL_TENANTS, Pool, is_fault, transaction
from services.kit.setting_aside import each_or_aside
from services.kit.subscription import Subscription


class Applying:
    """Of one subscription."""

    def __init__(self, pool: Pool, subscription: Subscription) -> None:
        self._pool, self._subscription = pool, subscription
        self._limit = DeadLetterLimit()

    async def apply(self, decoded: Sequence[Delivery | Reject], generation: Generation | None = None) -> Outcome:
        """Apply all of a batch that can be, each record exactly once. Raises a fault, and a flood."""

        async def apply(part: Sequence[Delivery | Reject]) -> Outcome:
            await self._check_readable(part)
            return await self._apply(part, generation)

        async def set_aside(one: Delivery | Reject, error: Exception) -> Outcome:
            return await self._set_aside(one, error, generation)

        return Outcome.of_all(await each_or_aside(decoded, apply, set_aside, _is_of_no_record))

    async def passed(
        self, upto: Mapping[int, int], topic_id: UUID | None, generation: Generation, leader_epochs: Mapping[int, int]
    ) -> None:
        """There is nothing to apply before these offsets, by partition."""
        async with transaction(self._pool, ALL_TENANTS) as connection:
            await hold(connection, generation)
            read = {number: Span(at, at, leader_epochs.get(number)) for number, at in upto.items()}
            await positions.save(connection, self._subscription.group, read, topic_id)

    async def sent_back(self, topic_id: UUID | None) -> list[Position]:
        """From where this consumer must go on, whatever it has acknowledged."""
        consumer, topic = self._subscription.group, self._subscription.topic.name
        topic_ids = {} if topic_id is None else {topic: topic_id}
        async with transaction(self._pool, ALL_TENANTS) as connection:
            found = await positions.load_all(connection, {consumer: topic}, topic_ids)
        return [position for position in found if position.goes_back]

    async def _apply(self, part: Sequence[Delivery | Reject], generation: Generation | None) -> Outcome:
        return await apply_batch(self._pool, self._subscription.group, part, self._subscription.handler, generation)

    async def _set_aside(self, one: Delivery | Reject, error: Exception, generation: Generation | None) -> Outcome:
        if isinstance(one, Reject):
            raise error
        await self._count_failure(one)
        structlog.get_logger().error(
            "record set aside", topic=self._subscription.topic.name, group=self._subscription.group,
            offset=one.record.offset, event_id=str(one.event_id), **log.fault_fields(error),
        )  # fmt: skip
        return await self._apply([Reject(one.record, HANDLER_ERROR, log.fault_detail(error))], generation)

    async def _check_readable(self, decoded: Sequence[Delivery | Reject]) -> None:
        if not self._limit.is_flood(decoded):
            return
        async with transaction(self._pool, ALL_TENANTS) as connection:
            skips = await floods.load_skips(connection, self._subscription.group, [result.record for result in decoded])
            left = floods.without_skipped(decoded, skips)
            if self._limit.is_flood(left) and not await floods.is_lifted(connection, self._subscription.group):
                at = floods.places(result.record for result in left if isinstance(result, Reject))
                raise DeadLetterLimitError(f"too many can't be read, {at}")

    async def _count_failure(self, one: Delivery) -> None:
        if not self._limit.count_failure():
            return
        async with transaction(self._pool, ALL_TENANTS) as connection:
            if not await floods.is_lifted(connection, self._subscription.group):
                raise DeadLetterLimitError(f"the handler fails too often, next {floods.places([one.record])}")


def _is_of_no_record(error: Exception) -> bool:
    return is_fault(error) or isinstance(error, DeadLetterLimitError | StaleGenerationError)
