"""Makes a referral, takes what is said to it, and shows a partner what he may see: by the one door of sharing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from services.kit import audit
from services.kit.auth import Principal
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.briefings.flow import NOBODY_MAY
from services.outreach.directory import store as directory
from services.outreach.partners import store as partners
from services.outreach.partners.flow import NO_PARTNER
from services.outreach.policy import CODES
from services.outreach.reach import store as reach_store
from services.outreach.reach.rules import reachable
from services.outreach.referrals import store
from services.outreach.referrals.rules import (
    BY_PLAN,
    Demand,
    KindRefusal,
    Referral,
    ReferralAnswer,
    against,
    answered,
    begun,
    changed,
)
from services.outreach.referrals.shown import Shown, shown
from services.outreach.sharing import flow as sharing
from services.outreach.sharing import store as sharing_store
from services.outreach.sharing.rules import Permit, Sharing, SharingConsent, SharingPurpose
from services.outreach.workers.store import load_today
from services.outreach.worklist import store as worklist
from services.outreach.worklist.flow import NO_CASE

NO_REFERRAL = Refusal("unknown-referral", "Unknown Referral", "There is no such referral that you may see.", 404)
NOBODY_REFERS = Refusal(
    "member-not-referable", "Member Not Referable", "The member has died, left the plan or is another one by now."
)
ENDED = Refusal("referral-ended", "Referral Ended", "It has ended: its partner sees nothing of the member any more.")
NOT_NOW = Refusal(
    "answer-not-possible", "Answer Not Possible", "The referral has come so far that it does not take this answer."
)
OTHERS_ANSWER = Refusal("not-the-partners-answer", "Not The Partner's Answer", "Only the plan cancels a referral.", 403)
KIND_REFUSALS = {
    KindRefusal.PARTNER_NOT_OPEN: Refusal(
        "partner-not-open", "Partner Not Open", "The partner is prospective or ended: nobody is referred to it."
    ),
    KindRefusal.AUTHORIZATION: Refusal(
        "authorization-needed", "Authorization Needed", "The plan authorizes this kind first.", 422
    ),
    KindRefusal.CERTIFICATION: Refusal(
        "certification-needed", "Certification Needed", "Medical transport needs a physician's certification.", 422
    ),
    KindRefusal.NOT_ELECTED: Refusal(
        "support-not-elected", "Support Not Elected", "The plan does not offer this support in the member's county."
    ),
    KindRefusal.NOT_CONTRACTED: Refusal(
        "partner-not-contracted", "Partner Not Contracted", "No contract of this partner for it holds in the county."
    ),
    KindRefusal.NOT_COUNTY: Refusal("not-the-county", "Not The County", "IHSS is applied for at a county's agency."),
}


@dataclass(frozen=True, slots=True)
class Answerer:
    """Who answers: a worker of the plan, or somebody of the partner."""

    code: str
    is_partner: bool = False


async def make(work: UnitOfWork, case_id: UUID, demand: Demand, by: str) -> Referral | Refusal:
    """Refer the member of this case, if the kind's rules and the one door permit it on the open day."""
    connection = work.connection
    case = await worklist.load_case(connection, case_id)
    if case is None:
        return NO_CASE
    found = await partners.load_partner(connection, demand.partner_id)
    if found is None:
        return NO_PARTNER
    if case.closed_reason in NOBODY_MAY:
        return NOBODY_REFERS
    today = await load_today(connection)
    county = await directory.load_county(connection, case.enrolment_id)
    if refused := against(demand, found[0], county, await directory.load_elections(connection), today):
        return KIND_REFUSALS[refused]
    referral = begun(new_id(), (case.tenant_id, case_id, case.enrolment_id), demand, today, by)
    permit = await permitted(connection, referral)
    if isinstance(permit, Refusal):
        return permit
    await store.insert(connection, referral)
    await store.save_step(connection, referral, by, is_by_partner=False)
    await _announce(work, [referral])
    return referral


async def answer(
    work: UnitOfWork, referral_id: UUID, said: ReferralAnswer, reason: str | None, who: Answerer
) -> Referral | Refusal:
    """Keep what is said to a referral, if it takes that now."""
    if who.is_partner and said in BY_PLAN:
        return OTHERS_ANSWER
    known = await store.lock(work.connection, referral_id)
    if known is None:
        return NO_REFERRAL
    referral = answered(known, said, reason, await load_today(work.connection))
    if referral is None:
        return NOT_NOW
    await store.update(work.connection, referral)
    await store.save_step(work.connection, referral, who.code, is_by_partner=who.is_partner)
    await _announce(work, [referral])
    return referral


async def escalate(work: UnitOfWork, limit: int) -> int:
    """Mark those whose answer is overdue: a person of the plan has to see to them. Gives how many they were."""
    today = await load_today(work.connection)
    known = await store.lock_overdue(work.connection, today, limit)
    overdue = [replace(one, is_escalated=True, version=one.version + 1) for one in known]
    for referral in overdue:
        await store.update(work.connection, referral)
    await _announce(work, overdue)
    return len(overdue)


async def _announce(work: UnitOfWork, referrals: Sequence[Referral]) -> None:
    """Under the token by which the member stands now."""
    token_of = await store.load_tokens(work.connection, [one.case_id for one in referrals])
    now = datetime.now(UTC)
    await work.announce([changed(one, token_of[one.case_id], CODES.kept_apart, now) for one in referrals])


async def permitted(connection: Connection, referral: Referral) -> Permit | Refusal:
    """What may leave for this referral on the open day, or why nothing does."""
    demand = referral.demand
    return await sharing.permit(
        connection,
        Sharing(
            tenant_id=referral.tenant_id,
            partner_id=demand.partner_id,
            enrolment_id=referral.enrolment_id,
            purpose=SharingPurpose.REFERRAL,
            fields=demand.fields,
            needs=frozenset({demand.need}),
            day=await load_today(connection),
        ),
    )


async def read_for_partner(
    work: UnitOfWork, referral_id: UUID, principal: Principal
) -> tuple[Referral, Shown, SharingConsent] | Refusal:
    """A referral with what its partner may see of the member now, and by which consent; or why nothing. The look is
    audited, also where nothing is seen."""
    found = await store.load(work.connection, referral_id)
    await audit.record(work, principal, "read", "enrolment", [] if found is None else [found.enrolment_id])
    if found is None:
        return NO_REFERRAL
    seen = await _show(work.connection, found)
    return seen if isinstance(seen, Refusal) else (found, *seen)


async def _show(connection: Connection, referral: Referral) -> tuple[Shown, SharingConsent] | Refusal:
    if not referral.is_open:
        return ENDED
    permit = await permitted(connection, referral)
    if isinstance(permit, Refusal):
        return permit
    case = await worklist.load_case(connection, referral.case_id)
    assert case is not None, "cases are never removed"
    if case.closed_reason in NOBODY_MAY:
        return NOBODY_REFERS
    details = (await reach_store.load_details(connection, [referral.enrolment_id])).get(referral.enrolment_id)
    corrections = await reach_store.load_corrections(connection, referral.enrolment_id)
    reach = None if details is None else reachable(details, corrections)
    consents = await sharing_store.load_consents(connection, referral.enrolment_id, referral.demand.partner_id)
    [consent] = [one for one in consents if one.consent_id == permit.consent_id]
    return shown(permit, referral, reach), consent
