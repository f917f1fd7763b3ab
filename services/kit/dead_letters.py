"""Records that could not be applied, with their original bytes; and those that wait behind one of their key."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.kit.contract import Delivery, Header, Record, Reject
from services.kit.floods import Skip
from services.kit.postgres import Connection

LOAD_HELD = """
with parked as (
    select key from parked_key where consumer = $1 and topic = $2 and key = any($3::bytea[]) for share
)
select key, null::int as "partition", null::bigint as "offset", null as state, null::bigint as last_offset from parked
union all
select null, "partition", "offset", state, null from dead_letter
where consumer = $1 and topic = $2 and "offset" = any($4::bigint[]) and state in ('replayed', 'discarded')
union all
select null, "partition", first_offset, case when only_unreadable then 'unreadable' else 'all' end, last_offset
from skipped_range where consumer = $1 and topic = $2 and last_offset >= $5 and first_offset <= $6
"""
SAVE_DEAD_LETTERS = """
insert into dead_letter (consumer, topic, "partition", "offset", key, value, headers, reason, detail, state)
select $1, topic, "partition", "offset", key, value, headers::jsonb, reason, detail, $10
from unnest($2::text[], $3::int[], $4::bigint[], $5::bytea[], $6::bytea[], $7::text[], $8::text[], $9::text[])
    as row (topic, "partition", "offset", key, value, headers, reason, detail)
on conflict (consumer, topic, "partition", "offset") do nothing
"""
SAVE_PARKED_KEYS = """
insert into parked_key (consumer, topic, key)
select distinct $1, topic, key from unnest($2::text[], $3::bytea[]) as row (topic, key) where key is not null
on conflict do nothing
"""
LOAD_WAITING = """
select id, consumer, topic, "partition", "offset", key, value, headers, reason, detail, state, created_at
from dead_letter where state in ('dead', 'parked') and ($1::text is null or reason = $1)
order by id limit $2
"""
LOAD_DEAD_LETTER = """
select id, consumer, topic, "partition", "offset", key, value, headers, reason, detail, state, created_at
from dead_letter where id = $1
"""
LOCK_PARKED_KEY = "select 1 from parked_key where consumer = $1 and topic = $2 and key = $3 for update"
LOAD_WAITING_OF_KEY = """
select id, consumer, topic, "partition", "offset", key, value, headers, reason, detail, state, created_at
from dead_letter
where consumer = $1 and topic = $2 and key is not distinct from $3 and state in ('dead', 'parked')
order by id
"""
END_DEAD_LETTERS = """
update dead_letter set state = $2, ended_at = clock_timestamp(), ended_by = $3
where id = any($1::bigint[]) and state in ('dead', 'parked')
"""
LOAD_KEPT = """
select "partition", "offset" from dead_letter where consumer = $1 and topic = $2 and "offset" = any($3::bigint[])
"""
KEEP_DEAD = "update dead_letter set state = 'dead', reason = $2, detail = $3 where id = $1"
DELETE_PARKED_KEY = "delete from parked_key where consumer = $1 and topic = $2 and key = $3"
COUNT_WAITING = """
select consumer, topic, state, count(*) as rows from dead_letter where state in ('dead', 'parked') group by 1, 2, 3
"""
PRUNE = """
delete from dead_letter where state = 'replayed' and ended_at < clock_timestamp() - make_interval(days => $1)
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record that waits. `record` holds the original bytes: reading them is audited."""

    id: int
    consumer: str
    record: Record
    reason: str
    detail: str
    state: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KnownRecords:
    """What is known of a batch's records before it is applied: keys that wait, the states of those that were replayed
    or discarded, by partition and offset, and what an operator leaves out."""

    keys: set[bytes]
    ended: dict[tuple[int, int], str]
    skips: list[Skip]


async def load_held(connection: Connection, consumer: str, records: Sequence[Record]) -> KnownRecords:
    """The waiting keys are share-locked: a release that is under way ends first."""
    keys = list({record.key for record in records if record.key is not None})
    offsets = [record.offset for record in records]
    ends = min(offsets), max(offsets)
    held = KnownRecords(set(), {}, [])
    for row in await connection.fetch(LOAD_HELD, consumer, records[0].topic, keys, offsets, *ends):
        if row["last_offset"] is not None:
            is_only_unreadable = row["state"] == "unreadable"
            held.skips.append(Skip(row["partition"], row["offset"], row["last_offset"], is_only_unreadable))
        elif row["state"] is not None:
            held.ended[row["partition"], row["offset"]] = row["state"]
        else:
            held.keys.add(row["key"])
    return held


async def save_rejects(connection: Connection, consumer: str, rejects: Sequence[Reject]) -> None:
    """Keep unusable records and park their keys."""
    reasons = [(reject.record, reject.reason, reject.detail) for reject in rejects]
    await _save(connection, consumer, reasons, "dead")


async def save_parked(connection: Connection, consumer: str, parked: Sequence[Delivery | Reject]) -> None:
    """Keep records that wait behind a dead letter of their key."""
    reasons = [(result.record, "key-parked", "waits behind a dead letter of its key") for result in parked]
    await _save(connection, consumer, reasons, "parked")


async def _save(connection: Connection, consumer: str, reasons: Sequence[tuple[Record, str, str]], state: str) -> None:
    if not reasons:
        return
    records = [record for record, _, _ in reasons]
    await connection.execute(
        SAVE_DEAD_LETTERS,
        consumer,
        [record.topic for record in records],
        [record.partition for record in records],
        [record.offset for record in records],
        [record.key for record in records],
        [record.value for record in records],
        [_dump_headers(record.headers) for record in records],
        [reason for _, reason, _ in reasons],
        [detail for _, _, detail in reasons],
        state,
    )
    await connection.execute(
        SAVE_PARKED_KEYS, consumer, [record.topic for record in records], [record.key for record in records]
    )


async def load_kept(connection: Connection, consumer: str, records: Sequence[Record]) -> set[tuple[int, int]]:
    """The partition and offset of each of these records of one topic that is or was a dead letter, or a bit more."""
    if not records:
        return set()
    rows = await connection.fetch(LOAD_KEPT, consumer, records[0].topic, [record.offset for record in records])
    return {(row["partition"], row["offset"]) for row in rows}


async def load_waiting(connection: Connection, reason: str | None, limit: int) -> list[DeadLetter]:
    """The oldest that wait, of one reason or of all."""
    return [_from_row(row) for row in await connection.fetch(LOAD_WAITING, reason, limit)]


async def load_dead_letter(connection: Connection, dead_letter_id: int) -> DeadLetter | None:
    """One dead letter, whatever its state."""
    row = await connection.fetchrow(LOAD_DEAD_LETTER, dead_letter_id)
    return None if row is None else _from_row(row)


async def lock_waiting_of_key(connection: Connection, letter: DeadLetter) -> list[DeadLetter]:
    """All that wait with this one's key, oldest first, while new arrivals of the key are held back. A record without
    a key waits alone."""
    if letter.record.key is None:
        fresh = await load_dead_letter(connection, letter.id)
        return [fresh] if fresh is not None and fresh.state in ("dead", "parked") else []
    coordinates = (letter.consumer, letter.record.topic, letter.record.key)
    await connection.execute(LOCK_PARKED_KEY, *coordinates)
    return [_from_row(row) for row in await connection.fetch(LOAD_WAITING_OF_KEY, *coordinates)]


async def end_dead_letters(connection: Connection, ids: Sequence[int], state: str, ended_by: str) -> None:
    """Mark as replayed or discarded."""
    await connection.execute(END_DEAD_LETTERS, ids, state, ended_by)


async def keep_dead(connection: Connection, dead_letter_id: int, why: Reject) -> None:
    """It can't be applied, for its own sake by now and no longer because it waits behind another."""
    await connection.execute(KEEP_DEAD, dead_letter_id, why.reason, why.detail)


async def release_key(connection: Connection, letter: DeadLetter) -> None:
    """Let new arrivals of this key through again, once this transaction commits."""
    if letter.record.key is not None:
        await connection.execute(DELETE_PARKED_KEY, letter.consumer, letter.record.topic, letter.record.key)


async def count_waiting(connection: Connection) -> dict[tuple[str, str, str], int]:
    """How many wait, by (consumer, topic, state)."""
    rows = await connection.fetch(COUNT_WAITING)
    return {(row["consumer"], row["topic"], row["state"]): row["rows"] for row in rows}


def _dump_headers(headers: Sequence[Header]) -> str:
    """As text: the driver would take a list of lists for an array of more dimensions."""
    return json.dumps([[name, None if value is None else base64.b64encode(value).decode()] for name, value in headers])


def _from_row(row: asyncpg.Record) -> DeadLetter:
    headers = tuple((name, None if value is None else base64.b64decode(value)) for name, value in row["headers"])
    record = Record(row["topic"], row["partition"], row["offset"], row["key"], row["value"], headers)
    return DeadLetter(row["id"], row["consumer"], record, row["reason"], row["detail"], row["state"], row["created_at"])
