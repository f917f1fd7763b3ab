"""The API of the rebuild: wipe the tables, see how far the log has been read."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response

from services.kit.auth import Principal, may, may_for_all
from services.kit.idempotency import Answer, Identity
from services.kit.requests import Pool, write
from services.kit.unit_of_work import UnitOfWork
from services.reporting.rebuild import flow
from services.reporting.rebuild.api.progress import LogReader, progress
from services.reporting.rebuild.shapes import ReadingOut

routes = APIRouter(tags=["reporting"])
Onlooker = Annotated[Principal, may("rebuild.read")]
OperatorOfAll = Annotated[Principal, may_for_all("rebuild.start")]


@routes.post("/rebuild", summary="Wipe the tables and read the log again", status_code=202, response_model=ReadingOut)
async def start_rebuild(pool: Pool, identity: Identity, _: OperatorOfAll) -> Response:
    """Empties every table and reads the log again from its beginning. Publishes nothing. Until it has caught up (GET
    /rebuild), reports are incomplete."""

    async def effect(work: UnitOfWork) -> Answer:
        begun = await flow.wipe(work.connection)
        return Answer(202, ReadingOut(generation=begun.number, records_behind=None).model_dump())

    return await write(pool, identity, effect)


@routes.get("/rebuild", summary="See how far the log has been read")
async def read_progress(pool: Pool, principal: Onlooker, log_reader: LogReader) -> ReadingOut:
    """Over all processes of this service."""
    read, behind = await progress(pool, principal, log_reader)
    return ReadingOut(generation=read.number, records_behind=behind)
