"""The API by which workers and avoidances are told: what is said frees cases of workers who may not have them now."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Response

from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal
from services.kit.requests import Pool, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.matching.flow import freeing
from services.outreach.wishes.api import Teller, of_case
from services.outreach.wishes.shapes import AvoidanceIn, AvoidanceToldOut
from services.outreach.workers import flow
from services.outreach.workers.api import Describer, WorkerId, answer_of
from services.outreach.workers.shapes import WorkerIn, WorkerOut
from services.outreach.worklist.api.workers import worker_id as code_of
from services.outreach.worklist.shapes import NOT_FOUND, PROBLEM

IfMatch = Annotated[
    str | None, Header(pattern='^"[0-9]{1,9}"$', description="The ETag of the description that this one is made from")
]

routes = APIRouter(tags=["outreach"])


@routes.put("/workers/{worker_id}", summary="Describe a worker", response_model=WorkerOut, responses={412: PROBLEM})
async def describe_worker(
    worker_id: WorkerId,
    body: WorkerIn,
    pool: Pool,
    identity: Identity,
    principal: Describer,
    if_match: IfMatch = None,
) -> Response:
    """A new worker without If-Match; a known one with the ETag of the description that this one is made from."""
    known = None if if_match is None else int(re.sub(r"\D", "", if_match))

    async def effect(work: UnitOfWork) -> Answer:
        worker = body.worker(worker_id)
        await freeing.lock(work.connection)
        told = await flow.describe(work.connection, principal.tenant, worker, known, code_of(principal))
        if not isinstance(told, Refusal):
            await freeing.free_if_away(work.connection, told[0])
        return await answer_of(work, told)

    return await write(pool, identity, effect)


@routes.post(
    "/cases/{case_id}/avoidances",
    summary="Tell whom the member avoids",
    status_code=201,
    response_model=AvoidanceToldOut,
    responses={404: NOT_FOUND},
)
async def tell_avoidance(
    case_id: UUID, body: AvoidanceIn, pool: Pool, identity: Identity, principal: Teller
) -> Response:
    """From now on no case of this member goes to that worker, or to anybody of that organisation: neither by claims nor
    by assignments. Who recorded it is kept; who avoids whom is shown to supervisors alone."""

    async def told(work: UnitOfWork, enrolment_id: UUID) -> Answer:
        whose, by = (principal.tenant, enrolment_id), code_of(principal)
        saved = await freeing.avoid(work.connection, whose, body.kind, body.code, body.reason, by)
        return Answer(201, AvoidanceToldOut(avoidance_id=saved).model_dump(mode="json"))

    return await write(pool, identity, of_case(case_id, principal, told))
