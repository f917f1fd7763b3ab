"""SQL of cases: what they are decided from, what was decided, who waits to be decided on again, and the weeks' target
ZIPs."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from uuid import UUID

import asyncpg

from schemas.eligibility_v1 import InterpreterNeeded
from schemas.envelope import Event
from schemas.outreach_v1 import CaseChangedV1, CaseClosedReason, CaseStatus, Channel
from schemas.reporting_v1 import TargetZipListedV1
from services.kit.ids import derived_id
from services.kit.own_log import Owned
from services.kit.postgres import Connection
from services.kit.review_queue import ReviewQueue
from services.kit.rows import columns, columns_of, into, names, unnested
from services.outreach.cases.changes import ChangedCase, KnownCase
from services.outreach.cases.evidence import CaseState, Evidence, Flag, OffList, Paused
from services.outreach.contacts import store as contacts
from services.outreach.members import store as members
from services.outreach.members.rules import Enrolment

LOAD_ENROLMENTS = f"""
select {", ".join(f"e.{name}" for name in names(Enrolment))}, p.vaccine_group,
    greatest((select business_on from business_day), e.decided_on) as today, coalesce(t.listed, false) as listed,
    c.case_id, c.version as case_version, c.opened_on,
    {", ".join(f"c.{name} as case_{name}" for name in names(CaseState))}
from enrolment e
left join outreach_case c using (enrolment_id, programme_id)
left join programme p using (programme_id)
left join target_zip t on t.programme_id = e.programme_id and t.zip5 = e.zip5
where e.member_token = any($1)
"""

SAVE_TARGET_ZIPS = """
insert into target_zip as kept (programme_id, zip5, week_on, listed)
select * from unnest($1::text[], $2::text[], $3::date[], $4::bool[])
on conflict (programme_id, zip5) do update set week_on = excluded.week_on, listed = excluded.listed
where excluded.week_on >= kept.week_on
"""
LOAD_MEMBER = "select member_token from outreach_case where case_id = $1"
_WAIT = """
insert into waiting_member as kept (member_token, heard_at) select distinct member_token, {heard_at} from {whom}
on conflict (member_token) do update set heard_at = greatest(kept.heard_at, excluded.heard_at)
"""
LET_PROGRAMMES_WAIT = _WAIT.format(heard_at="$2::timestamptz", whom="outreach_case where programme_id = any($1)")
LET_ZIPS_WAIT = _WAIT.format(
    heard_at="$3::timestamptz",
    whom="""outreach_case
join unnest($1::text[], $2::text[]) as listing (programme_id, zip5) using (programme_id, zip5)""",
)
LET_DUE_WAIT = _WAIT.format(
    heard_at="$1::timestamptz",
    whom="outreach_case where review_on <= (select business_on from business_day)",
)
_STATE = ", ".join(names(CaseState))
_NEW_STATE = ", ".join(f"{name} = excluded.{name}" for name in names(CaseState))
SAVE_CASES = f"""
insert into outreach_case as kept (case_id, enrolment_id, programme_id, version, opened_on, changed_on, {_STATE})
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::date[], $6::date[], {unnested(CaseState, 7)})
on conflict (case_id) do update
set version = excluded.version, opened_on = excluded.opened_on, changed_on = excluded.changed_on, {_NEW_STATE},
    claimed_by = case when excluded.status = 'open' then kept.claimed_by end,
    claimed_at = case when excluded.status = 'open' then kept.claimed_at end,
    lease_until = case when excluded.status = 'open' then kept.lease_until end
"""

WAITING_MEMBERS = ReviewQueue("waiting_member", "member_token")
"""Those whose cases are to be decided on again, page by page."""
OWNED: Mapping[type[Event], Owned] = {CaseChangedV1: Owned.by_version("outreach_case", "case_id")}


async def load_known(connection: Connection, persons: Mapping[UUID, UUID]) -> list[KnownCase]:
    """Every enrolment and programme of these persons, given as token → person with all their tokens, which the caller
    has locked if he is going to decide."""
    enrolments = await connection.fetch(LOAD_ENROLMENTS, list(persons))
    doses = await members.load_doses(connection, persons)
    appointments = await members.load_appointments(connection, [row["enrolment_id"] for row in enrolments])
    attempts = await contacts.load_attempts(connection, persons)
    statements = await contacts.load_statements(connection, persons)
    known = []
    for row in enrolments:
        person = persons[row["member_token"]]
        evidence = Evidence(
            enrolment=_enrolment(row),
            today=row["today"],
            retired=person != row["member_token"],
            vaccine_group=row["vaccine_group"],
            target_zip=row["listed"],
            doses=doses.get(person, []),
            appointments=appointments.get((row["enrolment_id"], row["programme_id"]), []),
            attempts=attempts.get((person, row["tenant_id"]), []),
            statements=statements.get(person, []),
        )
        known.append(_known(row, evidence))
    return known


def _known(row: asyncpg.Record, evidence: Evidence) -> KnownCase:
    if row["case_id"] is None:
        case_id = derived_id("case", row["enrolment_id"], row["programme_id"])
        return KnownCase(evidence, case_id, 0, None, None)
    return KnownCase(evidence, row["case_id"], row["case_version"], row["opened_on"], _state(row))


def _enrolment(row: asyncpg.Record) -> Enrolment:
    return into(
        Enrolment,
        row,
        reasons=tuple(row["reasons"].split()),
        channels_barred=tuple(row["channels_barred"].split()),
        interpreter_needed=InterpreterNeeded(row["interpreter_needed"]),
    )


def _state(row: asyncpg.Record) -> CaseState:
    closed, held, channel = row["case_closed_reason"], row["case_held_by"], row["case_next_channel"]
    paused = row["case_paused_by"]
    return into(
        CaseState,
        row,
        prefix="case_",
        status=CaseStatus(row["case_status"]),
        closed_reason=None if closed is None else CaseClosedReason(closed),
        held_by=None if held is None else OffList(held),
        next_channel=None if channel is None else Channel(channel),
        paused_by=None if paused is None else Paused(paused),
        flags=tuple(map(Flag, row["case_flags"].split())),
    )


async def load_member_token(connection: Connection, case_id: UUID) -> UUID | None:
    """Whose case this is; None where there is none, or another plan's."""
    member_token: UUID | None = await connection.fetchval(LOAD_MEMBER, case_id)
    return member_token


async def save_cases(connection: Connection, cases: Sequence[ChangedCase]) -> None:
    """Open or change cases, whose members are locked. A case that is not open loses its lease."""
    if not cases:
        return
    ordered = sorted(cases, key=attrgetter("case_id"))
    states = [case.state for case in ordered]
    keys = columns(ordered, "case_id", "enrolment_id", "programme_id", "version", "opened_on", "changed_on")
    values = columns_of(CaseState, states, flags=[" ".join(state.flags) for state in states])
    await connection.execute(SAVE_CASES, *keys, *values)


async def save_target_zips(connection: Connection, listings: Sequence[TargetZipListedV1]) -> None:
    """Keep the listing of the latest week; each programme and ZIP at most once."""
    await connection.execute(SAVE_TARGET_ZIPS, *columns(listings, "programme_id", "zip5", "week_on", "listed"))


async def let_programmes_wait(connection: Connection, programme_ids: Collection[str], at: datetime) -> None:
    """Whoever has a case under these programmes is to be decided on again."""
    await connection.execute(LET_PROGRAMMES_WAIT, list(programme_ids), at)


async def let_zips_wait(connection: Connection, listings: Sequence[TargetZipListedV1], at: datetime) -> None:
    """Whoever lives in one of these ZIPs and has a case under the listing's programme is to be decided on again."""
    await connection.execute(LET_ZIPS_WAIT, *columns(listings, "programme_id", "zip5"), at)


async def let_due_wait(connection: Connection, at: datetime) -> None:
    """Whoever has a case that the passing of time may have changed is to be decided on again."""
    await connection.execute(LET_DUE_WAIT, at)
