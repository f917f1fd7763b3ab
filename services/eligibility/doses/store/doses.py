"""Canonical doses, the reports they are made of, and reports that wait for their member. All SQL of it, batch first."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from schemas.eligibility_v1 import DoseAdministeredV1
from schemas.envelope import Event
from services.eligibility.doses.counted import CountedDose
from services.eligibility.doses.reports import Report
from services.eligibility.doses.rules import Dose
from services.kit.own_log import Owned
from services.kit.postgres import Connection
from services.kit.rows import into
from services.kit.slices import slices

DOSE = ", ".join(Dose._fields)
DOSE_EXCLUDED = ", ".join(f"excluded.{name}" for name in Dose._fields)
REPORT = ", ".join(Report._fields)
REPORT_EXCLUDED = ", ".join(f"excluded.{name}" for name in Report._fields)

LOAD_COUNTED = """
select member_token, vaccine_group, cvx, administered_on, is_partial, mvx, vaccine_groups, more_cvx from dose
where member_token = any($1::uuid[]) and not is_retracted
"""
LOAD_REPORTS_BY_KEY = f"""
select {REPORT} from dose_report where event_key = any($1::text[])
union
select {REPORT} from dose_report where event_id = any($2::text[]) and event_id <> '' and member_token = any($3::uuid[])
"""
LOAD_WAITING_BY_NUMBER = f"""
select {REPORT} from dose_report
where member_token is null and event_id = any($1::text[]) and event_id <> ''
    and report_id in (select report_id from unlinked_key where key = any($2::text[]))
"""
# Of whom a row speaks that links to nobody may show in a report that did. Not all are looked at: a number may be
# everybody's.
LOAD_OF_NUMBER = f"""
select found.* from unnest($1::text[], $2::text[]) as wanted (event_id, sender)
cross join lateral (
    select {REPORT} from dose_report as known
    where known.event_id = wanted.event_id and known.event_id <> '' and known.member_token is not null
        and known.sender in (wanted.sender, '')
    order by known.event_id, known.member_token, known.report_id limit 20
) as found
"""
# A number may be everybody's: one look at whether somebody else has it, and no more.
FIND_OF_ANOTHER = """
select position from unnest($1::text[], $2::text[], $3::text[]) with ordinality
    as wanted (event_id, sender, tokens, position)
where exists (
    select from dose_report as known
    where known.event_id = wanted.event_id and known.event_id <> '' and known.sender in (wanted.sender, '')
        and known.member_token <> all(string_to_array(wanted.tokens, ',')::uuid[])
)
"""
LOAD_WAITING_BY_KEY = f"""
select {REPORT} from dose_report
where member_token is null and report_id in (select report_id from unlinked_key where key = any($1::text[]))
"""
LOAD_WAITING_DELETIONS = LOAD_WAITING_BY_KEY + " and is_retracted and event_id = ''"
LOAD_UNTOLD = """
select distinct member_token from dose
where not is_retracted and vaccine_groups = '{}' and cvx = any($1::text[]) order by member_token limit $2
"""
# A deletion that found nothing has no dose, and may yet find something; so has what was withheld from its first day.
LOAD_REPORTS_OF = f"""
select {REPORT} from dose_report where dose_id = any($1::uuid[])
union all
select {REPORT} from dose_report where member_token = any($2::uuid[]) and dose_id is null
"""
LOAD_DOSES = f"select {DOSE} from dose where member_token = any($1::uuid[])"
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
    select match_key as key from person_key where member_token = any($1::uuid[])
    union all
    select type || chr(31) || assigner || chr(31) || value from person_identifier where member_token = any($1::uuid[])
),
waiting as materialized (select distinct report_id from own join unlinked_key using (key))
select {REPORT} from dose_report join waiting using (report_id) where member_token is null
order by stated_at nulls first, report_id
"""
LOAD_HOLDERS = (
    "select event_key, member_token from dose_report where event_key = any($1::text[]) and member_token is not null"
)
LOAD_REGISTRYS = f"""
select {REPORT} from dose_report
where member_token = any($1::uuid[]) and source = 'iis' and tenant_id = '*' and subject is not null
order by stated_at nulls first, report_id
"""
LOAD_HIDDEN = """
select distinct member_token from dose where not is_announced and not is_retracted and administered_on <= $1
order by member_token limit $2
"""
LOAD_TOLD = "select member_token from withheld_since order by member_token limit $1"
ASK_OF_TOLD = """
insert into withheld_since (member_token)
select member_token from {said} where is_protected and member_token > $1 and member_token <= $2
on conflict do nothing
"""
SAYING_PROTECTED = ("registry_consent", "member_statement")
ASK_OF_UNBORN = """
insert into withheld_since (member_token)
select distinct member_token from enrolment join dose using (member_token)
where not is_retracted and administered_on < birth_on and not is_retired and member_token > $1 and member_token <= $2
on conflict do nothing
"""
DELETE_TOLD = "delete from withheld_since where member_token = any($1::uuid[])"
# Of nobody, or of somebody who was not born on its day.
COUNT_UNLINKED = """
with told as materialized (
    select member_token, administered_on from dose_report where file_id = $1 and not is_retracted
),
born as (
    select member_token, min(birth_on) as birth_on from enrolment
    where member_token in (select member_token from told) and not is_retired group by member_token
)
select count(*) from told left join born using (member_token) where member_token is null or administered_on < birth_on
"""

OWNED: Mapping[type[Event], Owned] = {DoseAdministeredV1: Owned.by_version("dose", "dose_id")}


async def load_counted(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, list[CountedDose]]:
    """What decisions count; they leave out what lies ahead themselves."""
    found: defaultdict[UUID, list[CountedDose]] = defaultdict(list)
    for member_token, group, cvx, on, is_partial, mvx, groups, more in await connection.fetch(
        LOAD_COUNTED, list(tokens)
    ):
        found[member_token] += [CountedDose(group, code, on, is_partial, mvx, tuple(groups)) for code in (cvx, *more)]
    return found


async def load_reports_by_key(
    connection: Connection, keys: Collection[str], event_ids: Collection[str], tokens: Collection[UUID]
) -> list[Report]:
    """Those under these keys, and those of these persons that bear one of these numbers."""
    found = await connection.fetch(LOAD_REPORTS_BY_KEY, list(keys), list(event_ids), list(tokens))
    return _reports(found)


async def load_waiting_by_number(
    connection: Connection, event_ids: Collection[str], keys: Collection[str]
) -> list[Report]:
    """Reports without a member that bear one of these numbers and wait under one of these keys."""
    return _reports(await connection.fetch(LOAD_WAITING_BY_NUMBER, list(event_ids), list(keys))) if event_ids else []


async def load_of_number(connection: Connection, numbers: Collection[tuple[str, str]]) -> list[Report]:
    """Some reports with a member that bear these numbers of these senders."""
    if not numbers:
        return []
    return _reports(await connection.fetch(LOAD_OF_NUMBER, *zip(*sorted(numbers), strict=True)))


async def find_of_another(connection: Connection, numbers: Sequence[tuple[str, str, Collection[UUID]]]) -> set[int]:
    """The places, from 0, of those numbers (number, sender, persons) that somebody else has too."""
    if not numbers:
        return set()
    ids, senders, persons = zip(*numbers, strict=True)
    whose = [",".join(map(str, sorted(tokens))) for tokens in persons]
    rows = await connection.fetch(FIND_OF_ANOTHER, ids, senders, whose)
    return {row["position"] - 1 for row in rows}


async def load_holders(connection: Connection, keys: Collection[str]) -> dict[str, UUID]:
    """Of whom the reports under these keys are."""
    rows = await connection.fetch(LOAD_HOLDERS, list(keys)) if keys else ()
    return {row["event_key"]: row["member_token"] for row in rows}


async def load_registrys(connection: Connection, tokens: Collection[UUID]) -> list[Report]:
    """What registries, who may speak of everybody, have reported of these persons."""
    return _reports(await connection.fetch(LOAD_REGISTRYS, list(tokens))) if tokens else []


async def load_doses(connection: Connection, tokens: Collection[UUID]) -> tuple[list[Dose], list[Report]]:
    """All doses of these persons, taken back or not, with every report that stands behind them, what was deleted
    before it came, and what is withheld."""
    rows = await connection.fetch(LOAD_DOSES, list(tokens)) if tokens else []
    doses = [_dose(row) for row in rows]
    ids = [dose.dose_id for dose in doses]
    return doses, _reports(await connection.fetch(LOAD_REPORTS_OF, ids, list(tokens)) if tokens else [])


async def save_doses(connection: Connection, doses: Iterable[Dose]) -> None:
    if ordered := sorted(doses, key=lambda dose: dose.dose_id):
        await connection.execute(SAVE_DOSES, _json(ordered))


async def save_reports(connection: Connection, reports: Collection[Report], keys: Mapping[UUID, Sequence[str]]) -> None:
    """Their doses must be saved before. `keys`: under which those without a member wait."""
    if not reports:
        return
    ordered = sorted(reports, key=lambda report: report.event_key)
    await connection.execute(SAVE_REPORTS, _json(ordered))
    await connection.execute(DELETE_KEYS, [report.report_id for report in ordered])
    waiting = [(key, report.report_id) for report in ordered for key in keys.get(report.report_id, ())]
    if waiting:
        await connection.execute(SAVE_KEYS, *zip(*waiting, strict=True))


async def load_waiting(connection: Connection, tokens: Collection[UUID]) -> list[Report]:
    """Reports without a member that one of these persons' identifiers or keys may be about."""
    return _reports(await connection.fetch(LOAD_WAITING, list(tokens)))


async def load_waiting_by_key(connection: Connection, keys: Collection[str]) -> list[Report]:
    """Reports without a member that wait under one of these keys."""
    return _reports(await connection.fetch(LOAD_WAITING_BY_KEY, list(keys))) if keys else []


async def load_waiting_deletions(connection: Connection, keys: Collection[str]) -> list[Report]:
    """Of those under one of these keys what was taken back without a number."""
    return _reports(await connection.fetch(LOAD_WAITING_DELETIONS, list(keys))) if keys else []


async def load_untold(connection: Connection, combined: Collection[str], limit: int) -> list[UUID]:
    """Persons with a dose of a combination vaccine whose groups were not told."""
    return [row["member_token"] for row in await connection.fetch(LOAD_UNTOLD, list(combined), limit)]


async def load_hidden(connection: Connection, today: date, limit: int) -> list[UUID]:
    """Persons with a dose that lay ahead until this day."""
    return [row["member_token"] for row in await connection.fetch(LOAD_HIDDEN, today, limit)]


async def load_told(connection: Connection, limit: int) -> list[UUID]:
    """Persons of whom protected doses, or doses dated before birth, may have been announced."""
    return [row["member_token"] for row in await connection.fetch(LOAD_TOLD, limit)]


async def ask_of_told(connection: Connection) -> None:
    """Of everybody whom a registry protects more may have been told."""
    for said in SAYING_PROTECTED:
        async for after, end in slices(connection, said, "member_token"):
            await connection.execute(ASK_OF_TOLD.format(said=said), after, end)


async def ask_of_unborn(connection: Connection) -> None:
    """Of everybody with a dose of before a birth date that a plan states more was told, too."""
    async for after, end in slices(connection, "enrolment", "member_token"):
        await connection.execute(ASK_OF_UNBORN, after, end)


async def delete_told(connection: Connection, tokens: Collection[UUID]) -> None:
    """Forget that these persons had more told of them than may be: what was too much is retracted."""
    await connection.execute(DELETE_TOLD, list(tokens))


async def count_unlinked(connection: Connection, file_id: UUID) -> int:
    """How many doses of a file still wait for their member."""
    count: int = await connection.fetchval(COUNT_UNLINKED, file_id)
    return count


def _dose(row: Any) -> Dose:
    sources, groups, more = tuple(row["sources"]), tuple(row["vaccine_groups"]), tuple(row["more_cvx"])
    return into(Dose, row, sources=sources, vaccine_groups=groups, more_cvx=more)


def _reports(rows: Iterable[Any]) -> list[Report]:
    return [into(Report, row) for row in rows]


def _json(rows: Sequence[Dose] | Sequence[Report]) -> str:
    return json.dumps([row._asdict() for row in rows], default=str)
