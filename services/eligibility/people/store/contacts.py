"""How members can be reached: what rosters say beyond their enrolments, and what was told of it. All SQL of it."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from schemas.envelope import Event
from schemas.member_contact_v1 import MemberContactChangedV1
from services.eligibility.feeds.records import StatedContact
from services.eligibility.people.contact import contact_document, contact_of
from services.kit.ids import new_id
from services.kit.own_log import Owned
from services.kit.postgres import Connection, text_array
from services.kit.resealing import Sealed

STATED = Sealed("member_contact", "sealed_stated", "enrolment_id::text || ' stated'", "null::bytea")
TOLD = Sealed("member_contact", "sealed_told", "enrolment_id::text || ' told'", "null::bytea")
LOAD_STATED = """
select enrolment_id, sealed_stated from member_contact
where enrolment_id = any($1::uuid[]) and sealed_stated is not null
"""
SAVE_STATED = """
insert into member_contact (enrolment_id, tenant_id, sealed_stated)
select enrolment_id, tenant_id, sealed from unnest($1::uuid[], $2::text::text[], $3::bytea[])
    as said (enrolment_id, tenant_id, sealed)
on conflict (enrolment_id) do update set sealed_stated = excluded.sealed_stated
"""
LOAD_TOLD = """
select enrolment_id, version, digest, sealed_told from member_contact where enrolment_id = any($1::uuid[])
"""
SAVE_TOLD = """
insert into member_contact (enrolment_id, tenant_id, version, digest, sealed_told)
select enrolment_id, tenant_id, version, digest, sealed
from unnest($1::uuid[], $2::text::text[], $3::integer[], $4::bytea[], $5::bytea[])
    as said (enrolment_id, tenant_id, version, digest, sealed)
on conflict (enrolment_id) do update
set version = excluded.version, digest = excluded.digest, sealed_told = excluded.sealed_told
"""
LOAD_HOUSEHOLDS = """
select tenant_id, family_number, household_id
from unnest($1::text::text[], $2::text::text[]) as said (tenant_id, family_number)
join household using (tenant_id, family_number)
"""
SAVE_HOUSEHOLDS = """
insert into household (tenant_id, family_number, household_id)
select * from unnest($1::text::text[], $2::text::text[], $3::uuid[]) on conflict do nothing
"""
UNKNOWN_CONTACTS = """
select position from unnest($1::uuid[], $2::numeric[]) with ordinality as said (enrolment_id, said_version, position)
left join member_contact using (enrolment_id)
where version is null or version < said_version
"""
OWNED: Mapping[type[Event], Owned] = {MemberContactChangedV1: Owned(("enrolment_id", "version"), UNKNOWN_CONTACTS)}

Family = tuple[str, str]
"""A plan, and the number of a subscriber."""


class Told(NamedTuple):
    """What was told last of an enrolment; `details` as they are sealed, none where they were withdrawn."""

    enrolment_id: UUID
    tenant_id: str
    version: int = 0
    digest: bytes | None = None
    details: bytes | None = None


async def load_stated(connection: Connection, enrolment_ids: Collection[UUID]) -> dict[UUID, StatedContact]:
    """What rosters say of these enrolments beyond what stands in them."""
    rows = await connection.fetch(LOAD_STATED, list(enrolment_ids)) if enrolment_ids else []
    names = [f"{row['enrolment_id']} stated" for row in rows]
    opened = STATED.open(connection, [row["sealed_stated"] for row in rows], names) if rows else []
    return {row["enrolment_id"]: contact_of(document) for row, document in zip(rows, opened, strict=True)}


async def save_stated(connection: Connection, stated: Mapping[UUID, StatedContact], plans: Mapping[UUID, str]) -> None:
    if stated:
        ids = sorted(stated)
        documents = [contact_document(stated[one]) for one in ids]
        sealed = STATED.seal(connection, documents, [f"{one} stated" for one in ids])
        await connection.execute(SAVE_STATED, ids, text_array([plans[one] for one in ids]), sealed)


async def load_told(connection: Connection, plans: Mapping[UUID, str]) -> dict[UUID, Told]:
    """What was told of these enrolments (with their plans)."""
    rows = await connection.fetch(LOAD_TOLD, list(plans)) if plans else []
    found = {one: Told(one, plan) for one, plan in plans.items()}
    return found | {
        row["enrolment_id"]: Told(
            row["enrolment_id"], plans[row["enrolment_id"]], row["version"], row["digest"], row["sealed_told"]
        )
        for row in rows
    }


def open_told(connection: Connection, told: Told) -> bytes | None:
    """The details that were told last, as JSON."""
    if told.details is None:
        return None
    return TOLD.open(connection, [told.details], [f"{told.enrolment_id} told"])[0]


async def save_told(connection: Connection, told: Sequence[Told]) -> None:
    """Each with its details in clear, which are sealed here."""
    if told:
        ordered = sorted(told, key=lambda one: one.enrolment_id)
        known = {one.enrolment_id: one.details for one in ordered if one.details is not None}
        named = [f"{enrolment_id} told" for enrolment_id in known]
        sealed = dict(zip(known, TOLD.seal(connection, list(known.values()), named), strict=True))
        ids, plans, versions, digests, _ = zip(*ordered, strict=True)
        kept = [sealed.get(enrolment_id) for enrolment_id in ids]
        await connection.execute(SAVE_TOLD, ids, text_array(plans), versions, digests, kept)


async def household_ids(connection: Connection, families: Collection[Family]) -> dict[Family, UUID]:
    """By what id others know each family; made where it has none."""
    found = await _load_households(connection, families)
    if missing := sorted(set(families) - found.keys()):
        plans, numbers = zip(*missing, strict=True)
        made = [new_id() for _ in missing]
        await connection.execute(SAVE_HOUSEHOLDS, text_array(plans), text_array(numbers), made)
        found |= await _load_households(connection, missing)
    return found


async def _load_households(connection: Connection, families: Collection[Family]) -> dict[Family, UUID]:
    if not families:
        return {}
    plans, numbers = zip(*families, strict=True)
    rows = await connection.fetch(LOAD_HOUSEHOLDS, text_array(plans), text_array(numbers))
    return {(row["tenant_id"], row["family_number"]): row["household_id"] for row in rows}
