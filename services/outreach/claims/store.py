"""Who works on which case: claims, leases and giving back. One person is one entry of the list, whatever programmes and
tokens his cases have, so that no two workers call one person at once. SQL of the API; runs as the plan, so row-level
security hides other plans' rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.kit.postgres import Connection
from services.outreach.worklist.store import CARD

_FREE = "(lease_until is null or lease_until <= clock_timestamp())"
# Whether any case of the person is held by somebody now: the same plan's, for others can't be seen.
TAKEN = """exists (
    select from outreach_case as other join member as his using (member_token)
    where his.person_token = {person} and other.claimed_by is not null and other.lease_until > clock_timestamp()
)"""
# The person's own row is locked too: of two claimers at once, who want different cases of one person, one goes on.
_CANDIDATES = f"""
select held.case_id, held.member_token, person.member_token as person_token
from outreach_case as held
join member as known on known.member_token = held.member_token
join member as person on person.member_token = known.person_token
where held.status = 'open' and held.held_by is null and {_FREE} {{due}}
    and ($3::text is null or held.programme_id = $3) and ($4::text is null or held.zip5 = $4)
    and (held.language = $5 or ($5::text is null and not held.needs_language))
    and person.member_token <> all($6) and not {TAKEN.format(person="known.person_token")}
order by {{order}} limit $2 for update of held, person skip locked
"""
LOAD_CALLBACKS = _CANDIDATES.format(
    due="""and (held.callback_at <= clock_timestamp() and held.callback_worker = $1
        or held.callback_at <= clock_timestamp() - make_interval(mins => $7))""",
    order="held.callback_at, held.case_id",
)
LOAD_CALL_LIST = _CANDIDATES.format(
    due="and held.callback_at is null and $1::text is not null and $7::int is not null",
    order="held.rank desc, held.case_id desc",
)
# A look of its own: it sees what was committed before the persons were locked.
CLAIM_CASES = f"""
update outreach_case as held
set claimed_by = $1, claimed_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(mins => $2)
from unnest($3::uuid[], $4::uuid[]) as chosen (case_id, person_token)
where held.case_id = chosen.case_id and held.status = 'open' and held.held_by is null and {_FREE}
    and not {TAKEN.format(person="chosen.person_token")}
returning {CARD.replace("case_id", "held.case_id", 1)}
"""
LOCK_WORKER = "select pg_advisory_xact_lock($1, hashtext($2))"
WORKER_LOCKS = 0x636C6D
COUNT_CLAIMS = "select count(*) from outreach_case where claimed_by = $1 and lease_until > clock_timestamp()"
CLAIM_CASE = """
update outreach_case
set claimed_by = $2, claimed_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(mins => $3)
where case_id = $1
"""
# Of the case, or of another of the same person that somebody holds now.
LOCK_LEASE = """
select member_token, claimed_by, lease_until > clock_timestamp() as live, clock_timestamp() as asked_at
from outreach_case where case_id = $1 for update
"""
LOAD_PERSON_LEASE = """
select claimed_by from outreach_case
where member_token = any($2) and case_id <> $1 and lease_until > clock_timestamp()
order by lease_until desc limit 1
"""
END_LEASE = "update outreach_case set claimed_by = null, claimed_at = null, lease_until = null where case_id = $1"
SKIP_CASE = """
update outreach_case as held
set claimed_by = null, claimed_at = null, lease_until = null, skips = skips + 1, skip_penalty = skip_penalty + $2
where case_id = $1
    and not exists (select from attempt where attempt.case_id = $1 and attempt.logged_at >= held.claimed_at)
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


async def claim_cases(connection: Connection, wish: Wish, lease_minutes: int, max_claims: int) -> list[asyncpg.Record]:
    """Claim the next cases: promised calls first, then by rank, of each person one. Claimers at once never get the same
    person, and one worker's requests at once don't add up to more than `max_claims`."""
    await connection.execute(LOCK_WORKER, WORKER_LOCKS, wish.worker_id)
    room = max_claims - await connection.fetchval(COUNT_CLAIMS, wish.worker_id)
    claimed: list[asyncpg.Record] = []
    persons: set[UUID] = set()
    for statement in (LOAD_CALLBACKS, LOAD_CALL_LIST):
        while (count := min(wish.count, room) - len(claimed)) > 0:
            who = (wish.worker_id, count, wish.programme_id, wish.zip5, wish.language, list(persons), lease_minutes)
            found = await connection.fetch(statement, *who)
            first = _first_of_each(found)
            persons |= first.keys()
            rows = await connection.fetch(CLAIM_CASES, wish.worker_id, lease_minutes, list(first.values()), list(first))
            claimed += sorted(rows, key=_call_order)
            if not found:
                break
    return claimed


def _first_of_each(candidates: Iterable[asyncpg.Record]) -> dict[UUID, UUID]:
    """Person → case: of each person the case that comes first."""
    first: dict[UUID, UUID] = {}
    for row in candidates:
        first.setdefault(row["person_token"], row["case_id"])
    return first


def _call_order(card: asyncpg.Record) -> tuple[float, int, int]:
    callback = card["callback_at"].timestamp() if card["callback_at"] else 0.0
    return callback, -card["rank"], -card["case_id"].int


async def claim_case(connection: Connection, case_id: UUID, worker_id: str, lease_minutes: int) -> None:
    """Give this case, whose lease is locked, to the worker."""
    await connection.execute(CLAIM_CASE, case_id, worker_id, lease_minutes)


async def lock_lease(connection: Connection, case_id: UUID) -> Lease | None:
    """The lease, held still until the commit; None where there is no such case, or another plan's."""
    row = await connection.fetchrow(LOCK_LEASE, case_id)
    return None if row is None else Lease(row["member_token"], row["claimed_by"], bool(row["live"]), row["asked_at"])


async def load_person_holder(connection: Connection, case_id: UUID, tokens: Sequence[UUID]) -> str | None:
    """Who holds another case of this person, whose tokens are locked: nobody else is to call him meanwhile."""
    holder: str | None = await connection.fetchval(LOAD_PERSON_LEASE, case_id, tokens)
    return holder


async def end_lease(connection: Connection, case_id: UUID) -> None:
    """Nobody holds the case any more."""
    await connection.execute(END_LEASE, case_id)


async def skip_case(connection: Connection, case_id: UUID, penalty: int) -> None:
    """Give the case back. Given back untouched, it sinks."""
    await connection.execute(SKIP_CASE, case_id, penalty)
    await end_lease(connection, case_id)
