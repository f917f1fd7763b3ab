"""The API of referrals for the plan's people: make one, follow it, say what a partner told by telephone."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from schemas.referral_v1 import ReferralStatus
from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.partners.api.partners import CodeAsked
from services.outreach.referrals import flow, store
from services.outreach.referrals.fhir import bundle
from services.outreach.referrals.rules import Recipient, Referral
from services.outreach.referrals.shapes import (
    NoticesOut,
    ReferralAnswerIn,
    ReferralDetail,
    ReferralIn,
    ReferralOut,
    ReferralsOut,
    detail_of,
    notice_of,
    referral_of,
)
from services.outreach.worklist.api.workers import worker_id as code_of
from services.outreach.worklist.shapes import NOT_FOUND, PROBLEM

NO_NOTICE = Refusal("unknown-notice", "Unknown Notice", "There is no such notice among your plan's.", 404)
Referrer = Annotated[Principal, may("referrals.make")]
Limit = Annotated[int, Query(ge=1, le=200)]
After = Annotated[UUID | None, Query(description="A page's `next`")]

routes = APIRouter(tags=["outreach"])


@routes.post(
    "/cases/{case_id}/referrals",
    summary="Refer a member",
    status_code=201,
    response_model=ReferralOut,
    responses={404: NOT_FOUND, 409: PROBLEM, 422: PROBLEM},
)
async def make_referral(
    case_id: UUID, body: ReferralIn, pool: Pool, identity: Identity, principal: Referrer
) -> Response:
    """To a partner, by an agreement in force and the member's consent. The partner sees what the agreement names."""

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work, principal, "read", "case", [case_id])
        made = await flow.make(work, case_id, body.demand(), code_of(principal))
        return _answer(made, 201)

    return await write(pool, identity, effect)


@routes.get("/referrals", summary="List referrals")
async def list_referrals(
    pool: Pool,
    principal: Referrer,
    partner_id: CodeAsked = None,
    status: Annotated[ReferralStatus | None, Query()] = None,
    escalated: Annotated[bool | None, Query(description="Those whose answer is overdue, or the others.")] = None,
    case_id: Annotated[UUID | None, Query()] = None,
    limit: Limit = 50,
    after: After = None,
) -> ReferralsOut:
    """The plan's, as they were made. The look is audited."""
    wanted = store.Wanted(partner_id, status, escalated, case_id)
    async with reading(pool, principal) as work:
        found = await store.load_page(work.connection, wanted, after, limit)
        await audit.record(work, principal, "read", "enrolment", [one.enrolment_id for one in found])
    goes_on = found[-1].referral_id if len(found) == limit else None
    return ReferralsOut(referrals=tuple(map(referral_of, found)), next=goes_on)


@routes.get(
    "/referrals/{referral_id}", summary="Read a referral", response_model=ReferralDetail, responses={404: PROBLEM}
)
async def read_referral(referral_id: UUID, pool: Pool, principal: Referrer) -> Response | ReferralDetail:
    """With all its steps. The look is audited."""
    async with reading(pool, principal) as work:
        found = await store.load(work.connection, referral_id)
        await audit.record(work, principal, "read", "enrolment", [] if found is None else [found.enrolment_id])
        steps = await store.load_steps(work.connection, referral_id)
    return refuse(flow.NO_REFERRAL) if found is None else detail_of(found, steps)


@routes.post(
    "/referrals/{referral_id}/answers",
    summary="Say what became of a referral",
    response_model=ReferralOut,
    responses={404: PROBLEM, 409: PROBLEM},
)
async def answer_referral(
    referral_id: UUID, body: ReferralAnswerIn, pool: Pool, identity: Identity, principal: Referrer
) -> Response:
    """What the partner told by telephone, or that the plan cancels it. Member and referrer are to hear of it."""

    async def effect(work: UnitOfWork) -> Answer:
        who = flow.Answerer(code_of(principal))
        return _answer(await flow.answer(work, referral_id, body.answer, body.reason, who), 200)

    return await write(pool, identity, effect)


@routes.get("/referrals/{referral_id}/fhir", summary="Read a referral as FHIR", responses={404: PROBLEM, 409: PROBLEM})
async def read_fhir(referral_id: UUID, pool: Pool, principal: Referrer) -> Response:
    """A Bundle of ServiceRequest, Task, Consent and Patient for the partner: by the one door, as he would see it. The
    look is audited."""
    return await fhir_of(referral_id, pool, principal)


@routes.get("/referral-notices", summary="Who has to hear of referrals")
async def list_notices(
    pool: Pool,
    principal: Referrer,
    recipient: Annotated[Recipient | None, Query()] = None,
    limit: Limit = 50,
    after: After = None,
) -> NoticesOut:
    """What nobody told yet, the oldest first."""
    async with reading(pool, principal) as work:
        found = await store.load_notices(work.connection, recipient, after, limit)
    goes_on = found[-1].notice_id if len(found) == limit else None
    return NoticesOut(notices=tuple(map(notice_of, found)), next=goes_on)


@routes.post(
    "/referral-notices/{notice_id}/told",
    summary="Say that somebody has heard",
    status_code=204,
    response_class=Response,
    responses={404: PROBLEM},
)
async def tell_notice(notice_id: UUID, pool: Pool, identity: Identity, principal: Referrer) -> Response:
    """It leaves the list; who told it stays on record."""

    async def effect(work: UnitOfWork) -> Answer:
        found = await store.tell_notice(work.connection, notice_id, code_of(principal))
        return Answer.of(NO_NOTICE) if found is None else Answer(204)

    return await write(pool, identity, effect)


async def fhir_of(referral_id: UUID, pool: Pool, principal: Principal) -> Response:
    """The Bundle, or why nothing leaves."""
    async with reading(pool, principal) as work:
        seen = await flow.read_for_partner(work, referral_id, principal)
    if isinstance(seen, Refusal):
        return refuse(seen)
    return Answer(200, bundle(*seen), {"Content-Type": "application/fhir+json"}).response()


def _answer(told: Referral | Refusal, status: int) -> Answer:
    if isinstance(told, Refusal):
        return Answer.of(told)
    return Answer(status, referral_of(told).model_dump(mode="json"))
