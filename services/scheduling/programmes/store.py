"""All SQL of programmes. Whoever settles bookings shares them, whoever changes them locks them, before all else."""

from collections.abc import Sequence

from schemas.eligibility_v1 import ProgrammePublishedV1
from services.kit.postgres import Connection
from services.kit.rows import columns, into
from services.scheduling.programmes.rules import Programme

# Whoever settles bookings by what programmes say waits for who changes a programme, and the other way round.
SHARE_PROGRAMMES = "select pg_advisory_xact_lock_shared($1)"
LOCK_PROGRAMMES = "select pg_advisory_xact_lock($1)"
LOCK_ID = 0x70726F67

SAVE_VERSIONS = """
    insert into programme_version (programme_id, version, vaccine_group, effective_on)
    select * from unnest($1::text[], $2::int[], $3::text[], $4::date[])
    on conflict do nothing
"""
# Of each programme the version in effect on the open day: of those that have begun the last, before that the first.
PUT_IN_EFFECT = """
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


async def share_programmes(connection: Connection) -> None:
    """Keep what programmes say as it is until the end of the transaction."""
    await connection.execute(SHARE_PROGRAMMES, LOCK_ID)


async def lock_programmes(connection: Connection) -> None:
    """Wait for everybody who settles bookings, and let nobody begin until the end of the transaction."""
    await connection.execute(LOCK_PROGRAMMES, LOCK_ID)


async def save_versions(connection: Connection, published: Sequence[ProgrammePublishedV1]) -> None:
    """Keep every version that was published."""
    versions = columns(published, "programme_id", "version", "vaccine_group", "effective_on")
    await connection.execute(SAVE_VERSIONS, *versions)


async def put_in_effect(connection: Connection) -> set[str]:
    """Choose of each programme the version in effect on the open day; gives the programmes that this changes."""
    return {row["programme_id"] for row in await connection.fetch(PUT_IN_EFFECT)}


async def load_programme(connection: Connection, programme_id: str) -> Programme | None:
    """The version in effect; None of a programme that was never published."""
    row = await connection.fetchrow(LOAD_PROGRAMME, programme_id)
    return None if row is None else into(Programme, row)
