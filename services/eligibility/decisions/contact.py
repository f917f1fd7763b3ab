"""How others may reach a member: put together from what his plan says, dated, and withdrawn with the right to. Pure."""

from collections.abc import Iterable
from datetime import date
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
from services.eligibility.feeds.records import Address, PersonName, StatedContact
from services.eligibility.people.enrolment import Enrolment

ROSTER = ContactSource.ROSTER


def may_be_contacted(member: Member, day: date) -> bool:
    """Whether the enrolment gives anybody the right to contact its member: in force, and he lives and is not
    protected."""
    one = member.enrolment
    is_gone = one.is_retired or member.vital.is_deceased or not covered(one.spans, day)
    return not (is_gone or one.is_restricted or member.is_protected)


def details_of(one: Enrolment, stated: StatedContact, household_id: UUID | None) -> ContactDetails:
    """What the plan says, without the days on which it said it first."""
    return ContactDetails(
        name=_name(PersonName(one.family, one.given, one.middle, one.suffix), stated.preferred),
        telephones=_telephones(phone.rpartition(" ") for phone in one.phones),
        emails=(EmailAddress(address=one.email, source=ROSTER),) if one.email else (),
        addresses=tuple(_addresses(one, stated)),
        language=one.language,
        household_id=household_id,
        representatives=tuple(
            Representative(
                relation=other.relation,
                name=_name(other.name),
                telephones=_telephones((phone.use, "", phone.number) for phone in other.phones),
                source=ROSTER,
            )
            for other in stated.representatives
        ),
    )


def dated(details: ContactDetails, before: ContactDetails | None, on: date) -> ContactDetails:
    """Each telephone and address with the day on which it was said first since it is said without a break."""
    return details.model_copy(
        update={
            name: _with_days(getattr(details, name), getattr(before, name) if before else (), on)
            for name in ("telephones", "emails", "addresses")
        }
    )


Stated = Telephone | EmailAddress | PostalAddress


def _with_days(said: Iterable[Stated], before: Iterable[Stated], on: date) -> tuple[Stated, ...]:
    since = {_undated(one): one.stated_on for one in before}
    return tuple(one.model_copy(update={"stated_on": since.get(_undated(one), on)}) for one in said)


def _undated(one: Stated) -> str:
    return one.model_dump_json(exclude={"stated_on"})


def _name(name: PersonName, preferred: str = "") -> ContactName:
    return ContactName(
        family=name.family, given=name.given, middle=name.middle, suffix=name.suffix, preferred=preferred
    )


def _telephones(phones: Iterable[tuple[str, str, str]]) -> tuple[Telephone, ...]:
    return tuple(Telephone(number=number, kind=TelephoneKind(use), source=ROSTER) for use, _, number in phones)


def _addresses(one: Enrolment, stated: StatedContact) -> Iterable[PostalAddress]:
    home = Address(one.street, one.unit, one.city, one.state, one.zip5)
    for kind, address in (
        (AddressKind.RESIDENCE, home),
        (AddressKind.MAILING, stated.mailing),
        (AddressKind.ALTERNATE, stated.alternate),
    ):
        if address is not None and (address.street or address.zip5):
            yield PostalAddress(
                kind=kind, street=address.street, unit=address.unit, city=address.city, state=address.state,
                zip5=address.zip5, country=address.country, source=ROSTER,
            )  # fmt: skip
