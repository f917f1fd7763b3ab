"""Contact facts as eligibility tells them, sealed."""

from base64 import b64encode
from datetime import date
from typing import Any
from uuid import UUID

from schemas.member_contact_v1 import (
    AddressKind,
    ContactDetails,
    ContactName,
    ContactSource,
    EmailAddress,
    MemberContactChangedV1,
    PostalAddress,
    Telephone,
    TelephoneKind,
    bound_to,
)
from services.kit.ids import derived_id
from services.kit.sealed import KeyRing
from tests.facts import DAY, NOON, enrolment_id
from tests.keys import RING

ROSTER = ContactSource.ROSTER
HOUSEHOLD = derived_id("household", "sesame")


def a_phone(number: str = "2135550101", on: date = DAY, kind: TelephoneKind = TelephoneKind.HOME) -> Telephone:
    return Telephone(number=number, kind=kind, source=ROSTER, stated_on=on)


def an_address(street: str = "123 Sesame St", on: date = DAY) -> PostalAddress:
    return PostalAddress(
        kind=AddressKind.RESIDENCE, street=street, city="Chicago", state="IL", zip5="60623", source=ROSTER, stated_on=on
    )


def details(given: str = "Ada", **changes: Any) -> ContactDetails:
    said: dict[str, Any] = {
        "name": ContactName(family="Sesame", given=given),
        "telephones": (a_phone(),),
        "emails": (EmailAddress(address="ada@sesame.example", source=ROSTER, stated_on=DAY),),
        "addresses": (an_address(),),
        "language": "es",
        "household_id": HOUSEHOLD,
    }
    return ContactDetails(**(said | changes))


def a_contact(
    name: str = "ada", version: int = 1, said: ContactDetails | None = None, plan: str = "lakeshore",
    *, bound: UUID | None = None,
) -> MemberContactChangedV1:  # fmt: skip
    """Sealed for its enrolment and version, or for another enrolment (`bound`)."""
    enrolment = enrolment_id(name, plan)
    content = (said or details(name.title())).model_dump_json().encode()
    sealed = KeyRing.parse(RING).seal([content], [bound_to(bound or enrolment, version)])[0]
    return MemberContactChangedV1(
        occurred_at=NOON, enrolment_id=enrolment, tenant_id=plan, version=version, sealed=b64encode(sealed).decode()
    )


def withdrawn(name: str = "ada", version: int = 2, plan: str = "lakeshore") -> MemberContactChangedV1:
    return MemberContactChangedV1(
        occurred_at=NOON, enrolment_id=enrolment_id(name, plan), tenant_id=plan, version=version
    )
