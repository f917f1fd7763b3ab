"""What scheduling does when eligibility tells how members can be reached: keep who they are, sealed anew."""

from collections.abc import Sequence
from operator import attrgetter

from schemas.member_contact_v1 import MemberContactChangedV1
from services.kit.unit_of_work import UnitOfWork
from services.replicas.contacts.flow import opened
from services.scheduling.desk import store
from services.scheduling.desk.rules import for_desk


async def on_member_contact(work: UnitOfWork, events: Sequence[MemberContactChangedV1]) -> None:
    """Keep the newest word of each enrolment; what was withdrawn or erased is deleted."""
    newest = {event.enrolment_id: event for event in sorted(events, key=attrgetter("version"))}
    contacts = []
    for event in newest.values():
        details = opened(work.connection, event)
        kept = None if details is None else for_desk(details)
        contacts.append(store.Contact(event.enrolment_id, event.tenant_id, event.version, kept))
    await store.save_contacts(work.connection, contacts)
