"""The API of consents: record one, see them, withdraw one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.gate import flow, store
from services.outreach.gate.api.permissions import Clock
from services.outreach.gate.flow import Agreed
from services.outreach.gate.shapes import ConsentIn, ConsentRecordedOut, ConsentsOut, consents_of
from services.outreach.worklist import store as worklist
from services.outreach.worklist.api.workers import Reader, worker_id
from services.outreach.worklist.flow import NO_CASE
from services.outreach.worklist.shapes import NOT_FOUND

NO_CONSENT = Refusal("unknown-consent", "Unknown Consent", "There is none like that among your plan's.", 404)
MayRecord = Annotated[Principal, may("consents.record")]

routes = APIRouter(tags=["outreach"])


@routes.post(
    "/cases/{case_id}/consents",
    summary="Record that a member agreed to calls or texts",
    status_code=201,
    response_model=ConsentRecordedOut,
    responses={404: NOT_FOUND},
)
async def record_consent(
    case_id: UUID, body: ConsentIn, pool: Pool, identity: Identity, principal: MayRecord, now: Clock
) -> Response:
    """By this channel, of this kind and for this purpose, from that day on. The gate permits no autodialled and no
    prerecorded contact without one. It holds for the plan that was told."""
    agreed = Agreed(body.channel, body.kind, body.scope, body.source, body.given_on, body.expires_on)

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work, principal, "read", "case", [case_id])
        kept = await flow.record_consent(work.connection, case_id, agreed, worker_id(principal), now)
        if isinstance(kept, Refusal):
            return Answer.of(kept)
        return Answer(201, ConsentRecordedOut(consent_id=kept).model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.get(
    "/cases/{case_id}/consents",
    summary="See what a member agreed to",
    response_model=ConsentsOut,
    responses={404: NOT_FOUND},
)
async def read_consents(case_id: UUID, pool: Pool, principal: Reader) -> Response | ConsentsOut:
    """All that is on record of this enrolment, also what was withdrawn or has expired. The look is audited."""
    async with reading(pool, principal) as work:
        await audit.record(work, principal, "read", "case", [case_id])
        case = await worklist.load_case(work.connection, case_id)
        found = [] if case is None else await store.load_consents(work.connection, [case.enrolment_id])
    return refuse(NO_CASE) if case is None else consents_of(found)


@routes.post(
    "/consents/{consent_id}/withdraw",
    summary="Say that a member agrees no more",
    status_code=204,
    response_class=Response,
    responses={404: NOT_FOUND},
)
async def withdraw_consent(
    consent_id: UUID, pool: Pool, identity: Identity, principal: MayRecord, now: Clock
) -> Response:
    """From now on the gate does without it. It stays on record; a second time changes nothing."""

    async def effect(work: UnitOfWork) -> Answer:
        enrolment_id = await store.withdraw_consent(work.connection, consent_id, worker_id(principal), now)
        if enrolment_id is None:
            return Answer.of(NO_CONSENT)
        await audit.record(work, principal, "read", "enrolment", [enrolment_id])
        return Answer(204)

    return await write(pool, identity, effect)
