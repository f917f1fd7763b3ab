"""The API of briefings: what a worker reads before he calls, and what he heard of how to reach the member."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.briefings import flow
from services.outreach.briefings.flow import Briefing, Reader
from services.outreach.briefings.shapes import (
    BriefingOut,
    CorrectionIn,
    CorrectionOut,
    HouseholdMemberOut,
    name_of,
    reach_of,
    told_before,
)
from services.outreach.conversations.shapes import conversation_of
from services.outreach.worklist.api.workers import worker_id
from services.outreach.worklist.shapes import NOT_FOUND, PROBLEM

routes = APIRouter(tags=["outreach"])
MayRead = Annotated[Principal, may("briefings.read")]
MayCorrect = Annotated[Principal, may("contacts.correct")]


@routes.get(
    "/cases/{case_id}/briefing",
    summary="Read who is to be called, how, why and when",
    response_model=BriefingOut,
    responses={404: NOT_FOUND, 409: PROBLEM},
)
async def read_briefing(case_id: UUID, pool: Pool, principal: MayRead) -> Response | BriefingOut:
    """Names, telephones and addresses that can be used, what was said before, what stands in the way, the hours at
    which the member answered, and who else of the household is to be called. Some roles read those of cases that they
    have claimed. The look is audited, of everybody whom it shows."""
    async with reading(pool, principal) as work:
        await audit.record(work, principal, "read", "case", [case_id])
        found = await flow.brief(work.connection, case_id, _reader(principal))
        if not isinstance(found, Refusal) and found.household:
            await audit.record(work, principal, "read", "case", [told.relative.case_id for told in found.household])
    return refuse(found) if isinstance(found, Refusal) else _briefing(found)


@routes.post(
    "/cases/{case_id}/contact-corrections",
    summary="Say what was heard of how to reach the member",
    status_code=201,
    response_model=CorrectionOut,
    responses={404: NOT_FOUND, 409: PROBLEM},
)
async def correct_contact(
    case_id: UUID, body: CorrectionIn, pool: Pool, identity: Identity, principal: MayCorrect
) -> Response:
    """A new number, a wrong address, what the member likes to be called, when he wants to be reached. It is kept with
    its source and day beside what the plan's rosters say; of both the newer holds."""

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work, principal, "read", "case", [case_id])
        kept = await flow.correct(work, case_id, body.heard(), body.source, body.said_on, _reader(principal))
        if isinstance(kept, Refusal):
            return Answer.of(kept)
        return Answer(201, CorrectionOut(correction_id=kept).model_dump(mode="json"))

    return await write(pool, identity, effect)


def _reader(principal: Principal) -> Reader:
    return Reader(worker_id(principal), principal.may("briefings.read-any"))


def _briefing(found: Briefing) -> BriefingOut:
    return BriefingOut.model_validate({
        **told_before(found.case, found.history),
        "reach": None if found.reach is None else reach_of(found.reach),
        "spoken_before": [conversation_of(spoken) for spoken in found.spoken_before],
        "barriers": [asdict(barrier) for barrier in found.barriers],
        "best_hours": [asdict(hour) for hour in found.best_hours],
        "household": [
            HouseholdMemberOut(
                case_id=told.relative.case_id, programme_id=told.relative.programme_id, name=name_of(told.name)
            )
            for told in found.household
        ],
    })  # fmt: skip
