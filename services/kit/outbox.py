"""What a service will say: rows that join the transaction of the effects they announce."""

import zlib
from collections.abc import Sequence

import asyncpg

from schemas.catalog import TOPIC_OF_EVENT
from schemas.envelope import Event
from services.kit.ids import new_id
from services.kit.postgres import Connection, text_array
from services.kit.trace import Traces

SHARDS = 4
"""Relays that can publish at once. A key always falls into one shard. Change it only with an empty outbox."""

NEWS = "news"
"""The signal to the relays of this process."""

SAVE_EVENTS = """
insert into outbox (event_id, shard, aggregatetype, aggregateid, type, payload, occurred_at, traceparent)
select event_id, shard, aggregatetype, aggregateid, type, payload, occurred_at, traceparent
from unnest(
    $1::uuid[], $2::smallint[], $3::text::text[], $4::text::text[], $5::text::text[], $6::bytea[], $7::timestamptz[],
    $8::text[]
) with ordinality as row (
    event_id, shard, aggregatetype, aggregateid, type, payload, occurred_at, traceparent, position
)
order by position
"""

WAITING = "select count(*) from outbox"
"""How much is not published yet."""

LOAD_KEYS = "select id, aggregatetype, aggregateid from outbox where id > $1 order by id limit $2"


def shard_of(key: str) -> int:
    """The relay shard of a key."""
    return zlib.crc32(key.encode()) % SHARDS


async def save_events(connection: Connection, events: Sequence[Event], traces: Traces) -> None:
    """The rows of these facts in this transaction; who announces asks `UnitOfWork.announce` for them. The caller has
    locked the rows that the facts are about before, so that a key's events get their numbers in the order of their
    commits."""
    keys = [event.key() for event in events]
    await connection.execute(
        SAVE_EVENTS,
        [new_id() for _ in events],
        [shard_of(key) for key in keys],
        text_array([TOPIC_OF_EVENT[type(event)].name for event in events]),
        text_array(keys),
        text_array([event.event_type for event in events]),
        [event.payload.encode() for event in events],
        [event.occurred_at for event in events],
        [traces.of(key) for key in keys],
    )


async def load_keys(connection: Connection, after: int, rows: int) -> list[asyncpg.Record]:
    """So many of those that wait, from behind this number on: what each is about."""
    return list(await connection.fetch(LOAD_KEYS, after, rows))
