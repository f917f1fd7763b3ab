"""A plan has the contact details of a member erased, or forbids that for now. Each deed is audited."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from services.eligibility.clock import store as clock_store
from services.eligibility.decisions.api.members import NO_MEMBER
from services.eligibility.decisions.flow import erasures as erasure_flow
from services.eligibility.decisions.shapes.erasures import ErasureIn, ErasureOut, LegalHoldOut
from services.eligibility.people import flow as people_flow
from services.eligibility.people.enrolment import Enrolment
from services.eligibility.people.store import erasures as erasure_store
from services.eligibility.people.store import members as people_store
from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.postgres import ALL_TENANTS, seeing
from services.kit.requests import Pool, write
from services.kit.unit_of_work import UnitOfWork

Eraser = Annotated[Principal, may("contacts.erase")]

routes = APIRouter()


@routes.post("/members/{member_token}/erasures", response_model=ErasureOut, status_code=201)
async def erase_contacts(
    member_token: UUID, body: ErasureIn, pool: Pool, identity: Identity, principal: Eraser
) -> Response:
    """Erase by what the member could be reached, of the enrolments of the plan that the caller acts for: here, in every
    service that was told, and in the topic. Nothing of it is kept or told again, whatever rosters say. Tokens, facts
    and the trail stay, and so does by what the plan's rows find him: name, birth date, ZIP and numbers."""

    async def effect(work: UnitOfWork) -> Answer:
        enrolments = await _find(work, principal, member_token)
        if not enrolments:
            return Answer.of(NO_MEMBER)
        ids = sorted(one.enrolment_id for one in enrolments)
        refusal = await erasure_flow.erase_contacts(work, enrolments, body.reason, principal.subject)
        if refusal is not None:
            return Answer.of(refusal)
        await audit.record(work, principal, "erased", "contact", [member_token, *ids], body.reason)
        return Answer(201, ErasureOut(enrolment_ids=ids).model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.put("/members/{member_token}/legal-hold", response_model=LegalHoldOut)
async def place_legal_hold(member_token: UUID, pool: Pool, identity: Identity, principal: Eraser) -> Response:
    """Nothing of the member, as the plan's, may be erased until the hold is lifted. A second time changes nothing."""

    async def effect(work: UnitOfWork) -> Answer:
        enrolments = await _find(work, principal, member_token)
        if not enrolments:
            return Answer.of(NO_MEMBER)
        plans = {one.enrolment_id: one.tenant_id for one in enrolments}
        await erasure_store.place_holds(work.connection, plans, principal.subject)
        await audit.record(work, principal, "held", "contact", [member_token, *sorted(plans)])
        return Answer(200, LegalHoldOut(member_token=member_token, is_on_hold=True).model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.delete("/members/{member_token}/legal-hold", response_model=LegalHoldOut)
async def lift_legal_hold(member_token: UUID, pool: Pool, identity: Identity, principal: Eraser) -> Response:
    """What may be erased of the member is decided by the plan again."""

    async def effect(work: UnitOfWork) -> Answer:
        enrolments = await _find(work, principal, member_token)
        if not enrolments:
            return Answer.of(NO_MEMBER)
        ids = sorted(one.enrolment_id for one in enrolments)
        await erasure_store.lift_holds(work.connection, ids)
        await audit.record(work, principal, "withdrawn", "legal-hold", [member_token, *ids])
        return Answer(200, LegalHoldOut(member_token=member_token, is_on_hold=False).model_dump(mode="json"))

    return await write(pool, identity, effect)


async def _find(work: UnitOfWork, principal: Principal, member_token: UUID) -> list[Enrolment]:
    """The plan's enrolments, those that were folded into others too, of whom the token means today, who is locked."""
    connection = work.connection
    await audit.record(work, principal, "read", "contact", [member_token])
    await clock_store.share_clock(connection)
    async with seeing(connection, ALL_TENANTS):
        survivors = await people_flow.lock_survivors(connection, [member_token])
        tokens = {
            token for one in survivors.values() for token in await people_store.find_standing_for(connection, one)
        }
    return await people_store.load_enrolments(connection, {*survivors.values(), *tokens})
