"""Contact details that a plan had erased, and what forbids that for now. All SQL of it."""

from collections.abc import Collection, Mapping
from uuid import UUID

from services.kit.postgres import Connection

LOAD_HELD = "select enrolment_id from legal_hold where enrolment_id = any($1::uuid[])"
PLACE = """
insert into legal_hold (enrolment_id, tenant_id, placed_by) select *, $3 from unnest($1::uuid[], $2::text[])
on conflict do nothing
"""
LIFT = "delete from legal_hold where enrolment_id = any($1::uuid[])"
LOAD_ERASED = "select enrolment_id from contact_erasure where enrolment_id = any($1::uuid[])"
NOTE = """
insert into contact_erasure (enrolment_id, tenant_id, reason, erased_by)
select *, $3, $4 from unnest($1::uuid[], $2::text[]) on conflict do nothing
"""
NOTE_WITH = """
insert into contact_erasure (enrolment_id, tenant_id, reason, erased_by)
select known, tenant_id, reason, erased_by from unnest($1::uuid[], $2::uuid[]) as said (known, enrolment_id)
join contact_erasure using (enrolment_id) on conflict do nothing
"""
ERASE = (
    "update enrolment set phones = '{}', email = '', street = '', unit = '', city = ''"
    " where enrolment_id = any($1::uuid[])",
    "update member_contact set sealed_stated = null where enrolment_id = any($1::uuid[])",
    "delete from registry_contact where enrolment_id = any($1::uuid[])",
)
"""How somebody is found stays: name, birth date, ZIP and numbers."""


async def load_held(connection: Connection, enrolment_ids: Collection[UUID]) -> set[UUID]:
    return {row["enrolment_id"] for row in await connection.fetch(LOAD_HELD, list(enrolment_ids))}


async def place_holds(connection: Connection, plans: Mapping[UUID, str], by: str) -> None:
    await connection.execute(PLACE, list(plans), list(plans.values()), by)


async def lift_holds(connection: Connection, enrolment_ids: Collection[UUID]) -> None:
    await connection.execute(LIFT, list(enrolment_ids))


async def load_erased(connection: Connection, enrolment_ids: Collection[UUID]) -> set[UUID]:
    """Of which of these nothing may be kept or told."""
    if not enrolment_ids:
        return set()
    return {row["enrolment_id"] for row in await connection.fetch(LOAD_ERASED, list(enrolment_ids))}


async def erase(connection: Connection, plans: Mapping[UUID, str], reason: str, by: str) -> None:
    """Take the contact details of these enrolments (with their plans), whose persons are locked, out of every table of
    this room, and note that they are to stay away."""
    await connection.execute(NOTE, list(plans), list(plans.values()), reason, by)
    for statement in ERASE:
        await connection.execute(statement, list(plans))


async def erase_with(connection: Connection, others: Mapping[UUID, UUID]) -> None:
    """Likewise of enrolments with which others were joined that were erased, with these: for the same reason."""
    if others:
        await connection.execute(NOTE_WITH, list(others), [_first(others, one) for one in others.values()])
        for statement in ERASE:
            await connection.execute(statement, list(others))


def _first(others: Mapping[UUID, UUID], one: UUID) -> UUID:
    """The one that was erased first, where several were joined in a row."""
    while one in others:
        one = others[one]
    return one
