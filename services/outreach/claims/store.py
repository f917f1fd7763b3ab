"""SQL of claims and leases. One person is one entry of the list, whatever programmes and tokens his cases have, so that
no two workers call one person at once. Runs as the plan, so row-level security hides other plans' rows."""

from collections.abc import Collection, Sequence
from dataclasses import astuple
from uuid import UUID

from services.kit.postgres import Connection
from services.kit.rows import into
from services.outreach.cases.store import FREE, TAKEN
from services.outreach.claims.rules import Candidate, Lease, Wish
from services.outreach.matching.store import HARD
from services.outreach.wishes.store import AVOIDS
from services.outreach.worklist.store import filtered

# The person's own row is locked too: of two claimers at once, who want different cases of one person, one goes on.
_CANDIDATES = f"""
select held.case_id, person.member_token as person_token
from outreach_case as held
join person as known on known.member_token = held.member_token
join person on person.member_token = known.person_token
where held.status = 'open' and held.held_by is null and {FREE} {{due}}
    and (held.language = $3 or ($3::text is null and {{anybody}})) and {filtered("held", 6)}
    and ($13::timestamptz is null or held.not_before_at is null or held.not_before_at <= $13)
    and person.member_token <> all($4) and not {TAKEN.format(person="known.person_token")}
    and not {AVOIDS.format(person="known.person_token", worker="$1", organization="$9::text")}
    and held.programme_id <> all($10::text[]) and not ($11::boolean and {HARD.format(person="known.person_token")})
    and $12::text[] is not null
order by {{order}} limit $2 for update of held, person skip locked
"""
_ANYBODY = "not held.needs_language"
LOAD_CALLBACKS = _CANDIDATES.format(
    anybody=_ANYBODY,
    due="""and (held.callback_at <= clock_timestamp() and held.callback_worker = $1
        or held.callback_at <= clock_timestamp() - make_interval(mins => $5))""",
    order="held.callback_at, held.case_id",
)
LOAD_ASSIGNED = _CANDIDATES.format(
    anybody="(not held.needs_language or held.language = any($12))",
    due="and held.callback_at is null and held.assigned_to = $1 and $5::int is not null",
    order="held.rank desc, held.case_id desc",
)
LOAD_CALL_LIST = _CANDIDATES.format(
    anybody=_ANYBODY,
    due="""and held.callback_at is null and (held.assigned_to is null or held.needs_language and held.language = $3)
        and $5::int is not null""",
    order="held.rank desc, held.case_id desc",
)
LOCK_WORKER = "select pg_advisory_xact_lock($1, hashtext($2))"
WORKER_LOCKS = 0x636C6D
COUNT_CLAIMS = "select count(*) from outreach_case where claimed_by = $1 and lease_until > clock_timestamp()"
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


async def lock_worker(connection: Connection, worker_id: str) -> None:
    """Wait until no other request of this worker claims."""
    await connection.execute(LOCK_WORKER, WORKER_LOCKS, worker_id)


async def count_claims(connection: Connection, worker_id: str) -> int:
    """How many cases the worker holds."""
    return int(await connection.fetchval(COUNT_CLAIMS, worker_id))


async def lock_callbacks(
    connection: Connection, wish: Wish, count: int, but_of: Collection[UUID], lease_minutes: int
) -> list[Candidate]:
    """The next promised calls that are due and that nobody holds, of other persons than these; the persons are
    locked."""
    return await _lock_candidates(connection, LOAD_CALLBACKS, wish, count, but_of, lease_minutes)


async def lock_assigned(
    connection: Connection, wish: Wish, count: int, but_of: Collection[UUID], lease_minutes: int
) -> list[Candidate]:
    """The next cases by rank that are assigned to him and that nobody holds, of other persons than these; the persons
    are locked."""
    return await _lock_candidates(connection, LOAD_ASSIGNED, wish, count, but_of, lease_minutes)


async def lock_call_list(
    connection: Connection, wish: Wish, count: int, but_of: Collection[UUID], lease_minutes: int
) -> list[Candidate]:
    """The next cases by rank that nobody holds and that are assigned to nobody, or need the language that is asked
    for, of other persons than these; the persons are locked."""
    return await _lock_candidates(connection, LOAD_CALL_LIST, wish, count, but_of, lease_minutes)


async def _lock_candidates(
    connection: Connection, query: str, wish: Wish, count: int, but_of: Collection[UUID], lease_minutes: int
) -> list[Candidate]:
    who = (wish.worker_id, count, wish.language, list(but_of), lease_minutes)
    bounds = *astuple(wish.filter), *astuple(wish.bounds), wish.gate_at
    return [into(Candidate, row) for row in await connection.fetch(query, *who, *bounds)]


async def lock_lease(connection: Connection, case_id: UUID) -> Lease | None:
    """The lease, held still until the commit; None where there is no such case, or another plan's."""
    row = await connection.fetchrow(LOCK_LEASE, case_id)
    return None if row is None else into(Lease, row, live=bool(row["live"]))


async def load_person_holder(connection: Connection, case_id: UUID, member_tokens: Sequence[UUID]) -> str | None:
    """Who holds another case of this person, whose tokens are locked: nobody else is to call him meanwhile."""
    holder: str | None = await connection.fetchval(LOAD_PERSON_LEASE, case_id, member_tokens)
    return holder
