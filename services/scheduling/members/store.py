"""All SQL of what others told: the day, programmes, persons, enrolments, doses, deaths. Connection first, batch first;
nobody here commits. Of two versions the higher is kept, in whichever order they come."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record

from schemas.eligibility_v1 import ProgrammePublishedV1
from services.kit.postgres import Connection
from services.scheduling.appointments.rules import Dose, Enrolment, Programme, Standing

LOAD_DAY = "select business_on from business_day"
SAVE_DAY = """
    insert into business_day (business_on) values ($1)
    on conflict (single) do update set business_on = excluded.business_on
    where business_day.business_on < excluded.business_on
    returning business_on
"""

SAVE_PROGRAMMES = """
    insert into programme_version (programme_id, version, vaccine_group, effective_on)
    select * from unnest($1::text[], $2::int[], $3::text[], $4::date[])
    on conflict do nothing
"""
# Of each programme the version in effect on the open day: of those that have begun the last, before that the first.
LET_PROGRAMMES_HOLD = """
    insert into programme as known (programme_id, version, vaccine_group, began_on)
    select distinct on (programme_id) programme_id, version, vaccine_group, began_on
    from (
        select *, min(effective_on) over (partition by programme_id) as began_on,
            coalesce(effective_on <= (select business_on from business_day), true) as has_begun
        from programme_version
    ) as version
    order by programme_id, has_begun desc,
        case when has_begun then effective_on end desc, case when has_begun then version end desc,
        effective_on, version
    on conflict (programme_id) do update set
        version = excluded.version, began_on = excluded.began_on, vaccine_group = excluded.vaccine_group
    where (known.version, known.began_on) is distinct from (excluded.version, excluded.began_on)
    returning programme_id
"""
LOAD_PROGRAMME = "select programme_id, version, vaccine_group, began_on from programme where programme_id = $1"

# Whoever settles bookings by what programmes say waits for who changes a programme, and the other way round.
HOLD_PROGRAMMES = "select pg_advisory_xact_lock_shared($1)"
LOCK_PROGRAMMES = "select pg_advisory_xact_lock($1)"
PROGRAMMES = 0x70726F67

LOAD_SURVIVORS = """
    select member_token, merged_into from person where member_token = any($1) and merged_into is not null
"""
# The update never happens, but its attempt locks the row: new and known persons are locked in one order.
LOCK_PERSONS = """
    insert into person (member_token) select member_token from unnest($1::uuid[]) as new (member_token)
    order by member_token
    on conflict (member_token) do update set merged_into = null where false
"""
LOAD_RETIRED = "select member_token, merged_into from person where merged_into = any($1)"
SAVE_MERGES = """
    update person set merged_into = new.merged_into
    from unnest($1::uuid[], $2::uuid[]) as new (member_token, merged_into)
    where person.member_token = new.member_token and person.merged_into is distinct from new.merged_into
"""

SAVE_ENROLMENTS = """
    insert into enrolment (
        enrolment_id, programme_id, tenant_id, member_token, version, standing, reasons, death_reports_until
    )
    select enrolment_id, programme_id, tenant_id, member_token, version, standing, string_to_array(reasons, ' '), until
    from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::int[], $6::text[], $7::text[], $8::timestamptz[])
        as new (enrolment_id, programme_id, tenant_id, member_token, version, standing, reasons, until)
    order by enrolment_id, programme_id
    on conflict (enrolment_id, programme_id) do update set
        tenant_id = excluded.tenant_id, member_token = excluded.member_token,
        version = excluded.version, standing = excluded.standing,
        reasons = excluded.reasons, death_reports_until = excluded.death_reports_until
    where enrolment.version < excluded.version
    returning enrolment_id
"""
LOAD_TOKENS = """
    select member_token from enrolment where enrolment_id = any($1)
    union select member_token from appointment where enrolment_id = any($1) and status = 'booked'
"""
LOAD_ENROLMENTS = """
    select enrolment_id, programme_id, tenant_id, member_token, version, standing, reasons, death_reports_until
    from enrolment where enrolment_id = $1 order by programme_id
"""

SAVE_DOSES = """
    insert into dose (
        dose_id, version, member_token, vaccine_group, administered_on, retracted, appointment_id, vaccine_groups,
        heard_no
    )
    select dose_id, new.version, new.member_token, new.vaccine_group, new.administered_on, retracted, appointment_id,
        string_to_array(groups, ' '), coalesce(appointment.since_no, nextval('moment'))
    from (
        select * from unnest(
            $1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::date[], $6::bool[], $7::uuid[], $8::text[]
        ) as new (dose_id, version, member_token, vaccine_group, administered_on, retracted, appointment_id, groups)
        order by dose_id
    ) as new left join appointment using (appointment_id)
    on conflict (dose_id) do update set
        version = excluded.version, member_token = excluded.member_token, vaccine_group = excluded.vaccine_group,
        vaccine_groups = excluded.vaccine_groups, administered_on = excluded.administered_on,
        retracted = excluded.retracted, appointment_id = coalesce(excluded.appointment_id, dose.appointment_id),
        heard_no = case when dose.retracted and not excluded.retracted then nextval('moment') else dose.heard_no end
    where dose.version < excluded.version
    returning member_token, retracted
"""
LOAD_DOSES = """
    select dose.*, coalesce(person.merged_into, dose.member_token) as rightful
    from dose left join person using (member_token)
    where dose.member_token = any($1)
"""

# A retraction may come first when the member's token has changed between the two.
SAVE_DEATH_REPORTS = """
    insert into death_report as known (report_id, member_token, reported_at, retracted)
    select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bool[])
        as new (report_id, member_token, reported_at, retracted)
    order by report_id
    on conflict (report_id) do update set
        member_token = case when known.reported_at is null then excluded.member_token else known.member_token end,
        reported_at = coalesce(known.reported_at, excluded.reported_at),
        retracted = known.retracted or excluded.retracted
"""
LOAD_PERSON = """
    with last as (
        select coalesce((select merged_into from person where member_token = $1), $1) as token
    ), every as (
        select token from last
        union select $1
        union select member_token from person join last on merged_into = last.token
    )
    select array_agg(token) as tokens, death_is_reported(array_agg(token), $2) as is_reported from every
"""


class Person(NamedTuple):
    """Who is one person, by all tokens; `is_reported`: as dead, which is to be checked."""

    tokens: frozenset[UUID]
    is_reported: bool


class DeathReport(NamedTuple):
    """What an attempt or a cancellation said of a death, or that it was said in error."""

    report_id: UUID
    member_token: UUID
    reported_at: datetime | None
    retracted: bool


async def load_day(connection: Connection) -> date | None:
    """The business day; none before the first was heard of."""
    found: date | None = await connection.fetchval(LOAD_DAY)
    return found


async def save_day(connection: Connection, business_on: date) -> bool:
    """Whether this day is later than the one known."""
    return await connection.fetchval(SAVE_DAY, business_on) is not None


async def hold_programmes(connection: Connection) -> None:
    """What programmes say stays as it is until the end of the transaction."""
    await connection.execute(HOLD_PROGRAMMES, PROGRAMMES)


async def lock_programmes(connection: Connection) -> None:
    """Wait for whoever settles bookings, and let nobody begin."""
    await connection.execute(LOCK_PROGRAMMES, PROGRAMMES)


async def save_programmes(connection: Connection, published: Sequence[ProgrammePublishedV1]) -> None:
    """Keep every version."""
    rows = [(one.programme_id, one.version, one.vaccine_group, one.effective_on) for one in published]
    await connection.execute(SAVE_PROGRAMMES, *map(list, zip(*rows, strict=True)))


async def let_programmes_hold(connection: Connection) -> set[str]:
    """Let of each programme the version hold that is in effect on the open day. The programmes that this changes."""
    return {row["programme_id"] for row in await connection.fetch(LET_PROGRAMMES_HOLD)}


async def load_programme(connection: Connection, programme_id: str) -> Programme | None:
    row = await connection.fetchrow(LOAD_PROGRAMME, programme_id)
    return None if row is None else Programme(**row)


async def lock_persons(connection: Connection, tokens: Iterable[UUID]) -> dict[UUID, UUID]:
    """Lock these persons and those whom they were merged into; the survivor of each retired token."""
    wanted, locked = set(tokens), set[UUID]()
    survivors = await _survivors(connection, wanted)
    wanted |= set(survivors.values())
    while wanted - locked:
        await connection.execute(LOCK_PERSONS, sorted(wanted - locked))
        locked |= wanted
        survivors = await _survivors(connection, wanted)  # a merge may have been committed while we waited
        wanted |= set(survivors.values())
    return survivors


async def _survivors(connection: Connection, tokens: set[UUID]) -> dict[UUID, UUID]:
    return {row["member_token"]: row["merged_into"] for row in await connection.fetch(LOAD_SURVIVORS, list(tokens))}


async def load_retired(connection: Connection, survivors: Iterable[UUID]) -> dict[UUID, UUID]:
    """The retired tokens of these persons, each with its survivor."""
    rows = await connection.fetch(LOAD_RETIRED, list(survivors))
    return {row["member_token"]: row["merged_into"] for row in rows}


async def save_merges(connection: Connection, survivor_of: Mapping[UUID, UUID]) -> None:
    await connection.execute(SAVE_MERGES, list(survivor_of), list(survivor_of.values()))


async def save_enrolments(connection: Connection, enrolments: Sequence[Enrolment]) -> set[UUID]:
    """Keep the higher version of each; one row for each. The enrolments that changed."""
    rows = [
        (
            e.enrolment_id, e.programme_id, e.tenant_id, e.member_token, e.version, e.standing, " ".join(e.reasons),
            e.death_reports_until,
        )
        for e in enrolments
    ]  # fmt: skip
    if not rows:
        return set()
    saved = await connection.fetch(SAVE_ENROLMENTS, *map(list, zip(*rows, strict=True)))
    return {row["enrolment_id"] for row in saved}


async def load_tokens(connection: Connection, enrolment_ids: Iterable[UUID]) -> set[UUID]:
    """The members whose enrolments these were, as known until now, and those whom live bookings of theirs are for."""
    return {row["member_token"] for row in await connection.fetch(LOAD_TOKENS, list(enrolment_ids))}


async def load_enrolments(connection: Connection, enrolment_id: UUID) -> list[Enrolment]:
    """The enrolment under each programme."""
    rows = await connection.fetch(LOAD_ENROLMENTS, enrolment_id)
    return [
        Enrolment(**{**row, "standing": Standing(row["standing"]), "reasons": tuple(row["reasons"])}) for row in rows
    ]


async def save_doses(connection: Connection, doses: Sequence[Dose]) -> set[UUID]:
    """Keep the higher version of each; one row for each. The members for whom a dose that stands is news. A dose that
    one of our own appointments gave was known here when that appointment was."""
    rows = [
        (
            d.dose_id, d.version, d.member_token, d.vaccine_group, d.administered_on, d.retracted, d.appointment_id,
            " ".join(d.groups),
        )
        for d in doses
    ]  # fmt: skip
    saved = await connection.fetch(SAVE_DOSES, *map(list, zip(*rows, strict=True)))
    return {row["member_token"] for row in saved if not row["retracted"]}


async def load_doses(connection: Connection, tokens: Iterable[UUID]) -> dict[UUID, list[Dose]]:
    """What is known of the doses of these persons, under any of their tokens; by rightful token."""
    survivors = set(tokens)
    every = survivors | set(await load_retired(connection, survivors))
    rows = sorted(await connection.fetch(LOAD_DOSES, list(every)), key=lambda row: str(row["rightful"]))
    return {rightful: [_dose(row) for row in group] for rightful, group in groupby(rows, key=itemgetter("rightful"))}


def _dose(row: Record) -> Dose:
    values = {name: row[name] for name in Dose.__slots__}
    return Dose(**{**values, "vaccine_groups": tuple(row["vaccine_groups"] or ())})


async def save_death_reports(connection: Connection, reports: Sequence[DeathReport]) -> None:
    """One row for each; whichever of report and retraction comes first."""
    if reports:
        await connection.execute(SAVE_DEATH_REPORTS, *map(list, zip(*reports, strict=True)))


async def load_person(connection: Connection, token: UUID, weighed_until: datetime | None = None) -> Person:
    """Of a locked person every token: the one that is given, the surviving one and all that were merged into it; and
    whether somebody said that the person died, in a report that is newer than those that eligibility has weighed."""
    row = await connection.fetchrow(LOAD_PERSON, token, weighed_until)
    assert row is not None, "an aggregate is one row"
    return Person(frozenset(row["tokens"]), row["is_reported"])
