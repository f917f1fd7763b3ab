"""What outreach does when eligibility tells how members can be reached: open it, keep the newest, sealed anew."""

from collections.abc import Sequence
from operator import attrgetter

from schemas.member_contact_v1 import MemberContactChangedV1
from services.kit import idempotency
from services.kit.postgres import ALL_TENANTS
from services.kit.unit_of_work import UnitOfWork
from services.outreach.reach import store
from services.replicas.contacts.flow import opened


async def on_member_contact(work: UnitOfWork, events: Sequence[MemberContactChangedV1]) -> None:
    """Keep the newest word of each enrolment; one that was withdrawn is deleted, and of one that the plan had erased
    what workers heard as well, and the kept answers that name it."""
    newest = {event.enrolment_id: event for event in sorted(events, key=attrgetter("version"))}
    contacts = [
        store.Contact(event.enrolment_id, event.tenant_id, event.version, opened(work.connection, event))
        for event in newest.values()
    ]
    await store.save_contacts(work.connection, contacts)
    if erased := [event for event in events if event.is_erased]:
        named = await store.forget_corrections(work.connection, [event.enrolment_id for event in erased])
        await idempotency.forget_answers(work.connection, {ALL_TENANTS, *(event.tenant_id for event in erased)}, named)
