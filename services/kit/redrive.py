"""Replaying and discarding dead letters: a key's waiting records in order, before its new arrivals.

Works in the caller's transaction, which sees all tenants.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from services.kit import dead_letters, inbox, log, trace
from services.kit.contract import HANDLER_ERROR, Decoder, Reject
from services.kit.dead_letters import DeadLetter
from services.kit.postgres import is_fault
from services.kit.problem import Refusal
from services.kit.subscription import Subscription
from services.kit.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Redriven:
    """What a redrive did. `still_dead` is the reason why a record still can't be applied, if so: it stays, and what
    came after it in its key waits behind it. `key`: the records', of whom they speak."""

    replayed: int = 0
    discarded: int = 0
    still_dead: str | None = None
    still_dead_id: int | None = field(default=None, compare=False)
    replayed_ids: tuple[int, ...] = field(default=(), compare=False)
    key: bytes | None = field(default=None, compare=False)


GROUP_GONE = Refusal(
    "group-gone", "Group Gone", "The service reads in no such group any more: nothing here can apply the record."
)


async def replay(
    work: UnitOfWork, subscriptions: Mapping[str, Subscription], dead_letter_id: int, by: str
) -> Redriven | Refusal | None:
    """Apply what waits with this dead letter's key, in order, up to a record that still can't be applied. None: it does
    not wait."""
    waiting = await _lock_waiting(work, dead_letter_id)
    if not waiting:
        return None
    return await _apply(work, subscriptions, waiting, by) if waiting[0].consumer in subscriptions else GROUP_GONE


async def discard(
    work: UnitOfWork, subscriptions: Mapping[str, Subscription], dead_letter_id: int, by: str
) -> Redriven | None:
    """Give up this one record and apply what waits behind it; where no subscription is left to apply it, that goes on
    waiting. None: it does not wait."""
    waiting = await _lock_waiting(work, dead_letter_id)
    if dead_letter_id not in {letter.id for letter in waiting}:
        return None
    await dead_letters.end_dead_letters(work.connection, [dead_letter_id], "discarded", by)
    rest = [letter for letter in waiting if letter.id != dead_letter_id]
    if not rest:
        await dead_letters.release_key(work.connection, waiting[0])
        return Redriven(discarded=1, key=waiting[0].record.key)
    if rest[0].consumer not in subscriptions:
        return Redriven(discarded=1, still_dead=GROUP_GONE.code, still_dead_id=rest[0].id, key=rest[0].record.key)
    return replace(await _apply(work, subscriptions, rest, by), discarded=1)


async def _lock_waiting(work: UnitOfWork, dead_letter_id: int) -> list[DeadLetter]:
    letter = await dead_letters.load_dead_letter(work.connection, dead_letter_id)
    return [] if letter is None else await dead_letters.lock_waiting_of_key(work.connection, letter)


async def _apply(
    work: UnitOfWork, subscriptions: Mapping[str, Subscription], waiting: Sequence[DeadLetter], by: str
) -> Redriven:
    subscription = subscriptions[waiting[0].consumer]
    done: list[int] = []
    stays: Reject | None = None
    for letter in waiting:
        stays = await _apply_one(work, subscription, letter)
        if stays is not None:
            await dead_letters.keep_dead(work.connection, letter.id, stays)
            break
        done.append(letter.id)
    await dead_letters.end_dead_letters(work.connection, done, "replayed", by)
    redriven = Redriven(len(done), replayed_ids=tuple(done), key=waiting[0].record.key)
    if stays is None:
        await dead_letters.release_key(work.connection, waiting[0])
        return redriven
    return replace(redriven, still_dead=stays.reason, still_dead_id=waiting[len(done)].id)


async def _apply_one(work: UnitOfWork, subscription: Subscription, letter: DeadLetter) -> Reject | None:
    """Apply one record, or say why it can't be; then it has left no trace."""
    if not letter.is_opened:
        return Reject(letter.record, dead_letters.SEAL, "can't be opened: another key, row or content")
    [result] = Decoder(subscription.topic).decode([letter.record])
    if isinstance(result, Reject):
        return result
    try:
        async with work.connection.transaction():
            if await inbox.drop_duplicates(work.connection, subscription.group, [result]):
                await subscription.handler(work.under(trace.of_records([letter.record])), [result.event])
    except Exception as error:
        if is_fault(error):
            raise
        structlog.get_logger().warning("replay failed", dead_letter_id=letter.id, **log.fault_fields(error))
        return Reject(letter.record, HANDLER_ERROR, log.fault_detail(error))
    return None
