"""The last answer given for each enrolment, and who is to be asked again. All SQL of it, batch first."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from schemas.eligibility_v1 import MemberEligibilityDecidedV1
from schemas.envelope import Event
from services.eligibility.decisions.decision import LastDecision
from services.kit.own_log import Owned
from services.kit.postgres import Connection, text_array
from services.kit.rows import into

NOBODY = UUID(int=0)
ASK_EVERYBODY = """
insert into sweep (after_token) values ($1)
on conflict (is_only) do update set after_token = excluded.after_token, sweep_no = excluded.sweep_no
"""
LOAD_SWEEP = "select sweep_no, after_token from sweep"
LOAD_SWEPT = "select distinct member_token from enrolment where member_token > $1 order by member_token limit $2"
ADVANCE_SWEEP = "update sweep set after_token = $3 where (sweep_no, after_token) = ($1, $2)"
END_SWEEP = "delete from sweep where (sweep_no, after_token) = ($1, $2)"
LOAD_DECISIONS = """
select enrolment_id, programme_id, version, digest, recheck_on, cap_group, cap_rank from decision
where enrolment_id = any($1::uuid[])
"""
SAVE_DECISIONS = """
insert into decision (enrolment_id, programme_id, version, digest, fact, recheck_on, cap_group, cap_rank)
select enrolment_id, programme_id, version, digest, fact::jsonb, recheck_on, cap_group, cap_rank
from unnest(
    $1::uuid[], $2::text::text[], $3::integer[], $4::text::text[], $5::text[], $6::date[], $7::text[], $8::bigint[]
) as row (enrolment_id, programme_id, version, digest, fact, recheck_on, cap_group, cap_rank)
on conflict (enrolment_id, programme_id) do update
set version = excluded.version, digest = excluded.digest, recheck_on = excluded.recheck_on,
    fact = coalesce(excluded.fact, decision.fact), cap_group = excluded.cap_group, cap_rank = excluded.cap_rank
"""
LOAD_STANDING = """
select enrolment_id, fact->>'status' = 'eligible' as is_eligible, fact->'reasons' as reasons
from enrolment join decision using (enrolment_id)
where member_token = any($1::uuid[]) and programme_id = $2 and fact is not null
"""
LOAD_DUE = """
with due as materialized (
    select enrolment_id from decision where recheck_on <= $1 and programme_id = any($2::text[])
    order by recheck_on limit $3
)
select distinct member_token from due join enrolment using (enrolment_id) order by member_token
"""
POSTPONE = """
update decision set recheck_on = $2 from enrolment
where enrolment.enrolment_id = decision.enrolment_id and enrolment.member_token = $1
"""
WAITING = """
select
    (select count(*) from decision where recheck_on <= business_on)
    + (select count(*) from sweep)
    + (select count(*) from dose where not is_announced and not is_retracted and administered_on <= business_on)
    + (select count(distinct programme_id) from programme
        where exists (
            select from decision where decision.programme_id = programme.programme_id and cap_group is not null
        ) and not exists (
            select from cap_considered as seen
            where seen.programme_id = programme.programme_id and considered_on >= business_on
        ))
from (select max(business_on) as business_on from clock) as clock
"""
"""Answers that the open day may change, everybody while a sweep goes on, doses whose day has come, caps to be drawn."""
LOAD_FACTS = """
select tenant_id, member_id, enrolment_id, programme_id, fact
from enrolment left join decision using (enrolment_id)
where member_token = $1 order by tenant_id, programme_id
"""

RESTATE = "update decision set digest = '' where enrolment_id = any($1::uuid[])"
UNKNOWN_DECISIONS = """
select position
from unnest($1::uuid[], $2::text[], $3::numeric[])
    with ordinality as said (enrolment_id, programme_id, said_version, position)
left join decision using (enrolment_id, programme_id)
where version is null or version < said_version
"""
OWNED: Mapping[type[Event], Owned] = {
    MemberEligibilityDecidedV1: Owned(("enrolment_id", "programme_id", "version"), UNKNOWN_DECISIONS)
}


class StandingFact(NamedTuple):
    """The last fact of an enrolment under a programme; None where there is none yet."""

    tenant_id: str
    member_id: str
    enrolment_id: UUID
    programme_id: str | None
    fact: MemberEligibilityDecidedV1 | None


class Sweep(NamedTuple):
    """One round of asking everybody: behind whom it stands, and who comes next."""

    sweep_no: int
    after: UUID
    tokens: list[UUID]


async def ask_everybody(connection: Connection) -> None:
    """Have every enrolment decided anew, from the first person on."""
    await connection.execute(ASK_EVERYBODY, NOBODY)


async def load_sweep(connection: Connection, limit: int) -> Sweep | None:
    """Where the sweep stands, and who comes next; None: there is none."""
    row = await connection.fetchrow(LOAD_SWEEP)
    if row is None:
        return None
    tokens = [swept["member_token"] for swept in await connection.fetch(LOAD_SWEPT, row["after_token"], limit)]
    return Sweep(row["sweep_no"], row["after_token"], tokens)


async def advance_sweep(connection: Connection, sweep: Sweep) -> None:
    """On behind those who came next, or ended if nobody did. A sweep that began since, or that another process moved,
    stays where it is."""
    if sweep.tokens:
        await connection.execute(ADVANCE_SWEEP, sweep.sweep_no, sweep.after, sweep.tokens[-1])
    else:
        await connection.execute(END_SWEEP, sweep.sweep_no, sweep.after)


async def load_decisions(
    connection: Connection, enrolment_ids: Collection[UUID]
) -> dict[tuple[UUID, str], LastDecision]:
    rows = await connection.fetch(LOAD_DECISIONS, list(enrolment_ids))
    return {(row["enrolment_id"], row["programme_id"]): into(LastDecision, row) for row in rows}


async def restate(connection: Connection, enrolment_ids: Collection[UUID]) -> None:
    """Let the next answer about these be told, whatever it is: they stand under another token."""
    await connection.execute(RESTATE, list(enrolment_ids))


async def load_standing(
    connection: Connection, tokens: Collection[UUID], programme_id: str
) -> dict[UUID, tuple[bool, tuple[str, ...]]]:
    """Whether each enrolment is eligible under the programme, and the reasons why not."""
    rows = await connection.fetch(LOAD_STANDING, list(tokens), programme_id)
    return {row["enrolment_id"]: (row["is_eligible"], tuple(row["reasons"])) for row in rows}


async def save_decisions(connection: Connection, decisions: Sequence[tuple[LastDecision, str | None]]) -> None:
    """Each with the fact that announces it, as JSON, or None where only the day of the next look changed."""
    if not decisions:
        return
    ordered = sorted(decisions, key=lambda pair: (pair[0].enrolment_id, pair[0].programme_id))
    ids, programmes, versions, digests, rechecks, groups, ranks = zip(
        *(decision for decision, _ in ordered), strict=True
    )
    await connection.execute(
        SAVE_DECISIONS, ids, text_array(programmes), versions, text_array(digests), [fact for _, fact in ordered],
        rechecks, groups, ranks,
    )  # fmt: skip


async def load_due(connection: Connection, business_on: date, programme_ids: Sequence[str], limit: int) -> list[UUID]:
    """Some persons whose answer the passing of time may have changed."""
    return [row["member_token"] for row in await connection.fetch(LOAD_DUE, business_on, programme_ids, limit)]


async def postpone(connection: Connection, member_token: UUID, to: date) -> None:
    """Have a person decided again on that day, and not before for time's sake. The person must be locked."""
    await connection.execute(POSTPONE, member_token, to)


async def load_facts(connection: Connection, member_token: UUID) -> list[StandingFact]:
    """The last fact of each of a person's enrolments that the transaction's tenant may see."""
    return [
        StandingFact._make((*about, MemberEligibilityDecidedV1.model_validate(fact) if fact else None))
        for *about, fact in await connection.fetch(LOAD_FACTS, member_token)
    ]
