"""How a plan's member can be reached: the one restricted topic, whose facts are sealed."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, PositiveInt, StringConstraints

from schemas.envelope import Code, Contract, Event
from schemas.outreach_v1 import Channel

Sealed = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=1 << 19)]
"""Base64 of what is sealed: a mark, the key's id, a nonce and AES-256-GCM's bytes."""


class ContactSource(StrEnum):
    """Who said it: the plan's roster, a registry of vaccinations, or somebody to a worker (which the topic never
    tells)."""

    ROSTER = "roster"
    REGISTRY = "registry"
    WORKER = "worker"


class TelephoneKind(StrEnum):
    """What a telephone number is for."""

    HOME = "home"
    MOBILE = "mobile"
    WORK = "work"
    OTHER = "other"


class AddressKind(StrEnum):
    """Where somebody lives, where letters go, and where they go because he asked for another place."""

    RESIDENCE = "residence"
    MAILING = "mailing"
    ALTERNATE = "alternate"


class ContactName(Contract):
    """What somebody is called; `preferred` and `pronouns` only where they were given."""

    family: str
    given: str = ""
    middle: str = ""
    suffix: str = ""
    preferred: str = ""
    pronouns: str = ""


class Telephone(Contract):
    """Ten digits. `stated_on` is the day of the statement that brought it first: what repeats it is no news."""

    number: str
    kind: TelephoneKind
    source: ContactSource
    stated_on: date | None = None


class EmailAddress(Contract):
    """An e-mail address, dated like a telephone."""

    address: str
    source: ContactSource
    stated_on: date | None = None


class PostalAddress(Contract):
    """An address, dated like a telephone. `country` is said only of a place abroad."""

    kind: AddressKind
    street: str = ""
    unit: str = ""
    city: str = ""
    state: str = ""
    zip5: str = ""
    country: str = ""
    source: ContactSource
    stated_on: date | None = None


class Representative(Contract):
    """Somebody who may answer for the member: a parent, a guardian, a power of attorney …"""

    relation: Code
    name: ContactName
    telephones: tuple[Telephone, ...] = ()
    source: ContactSource


class ContactDetails(Contract):
    """What is sealed: all that is known of how to reach one enrolment's member, in the order in which to try it."""

    name: ContactName | None = None
    birth_on: date | None = Field(default=None, description="By which the desk of a site knows who he is.")
    telephones: tuple[Telephone, ...] = ()
    emails: tuple[EmailAddress, ...] = ()
    addresses: tuple[PostalAddress, ...] = ()
    language: str = Field(default="", description="The one to speak, as a tag of BCP 47.")
    preferred_channel: Channel | None = None
    preferred_from: int | None = Field(default=None, ge=0, le=23, description="The first hour that suits him.")
    preferred_until: int | None = Field(default=None, ge=1, le=24, description="The hour by which it suits no more.")
    household_id: UUID | None = Field(default=None, description="Whom the plan lists under one subscriber.")
    representatives: tuple[Representative, ...] = ()
    is_confidential: bool = Field(default=False, description="He asked for communications that nobody else hears of.")


def bound_to(enrolment_id: UUID, version: int) -> str:
    """What sealed details are bound to: they open for this enrolment and version alone."""
    return f"vcc.member-contact.v1 {enrolment_id} {version}"


class MemberContactChangedV1(Event):
    """How the member of an enrolment can be reached has changed, or nobody may reach him any more. A snapshot: of two,
    the higher `version` holds, so an old record that comes again revives nothing."""

    event_type: ClassVar[str] = "vcc.member-contact.changed.v1"

    enrolment_id: UUID
    tenant_id: Code
    version: PositiveInt
    sealed: Sealed | None = Field(
        default=None,
        description="`ContactDetails` as JSON, sealed for this topic, enrolment and version with a key of the ring that"
        " writer and readers share. None: withdrawn, for the enrolment gives no right to be contacted any more, or the "
        "plan had the details erased. Whoever kept them deletes them.",
    )
    is_erased: bool = Field(
        default=False,
        description="The plan had them erased: whoever keeps more by which he can be reached deletes it as well.",
    )

    def key(self) -> str:
        return str(self.enrolment_id)
