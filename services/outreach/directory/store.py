"""SQL of the directory's editions, of what members found, and of elections. Runs as the plan, so row-level security
hides other plans' rows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple
from datetime import date
from uuid import UUID

import asyncpg

from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.rows import into, names
from services.outreach.directory.rules import (
    KEPT_EDITIONS,
    Edition,
    FeedbackOutcome,
    Opening,
    RowError,
    Service,
    Sought,
)
from services.outreach.directory.supports import Election

LOCK_EDITIONS = "select pg_advisory_xact_lock(hashtextextended('directory ' || $1, 0))"
NEXT_EDITION = "select coalesce(max(edition_no), 0) + 1 from directory_edition where tenant_id = $1"
SAVE_EDITION = """
insert into directory_edition (tenant_id, edition_no, source, content_sha256, services, errors, imported_by)
values ($1, $2, $3, $4, $5, $6, $7)
"""
_SERVICE = ", ".join(names(Service))
SAVE_SERVICES = f"""
insert into directory_service (tenant_id, edition_no, {_SERVICE})
values ($1, $2, {", ".join(f"${no}" for no, _ in enumerate(names(Service), 3))})
"""
FORGET_SERVICES = "delete from directory_service where tenant_id = $1 and edition_no <= $2"
LOAD_EDITIONS = """
select edition_no, source, services, errors, imported_by, imported_at from directory_edition
order by edition_no desc limit 20
"""
_CURRENT = "(select max(edition_no) from directory_edition where tenant_id = $1)"
LOAD_SERVICES = f"""
select {_SERVICE} from directory_service
where tenant_id = $1 and edition_no = {_CURRENT}
    and ($2::text[] is null or needs && $2)
    and (coalesce($3::text, $4::text) is null or (zips, counties) = ('{{}}', '{{}}')
        or $3 = any(zips) or $4 = any(counties))
    and ($5::text is null or languages = '{{}}' or $5 = any(languages))
    and ($6::integer is null or openings = '[]' or exists (
        select from jsonb_array_elements(openings) as opening where opening -> 'weekdays' @> to_jsonb($6)
    ))
    and ($7::integer is null or $7 between coalesce(minimum_age, 0) and coalesce(maximum_age, 999))
    and ($8::boolean is null or (cost = 0) is not distinct from $8)
    and ($9::boolean is null or (coalesce(capacity, 1) > 0) = $9)
    and ($10::text is null or service_id > $10)
order by service_id limit $11
"""
LOAD_SERVICE = f"""
select {_SERVICE} from directory_service
where tenant_id = $1 and edition_no = {_CURRENT} and service_id = $2
"""
SAVE_FEEDBACK = """
insert into service_feedback (feedback_id, tenant_id, service_id, outcome, told_on, told_by)
values ($1, $2, $3, $4, $5, $6)
"""
COUNT_FEEDBACK = """
select service_id, outcome, count(*) as times from service_feedback where service_id = any($1::text[]) group by 1, 2
"""
SAVE_ELECTION = """
insert into support_election (tenant_id, support, county, from_on, until_on, told_by) values ($1, $2, $3, $4, $5, $6)
on conflict (tenant_id, support, county, from_on) do update
    set until_on = excluded.until_on, told_by = excluded.told_by, told_at = clock_timestamp()
"""
LOAD_COUNTY = """
select left(tract, 5) from enrolment where enrolment_id = $1 and tract is not null order by decided_on desc limit 1
"""
LOAD_ELECTIONS = "select support, county, from_on, until_on from support_election order by support, county, from_on"


async def save_edition(
    connection: Connection, tenant_id: str, source: str, digest: bytes, services: Sequence[Service],
    errors: Sequence[RowError], by: str,
) -> int:  # fmt: skip
    """Keep what was read as the newest edition, which alone is looked through; its number."""
    await connection.execute(LOCK_EDITIONS, tenant_id)
    edition_no: int = await connection.fetchval(NEXT_EDITION, tenant_id)
    told = [asdict(one) for one in errors]
    await connection.execute(SAVE_EDITION, tenant_id, edition_no, source, digest, len(services), told, by)
    await connection.executemany(SAVE_SERVICES, [(tenant_id, edition_no, *_columns(one)) for one in services])
    await connection.execute(FORGET_SERVICES, tenant_id, edition_no - KEPT_EDITIONS)
    return edition_no


def _columns(service: Service) -> list[object]:
    columns = {name: getattr(service, name) for name in names(Service)}
    sets = {name: sorted(columns[name]) for name in ("needs", "zips", "counties", "languages")}
    return list((columns | sets | {"openings": [asdict(one) for one in service.openings]}).values())


async def load_editions(connection: Connection) -> list[Edition]:
    """The last twenty, the newest first."""
    rows = await connection.fetch(LOAD_EDITIONS)
    return [into(Edition, row, errors=[RowError(**one) for one in row["errors"]]) for row in rows]


async def load_services(
    connection: Connection, tenant_id: str, sought: Sought, limit: int, after: str | None = None
) -> list[Service]:
    """Those of the newest edition that fit, by their ids."""
    needs = None if sought.needs is None else list(sought.needs)
    filters = needs, *astuple(sought)[1:]
    return [_service(row) for row in await connection.fetch(LOAD_SERVICES, tenant_id, *filters, after, limit)]


async def load_service(connection: Connection, tenant_id: str, service_id: str) -> Service | None:
    """One of the newest edition."""
    row = await connection.fetchrow(LOAD_SERVICE, tenant_id, service_id)
    return None if row is None else _service(row)


async def save_feedback(
    connection: Connection, tenant_id: str, service_id: str, outcome: FeedbackOutcome, told_on: date, by: str
) -> None:
    """Keep what a member found there."""
    await connection.execute(SAVE_FEEDBACK, new_id(), tenant_id, service_id, outcome, told_on, by)


async def count_feedback(connection: Connection, service_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """How often members of the plan found what, by service and outcome."""
    counts: dict[str, dict[str, int]] = {}
    for row in await connection.fetch(COUNT_FEEDBACK, list(service_ids)):
        counts.setdefault(row["service_id"], {})[row["outcome"]] = row["times"]
    return counts


async def save_election(connection: Connection, tenant_id: str, election: Election, by: str) -> None:
    """Keep that the plan offers a support in a county, or until when."""
    await connection.execute(SAVE_ELECTION, tenant_id, *astuple(election), by)


async def load_elections(connection: Connection) -> list[Election]:
    """All of the plan's, by support and county."""
    return [into(Election, row) for row in await connection.fetch(LOAD_ELECTIONS)]


async def load_county(connection: Connection, enrolment_id: UUID) -> str | None:
    """The county in which the member of an enrolment lives, by his tract; None where that is not known."""
    county: str | None = await connection.fetchval(LOAD_COUNTY, enrolment_id)
    return county


def _service(row: asyncpg.Record) -> Service:
    openings = tuple(Opening(tuple(one["weekdays"]), one["opens"], one["closes"]) for one in row["openings"])
    return into(
        Service,
        row,
        openings=openings,
        needs=frozenset(row["needs"]),
        zips=frozenset(row["zips"]),
        counties=frozenset(row["counties"]),
        languages=frozenset(row["languages"]),
    )
