"""What outreach has heard, and its cases: all SQL of the handlers. Batch first; nobody here commits."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import date, datetime
from operator import attrgetter
from uuid import UUID

import asyncpg

from schemas.eligibility_v1 import BusinessDayOpenedV1, DoseAction, DoseAdministeredV1, MembersMergedV1
from schemas.eligibility_v1 import ProgrammePublishedV1 as Programme
from schemas.reporting_v1 import TargetZipListedV1
from schemas.scheduling_v1 import AppointmentChangedV1, AppointmentStatus
from services.kit.postgres import Connection
from services.outreach.cases.evidence import CaseState, Enrolment
from services.outreach.cases.store import ChangedCase
from services.outreach.policy import POLICY

REFERENCE_LOCK = 0x6F757472
"""Days, programmes and target ZIPs touch every case: whoever changes them waits for the deciders, and they for him."""

SHARE_REFERENCE = "select pg_advisory_xact_lock_shared($1)"
LOCK_REFERENCE = "select pg_advisory_xact_lock($1)"
ADD_MEMBERS = """
insert into member (member_token, person_token)
select token, token from unnest($1::uuid[]) as row (token) order by token on conflict do nothing returning member_token
"""
LOCK_MEMBERS = """
select member_token, person_token from member
where person_token = any(array(select person_token from member where member_token = any($1)))
order by member_token for update
"""
MERGE_PERSONS = "update member set person_token = $2 where person_token = $1"
LOAD_TOKENS_OF_ENROLMENTS = "select distinct member_token from enrolment where enrolment_id = any($1)"
LOAD_TOKENS_OF_DOSES = "select distinct member_token from dose where dose_id = any($1)"
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
    whom="outreach_case where review_on <= (select max(business_on) from business_day)",
)
LET_MEMBERS_WAIT = _WAIT.format(heard_at="$2::timestamptz", whom="unnest($1::uuid[]) as known (member_token)")
LOAD_WAITING = "select member_token from waiting_member order by member_token limit $1"
TAKE_WAITING = """
delete from waiting_member where member_token in (
    select member_token from waiting_member where member_token = any($1) order by member_token for update skip locked
)
returning member_token, heard_at
"""

_enrolment_values = attrgetter(*(field.name for field in fields(Enrolment)))
_ENROLMENT = ", ".join(field.name for field in fields(Enrolment))
_NEWER_ENROLMENT = ", ".join(f"{field.name} = excluded.{field.name}" for field in fields(Enrolment)[2:-1])
SAVE_ENROLMENTS = f"""
insert into enrolment as kept ({_ENROLMENT})
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::int[], $6::bool[], $7::bool[], $8::int[],
    $9::bool[], $10::bool[], $11::uuid[], $12::text[], $13::int[], $14::text[], $15::text[], $16::text[], $17::date[],
    $18::timestamptz[], $19::text[], $20::int[], $21::int[], $22::int[], $23::date[])
on conflict (enrolment_id, programme_id) do update
set {_NEWER_ENROLMENT}, eligible_on = least(kept.eligible_on, excluded.eligible_on)
where excluded.version > kept.version
"""
SAVE_ELIGIBLE_ON = """
update enrolment as kept set eligible_on = row.eligible_on
from unnest($1::uuid[], $2::text[], $3::date[]) as row (enrolment_id, programme_id, eligible_on)
where kept.enrolment_id = row.enrolment_id and kept.programme_id = row.programme_id
    and (kept.eligible_on is null or kept.eligible_on > row.eligible_on)
"""
SAVE_DOSES = """
insert into dose as kept
    (dose_id, version, member_token, vaccine_group, administered_on, live, sources, appointment_id, is_partial,
    vaccine_groups)
select * from unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::date[], $6::bool[], $7::text[], $8::uuid[],
    $9::bool[], $10::text[])
on conflict (dose_id) do update
set version = excluded.version, member_token = excluded.member_token, vaccine_group = excluded.vaccine_group,
    administered_on = excluded.administered_on, live = excluded.live, sources = excluded.sources,
    appointment_id = excluded.appointment_id, is_partial = excluded.is_partial,
    vaccine_groups = excluded.vaccine_groups
where excluded.version > kept.version
"""
SAVE_APPOINTMENTS = """
insert into appointment as kept (appointment_id, version, tenant_id, enrolment_id, programme_id, member_token, status,
    site_id, start_at, start_on, changed_on, dose_on, cancellation_reason, by_rule, outcome_overdue, told_at)
select * from unnest($1::uuid[], $2::int[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::text[],
    $9::timestamptz[], $10::date[], $11::date[], $12::date[], $13::text[], $14::bool[], $15::bool[], $16::timestamptz[])
on conflict (appointment_id) do update
set version = excluded.version, member_token = excluded.member_token, enrolment_id = excluded.enrolment_id,
    status = excluded.status, site_id = excluded.site_id, start_at = excluded.start_at, start_on = excluded.start_on,
    changed_on = excluded.changed_on, dose_on = excluded.dose_on, cancellation_reason = excluded.cancellation_reason,
    by_rule = excluded.by_rule, outcome_overdue = excluded.outcome_overdue, told_at = excluded.told_at
where excluded.version > kept.version
"""
# A site that cancels because the member died reports a death, unless it was the news itself that cancelled.
FORGET_REPORTS = "delete from statement where source_id = any($1)"
SAVE_REPORTS = """
insert into statement
select appointment_id, tenant_id, member_token, programme_id, told_at, changed_on, told_at, null, '{}', '{}', true
from appointment
where appointment_id = any($1) and status = 'cancelled' and cancellation_reason = any($2) and not by_rule
"""
SAVE_PROGRAMMES = """
insert into programme_version (programme_id, version, title, vaccine_group, time_zone, effective_on)
select * from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::date[])
on conflict do nothing
"""
# Of each programme the version that holds on the open day: of those in effect the last, before that the first.
HOLD_PROGRAMMES = """
insert into programme as kept (programme_id, version, title, vaccine_group, time_zone)
select distinct on (programme_id) programme_id, version, title, vaccine_group, time_zone
from (
    select *, coalesce(effective_on <= (select max(business_on) from business_day), true) as has_begun
    from programme_version
) as known
order by programme_id, has_begun desc,
    case when has_begun then effective_on end desc, case when has_begun then version end desc, effective_on, version
on conflict (programme_id) do update
set version = excluded.version, title = excluded.title, vaccine_group = excluded.vaccine_group,
    time_zone = excluded.time_zone
where excluded.version <> kept.version
returning programme_id
"""
SAVE_BUSINESS_DAYS = """
insert into business_day as kept (time_zone, business_on) select * from unnest($1::text[], $2::date[])
on conflict (time_zone) do update set business_on = excluded.business_on where excluded.business_on > kept.business_on
"""
SAVE_TARGET_ZIPS = """
insert into target_zip as kept (programme_id, zip5, week_on, listed)
select * from unnest($1::text[], $2::text[], $3::date[], $4::bool[])
on conflict (programme_id, zip5) do update set week_on = excluded.week_on, listed = excluded.listed
where excluded.week_on >= kept.week_on
"""

_case_values = attrgetter("case_id", "enrolment_id", "programme_id", "version", "opened_on", "changed_on")
_state_values = attrgetter(*(field.name for field in fields(CaseState)))
_STATE = ", ".join(field.name for field in fields(CaseState))
_NEW_STATE = ", ".join(f"{field.name} = excluded.{field.name}" for field in fields(CaseState))
SAVE_CASES = f"""
insert into outreach_case as kept (case_id, enrolment_id, programme_id, version, opened_on, changed_on, {_STATE})
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::date[], $6::date[],
    $7::text[], $8::uuid[], $9::text[], $10::text[], $11::date[], $12::text[], $13::date[], $14::date[], $15::int[],
    $16::int[], $17::int[], $18::int[], $19::int[], $20::text[], $21::text[], $22::bool[], $23::timestamptz[],
    $24::text[], $25::text[], $26::text[], $27::int[], $28::text[])
on conflict (case_id) do update
set version = excluded.version, opened_on = excluded.opened_on, changed_on = excluded.changed_on, {_NEW_STATE},
    claimed_by = case when excluded.status = 'open' then kept.claimed_by end,
    claimed_at = case when excluded.status = 'open' then kept.claimed_at end,
    lease_until = case when excluded.status = 'open' then kept.lease_until end
"""


async def share_reference(connection: Connection) -> None:
    """Decide on days, programmes and target ZIPs that nobody changes meanwhile."""
    await connection.execute(SHARE_REFERENCE, REFERENCE_LOCK)


async def lock_reference(connection: Connection) -> None:
    """Change days, programmes or target ZIPs while nobody decides."""
    await connection.execute(LOCK_REFERENCE, REFERENCE_LOCK)


async def lock_members(connection: Connection, tokens: Iterable[UUID]) -> dict[UUID, UUID]:
    """Lock these members and every token of the same persons; token → person. What is read afterwards holds until the
    commit, and members nobody has heard of are locked too."""
    wanted = set(tokens)
    while True:
        rows = await connection.fetch(LOCK_MEMBERS, list(wanted))
        persons = {row["member_token"]: row["person_token"] for row in rows}
        missing = wanted - persons.keys()
        if missing:
            added = {row["member_token"] for row in await connection.fetch(ADD_MEMBERS, sorted(missing))}
            persons |= {token: token for token in added}  # nobody else sees them before this commits
        if missing <= persons.keys():
            return persons
        # A merge was committed while this waited: its rows belong to another person now and fell out.


async def save_merges(connection: Connection, persons: dict[UUID, UUID], events: Sequence[MembersMergedV1]) -> None:
    """Let the retired person's tokens be the survivor's. `persons` (locked) is kept in step."""
    for event in events:
        retired, survivor = persons[event.retired_token], persons[event.surviving_token]
        if retired != survivor:
            await connection.execute(MERGE_PERSONS, retired, survivor)
            persons.update({token: survivor for token, person in persons.items() if person == retired})


async def load_tokens_of_enrolments(connection: Connection, enrolment_ids: Collection[UUID]) -> set[UUID]:
    """Under which members these enrolments stood until now."""
    return _tokens(await connection.fetch(LOAD_TOKENS_OF_ENROLMENTS, list(enrolment_ids)))


async def load_tokens_of_doses(connection: Connection, dose_ids: Collection[UUID]) -> set[UUID]:
    """Under which members these doses stood until now."""
    return _tokens(await connection.fetch(LOAD_TOKENS_OF_DOSES, list(dose_ids)))


async def let_programmes_wait(connection: Connection, programme_ids: Collection[str], at: datetime) -> None:
    """Whoever has a case under these programmes is to be decided on again."""
    await connection.execute(LET_PROGRAMMES_WAIT, list(programme_ids), at)


async def let_zips_wait(connection: Connection, listings: Sequence[TargetZipListedV1], at: datetime) -> None:
    """Whoever lives in one of these ZIPs and has a case under the listing's programme is to be decided on again."""
    await connection.execute(LET_ZIPS_WAIT, *_columns(listings, "programme_id", "zip5"), at)


async def let_due_wait(connection: Connection, at: datetime) -> None:
    """Whoever has a case that the passing of time may have changed is to be decided on again."""
    await connection.execute(LET_DUE_WAIT, at)


async def let_members_wait(connection: Connection, tokens: Iterable[UUID], at: datetime) -> None:
    """These are to be decided on again, for the plans that the transaction at hand does not see."""
    await connection.execute(LET_MEMBERS_WAIT, list(tokens), at)


async def load_waiting(connection: Connection, limit: int) -> list[UUID]:
    """Some of those who wait."""
    return [row["member_token"] for row in await connection.fetch(LOAD_WAITING, limit)]


async def take_waiting(connection: Connection, tokens: Sequence[UUID]) -> tuple[set[UUID], datetime | None]:
    """Those of them whom nobody else takes; they wait no longer once this commits. And when the last of their news
    was."""
    rows = await connection.fetch(TAKE_WAITING, tokens)
    return _tokens(rows), max((row["heard_at"] for row in rows), default=None)


def _tokens(rows: Sequence[asyncpg.Record]) -> set[UUID]:
    return {row["member_token"] for row in rows}


async def save_enrolments(connection: Connection, enrolments: Sequence[Enrolment]) -> None:
    """Keep the newest version; each enrolment and programme at most once, in the order of their ids."""
    if not enrolments:
        return
    rows = [_enrolment_values(one) for one in enrolments]
    rows = [(*row[:11], " ".join(row[11]), *row[12:18], " ".join(row[18]), *row[19:]) for row in rows]
    await connection.execute(SAVE_ENROLMENTS, *_transposed(rows, 23))
    dated = [one for one in enrolments if one.eligible_on is not None]
    if dated:
        await connection.execute(SAVE_ELIGIBLE_ON, *_columns(dated, "enrolment_id", "programme_id", "eligible_on"))


async def save_doses(connection: Connection, doses: Sequence[DoseAdministeredV1]) -> None:
    """Keep the newest version; each dose at most once."""
    rows = [
        (
            one.dose_id, one.version, one.member_token, one.vaccine_group, one.administered_on,
            one.action is not DoseAction.RETRACT, " ".join(one.sources), one.appointment_id, one.is_partial,
            " ".join(one.groups),
        )
        for one in sorted(doses, key=attrgetter("dose_id"))
    ]  # fmt: skip
    await connection.execute(SAVE_DOSES, *_transposed(rows, 10))


async def save_appointments(connection: Connection, appointments: Sequence[AppointmentChangedV1]) -> None:
    """Keep the newest version; each appointment at most once."""
    rows = [
        (
            one.appointment_id, one.version, one.tenant_id, one.enrolment_id, one.programme_id, one.member_token,
            one.status.value, one.site_id, one.start_at, one.start_on, one.changed_on, _dose_on(one),
            one.cancellation_reason, one.by_rule, one.outcome_overdue, one.occurred_at,
        )
        for one in sorted(appointments, key=attrgetter("appointment_id"))
    ]  # fmt: skip
    await connection.execute(SAVE_APPOINTMENTS, *_transposed(rows, 16))
    ids = [one.appointment_id for one in appointments]
    await connection.execute(FORGET_REPORTS, ids)
    await connection.execute(SAVE_REPORTS, ids, POLICY.death_reasons)


def _dose_on(appointment: AppointmentChangedV1) -> date | None:
    fulfilled = appointment.status is AppointmentStatus.FULFILLED
    return appointment.dose.administered_on if fulfilled and appointment.dose else None


async def save_programmes(connection: Connection, programmes: Sequence[Programme]) -> None:
    """Keep every version."""
    columns = _columns(programmes, "programme_id", "version", "title", "vaccine_group", "time_zone", "effective_on")
    await connection.execute(SAVE_PROGRAMMES, *columns)


async def hold_programmes(connection: Connection) -> list[str]:
    """Let of each programme the version hold that is in effect on the open day. The programmes whose that changes."""
    return [row["programme_id"] for row in await connection.fetch(HOLD_PROGRAMMES)]


async def save_business_days(connection: Connection, days: Sequence[BusinessDayOpenedV1]) -> None:
    """Keep the latest day of each time zone; each time zone at most once."""
    await connection.execute(SAVE_BUSINESS_DAYS, *_columns(days, "time_zone", "business_on"))


async def save_target_zips(connection: Connection, listings: Sequence[TargetZipListedV1]) -> None:
    """Keep the listing of the latest week; each programme and ZIP at most once."""
    await connection.execute(SAVE_TARGET_ZIPS, *_columns(listings, "programme_id", "zip5", "week_on", "listed"))


async def save_cases(connection: Connection, cases: Sequence[ChangedCase]) -> None:
    """Open or change cases, whose members are locked. A case that is not open loses its lease."""
    if not cases:
        return
    rows = [
        (*_case_values(case), *_state_values(case.state)[:-1], " ".join(case.state.flags))
        for case in sorted(cases, key=attrgetter("case_id"))
    ]
    await connection.execute(SAVE_CASES, *_transposed(rows, 28))


def _columns(rows: Sequence[object], first: str, second: str, *more: str) -> list[list[object]]:
    return _transposed([attrgetter(first, second, *more)(row) for row in rows], 2 + len(more))


def _transposed(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
