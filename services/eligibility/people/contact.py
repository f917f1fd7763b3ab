"""What a plan says of how to reach its member, beside what stands in his enrolment. Pure."""

import json
from typing import Any

from pydantic import TypeAdapter

from services.eligibility.feeds.records import StatedContact
from services.eligibility.people.kept_row import named

UNSTATED = StatedContact()
_CONTACT = TypeAdapter(StatedContact)


def restated_contact(known: StatedContact, said: StatedContact) -> StatedContact:
    """After a row: what it leaves empty stays as it was known."""
    return StatedContact._make(new or old for new, old in zip(said, known, strict=True))


def contact_document(stated: StatedContact) -> bytes:
    return json.dumps(named(stated)).encode()


def contact_of(document: Any) -> StatedContact:
    return _CONTACT.validate_json(document)
