"""The API of the work list: look through the cases, read one, count them."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from schemas.eligibility_v1 import InterpreterNeeded
from schemas.languages import Language
from schemas.outreach_v1 import CaseStatus
from services.kit import audit
from services.kit.look_ups import Allowance
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading
from services.outreach.worklist import flow
from services.outreach.worklist.api.workers import Reader, worker_id
from services.outreach.worklist.paging import AFTER, Page, next_of, place_of
from services.outreach.worklist.rules import Filter
from services.outreach.worklist.shapes import (
    NOT_FOUND,
    CaseFileOut,
    CasePageOut,
    WorkSummaryOut,
    case_of,
    file_of,
    summary_of,
)

routes = APIRouter(tags=["outreach"])


@routes.get("/cases", summary="Look through the cases")
async def list_cases(
    pool: Pool,
    principal: Reader,
    look_ups: Allowance,
    status: CaseStatus | None = None,
    callable_now: Annotated[bool | None, Query(description="Open and held back by nothing, or not")] = None,
    mine: Annotated[bool, Query(description="Only those that the caller holds")] = False,
    programme_id: Annotated[str | None, Query(max_length=64)] = None,
    zip5: Annotated[str | None, Query(pattern="^[0-9]{5}$")] = None,
    language: Annotated[Language | None, Query()] = None,
    interpreter_needed: InterpreterNeeded | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(pattern=AFTER, description="A page's `next`")] = None,
) -> CasePageOut:
    """As claims go: promised calls that are due first, then by rank, the highest first. The look is audited. 429 after
    too many looks by ZIP; further pages of such a look count nothing."""
    if zip5 is not None:
        look_ups.admit_page(principal, zip5, is_first=after is None)
    holder = worker_id(principal) if mine else None
    wanted, place = Filter(programme_id, zip5, interpreter_needed), place_of(after)
    begun_at = place.asked_at if place else datetime.now(UTC)
    page = Page(limit, begun_at, status, callable_now, holder, language, wanted, place)
    async with reading(pool, principal) as work:
        cases = await flow.list_cases(work.connection, page)
        await audit.record(work, principal, "read", "case", [case.case_id for case in cases])
    return CasePageOut(cases=tuple(case_of(case) for case in cases), next=next_of(page, cases))


@routes.get(
    "/cases/{case_id}", summary="Read a case with its history", response_model=CaseFileOut, responses={404: NOT_FOUND}
)
async def read_case(case_id: UUID, pool: Pool, principal: Reader) -> Response | CaseFileOut:
    """Why the member is to be called, what was tried, what is booked, which doses are known. The look is audited, also
    one for another plan's case."""
    async with reading(pool, principal) as work:
        await audit.record(work, principal, "read", "case", [case_id])
        found = await flow.read_case(work.connection, case_id)
    return refuse(found) if isinstance(found, Refusal) else file_of(*found)


@routes.get("/work-summary", summary="Count the work")
async def summarize_work(pool: Pool, principal: Reader) -> WorkSummaryOut:
    """How many cases are open, claimable, claimed, booked, resting, paused and closed, by programme."""
    async with reading(pool, principal) as work:
        return summary_of(await flow.count_cases(work.connection))
