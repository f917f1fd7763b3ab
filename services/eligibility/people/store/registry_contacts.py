"""What registries say of how to reach plans' members: each one's newest message. All SQL of it, batch first."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from operator import attrgetter
from uuid import UUID

from services.eligibility.people.contact import RegistryContact, registry_contact_of, registry_document
from services.kit.postgres import Connection
from services.kit.resealing import Sealed

SEALED = Sealed("registry_contact", "sealed_said", "enrolment_id::text || ' ' || source", "null::bytea")
# Of one instant the one that came last; nothing of whom the plan had erased.
SAVE = """
with heard as (
    select distinct on (enrolment_id, source) enrolment_id, source, tenant_id, said_at, sealed_said
    from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bytea[])
        with ordinality as said (enrolment_id, source, tenant_id, said_at, sealed_said, position)
    where enrolment_id not in (select enrolment_id from contact_erasure)
    order by enrolment_id, source, said_at desc, position desc
)
insert into registry_contact as kept (enrolment_id, source, tenant_id, said_at, sealed_said)
select * from heard order by enrolment_id, source
on conflict (enrolment_id, source) do update set said_at = excluded.said_at, sealed_said = excluded.sealed_said
where excluded.said_at >= kept.said_at
"""
LOAD = """
select enrolment_id, source, tenant_id, said_at, sealed_said from registry_contact
where enrolment_id = any($1::uuid[]) order by said_at desc, source
"""
FORGET = "delete from registry_contact where enrolment_id = any($1::uuid[])"


async def save_contacts(connection: Connection, heard: Sequence[RegistryContact]) -> None:
    """Keep what is not older than what stands, of each registry and enrolment; their persons are locked."""
    if not heard:
        return
    documents = [registry_document(one) for one in heard]
    sealed = SEALED.seal(connection, documents, [f"{one.enrolment_id} {one.source}" for one in heard])
    columns = [list(map(attrgetter(name), heard)) for name in ("enrolment_id", "source", "tenant_id", "said_at")]
    await connection.execute(SAVE, *columns, sealed)


async def load_contacts(connection: Connection, enrolment_ids: Collection[UUID]) -> dict[UUID, list[RegistryContact]]:
    """What registries say of these enrolments' members, the newest first."""
    rows = await connection.fetch(LOAD, list(enrolment_ids)) if enrolment_ids else []
    names = [f"{row['enrolment_id']} {row['source']}" for row in rows]
    opened = SEALED.open(connection, [row["sealed_said"] for row in rows], names) if rows else []
    found: defaultdict[UUID, list[RegistryContact]] = defaultdict(list)
    for row, document in zip(rows, opened, strict=True):
        about = row["enrolment_id"], row["source"], row["tenant_id"], row["said_at"]
        found[row["enrolment_id"]].append(registry_contact_of(*about, document))
    return found


async def forget_contacts(connection: Connection, enrolment_ids: Collection[UUID]) -> None:
    """Nothing is known from registries of these, until they say it again."""
    if enrolment_ids:
        await connection.execute(FORGET, list(enrolment_ids))
