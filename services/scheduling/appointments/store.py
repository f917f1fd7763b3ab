"""All SQL of appointments, read beside what is known of their members.

Connection first, batch first; nobody here commits. Lock order: programmes, persons, appointments, blocks; each kind by
id, and an appointment only by who has locked its person.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from asyncpg import Record

from schemas.envelope import Event
from schemas.scheduling_v1 import AppointmentChangedV1, AppointmentStatus, DoseGiven
from services.kit.audit_for_plans import ALWAYS, NamesForPlans
from services.kit.next_page import Place
from services.kit.own_log import Owned
from services.kit.postgres import Connection
from services.kit.rows import into
from services.scheduling.appointments.rules import Appointment, LiveBooking, Overdue, OverdueSearch
from services.scheduling.appointments.site_steps import NotGiven, SiteStep
from services.scheduling.members.rules import Standing

LOAD_LIVE_BOOKINGS = """
    select appointment.*, enrolment.standing, programme.began_on,
        'death-reported' = any (enrolment.reasons) as death_to_be_checked,
        person.person_token as survivor
    from appointment
        join enrolment using (enrolment_id, programme_id)
        join person on person.member_token = enrolment.member_token
        join programme using (programme_id)
    where status = 'booked' and (appointment.member_token = any($1) or enrolment_id = any($2))
    order by appointment_id
    for update of appointment
"""
LOCK_PERSONS_BOOKINGS = """
    select * from appointment where member_token = any($1) and status = 'booked' order by appointment_id for update
"""
FIND_GIVEN = """
    select given.appointment_id, exists (select from appointment where appointment_id = given.appointment_id) as is_seen
    from recorded_dose($1, $2, $3) as given (appointment_id) where given.appointment_id is not null
"""
FIND_LIVE = """
    select live.appointment_id, exists (select from appointment where appointment_id = live.appointment_id) as is_seen
    from live_booking($1, $2, $3, $4) as live (appointment_id) where live.appointment_id is not null
"""

LOAD_APPOINTMENT = "select * from appointment where appointment_id = $1"
LOCK_APPOINTMENT = """
    select * from appointment
    where appointment_id = $1 or (member_token = any($2) and status = 'booked')
    order by appointment_id for update
"""
LOAD_BOOKED_PERSONS = "select distinct member_token from appointment where programme_id = any($1) and status = 'booked'"
LOAD_BOOKED_TOKENS = "select distinct member_token from appointment where enrolment_id = any($1) and status = 'booked'"
LOAD_NUMBERS = "select appointment_id, since_no from appointment where appointment_id = any($1)"
LIST_APPOINTMENTS = """
    select * from appointment
    where site_id = $1 and start_on = $2 and ($3::timestamptz is null or (start_at, appointment_id) > ($3, $4::uuid))
    order by start_at, appointment_id limit $5
"""
# The site's own day, where the hour is known, else the open one. No site's is later than a day after UTC's: that much
# the index tells.
LIST_OVERDUE = """
    select appointment.*, own_on - start_on as days
    from appointment
        join site using (site_id)
        cross join lateral (select coalesce(($2::timestamptz at time zone time_zone)::date, $1::date) as own_on) as day
    where status = 'booked' and outcome_overdue and own_on - start_on >= $3
        and start_on <= coalesce(($2::timestamptz at time zone 'utc')::date, $1::date) + 1 - $3::integer
        and ($4::text is null or site_id = $4)
        and ($5::timestamptz is null or (start_at, appointment_id) > ($5, $6::uuid))
    order by start_at, appointment_id limit $7
"""
# At this instant, the first one of a business day, the appointment's day is over by the site's own clock.
_IS_OVERDUE = """status = 'booked' and not outcome_overdue
    and start_on < $1::date and start_on < ($2::timestamptz at time zone time_zone)::date"""
LOAD_OVERDUE_PERSONS = f"select distinct member_token from appointment join site using (site_id) where {_IS_OVERDUE}"
LOCK_OVERDUE = f"""
    select appointment.* from appointment join site using (site_id)
    where {_IS_OVERDUE} and member_token = any($3)
    order by appointment_id for update of appointment
"""
LOAD_REPORTED_DEAD = """
    select appointment_id from appointment join enrolment using (enrolment_id, programme_id)
    where appointment_id = any($1) and status = 'booked' and ('death-reported' = any (reasons) or death_is_reported(
        array(
            select person.member_token from person
            where appointment.member_token in (person.member_token, person.person_token)
        ), death_reports_until
    ))
"""
INSERT_APPOINTMENT = """
    insert into appointment (
        appointment_id, version, status, tenant_id, enrolment_id, member_token, programme_id, vaccine_group, site_id,
        slot_id, block_id, start_at, start_on, walk_in, changes, cancellation_reason, cancelled_late,
        cvx, mvx, lot, administered_on, changed_on, booked_on, late_reason, booking_code,
        dose_route, dose_body_site
    ) values (
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
        $25, $26, $27
    )
    on conflict (booking_code) where status = 'booked' do nothing
    returning *
"""
SAVE_APPOINTMENTS = """
    update appointment set
        version = new.version, status = new.status, member_token = new.member_token, site_id = new.site_id,
        slot_id = new.slot_id, block_id = new.block_id, start_at = new.start_at, start_on = new.start_on,
        changes = new.changes, cancellation_reason = new.cancellation_reason, cancelled_late = new.cancelled_late,
        cvx = new.cvx, mvx = new.mvx, lot = new.lot, administered_on = new.administered_on,
        changed_on = new.changed_on, by_rule = new.by_rule, outcome_overdue = new.outcome_overdue,
        late_reason = new.late_reason, site_step = new.site_step, not_given_reason = new.not_given_reason,
        dose_route = new.dose_route, dose_body_site = new.dose_body_site, dose_corrections = new.dose_corrections,
        since_no = case
            when new.status = 'fulfilled' and appointment.status = 'booked' then nextval('moment') else since_no end
    from unnest(
        $1::uuid[], $2::int[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[], $8::timestamptz[],
        $9::date[], $10::int[], $11::text[], $12::bool[], $13::text[], $14::text[], $15::text[], $16::date[],
        $17::date[], $18::bool[], $19::bool[], $20::text[], $21::text[], $22::text[],
        $23::text[], $24::text[], $25::int[]
    ) as new (
        appointment_id, version, status, member_token, site_id, slot_id, block_id, start_at, start_on, changes,
        cancellation_reason, cancelled_late, cvx, mvx, lot, administered_on, changed_on, by_rule, outcome_overdue,
        late_reason, site_step, not_given_reason, dose_route, dose_body_site, dose_corrections
    )
    where appointment.appointment_id = new.appointment_id
"""

TOKENS = """with token as (
    select member_token from person
    where person_token in (select person_token from person where member_token = $1)
)"""
NAMES_IN_TRAIL = f"""
    {TOKENS}
    select member_token::text from token
    union select appointment_id::text from appointment join token using (member_token)
    union select enrolment_id::text from enrolment join token using (member_token)
"""
"""By what the trail may name a member: his appointments and enrolments, under each of his tokens."""

NAMES_FOR_PLANS = NamesForPlans(f"""
    {TOKENS}
    select appointment_id::text, {ALWAYS} from appointment join token using (member_token) where tenant_id = $2
    union select enrolment_id::text, {ALWAYS} from enrolment join token using (member_token) where tenant_id = $2
""")
"""By what is the plan's alone: a token may be another plan's member, too."""

OWNED: Mapping[type[Event], Owned] = {AppointmentChangedV1: Owned.by_version("appointment", "appointment_id")}


async def load_live_bookings(
    connection: Connection, member_tokens: Iterable[UUID], enrolment_ids: Iterable[UUID]
) -> list[LiveBooking]:
    """Lock the live bookings of these persons or enrolments, beside what is known of the members."""
    rows = await connection.fetch(LOAD_LIVE_BOOKINGS, list(member_tokens), list(enrolment_ids))
    return [
        LiveBooking(
            appointment_of(row), Standing(row["standing"]) if row["standing"] else None, row["survivor"],
            row["began_on"], row["death_to_be_checked"],
        )
        for row in rows
    ]  # fmt: skip


async def lock_persons_bookings(connection: Connection, member_tokens: Iterable[UUID]) -> list[Appointment]:
    """Lock the live bookings of the person with these tokens, as far as the tenant sees them."""
    return [appointment_of(row) for row in await connection.fetch(LOCK_PERSONS_BOOKINGS, list(member_tokens))]


async def find_given(
    connection: Connection, member_tokens: Iterable[UUID], vaccine_group: str, given_on: date
) -> tuple[UUID, bool] | None:
    """The appointment that recorded a dose of this vaccine on this day for the person of these tokens already, at any
    site and for any plan; and whether whoever asks may see it."""
    row = await connection.fetchrow(FIND_GIVEN, list(member_tokens), vaccine_group, given_on)
    return None if row is None else (row["appointment_id"], row["is_seen"])


async def find_live(
    connection: Connection, member_tokens: Iterable[UUID], vaccine_group: str, programme_id: str, but: UUID | None
) -> tuple[UUID, bool] | None:
    """The live booking, but for this one, of the person of these tokens, who is locked, for this vaccine or under this
    programme, at any site and for any plan; and whether whoever asks may see it."""
    row = await connection.fetchrow(FIND_LIVE, list(member_tokens), vaccine_group, programme_id, but)
    return None if row is None else (row["appointment_id"], row["is_seen"])


async def load_appointment(connection: Connection, appointment_id: UUID) -> Appointment | None:
    """The appointment; None if there is none that the tenant sees."""
    row = await connection.fetchrow(LOAD_APPOINTMENT, appointment_id)
    return None if row is None else appointment_of(row)


async def lock_appointment(
    connection: Connection, appointment_id: UUID, member_tokens: Iterable[UUID]
) -> Appointment | None:
    """The appointment, locked in one order with the live bookings of its person, of whom these are the tokens."""
    rows = await connection.fetch(LOCK_APPOINTMENT, appointment_id, list(member_tokens))
    return next((appointment_of(row) for row in rows if row["appointment_id"] == appointment_id), None)


async def list_overdue(
    connection: Connection, today: date, hour: datetime | None, search: OverdueSearch, after: Place, limit: int
) -> list[Overdue]:
    """Bookings whose day is over for so many days at least, by their sites' own, and of which nobody has said what came
    of them, oldest first."""
    rows = await connection.fetch(LIST_OVERDUE, today, hour, *search, *after, limit)
    return [Overdue(appointment_of(row), row["days"]) for row in rows]


async def load_overdue_persons(connection: Connection, today: date, began_at: datetime) -> set[UUID]:
    """Who has a booking for a day that is over, which was not told yet."""
    return {row["member_token"] for row in await connection.fetch(LOAD_OVERDUE_PERSONS, today, began_at)}


async def lock_overdue(
    connection: Connection, today: date, began_at: datetime, member_tokens: Iterable[UUID]
) -> list[Appointment]:
    """Lock the bookings of these persons, who are locked, whose day is over and was not told yet."""
    rows = await connection.fetch(LOCK_OVERDUE, today, began_at, list(member_tokens))
    return [appointment_of(row) for row in rows]


async def load_reported_dead(connection: Connection, appointments: Iterable[Appointment]) -> set[UUID]:
    """Which of these are bookings of somebody whose death was reported and is to be checked."""
    ids = [appointment.appointment_id for appointment in appointments]
    return {row["appointment_id"] for row in await connection.fetch(LOAD_REPORTED_DEAD, ids)}


async def load_booked_persons(connection: Connection, programme_ids: Iterable[str]) -> set[UUID]:
    """Who has a live booking under these programmes."""
    return {row["member_token"] for row in await connection.fetch(LOAD_BOOKED_PERSONS, list(programme_ids))}


async def load_booked_tokens(connection: Connection, enrolment_ids: Iterable[UUID]) -> set[UUID]:
    """Whom the live bookings of these enrolments are for."""
    return {row["member_token"] for row in await connection.fetch(LOAD_BOOKED_TOKENS, list(enrolment_ids))}


async def load_numbers(connection: Connection, appointment_ids: Iterable[UUID]) -> dict[UUID, int]:
    """`since_no` by appointment; those that this service did not book are left out."""
    rows = await connection.fetch(LOAD_NUMBERS, list(appointment_ids))
    return {row["appointment_id"]: row["since_no"] for row in rows}


async def list_appointments(
    connection: Connection, site_id: str, start_on: date, after: Place, limit: int
) -> list[Appointment]:
    """The appointments of a day at a site, walk-ins too, in the order of their times."""
    return [appointment_of(row) for row in await connection.fetch(LIST_APPOINTMENTS, site_id, start_on, *after, limit)]


async def insert_appointment(connection: Connection, new: Appointment) -> Appointment | None:
    """Keep a new appointment and give it with its number; None if another live booking has its code."""
    row = await connection.fetchrow(
        INSERT_APPOINTMENT, new.appointment_id, new.version, new.status, new.tenant_id, new.enrolment_id,
        new.member_token, new.programme_id, new.vaccine_group, new.site_id, new.slot_id, new.block_id, new.start_at,
        new.start_on, new.walk_in, new.changes, new.cancellation_reason, new.cancelled_late, *_dose_columns(new),
        new.changed_on, new.booked_on, new.late_reason, new.booking_code, new.dose_route, new.dose_body_site,
    )  # fmt: skip
    return None if row is None else appointment_of(row)


async def save_appointments(connection: Connection, appointments: Sequence[Appointment]) -> None:
    """Save what changed of these. Those that end come first: they make room, under the index of live bookings, for one
    that moves to their person."""
    live = [appointment for appointment in appointments if appointment.status is AppointmentStatus.BOOKED]
    ended = [appointment for appointment in appointments if appointment.status is not AppointmentStatus.BOOKED]
    for group in (ended, live):
        if group:
            await connection.execute(SAVE_APPOINTMENTS, *map(list, zip(*map(_columns, group), strict=True)))


def _columns(a: Appointment) -> tuple[object, ...]:
    return (
        a.appointment_id, a.version, a.status, a.member_token, a.site_id, a.slot_id, a.block_id, a.start_at, a.start_on,
        a.changes, a.cancellation_reason, a.cancelled_late, *_dose_columns(a), a.changed_on, a.by_rule,
        a.outcome_overdue, a.late_reason, a.site_step, a.not_given_reason, a.dose_route, a.dose_body_site,
        a.dose_corrections,
    )  # fmt: skip


def _dose_columns(a: Appointment) -> tuple[object, ...]:
    return (None,) * 4 if a.dose is None else (a.dose.cvx, a.dose.mvx, a.dose.lot, a.dose.administered_on)


def appointment_of(row: Record) -> Appointment:
    """The appointment of a whole row."""
    dose = None if row["lot"] is None else DoseGiven(**{name: row[name] for name in DoseGiven.model_fields})
    booked_on = row["booked_on"] or row["changed_on"]  # the column is younger than the oldest rows
    return into(
        Appointment, row, status=AppointmentStatus(row["status"]), dose=dose, booked_on=booked_on,
        site_step=row["site_step"] and SiteStep(row["site_step"]),
        not_given_reason=row["not_given_reason"] and NotGiven(row["not_given_reason"]),
    )  # fmt: skip
