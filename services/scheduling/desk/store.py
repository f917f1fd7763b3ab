"""SQL of the desk: whom a site expects, and who is found there. Connection first; nobody here commits."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record

from schemas.member_contact_v1 import ContactDetails
from services.kit.next_page import Place
from services.kit.postgres import Connection
from services.kit.resealing import Sealed
from services.scheduling.appointments.rules import Appointment
from services.scheduling.appointments.store import appointment_of
from services.scheduling.desk.rules import Expected
from services.scheduling.desk.screening import Question, Reply

DETAILS = Sealed("member_contact", "sealed_details", "enrolment_id::text", "null::bytea")
SAVE_CONTACTS = """
    insert into member_contact as kept (enrolment_id, tenant_id, version, sealed_details)
    select * from unnest($1::uuid[], $2::text[], $3::int[], $4::bytea[])
    on conflict (enrolment_id) do update set
        tenant_id = excluded.tenant_id, version = excluded.version, sealed_details = excluded.sealed_details
    where excluded.version > kept.version
"""
LOAD_DETAILS = """
    select enrolment_id, sealed_details from member_contact
    where enrolment_id = any($1) and sealed_details is not null
"""
_EXPECTED = """
    select appointment.*, coalesce(appointment.cvx, block.cvx) as product
    from appointment left join block using (block_id)
"""
FIND_BY_CODE = f"{_EXPECTED} where appointment.site_id = $1 and booking_code = $2 and status = 'booked'"
LIST_DAY = f"""
    {_EXPECTED}
    where appointment.site_id = $1 and start_on = $2
        and ($3::timestamptz is null or (start_at, appointment_id) > ($3, $4::uuid))
    order by start_at, appointment_id limit $5
"""
SAVE_SCREENING = """
    insert into screening (appointment_id, tenant_id, site_id, answers, screened_at) values ($1, $2, $3, $4, $5)
    on conflict (appointment_id) do update set answers = excluded.answers, screened_at = excluded.screened_at
"""
FORGET_SCREENING = "delete from screening where appointment_id = $1"
LOAD_SCREENING = "select answers from screening where appointment_id = $1"


class Contact(NamedTuple):
    """The newest fact of an enrolment, opened; no details where they were withdrawn."""

    enrolment_id: UUID
    tenant_id: str
    version: int
    details: ContactDetails | None


async def save_contacts(connection: Connection, contacts: Sequence[Contact]) -> None:
    """Keep the newest version of each enrolment; what is older than what stands changes nothing."""
    rows = [
        (one.enrolment_id, one.tenant_id, one.version, _sealed(connection, one))
        for one in sorted(contacts, key=attrgetter("enrolment_id"))
    ]
    if rows:
        await connection.execute(SAVE_CONTACTS, *map(list, zip(*rows, strict=True)))


def _sealed(connection: Connection, one: Contact) -> bytes | None:
    if one.details is None:
        return None
    return DETAILS.seal(connection, [one.details.model_dump_json().encode()], [str(one.enrolment_id)])[0]


async def load_details(connection: Connection, enrolment_ids: Collection[UUID]) -> Mapping[UUID, ContactDetails]:
    """Whose these enrolments are, as far as anybody may know."""
    rows = await connection.fetch(LOAD_DETAILS, list(enrolment_ids)) if enrolment_ids else []
    names = [str(row["enrolment_id"]) for row in rows]
    opened = DETAILS.open(connection, [row["sealed_details"] for row in rows], names) if rows else []
    return {
        row["enrolment_id"]: ContactDetails.model_validate_json(content)
        for row, content in zip(rows, opened, strict=True)
    }


async def find_by_code(connection: Connection, site_id: str, booking_code: str) -> list[Expected]:
    """The live booking at the site that has this code, if there is one."""
    return [_expected(row) for row in await connection.fetch(FIND_BY_CODE, site_id, booking_code)]


async def list_day(
    connection: Connection, site_id: str, on: date, after: Place, limit: int | None = None
) -> list[Expected]:
    """The appointments of a day at a site with their products, in the order of their times."""
    return [_expected(row) for row in await connection.fetch(LIST_DAY, site_id, on, *after, limit)]


async def save_screening(
    connection: Connection, appointment: Appointment, answers: Mapping[Question, Reply], at: datetime
) -> None:
    """Keep what the member answered now, in place of what he answered before."""
    said = {question.value: reply.value for question, reply in answers.items()}
    await connection.execute(
        SAVE_SCREENING, appointment.appointment_id, appointment.tenant_id, appointment.site_id, said, at
    )  # fmt: skip


async def forget_screening(connection: Connection, appointment_id: UUID) -> None:
    await connection.execute(FORGET_SCREENING, appointment_id)


async def load_screening(connection: Connection, appointment_id: UUID) -> Mapping[Question, Reply] | None:
    """What the member answered last; None where nobody asked him."""
    said = await connection.fetchval(LOAD_SCREENING, appointment_id)
    return None if said is None else {Question(question): Reply(reply) for question, reply in said.items()}


def _expected(row: Record) -> Expected:
    return Expected(appointment_of(row), row["product"])
