"""A doubtful row beside somebody whom it may mean: field by field, what both say and whether they agree. Pure."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from services.eligibility.feeds.records import IdType, RosterRecord
from services.eligibility.people.enrolment import Enrolment
from services.eligibility.people.identity import Likeness, dates_alike, texts_alike
from services.eligibility.people.matching import role_of

AGREES, SIMILAR, DIFFERS, UNSAID = "agrees", "similar", "differs", "unsaid"
_HOW = {
    Likeness.EQUAL: AGREES, Likeness.ALIKE: SIMILAR, Likeness.DIFFERENT: DIFFERS, Likeness.UNSAID: UNSAID,
}  # fmt: skip


class Compared(NamedTuple):
    """One field of both sides. `how`: agrees, similar (it may be a slip of the pen), differs, or unsaid by one."""

    field: str
    row: str
    member: str
    how: str


def compare(record: RosterRecord, known: Enrolment) -> list[Compared]:
    """The row and the member as the plan knows him today."""
    person, name, address = record.person, record.person.name, record.person.address
    own, family = person.identifier(IdType.MEMBER), person.identifier(IdType.SUBSCRIBER)
    phones = {phone.rpartition(" ")[2] for phone in known.phones}
    told = {phone.number for phone in person.phones}
    return [
        _plain("member-number", own.value if own else "", known.member_id),
        _plain("family-number", family.value if family else "", known.family_number),
        _text("family-name", name.family if name else "", known.family),
        _text("given-name", name.given if name else "", known.given),
        _text("middle-name", name.middle if name else "", known.middle),
        _text("suffix", name.suffix if name else "", known.suffix),
        Compared("birth-date", _day(person.birth_on), _day(known.birth_on),
                 _HOW[dates_alike(known.birth_on, person.birth_on)]),
        _plain("sex", "" if person.sex == "U" else person.sex, "" if known.sex == "U" else known.sex),
        _plain("role", role_of(record), known.role),
        _plain("street", address.street if address else "", known.street),
        _plain("city", address.city if address else "", known.city),
        _plain("zip", address.zip5 if address else "", known.zip5),
        _sets("telephone", told, phones),
        _plain("e-mail", person.email, known.email),
        *_former(record, known),
    ]  # fmt: skip


def compare_members(one: Enrolment, other: Enrolment) -> list[Compared]:
    """Two entries of members, each as its plan knows it today; the second one stands in the member's place."""
    phones = ({phone.rpartition(" ")[2] for phone in known.phones} for known in (one, other))
    return [
        _text("family-name", one.family, other.family),
        _text("given-name", one.given, other.given),
        _text("middle-name", one.middle, other.middle),
        _text("suffix", one.suffix, other.suffix),
        Compared("birth-date", _day(one.birth_on), _day(other.birth_on),
                 _HOW[dates_alike(other.birth_on, one.birth_on)]),
        _plain("sex", "" if one.sex == "U" else one.sex, "" if other.sex == "U" else other.sex),
        _plain("street", one.street, other.street),
        _plain("city", one.city, other.city),
        _plain("zip", one.zip5, other.zip5),
        _sets("telephone", *phones),
        _plain("e-mail", one.email, other.email),
    ]  # fmt: skip


def _former(record: RosterRecord, known: Enrolment) -> list[Compared]:
    """Who the row says that its person was before, beside who the member is today."""
    old = record.previous
    if old is None:
        return []
    born = _HOW[dates_alike(known.birth_on, old.birth_on)]
    return [
        _plain("prior-number", ", ".join(identifier.value for identifier in old.identifiers), known.member_id),
        _text("former-family-name", old.name.family if old.name else "", known.family),
        _text("former-given-name", old.name.given if old.name else "", known.given),
        Compared("former-birth-date", _day(old.birth_on), _day(known.birth_on), born),
    ]


def _text(field: str, row: str, member: str) -> Compared:
    return Compared(field, row, member, _HOW[texts_alike(member, row)])


def _plain(field: str, row: str, member: str) -> Compared:
    said, known = (" ".join(text.upper().split()) for text in (row, member))
    return Compared(field, row, member, UNSAID if not said or not known else AGREES if said == known else DIFFERS)


def _sets(field: str, row: Iterable[str], member: Iterable[str]) -> Compared:
    said, known = set(row), set(member)
    how = UNSAID if not said or not known else AGREES if said == known else SIMILAR if said & known else DIFFERS
    return Compared(field, ", ".join(sorted(said)), ", ".join(sorted(known)), how)


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""
