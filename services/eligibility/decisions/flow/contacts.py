"""Tells, sealed, how the members of some enrolments can be reached, where that is another way than was told last."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from schemas.member_contact_v1 import ContactDetails, MemberContactChangedV1, bound_to
from services.eligibility.decisions.contact import dated, details_of, may_be_contacted, undated
from services.eligibility.decisions.decision import Member
from services.eligibility.people.contact import UNSTATED
from services.eligibility.people.store import contacts as contact_store
from services.eligibility.people.store import erasures as erasure_store
from services.eligibility.people.store import registry_contacts
from services.eligibility.people.store.contacts import Told
from services.kit.postgres import Connection
from services.kit.sealed import ring_of, topic_ring_of
from services.kit.unit_of_work import UnitOfWork


async def tell_contacts(work: UnitOfWork, members: Sequence[Member], today: date) -> None:
    """Members whose persons are locked, so that an enrolment's facts leave in the order of their commits."""
    connection = work.connection
    last = await contact_store.load_told(
        connection, {member.enrolment.enrolment_id: member.enrolment.tenant_id for member in members}
    )
    erased = await erasure_store.load_erased(connection, last)
    details = await _details(
        connection,
        [
            member
            for member in members
            if may_be_contacted(member, today) and member.enrolment.enrolment_id not in erased
        ],
    )
    news: list[Told] = []
    for member in members:
        one = member.enrolment
        said_on = one.said_at.date() if one.said_at is not None else today
        told = _news(connection, last[one.enrolment_id], details.get(one.enrolment_id), said_on)
        news += [told] if told is not None else []
    await contact_store.save_told(connection, news)
    await work.announce(contact_facts(connection, news))


async def _details(connection: Connection, members: Sequence[Member]) -> dict[UUID, ContactDetails]:
    stated = await contact_store.load_stated(connection, [member.enrolment.enrolment_id for member in members])
    registries = await registry_contacts.load_contacts(connection, [one.enrolment_id for one, *_ in members])
    families = {(one.tenant_id, one.household_number) for one, *_ in members if one.household_number}
    households = await contact_store.household_ids(connection, families)
    return {
        one.enrolment_id: details_of(
            one,
            stated.get(one.enrolment_id, UNSTATED),
            households.get((one.tenant_id, one.household_number)),
            registries.get(one.enrolment_id, ()),
        )
        for one, *_ in members
    }


def _news(connection: Connection, last: Told, details: ContactDetails | None, said_on: date) -> Told | None:
    """What is to be told; nothing if it is what was told last. The keyed digest of any key of the ring will do."""
    if details is None:
        return None if last.digest is None else last._replace(version=last.version + 1, digest=None, details=None)
    content = undated(details).model_dump_json().encode()
    ring = ring_of(connection)
    if last.digest is not None and last.digest in ring.macs(content):
        return None
    before = contact_store.open_told(connection, last)
    told = dated(details, None if before is None else ContactDetails.model_validate_json(before), said_on)
    return last._replace(version=last.version + 1, digest=ring.mac(content), details=told.model_dump_json().encode())


def contact_facts(
    connection: Connection, news: Sequence[Told], *, is_erased: bool = False
) -> list[MemberContactChangedV1]:
    """The facts that tell these details, which they have in clear, sealed; or that they are withdrawn, or erased."""
    now = datetime.now(UTC)
    return [
        MemberContactChangedV1(
            occurred_at=now,
            enrolment_id=one.enrolment_id,
            tenant_id=one.tenant_id,
            version=one.version,
            sealed=None if one.details is None else _sealed(connection, one, one.details),
            is_erased=is_erased,
        )
        for one in news
    ]


def _sealed(connection: Connection, one: Told, details: bytes) -> str:
    bound = bound_to(one.enrolment_id, one.version)
    return b64encode(topic_ring_of(connection).seal([details], [bound])[0]).decode()
