"""Erases a member's contact details on his plan's instruction: from the tables, from what was published, from kept
answers, and by a fact from whoever reads the topic. Tokens, facts and the trail stay."""

from collections.abc import Sequence

from schemas.catalog import MEMBER_CONTACT
from services.eligibility.decisions.flow.contacts import contact_facts
from services.eligibility.people.enrolment import Enrolment
from services.eligibility.people.store import contacts as contact_store
from services.eligibility.people.store import erasures as erasure_store
from services.kit import idempotency, published
from services.kit.postgres import ALL_TENANTS, seeing
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork

ON_HOLD = Refusal(
    "legal-hold", "Legal Hold", "A legal hold forbids to erase anything of this member: it must be lifted first.", 409
)


async def erase_contacts(work: UnitOfWork, enrolments: Sequence[Enrolment], reason: str, by: str) -> Refusal | None:
    """Of these enrolments of one person, who is locked. All of them, or none where one is on hold."""
    connection = work.connection
    plans = {one.enrolment_id: one.tenant_id for one in enrolments}
    if await erasure_store.load_held(connection, plans):
        return ON_HOLD
    await erasure_store.erase(connection, plans, reason, by)
    keys = [str(one) for one in plans]
    await published.strip(connection, MEMBER_CONTACT, keys, "sealed")
    last = await contact_store.load_told(connection, plans)
    gone = [told._replace(version=told.version + 1, digest=None, details=None) for told in last.values()]
    await contact_store.save_told(connection, gone)
    await work.announce(contact_facts(connection, gone, is_erased=True))
    tokens = {str(one.member_token) for one in enrolments}
    async with seeing(connection, ALL_TENANTS):
        await idempotency.forget_answers(connection, {*plans.values(), ALL_TENANTS}, {*tokens, *keys})
    return None
