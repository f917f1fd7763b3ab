"""How to reach a member is told anew where it is another way, and only there."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from services.eligibility.decisions.contact import Sources, content_of, details_of
from services.eligibility.feeds.records import Address, PersonName, Phone, Representative, StatedContact
from services.eligibility.people.contact import RegistryContact, SaidByRegistry
from services.eligibility.people.enrolment import Enrolment

DAY = date(2021, 3, 1)
MEMBER = UUID(int=1)
ENROLMENT = Enrolment(
    MEMBER, MEMBER, "kew", "K1", family="Lovelace", given="Ada", language="en", street="1 Main St", city="Chicago",
    state="IL", zip5="60612", phones=("home 3125550101",), email="ada@example.org",
)  # fmt: skip
GUARDIAN = Representative("guardian", PersonName("King", "William"), (Phone("3125550102", "home"),))
STATED = StatedContact(Address("PO Box 1", city="Chicago", zip5="60601"), None, (GUARDIAN,), "Ada")
HEARD = RegistryContact(
    MEMBER, "registry:R", "kew", datetime(2021, 3, 1, tzinfo=UTC), SaidByRegistry((Phone("3125550103", "mobile"),))
)
KNOWN = Sources(ENROLMENT, STATED, UUID(int=2), (HEARD,))


def others() -> Iterator[Sources]:
    """Every field of the enrolment, of what its plan states and of what a registry says, with another value."""
    texts: dict[str, Any] = {name: f"{value}x" for name, value in ENROLMENT._asdict().items() if isinstance(value, str)}
    for name, text in texts.items():
        yield KNOWN._replace(enrolment=ENROLMENT._replace(**{name: text}))
    yield KNOWN._replace(enrolment=ENROLMENT._replace(birth_on=date(1815, 12, 10)))
    yield KNOWN._replace(enrolment=ENROLMENT._replace(phones=("work 3125550101",)))
    parent = GUARDIAN._replace(relation="parent")
    stated: tuple[Any, ...] = Address("2 Elm St"), Address("3 Oak St"), (parent,), "Countess"
    for name, changed in zip(StatedContact._fields, stated, strict=True):
        other: dict[str, Any] = {name: changed}
        yield KNOWN._replace(stated=STATED._replace(**other))
    yield KNOWN._replace(household_id=UUID(int=3))
    said = (
        (Phone("3125550104"),),
        "countess@example.org",
        Address("4 Ash St"),
        StatedContact(alternate=Address("5 Fir")),
    )
    for name, told in zip(SaidByRegistry._fields, said, strict=True):
        heard: dict[str, Any] = {name: told}
        yield KNOWN._replace(registries=(HEARD._replace(said=HEARD.said._replace(**heard)),))
    yield KNOWN._replace(registries=())


@pytest.mark.parametrize("other", list(others()))
def test_other_details_have_another_content(other: Sources) -> None:
    """Whatever changes the details changes by what they are compared."""
    if details_of(other, DAY) != details_of(KNOWN, DAY):
        assert content_of(other) != content_of(KNOWN)


def test_a_member_is_known_again() -> None:
    """The same said on another day, or read from the database as lists, is no news."""
    later = HEARD._replace(said_at=datetime(2021, 4, 1, tzinfo=UTC))
    read = ENROLMENT._replace(phones=["home 3125550101"], seen_file_no=7)  # type: ignore[arg-type]
    assert content_of(Sources(read, STATED, UUID(int=2), [later])) == content_of(KNOWN)
