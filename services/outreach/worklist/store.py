"""SQL of the work list. Runs as the plan, so row-level security hides other plans' rows."""

from collections.abc import Collection
from dataclasses import astuple
from uuid import UUID

import asyncpg

from schemas.eligibility_v1 import InterpreterNeeded
from services.kit.postgres import Connection
from services.kit.rows import into, names, sql_types
from services.outreach.cases.evidence import CaseState
from services.outreach.members.rules import Enrolment
from services.outreach.worklist.paging import Page
from services.outreach.worklist.rules import Filter, ListedCase, OtherCase, ProgrammeCounts

_COMPUTED = {"flags": "string_to_array(nullif({table}.flags, ''), ' ')", "asked_at": "clock_timestamp()"}
_OF_THE_MEMBER = """(
    select known.{name} from enrolment as known
    where (known.enrolment_id, known.programme_id) = ({table}.enrolment_id, {table}.programme_id)
)"""
_KEY = {"enrolment_id", "programme_id"}
_COMPUTED |= dict.fromkeys(set(names(Enrolment)) - set(names(CaseState)) - _KEY, _OF_THE_MEMBER)


def _value(table: str, name: str) -> str:
    return _COMPUTED.get(name, "{table}.{name}").format(table=table, name=name)


def listed_columns(table: str) -> str:
    """What `to_listed_case` reads of `outreach_case`, which has this name in the statement."""
    return ", ".join(f"{_value(table, name)} as {name}" for name in names(ListedCase))


def filtered(table: str, first: int) -> str:
    """The condition that a `Filter` sets, whose values are the arguments from this one on."""
    return " and ".join(
        f"(${no}::{sql_type} is null or {_value(table, name)} = ${no})"
        for no, (name, sql_type) in enumerate(sql_types(Filter).items(), first)
    )


LISTED_CASE = listed_columns("outreach_case")
# As claims go: promised calls that are due by the time of the question, the longest due first; then by rank.
IS_DUE = "(status = 'open' and held_by is null and coalesce(callback_at <= $5, false))"
_WANTED = f"""
    ($1::text is null or status = $1)
    and ($2::boolean is null or (status = 'open' and held_by is null) = $2)
    and ($3::text is null or (claimed_by = $3 and lease_until > clock_timestamp()))
    and ($4::text is null or language = $4) and {filtered("outreach_case", 9)}
"""
LOAD_DUE = f"""
select {LISTED_CASE} from outreach_case
where {_WANTED} and {IS_DUE} and callback_at is not null
    and ($6::timestamptz is null or (callback_at, case_id) > ($6, $7::uuid))
order by callback_at, case_id limit $8
"""
LOAD_BY_RANK = f"""
select {LISTED_CASE} from outreach_case
where {_WANTED} and not {IS_DUE} and ($6::int is null or (rank, case_id) < ($6, $7::uuid))
order by rank desc, case_id desc limit $8
"""
LOAD_CASE = f"select {LISTED_CASE} from outreach_case where case_id = $1"
LOAD_SOME = f"select {LISTED_CASE} from outreach_case where case_id = any($1)"
LOAD_OTHER_CASES = """
select case_id, programme_id, status, closed_reason, claimed_by is not null and lease_until > clock_timestamp() as held
from outreach_case where member_token = any($1) and case_id <> $2 order by programme_id, case_id
"""
LOAD_SUMMARY = """
select programme_id, count(*) as cases,
    count(*) filter (where status = 'open') as open,
    count(*) filter (where status = 'paused') as paused,
    count(*) filter (where status = 'closed') as closed,
    count(*) filter (where status = 'open' and held_by is null and not is_taken
        and (callback_at is null or callback_at <= clock_timestamp())) as claimable,
    count(*) filter (where lease_until > clock_timestamp()) as claimed,
    count(*) filter (where status = 'open' and held_by = 'booked') as booked,
    count(*) filter (where status = 'open' and held_by in ('resting', 'attempts')) as resting,
    count(*) filter (where status = 'open' and callback_at is not null) as callbacks,
    count(*) filter (where status = 'open' and held_by is null and callback_at <= clock_timestamp()) as callbacks_due,
    count(*) filter (where status = 'open' and needs_language) as needing_language,
    count(*) filter (where status = 'closed' and flags = 'appointment-lost-no-call') as lost_bookings
from (
    select c.*, taken.person_token is not null as is_taken
    from outreach_case as c join person using (member_token)
    left join (
        select distinct person_token from outreach_case join person using (member_token)
        where lease_until > clock_timestamp()
    ) as taken using (person_token)
) as known
group by 1 order by 1
"""
LOAD_CLOSED = """
select programme_id, closed_reason, count(*) as cases from outreach_case where status = 'closed' group by 1, 2
"""


def to_listed_case(row: asyncpg.Record) -> ListedCase:
    """The case of a row with the columns of `listed_columns`."""
    needed = InterpreterNeeded(row["interpreter_needed"])
    return into(ListedCase, row, flags=tuple(row["flags"] or ()), interpreter_needed=needed)


async def load_cases(connection: Connection, page: Page) -> list[ListedCase]:
    """The page's cases, in the order in which they are to be called."""
    wanted, filters = (page.status, page.callable_now, page.claimed_by, page.language), astuple(page.filter)
    after, asked_at = page.after, page.after.asked_at if page.after else page.asked_at
    rows: list[asyncpg.Record] = []
    if after is None or after.callback_at is not None:
        due = (after.callback_at, after.case_id) if after else (None, None)
        rows += await connection.fetch(LOAD_DUE, *wanted, asked_at, *due, page.limit, *filters)
        after = None
    if len(rows) < page.limit:
        ranked = (after.rank, after.case_id) if after else (None, None)
        rows += await connection.fetch(LOAD_BY_RANK, *wanted, asked_at, *ranked, page.limit - len(rows), *filters)
    return [to_listed_case(row) for row in rows]


async def load_case(connection: Connection, case_id: UUID) -> ListedCase | None:
    """One case; None where there is none, or another plan's."""
    row = await connection.fetchrow(LOAD_CASE, case_id)
    return None if row is None else to_listed_case(row)


async def load_some(connection: Connection, case_ids: Collection[UUID]) -> list[ListedCase]:
    """These cases, in no order."""
    return [to_listed_case(row) for row in await connection.fetch(LOAD_SOME, list(case_ids))]


async def load_other_cases(connection: Connection, case_id: UUID, member_tokens: Collection[UUID]) -> list[OtherCase]:
    """The cases of these members but for this one."""
    return [into(OtherCase, row) for row in await connection.fetch(LOAD_OTHER_CASES, list(member_tokens), case_id)]


async def load_counts(connection: Connection) -> list[ProgrammeCounts]:
    """Counts of cases by programme, of closed ones also by reason."""
    programmes = await connection.fetch(LOAD_SUMMARY)
    by_reason: dict[str, dict[str, int]] = {}
    for row in await connection.fetch(LOAD_CLOSED):
        by_reason.setdefault(row["programme_id"], {})[row["closed_reason"]] = row["cases"]
    return [into(ProgrammeCounts, row, closed_by_reason=by_reason.get(row["programme_id"], {})) for row in programmes]
