"""How a member can be reached by all that is known: what the plan's rosters say, and what workers heard since. Pure.

Each telephone, e-mail address and postal address has the day on which it was said first. What a worker heard holds
against what was said before or on its day; what a roster brings on a later day holds against the worker's word."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from schemas.member_contact_v1 import (
    AddressKind,
    ContactDetails,
    ContactName,
    ContactSource,
    EmailAddress,
    PostalAddress,
    Representative,
    Telephone,
    TelephoneKind,
)
from schemas.outreach_v1 import Channel

REGISTRY, WORKER = ContactSource.REGISTRY, ContactSource.WORKER


class HeardFrom(StrEnum):
    """Who told the worker, or how he found out."""

    MEMBER = "member"
    REPRESENTATIVE = "representative"
    THIRD_PARTY = "third-party"
    ATTEMPT = "attempt"  # the try itself: another person answered, a letter came back


class Heard(BaseModel):
    """What a worker heard: another number or address, that one is wrong, what the member likes to be called, by which
    channel and at which hours he wants to be reached, and whether nobody else is to hear of it."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    new_telephone: str = ""
    new_telephone_kind: TelephoneKind = TelephoneKind.OTHER
    wrong_telephone: str = ""
    new_email: str = ""
    wrong_email: str = ""
    new_address: PostalAddress | None = None
    wrong_address: AddressKind | None = None
    preferred_name: str = ""
    pronouns: str = ""
    preferred_channel: Channel | None = None
    preferred_from: int | None = None
    preferred_until: int | None = None
    is_confidential: bool | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """What a worker heard, as a fact: of which enrolment, by whom, from whom, and on which day."""

    correction_id: UUID
    case_id: UUID
    enrolment_id: UUID
    tenant_id: str
    worker_id: str
    source: HeardFrom
    said_on: date
    heard: Heard


@dataclass(frozen=True, slots=True)
class Way:
    """A telephone, e-mail or postal address. `wrong_since_on`: since then it is known to be wrong."""

    what: Telephone | EmailAddress | PostalAddress
    wrong_since_on: date | None = None

    @property
    def is_usable(self) -> bool:
        return self.wrong_since_on is None


@dataclass(frozen=True, slots=True)
class Reachable:
    """All of it, the newest first; of the addresses of one kind the newest alone."""

    name: ContactName | None
    telephones: tuple[Way, ...]
    emails: tuple[Way, ...]
    addresses: tuple[Way, ...]
    language: str
    preferred_channel: Channel | None
    preferred_from: int | None
    preferred_until: int | None
    representatives: tuple[Representative, ...]
    is_confidential: bool


def reachable(details: ContactDetails, corrections: Sequence[Correction]) -> Reachable:
    """The plan's details with what workers heard, in the order in which it was heard."""
    found = Reachable(
        name=details.name,
        telephones=_ways(details.telephones),
        emails=_ways(details.emails),
        addresses=_ways(details.addresses),
        language=details.language,
        preferred_channel=details.preferred_channel,
        preferred_from=details.preferred_from,
        preferred_until=details.preferred_until,
        representatives=details.representatives,
        is_confidential=details.is_confidential,
    )
    for correction in corrections:
        found = _corrected(found, correction)
    addresses: dict[AddressKind, Way] = {}
    for way in _newest_first(found.addresses):
        assert isinstance(way.what, PostalAddress)
        addresses.setdefault(way.what.kind, way)
    return replace(
        found,
        telephones=_newest_first(found.telephones),
        emails=_newest_first(found.emails),
        addresses=tuple(addresses.values()),
    )


def _ways(said: Iterable[Telephone | EmailAddress | PostalAddress]) -> tuple[Way, ...]:
    return tuple(Way(one) for one in said)


def _newest_first(ways: Iterable[Way]) -> tuple[Way, ...]:
    """What is known to be wrong comes last, a registry's word behind the plan's and the workers'; of one day what a
    worker heard comes first, and then the order in which it was told."""
    return tuple(sorted(ways, key=_order))


def _order(way: Way) -> tuple[bool, bool, int, bool]:
    what = way.what
    return not way.is_usable, what.source == REGISTRY, -_ordinal(what.stated_on), what.source != WORKER


def _ordinal(day: date | None) -> int:
    return 0 if day is None else day.toordinal()


def _corrected(known: Reachable, said: Correction) -> Reachable:
    heard, on = said.heard, said.said_on
    name = known.name or ContactName(family="")
    update = {"preferred": heard.preferred_name or name.preferred, "pronouns": heard.pronouns or name.pronouns}
    return replace(
        known,
        name=known.name if known.name is None else name.model_copy(update=update),
        telephones=_heard(known.telephones, heard.wrong_telephone, _new_telephone(heard, on), on),
        emails=_heard(known.emails, heard.wrong_email, _new_email(heard, on), on),
        addresses=_heard(known.addresses, heard.wrong_address, _new_address(heard, on), on),
        preferred_channel=heard.preferred_channel or known.preferred_channel,
        preferred_from=known.preferred_from if heard.preferred_from is None else heard.preferred_from,
        preferred_until=known.preferred_until if heard.preferred_until is None else heard.preferred_until,
        is_confidential=known.is_confidential if heard.is_confidential is None else heard.is_confidential,
    )


def _new_telephone(heard: Heard, on: date) -> Telephone | None:
    if not heard.new_telephone:
        return None
    return Telephone(number=heard.new_telephone, kind=heard.new_telephone_kind, source=WORKER, stated_on=on)


def _new_email(heard: Heard, on: date) -> EmailAddress | None:
    return EmailAddress(address=heard.new_email, source=WORKER, stated_on=on) if heard.new_email else None


def _new_address(heard: Heard, on: date) -> PostalAddress | None:
    if heard.new_address is None:
        return None
    return heard.new_address.model_copy(update={"source": WORKER, "stated_on": on})


def _heard(
    ways: tuple[Way, ...], wrong: object, new: Telephone | EmailAddress | PostalAddress | None, on: date
) -> tuple[Way, ...]:
    """What is wrong is marked, unless it was said first on a later day; what is new stands beside the others, and is no
    longer wrong if it was."""
    marked = tuple(replace(way, wrong_since_on=on) if _is_wrong(way, wrong, on) else way for way in ways)
    if new is None:
        return marked
    return (Way(new), *(way for way in marked if _said(way.what) != _said(new)))


def _is_wrong(way: Way, wrong: object, on: date) -> bool:
    return bool(wrong) and _names(way) == wrong and _ordinal(way.what.stated_on) <= on.toordinal()


def _names(way: Way) -> object:
    """By what a worker says that it is wrong: its number, its address, or of which kind it is."""
    if isinstance(way.what, Telephone):
        return way.what.number
    return way.what.address if isinstance(way.what, EmailAddress) else way.what.kind


def _said(what: Telephone | EmailAddress | PostalAddress) -> object:
    if isinstance(what, Telephone):
        return what.number
    return what.address if isinstance(what, EmailAddress) else what.model_dump(exclude={"source", "stated_on"})
