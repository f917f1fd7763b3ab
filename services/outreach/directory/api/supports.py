"""The API of Community Supports: the list of a day, and where the plan has elected which."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from schemas.envelope import Day
from services.kit.idempotency import Answer, Identity
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.directory import flow, store
from services.outreach.directory.api.services import Librarian, Onlooker
from services.outreach.directory.shapes.supports import ElectionIn, SupportsOut, supports_of
from services.outreach.directory.supports import Election
from services.outreach.partners.api.partners import CODE
from services.outreach.workers.store import load_today
from services.outreach.worklist.api.workers import worker_id as code_of
from services.outreach.worklist.shapes import PROBLEM

routes = APIRouter(tags=["outreach"])


@routes.get("/community-supports", summary="List the Community Supports")
async def list_supports(
    pool: Pool,
    principal: Onlooker,
    on: Annotated[Day | None, Query(description="The open business day where it is not said.")] = None,
) -> SupportsOut:
    """Those of a day, and in which counties the plan offers each then."""
    async with reading(pool, principal) as work:
        day: date = on or await load_today(work.connection)
        elections = await store.load_elections(work.connection)
    return supports_of(elections, day)


@routes.put(
    "/community-supports/{support}/elections",
    summary="Elect a Community Support",
    response_model=ElectionIn,
    responses={404: PROBLEM},
)
async def elect_support(
    support: Annotated[str, Path(pattern=CODE)], body: ElectionIn, pool: Pool, identity: Identity, principal: Librarian
) -> Response:
    """In a county, from a day on; told again with its first day it gets another last one."""
    election = Election(support, body.county, body.from_on, body.until_on)

    async def effect(work: UnitOfWork) -> Answer:
        refused = await flow.elect(work.connection, principal.tenant, election, code_of(principal))
        return Answer(200, body.model_dump(mode="json")) if refused is None else Answer.of(refused)

    return await write(pool, identity, effect)
