"""The API of agreements with partners and of members' consents to what leaves for them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.ids import new_id
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.partners.api.partners import CODE, CodeAsked, IfMatch, version_in
from services.outreach.sharing import flow, store
from services.outreach.sharing.shapes import (
    AgreementIn,
    AgreementOut,
    AgreementsOut,
    SharingConsentIn,
    SharingConsentOut,
    SharingConsentsOut,
    agreement_of,
    consent_of,
)
from services.outreach.wishes.api import of_case
from services.outreach.workers.store import load_today
from services.outreach.worklist import store as worklist
from services.outreach.worklist.api.workers import worker_id as code_of
from services.outreach.worklist.flow import NO_CASE
from services.outreach.worklist.shapes import NOT_FOUND, PROBLEM

Onlooker = Annotated[Principal, may("partners.read")]
Signatory = Annotated[Principal, may("agreements.write")]
Referrer = Annotated[Principal, may("referrals.make")]
AgreementId = Annotated[str, Path(pattern=CODE)]

routes = APIRouter(tags=["outreach"])


@routes.get("/agreements", summary="List the agreements")
async def list_agreements(
    pool: Pool,
    principal: Onlooker,
    partner_id: CodeAsked = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(pattern=CODE, description="A page's `next`")] = None,
) -> AgreementsOut:
    """The plan's, or those with a partner, and whether each is in force on the open business day."""
    async with reading(pool, principal) as work:
        today = await load_today(work.connection)
        found = await store.load_page(work.connection, partner_id, limit, after)
    goes_on = found[-1][0].agreement_id if len(found) == limit else None
    return AgreementsOut(agreements=tuple(agreement_of(*one, today) for one in found), next=goes_on)


@routes.get(
    "/agreements/{agreement_id}", summary="Read an agreement", response_model=AgreementOut, responses={404: PROBLEM}
)
async def read_agreement(
    agreement_id: AgreementId, pool: Pool, principal: Onlooker, response: Response
) -> Response | AgreementOut:
    """One of them, with the ETag by which a change is asked for."""
    async with reading(pool, principal) as work:
        today = await load_today(work.connection)
        found = await store.load_agreement(work.connection, agreement_id)
    if found is None:
        return refuse(flow.NO_AGREEMENT)
    response.headers["ETag"] = f'"{found[1]}"'
    return agreement_of(*found, today)


@routes.put(
    "/agreements/{agreement_id}",
    summary="Describe an agreement",
    response_model=AgreementOut,
    responses={404: PROBLEM, 409: PROBLEM, 412: PROBLEM},
)
async def describe_agreement(
    agreement_id: AgreementId,
    body: AgreementIn,
    pool: Pool,
    identity: Identity,
    principal: Signatory,
    if_match: IfMatch = None,
) -> Response:
    """Data leave by it once it is signed, on its days. What was signed stands: it may only be ended earlier."""
    agreement = body.agreement(agreement_id, principal.tenant)

    async def effect(work: UnitOfWork) -> Answer:
        told = await flow.describe(work.connection, agreement, version_in(if_match), code_of(principal))
        if isinstance(told, Refusal):
            return Answer.of(told)
        shown = agreement_of(*told, await load_today(work.connection))
        return Answer(200, shown.model_dump(mode="json"), {"ETag": f'"{told[1]}"'})

    return await write(pool, identity, effect)


@routes.post(
    "/cases/{case_id}/sharing-consents",
    summary="Tell what the member consents to",
    status_code=201,
    response_model=SharingConsentOut,
    responses={404: NOT_FOUND},
)
async def tell_consent(
    case_id: UUID, body: SharingConsentIn, pool: Pool, identity: Identity, principal: Referrer
) -> Response:
    """To which partner a referral may go, and for which needs. It stays on record with who told it."""

    async def told(work: UnitOfWork, enrolment_id: UUID) -> Answer:
        said = body.consent(new_id(), enrolment_id)
        kept = await flow.consent(work.connection, principal.tenant, said, code_of(principal))
        if isinstance(kept, Refusal):
            return Answer.of(kept)
        return Answer(201, consent_of(kept).model_dump(mode="json"))

    return await write(pool, identity, of_case(case_id, principal, told))


@routes.get(
    "/cases/{case_id}/sharing-consents",
    summary="Read what the member consented to",
    response_model=SharingConsentsOut,
    responses={404: NOT_FOUND},
)
async def read_consents(case_id: UUID, pool: Pool, principal: Referrer) -> Response | SharingConsentsOut:
    """All of them, also those that are over or withdrawn. The look is audited."""
    async with reading(pool, principal) as work:
        await audit.record(work, principal, "read", "case", [case_id])
        case = await worklist.load_case(work.connection, case_id)
        found = None if case is None else await store.load_consents(work.connection, case.enrolment_id)
    return refuse(NO_CASE) if found is None else SharingConsentsOut(consents=tuple(map(consent_of, found)))


@routes.post(
    "/sharing-consents/{consent_id}/withdraw",
    summary="Withdraw a consent",
    status_code=204,
    response_class=Response,
    responses={404: PROBLEM},
)
async def withdraw_consent(consent_id: UUID, pool: Pool, identity: Identity, principal: Referrer) -> Response:
    """The member wants nothing to leave any more, from this day on. It stays on record."""

    async def effect(work: UnitOfWork) -> Answer:
        enrolment_id = await flow.withdraw(work.connection, consent_id, code_of(principal))
        if isinstance(enrolment_id, Refusal):
            return Answer.of(enrolment_id)
        await audit.record(work, principal, "withdrawn", "enrolment", [enrolment_id])
        return Answer(204)

    return await write(pool, identity, effect)
