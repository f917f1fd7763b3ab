"""Which evidence made two tokens one person, and what both had before. All SQL of it."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from services.eligibility.people.parting import Join, Joined
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.resealing import Sealed
from services.kit.rows import into
from services.kit.sealed import KeyRingError, SealError

SEALED = Sealed(
    table="person_join",
    column="sealed_kept",
    row="join_id::text",
    plain="convert_to(kept::text, 'UTF8')",
    clear="kept = null",
)
"""Both's entries in plans, and what was said of them."""
INSERT = """
insert into person_join (join_id, survivor, retired, tokens, tenant_id, pair_id, file_no, joined_on, sealed_kept, kept)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb)
"""
_TOLD = """
join_id, join_no, survivor, retired, tokens, tenant_id, pair_id, file_no, joined_on, joined_at, withdrawn_at, reason
"""
LOAD_ONE = f"select {_TOLD}, kept, sealed_kept from person_join where join_id = $1"
LOCK_ONE = f"{LOAD_ONE} for update"
FIND_OF_PAIR = "select join_id from person_join where pair_id = $1 and withdrawn_at is null order by join_no desc"
LOAD_PAGE = f"""
select {_TOLD} from person_join
where join_no > $1 and ($2::boolean or withdrawn_at is null) order by join_no limit $3
"""
# Of either person: what was kept of the older one says nothing of what the newer one brought.
IS_FOLLOWED = """
select exists (
    select from person_join as one join person_join as later on later.join_no > one.join_no
        and later.withdrawn_at is null
        and (one.survivor in (later.survivor, later.retired) or one.retired in (later.survivor, later.retired))
    where one.join_id = $1
)
"""
WITHDRAW = """
update person_join
set withdrawn_at = clock_timestamp(), withdrawn_by = $2, reason = $3, kept = null, sealed_kept = null
where join_id = $1
"""


async def save_join(
    connection: Connection, joined: Joined, tokens: Sequence[UUID], document: str,
    evidence: tuple[UUID | None, int | None], on: date,
) -> None:  # fmt: skip
    """Keep what made both one. `evidence`: the pair that a person decided, or the file of a plan's correction."""
    join_id = new_id()
    [sealed], [plain] = SEALED.kept(connection, [document.encode()], [str(join_id)])
    plainly = plain.decode() if plain else None
    whose = joined.plan or "*"
    await connection.execute(
        INSERT, join_id, joined.survivor, joined.retired, list(tokens), whose, *evidence, on, sealed, plainly
    )


async def lock_join(connection: Connection, join_id: UUID) -> tuple[Join, Any] | None:
    """The join, which nobody else takes back now, and what was kept of it; None in its place: it can't be read."""
    row = await connection.fetchrow(LOCK_ONE, join_id)
    return None if row is None else (_join(row), _document(connection, row))


async def load_join(connection: Connection, join_id: UUID) -> Join | None:
    row = await connection.fetchrow(LOAD_ONE, join_id)
    return None if row is None else _join(row)


async def find_of_pair(connection: Connection, pair_id: UUID) -> UUID | None:
    """By which join this pair is one; none if that is not kept."""
    join_id: UUID | None = await connection.fetchval(FIND_OF_PAIR, pair_id)
    return join_id


async def load_page(connection: Connection, after: int, *, is_any: bool, limit: int) -> list[Join]:
    """The oldest first; those that were taken back only if any are wanted."""
    return [_join(row) for row in await connection.fetch(LOAD_PAGE, after, is_any, limit)]


async def is_followed(connection: Connection, join_id: UUID) -> bool:
    """Whether one of both was joined with somebody else since, which stands."""
    return bool(await connection.fetchval(IS_FOLLOWED, join_id))


async def withdraw(connection: Connection, join_id: UUID, by: str, reason: str) -> None:
    """It stands no more; what both had before need not be kept any longer."""
    await connection.execute(WITHDRAW, join_id, by, reason)


def _join(row: asyncpg.Record) -> Join:
    return into(Join, row, tokens=list(row["tokens"]))


def _document(connection: Connection, row: asyncpg.Record) -> Any:
    if row["sealed_kept"] is None:
        return row["kept"]
    try:
        return json.loads(SEALED.open(connection, [row["sealed_kept"]], [str(row["join_id"])])[0])
    except (KeyRingError, SealError) as error:
        structlog.get_logger().warning("join unreadable", join_id=str(row["join_id"]), reason=str(error))
        return None
