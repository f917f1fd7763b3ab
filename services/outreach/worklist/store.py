"""What the API shows of cases and keeps of attempts. SQL of the API; runs as the plan, so row-level security hides
other plans' rows."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from uuid import UUID

import asyncpg

from schemas.outreach_v1 import BesdDomain, Channel, Direction, Disposition, Given
from services.kit.postgres import Connection
from services.outreach.cases.evidence import Situation, Statement
from services.outreach.cases.store import load_known

CARD = """case_id, programme_id, tenant_id, enrolment_id, member_token, status, closed_reason, paused_until_on,
    paused_by, held_by, held_until_on, opened_on, changed_on, rank, priority, zip_bonus, noshow_bonus, lost_bonus,
    attempts, attempt_penalty, skips, skip_penalty, zip5, language, needs_language, callback_at, callback_worker,
    next_channel,
    string_to_array(nullif(flags, ''), ' ') as flags, claimed_by, lease_until, clock_timestamp() as asked_at"""
FORGET_SKIPS = "update outreach_case set skips = 0, skip_penalty = 0 where case_id = $1 and skips > 0"
LOAD_MEMBER = "select member_token from outreach_case where case_id = $1"
LOAD_TIME_ZONE = "select time_zone from programme where programme_id = $1"
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
select {CARD} from outreach_case
where {_FILTERS} and {IS_DUE} and callback_at is not null
    and ($8::timestamptz is null or (callback_at, case_id) > ($8, $9::uuid))
order by callback_at, case_id limit $10
"""
LOAD_CARDS = f"""
select {CARD} from outreach_case
where {_FILTERS} and not {IS_DUE} and ($8::int is null or (rank, case_id) < ($8, $9::uuid))
order by rank desc, case_id desc limit $10
"""
LOAD_CARD = f"select {CARD} from outreach_case where case_id = $1"
LOAD_ATTEMPTS = """
select attempt_id, channel, disposition, direction, against, attempted_at, attempted_on, attempt.worker_id, given,
    topics, barriers, refusal_domain, callback_at, language, stopped as stopped_channels, resumed as resumed_channels,
    taken.retracted_on, taken.reason as retracted_for, taken.worker_id as retracted_by
from attempt left join attempt_retraction as taken using (attempt_id)
where case_id = $1 order by attempted_at, attempt_id
"""
LOAD_APPOINTMENTS = """
select appointment_id, status, site_id, start_at, start_on, changed_on, cancellation_reason, by_rule, outcome_overdue
from appointment where enrolment_id = $1 and programme_id = $2 order by start_at, appointment_id
"""
LOAD_DOSES = """
select dose_id, vaccine_group, administered_on,
    case when not live then 'retracted' when is_partial then 'partial' else 'recorded' end as state,
    string_to_array(sources, ' ') as sources
from member join dose using (member_token)
where person_token = (select person_token from member where member_token = $1)
    and (select vaccine_group from programme where programme_id = $2)
        = any(string_to_array(coalesce(nullif(vaccine_groups, ''), vaccine_group), ' '))
order by administered_on, dose_id
"""
LOAD_PERSON = """
select member_token, person_token from member
where person_token = (select person_token from member where member_token = $1)
"""
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
    count(*) filter (where status = 'open' and needs_language) as needing_language
from (
    select c.*, taken.person_token is not null as is_taken
    from outreach_case as c join member using (member_token)
    left join (
        select distinct person_token from outreach_case join member using (member_token)
        where lease_until > clock_timestamp()
    ) as taken using (person_token)
) as known
group by 1 order by 1
"""
LOAD_CLOSED = """
select programme_id, closed_reason, count(*) as cases from outreach_case where status = 'closed' group by 1, 2
"""
SAVE_STATEMENT = """
insert into statement (source_id, tenant_id, member_token, programme_id, said_at, counted_on, told_at, standing, stops,
    resumes, reports_death)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
LOAD_BUSINESS_DAY = "select max(business_on) from business_day"


@dataclass(frozen=True, slots=True)
class NewAttempt:
    """An attempt to be kept: one row."""

    attempt_id: UUID
    case_id: UUID
    enrolment_id: UUID
    programme_id: str
    tenant_id: str
    member_token: UUID
    channel: Channel
    disposition: Disposition
    attempted_at: datetime
    attempted_on: date
    counted_on: date
    worker_id: str
    given: Sequence[Given]
    topics: Sequence[str]
    barriers: Sequence[str]
    refusal_domain: BesdDomain | None
    callback_at: datetime | None
    callback_on: date | None
    language: str | None
    stopped: Sequence[Channel]
    place: str
    direction: Direction
    against: str | None
    resumed: Sequence[Channel]
    reach: int

    def marked(self, rule: str | None) -> "NewAttempt":
        """With the rule that the try went against."""
        return replace(self, against=rule)


_NAMES = [field.name for field in fields(NewAttempt)]
SAVE_ATTEMPT = f"""
insert into attempt ({", ".join(_NAMES)}) values ({", ".join(f"${i}" for i, _ in enumerate(_NAMES, 1))})
"""


@dataclass(frozen=True, slots=True)
class Place:
    """After which case a page goes on: among the promised calls that were due at that time, or among the ranks."""

    asked_at: datetime
    callback_at: datetime | None
    rank: int
    case_id: UUID


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the list: filters, and the place after which it goes on. Without one it begins at `asked_at`."""

    limit: int
    asked_at: datetime
    status: str | None = None
    callable_now: bool | None = None
    claimed_by: str | None = None
    programme_id: str | None = None
    zip5: str | None = None
    language: str | None = None
    after: Place | None = None


async def load_member_token(connection: Connection, case_id: UUID) -> UUID | None:
    """Whose case this is; None where there is none, or another plan's."""
    token: UUID | None = await connection.fetchval(LOAD_MEMBER, case_id)
    return token


async def save_attempt(connection: Connection, attempt: NewAttempt) -> None:
    """Keep an attempt; a case that somebody worked on has not been skipped."""
    await connection.execute(SAVE_ATTEMPT, *(getattr(attempt, name) for name in _NAMES))
    await connection.execute(FORGET_SKIPS, attempt.case_id)


async def save_statement(connection: Connection, token: UUID, said: Statement) -> None:
    """Keep what holds for the person at every plan."""
    what = (said.said_at, said.counted_on, said.told_at, said.standing, said.stops, said.resumes, said.reports_death)
    await connection.execute(SAVE_STATEMENT, said.source_id, said.tenant_id, token, said.programme_id, *what)


async def load_business_day(connection: Connection) -> date | None:
    """The open day; None before the first."""
    opened_on: date | None = await connection.fetchval(LOAD_BUSINESS_DAY)
    return opened_on


async def load_time_zone(connection: Connection, programme_id: str) -> str:
    """The programme's time zone; UTC until the programme is heard of."""
    return await connection.fetchval(LOAD_TIME_ZONE, programme_id) or "UTC"


async def load_cards(connection: Connection, page: Page) -> list[asyncpg.Record]:
    """Cases in the order in which they are to be called."""
    filters = (page.status, page.callable_now, page.claimed_by, page.programme_id, page.zip5, page.language)
    after, asked_at = page.after, page.after.asked_at if page.after else page.asked_at
    rows: list[asyncpg.Record] = []
    if after is None or after.callback_at is not None:
        due = (after.callback_at, after.case_id) if after else (None, None)
        rows += await connection.fetch(LOAD_DUE, *filters, asked_at, *due, page.limit)
        after = None
    if len(rows) < page.limit:
        ranked = (after.rank, after.case_id) if after else (None, None)
        rows += await connection.fetch(LOAD_CARDS, *filters, asked_at, *ranked, page.limit - len(rows))
    return rows


async def load_card(connection: Connection, case_id: UUID) -> asyncpg.Record | None:
    """One case; None where there is none, or another plan's."""
    return await connection.fetchrow(LOAD_CARD, case_id)


@dataclass(frozen=True, slots=True)
class History:
    """What is on record about a case."""

    situation: Situation
    attempts: Sequence[asyncpg.Record]
    appointments: Sequence[asyncpg.Record]
    doses: Sequence[asyncpg.Record]
    other_cases: Sequence[asyncpg.Record]


async def load_history(connection: Connection, card: asyncpg.Record) -> History:
    """The case's timeline."""
    key = (card["enrolment_id"], card["programme_id"])
    rows = await connection.fetch(LOAD_PERSON, card["member_token"])
    known = await load_known(connection, {row["member_token"]: row["person_token"] for row in rows})
    tokens = [row["member_token"] for row in rows]
    return History(
        next(one.situation for one in known if one.case_id == card["case_id"]),
        await connection.fetch(LOAD_ATTEMPTS, card["case_id"]),
        await connection.fetch(LOAD_APPOINTMENTS, *key),
        await connection.fetch(LOAD_DOSES, card["member_token"], card["programme_id"]),
        await connection.fetch(LOAD_OTHER_CASES, tokens, card["case_id"]),
    )


async def load_summary(connection: Connection) -> tuple[list[asyncpg.Record], list[asyncpg.Record]]:
    """Counts by programme, and closed cases by programme and reason."""
    return await connection.fetch(LOAD_SUMMARY), await connection.fetch(LOAD_CLOSED)
