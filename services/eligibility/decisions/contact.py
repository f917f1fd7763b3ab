"""How others may reach a member: put together from what his plan says, dated, and withdrawn with the right to. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

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
from services.eligibility.decisions.decision import Member
from services.eligibility.decisions.rules import covered
from services.eligibility.feeds.records import Address, PersonName, Phone, StatedContact
from services.eligibility.people.contact import RegistryContact
from services.eligibility.people.enrolment import Enrolment

ROSTER, REGISTRY = ContactSource.ROSTER, ContactSource.REGISTRY
LINES = ("street", "unit", "city", "state", "zip5", "country")
MOST_TELEPHONES, MOST_CHARACTERS = 20, 200
"""Of each list, and of each text: more is nobody's number and nobody's name, and a fact must fit into a record."""


def may_be_contacted(member: Member, day: date) -> bool:
    """Whether the enrolment gives anybody the right to contact its member: in force, and he lives and is not
    protected."""
    one = member.enrolment
    is_gone = one.is_retired or member.vital.is_deceased or not covered(one.spans, day)
    return not (is_gone or one.is_restricted or member.is_protected)


class Sources(NamedTuple):
    """What the details of one enrolment's member are made of: what the plan says, and behind it what registries say,
    the newest first."""

    enrolment: Enrolment
    stated: StatedContact
    household_id: UUID | None
    registries: Sequence[RegistryContact] = ()


def content_of(sources: Sources) -> bytes:
    """Everything from which the details follow, but the days: as long as it is the same there is nothing to tell."""
    one = sources.enrolment
    of_plan = one.family, one.given, one.middle, one.suffix, tuple(one.phones), one.email, one.language
    home = one.birth_on, one.street, one.unit, one.city, one.state, one.zip5
    said = [heard.said for heard in sources.registries]
    return repr((of_plan, home, sources.household_id, sources.stated, said)).encode()


def details_of(sources: Sources, said_on: date) -> ContactDetails:
    """What the plan says, as of this day, and behind it what registries say that the plan does not, of their days."""
    details = _of_plan(sources.enrolment, sources.stated, sources.household_id, said_on)
    return _with_registries(details, sources.registries)


def _of_plan(one: Enrolment, stated: StatedContact, household_id: UUID | None, on: date) -> ContactDetails:
    phones = (Phone(number, use) for use, _, number in _parted(one.phones[:MOST_TELEPHONES]))
    home = Address(one.street, one.unit, one.city, one.state, one.zip5)
    return ContactDetails(
        name=_name(PersonName(one.family, one.given, one.middle, one.suffix), stated.preferred),
        birth_on=one.birth_on,
        telephones=tuple(_telephone(phone, ROSTER, on) for phone in phones),
        emails=(EmailAddress(address=one.email, source=ROSTER, stated_on=on),) if one.email else (),
        addresses=tuple(_addresses(home, stated, ROSTER, on)),
        language=one.language,
        household_id=household_id,
        representatives=_representatives(stated),
    )


def _representatives(stated: StatedContact, source: ContactSource = ROSTER) -> tuple[Representative, ...]:
    return tuple(
        Representative(
            relation=other.relation,
            name=_name(other.name),
            telephones=tuple(_telephone(phone, source) for phone in other.phones[:MOST_TELEPHONES]),
            source=source,
        )
        for other in stated.representatives
    )


def _with_registries(details: ContactDetails, registries: Sequence[RegistryContact]) -> ContactDetails:
    """A number or address that is known already is not said again; an address only of a kind that the plan does not
    say, and somebody who answers for the member only where the plan names nobody."""
    for heard in registries:
        said, on = heard.said, heard.said_at.date()
        numbers = {phone.number for phone in details.telephones}
        kinds = {address.kind for address in details.addresses}
        emails = {email.address.casefold() for email in details.emails}
        home = said.address or Address()
        update = {
            "telephones": (
                *details.telephones,
                *(_telephone(phone, REGISTRY, on) for phone in said.phones if phone.number not in numbers),
            )[:MOST_TELEPHONES],
            "emails": (
                *details.emails,
                *(
                    [EmailAddress(address=said.email, source=REGISTRY, stated_on=on)]
                    if said.email and said.email.casefold() not in emails
                    else []
                ),
            ),
            "addresses": (
                *details.addresses,
                *(one for one in _addresses(home, said.contact, REGISTRY, on) if one.kind not in kinds),
            ),
            "representatives": details.representatives or _representatives(said.contact, REGISTRY),
            "name": _preferring(details.name, said.contact.preferred),
        }
        details = details.model_copy(update=update)
    return details


def _preferring(name: ContactName | None, preferred: str) -> ContactName | None:
    if name is None or name.preferred or not preferred:
        return name
    return name.model_copy(update={"preferred": preferred})


def dated_since(details: ContactDetails, before: ContactDetails) -> ContactDetails:
    """Each telephone and address with the day on which it was said first since it is said without a break."""
    return details.model_copy(
        update={
            name: _with_days(getattr(details, name), getattr(before, name))
            for name in ("telephones", "emails", "addresses")
        }
    )


Stated = Telephone | EmailAddress | PostalAddress


def _with_days(said: Iterable[Stated], before: Iterable[Stated]) -> tuple[Stated, ...]:
    since = {_undated(one): one.stated_on for one in before}
    return tuple(
        one.model_copy(update={"stated_on": since[_undated(one)]}) if since.get(_undated(one)) else one for one in said
    )


def _undated(one: Stated) -> frozenset[tuple[str, object]]:
    return frozenset((name, value) for name, value in one if name != "stated_on")


def _name(name: PersonName, preferred: str = "") -> ContactName:
    family, given, middle, suffix, called = (text[:MOST_CHARACTERS] for text in (*name, preferred))
    return ContactName(family=family, given=given, middle=middle, suffix=suffix, preferred=called)


def _parted(phones: Iterable[str]) -> Iterable[tuple[str, str, str]]:
    return (phone.rpartition(" ") for phone in phones)


def _telephone(phone: Phone, source: ContactSource, on: date | None = None) -> Telephone:
    return Telephone(number=phone.number, kind=TelephoneKind(phone.use), source=source, stated_on=on)


def _addresses(home: Address, stated: StatedContact, source: ContactSource, on: date) -> Iterable[PostalAddress]:
    for kind, address in (
        (AddressKind.RESIDENCE, home),
        (AddressKind.MAILING, stated.mailing),
        (AddressKind.ALTERNATE, stated.alternate),
    ):
        if address is not None and (address.street or address.zip5):
            lines = {name: getattr(address, name)[:MOST_CHARACTERS] for name in LINES}
            yield PostalAddress(kind=kind, **lines, source=source, stated_on=on)
