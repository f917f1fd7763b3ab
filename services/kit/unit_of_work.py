"""One batch, one transaction: parked keys set aside, duplicates dropped, rejects kept, effects and news saved."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from schemas.envelope import Event
from services.kit import dead_letters, generation, inbox, outbox, trace
from services.kit.contract import Delivery, Reject
from services.kit.floods import without_skipped
from services.kit.postgres import ALL_TENANTS, Connection, transaction

Handler = Callable[["UnitOfWork", Sequence[Any]], Awaitable[None]]
"""`on_<fact>(work, events)`: events of one topic, in the log's order, each one new to this consumer."""


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """The transaction that a handler works in. Whoever opened it commits it."""

    connection: Connection

    async def announce(self, events: Sequence[Event]) -> None:
        """Publish these facts if and only if this transaction commits. Lock their rows first."""
        await outbox.save_events(self.connection, events)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch's records."""

    fresh: int = 0
    duplicates: int = 0
    rejected: int = 0
    parked: int = 0


async def apply_batch(
    pool: asyncpg.Pool,
    consumer: str,
    decoded: Sequence[Delivery | Reject],
    handler: Handler,
    of_generation: int | None = None,
) -> Outcome:
    """Apply a batch of one topic's records exactly once for `consumer`, and commit. Raises what the handler raises,
    and then nothing has happened."""
    async with transaction(pool, ALL_TENANTS) as connection:
        if of_generation is not None:
            await generation.hold(connection, of_generation)
        if not decoded:
            return Outcome()
        held = await dead_letters.load_held(connection, consumer, [one.record for one in decoded])
        left = _without_ended(without_skipped(decoded, held.skips), held.ended)
        usable, rejects, parked = _sort(left, held.keys)
        await dead_letters.save_rejects(connection, consumer, rejects)
        await dead_letters.save_parked(connection, consumer, parked)
        fresh = await inbox.drop_duplicates(connection, consumer, usable)
        if fresh:
            with trace.working_for(trace.of_records(delivery.record for delivery in fresh)):
                await handler(UnitOfWork(connection), [delivery.event for delivery in fresh])
    return Outcome(len(fresh), len(usable) - len(fresh), len(rejects), len(parked))


def _without_ended(
    decoded: Sequence[Delivery | Reject], ended: Mapping[tuple[int, int], str]
) -> Sequence[Delivery | Reject]:
    """What was discarded stays discarded when it is delivered again, also if it could be read by now; a reject that was
    replayed holds up nothing."""
    states = [ended.get((one.record.partition, one.record.offset)) for one in decoded]
    return [
        one
        for one, state in zip(decoded, states, strict=True)
        if state is None or (state == "replayed" and isinstance(one, Delivery))
    ]


def _sort(
    decoded: Sequence[Delivery | Reject], waiting: set[bytes]
) -> tuple[list[Delivery], list[Reject], list[Delivery | Reject]]:
    """Whatever comes after a reject of its key is parked behind it; a record without a key holds up nothing."""
    usable: list[Delivery] = []
    rejects: list[Reject] = []
    parked: list[Delivery | Reject] = []
    held = set(waiting)
    for one in decoded:
        key = one.record.key
        if key is not None and key in held:
            parked.append(one)
        elif isinstance(one, Reject):
            rejects.append(one)
            if key is not None:
                held.add(key)
        else:
            usable.append(one)
    return usable, rejects, parked
