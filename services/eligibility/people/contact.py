"""What a plan says of how to reach its member, beside what stands in his enrolment. Pure."""

import json
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import TypeAdapter

from services.eligibility.feeds.records import Address, Phone, RosterRecord, StatedContact, StatedPerson
from services.eligibility.people.kept_row import named

UNSTATED = StatedContact()


class SaidByRegistry(NamedTuple):
    """What a message says of how to reach its patient."""

    phones: tuple[Phone, ...] = ()
    email: str = ""
    address: Address | None = None
    contact: StatedContact = UNSTATED


class RegistryContact(NamedTuple):
    """The same of a plan's member, by whom and when. `tenant_id` is the enrolment's."""

    enrolment_id: UUID
    source: str
    tenant_id: str
    said_at: datetime
    said: SaidByRegistry


_CONTACT = TypeAdapter(StatedContact)
_SAID = TypeAdapter(SaidByRegistry)


def restated_contact(known: StatedContact, said: StatedContact) -> StatedContact:
    """After a row: what it leaves empty stays as it was known."""
    return StatedContact._make(new or old for new, old in zip(said, known, strict=True))


def without_contact(record: RosterRecord) -> RosterRecord:
    """The row without anything by which its person can be reached; the ZIP stays, by which he is known."""
    person = record.person
    address = person.address and person.address._replace(street="", unit="", city="")
    return record._replace(person=person._replace(phones=(), email="", contact=None, address=address))


def contact_document(stated: StatedContact) -> bytes:
    return json.dumps(named(stated)).encode()


def contact_of(document: bytes) -> StatedContact:
    return _CONTACT.validate_json(document)


def said_of(person: StatedPerson) -> SaidByRegistry | None:
    """What a registry's row says of how to reach its patient, if anything."""
    said = SaidByRegistry(person.phones, person.email, person.address, person.contact or UNSTATED)
    return None if said == SaidByRegistry() else said


def registry_document(one: RegistryContact) -> bytes:
    return json.dumps(named(one.said)).encode()


def registry_contact_of(
    enrolment_id: UUID, source: str, tenant_id: str, said_at: datetime, document: bytes
) -> RegistryContact:
    return RegistryContact(enrolment_id, source, tenant_id, said_at, _SAID.validate_json(document))
