"""HTTP for whoever closes a clinic."""

from uuid import UUID

from fastapi import APIRouter, Response

from schemas.envelope import Code
from services.kit.idempotency import Answer, Identity
from services.kit.requests import Pool, write
from services.kit.unit_of_work import UnitOfWork
from services.scheduling.blocks.api import problems
from services.scheduling.blocks.api.access import Clock, Closer
from services.scheduling.blocks.api.problems import responses
from services.scheduling.closures import flow
from services.scheduling.closures.rules import OthersBooked
from services.scheduling.closures.shapes import ClosureIn, ClosureOut, ReopenedOut, ReopeningIn
from services.scheduling.refusals import RefusalCode

routes = APIRouter(tags=["scheduling"])


@routes.post(
    "/sites/{site_id}/closures",
    status_code=201,
    responses={201: {"model": ClosureOut}, 200: {"model": ClosureOut}, **responses(403, 404, 409, 422)},
)
async def close(
    site_id: Code, body: ClosureIn, pool: Pool, identity: Identity, principal: Closer, clock: Clock
) -> Response:
    """Closes a day of a site or one of its blocks, for all plans: nobody books any more in what is to come of it, and
    its bookings are off for the site's reason, so that their members are called first. A dry run (200) says which; to
    close (201), the number of bookings that it told is said (else `others-booked`, with the number now)."""
    closing, moment = body.closing(site_id), body.moment(clock)

    async def effect(work: UnitOfWork) -> Answer:
        closed = await flow.close(work, principal, closing, moment, is_dry_run=body.dry_run)
        if isinstance(closed, RefusalCode):
            return problems.answer(closed)
        if isinstance(closed, OthersBooked):
            return problems.answer(RefusalCode.OTHERS_BOOKED, bookings=closed.bookings)
        return Answer(200 if body.dry_run else 201, ClosureOut.of(closed).model_dump(mode="json"))

    return await write(pool, identity.bound_to(principal), effect)


@routes.post(
    "/sites/{site_id}/closures/{closure_id}/reopening",
    responses={200: {"model": ReopenedOut}, **responses(403, 404, 422)},
)
async def reopen(
    site_id: Code,
    closure_id: UUID,
    body: ReopeningIn,
    pool: Pool,
    identity: Identity,
    principal: Closer,
    clock: Clock,
) -> Response:
    """What was closed may be booked again. Who was cancelled stays so, and is booked anew."""

    async def effect(work: UnitOfWork) -> Answer:
        refusal = await flow.reopen(work, principal, site_id, closure_id, body.moment(clock))
        if refusal is not None:
            return problems.answer(refusal)
        return Answer(200, ReopenedOut(closure_id=closure_id).model_dump(mode="json"))

    return await write(pool, identity.bound_to(principal), effect)
