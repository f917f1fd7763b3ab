"""SQL of what holds for everybody: versions of programmes, the open business day, the weeks' target ZIPs."""

from collections.abc import Sequence
from datetime import date

from schemas.eligibility_v1 import BusinessDayOpenedV1
from schemas.eligibility_v1 import ProgrammePublishedV1 as Programme
from schemas.reporting_v1 import TargetZipListedV1
from services.kit.postgres import Connection
from services.kit.rows import columns

REFERENCE_LOCK = 0x6F757472
"""Days, programmes and target ZIPs touch every case: whoever changes them waits for the deciders, and they for him."""

SHARE_REFERENCE = "select pg_advisory_xact_lock_shared($1)"
LOCK_REFERENCE = "select pg_advisory_xact_lock($1)"
SAVE_PROGRAMMES = """
insert into programme_version (programme_id, version, title, vaccine_group, time_zone, effective_on)
select * from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::date[])
on conflict do nothing
"""
# Of each programme the version for the open day: of those in effect the last, before that the first.
PUT_IN_EFFECT = """
insert into programme as kept (programme_id, version, title, vaccine_group, time_zone)
select distinct on (programme_id) programme_id, version, title, vaccine_group, time_zone
from (
    select *, coalesce(effective_on <= (select max(business_on) from business_day), true) as has_begun
    from programme_version
) as known
order by programme_id, has_begun desc,
    case when has_begun then effective_on end desc, case when has_begun then version end desc, effective_on, version
on conflict (programme_id) do update
set version = excluded.version, title = excluded.title, vaccine_group = excluded.vaccine_group,
    time_zone = excluded.time_zone
where excluded.version <> kept.version
returning programme_id
"""
SAVE_BUSINESS_DAYS = """
insert into business_day as kept (time_zone, business_on) select * from unnest($1::text[], $2::date[])
on conflict (time_zone) do update set business_on = excluded.business_on where excluded.business_on > kept.business_on
"""
SAVE_TARGET_ZIPS = """
insert into target_zip as kept (programme_id, zip5, week_on, listed)
select * from unnest($1::text[], $2::text[], $3::date[], $4::bool[])
on conflict (programme_id, zip5) do update set week_on = excluded.week_on, listed = excluded.listed
where excluded.week_on >= kept.week_on
"""

LOAD_BUSINESS_DAY = "select max(business_on) from business_day"
LOAD_TIME_ZONE = "select time_zone from programme where programme_id = $1"


async def share_reference(connection: Connection) -> None:
    """Decide on days, programmes and target ZIPs that nobody changes meanwhile."""
    await connection.execute(SHARE_REFERENCE, REFERENCE_LOCK)


async def lock_reference(connection: Connection) -> None:
    """Change days, programmes or target ZIPs while nobody decides."""
    await connection.execute(LOCK_REFERENCE, REFERENCE_LOCK)


async def save_programmes(connection: Connection, programmes: Sequence[Programme]) -> None:
    """Keep every version of a programme that was published."""
    values = columns(programmes, "programme_id", "version", "title", "vaccine_group", "time_zone", "effective_on")
    await connection.execute(SAVE_PROGRAMMES, *values)


async def put_in_effect(connection: Connection) -> list[str]:
    """Put into `programme` the version of each that is in effect on the open day. The programmes that this changes."""
    return [row["programme_id"] for row in await connection.fetch(PUT_IN_EFFECT)]


async def save_business_days(connection: Connection, days: Sequence[BusinessDayOpenedV1]) -> None:
    """Keep the latest day of each time zone; each time zone at most once."""
    await connection.execute(SAVE_BUSINESS_DAYS, *columns(days, "time_zone", "business_on"))


async def save_target_zips(connection: Connection, listings: Sequence[TargetZipListedV1]) -> None:
    """Keep the listing of the latest week; each programme and ZIP at most once."""
    await connection.execute(SAVE_TARGET_ZIPS, *columns(listings, "programme_id", "zip5", "week_on", "listed"))


async def load_business_day(connection: Connection) -> date | None:
    """The open business day; None before the first."""
    opened_on: date | None = await connection.fetchval(LOAD_BUSINESS_DAY)
    return opened_on


async def load_time_zone(connection: Connection, programme_id: str) -> str:
    """The programme's time zone; UTC until the programme was published."""
    return await connection.fetchval(LOAD_TIME_ZONE, programme_id) or "UTC"
