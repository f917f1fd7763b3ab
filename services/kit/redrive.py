"""Replaying and discarding dead letters: a key's waiting records in order, before its new arrivals."""

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from services.kit import dead_letters, inbox
from services.kit.contract import Decoder, Delivery, Reject
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.subscription import Subscription
from services.kit.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Redriven:
    """What a redrive did. `still_dead` is the reason why the first record still can't be applied, if so."""

    replayed: int = 0
    discarded: int = 0
    still_dead: str | None = None


async def replay(
    pool: asyncpg.Pool, subscriptions: Mapping[str, Subscription], dead_letter_id: int, by: str
) -> Redriven | None:
    """Apply everything that waits with this dead letter's key, in order, in one transaction. None: no such letter
    waits. Replayed twice it takes effect once."""
    async with transaction(pool, ALL_TENANTS) as connection:
        letter = await dead_letters.load_dead_letter(connection, dead_letter_id)
        if letter is None:
            return None
        waiting = await dead_letters.lock_waiting_of_key(connection, letter)
        if not waiting:
            return None
        subscription = subscriptions[letter.consumer]
        decoded = Decoder(subscription.topic).decode([one.record for one in waiting])
        for one in decoded:
            if isinstance(one, Reject):
                return Redriven(still_dead=one.reason)
        deliveries = [one for one in decoded if isinstance(one, Delivery)]
        fresh = await inbox.drop_duplicates(connection, letter.consumer, deliveries)
        if fresh:
            await subscription.handler(UnitOfWork(connection), [delivery.event for delivery in fresh])
        await dead_letters.end_dead_letters(connection, [one.id for one in waiting], "replayed", by)
        await dead_letters.release_key(connection, letter)
        return Redriven(replayed=len(waiting))


async def discard(
    pool: asyncpg.Pool, subscriptions: Mapping[str, Subscription], dead_letter_id: int, by: str
) -> Redriven | None:
    """Give up this one record and apply what waits behind it. None: it does not wait."""
    async with transaction(pool, ALL_TENANTS) as connection:
        letter = await dead_letters.load_dead_letter(connection, dead_letter_id)
        if letter is None:
            return None
        waiting = await dead_letters.lock_waiting_of_key(connection, letter)
        if letter.id not in {one.id for one in waiting}:
            return None
        await dead_letters.end_dead_letters(connection, [letter.id], "discarded", by)
        rest = [one for one in waiting if one.id != letter.id]
        if not rest:
            await dead_letters.release_key(connection, letter)
            return Redriven(discarded=1)
    following = await replay(pool, subscriptions, rest[0].id, by)
    return Redriven(following.replayed if following else 0, 1, following.still_dead if following else None)
