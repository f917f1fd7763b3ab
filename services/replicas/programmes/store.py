"""All SQL of programmes, and the lock of what holds for everybody."""

from collections.abc import Sequence

from schemas.eligibility_v1 import ProgrammePublishedV1
from services.kit.postgres import Connection
from services.kit.rows import columns_of, into, names
from services.replicas.programmes.rules import InEffect, Programme, Version

REFERENCE_LOCKS = (0x6F757472, 0x70726F67)
"""Programmes, days and what a service adds to them touch everybody: whoever changes them waits for those who decide by
them, and they for him. Two, because processes of the release before know one of them each."""

SHARE_REFERENCE = "select pg_advisory_xact_lock_shared(id) from unnest($1::bigint[]) as reference (id)"
LOCK_REFERENCE = "select pg_advisory_xact_lock(id) from unnest($1::bigint[]) as reference (id)"
_PUBLISHED = """programme_id, version, title, vaccine_group, effective_on, time_zone, doses_needed, doses_since_on,
    cvx_not_counted"""
# The columns are picked out of the events' bodies by name, as the contract names them.
SAVE_VERSIONS = f"""
insert into programme_version ({_PUBLISHED})
select {_PUBLISHED} from jsonb_populate_recordset(null::programme_version, $1::text::jsonb)
on conflict do nothing
"""
LOAD_VERSIONS = f"select {', '.join(names(Version))} from programme_version"
SAVE_IN_EFFECT = f"""
insert into programme as known ({_PUBLISHED}, began_on)
select {_PUBLISHED}, began_on
from unnest($1::text[], $2::int[], $3::date[]) as chosen (programme_id, version, began_on)
join programme_version using (programme_id, version)
order by programme_id
on conflict (programme_id) do update set
    version = excluded.version, title = excluded.title, vaccine_group = excluded.vaccine_group,
    effective_on = excluded.effective_on, time_zone = excluded.time_zone, doses_needed = excluded.doses_needed,
    doses_since_on = excluded.doses_since_on, cvx_not_counted = excluded.cvx_not_counted, began_on = excluded.began_on
where (known.version, known.began_on) is distinct from (excluded.version, excluded.began_on)
returning programme_id
"""
LOAD_PROGRAMMES = f"select {', '.join(names(Programme))} from programme order by programme_id"
LOAD_PROGRAMME = f"select {', '.join(names(Programme))} from programme where programme_id = $1"
EMPTY_PROGRAMMES = "truncate programme_version, programme"


async def share_reference(connection: Connection) -> None:
    """Keep what holds for everybody as it is until the end of the transaction."""
    await connection.execute(SHARE_REFERENCE, REFERENCE_LOCKS)


async def lock_reference(connection: Connection) -> None:
    """Wait for everybody who decides, and let nobody begin until the end of the transaction."""
    await connection.execute(LOCK_REFERENCE, REFERENCE_LOCKS)


async def save_versions(connection: Connection, published: Sequence[ProgrammePublishedV1]) -> None:
    """Keep every version that was published."""
    await connection.execute(SAVE_VERSIONS, f"[{','.join(event.model_dump_json() for event in published)}]")


async def load_versions(connection: Connection) -> list[Version]:
    """Every version that was ever published; a handful for each programme."""
    return [into(Version, row) for row in await connection.fetch(LOAD_VERSIONS)]


async def save_in_effect(connection: Connection, chosen: Sequence[InEffect]) -> set[str]:
    """Keep which versions are in effect; gives the programmes that this changes."""
    rows = await connection.fetch(SAVE_IN_EFFECT, *columns_of(InEffect, chosen))
    return {row["programme_id"] for row in rows}


async def load_programmes(connection: Connection) -> list[Programme]:
    """Every programme that was published, in the version that is in effect."""
    return [into(Programme, row) for row in await connection.fetch(LOAD_PROGRAMMES)]


async def load_programme(connection: Connection, programme_id: str) -> Programme | None:
    """The version in effect; None of a programme that was never published."""
    row = await connection.fetchrow(LOAD_PROGRAMME, programme_id)
    return None if row is None else into(Programme, row)


async def empty_programmes(connection: Connection) -> None:
    """Forget all versions, to hear them again from the log."""
    await connection.execute(EMPTY_PROGRAMMES)
