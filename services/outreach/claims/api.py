"""The API of claims: take the next cases, give one back."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.kit import audit
from services.kit.idempotency import Answer, Identity
from services.kit.requests import Pool, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.claims import flow
from services.outreach.claims.rules import Wish
from services.outreach.claims.shapes import ClaimsIn, ClaimsOut
from services.outreach.gate.api.permissions import Clock, Own
from services.outreach.policy import POLICY
from services.outreach.worklist.api.workers import Claimer, worker_id
from services.outreach.worklist.rules import Filter
from services.outreach.worklist.shapes import NOT_FOUND, PROBLEM, case_of

routes = APIRouter(tags=["outreach"])


@routes.post("/claims", summary="Claim the next cases", response_model=ClaimsOut, responses={409: PROBLEM})
async def claim_cases(
    body: ClaimsIn, pool: Pool, identity: Identity, principal: Claimer, own: Own, now: Clock
) -> Response:
    """The next cases for the caller, promised calls first, then by rank; of each person one. They are the caller's for
    the lease's time; nobody else gets them, or another case of these persons, meanwhile. Fewer than asked, or none,
    when the list or the caller's allowance runs dry. Nobody is handed whom the gate lets nobody contact now."""
    wanted = Filter(body.programme_id, body.zip5, body.interpreter_needed)
    gate_at = now if own.claims_ask_gate else None
    wish = Wish(worker_id(principal), body.count, body.language, wanted, gate_at=gate_at)

    async def effect(work: UnitOfWork) -> Answer:
        cases = await flow.claim_cases(work.connection, wish)
        await audit.record(work, principal, "read", "case", [case.case_id for case in cases])
        claimed = ClaimsOut(cases=tuple(case_of(case) for case in cases), lease_minutes=POLICY.lease_minutes)
        return Answer(200, claimed.model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.post(
    "/cases/{case_id}/release",
    summary="Give a claimed case back",
    status_code=204,
    response_class=Response,
    responses={404: NOT_FOUND, 409: PROBLEM},
)
async def give_back_case(case_id: UUID, pool: Pool, identity: Identity, principal: Claimer) -> Response:
    """Ends the lease. A case given back untouched sinks on the list. A supervisor may end another worker's lease."""
    is_supervisor = principal.may("cases.release-others")

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work, principal, "read", "case", [case_id])
        refusal = await flow.give_back_case(work, case_id, worker_id(principal), is_supervisor=is_supervisor)
        return Answer(204) if refusal is None else Answer.of(refusal)

    return await write(pool, identity, effect)
