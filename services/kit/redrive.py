"""Replaying and discarding dead letters: a key's waiting records in order, before its new arrivals.

Works in the caller's transaction, which sees all tenants.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.kit import dead_letters, inbox
from services.kit.contract import Decoder, Delivery, Reject
from services.kit.dead_letters import DeadLetter
from services.kit.subscription import Subscription
from services.kit.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Redriven:
    """What a redrive did. `still_dead` is the reason why the first record still can't be applied, if so."""

    replayed: int = 0
    discarded: int = 0
    still_dead: str | None = None


async def replay(
    work: UnitOfWork, subscriptions: Mapping[str, Subscription], dead_letter_id: int, by: str
) -> Redriven | None:
    """Apply everything that waits with this dead letter's key, in order. None: it does not wait."""
    waiting = await _lock_waiting(work, dead_letter_id)
    return await _apply(work, subscriptions, waiting, by) if waiting else None


async def discard(
    work: UnitOfWork, subscriptions: Mapping[str, Subscription], dead_letter_id: int, by: str
) -> Redriven | None:
    """Give up this one record and apply what waits behind it. None: it does not wait."""
    waiting = await _lock_waiting(work, dead_letter_id)
    if dead_letter_id not in {letter.id for letter in waiting}:
        return None
    await dead_letters.end_dead_letters(work.connection, [dead_letter_id], "discarded", by)
    rest = [letter for letter in waiting if letter.id != dead_letter_id]
    if not rest:
        await dead_letters.release_key(work.connection, waiting[0])
        return Redriven(discarded=1)
    following = await _apply(work, subscriptions, rest, by)
    return Redriven(following.replayed, 1, following.still_dead)


async def _lock_waiting(work: UnitOfWork, dead_letter_id: int) -> list[DeadLetter]:
    letter = await dead_letters.load_dead_letter(work.connection, dead_letter_id)
    return [] if letter is None else await dead_letters.lock_waiting_of_key(work.connection, letter)


async def _apply(
    work: UnitOfWork, subscriptions: Mapping[str, Subscription], waiting: Sequence[DeadLetter], by: str
) -> Redriven:
    group = waiting[0].consumer
    subscription = subscriptions[group]
    decoded = Decoder(subscription.topic).decode([letter.record for letter in waiting])
    for one in decoded:
        if isinstance(one, Reject):
            return Redriven(still_dead=one.reason)
    fresh = await inbox.drop_duplicates(work.connection, group, [one for one in decoded if isinstance(one, Delivery)])
    if fresh:
        await subscription.handler(work, [delivery.event for delivery in fresh])
    await dead_letters.end_dead_letters(work.connection, [letter.id for letter in waiting], "replayed", by)
    await dead_letters.release_key(work.connection, waiting[0])
    return Redriven(replayed=len(waiting))
