"""SQL of how members can be reached: eligibility's newest word of each enrolment, and workers' corrections."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from schemas.member_contact_v1 import ContactDetails
from services.kit.postgres import Connection
from services.kit.resealing import Sealed
from services.outreach.reach.rules import Correction, Heard, HeardFrom

DETAILS = Sealed("member_contact", "sealed_details", "enrolment_id::text", "null::bytea")
HEARD = Sealed("contact_correction", "sealed_said", "correction_id::text", "null::bytea")
SAVE_CONTACTS = """
insert into member_contact as kept (enrolment_id, tenant_id, version, household_id, sealed_details)
select * from unnest($1::uuid[], $2::text[], $3::integer[], $4::uuid[], $5::bytea[])
on conflict (enrolment_id) do update
set tenant_id = excluded.tenant_id, version = excluded.version, household_id = excluded.household_id,
    sealed_details = excluded.sealed_details
where excluded.version > kept.version
"""
LOAD_DETAILS = """
select enrolment_id, sealed_details from member_contact
where enrolment_id = any($1::uuid[]) and sealed_details is not null
"""
SHARE_CONTACT = "select sealed_details is not null from member_contact where enrolment_id = $1 for share"
SAVE_CORRECTION = """
insert into contact_correction
    (correction_id, case_id, enrolment_id, tenant_id, worker_id, source, said_on, sealed_said)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
LOAD_CORRECTIONS = """
select correction_id, case_id, enrolment_id, tenant_id, worker_id, source, said_on, sealed_said
from contact_correction where enrolment_id = $1 order by said_on, noted_at, correction_id
"""
FORGET_CORRECTIONS = "delete from contact_correction where enrolment_id = any($1::uuid[])"
NAMED_BY = """
select enrolment_id::text as id from unnest($1::uuid[]) as said (enrolment_id)
union select case_id::text from contact_correction where enrolment_id = any($1::uuid[])
union select correction_id::text from contact_correction where enrolment_id = any($1::uuid[])
"""


class Contact(NamedTuple):
    """The newest fact of an enrolment, opened; no details where they were withdrawn."""

    enrolment_id: UUID
    tenant_id: str
    version: int
    details: ContactDetails | None


async def save_contacts(connection: Connection, contacts: Sequence[Contact]) -> None:
    """Keep the newest version of each enrolment; what is older than what stands changes nothing."""
    ordered = sorted(contacts, key=attrgetter("enrolment_id"))
    rows = [
        (
            one.enrolment_id, one.tenant_id, one.version,
            None if one.details is None else one.details.household_id, _sealed(connection, one),
        )
        for one in ordered
    ]  # fmt: skip
    if rows:
        await connection.execute(SAVE_CONTACTS, *zip(*rows, strict=True))


def _sealed(connection: Connection, one: Contact) -> bytes | None:
    """All of it but the birth date: whoever calls need not know that."""
    if one.details is None:
        return None
    return DETAILS.seal(
        connection, [one.details.model_dump_json(exclude={"birth_on"}).encode()], [str(one.enrolment_id)]
    )[0]


async def load_details(connection: Connection, enrolment_ids: Sequence[UUID]) -> Mapping[UUID, ContactDetails]:
    """How the members of these enrolments can be reached, as far as anybody may."""
    rows = await connection.fetch(LOAD_DETAILS, list(enrolment_ids))
    names = [str(row["enrolment_id"]) for row in rows]
    opened = DETAILS.open(connection, [row["sealed_details"] for row in rows], names) if rows else []
    return {
        row["enrolment_id"]: ContactDetails.model_validate_json(content)
        for row, content in zip(rows, opened, strict=True)
    }


async def is_withdrawn(connection: Connection, enrolment_id: UUID) -> bool:
    """Whether its details were withdrawn or erased; neither happens before the end of this transaction."""
    return await connection.fetchval(SHARE_CONTACT, enrolment_id) is False


async def save_correction(connection: Connection, correction: Correction) -> None:
    said = correction.heard.model_dump_json(exclude_defaults=True).encode()
    [sealed] = HEARD.seal(connection, [said], [str(correction.correction_id)])
    await connection.execute(
        SAVE_CORRECTION, correction.correction_id, correction.case_id, correction.enrolment_id, correction.tenant_id,
        correction.worker_id, correction.source.value, correction.said_on, sealed,
    )  # fmt: skip


async def forget_corrections(connection: Connection, enrolment_ids: Sequence[UUID]) -> set[str]:
    """Delete what workers heard of these enrolments' members; gives by which ids answers may name it."""
    named = {row["id"] for row in await connection.fetch(NAMED_BY, list(enrolment_ids))}
    await connection.execute(FORGET_CORRECTIONS, list(enrolment_ids))
    return named


async def load_corrections(connection: Connection, enrolment_id: UUID) -> list[Correction]:
    """What workers heard of this enrolment's member, in the order in which it was said."""
    rows = await connection.fetch(LOAD_CORRECTIONS, enrolment_id)
    names = [str(row["correction_id"]) for row in rows]
    opened = HEARD.open(connection, [row["sealed_said"] for row in rows], names) if rows else []
    return [
        Correction(
            row["correction_id"], row["case_id"], row["enrolment_id"], row["tenant_id"], row["worker_id"],
            HeardFrom(row["source"]), row["said_on"], Heard.model_validate_json(said),
        )
        for row, said in zip(rows, opened, strict=True)
    ]  # fmt: skip
