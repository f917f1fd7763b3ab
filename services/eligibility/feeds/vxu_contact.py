"""What a registry message says of how to reach its patient beside PID-13 and 14: a nickname, where letters go, and who
answers for him (NK1)."""

from collections.abc import Iterable

from services.eligibility.feeds.er7 import Field, Segment
from services.eligibility.feeds.records import Address, PersonName, Phone, Representative, StatedContact
from services.eligibility.feeds.values import phone, zip_code

RELATIONS = {"MTH": "parent", "FTH": "parent", "PAR": "parent", "GRD": "guardian", "SPO": "spouse"}
"""HL7 table 0063: who may answer for somebody. Others (a child, an emergency contact) are told of, and are no
representatives."""
EQUIPMENT_USES = {"CP": "mobile"}
PHONE_USES = {"PRN": "home", "ORN": "home", "WPN": "work", "PRS": "mobile"}
NICKNAME, MAILING = "N", "M"
HOMES = frozenset({"H", "P", "L", ""})
MOST_RELATIVES = 13


def stated_contact(pid: Segment, relatives: Iterable[Segment]) -> StatedContact | None:
    """None: nothing."""
    found = StatedContact(
        mailing=_mailing(pid),
        representatives=tuple(filter(None, map(_representative, relatives)))[:MOST_RELATIVES],
        preferred=next((field.part(2) for field in pid[5].repeats() if field.part(7).upper() == NICKNAME), ""),
    )
    return found if any(found) else None


def read_phone(field: Field, default: str) -> tuple[bool, Phone | None]:
    """Whether the field says a telephone number, and the number if it can be read."""
    text = field.part(6) + field.part(7) if field.part(7) else field.part(1)
    if field.part(2) == "NET" or not text:
        return False, None
    return True, phone(text, EQUIPMENT_USES.get(field.part(3)) or PHONE_USES.get(field.part(2), default))


def _representative(nk1: Segment) -> Representative | None:
    relation, name = RELATIONS.get(nk1[3].part(1).upper()), nk1[2]
    if relation is None or not name.part(1):
        return None
    phones = [number for field in nk1[5].repeats() if (number := read_phone(field, "home")[1])]
    called = PersonName(name.part(1), name.part(2), name.part(3), name.part(4))
    return Representative(relation, called, tuple(dict.fromkeys(phones)))


def _mailing(pid: Segment) -> Address | None:
    """Beside a home: alone it is where he lives, as far as anybody knows."""
    kinds = {field.part(7).upper(): field for field in pid[11].repeats()}
    field = kinds.get(MAILING)
    if field is None or not field.part(1) or HOMES.isdisjoint(kinds):
        return None
    zip5, zip4 = zip_code(field.part(5)) or ("", "")
    return Address(field.part(1), field.part(2), field.part(3), field.part(4), zip5, zip4)
