"""Records that could not be applied, with their original bytes; and those that wait behind one of their key."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg
import structlog

from services.kit.contract import Delivery, Header, Record, Reject
from services.kit.floods import Skip
from services.kit.postgres import Connection
from services.kit.resealing import Sealed
from services.kit.sealed import KeyRingError, SealError

SEALED = Sealed(
    table="dead_letter",
    column="sealed",
    row="""(consumer || ' ' || topic || ' ' || "partition" || ' ' || "offset")""",
    plain="""case when sealed is null then convert_to(
        jsonb_build_object('value', encode(value, 'base64'), 'headers', headers)::text, 'UTF8') end""",
    clear="value = null, headers = '[]'",
)
"""What came, bound to its coordinates; its key, by which others wait behind it, stands beside it."""

LOAD_HELD = """
with parked as (
    select key from parked_key where consumer = $1 and topic = $2 and key = any($3::bytea[]) for share
)
select key, null::int as "partition", null::bigint as "offset", null as state, null::bigint as last_offset,
    null::bigint as written_ms, null::uuid as topic_id
from parked
union all
select null, "partition", "offset", state, null, written_ms, null from dead_letter
where consumer = $1 and topic = $2 and "offset" = any($4::bigint[]) and state in ('replayed', 'discarded')
union all
select null, "partition", first_offset, case when only_unreadable then 'unreadable' else 'all' end, last_offset,
    null, topic_id
from skipped_range where consumer = $1 and topic = $2 and last_offset >= $5 and first_offset <= $6
"""
SAVE_DEAD_LETTERS = """
insert into dead_letter
    (consumer, topic, "partition", "offset", written_ms, key, value, headers, sealed, reason, detail, state)
select $1, topic, "partition", "offset", written_ms, key, decode(content ->> 'value', 'base64'),
    coalesce(content -> 'headers', '[]'), sealed, reason, detail, $10
from unnest($2::text[], $3::int[], $4::bigint[], $5::bytea[], $6::bytea[], $7::jsonb[], $8::text[], $9::text[],
        $11::bigint[])
    as row (topic, "partition", "offset", key, sealed, content, reason, detail, written_ms)
where not exists (
    select from dead_letter as known
    where known.consumer = $1 and known.topic = row.topic and known."partition" = row."partition"
        and known."offset" = row."offset" and known.written_ms = -1 and known.state in ('dead', 'parked')
)
on conflict do nothing
"""
SAVE_PARKED_KEYS = """
insert into parked_key (consumer, topic, key)
select distinct $1, topic, key from unnest($2::text[], $3::bytea[]) as row (topic, key) where key is not null
on conflict do nothing
"""
LOAD_WAITING = """
select id, consumer, topic, "partition", "offset", key, reason, detail, state, created_at
from dead_letter where state in ('dead', 'parked') and ($1::text is null or reason = $1) and id > $2
order by id limit $3
"""
LOAD_DEAD_LETTER = """
select id, consumer, topic, "partition", "offset", key, value, headers, sealed, reason, detail, state, created_at
from dead_letter where id = $1
"""
LOCK_PARKED_KEY = "select 1 from parked_key where consumer = $1 and topic = $2 and key = $3 for update"
LOAD_WAITING_OF_KEY = """
select id, consumer, topic, "partition", "offset", key, value, headers, sealed, reason, detail, state, created_at
from dead_letter
where consumer = $1 and topic = $2 and key is not distinct from $3 and state in ('dead', 'parked')
order by id
"""
END_DEAD_LETTERS = """
update dead_letter set state = $2, ended_at = clock_timestamp(), ended_by = $3
where id = any($1::bigint[]) and state in ('dead', 'parked')
"""
LOAD_KEPT = """
select "partition", "offset", written_ms from dead_letter
where consumer = $1 and topic = $2 and "offset" = any($3::bigint[])
"""
KEEP_DEAD = "update dead_letter set state = 'dead', reason = $2, detail = $3 where id = $1"
DELETE_PARKED_KEY = "delete from parked_key where consumer = $1 and topic = $2 and key = $3"
COUNT_WAITING = """
select consumer, topic, state, count(*) as rows from dead_letter where state in ('dead', 'parked') group by 1, 2, 3
"""
COUNTED_ROWS = 10_000
COUNT_SOME = f"""
with recursive place (consumer, topic) as (
    (select consumer, topic from dead_letter where state = '{{state}}' order by 1, 2 limit 1)
    union all
    select next.consumer, next.topic from place cross join lateral (
        select consumer, topic from dead_letter
        where state = '{{state}}' and (consumer, topic) > (place.consumer, place.topic) order by 1, 2 limit 1
    ) as next
)
select topic, consumer as "group", (
    select count(*) from (
        select from dead_letter where state = '{{state}}' and consumer = each.consumer and topic = each.topic
        limit {COUNTED_ROWS}
    ) as counted
) as value
from (select consumer, topic from place union select * from unnest($1::text[], $2::text[])) as each (consumer, topic)
"""
"""By topic and group, 0 for those that are given and have none: from the index, and of each group so many at the most,
so that a flood costs no more to look at."""
COUNT_DEAD, COUNT_PARKED = COUNT_SOME.format(state="dead"), COUNT_SOME.format(state="parked")
OVER_AGE = """
select ctid, ended_at as since from dead_letter
where state = 'replayed' and ended_at < clock_timestamp() - make_interval(days => $1) and ended_at >= $2
order by ended_at limit $3 for update skip locked
"""
"""The next to be pruned, oldest first, from an instant on."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record that waits. `record` holds the original bytes: reading them is audited. It holds none where they were
    not asked for, or can't be opened: the key ring lacks the key, or somebody changed them."""

    id: int
    consumer: str
    record: Record
    reason: str
    detail: str
    state: str
    created_at: datetime
    is_opened: bool = True


SEAL = "seal"
"""The reason of a record whose bytes can't be opened."""
Place = tuple[int, int, int]
"""Partition, offset and the time of the record there: the same offset may be given to another record later."""


def places_of(record: Record) -> tuple[Place, Place]:
    """The record's own place, and as it was noted before there were times."""
    return (record.partition, record.offset, record.written_ms), (record.partition, record.offset, -1)


@dataclass(frozen=True, slots=True)
class KnownRecords:
    """What is known of a batch's records before it is applied: keys that wait, the states of those that were replayed
    or discarded, by place, and what an operator leaves out."""

    keys: set[bytes]
    ended: dict[Place, str]
    skips: list[Skip]

    def end_of(self, record: Record) -> str | None:
        """Whether it was replayed or discarded."""
        return next((self.ended[place] for place in places_of(record) if place in self.ended), None)


async def load_held(connection: Connection, consumer: str, records: Sequence[Record]) -> KnownRecords:
    """The waiting keys are share-locked: a release that is under way ends first."""
    keys = list({record.key for record in records if record.key is not None})
    offsets = [record.offset for record in records]
    ends = min(offsets), max(offsets)
    held = KnownRecords(set(), {}, [])
    for row in await connection.fetch(LOAD_HELD, consumer, records[0].topic, keys, offsets, *ends):
        if row["last_offset"] is not None:
            is_only_unreadable = row["state"] == "unreadable"
            ends_at = row["last_offset"]
            held.skips.append(Skip(row["partition"], row["offset"], ends_at, is_only_unreadable, row["topic_id"]))
        elif row["state"] is not None:
            held.ended[row["partition"], row["offset"], row["written_ms"]] = row["state"]
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
        *_kept(connection, consumer, records),
        [reason for _, reason, _ in reasons],
        [detail for _, _, detail in reasons],
        state,
        [record.written_ms for record in records],
    )
    await connection.execute(
        SAVE_PARKED_KEYS, consumer, [record.topic for record in records], [record.key for record in records]
    )


async def load_kept(connection: Connection, consumer: str, records: Sequence[Record]) -> set[Place]:
    """The place of each of these records of one topic that is or was a dead letter, or a bit more."""
    if not records:
        return set()
    rows = await connection.fetch(LOAD_KEPT, consumer, records[0].topic, [record.offset for record in records])
    return {(row["partition"], row["offset"], row["written_ms"]) for row in rows}


async def load_waiting(connection: Connection, reason: str | None, after: int, limit: int) -> list[DeadLetter]:
    """The oldest after this one that wait, of one reason or of all, without their content."""
    return [_from_row(row, None, ()) for row in await connection.fetch(LOAD_WAITING, reason, after, limit)]


async def load_dead_letter(connection: Connection, dead_letter_id: int) -> DeadLetter | None:
    """One dead letter, whatever its state."""
    found = _opened(connection, await connection.fetch(LOAD_DEAD_LETTER, dead_letter_id))
    return found[0] if found else None


async def lock_waiting_of_key(connection: Connection, letter: DeadLetter) -> list[DeadLetter]:
    """All that wait with this one's key, oldest first, while new arrivals of the key are held back. A record without
    a key waits alone."""
    if letter.record.key is None:
        fresh = await load_dead_letter(connection, letter.id)
        return [fresh] if fresh is not None and fresh.state in ("dead", "parked") else []
    coordinates = (letter.consumer, letter.record.topic, letter.record.key)
    await connection.execute(LOCK_PARKED_KEY, *coordinates)
    return _opened(connection, await connection.fetch(LOAD_WAITING_OF_KEY, *coordinates))


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


def _row_of(consumer: str, record: Record) -> str:
    return f"{consumer} {record.topic} {record.partition} {record.offset}"


def _kept(connection: Connection, consumer: str, records: Sequence[Record]) -> tuple[Sequence[object], list[object]]:
    """What came, sealed; or else as it is, for the columns that the version before reads."""
    content = [{"value": _text(record.value), "headers": _named(record.headers)} for record in records]
    plain = [json.dumps(document).encode() for document in content]
    kept = SEALED.kept(connection, plain, [_row_of(consumer, record) for record in records])
    return kept.sealed, [None if sealed else one for sealed, one in zip(kept.sealed, content, strict=True)]


def _named(headers: Sequence[Header]) -> list[tuple[str, str | None]]:
    return [(name, _text(value)) for name, value in headers]


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def _opened(connection: Connection, rows: Sequence[asyncpg.Record]) -> list[DeadLetter]:
    """Those from before there was a key ring stand in plain text."""
    return [_in_plain_text(row) if row["sealed"] is None else _unsealed(connection, row) for row in rows]


def _in_plain_text(row: asyncpg.Record) -> DeadLetter:
    return _from_row(row, row["value"], _headers(row["headers"]))


def _unsealed(connection: Connection, row: asyncpg.Record) -> DeadLetter:
    letter = _from_row(row, None, ())
    try:
        [opened] = SEALED.open(connection, [row["sealed"]], [_row_of(letter.consumer, letter.record)])
    except (KeyRingError, SealError) as error:
        structlog.get_logger().warning("dead letter unreadable", dead_letter_id=letter.id, reason=str(error))
        return replace(letter, is_opened=False)
    content = json.loads(opened)
    return _from_row(row, _bytes(content["value"]), _headers(content["headers"]))


def _headers(named: Sequence[tuple[str, str | None]]) -> tuple[Header, ...]:
    return tuple((name, _bytes(value)) for name, value in named)


def _from_row(row: asyncpg.Record, value: bytes | None, headers: tuple[Header, ...]) -> DeadLetter:
    record = Record(row["topic"], row["partition"], row["offset"], row["key"], value, headers)
    return DeadLetter(row["id"], row["consumer"], record, row["reason"], row["detail"], row["state"], row["created_at"])
