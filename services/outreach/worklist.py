"""The work list: claims, attempts and what a worker sees. All SQL of the API; runs as the plan, so row-level security
hides other plans' rows."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from uuid import UUID

import asyncpg

from schemas.outreach_v1 import BesdDomain, Channel, Disposition, Given
from services.kit.postgres import Connection
from services.outreach.domain import Situation
from services.outreach.situations import load_known

_CARD = """case_id, programme_id, tenant_id, enrolment_id, member_token, status, closed_reason, paused_until_on,
    held_by, held_until_on, opened_on, changed_on, rank, priority, zip_bonus, noshow_bonus, attempts, attempt_penalty,
    skips, skip_penalty, zip5, language, needs_language, callback_at, callback_worker, next_channel, claimed_by,
    lease_until, clock_timestamp() as asked_at"""
_FREE = "(lease_until is null or lease_until <= clock_timestamp())"
_WANTED = """
    and ($4::text is null or programme_id = $4) and ($5::text is null or zip5 = $5)
    and (language = $6 or ($6::text is null and not needs_language))
"""
_CLAIM = f"""
update outreach_case as held
set claimed_by = $1, claimed_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(mins => $2)
from chosen where held.case_id = chosen.case_id
returning {_CARD.replace("case_id", "held.case_id", 1)}
"""
CLAIM_CALLBACKS = f"""
with chosen as (
    select case_id from outreach_case
    where status = 'open' and held_by is null and {_FREE} {_WANTED}
        and (callback_at <= clock_timestamp() and callback_worker = $1
            or callback_at <= clock_timestamp() - make_interval(mins => $2))
    order by callback_at, case_id limit $3 for update skip locked
) {_CLAIM}
"""
CLAIM_CASES = f"""
with chosen as (
    select case_id from outreach_case
    where status = 'open' and held_by is null and callback_at is null and {_FREE} {_WANTED}
    order by rank desc, case_id desc limit $3 for update skip locked
) {_CLAIM}
"""
LOCK_WORKER = "select pg_advisory_xact_lock($1, hashtext($2))"
WORKER_LOCKS = 0x636C6D
COUNT_CLAIMS = "select count(*) from outreach_case where claimed_by = $1 and lease_until > clock_timestamp()"
CLAIM_CASE = """
update outreach_case
set claimed_by = $2, claimed_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(mins => $3)
where case_id = $1
"""
LOCK_LEASE = """
select member_token, claimed_by, lease_until > clock_timestamp() as live, clock_timestamp() as asked_at
from outreach_case where case_id = $1 for update
"""
LOAD_MEMBER = "select member_token from outreach_case where case_id = $1"
END_LEASE = "update outreach_case set claimed_by = null, claimed_at = null, lease_until = null where case_id = $1"
SKIP_CASE = """
update outreach_case as held
set claimed_by = null, claimed_at = null, lease_until = null, skips = skips + 1, skip_penalty = skip_penalty + $2
where case_id = $1
    and not exists (select from attempt where attempt.case_id = $1 and attempt.logged_at >= held.claimed_at)
"""
FORGET_SKIPS = "update outreach_case set skips = 0, skip_penalty = 0 where case_id = $1 and skips > 0"
LOAD_TIME_ZONE = "select time_zone from programme where programme_id = $1"
LOAD_CARDS = f"""
select {_CARD} from outreach_case
where ($1::text is null or status = $1)
    and ($2::boolean is null or (status = 'open' and held_by is null) = $2)
    and ($3::text is null or (claimed_by = $3 and lease_until > clock_timestamp()))
    and ($4::text is null or programme_id = $4) and ($5::text is null or zip5 = $5)
    and ($6::text is null or language = $6)
    and ($7::int is null or (rank, case_id) < ($7, $8::uuid))
order by rank desc, case_id desc limit $9
"""
LOAD_CARD = f"select {_CARD} from outreach_case where case_id = $1"
LOAD_ATTEMPTS = """
select attempt_id, channel, disposition, attempted_at, attempted_on, worker_id, given, topics, barriers, refusal_domain,
    callback_at, language, stopped as stopped_channels
from attempt where case_id = $1 order by attempted_at, attempt_id
"""
LOAD_APPOINTMENTS = """
select appointment_id, status, site_id, start_at, start_on, changed_on
from appointment where enrolment_id = $1 and programme_id = $2 order by start_at, appointment_id
"""
LOAD_DOSES = """
select dose_id, vaccine_group, administered_on,
    case when not live then 'retracted' when is_partial then 'partial' else 'recorded' end as state,
    string_to_array(sources, ' ') as sources
from member join dose using (member_token)
where person_token = (select person_token from member where member_token = $1)
    and vaccine_group = (select vaccine_group from programme where programme_id = $2)
order by administered_on, dose_id
"""
LOAD_PERSON = """
select member_token, person_token from member
where person_token = (select person_token from member where member_token = $1)
"""
LOAD_SUMMARY = """
select programme_id, count(*) as cases,
    count(*) filter (where status = 'open') as open,
    count(*) filter (where status = 'paused') as paused,
    count(*) filter (where status = 'closed') as closed,
    count(*) filter (where status = 'open' and held_by is null and lease_until > clock_timestamp() is not true
        and (callback_at is null or callback_at <= clock_timestamp())) as claimable,
    count(*) filter (where lease_until > clock_timestamp()) as claimed,
    count(*) filter (where status = 'open' and held_by = 'booked') as booked,
    count(*) filter (where status = 'open' and held_by in ('resting', 'attempts')) as resting,
    count(*) filter (where status = 'open' and callback_at is not null) as callbacks,
    count(*) filter (where status = 'open' and held_by is null and callback_at <= clock_timestamp()) as callbacks_due,
    count(*) filter (where status = 'open' and needs_language) as needing_language
from outreach_case group by 1 order by 1
"""
LOAD_CLOSED = """
select programme_id, closed_reason, count(*) as cases from outreach_case where status = 'closed' group by 1, 2
"""


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


_NAMES = [field.name for field in fields(NewAttempt)]
SAVE_ATTEMPT = f"""
insert into attempt ({", ".join(_NAMES)}) values ({", ".join(f"${i}" for i, _ in enumerate(_NAMES, 1))})
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a worker wants to work on. Without a language: anything that needs no particular one."""

    worker_id: str
    count: int
    programme_id: str | None = None
    zip5: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a case, by the database clock."""

    member_token: UUID
    claimed_by: str | None
    live: bool
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the list: filters, and the place after which it goes on."""

    limit: int
    status: str | None = None
    callable_now: bool | None = None
    claimed_by: str | None = None
    programme_id: str | None = None
    zip5: str | None = None
    language: str | None = None
    after: tuple[int, UUID] | None = None


async def claim_cases(connection: Connection, wish: Wish, lease_minutes: int, max_claims: int) -> list[asyncpg.Record]:
    """Claim the next cases: promised calls first, then by rank. Claimers at once never get the same case, and one
    worker's requests at once don't add up to more than `max_claims`."""
    await connection.execute(LOCK_WORKER, WORKER_LOCKS, wish.worker_id)
    room = max_claims - await connection.fetchval(COUNT_CLAIMS, wish.worker_id)
    claimed: list[asyncpg.Record] = []
    for statement in (CLAIM_CALLBACKS, CLAIM_CASES):
        count = min(wish.count, room) - len(claimed)
        if count > 0:
            who = (wish.worker_id, lease_minutes, count, wish.programme_id, wish.zip5, wish.language)
            rows = await connection.fetch(statement, *who)
            claimed += sorted(rows, key=_call_order)
    return claimed


def _call_order(card: asyncpg.Record) -> tuple[float, int, int]:
    callback = card["callback_at"].timestamp() if card["callback_at"] else 0.0
    return callback, -card["rank"], -card["case_id"].int


async def claim_case(connection: Connection, case_id: UUID, worker_id: str, lease_minutes: int) -> None:
    """Give this case, whose lease is locked, to the worker."""
    await connection.execute(CLAIM_CASE, case_id, worker_id, lease_minutes)


async def load_member_token(connection: Connection, case_id: UUID) -> UUID | None:
    """Whose case this is; None where there is none, or another plan's."""
    token: UUID | None = await connection.fetchval(LOAD_MEMBER, case_id)
    return token


async def lock_lease(connection: Connection, case_id: UUID) -> Lease | None:
    """The lease, held still until the commit; None where there is no such case, or another plan's."""
    row = await connection.fetchrow(LOCK_LEASE, case_id)
    return None if row is None else Lease(row["member_token"], row["claimed_by"], bool(row["live"]), row["asked_at"])


async def end_lease(connection: Connection, case_id: UUID) -> None:
    """Nobody holds the case any more."""
    await connection.execute(END_LEASE, case_id)


async def skip_case(connection: Connection, case_id: UUID, penalty: int) -> None:
    """Give the case back. Given back untouched, it sinks."""
    await connection.execute(SKIP_CASE, case_id, penalty)
    await end_lease(connection, case_id)


async def save_attempt(connection: Connection, attempt: NewAttempt) -> None:
    """Keep an attempt; a case that somebody worked on has not been skipped."""
    await connection.execute(SAVE_ATTEMPT, *(getattr(attempt, name) for name in _NAMES))
    await connection.execute(FORGET_SKIPS, attempt.case_id)


async def load_time_zone(connection: Connection, programme_id: str) -> str:
    """The programme's time zone; UTC until the programme is heard of."""
    return await connection.fetchval(LOAD_TIME_ZONE, programme_id) or "UTC"


async def load_cards(connection: Connection, page: Page) -> list[asyncpg.Record]:
    """Cases by rank, the highest first."""
    rank, case_id = page.after or (None, None)
    filters = (page.status, page.callable_now, page.claimed_by, page.programme_id, page.zip5, page.language)
    rows: list[asyncpg.Record] = await connection.fetch(LOAD_CARDS, *filters, rank, case_id, page.limit)
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


async def load_history(connection: Connection, card: asyncpg.Record) -> History:
    """The case's timeline."""
    key = (card["enrolment_id"], card["programme_id"])
    rows = await connection.fetch(LOAD_PERSON, card["member_token"])
    known = await load_known(connection, {row["member_token"]: row["person_token"] for row in rows})
    return History(
        next(one.situation for one in known if one.case_id == card["case_id"]),
        await connection.fetch(LOAD_ATTEMPTS, card["case_id"]),
        await connection.fetch(LOAD_APPOINTMENTS, *key),
        await connection.fetch(LOAD_DOSES, card["member_token"], card["programme_id"]),
    )


async def load_summary(connection: Connection) -> tuple[list[asyncpg.Record], list[asyncpg.Record]]:
    """Counts by programme, and closed cases by programme and reason."""
    return await connection.fetch(LOAD_SUMMARY), await connection.fetch(LOAD_CLOSED)
