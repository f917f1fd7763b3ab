"""Canonical doses, the reports they are made of, and reports that wait for their member. All SQL of it, batch first."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.eligibility.domain import CountedDose
from services.eligibility.doses import Dose, Report
from services.kit.postgres import Connection

DOSE = ", ".join(Dose._fields)
DOSE_EXCLUDED = ", ".join(f"excluded.{name}" for name in Dose._fields)
REPORT = ", ".join(Report._fields)
REPORT_EXCLUDED = ", ".join(f"excluded.{name}" for name in Report._fields)

LOAD_COUNTED = """
select token, vaccine_group, cvx, administered_on, is_partial, mvx from dose
where token = any($1::uuid[]) and not is_retracted
"""
LOAD_REPORTS_BY_EVENT = f"select {REPORT} from dose_report where event_key = any($1::text[])"
LOAD_REPORTS_BY_DOSE = f"select {REPORT} from dose_report where dose_id = any($1::uuid[])"
LOAD_DOSES = f"select {DOSE} from dose where token = any($1::uuid[])"
SAVE_DOSES = f"""
insert into dose ({DOSE}) select {DOSE} from jsonb_populate_recordset(null::dose, $1::text::jsonb)
on conflict (dose_id) do update set ({DOSE}) = row({DOSE_EXCLUDED})
"""
SAVE_REPORTS = f"""
insert into dose_report ({REPORT}) select {REPORT} from jsonb_populate_recordset(null::dose_report, $1::text::jsonb)
on conflict (report_id) do update set ({REPORT}) = row({REPORT_EXCLUDED})
"""
DELETE_KEYS = "delete from unlinked_key where report_id = any($1::uuid[])"
SAVE_KEYS = """
insert into unlinked_key (key, report_id) select * from unnest($1::text[], $2::uuid[]) on conflict do nothing
"""
LOAD_WAITING = f"""
with own as materialized (
    select match_key as key from person_key where token = any($1::uuid[])
    union all
    select type || chr(31) || assigner || chr(31) || value from person_identifier where token = any($1::uuid[])
),
waiting as materialized (select distinct report_id from own join unlinked_key using (key))
select {REPORT} from dose_report join waiting using (report_id) where token is null
"""
LOAD_HIDDEN = """
select distinct token from dose where not is_announced and not is_retracted and administered_on <= $1
order by token limit $2
"""
COUNT_UNLINKED = "select count(*) from dose_report where token is null and not is_retracted and file_id = $1"


async def load_counted(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, list[CountedDose]]:
    """What decisions count; they leave out what lies ahead themselves."""
    found: defaultdict[UUID, list[CountedDose]] = defaultdict(list)
    for token, *dose in await connection.fetch(LOAD_COUNTED, list(tokens)):
        found[token].append(CountedDose(*dose))
    return found


async def load_reports_by_event(connection: Connection, event_keys: Collection[str]) -> list[Report]:
    return _reports(await connection.fetch(LOAD_REPORTS_BY_EVENT, list(event_keys)))


async def load_doses(connection: Connection, tokens: Collection[UUID]) -> tuple[list[Dose], list[Report]]:
    """All doses of these persons, taken back or not, with every report that stands behind them."""
    rows = await connection.fetch(LOAD_DOSES, list(tokens)) if tokens else []
    doses = [Dose(**{**row, "sources": tuple(row["sources"])}) for row in rows]
    ids = [one.dose_id for one in doses]
    return doses, _reports(await connection.fetch(LOAD_REPORTS_BY_DOSE, ids) if ids else [])


async def save_doses(connection: Connection, doses: Iterable[Dose]) -> None:
    if ordered := sorted(doses, key=lambda one: one.dose_id):
        await connection.execute(SAVE_DOSES, _json(ordered))


async def save_reports(connection: Connection, reports: Collection[Report], keys: Mapping[UUID, Sequence[str]]) -> None:
    """Their doses must be saved before. `keys`: under which those without a member wait."""
    if not reports:
        return
    ordered = sorted(reports, key=lambda one: one.event_key)
    await connection.execute(SAVE_REPORTS, _json(ordered))
    await connection.execute(DELETE_KEYS, [one.report_id for one in ordered])
    waiting = [(key, one.report_id) for one in ordered for key in keys.get(one.report_id, ())]
    if waiting:
        await connection.execute(SAVE_KEYS, *zip(*waiting, strict=True))


async def load_waiting(connection: Connection, tokens: Collection[UUID]) -> list[Report]:
    """Reports without a member that one of these persons' identifiers or keys may be about."""
    return _reports(await connection.fetch(LOAD_WAITING, list(tokens)))


async def load_hidden(connection: Connection, today: date, limit: int) -> list[UUID]:
    """Persons with a dose that lay ahead until this day."""
    return [row["token"] for row in await connection.fetch(LOAD_HIDDEN, today, limit)]


async def count_unlinked(connection: Connection, file_id: UUID) -> int:
    """How many doses of a file still wait for their member."""
    count: int = await connection.fetchval(COUNT_UNLINKED, file_id)
    return count


def _reports(rows: Iterable[Any]) -> list[Report]:
    return [Report(*row) for row in rows]


def _json(rows: Sequence[Dose] | Sequence[Report]) -> str:
    return json.dumps([row._asdict() for row in rows], default=str)
