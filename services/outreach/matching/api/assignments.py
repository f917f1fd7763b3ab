"""The API of assignments: make a batch of them, see who had better have a case, override, read why."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from schemas.languages import Language
from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, for_long, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.matching import flow, store
from services.outreach.matching.shapes import (
    AssigneeIn,
    AssignmentHistoryOut,
    AssignmentsIn,
    AssignmentsOut,
    CandidateOut,
    CandidatesOut,
    batch_of,
    candidate_of,
    history_of,
)
from services.outreach.matching.standing import Scope
from services.outreach.worklist import store as worklist
from services.outreach.worklist.api.workers import worker_id
from services.outreach.worklist.flow import NO_CASE
from services.outreach.worklist.shapes import NOT_FOUND, PROBLEM

Assigner = Annotated[Principal, may("assignments.make")]

routes = APIRouter(tags=["outreach"])


@routes.post("/assignments", summary="Assign cases to workers", response_model=AssignmentsOut, responses={409: PROBLEM})
async def make_assignments(body: AssignmentsIn, pool: Pool, identity: Identity, principal: Assigner) -> Response:
    """Gives open cases that are nobody's to the workers who may have them: nobody is left whom somebody may have, loads
    are even, wishes are kept, in this order. They go first to their workers' claims until the last day. A dry run tells
    what would come of it. 409 where somebody assigned or told of workers meanwhile."""
    scope = Scope(body.limit, body.programme_id, body.zip5)
    with for_long(pool):
        async with reading(pool, principal) as work:
            question = await flow.ask_within(work.connection, scope, body.until_on, frozenset(body.interpreted))
        if isinstance(question, Refusal):
            return refuse(question)
        batch = await flow.solve(question)

    async def effect(work: UnitOfWork) -> Answer:
        batch_id = None
        if not body.dry_run:
            kept = await flow.keep(work.connection, principal.tenant, question, batch, worker_id(principal))
            if isinstance(kept, Refusal):
                return Answer.of(kept)
            batch_id = kept
        return Answer(200, batch_of(batch, batch_id).model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.get(
    "/cases/{case_id}/candidates",
    summary="See who had better have a case",
    response_model=CandidatesOut,
    responses={404: NOT_FOUND, 409: PROBLEM},
)
async def list_candidates(
    case_id: UUID,
    pool: Pool,
    principal: Assigner,
    interpreted: Annotated[list[Language] | None, Query(max_length=50)] = None,
) -> Response | CandidatesOut:
    """All workers with the rules that speak for them or bar them, and why each comes before the next. Audited."""
    async with reading(pool, principal) as work:
        await audit.record(work, principal, "read", "case", [case_id])
        found = await flow.candidates(work.connection, case_id, frozenset(interpreted or ()))
    if isinstance(found, Refusal):
        return refuse(found)
    return CandidatesOut(candidates=tuple(map(candidate_of, found[1])))


@routes.put(
    "/cases/{case_id}/assignee",
    summary="Give a case to a worker",
    response_model=CandidateOut,
    responses={404: NOT_FOUND, 409: PROBLEM},
)
async def override_assignment(
    case_id: UUID, body: AssigneeIn, pool: Pool, identity: Identity, principal: Assigner
) -> Response:
    """Whoever had it, and wherever the rules put him; not against a hard rule. The reason is kept."""
    said = flow.Override(body.worker_id, body.reason, frozenset(body.interpreted))

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work, principal, "read", "case", [case_id])
        given = await flow.override(work.connection, principal.tenant, case_id, said, worker_id(principal))
        if isinstance(given, Refusal):
            return Answer.of(given)
        return Answer(200, candidate_of(given).model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.get(
    "/cases/{case_id}/assignments",
    summary="Read to whom a case was assigned",
    response_model=AssignmentHistoryOut,
    responses={404: NOT_FOUND},
)
async def read_assignments(case_id: UUID, pool: Pool, principal: Assigner) -> Response | AssignmentHistoryOut:
    """The first first, each with the rule that decided, what spoke for the worker, and who assigned it. Audited."""
    async with reading(pool, principal) as work:
        await audit.record(work, principal, "read", "case", [case_id])
        case = await worklist.load_case(work.connection, case_id)
        found = await store.load_assignments(work.connection, case_id)
    return refuse(NO_CASE) if case is None else history_of(found)
