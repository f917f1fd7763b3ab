"""What a consumer has applied already, by event id."""

from collections.abc import Sequence
from uuid import UUID

from services.kit.contract import Delivery
from services.kit.postgres import Connection

SAVE_RECEIVED = """
insert into inbox (consumer, event_id)
select $1, event_id from unnest($2::uuid[]) as row (event_id)
on conflict do nothing
returning event_id
"""
LOAD_RECEIVED = "select event_id from inbox where consumer = $1 and event_id = any($2::uuid[])"
OVER_AGE = """
select ctid, received_at as since from inbox
where received_at < clock_timestamp() - make_interval(days => $1) and received_at >= $2
order by received_at limit $3 for update skip locked
"""
"""The next to be pruned, oldest first, from an instant on."""


async def load_received(connection: Connection, consumer: str, event_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these have been marked as applied."""
    return {row["event_id"] for row in await connection.fetch(LOAD_RECEIVED, consumer, event_ids)}


async def drop_duplicates(connection: Connection, consumer: str, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Mark these events as applied and return those that were not, each once, in order."""
    if not deliveries:
        return []
    rows = await connection.fetch(SAVE_RECEIVED, consumer, [delivery.event_id for delivery in deliveries])
    new = {row["event_id"] for row in rows}
    fresh: list[Delivery] = []
    for delivery in deliveries:
        if delivery.event_id in new:
            new.discard(delivery.event_id)
            fresh.append(delivery)
    return fresh
