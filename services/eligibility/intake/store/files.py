"""Feed files: their bytes until they are read, and what became of every row. All SQL of it."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any
from uuid import UUID

import asyncpg

from schemas.eligibility_v1 import FeedFileProcessedV1
from schemas.envelope import Event
from services.eligibility.feeds.outcomes import RowResult
from services.eligibility.intake.slices import UNSTORABLE
from services.eligibility.intake.store import absence as absence_store
from services.eligibility.intake.store.absence import AbsenceState
from services.kit.own_log import Owned
from services.kit.postgres import Connection, text_array
from services.kit.rows import columns_of

CHUNK_BYTES = 1 << 20

NEWS = "feed-files"
"""The signal to this process's intake that a file was accepted or decided on."""

FILE_COLUMNS = """
    file_id, file_no, tenant_id, sha256, size_bytes, profile, kind, sender, plan, state, cursor_row, rows_accepted,
    rows_unchanged, rows_rejected, rows_unlinked, is_full, absent_ended, absence, received_at, processed_at, said_at,
    held, decision, decided_at, absent_before, absent_on, changes
"""
INSERT_FILE = f"""
insert into feed_file (file_id, tenant_id, sha256, size_bytes, profile, state, content_sha256)
values ($1, $2, $3, $4, $5, 'received', $6)
on conflict do nothing
returning {FILE_COLUMNS}
"""
LOAD_FILE_BY_SHA256 = f"""
select {FILE_COLUMNS} from feed_file where tenant_id = $1 and (sha256 = $2 or content_sha256 = $3)
order by sha256 = $2 desc limit 1
"""
LOAD_FILE = f"select {FILE_COLUMNS} from feed_file where file_id = $1"
LOCK_FILE = LOAD_FILE + " for update"
WAITING = "select count(*) from feed_file where state in ('received', 'processing')"
"""Files that are not read to their end."""
LOAD_FILES = f"""
select {FILE_COLUMNS} from feed_file where ($1::bigint is null or file_no < $1)
    and (not $3 or state = 'held' or absence = $4)
order by file_no desc limit $2
"""
LOAD_NEXT = f"""
select {FILE_COLUMNS} from feed_file where state in ('received', 'processing') order by file_no limit 1
"""
LOAD_RELEASED = f"select {FILE_COLUMNS} from feed_file where absence = $1 order by file_no limit 1"
HOLD = "update feed_file set state = 'held', held = $2 where file_id = $1"
SAVE_DECISION = """
update feed_file
set decision = $2, decided_by = $3, decided_why = $4, decided_at = clock_timestamp(),
    state = case when state <> 'held' then state when $2 = 'released' then 'received' else 'refused' end,
    processed_at = case when state = 'held' and $2 = 'refused' then clock_timestamp() else processed_at end,
    absence = case when absence = $5 then $2 else absence end
where file_id = $1 and (state = 'held' or absence = $5)
"""
END_RELEASE = "update feed_file set absence = $2 where file_id = $1 and absence = $3"
INSERT_CHUNK = "insert into feed_chunk (file_id, position, bytes) values ($1, $2, $3)"
LOAD_CHUNK = "select bytes from feed_chunk where file_id = $1 and position = $2"
DELETE_CHUNKS = """
delete from feed_chunk using feed_file
where feed_chunk.file_id = feed_file.file_id and processed_at < now() - make_interval(days => $1)
"""
SAVE_HEADER = """
update feed_file
set kind = coalesce($2, kind), sender = coalesce($3, sender), plan = coalesce($4, plan), is_full = is_full or $5
where file_id = $1
"""
SAVE_SAID_AT = "update feed_file set said_at = least(said_at, $2) where file_id = $1"
SAVE_OUTCOMES = """
insert into feed_row (file_id, row, outcome, changes)
select $1, row, outcome, nullif(changes, '')
from unnest($2::integer[], $3::text::text[], $4::text::text[]) as result (row, outcome, changes)
on conflict (file_id, row) do nothing
"""
SAVE_REASONS = """
insert into feed_row (file_id, row, outcome, code, field, segment, expected, changes)
select $1, row, outcome, code, field, segment, expected, nullif(changes, '')
from unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::text[], $8::text[])
    as result (row, outcome, code, field, segment, expected, changes)
on conflict (file_id, row) do nothing
"""
SAVE_NOTICES = """
insert into feed_notice (file_id, position, row, segment, field, code, expected)
select $1, * from unnest($2::integer[], $3::integer[], $4::integer[], $5::text[], $6::text[], $7::text[])
on conflict do nothing
"""
SAVE_PROGRESS = """
update feed_file
set state = 'processing', cursor_row = greatest(cursor_row, $2), rows_accepted = rows_accepted + $3,
    rows_unchanged = rows_unchanged + $4, rows_rejected = rows_rejected + $5, rows_unlinked = rows_unlinked + $6,
    changes = (
        select coalesce(jsonb_object_agg(key, rows), '{}') from (
            select key, sum(value::integer) as rows
            from (select * from jsonb_each_text(changes) union all select * from jsonb_each_text($7)) as told
            group by key
        ) as counted
    )
where file_id = $1
"""
SAVE_ABSENT = "update feed_file set absent_ended = absent_ended + $2 where file_id = $1"
FINISH_FILE = """
update feed_file set state = $2, processed_at = clock_timestamp() where file_id = $1 returning processed_at
"""
LOAD_REJECTIONS = """
select code, count(*) as rows from feed_row where file_id = $1 and outcome = 'rejected' and row > 0
group by code order by code
"""
HAS_UNSTORABLE = "select exists (select from feed_row where file_id = $1 and code = $2)"
LOAD_REFUSALS = """
select code, count(*) as rows from feed_row where file_id = $1 and outcome = 'rejected' group by code
"""
LOAD_REJECTS = """
select row, feed_row.segment, feed_row.field, feed_row.code, feed_row.expected, doubtful_id, state as doubtful_state
from feed_row left join doubtful_row using (file_id, row)
where file_id = $1 and outcome = 'rejected' and row > $2 order by row limit $3
"""
LOAD_ROWS = """
select row, outcome, feed_row.changes, feed_row.segment, feed_row.field, feed_row.code, feed_row.expected,
    state as doubtful_state
from feed_row left join doubtful_row using (file_id, row)
where file_id = $1 and row > $2 and ($3::text is null or $3 = any(string_to_array(feed_row.changes, ',')))
order by row limit $4
"""
# What readers found odd, and what turned out odd when the row took effect.
LOAD_NOTICES = """
select row, segment, field, code, expected from feed_notice where file_id = $1
union all
select row, segment, field, code, expected from feed_row
where file_id = $1 and outcome <> 'rejected' and expected is not null
order by row, segment nulls last, field, code limit $2
"""
INTAKE_ID = 0x7663635F696E  # "vcc_in"
LOCK_INTAKE = "select pg_try_advisory_lock($1)"
KEEP_LOCK = "select 1"

UNKNOWN_FILES = """
select position from unnest($1::uuid[]) with ordinality as said (file_id, position)
left join feed_file using (file_id)
where processed_at is null
"""
OWNED: Mapping[type[Event], Owned] = {FeedFileProcessedV1: Owned(("file_id",), UNKNOWN_FILES)}


@dataclass(frozen=True, slots=True)
class FeedFile:
    """One file and how far it is. The fields are the columns of its table, in their order. `tenant_id` is who sent
    it, `plan` whose members it speaks of."""

    file_id: UUID
    file_no: int
    tenant_id: str
    sha256: str
    size_bytes: int
    profile: str | None
    kind: str | None
    sender: str | None
    plan: str | None
    state: str
    cursor_row: int
    rows_accepted: int
    rows_unchanged: int
    rows_rejected: int
    rows_unlinked: int
    is_full: bool
    absent_ended: int
    absence: str | None
    received_at: datetime
    processed_at: datetime | None
    said_at: datetime | None
    held: str | None
    decision: str | None
    decided_at: datetime | None
    absent_before: int | None
    absent_on: date | None
    changes: Mapping[str, int]

    @property
    def rows_read(self) -> int:
        return self.rows_accepted + self.rows_rejected


async def lock_intake(connection: Connection) -> bool:
    """True for the one worker that takes files in, as long as its connection lives."""
    is_ours: bool = await connection.fetchval(LOCK_INTAKE, INTAKE_ID)
    return is_ours


async def keep_lock(connection: Connection) -> None:
    """A fault if the connection, and the lock with it, is gone."""
    await connection.execute(KEEP_LOCK)


async def insert_file(
    connection: Connection,
    file_id: UUID,
    tenant: str,
    sha256: str,
    size_bytes: int,
    profile: str | None,
    content_sha256: str | None = None,
) -> FeedFile | None:
    """Register a file, or None if this tenant sent the same bytes, or the same content, before."""
    return _file(await connection.fetchrow(INSERT_FILE, file_id, tenant, sha256, size_bytes, profile, content_sha256))


async def save_chunks(connection: Connection, file_id: UUID, stream: IO[bytes]) -> None:
    """Keep the bytes in the transaction that accepts the file, so that no accepted file can be lost."""
    position = 0
    while chunk := stream.read(CHUNK_BYTES):
        await connection.execute(INSERT_CHUNK, file_id, position, chunk)
        position += 1


async def load_chunks(connection: Connection, file_id: UUID) -> AsyncIterator[bytes]:
    position = 0
    while (chunk := await connection.fetchval(LOAD_CHUNK, file_id, position)) is not None:
        yield chunk
        position += 1


async def delete_chunks(connection: Connection, older_than_days: int) -> None:
    """Forget the bytes of files that were processed long ago; their rows' outcomes stay."""
    await connection.execute(DELETE_CHUNKS, older_than_days)


async def load_file_by_sha256(
    connection: Connection, tenant: str, sha256: str, content_sha256: str | None = None
) -> FeedFile | None:
    return _file(await connection.fetchrow(LOAD_FILE_BY_SHA256, tenant, sha256, content_sha256))


async def load_file(connection: Connection, file_id: UUID) -> FeedFile | None:
    return _file(await connection.fetchrow(LOAD_FILE, file_id))


async def find_and_lock(connection: Connection, file_id: UUID) -> FeedFile | None:
    return _file(await connection.fetchrow(LOCK_FILE, file_id))


async def lock_file(connection: Connection, file_id: UUID) -> FeedFile:
    """The file as it is now; nobody else works on it until this transaction ends."""
    found = await find_and_lock(connection, file_id)
    assert found is not None, "files are never deleted"
    return found


async def load_files(
    connection: Connection, before_no: int | None, limit: int, *, only_held: bool = False
) -> list[FeedFile]:
    """The newest first; on demand only what waits for a person."""
    return [
        FeedFile(*row) for row in await connection.fetch(LOAD_FILES, before_no, limit, only_held, AbsenceState.TOO_MANY)
    ]


async def load_next(connection: Connection) -> FeedFile | None:
    """The file to work on: the first one in the order of submission that isn't done."""
    return _file(await connection.fetchrow(LOAD_NEXT))


async def load_released(connection: Connection) -> FeedFile | None:
    """A file of which a person released what it says of those who are not in it."""
    return _file(await connection.fetchrow(LOAD_RELEASED, AbsenceState.RELEASED))


async def hold_file(connection: Connection, file_id: UUID, why: str) -> None:
    await connection.execute(HOLD, file_id, why)


async def save_decision(connection: Connection, file_id: UUID, decision: str, by: str, why: str) -> None:
    """What a person decided of a file that waits, or of the absence that it told of."""
    await connection.execute(SAVE_DECISION, file_id, decision, by, why, AbsenceState.TOO_MANY)
    await absence_store.decide(connection, file_id, decision)


async def end_release(connection: Connection, file_id: UUID) -> None:
    await connection.execute(END_RELEASE, file_id, AbsenceState.APPLIED, AbsenceState.RELEASED)


async def save_header(
    connection: Connection,
    file_id: UUID,
    kind: str | None,
    sender: str | None,
    plan: str | None,
    *,
    is_full: bool,
) -> None:
    await connection.execute(SAVE_HEADER, file_id, kind, sender, plan, is_full)


async def save_said_at(connection: Connection, file_id: UUID, said_at: datetime) -> None:
    """Note the instant of what the file says; of several, the first."""
    await connection.execute(SAVE_SAID_AT, file_id, said_at)


async def save_rows(connection: Connection, file_id: UUID, rows: Sequence[RowResult], cursor_row: int) -> None:
    """Keep what became of these rows and go on behind them."""
    plain, told = [one for one in rows if one.code is None], [one for one in rows if one.code is not None]
    if plain:
        outcomes = text_array([one.outcome for one in plain])
        changes = text_array([",".join(one.changes) for one in plain])
        await connection.execute(SAVE_OUTCOMES, file_id, [one.row for one in plain], outcomes, changes)
    if told:
        reasons = columns_of(RowResult, told, changes=[",".join(one.changes) for one in told])
        await connection.execute(SAVE_REASONS, file_id, *reasons)
    count = [sum(o.outcome == outcome and o.row > 0 for o in rows) for outcome in ("unchanged", "rejected", "unlinked")]
    accepted = sum(o.outcome != "rejected" for o in rows)
    tally = Counter(change for one in rows for change in one.changes)
    await connection.execute(SAVE_PROGRESS, file_id, cursor_row, accepted, *count, dict(tally))


async def save_notices(
    connection: Connection, file_id: UUID, notices: Sequence[tuple[int, int, int, str, str, str]]
) -> None:
    if notices:
        await connection.execute(SAVE_NOTICES, file_id, *zip(*notices, strict=True))


async def save_absent(connection: Connection, file_id: UUID, ended: int) -> None:
    await connection.execute(SAVE_ABSENT, file_id, ended)


async def finish_file(connection: Connection, file_id: UUID, state: str) -> datetime:
    finished_at: datetime = await connection.fetchval(FINISH_FILE, file_id, state)
    return finished_at


async def load_rejections(connection: Connection, file_id: UUID) -> list[tuple[str, int]]:
    """How many rows were rejected for each reason."""
    return [(row["code"], row["rows"]) for row in await connection.fetch(LOAD_REJECTIONS, file_id)]


async def load_refusals(connection: Connection, file_id: UUID) -> list[tuple[str, int]]:
    """The same with what was said of the file as a whole, which is no row."""
    return [(row["code"], row["rows"]) for row in await connection.fetch(LOAD_REFUSALS, file_id)]


async def has_unstorable(connection: Connection, file_id: UUID) -> bool:
    """Whether a row was set aside that the database can't store, and that may be about anybody."""
    found: bool = await connection.fetchval(HAS_UNSTORABLE, file_id, UNSTORABLE)
    return found


async def load_rejects(connection: Connection, file_id: UUID, after_row: int, limit: int) -> list[Mapping[str, Any]]:
    return [dict(row) for row in await connection.fetch(LOAD_REJECTS, file_id, after_row, limit)]


async def load_rows(
    connection: Connection, file_id: UUID, after_row: int, change: str | None, limit: int
) -> list[Mapping[str, Any]]:
    """Rows in the file's order with what became of them and what they changed."""
    return [dict(row) for row in await connection.fetch(LOAD_ROWS, file_id, after_row, change, limit)]


async def load_notices(connection: Connection, file_id: UUID, limit: int) -> list[Mapping[str, Any]]:
    return [dict(row) for row in await connection.fetch(LOAD_NOTICES, file_id, limit)]


def _file(row: asyncpg.Record | None) -> FeedFile | None:
    return None if row is None else FeedFile(*row)
