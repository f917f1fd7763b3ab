"""Tells, sealed, how the members of some enrolments can be reached, where that is another way than was told last."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from schemas.catalog import MEMBER_CONTACT
from schemas.member_contact_v1 import ContactDetails, MemberContactChangedV1, bound_to
from services.eligibility.decisions.contact import Sources, content_of, dated_since, details_of, may_be_contacted
from services.eligibility.decisions.decision import Member
from services.eligibility.people.contact import UNSTATED
from services.eligibility.people.enrolment import Enrolment
from services.eligibility.people.store import contacts as contact_store
from services.eligibility.people.store import erasures as erasure_store
from services.eligibility.people.store import registry_contacts
from services.eligibility.people.store.contacts import Told
from services.kit import published
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
    sources = await _sources(
        connection,
        [
            member.enrolment
            for member in members
            if may_be_contacted(member, today) and member.enrolment.enrolment_id not in erased
        ],
    )
    told: list[Told] = []
    for member in members:
        one = member.enrolment
        said_on = one.said_at.date() if one.said_at is not None else today
        told.append(_told(connection, last[one.enrolment_id], sources.get(one.enrolment_id), said_on))
    await contact_store.save_told(connection, [one for one in told if one != last[one.enrolment_id]])
    news = [one for one in told if one.version > last[one.enrolment_id].version]
    gone = [one for one in news if one.enrolment_id in erased]
    if gone:
        keys = [str(one.enrolment_id) for one in gone]
        await published.strip(connection, MEMBER_CONTACT, keys, "sealed")
        await work.announce(contact_facts(connection, gone, is_erased=True))
    await work.announce(contact_facts(connection, [one for one in news if one.enrolment_id not in erased]))


async def _sources(connection: Connection, enrolments: Sequence[Enrolment]) -> dict[UUID, Sources]:
    ids = [one.enrolment_id for one in enrolments]
    stated = await contact_store.load_stated(connection, ids)
    registries = await registry_contacts.load_contacts(connection, ids)
    families = {(one.tenant_id, one.household_number) for one in enrolments if one.household_number}
    households = await contact_store.household_ids(connection, families)
    return {
        one.enrolment_id: Sources(
            one,
            stated.get(one.enrolment_id, UNSTATED),
            households.get((one.tenant_id, one.household_number)),
            registries.get(one.enrolment_id, ()),
        )
        for one in enrolments
    }


def _told(connection: Connection, last: Told, sources: Sources | None, said_on: date) -> Told:
    """What is told from now on: of another version if that is news. The keyed digest of any key of the ring says that
    it is made of the same as last time."""
    if sources is None:
        return last if last.digest is None else last._replace(version=last.version + 1, digest=None, details=None)
    content, ring = content_of(sources), ring_of(connection)
    if last.digest is not None and last.digest in ring.macs(content):
        return last
    details, known = details_of(sources, said_on), None
    if (before := contact_store.open_told(connection, last)) is not None:
        known = ContactDetails.model_validate_json(before)
        details = dated_since(details, known)
    version = last.version if details == known else last.version + 1
    return last._replace(version=version, digest=ring.mac(content), details=details.model_dump_json().encode())


def contact_facts(
    connection: Connection, news: Sequence[Told], *, is_erased: bool = False
) -> list[MemberContactChangedV1]:
    """The facts that tell these details, which they have in clear, sealed; or that they are withdrawn, or erased."""
    now, sealed = datetime.now(UTC), _sealed(connection, news)
    return [
        MemberContactChangedV1(
            occurred_at=now,
            enrolment_id=one.enrolment_id,
            tenant_id=one.tenant_id,
            version=one.version,
            sealed=sealed.get(one.enrolment_id),
            is_erased=is_erased,
        )
        for one in news
    ]


def _sealed(connection: Connection, news: Sequence[Told]) -> dict[UUID, str]:
    """Bound each to its enrolment and version."""
    known = [(one, one.details) for one in news if one.details is not None]
    if not known:
        return {}
    bound = [bound_to(one.enrolment_id, one.version) for one, _ in known]
    sealed = topic_ring_of(connection).seal([details for _, details in known], bound)
    return {one.enrolment_id: b64encode(content).decode() for (one, _), content in zip(known, sealed, strict=True)}
