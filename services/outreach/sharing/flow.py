"""Keeps agreements and consents, and asks the one rule: nothing of a member leaves for a partner without its permit."""

from uuid import UUID

from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.outreach.partners import store as partners
from services.outreach.partners.flow import NO_PARTNER
from services.outreach.policy import CODES
from services.outreach.sharing import store
from services.outreach.sharing.rules import (
    Agreement,
    Permit,
    Sharing,
    SharingConsent,
    SharingRefusal,
    is_kept,
    may_share,
    newest,
)
from services.outreach.workers.store import load_today

NO_AGREEMENT = Refusal("unknown-agreement", "Unknown Agreement", "There is no such agreement of your plan's.", 404)
CHANGED = Refusal(
    "agreement-changed", "Agreement Changed", "Another description stands: read it, and send its ETag as If-Match.", 412
)
SIGNED = Refusal(
    "agreement-signed", "Agreement Signed", "What was signed stands: end it, and describe another agreement."
)
NO_CONSENT = Refusal("unknown-consent", "Unknown Consent", "There is no such consent among your plan's.", 404)
GIVEN_LATER = Refusal("given-in-future", "Given In The Future", "Expected given_on not after the open day.", 422)
REFUSALS = {
    SharingRefusal.NO_AGREEMENT: Refusal(
        "no-agreement-in-force", "No Agreement In Force", "No data leave: no data-sharing agreement is in force."
    ),
    SharingRefusal.PURPOSE: Refusal(
        "purpose-not-agreed", "Purpose Not Agreed", "No data leave: the agreement does not name this purpose."
    ),
    SharingRefusal.FIELD: Refusal(
        "field-not-agreed", "Field Not Agreed", "No data leave: no agreement in force names all these fields."
    ),
    SharingRefusal.NO_CONSENT: Refusal(
        "no-consent", "No Consent", "No data leave: the member has not consented to this partner and need."
    ),
    SharingRefusal.KEPT_APART: Refusal(
        "kept-apart",
        "Kept Apart",
        "No data leave: what speaks of violence or substance use needs the member's written consent and an agreement "
        "that names it.",
    ),
}


async def permit(connection: Connection, asked: Sharing) -> Permit | Refusal:
    """The one door: what may leave for this partner on this day, or why nothing does."""
    agreements = await store.load_of_partner(connection, asked.tenant_id, asked.partner_id)
    consents = await store.load_consents(connection, asked.enrolment_id, asked.partner_id)
    answer = may_share(agreements, asked, newest(consents, asked), CODES.kept_apart)
    return answer if isinstance(answer, Permit) else REFUSALS[answer]


async def describe(
    connection: Connection, agreement: Agreement, version: int | None, by: str
) -> tuple[Agreement, int] | Refusal:
    """Keep the description, if the one that it is made from stands and it leaves alone what was signed."""
    if await partners.load_partner(connection, agreement.partner_id) is None:
        return NO_PARTNER
    known = await store.lock_agreement(connection, agreement.agreement_id)
    if known is not None and version is not None and not is_kept(known, agreement):
        return SIGNED
    saved = await store.save_agreement(connection, agreement, version, by)
    return CHANGED if saved is None else (agreement, saved)


async def consent(connection: Connection, tenant_id: str, said: SharingConsent, by: str) -> SharingConsent | Refusal:
    """Keep what a member consented to."""
    if await partners.load_partner(connection, said.partner_id) is None:
        return NO_PARTNER
    if said.given_on > await load_today(connection):
        return GIVEN_LATER
    await store.save_consent(connection, tenant_id, said, by)
    return said


async def withdraw(connection: Connection, consent_id: UUID, by: str) -> UUID | Refusal:
    """From today on it holds no longer; whose it was."""
    enrolment_id = await store.withdraw_consent(connection, consent_id, await load_today(connection), by)
    return NO_CONSENT if enrolment_id is None else enrolment_id
