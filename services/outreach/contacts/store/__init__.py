"""SQL of contacts: attempts, which are never changed, retractions, and what persons have said to whichever plan."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

import asyncpg

from schemas.envelope import Event
from schemas.outreach_v1 import Channel, ContactAttemptLoggedV1, ContactAttemptRetractedV1, Direction, Disposition
from schemas.scheduling_v1 import MEMBER_DIED
from services.kit.own_log import Owned
from services.kit.postgres import Connection
from services.kit.rows import grouped, into, names
from services.outreach.contacts.dispositions import Stance
from services.outreach.contacts.rules import Attempt, AttemptOnRecord, LoggedAttempt, NewAttempt, Statement

LOAD_ATTEMPTS = """
select member_token, tenant_id, attempt_id, programme_id, enrolment_id, channel, disposition, attempted_at, counted_on,
    worker_id, callback_at, callback_on, language, place, direction, reach
from attempt
where member_token = any($1)
    and not exists (select from attempt_retraction as taken where taken.attempt_id = attempt.attempt_id)
order by attempted_at, attempt_id
"""
# What holds for both of two who were one stands under either token, and of another one's word nothing holds but what it
# stops; said of one person it counts once, and wholly if it is his own.
LOAD_STATEMENTS = """
with mine as (
    select source_id, member_token, true as is_own from statement where member_token = any($1)
    union all
    select source_id, member_token, false from statement_for_both where member_token = any($1)
)
select mine.member_token, source_id, s.tenant_id, s.programme_id, p.vaccine_group, s.said_at, s.counted_on, s.told_at,
    case when is_own then s.stance end as stance, s.stops, case when is_own then s.resumes else '{}' end as resumes,
    is_own and s.reports_death as reports_death
from mine join statement as s using (source_id) left join programme as p using (programme_id)
order by s.said_at, source_id, is_own
"""
# Attempts, and what was said in them, are of whoever's enrolment they were made for.
MOVE_ATTEMPTS = """
update attempt set member_token = moved.member_token
from unnest($1::uuid[], $2::uuid[]) as moved (enrolment_id, member_token)
where attempt.enrolment_id = moved.enrolment_id
"""
MOVE_STATEMENTS = """
update statement set member_token = moved.member_token
from unnest($1::uuid[], $2::uuid[]) as moved (enrolment_id, member_token)
where statement.enrolment_id = moved.enrolment_id
"""

LOAD_ATTEMPTS_OF_CASE = """
select attempt_id, channel, disposition, direction, against, attempted_at, attempted_on, attempt.worker_id, given,
    topics, barriers, refusal_domain, callback_at, language, stopped as stopped_channels, resumed as resumed_channels,
    taken.retracted_on, taken.reason as retracted_for, taken.worker_id as retracted_by
from attempt left join attempt_retraction as taken using (attempt_id)
where case_id = $1 order by attempted_at, attempt_id
"""
SAVE_ATTEMPT = f"""
insert into attempt ({", ".join(names(NewAttempt))})
values ({", ".join(f"${number}" for number, _ in enumerate(names(NewAttempt), 1))})
"""
SAVE_STATEMENT = """
insert into statement (source_id, tenant_id, member_token, programme_id, said_at, counted_on, told_at, stance, stops,
    resumes, reports_death, enrolment_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""

LOAD_ATTEMPT = """
select attempt_id, case_id, enrolment_id, programme_id, tenant_id, member_token, worker_id, logged_at,
    clock_timestamp() as asked_at
from attempt where attempt_id = $1
"""
SAVE_RETRACTION = """
insert into attempt_retraction (attempt_id, tenant_id, worker_id, reason, retracted_on, retracted_at)
values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning true
"""
FORGET_STATEMENTS = """
with held as (delete from statement_for_both where source_id = any($1))
delete from statement where source_id = any($1)
"""

# A site that cancels because the member died reports a death, unless it was the news itself that cancelled.
SAVE_DEATH_REPORTS = """
insert into statement (source_id, tenant_id, member_token, programme_id, said_at, counted_on, told_at, stance, stops,
    resumes, reports_death, enrolment_id)
select appointment_id, tenant_id, coalesce(held.member_token, appointment.member_token), programme_id, told_at,
    changed_on, told_at, null, '{}', '{}', true, enrolment_id
from appointment left join enrolment as held using (enrolment_id, programme_id, tenant_id)
where appointment_id = any($1) and status = 'cancelled' and cancellation_reason = $2 and not by_rule
"""

UNKNOWN_ATTEMPTS = """
select position from unnest($1::uuid[]) with ordinality as said (attempt_id, position)
left join attempt using (attempt_id)
where case_id is null
"""
UNKNOWN_RETRACTIONS = """
select position from unnest($1::uuid[]) with ordinality as said (attempt_id, position)
left join attempt_retraction using (attempt_id)
where reason is null
"""
OWNED: Mapping[type[Event], Owned] = {
    ContactAttemptLoggedV1: Owned(("attempt_id",), UNKNOWN_ATTEMPTS),
    ContactAttemptRetractedV1: Owned(("attempt_id",), UNKNOWN_RETRACTIONS),
}


async def save_attempt(connection: Connection, attempt: NewAttempt) -> None:
    """Keep an attempt."""
    await connection.execute(SAVE_ATTEMPT, *(getattr(attempt, name) for name in names(NewAttempt)))


async def save_statement(connection: Connection, member_token: UUID, enrolment_id: UUID, said: Statement) -> None:
    """Keep what the person said to this enrolment's plan, or what was said of him, for every plan."""
    what = (said.said_at, said.counted_on, said.told_at, said.stance, said.stops, said.resumes, said.reports_death)
    whose = said.source_id, said.tenant_id, member_token, said.programme_id
    await connection.execute(SAVE_STATEMENT, *whose, *what, enrolment_id)


async def move(connection: Connection, moved: Mapping[UUID, UUID]) -> None:
    """These enrolments stand under other tokens now, and with them whatever was tried and said for them."""
    if moved:
        for statement in (MOVE_ATTEMPTS, MOVE_STATEMENTS):
            await connection.execute(statement, list(moved), list(moved.values()))


async def save_death_reports(connection: Connection, appointment_ids: Sequence[UUID]) -> None:
    """Keep a report of death for each of these appointments that a site has cancelled because the member died, and none
    for the others."""
    await forget_statements(connection, appointment_ids)
    await connection.execute(SAVE_DEATH_REPORTS, appointment_ids, MEMBER_DIED)


async def forget_statements(connection: Connection, source_ids: Sequence[UUID]) -> None:
    """Remove what these attempts or appointments said."""
    await connection.execute(FORGET_STATEMENTS, source_ids)


async def load_attempts_of_case(connection: Connection, case_id: UUID) -> list[AttemptOnRecord]:
    """Every attempt of the case in the order in which they were made, also those that were retracted."""
    return [into(AttemptOnRecord, row) for row in await connection.fetch(LOAD_ATTEMPTS_OF_CASE, case_id)]


async def load_attempt(connection: Connection, attempt_id: UUID) -> LoggedAttempt | None:
    """An attempt on record, whether it stands or not; None where there is none, or another plan's."""
    row = await connection.fetchrow(LOAD_ATTEMPT, attempt_id)
    return None if row is None else into(LoggedAttempt, row)


async def save_retraction(
    connection: Connection, attempt: LoggedAttempt, worker_id: str, reason: str, retracted_on: date
) -> bool:
    """Mark the attempt as entered in error. False where that was done before."""
    who_and_why = (worker_id, reason, retracted_on, attempt.asked_at)
    return bool(await connection.fetchval(SAVE_RETRACTION, attempt.attempt_id, attempt.tenant_id, *who_and_why))


async def load_attempts(connection: Connection, persons: Mapping[UUID, UUID]) -> dict[tuple[UUID, str], list[Attempt]]:
    """The attempts with these persons (token → person) that stand, in order, by person and plan."""
    rows = await connection.fetch(LOAD_ATTEMPTS, list(persons))
    return grouped(rows, lambda row: (persons[row["member_token"]], row["tenant_id"]), _attempt)


def _attempt(row: asyncpg.Record) -> Attempt:
    return into(
        Attempt,
        row,
        channel=Channel(row["channel"]),
        disposition=Disposition(row["disposition"]),
        direction=Direction(row["direction"]),
    )


async def load_statements(connection: Connection, persons: Mapping[UUID, UUID]) -> dict[UUID, list[Statement]]:
    """What these persons (token → person) said to whichever plan, in order, by person."""
    rows = await connection.fetch(LOAD_STATEMENTS, list(persons))
    once = {(persons[row["member_token"]], row["source_id"]): row for row in rows}
    return grouped(once.values(), lambda row: persons[row["member_token"]], _statement)


def _statement(row: asyncpg.Record) -> Statement:
    return into(
        Statement,
        row,
        stance=None if row["stance"] is None else Stance(row["stance"]),
        stops=tuple(map(Channel, row["stops"])),
        resumes=tuple(map(Channel, row["resumes"])),
    )
