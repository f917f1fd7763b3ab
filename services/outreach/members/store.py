"""SQL of members: what others say about them. Batch first; nobody here commits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple
from datetime import date, datetime
from operator import attrgetter
from uuid import UUID

import asyncpg

from schemas.eligibility_v1 import DoseAction, DoseAdministeredV1
from schemas.scheduling_v1 import AppointmentChangedV1, AppointmentStatus
from services.kit.postgres import Connection
from services.kit.rows import columns, columns_of, grouped, into, names, transposed, unnested
from services.outreach.members.rules import (
    Appointment,
    AppointmentOnRecord,
    Dose,
    DoseOnRecord,
    Enrolment,
    LossNotice,
    NotedLoss,
)

LOAD_TOKENS_OF_ENROLMENTS = "select distinct member_token from enrolment where enrolment_id = any($1)"
LOAD_MOVED = """
select distinct on (enrolment_id) enrolment_id, new.member_token
from unnest($1::uuid[], $2::text[], $3::int[], $4::uuid[]) as new (enrolment_id, programme_id, version, member_token)
join enrolment as kept using (enrolment_id, programme_id)
where new.version > kept.version and new.member_token <> kept.member_token
order by enrolment_id
"""
LOAD_PROGRAMMES_OF = """
select programme_id, member_token from enrolment where enrolment_id = $1 order by programme_id
"""
LOAD_TOKENS_OF_DOSES = "select distinct member_token from dose where dose_id = any($1)"

_ENROLMENT = ", ".join(names(Enrolment))
_NEWER_ENROLMENT = ", ".join(
    f"{name} = excluded.{name}"
    for name in names(Enrolment)
    if name not in {"enrolment_id", "programme_id", "eligible_on"} and not name.endswith("_since_on")
)
_SINCE = ", ".join(
    f"{way}_since_on = case when excluded.{way}_version > kept.{way}_version"
    f" then excluded.decided_on else kept.{way}_since_on end"
    for way in ("phone", "address", "email")
)
SAVE_ENROLMENTS = f"""
insert into enrolment as kept ({_ENROLMENT})
select * from unnest({unnested(Enrolment)})
on conflict (enrolment_id, programme_id) do update
set {_NEWER_ENROLMENT}, {_SINCE}, eligible_on = least(kept.eligible_on, excluded.eligible_on)
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

LOAD_DOSES = """
select member_token, dose_id, coalesce(nullif(vaccine_groups, ''), vaccine_group) as vaccine_groups, administered_on,
    live and not is_partial as live, appointment_id
from dose where member_token = any($1)
"""
LOAD_APPOINTMENTS = """
select enrolment_id, programme_id, appointment_id, status, start_at, start_on, changed_on, dose_on,
    cancellation_reason, by_rule, outcome_overdue, coalesce(told_at, start_at) as told_at,
    (select how from loss_notice where loss_notice.appointment_id = appointment.appointment_id) as told_how
from appointment where enrolment_id = any($1)
"""

_ON_RECORD = """
select appointment_id, status, site_id, start_at, start_on, changed_on, cancellation_reason, by_rule, outcome_overdue,
    notice.how as told_how, notice.worker_id as told_by
from appointment left join loss_notice as notice using (appointment_id)
"""
LOAD_APPOINTMENTS_ON_RECORD = f"""{_ON_RECORD}
where enrolment_id = $1 and programme_id = $2 order by start_at, appointment_id
"""
LOAD_SOME_ON_RECORD = f"{_ON_RECORD} where appointment_id = any($1)"
SAVE_LOSS_NOTICE = """
insert into loss_notice (appointment_id, case_id, tenant_id, how, worker_id) values ($1, $2, $3, $4, $5)
returning noted_at
"""
LOAD_LOSS_NOTICE = """
select appointment_id, worker_id, noted_at, clock_timestamp() as asked_at from loss_notice where case_id = $1
order by noted_at desc limit 1
"""
RETRACT_LOSS_NOTICE = """
with gone as (delete from loss_notice where appointment_id = $1 returning *)
insert into loss_notice_retraction
    (appointment_id, case_id, tenant_id, how, worker_id, noted_at, retracted_by, reason, retracted_at)
select appointment_id, case_id, tenant_id, how, worker_id, noted_at, $2, $3, $4 from gone
"""
LOAD_DOSES_ON_RECORD = """
select dose_id, vaccine_group, administered_on,
    case when is_partial then 'partial' else 'recorded' end as state,
    string_to_array(sources, ' ') as sources
from person join dose using (member_token)
where person_token = (select person_token from person where member_token = $1) and live
    and (select vaccine_group from programme where programme_id = $2)
        = any(string_to_array(coalesce(nullif(vaccine_groups, ''), vaccine_group), ' '))
order by administered_on, dose_id
"""


async def load_tokens_of_enrolments(connection: Connection, enrolment_ids: Collection[UUID]) -> set[UUID]:
    """Under which members these enrolments stood until now."""
    return _tokens(await connection.fetch(LOAD_TOKENS_OF_ENROLMENTS, list(enrolment_ids)))


async def load_moved(connection: Connection, enrolments: Sequence[Enrolment]) -> dict[UUID, UUID]:
    """Those of these facts' enrolments that stand under another token than until now, each with that one."""
    if not enrolments:
        return {}
    told = columns(enrolments, "enrolment_id", "programme_id", "version", "member_token")
    rows = await connection.fetch(LOAD_MOVED, *told)
    return {row["enrolment_id"]: row["member_token"] for row in rows}


async def load_programmes_of(connection: Connection, enrolment_id: UUID) -> dict[str, UUID]:
    """The programmes under which this enrolment was heard of, each with the member's token; none where it is another
    plan's."""
    rows = await connection.fetch(LOAD_PROGRAMMES_OF, enrolment_id)
    return {row["programme_id"]: row["member_token"] for row in rows}


async def load_tokens_of_doses(connection: Connection, dose_ids: Collection[UUID]) -> set[UUID]:
    """Under which members these doses stood until now."""
    return _tokens(await connection.fetch(LOAD_TOKENS_OF_DOSES, list(dose_ids)))


def _tokens(rows: Sequence[asyncpg.Record]) -> set[UUID]:
    return {row["member_token"] for row in rows}


async def save_enrolments(connection: Connection, enrolments: Sequence[Enrolment]) -> None:
    """Keep the newest version; each enrolment and programme at most once, in the order of their ids."""
    if not enrolments:
        return
    values = columns_of(
        Enrolment,
        enrolments,
        reasons=[" ".join(enrolment.reasons) for enrolment in enrolments],
        channels_barred=[" ".join(enrolment.channels_barred) for enrolment in enrolments],
    )
    await connection.execute(SAVE_ENROLMENTS, *values)
    dated = [enrolment for enrolment in enrolments if enrolment.eligible_on is not None]
    if dated:
        await connection.execute(SAVE_ELIGIBLE_ON, *columns(dated, "enrolment_id", "programme_id", "eligible_on"))


async def save_doses(connection: Connection, doses: Sequence[DoseAdministeredV1]) -> None:
    """Keep the newest version; each dose at most once."""
    rows = [
        (
            dose.dose_id, dose.version, dose.member_token, dose.vaccine_group, dose.administered_on,
            dose.action is not DoseAction.RETRACT, " ".join(dose.sources), dose.appointment_id, dose.is_partial,
            " ".join(dose.groups),
        )
        for dose in sorted(doses, key=attrgetter("dose_id"))
    ]  # fmt: skip
    await connection.execute(SAVE_DOSES, *transposed(rows, 10))


async def save_appointments(connection: Connection, appointments: Sequence[AppointmentChangedV1]) -> None:
    """Keep the newest version; each appointment at most once."""
    rows = [
        (
            booking.appointment_id, booking.version, booking.tenant_id, booking.enrolment_id, booking.programme_id,
            booking.member_token, booking.status.value, booking.site_id, booking.start_at, booking.start_on,
            booking.changed_on, _dose_on(booking), booking.cancellation_reason, booking.by_rule,
            booking.outcome_overdue, booking.occurred_at,
        )
        for booking in sorted(appointments, key=attrgetter("appointment_id"))
    ]  # fmt: skip
    await connection.execute(SAVE_APPOINTMENTS, *transposed(rows, 16))


def _dose_on(appointment: AppointmentChangedV1) -> date | None:
    fulfilled = appointment.status is AppointmentStatus.FULFILLED
    return appointment.dose.administered_on if fulfilled and appointment.dose else None


async def load_doses(connection: Connection, persons: Mapping[UUID, UUID]) -> dict[UUID, list[Dose]]:
    """The doses of these persons (token → person), by person."""
    rows = await connection.fetch(LOAD_DOSES, list(persons))
    return grouped(rows, lambda row: persons[row["member_token"]], _dose)


def _dose(row: asyncpg.Record) -> Dose:
    return into(Dose, row, vaccine_groups=tuple(row["vaccine_groups"].split()))


async def load_appointments(
    connection: Connection, enrolment_ids: Sequence[UUID]
) -> dict[tuple[UUID, str], list[Appointment]]:
    """The appointments of these enrolments, by enrolment and programme."""
    rows = await connection.fetch(LOAD_APPOINTMENTS, enrolment_ids)
    return grouped(rows, lambda row: (row["enrolment_id"], row["programme_id"]), _appointment)


def _appointment(row: asyncpg.Record) -> Appointment:
    return into(Appointment, row, status=AppointmentStatus(row["status"]))


async def load_appointments_on_record(
    connection: Connection, enrolment_id: UUID, programme_id: str
) -> list[AppointmentOnRecord]:
    """The appointments of this enrolment and programme, by their start."""
    rows = await connection.fetch(LOAD_APPOINTMENTS_ON_RECORD, enrolment_id, programme_id)
    return [into(AppointmentOnRecord, row) for row in rows]


async def load_some_on_record(
    connection: Connection, appointment_ids: Collection[UUID]
) -> dict[UUID, AppointmentOnRecord]:
    """These appointments, by their ids."""
    rows = await connection.fetch(LOAD_SOME_ON_RECORD, list(appointment_ids))
    return {row["appointment_id"]: into(AppointmentOnRecord, row) for row in rows}


async def save_loss_notice(connection: Connection, notice: LossNotice) -> datetime:
    """Keep how the member hears that his booking is off; gives when that was kept."""
    noted_at: datetime = await connection.fetchval(SAVE_LOSS_NOTICE, *astuple(notice))
    return noted_at


async def load_loss_notice(connection: Connection, case_id: UUID) -> NotedLoss | None:
    """The case's last notice that stands."""
    row = await connection.fetchrow(LOAD_LOSS_NOTICE, case_id)
    return None if row is None else into(NotedLoss, row)


async def retract_loss_notice(connection: Connection, notice: NotedLoss, by: str, reason: str) -> None:
    """Let a notice stand no more; it stays on record among those that were taken back."""
    await connection.execute(RETRACT_LOSS_NOTICE, notice.appointment_id, by, reason, notice.asked_at)


async def load_doses_on_record(connection: Connection, member_token: UUID, programme_id: str) -> list[DoseOnRecord]:
    """Every dose of the person that is of the programme's vaccine group, by its day."""
    rows = await connection.fetch(LOAD_DOSES_ON_RECORD, member_token, programme_id)
    return [into(DoseOnRecord, row, sources=tuple(row["sources"])) for row in rows]
