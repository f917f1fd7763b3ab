"""Feed files, how far each is, and what a person decided of it. All SQL of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from schemas.eligibility_v1 import FeedFileProcessedV1
from schemas.envelope import Event
from services.eligibility.intake.store import absence as absence_store
from services.eligibility.intake.store.absence import AbsenceState
from services.kit.own_log import Owned
from services.kit.postgres import Connection
from services.kit.rows import into

PartOf = tuple[str, int, int]
"""The name of a list, which part of it a file is, and of how many."""
NEWS = "feed-files"
"""The signal to this process's intake that a file was accepted or decided on."""

FILE_COLUMNS = f"""
    file_id, file_no, tenant_id, sha256, size_bytes, profile, kind, sender, plan, state, cursor_row, rows_accepted,
    rows_unchanged, rows_rejected, rows_unlinked, is_full, {absence_store.ENDED_OF_FILE}, {absence_store.TOLD_OF_FILE},
    received_at, processed_at, said_at, held, decision, decided_at, changes, cut_short, list_name, part, parts
"""
INSERT_FILE = f"""
insert into feed_file (
    file_id, tenant_id, sha256, size_bytes, profile, state, content_sha256, lane, list_name, part, parts
)
values ($1, $2, $3, $4, $5, 'received', $6, $7, $8, $9, $10)
on conflict do nothing
returning {FILE_COLUMNS}
"""
LOAD_FILE_BY_SHA256 = f"""
select {FILE_COLUMNS} from feed_file
where tenant_id = $1 and (sha256 = $2 or content_sha256 = $3) and state <> 'cancelled'
order by sha256 = $2 desc limit 1
"""
LOAD_FILE = f"select {FILE_COLUMNS} from feed_file where file_id = $1"
LOCK_FILE = LOAD_FILE + " for update"
LOAD_FILES = f"""
select {FILE_COLUMNS} from feed_file where ($1::bigint is null or file_no < $1)
    and (not $3 or state = 'held' or exists (
        select from feed_absence where feed_absence.file_id = feed_file.file_id and absence = $4
    ))
order by file_no desc limit $2
"""
HOLD = "update feed_file set state = 'held', held = $2 where file_id = $1"
SAVE_DECISION = """
update feed_file
set decision = $2, decided_by = $3, decided_why = $4, decided_at = clock_timestamp(),
    state = case when state <> 'held' then state when $2 = 'released' then 'received' else 'refused' end,
    processed_at = case when state = 'held' and $2 = 'refused' then clock_timestamp() else processed_at end
where file_id = $1
    and (state = 'held' or exists (select from feed_absence where feed_absence.file_id = $1 and absence = $5))
"""
SAVE_HEADER = """
update feed_file
set kind = coalesce($2, kind), sender = coalesce($3, sender), plan = coalesce($4, plan), is_full = is_full or $5
where file_id = $1
"""
SAVE_SAID_AT = "update feed_file set said_at = least(said_at, $2) where file_id = $1"
CANCEL = """
update feed_file
set state = 'cancelled', cut_short = 'cancelled', decision = 'cancelled', decided_by = $2, decided_why = $3,
    decided_at = clock_timestamp(), processed_at = clock_timestamp()
where file_id = $1
"""
STOP = "update feed_file set state = 'stopped', cut_short = $2, processed_at = clock_timestamp() where file_id = $1"
FINISH_FILE = """
update feed_file set state = $2, processed_at = clock_timestamp() where file_id = $1 returning processed_at
"""
REJECTED = """
select sender, coalesce(kind, 'unknown') as kind, sum(rows_rejected)::bigint as rejected,
    sum(rows_accepted + rows_unchanged + rows_unlinked + rows_rejected)::bigint as rows
from feed_file
where processed_at > clock_timestamp() - interval '24 hours' and state in ('processed', 'stopped', 'refused')
group by 1, 2
"""
"""How many rows of what each sender sent lately were rejected, and of how many."""
DAYS_OF_SENDERS = """
with zone as (select coalesce((select time_zone from clock), 'UTC') as name), came as (
    select distinct sender, kind, (received_at at time zone zone.name)::date as came_on
    from feed_file cross join zone
    where received_at > clock_timestamp() - interval '800 days' and state <> 'cancelled'
        and sender is not null and kind is not null
), numbered as (
    select *, row_number() over (partition by sender, kind order by came_on desc) as newest from came
)
select sender, kind, array_agg(came_on order by came_on) as days,
    (clock_timestamp() at time zone (select name from zone))::date as today
from numbered where newest <= 10 group by 1, 2
"""
"""The last ten days on which something came from each sender. The window shows a habit of half a
year, and that it is broken."""

UNKNOWN_FILES = """
select position from unnest($1::uuid[]) with ordinality as said (file_id, position)
left join feed_file using (file_id)
where processed_at is null
"""
OWNED: Mapping[type[Event], Owned] = {FeedFileProcessedV1: Owned(("file_id",), UNKNOWN_FILES)}


@dataclass(frozen=True, slots=True)
class FeedFile:
    """One file and how far it is. The fields are the names of `FILE_COLUMNS`. `tenant_id` is who sent it, `plan`
    whose members it speaks of; `absence` and `absent_ended` are what its lists tell together."""

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
    changes: Mapping[str, int]
    cut_short: str | None
    list_name: str | None = None
    part: int | None = None
    parts: int | None = None

    @property
    def rows_read(self) -> int:
        return self.rows_accepted + self.rows_rejected

    @property
    def is_being_read(self) -> bool:
        """Whether rows of it are still to come."""
        return self.state in {"received", "processing"}

    @property
    def may_be_cancelled(self) -> bool:
        """Until it is read to its end, and what it says of the absent is judged."""
        return self.state in {"received", "processing", "held"} and self.absence is None


async def insert_file(
    connection: Connection,
    file_id: UUID,
    tenant: str,
    sha256: str,
    size_bytes: int,
    profile: str | None,
    content_sha256: str | None = None,
    *,
    lane: str | None = None,
    part_of: PartOf | None = None,
) -> FeedFile | None:
    """Register a file, or None if this tenant sent the same bytes, or content, before and did not cancel it."""
    about = tenant, sha256, size_bytes, profile, content_sha256, lane, *(part_of or (None, None, None))
    return _file(await connection.fetchrow(INSERT_FILE, file_id, *about))


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
    rows = await connection.fetch(LOAD_FILES, before_no, limit, only_held, AbsenceState.TOO_MANY)
    return [into(FeedFile, row) for row in rows]


async def hold_file(connection: Connection, file_id: UUID, why: str) -> None:
    await connection.execute(HOLD, file_id, why)


async def save_decision(connection: Connection, file_id: UUID, decision: str, by: str, why: str) -> None:
    """What a person decided of a file that waits, or of the absence that it told of."""
    await connection.execute(SAVE_DECISION, file_id, decision, by, why, AbsenceState.TOO_MANY)
    await absence_store.decide(connection, file_id, decision)


async def cancel_file(connection: Connection, file_id: UUID, by: str, why: str) -> None:
    """What was read of it stays; nothing more will be."""
    await connection.execute(CANCEL, file_id, by, why)


async def stop_file(connection: Connection, file_id: UUID, why: str) -> None:
    """End a file before its end, for a reason of its own."""
    await connection.execute(STOP, file_id, why)


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


async def finish_file(connection: Connection, file_id: UUID, state: str) -> datetime:
    finished_at: datetime = await connection.fetchval(FINISH_FILE, file_id, state)
    return finished_at


def _file(row: asyncpg.Record | None) -> FeedFile | None:
    return None if row is None else into(FeedFile, row)
