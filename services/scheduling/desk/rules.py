"""Whom a site expects on a day, and who of them stands there. Pure."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from schemas.member_contact_v1 import AddressKind, ContactDetails, ContactName
from schemas.scheduling_v1 import AppointmentStatus as Status
from services.scheduling.appointments.rules import Appointment

NAMED = frozenset({Status.BOOKED, Status.FULFILLED, Status.NOSHOW})
"""Of whom the day list says who it is: whoever is or was expected on that day, and not whose booking is off."""


@dataclass(frozen=True, slots=True)
class Expected:
    """An appointment of a site's day with the product of its slot and, as far as it is known and may be shown, whose it
    is."""

    appointment: Appointment
    cvx: str | None
    details: ContactDetails | None = None


class Said(NamedTuple):
    """Who somebody says that he is."""

    family: str
    given: str
    birth_on: date


def for_desk(details: ContactDetails) -> ContactDetails:
    """What a site needs to know who somebody is; by what he is reached stays with whoever contacts him."""
    home = tuple(one for one in details.addresses if one.kind is AddressKind.RESIDENCE)
    return ContactDetails(name=details.name, birth_on=details.birth_on, addresses=home)


def is_named(appointment: Appointment, own_on: date) -> bool:
    """Whether the desk may know whose appointment it is: on its day, by the site's calendar, and on no other."""
    return appointment.start_on == own_on and appointment.status in NAMED


def called(said: Said, expected: Iterable[Expected]) -> list[Expected]:
    """Those of that name and birth date who are still to come."""
    return [
        one
        for one in expected
        if one.appointment.status is Status.BOOKED and one.details is not None and _is(said, one.details)
    ]


def _is(said: Said, details: ContactDetails) -> bool:
    name = details.name
    if name is None or details.birth_on != said.birth_on or _letters(name.family) != _letters(said.family):
        return False
    return _letters(said.given) in {_letters(name.given), _letters(name.preferred)} - {""}


_STROKES = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})


def _letters(text: str) -> str:
    """As it is heard: without capitals, accents, strokes, blanks and signs."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_STROKES))
    return "".join(letter for letter in plain if letter.isalnum())


def full_name(name: ContactName) -> str:
    """As it is written on a list."""
    given = " ".join(part for part in (name.given, name.middle, name.suffix) if part)
    return f"{name.family}, {given}" if given else name.family
