"""Pairs of two plans' members who are possibly one person, and what was decided of them. All SQL of it, batch first."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.eligibility.people.possibly_one import Pair
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.rows import into

INSERT = """
insert into possibly_one (pair_id, member_token, other)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[]) on conflict (member_token, other) do nothing
"""
MOVE = """
with gone as (
    delete from possibly_one where $2 in (member_token, other) and state <> 'one-person'
    returning *, case when member_token = $2 then other else member_token end as kin
)
insert into possibly_one as known (pair_id, member_token, other, state, opened_at, closed_at, closed_by, reason)
select pair_id, least($1, kin), greatest($1, kin), state, opened_at, closed_at, closed_by, reason
from gone where kin <> $1
on conflict (member_token, other) do update
set state = excluded.state, closed_at = excluded.closed_at, closed_by = excluded.closed_by, reason = excluded.reason
where known.state = 'waiting'
"""
_TOLD = "pair_id, member_token, other, state, opened_at, closed_at, reason"
LOAD_ONE = f"select {_TOLD} from possibly_one where pair_id = $1"
LOCK_ONE = f"{LOAD_ONE} for update"
LOAD_PAGE = f"""
select {_TOLD} from possibly_one where pair_id > $1 and ($2::text is null or state = $2) order by pair_id limit $3
"""
DECIDE = """
update possibly_one
set state = $2, closed_by = $3, reason = $4, closed_at = case when $2 <> 'waiting' then clock_timestamp() end
where pair_id = $1
"""


class Told(NamedTuple):
    """A pair as it is told, by tokens alone."""

    pair_id: UUID
    member_token: UUID
    other: UUID
    state: str
    opened_at: datetime
    closed_at: datetime | None
    reason: str | None

    @property
    def pair(self) -> Pair:
        return self.member_token, self.other


async def save_pairs(connection: Connection, pairs: Collection[Pair]) -> None:
    """Those that are not known yet begin to wait."""
    if ordered := sorted(pairs):
        await connection.execute(INSERT, [new_id() for _ in ordered], *zip(*ordered, strict=True))


async def load_one(connection: Connection, pair_id: UUID) -> Told | None:
    row = await connection.fetchrow(LOAD_ONE, pair_id)
    return into(Told, row) if row is not None else None


async def lock_one(connection: Connection, pair_id: UUID) -> Told | None:
    """For a decision: nobody else decides it now."""
    row = await connection.fetchrow(LOCK_ONE, pair_id)
    return into(Told, row) if row is not None else None


async def load_page(connection: Connection, after: UUID, state: str | None, limit: int) -> list[Told]:
    """The oldest first."""
    return [into(Told, row) for row in await connection.fetch(LOAD_PAGE, after, state, limit)]


async def save_decision(connection: Connection, pair_id: UUID, state: str, by: str, why: str) -> None:
    """What a person decided, or that the pair waits again."""
    await connection.execute(DECIDE, pair_id, state, by, why)
