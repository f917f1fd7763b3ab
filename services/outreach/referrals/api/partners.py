"""The API of referrals for a partner's people: their own referrals, by the fields of the agreement, and their answers.
They are bound to their organisation as clerks are to a site; somebody who is bound to none sees nothing."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal, RefusedError, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.referrals import flow, store
from services.outreach.referrals.api.referrals import After, Limit, fhir_of
from services.outreach.referrals.shapes import (
    PartnerReferralOut,
    PartnerReferralsOut,
    ProgressOut,
    ReferralAnswerIn,
    partner_referral_of,
    progress_of,
)
from services.outreach.worklist.api.workers import worker_id as code_of
from services.outreach.worklist.shapes import PROBLEM

OF_NOBODY = Refusal(
    "of-no-partner", "Of No Partner", "Expected a token that names your organisation: partner@plan/organisation.", 403
)


async def _bound(principal: Annotated[Principal, may("referrals.answer")]) -> Principal:
    if principal.sites is None:
        raise RefusedError(OF_NOBODY)
    return principal


PartnersOwn = Annotated[Principal, Depends(_bound)]

routes = APIRouter(tags=["outreach"])


@routes.get("/partner-referrals", summary="List one's own referrals")
async def list_own(pool: Pool, principal: PartnersOwn, limit: Limit = 50, after: After = None) -> PartnerReferralsOut:
    """How far each has come; of the member nothing."""
    async with reading(pool, principal) as work:
        found = await store.load_page(work.connection, store.Wanted(), after, limit)
    goes_on = found[-1].referral_id if len(found) == limit else None
    return PartnerReferralsOut(referrals=tuple(map(progress_of, found)), next=goes_on)


@routes.get(
    "/partner-referrals/{referral_id}",
    summary="Read one's own referral",
    response_model=PartnerReferralOut,
    responses={404: PROBLEM, 409: PROBLEM},
)
async def read_own(referral_id: UUID, pool: Pool, principal: PartnersOwn) -> Response | PartnerReferralOut:
    """The fields that an agreement in force names and the member consents to; else nothing. The look is audited."""
    async with reading(pool, principal) as work:
        seen = await flow.read_for_partner(work, referral_id, principal)
    if isinstance(seen, Refusal):
        return refuse(seen)
    referral, shown, _ = seen
    return partner_referral_of(referral, shown)


@routes.get(
    "/partner-referrals/{referral_id}/fhir",
    summary="Read one's own referral as FHIR",
    responses={404: PROBLEM, 409: PROBLEM},
)
async def read_own_fhir(referral_id: UUID, pool: Pool, principal: PartnersOwn) -> Response:
    """The same as a Bundle of ServiceRequest, Task, Consent and Patient. The look is audited."""
    return await fhir_of(referral_id, pool, principal)


@routes.post(
    "/partner-referrals/{referral_id}/answers",
    summary="Answer one's own referral",
    response_model=ProgressOut,
    responses={403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
)
async def answer_own(
    referral_id: UUID, body: ReferralAnswerIn, pool: Pool, identity: Identity, principal: PartnersOwn
) -> Response:
    """Also where nothing may be seen any more: what became of it is told all the same."""

    async def effect(work: UnitOfWork) -> Answer:
        who = flow.Answerer(code_of(principal), is_partner=True)
        told = await flow.answer(work, referral_id, body.answer, body.reason, who)
        if isinstance(told, Refusal):
            return Answer.of(told)
        return Answer(200, progress_of(told).model_dump(mode="json"))

    return await write(pool, identity.bound_to(principal), effect)
