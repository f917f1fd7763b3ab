"""SQL of the work list. Runs as the plan, so row-level security hides other plans' rows."""

from collections.abc import Collection
from uuid import UUID

import asyncpg

from services.kit.postgres import Connection
from services.kit.rows import into, names
from services.outreach.worklist.paging import Page
from services.outreach.worklist.rules import ListedCase, OtherCase, ProgrammeCounts

_COMPUTED = {
    "flags": "string_to_array(nullif({table}.flags, ''), ' ') as flags",
    "asked_at": "clock_timestamp() as asked_at",
}


def listed_columns(table: str) -> str:
    """The columns of `outreach_case`, under this name, that `to_listed_case` reads."""
    return ", ".join(_COMPUTED.get(name, f"{{table}}.{name}").format(table=table) for name in names(ListedCase))


LISTED_CASE = listed_columns("outreach_case")
# As claims go: promised calls that are due by the time of the question, the longest due first; then by rank.
IS_DUE = "(status = 'open' and held_by is null and coalesce(callback_at <= $7, false))"
_FILTERS = """
    ($1::text is null or status = $1)
    and ($2::boolean is null or (status = 'open' and held_by is null) = $2)
    and ($3::text is null or (claimed_by = $3 and lease_until > clock_timestamp()))
    and ($4::text is null or programme_id = $4) and ($5::text is null or zip5 = $5)
    and ($6::text is null or language = $6)
"""
LOAD_DUE = f"""
select {LISTED_CASE} from outreach_case
where {_FILTERS} and {IS_DUE} and callback_at is not null
    and ($8::timestamptz is null or (callback_at, case_id) > ($8, $9::uuid))
order by callback_at, case_id limit $10
"""
LOAD_BY_RANK = f"""
select {LISTED_CASE} from outreach_case
where {_FILTERS} and not {IS_DUE} and ($8::int is null or (rank, case_id) < ($8, $9::uuid))
order by rank desc, case_id desc limit $10
"""
LOAD_CASE = f"select {LISTED_CASE} from outreach_case where case_id = $1"
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
    return into(ListedCase, row, flags=tuple(row["flags"] or ()))


async def load_cases(connection: Connection, page: Page) -> list[ListedCase]:
    """The page's cases, in the order in which they are to be called."""
    filters = (page.status, page.callable_now, page.claimed_by, page.programme_id, page.zip5, page.language)
    after, asked_at = page.after, page.after.asked_at if page.after else page.asked_at
    rows: list[asyncpg.Record] = []
    if after is None or after.callback_at is not None:
        due = (after.callback_at, after.case_id) if after else (None, None)
        rows += await connection.fetch(LOAD_DUE, *filters, asked_at, *due, page.limit)
        after = None
    if len(rows) < page.limit:
        ranked = (after.rank, after.case_id) if after else (None, None)
        rows += await connection.fetch(LOAD_BY_RANK, *filters, asked_at, *ranked, page.limit - len(rows))
    return [to_listed_case(row) for row in rows]


async def load_case(connection: Connection, case_id: UUID) -> ListedCase | None:
    """One case; None where there is none, or another plan's."""
    row = await connection.fetchrow(LOAD_CASE, case_id)
    return None if row is None else to_listed_case(row)


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
