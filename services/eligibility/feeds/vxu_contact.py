"""What a registry message says of how to reach its patient beside PID-13 and 14: a nickname, where letters go, and who
answers for him (NK1)."""

from collections.abc import Iterable
from datetime import date

from services.eligibility.feeds.er7 import Field, Segment
from services.eligibility.feeds.records import Address, PersonName, Phone, Representative, StatedContact
from services.eligibility.feeds.values import abroad, day, phone, zip_code

RELATIONS = {"MTH": "parent", "FTH": "parent", "PAR": "parent", "GRD": "guardian", "SPO": "spouse"}
"""HL7 table 0063: who may answer for somebody. Others (a child, an emergency contact) are told of, and are no
representatives."""
# De-identified extracts write this in place of what they took away.
REDACTED = "REDACTED"
NO_TELEPHONES = frozenset({"FX", "MD", "BP", "TDD"})
"""HL7 table 0202: what nobody answers who is called and speaks."""
NOT_HIS = frozenset({"NET", "EMR", "BPN", "VHN"})
"""HL7 table 0201: an e-mail address, or where somebody else answers."""
EQUIPMENT_USES = {"CP": "mobile"}
PHONE_USES = {"PRN": "home", "ORN": "home", "WPN": "work", "PRS": "mobile"}
NICKNAME, MAILING = "N", "M"
HOMES = frozenset({"H", "P", "L", ""})
MOST_RELATIVES = 13


def said(text: str) -> str:
    """Nothing where it was taken away."""
    return "" if text.upper() == REDACTED else text


def stated_contact(pid: Segment, relatives: Iterable[Segment], sent_on: date | None) -> StatedContact | None:
    """None: nothing."""
    current = (nk1 for nk1 in relatives if not _is_past(nk1, sent_on))
    found = StatedContact(
        mailing=_mailing(pid),
        representatives=tuple(filter(None, map(_representative, current)))[:MOST_RELATIVES],
        preferred=next((said(field.part(2)) for field in pid[5].repeats() if field.part(7).upper() == NICKNAME), ""),
    )
    return found if any(found) else None


def read_phone(field: Field, default: str) -> tuple[bool, Phone | None]:
    """Whether the field says a telephone number, and the number if it can be read."""
    number = said(field.part(7))
    text = said(field.part(6)) + number if number else said(field.part(1))
    if field.part(2).upper() in NOT_HIS or field.part(3).upper() in NO_TELEPHONES or not text:
        return False, None
    return True, phone(text, EQUIPMENT_USES.get(field.part(3)) or PHONE_USES.get(field.part(2), default))


def _is_past(nk1: Segment, sent_on: date | None) -> bool:
    """Whether NK1-9 says that it is over, as of the day of the message."""
    ended_on = day(nk1[9].part(1)[:8])
    return ended_on is not None and (sent_on is None or ended_on < sent_on)


def _representative(nk1: Segment) -> Representative | None:
    relation, name = RELATIONS.get(nk1[3].part(1).upper()), nk1[2]
    if relation is None or not said(name.part(1)):
        return None
    phones = [number for field in nk1[5].repeats() if (number := read_phone(field, "home")[1])]
    called = PersonName(name.part(1), said(name.part(2)), said(name.part(3)), name.part(4))
    return Representative(relation, called, tuple(dict.fromkeys(phones)))


def _mailing(pid: Segment) -> Address | None:
    """Beside a home: alone it is where he lives, as far as anybody knows."""
    kinds = {field.part(7).upper(): field for field in pid[11].repeats()}
    field = kinds.get(MAILING)
    if field is None or not said(field.part(1)) or HOMES.isdisjoint(kinds):
        return None
    country = abroad(said(field.part(6)), field.part(4))
    zip5, zip4 = (None if country else zip_code(field.part(5))) or ("", "")
    return Address(field.part(1), said(field.part(2)), said(field.part(3)), field.part(4), zip5, zip4)
