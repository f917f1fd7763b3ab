"""SQL of what holds for both of two who were one: what callers were asked while nobody could say who of them asked. A
token's person keeps since when it stands for somebody else."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from services.kit.postgres import Connection

NOTE_JOINED = """
insert into joined_token (member_token, joined_at) select * from unnest($1::uuid[], $2::timestamptz[])
on conflict (member_token) do update set joined_at = excluded.joined_at
"""
# A token that stands for itself again was joined at an instant; where it is not known, whatever was asked is held. What
# an opt-in for the same enrolment has taken back is not.
HOLD_FOR_BOTH = """
with tokens as (select * from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as told (member_token, was, is_now)),
since as (
    select was, case when bool_and(joined_at is not null) then min(joined_at) end as since_at
    from tokens left join joined_token using (member_token) where member_token = is_now and is_now <> was group by was
),
said as (
    select source_id, was from statement join tokens using (member_token)
    union
    select source_id, was from statement_for_both join tokens using (member_token)
)
insert into statement_for_both (source_id, member_token)
select source_id, tokens.member_token
from said join tokens using (was) join statement as stop using (source_id) left join since using (was)
where (since_at is null or told_at >= since_at) and not stops <@ array(
    select channel from statement as later cross join unnest(later.resumes) as channel
    where later.enrolment_id = stop.enrolment_id and later.said_at > stop.said_at
)
on conflict do nothing
"""
LOAD_HELD_FOR = "select member_token from statement_for_both where source_id = $1"


async def note_joined(connection: Connection, joined: Mapping[UUID, datetime]) -> None:
    """Since when each of these tokens stands for somebody else; they are locked."""
    if joined:
        await connection.execute(NOTE_JOINED, list(joined), list(joined.values()))


async def hold_for_both(connection: Connection, apart: Mapping[UUID, UUID], persons: Mapping[UUID, UUID]) -> None:
    """Who was one person by these tokens (token → the person) is several now (`persons`): what callers were asked while
    they were one goes on to hold for each of them. Opt-ins, refusals and promises are of whom the enrolment stands for;
    deaths eligibility has told apart."""
    if apart:
        now = [persons[member_token] for member_token in apart]
        await connection.execute(HOLD_FOR_BOTH, list(apart), list(apart.values()), now)


async def load_held_for(connection: Connection, source_id: UUID) -> set[UUID]:
    """For whom else holds what this attempt said: they were one person with the member then."""
    return {row["member_token"] for row in await connection.fetch(LOAD_HELD_FOR, source_id)}
