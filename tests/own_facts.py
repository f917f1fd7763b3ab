"""What a store must know of the facts that its service has announced."""

from collections.abc import Mapping, Sequence

import asyncpg

from schemas.catalog import TOPICS
from schemas.envelope import Event
from services.kit.own_log import Owned, unknown
from services.kit.postgres import ALL_TENANTS, transaction
from tests.servers import Database

EVENTS = {event.event_type: event for topic in TOPICS for event in topic.events}


async def check_owned(pool: asyncpg.Pool, owned: Mapping[type[Event], Owned], empty: Database) -> None:
    """The store knows all that stands in its outbox, of every kind, and nothing newer; an empty one knows nothing."""
    async with transaction(pool, ALL_TENANTS) as connection:
        rows = await connection.fetch("select type, payload from outbox order by id")
        said = [EVENTS[row["type"]].model_validate_json(row["payload"]) for row in rows]
        assert {type(event) for event in said} == set(owned)
        assert await unknown(connection, owned, said) == []
        newer = _newer(said)
        assert newer
        assert await unknown(connection, owned, [*newer, *said]) == list(range(len(newer)))
    async with transaction(empty.pool, ALL_TENANTS) as connection:
        assert await unknown(connection, owned, said) == list(range(len(said)))


def _newer(said: Sequence[Event]) -> list[Event]:
    """Each thing that has versions in one that no column could hold."""
    return [event.model_copy(update={"version": 10**30}) for event in said if hasattr(event, "version")]
