"""The API of target ZIPs: list the week's."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response

from services.kit import audit
from services.kit.auth import Principal, may_for_all
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal
from services.kit.requests import Pool, for_long, write
from services.kit.unit_of_work import UnitOfWork
from services.reporting.rebuild.api.progress import LogReader, progress
from services.reporting.rebuild.flow import need_whole_log
from services.reporting.targets import flow
from services.reporting.targets.rules import Wish
from services.reporting.targets.shapes import TargetZipsIn, TargetZipsOut

routes = APIRouter(tags=["reporting"])
Lister = Annotated[Principal, may_for_all("target-zips.list")]


@routes.post("/target-zips", summary="List the week's target ZIPs", status_code=201, response_model=TargetZipsOut)
async def list_target_zips(
    body: TargetZipsIn, pool: Pool, identity: Identity, principal: Lister, log_reader: LogReader
) -> Response:
    """Computes the list from the whole log and announces it: ZIPs that are on it, and those that left it. While the
    log is not read to its end, as in a rebuild, nothing is listed: 409, and the same key may be sent again."""
    read, behind = await progress(pool, principal, log_reader)

    async def effect(work: UnitOfWork) -> Answer:
        await need_whole_log(work.connection, read, behind)
        wish = Wish(body.programme_id, body.week_on, body.least_unvaccinated, body.at_most)
        listing = await flow.list_target_zips(work, wish)
        if isinstance(listing, Refusal):
            return Answer.of(listing)
        await audit.record(work, principal, "export", "target-zips", [body.programme_id])
        return Answer(201, TargetZipsOut.model_validate(asdict(listing)).model_dump(mode="json"))

    with for_long(pool):
        return await write(pool, identity, effect)
