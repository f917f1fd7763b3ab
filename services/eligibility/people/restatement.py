"""An enrolment after a row of its plan's roster: what it says takes the place of what was known. Pure."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from services.eligibility.feeds.records import Address, IdType, RosterRecord, StatedPerson
from services.eligibility.people.coverage import restated_spans
from services.eligibility.people.enrolment import Enrolment
from services.eligibility.people.matching import newest_of, role_of
from services.eligibility.people.precedence import Stamp


def seen_in(stated: Enrolment, file_no: int, said: Stamp) -> Enrolment:
    """The enrolment as it stands in this file, at the newest instant at which it does."""
    if file_no != stated.seen_file_no:
        return stated._replace(seen_file_no=file_no, seen_at=said.at) if file_no > stated.seen_file_no else stated
    return stated._replace(seen_at=newest_of(stated.seen_at, said.at))


def stamped(stated: Enrolment, said: Stamp) -> Enrolment:
    """The enrolment as this statement left it."""
    if said.at is None:
        return stated
    return stated._replace(said_at=said.at, said_by=said.by, said_no=said.no)


FIELDS_AS_STATED = tuple(
    name for name in StatedPerson._fields if name in Enrolment._fields and name not in {"sex", "phones"}
)
"""What an enrolment keeps as a record says it, under the same name: a member's attribute is one. `sex` and `phones` are
kept otherwise."""


def restated(known: Enrolment, record: RosterRecord, said_on: date, *, is_listed: bool = False) -> Enrolment:
    """The enrolment after the row. What the row leaves empty stays as it was known. `is_listed`: another row of the
    file spoke of the member before."""
    person = record.person
    family = person.identifier(IdType.SUBSCRIBER)
    number = person.identifier(IdType.MEMBER) or family
    name, address = person.name or known, placed(known, person.address)
    phones = tuple([f"{phone.use} {phone.number}" for phone in person.phones]) or known.phones
    stated = {name: _newer(getattr(person, name), getattr(known, name)) for name in FIELDS_AS_STATED}
    return known._replace(
        member_id=number.value if number else known.member_id,
        group_number=record.group or known.group_number,
        family=name.family,
        given=name.given,
        middle=name.middle,
        suffix=name.suffix,
        sex=known.sex if person.sex == "U" else person.sex,
        street=address.street,
        unit=address.unit,
        city=address.city,
        state=address.state,
        zip5=address.zip5,
        tract=address.tract,
        county=address.county,
        phones=phones,
        is_restricted=known.is_restricted if record.is_restricted is None else record.is_restricted,
        spans=restated_spans(known.spans, record, said_on, is_listed=is_listed),
        role=role_of(record),
        phone_version=known.phone_version + _is_other(_numbers(phones), _numbers(known.phones)),
        address_version=known.address_version + _is_moved(known, address),
        email_version=known.email_version + _is_other(person.email.casefold(), known.email.casefold()),
        family_number=family.value if family else known.family_number,
        **stated,
    )


def _newer(said: Any, known: Any) -> Any:
    """What the row says, if it says anything: no is a statement, too."""
    return known if said in (None, "", ()) else said


def placed(known: Enrolment, said: Address | None) -> Address | Enrolment:
    """Where the member lives after the row. One without a readable ZIP keeps the known one, unless it is of another
    state or country."""
    if said is None:
        return known
    is_elsewhere = bool(said.country) or (bool(known.state and said.state) and said.state != known.state)
    if said.zip5 or is_elsewhere:
        return said
    return said._replace(zip5=known.zip5, tract=said.tract or known.tract, county=said.county or known.county)


def _is_other(said: object, known: object) -> bool:
    """Whether something is said, and not what is known; the first one ever is other than none."""
    return bool(said) and said != known


def _numbers(phones: Iterable[str]) -> set[str]:
    """Telephone numbers without their uses."""
    return {phone.rpartition(" ")[2] for phone in phones}


def _is_moved(known: Enrolment, said: Address | Enrolment) -> bool:
    """Whether a letter goes somewhere else now; it goes nowhere without a ZIP or a street."""
    if not (said.street or said.zip5):
        return False
    return not (known.street or known.zip5) or _lines(said) != _lines(known)


def _lines(of: Address | Enrolment) -> list[str]:
    return [" ".join(line.upper().split()) for line in (of.street, of.unit, of.city, of.state, of.zip5)]
