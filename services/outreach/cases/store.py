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
from services.kit.audit_for_plans import ALWAYS, NamesForPlans
from services.kit.ids import derived_id
from services.kit.own_log import Owned
from services.kit.postgres import Connection
from services.kit.review_queue import ReviewQueue
from services.kit.rows import columns, columns_of, into, names, unnested
from services.kit.slices import slices
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
insert into target_zip as kept (programme_id, zip5, week_on, listed, occurred_at)
select * from unnest($1::text[], $2::text[], $3::date[], $4::bool[], $5::timestamptz[])
on conflict (programme_id, zip5) do update
    set week_on = excluded.week_on, listed = excluded.listed, occurred_at = excluded.occurred_at
where (excluded.week_on, excluded.occurred_at) >= (kept.week_on, coalesce(kept.occurred_at, '-infinity'))
"""
LOAD_OPENED = "select case_id from outreach_case where case_id = any($1)"
LOAD_MEMBER = "select member_token from outreach_case where case_id = $1"
_WAIT = """
insert into waiting_member as kept (member_token, heard_at)
select distinct member_token, $3::timestamptz from {whom} and member_token > $1 and member_token <= $2
on conflict (member_token) do update set heard_at = greatest(kept.heard_at, excluded.heard_at)
"""
LET_PROGRAMMES_WAIT = _WAIT.format(whom="outreach_case where programme_id = any($4)")
LET_ZIPS_WAIT = _WAIT.format(
    whom="""outreach_case
join unnest($4::text[], $5::text[]) as listing (programme_id, zip5) using (programme_id, zip5) where true"""
)
LET_DUE_WAIT = _WAIT.format(whom="outreach_case where review_on <= (select business_on from business_day)")
_STATE = ", ".join(names(CaseState))
_NEW_STATE = ", ".join(f"{name} = excluded.{name}" for name in names(CaseState))
SAVE_CASES = f"""
insert into outreach_case as kept (case_id, enrolment_id, programme_id, version, opened_on, changed_on, {_STATE})
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::date[], $6::date[], {unnested(CaseState, 7)})
on conflict (case_id) do update
set version = excluded.version, opened_on = excluded.opened_on, changed_on = excluded.changed_on, {_NEW_STATE},
    not_before_at = null, claimed_by = case when excluded.status = 'open' then kept.claimed_by end,
    claimed_at = case when excluded.status = 'open' then kept.claimed_at end,
    lease_until = case when excluded.status = 'open' then kept.lease_until end
"""

FREE = "(lease_until is null or lease_until <= clock_timestamp())"
# Whether any case of the person is held by somebody now: the same plan's, for others can't be seen. By his tokens
# first, whatever is planned: the held cases of all workers would be read for each candidate otherwise.
TAKEN = """exists (
    select from outreach_case as other
    where other.member_token = any(array(select member_token from person as his where his.person_token = {person}))
        and other.claimed_by is not null and other.lease_until > clock_timestamp()
)"""
# A look of its own: it sees what was committed before the persons were locked.
CLAIM_CASES = f"""
update outreach_case as held
set claimed_by = $1, claimed_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(mins => $2)
from unnest($3::uuid[], $4::uuid[]) as chosen (case_id, person_token)
where held.case_id = chosen.case_id and held.status = 'open' and held.held_by is null and {FREE}
    and not {TAKEN.format(person="chosen.person_token")}
returning held.case_id
"""
CLAIM_CASE = """
update outreach_case
set claimed_by = $2, claimed_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(mins => $3)
where case_id = $1
"""
END_LEASE = "update outreach_case set claimed_by = null, claimed_at = null, lease_until = null where case_id = $1"
SKIP_CASE = """
update outreach_case as held
set claimed_by = null, claimed_at = null, lease_until = null, skips = skips + 1, skip_penalty = skip_penalty + $2
where case_id = $1
    and not exists (select from attempt where attempt.case_id = $1 and attempt.logged_at >= held.claimed_at)
"""
ASSIGN_CASES = """
update outreach_case as held set assigned_to = given.worker_id
from unnest($1::uuid[], $2::text[]) as given (case_id, worker_id)
where held.case_id = given.case_id and held.case_id in (
    select case_id from outreach_case
    where case_id = any($1) and status = 'open' and assigned_to is null order by case_id for update skip locked
)
returning held.case_id
"""
FREE_CASES = """
update outreach_case set assigned_to = null
where case_id in (select case_id from outreach_case where case_id = any($1) order by case_id for update)
"""
POSTPONE = """
update outreach_case as held set not_before_at = kept_back.until_at
from unnest($1::uuid[], $2::timestamptz[]) as kept_back (case_id, until_at) where held.case_id = kept_back.case_id
"""
FORGET_SKIPS = "update outreach_case set skips = 0, skip_penalty = 0 where case_id = $1 and skips > 0"

TOKENS = """with token as (
    select member_token from person
    where person_token in (select person_token from person where member_token = $1)
)"""
NAMES_IN_TRAIL = f"""
    {TOKENS}
    select member_token::text from token
    union select case_id::text from outreach_case join token using (member_token)
    union select enrolment_id::text from enrolment join token using (member_token)
    union select attempt_id::text from attempt join token using (member_token)
"""
"""By what the trail may name a member: his cases, enrolments and attempts, under each of his tokens."""

NAMES_FOR_PLANS = NamesForPlans(f"""
    {TOKENS}
    select case_id::text, {ALWAYS} from outreach_case join token using (member_token) where tenant_id = $2
    union select enrolment_id::text, {ALWAYS} from enrolment join token using (member_token) where tenant_id = $2
    union select attempt_id::text, {ALWAYS} from attempt join token using (member_token) where tenant_id = $2
""")
"""By what is the plan's alone: a token may be another plan's member, too."""

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


async def load_opened(connection: Connection, case_ids: Collection[UUID]) -> set[UUID]:
    """Those of these cases that are there."""
    return {row["case_id"] for row in await connection.fetch(LOAD_OPENED, list(case_ids))}


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
    """Keep the listing of the latest week, of that week's the one that was made last; each programme and ZIP at most
    once."""
    fields = ("programme_id", "zip5", "week_on", "listed", "occurred_at")
    await connection.execute(SAVE_TARGET_ZIPS, *columns(listings, *fields))


async def let_programmes_wait(connection: Connection, programme_ids: Collection[str], at: datetime) -> None:
    """Whoever has a case under these programmes is to be decided on again."""
    if programme_ids:
        await _let_wait(connection, LET_PROGRAMMES_WAIT, at, list(programme_ids))


async def let_zips_wait(connection: Connection, listings: Sequence[TargetZipListedV1], at: datetime) -> None:
    """Whoever lives in one of these ZIPs and has a case under the listing's programme is to be decided on again."""
    if listings:
        await _let_wait(connection, LET_ZIPS_WAIT, at, *columns(listings, "programme_id", "zip5"))


async def let_due_wait(connection: Connection, at: datetime) -> None:
    """Whoever has a case that the passing of time may have changed is to be decided on again."""
    await _let_wait(connection, LET_DUE_WAIT, at)


async def _let_wait(connection: Connection, query: str, at: datetime, *values: object) -> None:
    """In slices of members, for there may be as many as there are cases."""
    async for after, end in slices(connection, "outreach_case", "member_token"):
        await connection.execute(query, after, end, at, *values)


async def claim_cases(
    connection: Connection, worker_id: str, lease_minutes: int, case_of_person: Mapping[UUID, UUID]
) -> list[UUID]:
    """Give these cases to the worker, except those of persons whom somebody holds by now; gives which he got."""
    chosen = (list(case_of_person.values()), list(case_of_person))
    return [row["case_id"] for row in await connection.fetch(CLAIM_CASES, worker_id, lease_minutes, *chosen)]


async def claim_case(connection: Connection, case_id: UUID, worker_id: str, lease_minutes: int) -> None:
    """Give this case, whose lease is locked, to the worker."""
    await connection.execute(CLAIM_CASE, case_id, worker_id, lease_minutes)


async def assign_cases(connection: Connection, worker_of: Mapping[UUID, str]) -> list[UUID]:
    """Let these cases go first to their workers, but for those that are not open or are assigned already; gives which
    are assigned now."""
    rows = await connection.fetch(ASSIGN_CASES, list(worker_of), list(worker_of.values()))
    return [row["case_id"] for row in rows]


async def lock_case(connection: Connection, case_id: UUID) -> None:
    """Nobody changes this case until the transaction ends."""
    await connection.execute("select from outreach_case where case_id = $1 for update", case_id)


async def free_cases(connection: Connection, case_ids: Collection[UUID]) -> None:
    """These cases are anybody's again."""
    await connection.execute(FREE_CASES, list(case_ids))


async def end_lease(connection: Connection, case_id: UUID) -> None:
    """Nobody holds the case any more."""
    await connection.execute(END_LEASE, case_id)


async def skip_case(connection: Connection, case_id: UUID, penalty: int) -> None:
    """Give the case back. Given back untouched, it sinks."""
    await connection.execute(SKIP_CASE, case_id, penalty)
    await end_lease(connection, case_id)


async def forget_skips(connection: Connection, case_id: UUID) -> None:
    """A case that somebody worked on was not given back untouched."""
    await connection.execute(FORGET_SKIPS, case_id)


async def postpone(connection: Connection, until: Mapping[UUID, datetime]) -> None:
    """Nobody is to be handed these cases, which are locked, before these instants, or news of them."""
    if until:
        await connection.execute(POSTPONE, list(until), list(until.values()))
