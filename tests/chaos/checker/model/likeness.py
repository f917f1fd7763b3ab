"""What a row and a member say of each other, as the rules are written: a number says where to look, name and birth date
say who it is. Everybody here is a subscriber with a number of his own."""

from dataclasses import dataclass
from datetime import date

from tests.chaos.checker.inputs.codes import normal
from tests.chaos.checker.inputs.records import MemberRow
from tests.chaos.checker.model.member import Enrolment

EQUAL, SLIP, UNSAID, OTHER = "equal", "slip", "unsaid", "other"
SAME, IN_PART, ANOTHER = "same", "in part", "another"
ADDED, CHANGED, ENDED = "021", "001", "024"
LISTS = frozenset({ADDED, "030"})
"""Actions that say who is in the plan; every other one speaks of somebody who is known."""

A_GENERATION, LEAST_LETTERS = 14, 3


@dataclass(frozen=True, slots=True)
class Described:
    """Who somebody is said to be, by a row that does this."""

    family: str
    given: str
    birth_on: date | None
    sex: str
    action: str


def described(row: MemberRow) -> Described:
    who = row.who
    return Described(who.family, who.given, who.birth_on, who.sex, row.action)


def described_before(row: MemberRow) -> list[Described]:
    """Who a row says that its person was; a former name without a birth date goes with today's or with none."""
    old, who = row.before, row.who
    if old is None:
        return []
    days = [old.birth_on] if old.birth_on else [who.birth_on, None] if old.is_named else [who.birth_on]
    family, given = (old.family, old.given or who.given) if old.is_named else (who.family, who.given)
    return [Described(family, given, on, who.sex, CHANGED) for on in days]


def verdict(known: Enrolment, said: Described) -> str:
    """Of a row under this member's number: it means him, somebody else, or fits in part."""
    family, given, birth = likenesses(known, said)
    is_whole = family == given == EQUAL
    if birth == EQUAL:
        contradicts = {known.sex, said.sex} == {"F", "M"}
        is_same = given != OTHER or (family != OTHER and not contradicts)
    elif birth == UNSAID:
        is_marriage = given == EQUAL and said.action != ADDED
        is_same = given != OTHER and (family != OTHER or is_marriage)
    else:
        is_same = is_whole and (birth == SLIP or said.action != ADDED)
        is_same |= family == given == UNSAID and birth == SLIP
    if is_same:
        return SAME
    return ANOTHER if given == birth == OTHER else IN_PART


def distance(known: Enrolment, said: Described) -> int:
    """Of several who fit, who agrees exactly comes first, then who bears the birth date."""
    return 0 if is_exact(known, said) else 1 if likenesses(known, said)[2] == EQUAL else 2


def is_exact(known: Enrolment, said: Described) -> bool:
    """Whether name and birth date are the same."""
    return set(likenesses(known, said)) == {EQUAL}


def still_bears(known: Enrolment, said: Described) -> bool:
    """Whether somebody who was once told of by this name and birth date may still be meant by them."""
    return OTHER not in likenesses(known, said)[1:]


def likenesses(known: Enrolment, said: Described) -> tuple[str, str, str]:
    """Of family name, given name and birth date."""
    family, given = names(known.family, said.family), names(known.given, said.given)
    return family, given, dates(known.birth_on, said.birth_on)


def names(known: str, said: str) -> str:
    one, other = sorted((normal(known), normal(said)), key=len)
    if not one:
        return UNSAID
    return EQUAL if one == other else SLIP if is_slip(one, other) else OTHER


def is_slip(short: str, long: str) -> bool:
    """The short form of a name, one letter more or other, or two neighbours swapped."""
    if len(short) < LEAST_LETTERS:
        return False
    if long.startswith(short):
        return True
    if len(long) == len(short) + 1:
        return any(long[:n] + long[n + 1 :] == short for n in range(len(long)))
    if len(long) > len(short):
        return False
    differ = [n for n, (one, other) in enumerate(zip(short, long, strict=True)) if one != other]
    if len(differ) == 1:
        return True
    return len(differ) == 2 and differ[1] == differ[0] + 1 and sorted(short) == sorted(long)


def dates(known: date | None, said: date | None) -> str:
    if known is None or said is None:
        return UNSAID
    if known == said:
        return EQUAL
    if abs(known.year - said.year) >= A_GENERATION:
        return OTHER
    one, other = (known.year, known.month, known.day), (said.year, said.month, said.day)
    parts = sum(a != b for a, b in zip(one, other, strict=True))
    return SLIP if parts == 1 or one == (other[0], other[2], other[1]) else OTHER
