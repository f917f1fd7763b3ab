"""Who members are, as eligibility tells it, sealed."""

from base64 import b64encode
from datetime import date
from typing import Any
from uuid import UUID

from schemas.member_contact_v1 import (
    AddressKind,
    ContactDetails,
    ContactName,
    ContactSource,
    MemberContactChangedV1,
    PostalAddress,
    Telephone,
    TelephoneKind,
    bound_to,
)
from services.kit.sealed import KeyRing
from tests.keys import RING
from tests.service.scheduling.world import NOW

BORN_ON = date(1940, 5, 1)
ROSTER = ContactSource.ROSTER


def details(given: str = "Ada", family: str = "Sesame", **changes: Any) -> ContactDetails:
    said: dict[str, Any] = {
        "name": ContactName(family=family, given=given),
        "birth_on": BORN_ON,
        "telephones": (Telephone(number="2135550101", kind=TelephoneKind.HOME, source=ROSTER),),
        "addresses": (
            PostalAddress(
                kind=AddressKind.RESIDENCE, street="123 Sesame St", city="Chicago", state="IL", zip5="60623",
                source=ROSTER,
            ),
            PostalAddress(kind=AddressKind.MAILING, street="PO Box 7", zip5="60601", source=ROSTER),
        ),
    }  # fmt: skip
    return ContactDetails(**(said | changes))


def a_contact(
    enrolment: UUID, version: int = 1, said: ContactDetails | None = None, tenant: str = "acme"
) -> MemberContactChangedV1:
    content = (said or details()).model_dump_json().encode()
    sealed = KeyRing.parse(RING).seal([content], [bound_to(enrolment, version)])[0]
    return MemberContactChangedV1(
        occurred_at=NOW, enrolment_id=enrolment, tenant_id=tenant, version=version, sealed=b64encode(sealed).decode()
    )


def withdrawn(enrolment: UUID, version: int = 2, *, is_erased: bool = False) -> MemberContactChangedV1:
    return MemberContactChangedV1(
        occurred_at=NOW, enrolment_id=enrolment, tenant_id="acme", version=version, is_erased=is_erased
    )
