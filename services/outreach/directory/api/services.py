"""The API of the directory: import an edition, look for services, tell what members found there."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from schemas.envelope import CountyFips, Zip5
from schemas.languages import Language
from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.directory import flow, store
from services.outreach.directory.hsds import NotHsdsError, read
from services.outreach.directory.rules import Sought
from services.outreach.directory.shapes.services import (
    CaseServicesOut,
    EditionOut,
    EditionsOut,
    FeedbackIn,
    ServicesOut,
    edition_of,
    errors_of,
    services_of,
)
from services.outreach.partners.api.partners import CODE, CodeAsked
from services.outreach.workers.store import load_today
from services.outreach.worklist.api.workers import worker_id as code_of
from services.outreach.worklist.shapes import NOT_FOUND, PROBLEM

MAX_DIRECTORY_BYTES = 16 << 20
SERVICE_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
Onlooker = Annotated[Principal, may("directory.read")]
Librarian = Annotated[Principal, may("directory.write")]
ServiceId = Annotated[str, Path(pattern=SERVICE_ID)]

routes = APIRouter(tags=["outreach"])


async def import_directory(
    request: Request,
    pool: Pool,
    identity: Identity,
    principal: Librarian,
    source: Annotated[str, Query(pattern=CODE, description="Whose directory it is.")],
) -> Response:
    """HSDS 3 as JSON, or its CSV tables in a zip. What can be read becomes the newest edition, which alone is looked
    through; what can't is named by row and field."""
    content = await request.body()
    try:
        found = await asyncio.to_thread(read, content)
    except NotHsdsError:
        return refuse(flow.NOT_HSDS)

    async def effect(work: UnitOfWork) -> Answer:
        whose = principal.tenant, source, content, found, code_of(principal)
        shown = EditionOut(
            edition_no=await flow.keep(work.connection, *whose),
            source=source,
            services=len(found.services),
            errors=errors_of(tuple(found.errors)),
            error_count=len(found.errors),
        )
        return Answer(201, shown.model_dump(mode="json"))

    return await write(pool, identity, effect)


routes.add_api_route(
    "/directory/editions", import_directory, methods=["POST"], status_code=201, response_model=EditionOut,
    summary="Import a directory", responses={422: PROBLEM}, max_body_size=MAX_DIRECTORY_BYTES,
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {
        "schema": {"type": "string", "format": "binary"}}}}},
)  # fmt: skip


@routes.get("/directory/editions", summary="List the imports")
async def list_editions(pool: Pool, principal: Onlooker) -> EditionsOut:
    """The last twenty with what could not be read, the newest first."""
    async with reading(pool, principal) as work:
        found = await store.load_editions(work.connection)
    return EditionsOut(editions=tuple(map(edition_of, found)))


@routes.get("/directory", summary="Look for services")
async def find_services(
    pool: Pool,
    principal: Onlooker,
    need: CodeAsked = None,
    zip5: Annotated[Zip5 | None, Query()] = None,
    county: Annotated[CountyFips | None, Query()] = None,
    language: Annotated[Language | None, Query()] = None,
    weekday: Annotated[str | None, Query(pattern="^[1-7]$", description="ISO; 1 is Monday.")] = None,
    age: Annotated[int | None, Query(ge=0, le=150)] = None,
    free: Annotated[bool | None, Query(description="It costs nothing, as is said of it.")] = None,
    has_capacity: Annotated[bool | None, Query(description="It is not said to be full.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(pattern=SERVICE_ID, description="A page's `next`")] = None,
) -> ServicesOut:
    """Of the newest edition what fits each filter that is said, or says nothing against it."""
    needs, on = None if need is None else (need,), None if weekday is None else int(weekday)
    sought = Sought(needs, zip5, county, language, on, age, free, has_capacity)
    async with reading(pool, principal) as work:
        today = await load_today(work.connection)
        found = await flow.find(work.connection, principal.tenant, sought, limit, after)
    goes_on = found.services[-1].service_id if len(found.services) == limit else None
    return ServicesOut(services=services_of(found, today), next=goes_on)


@routes.get(
    "/cases/{case_id}/services",
    summary="What helps with what stands in the member's way",
    response_model=CaseServicesOut,
    responses={404: NOT_FOUND},
)
async def find_for_case(case_id: UUID, pool: Pool, principal: Onlooker) -> Response | CaseServicesOut:
    """By the barriers that were logged, where he lives and in his language. The look is audited."""
    async with reading(pool, principal) as work:
        await audit.record(work, principal, "read", "case", [case_id])
        today = await load_today(work.connection)
        found = await flow.find_for_case(work.connection, case_id)
    if isinstance(found, Refusal):
        return refuse(found)
    needs, services = found
    return CaseServicesOut(needs=tuple(needs), services=services_of(services, today))


@routes.post(
    "/directory/{service_id}/feedback",
    summary="Tell what a member found at a service",
    status_code=201,
    response_model=FeedbackIn,
    responses={404: PROBLEM},
)
async def tell_feedback(
    service_id: ServiceId, body: FeedbackIn, pool: Pool, identity: Identity, principal: Onlooker
) -> Response:
    """It is counted beside the service in each later edition; who the member is, nobody keeps."""

    async def effect(work: UnitOfWork) -> Answer:
        by = code_of(principal)
        refused = await flow.tell(work.connection, principal.tenant, service_id, body.outcome, by)
        return Answer(201, body.model_dump(mode="json")) if refused is None else Answer.of(refused)

    return await write(pool, identity, effect)
