"""Claims the next cases for a worker, and takes one back: in the transaction of the request."""

from dataclasses import replace
from uuid import UUID

from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.cases import store as cases
from services.outreach.claims import store
from services.outreach.claims.rules import Bounds, Wish, bounds_of, call_order, first_of_each_person
from services.outreach.gate import flow as gate
from services.outreach.matching import store as matching
from services.outreach.policy import POLICY
from services.outreach.workers import store as workers
from services.outreach.worklist import store as worklist
from services.outreach.worklist.flow import NO_CASE
from services.outreach.worklist.rules import ListedCase

MOST_KEPT_BACK = 500
"""After so many whom the gate keeps back a request gives what it has: the next one goes on behind them."""
NOT_YOURS = Refusal("not-claimed-by-you", "Not Claimed By You", "Only its holder or a supervisor gives a case back.")


async def claim_cases(connection: Connection, wish: Wish) -> list[ListedCase]:
    """Claim the next cases: promised calls first, then what is assigned to the worker, then by rank; of each person
    one. Claimers at once never get the same person, and one worker's requests at once don't add up to more than the
    policy's `max_claims`."""
    await store.lock_worker(connection, wish.worker_id)
    wish = replace(wish, bounds=await _bounds(connection, wish.worker_id))
    room = POLICY.max_claims - await store.count_claims(connection, wish.worker_id)
    claimed: list[ListedCase] = []
    persons: set[UUID] = set()
    kept_back: set[UUID] = set()
    for lock_candidates in (store.lock_callbacks, store.lock_assigned, store.lock_call_list):
        while (count := min(wish.count, room) - len(claimed)) > 0 and len(kept_back) < MOST_KEPT_BACK:
            found = await lock_candidates(connection, wish, count, persons, POLICY.lease_minutes)
            first = first_of_each_person(found)
            persons |= first.keys()
            if wish.gate_at is not None:
                barred = await gate.keep_back(connection, first.values(), first, wish.gate_at)
                first = {person: case for person, case in first.items() if case not in barred}
                kept_back |= barred
            got = await cases.claim_cases(connection, wish.worker_id, POLICY.lease_minutes, first)
            claimed += sorted(await worklist.load_some(connection, got), key=call_order)
            if not found:
                break
    return claimed


async def _bounds(connection: Connection, worker_id: str) -> Bounds:
    """By what is known of the worker on the open business day."""
    today = await workers.load_today(connection)
    worker, _ = (await workers.load_workers(connection, worker_id)).get(worker_id, (None, 0))
    hard_calls = await matching.count_hard_calls(connection, worker_id, today)
    plan_describes = await workers.is_anybody_described(connection)
    return bounds_of(worker, today, hard_calls, POLICY.matching, plan_describes=plan_describes)


async def give_back_case(work: UnitOfWork, case_id: UUID, worker_id: str, *, is_supervisor: bool) -> Refusal | None:
    """End the lease: its holder gives the case back, or a supervisor ends another worker's. None: done."""
    lease = await store.lock_lease(work.connection, case_id)
    if lease is None:
        return NO_CASE
    if lease.claimed_by == worker_id:
        await cases.skip_case(work.connection, case_id, POLICY.rank.skip)
    elif lease.claimed_by is None or not is_supervisor:
        return NOT_YOURS
    else:
        await cases.end_lease(work.connection, case_id)
    return None
