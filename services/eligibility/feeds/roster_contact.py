"""Who else stands in a member's loop, and where: his mailing address (2100C), where deliveries are left for him
(2100H), his custodial parent (2100F) and who answers for him (2100G)."""

from collections.abc import Callable

from services.eligibility.feeds.records import Address, PersonName, Phone, Representative, StatedContact
from services.eligibility.feeds.values import abroad, phone
from services.eligibility.feeds.x12 import Segment

MAILING, DROP_OFF = "31", "45"
RESPONSIBLE = {
    "S3": "custodial-parent", "S1": "parent", "GD": "guardian", "J6": "power-of-attorney",
    "LR": "legal-representative", "QD": "responsible-party", "E1": "legally-responsible", "X4": "spouse",
}  # fmt: skip
"""NM101 of 2100F and 2100G: by what somebody answers for the member. Others that stand there (a former spouse, a case
manager) may hear nothing of him."""
PHONE_USES = {"TE": "other", "HP": "home", "CP": "mobile", "WP": "work", "AP": "other"}
MAX_RESPONSIBLE = 13
"""As many as the guide allows; of more the first ones."""
IsWithheld = Callable[[str], bool]
ZipOf = Callable[[str, str], tuple[str, str]]


class RosterContact:
    """Sorts the segments that follow an NM1 which is not the member's own."""

    def __init__(self, is_withheld: IsWithheld) -> None:
        self._is_withheld = is_withheld
        self._kind = ""
        self._lines: dict[str, Segment] = {}
        self._places: dict[str, Segment] = {}
        self._people: list[tuple[str, PersonName, list[Phone]]] = []

    def begin(self, nm1: Segment) -> None:
        """Another NM1: what follows is of whom or what it names."""
        self._kind = _at(nm1, 1)
        if self._kind not in RESPONSIBLE:
            return
        family, given = _at(nm1, 3), _at(nm1, 4)
        is_told = bool(family) and not self._is_withheld(family) and not self._is_withheld(given)
        if is_told and len(self._people) < MAX_RESPONSIBLE:
            name = PersonName(family, given, _at(nm1, 5), _at(nm1, 7))
            self._people.append((RESPONSIBLE[self._kind], name, []))
        else:
            self._kind = ""

    def take(self, segment: Segment) -> bool:
        """A PER, N3 or N4 of it. No: a telephone in it can't be read."""
        if self._kind in {MAILING, DROP_OFF}:
            if segment[0] == "N3":
                self._lines[self._kind] = segment
            elif segment[0] == "N4":
                self._places[self._kind] = segment
        elif self._kind in RESPONSIBLE and segment[0] == "PER":
            return self._take_phones(segment)
        return True

    def _take_phones(self, per: Segment) -> bool:
        is_readable, phones = True, self._people[-1][2]
        for index in range(3, len(per) - 1, 2):
            kind, text = _at(per, index), _at(per, index + 1)
            if kind not in PHONE_USES or not text or self._is_withheld(text):
                continue
            number = phone(text, PHONE_USES[kind])
            is_readable = is_readable and number is not None
            if number is not None and number not in phones:
                phones.append(number)
        return is_readable

    def contact(self, zip_of: ZipOf) -> StatedContact | None:
        """All of it, if there is anything. `zip_of` reads the ZIP of a place, which has none abroad."""
        found = StatedContact(
            self._address(MAILING, zip_of),
            self._address(DROP_OFF, zip_of),
            tuple([Representative(relation, name, tuple(phones)) for relation, name, phones in self._people]),
        )
        return found if any(found) else None

    def _address(self, kind: str, zip_of: ZipOf) -> Address | None:
        lines, place = self._lines.get(kind, []), self._places.get(kind, [])
        street = _at(lines, 1)
        if not street or self._is_withheld(street):
            return None
        country = abroad(_at(place, 4), _at(place, 2))
        zip5, zip4 = zip_of(_at(place, 3), country)
        return Address(street, _at(lines, 2), _at(place, 1), _at(place, 2), zip5, zip4, country=country)


def _at(segment: Segment, index: int) -> str:
    return segment[index].strip(" ") if len(segment) > index else ""
