"""Assigns cases to workers: reads, lets the solver work outside of any transaction, and keeps what came of it unless
somebody told or assigned something in between."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from schemas.eligibility_v1 import BusinessDayOpenedV1
from schemas.outreach_v1 import CaseStatus
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.cases import flow as cases_flow
from services.outreach.cases import store as cases
from services.outreach.contacts.dispositions import EFFECTS
from services.outreach.matching import store
from services.outreach.matching.batch import Batch, Member, assign
from services.outreach.matching.members import members_of
from services.outreach.matching.rules import Candidate, Reason, Room, Terms, ranked, room_of
from services.outreach.matching.standing import Ended, NewAssignment, Scope
from services.outreach.policy import POLICY
from services.outreach.workers import store as workers_store
from services.outreach.workers.flow import NO_WORKER
from services.outreach.workers.rules import Worker
from services.outreach.worklist import store as worklist
from services.outreach.worklist.flow import NO_CASE
from services.replicas.programmes import store as programmes

SPOKE = [disposition for disposition, effect in EFFECTS.items() if effect.reaches]
PORTION = 5000
"""Assignments that run out in one statement."""

CHANGED = Refusal(
    "assignments-changed", "Assignments Changed", "Somebody assigned cases, or told of workers, meanwhile: ask again."
)
MOST_DAYS = 90
TOO_LONG = Refusal(
    "assignment-days", "Assignment Days", f"Expected until_on within {MOST_DAYS} days after the open business day.", 422
)
BARRED = Refusal("worker-barred", "Worker Barred", "A hard rule bars this worker from the member.")
NOT_OPEN = Refusal("case-not-open", "Case Not Open", "Only an open case is assigned.")


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that a batch is made from; `stand` tells whether it still holds."""

    members: Sequence[Member]
    workers: Sequence[Worker]
    terms: Terms
    rooms: dict[str, Room]
    stand: str


async def ask_within(
    connection: Connection, scope: Scope, until_on: date | None, interpreted: frozenset[str]
) -> Question | Refusal:
    """The same, where the last day is one that anybody can mean."""
    today = await workers_store.load_today(connection)
    if until_on is not None and not today <= until_on <= date.fromordinal(today.toordinal() + MOST_DAYS):
        return TOO_LONG
    return await ask(connection, scope, until_on, interpreted)


async def ask(connection: Connection, scope: Scope, until_on: date | None, interpreted: frozenset[str]) -> Question:
    """What is to be assigned, and to whom it may be."""
    stand, today = await store.load_stand(connection), await workers_store.load_today(connection)
    until = until_on or date.fromordinal(today.toordinal() + POLICY.matching.days - 1)
    terms = Terms(today, until, POLICY.matching, interpreted)
    workers = [worker for worker, _ in (await workers_store.load_workers(connection)).values()]
    loads = await store.load_loads(connection)
    rooms = {one.worker_id: room_of(one, terms, *loads.get(one.worker_id, (0, 0))) for one in workers}
    found = await store.load_open(connection, scope)
    known = await store.load_on_record(connection, SPOKE, found[0].person_token if scope.case_id and found else None)
    return Question(members_of(found, known, POLICY.matching), workers, terms, rooms, stand)


async def solve(question: Question) -> Batch:
    """In a thread of its own: it takes seconds."""
    return await asyncio.to_thread(assign, question.members, question.workers, question.terms, question.rooms)


async def keep(connection: Connection, tenant_id: str, question: Question, batch: Batch, by: str) -> UUID | Refusal:
    """Assign what the batch says; gives its id."""
    await programmes.share_reference(connection)
    await store.lock_assigning(connection)
    if await store.load_stand(connection) != question.stand:
        return CHANGED
    batch_id = new_id()
    given = {
        case_id: (one.worker_id, one.deciding, one.reasons, one.member.demand, place == 0)
        for one in batch.assigned
        for place, case_id in enumerate(one.member.case_ids)
    }
    taken = await cases.assign_cases(connection, {case_id: worker_id for case_id, (worker_id, *_) in given.items()})
    rows = []
    for case_id in taken:
        worker_id, deciding, reasons, demand, is_first = given[case_id]
        weight = question.terms.weight(demand) if is_first else 0
        rows.append(
            NewAssignment(
                new_id(), tenant_id, case_id, worker_id, batch_id, question.terms.until_on, weight,
                demand.is_hard and is_first, deciding, " ".join(reasons), None, by,
            )
        )  # fmt: skip
    await store.save_assignments(connection, rows)
    return batch_id


async def candidates(
    connection: Connection, case_id: UUID, interpreted: frozenset[str]
) -> tuple[Question, list[Candidate]] | Refusal:
    """All workers for this case, in the order in which they had better; also where it is assigned to one of them."""
    case = await worklist.load_case(connection, case_id)
    if case is None:
        return NO_CASE
    if case.status != CaseStatus.OPEN:
        return NOT_OPEN
    question = await ask(connection, Scope(1, case_id=case_id), None, interpreted)
    if not question.members:
        return NOT_OPEN
    [member] = question.members
    return question, ranked(question.workers, member.demand, member.wish, question.terms, question.rooms)


@dataclass(frozen=True, slots=True)
class Override:
    """Who is to have a case, whoever had it, and why."""

    worker_id: str
    because: str
    interpreted: frozenset[str]


async def override(
    connection: Connection, tenant_id: str, case_id: UUID, said: Override, by: str
) -> Candidate | Refusal:
    """Give the case to this worker: a supervisor knows better than the order, not than the hard rules."""
    await programmes.share_reference(connection)
    await store.lock_assigning(connection)
    await cases.lock_case(connection, case_id)
    found = await candidates(connection, case_id, said.interpreted)
    if isinstance(found, Refusal):
        return found
    question, ranking = found
    chosen = next((one for one in ranking if one.worker_id == said.worker_id), None)
    if chosen is None:
        return NO_WORKER
    if chosen.bars:
        return BARRED.saying(f"By the rules: {', '.join(chosen.bars)}.")
    await store.end(connection, [case_id], Ended.OVERRIDDEN)
    await cases.free_cases(connection, [case_id])
    await cases.assign_cases(connection, {case_id: said.worker_id})
    [member] = question.members
    row = NewAssignment(
        new_id(), tenant_id, case_id, said.worker_id, None, question.terms.until_on,
        question.terms.weight(member.demand), member.demand.is_hard, Reason.OVERRIDE, " ".join(chosen.reasons),
        said.because, by,
    )  # fmt: skip
    await store.save_assignments(connection, [row])
    return chosen


async def on_business_day_opened(work: UnitOfWork, events: Sequence[BusinessDayOpenedV1]) -> None:
    """Let time pass for cases, and for assignments that have run out: their cases are anybody's again."""
    await cases_flow.on_business_day_opened(work, events)
    today = await workers_store.load_today(work.connection)
    while run_out := await store.load_run_out(work.connection, today, PORTION):
        await store.end(work.connection, run_out, Ended.RUN_OUT)
        await cases.free_cases(work.connection, run_out)
