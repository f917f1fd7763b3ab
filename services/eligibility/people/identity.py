"""What a roster's row and a known member say of each other: the same person, somebody else, or not to be told. Pure.

A number is where to look, never who it is: names and birth dates decide, and the role in the family.
"""

from datetime import date
from enum import Enum, IntEnum
from typing import NamedTuple
from uuid import UUID

from services.eligibility.feeds.records import Maintenance, PersonName
from services.eligibility.people.enrolment import DEPENDANT, SUBSCRIBER, Enrolment
from services.eligibility.people.linkage import normal

LISTS = frozenset({Maintenance.ADD, Maintenance.AUDIT})
"""What says who is in the plan; every other row speaks of somebody who is known already."""

NEWBORN = ("BABY", "NEWBORN", "INFANT", "BOY", "GIRL")
"""What stands for a given name until a child has one."""

GENERATION_YEARS = 14
SHORTEST = 3


class Verdict(Enum):
    SAME = "same"
    DOUBTFUL = "doubtful"
    OTHER = "other"


SAME, DOUBTFUL, OTHER = Verdict.SAME, Verdict.DOUBTFUL, Verdict.OTHER


class Likeness(IntEnum):
    """How two values compare; `ALIKE` may be a slip of the pen."""

    DIFFERENT = 0
    ALIKE = 1
    UNSAID = 2
    EQUAL = 3


class Doubt(NamedTuple):
    """Why a row waits for a person: the field that does not fit, what would, the same as a code, and whom it may
    mean."""

    field: str
    expected: str
    code: str = ""
    tokens: frozenset[UUID] = frozenset()


class Described(NamedTuple):
    """Who a row says that somebody is."""

    family: str
    given: str
    suffix: str
    birth_on: date | None
    sex: str
    role: str
    maintenance: Maintenance

    @classmethod
    def of(cls, name: PersonName | None, birth_on: date | None, sex: str, role: str, how: Maintenance) -> "Described":
        name = name or PersonName("")
        return cls(name.family, name.given, name.suffix, birth_on, sex, role, how)

    @classmethod
    def of_enrolment(cls, known: Enrolment) -> "Described":
        """Who a plan's entry says that somebody is."""
        how = Maintenance.AUDIT
        return cls(known.family, known.given, known.suffix, known.birth_on, known.sex, known.role, how)


def by_own_number(known: Enrolment, said: Described) -> Verdict:
    """Of a row that bears this member's own number. A dependant's row does not mean the subscriber by it."""
    family, given, birth = likenesses(known, said)
    if {known.role, said.role} == {SUBSCRIBER, DEPENDANT}:
        return by_family_number(known, said)
    if birth is Likeness.EQUAL:
        return _by_birth(known, said, family, given)
    if birth is Likeness.UNSAID:
        return _by_name(said, family, given)
    return _by_slip(known, said, family, given, birth)


def _by_birth(known: Enrolment, said: Described, family: Likeness, given: Likeness) -> Verdict:
    """Women marry and clerks mistype: one name that agrees is enough, where the sexes do not speak against it."""
    if given is not Likeness.DIFFERENT:
        return SAME
    return DOUBTFUL if family is Likeness.DIFFERENT or _sexes_differ(known, said) else SAME


def _by_name(said: Described, family: Likeness, given: Likeness) -> Verdict:
    """Without a birth date the whole name must agree; a new family name alone may come of a marriage."""
    if given is Likeness.DIFFERENT:
        return DOUBTFUL
    if family is not Likeness.DIFFERENT:
        return SAME
    return SAME if given is Likeness.EQUAL and said.maintenance is not Maintenance.ADD else DOUBTFUL


def _by_slip(known: Enrolment, said: Described, family: Likeness, given: Likeness, birth: Likeness) -> Verdict:
    """Another birth date under the same name corrects it; with another given name it is somebody else."""
    if family is given is Likeness.EQUAL:
        if _suffixes_differ(known, said):
            return OTHER
        return SAME if birth is Likeness.ALIKE or said.maintenance is not Maintenance.ADD else DOUBTFUL
    if family is given is Likeness.UNSAID and birth is Likeness.ALIKE:
        return SAME
    return OTHER if given is birth is Likeness.DIFFERENT else DOUBTFUL


def by_family_number(known: Enrolment, said: Described) -> Verdict:
    """Of a row that bears the number of this member's family: it leads to everybody in it, so name and birth date
    must both agree."""
    family, given, birth = likenesses(known, said)
    if given is birth is Likeness.EQUAL:
        return SAME
    if {known.role, said.role} == {SUBSCRIBER, DEPENDANT}:
        is_maybe = given is family is Likeness.EQUAL and birth in {Likeness.UNSAID, Likeness.ALIKE}
        return DOUBTFUL if is_maybe else OTHER
    if given is Likeness.UNSAID:
        return OTHER if birth is Likeness.DIFFERENT else DOUBTFUL
    if given is Likeness.EQUAL:
        return _namesake(known, said, family, birth)
    return _sibling(known, said, given, birth)


def _namesake(known: Enrolment, said: Described, family: Likeness, birth: Likeness) -> Verdict:
    if birth is Likeness.UNSAID:
        return SAME if family is Likeness.EQUAL and not _suffixes_differ(known, said) else DOUBTFUL
    differs = family is birth is Likeness.DIFFERENT
    return OTHER if differs or _suffixes_differ(known, said) else DOUBTFUL


def _sibling(known: Enrolment, said: Described, given: Likeness, birth: Likeness) -> Verdict:
    """Another given name of one birth date is a twin where the row lists him, and a doubt where it changes him."""
    if birth is Likeness.DIFFERENT or (birth is Likeness.ALIKE and given is Likeness.DIFFERENT):
        return OTHER
    if said.maintenance is Maintenance.ADD or (birth is Likeness.EQUAL and _sexes_differ(known, said)):
        return OTHER
    if said.maintenance is Maintenance.AUDIT:
        return DOUBTFUL if given is Likeness.ALIKE and birth is Likeness.EQUAL else OTHER
    return DOUBTFUL


def may_be_renamed(known: Enrolment, said: Described) -> bool:
    """Whether this is a newborn who had no name yet and now gets one."""
    family, given, birth = likenesses(known, said)
    no_name = normal(known.given).startswith(NEWBORN)
    return (
        no_name and given is not Likeness.EQUAL and birth is family is Likeness.EQUAL and not _sexes_differ(known, said)
    )


def is_namely(known: Enrolment, said: Described) -> bool:
    """Whether somebody who was once reported under this name and birth date still may be meant by them."""
    _, given, birth = likenesses(known, said)
    return Likeness.DIFFERENT not in {given, birth}


def agrees_exactly(known: Enrolment, said: Described) -> bool:
    """Whether name and birth date are the same, and the suffix where both say one."""
    return set(likenesses(known, said)) == {Likeness.EQUAL} and not _suffixes_differ(known, said)


def distance(known: Enrolment, said: Described) -> int:
    """Of several who may be the same: who agrees exactly comes first, then who bears the birth date."""
    if agrees_exactly(known, said):
        return 0
    return 1 if dates_alike(known.birth_on, said.birth_on) is Likeness.EQUAL else 2


def likenesses(known: Enrolment, said: Described) -> tuple[Likeness, Likeness, Likeness]:
    """Of family name, given name and birth date."""
    return (
        texts_alike(known.family, said.family),
        texts_alike(known.given, said.given),
        dates_alike(known.birth_on, said.birth_on),
    )


def texts_alike(known: str, said: str) -> Likeness:
    """How two names compare."""
    known, said = normal(known), normal(said)
    if not known or not said:
        return Likeness.UNSAID
    if known == said:
        return Likeness.EQUAL
    return Likeness.ALIKE if _is_slip(*sorted((known, said), key=len)) else Likeness.DIFFERENT


def _is_slip(short: str, long: str) -> bool:
    """One letter more, less or other, two swapped, or the short form of a name."""
    if len(short) < SHORTEST:
        return False
    if long.startswith(short):
        return True
    start = next((n for n, (letter, other) in enumerate(zip(short, long, strict=False)) if letter != other), len(short))
    short, long = short[start:], long[start:]
    if len(short) < len(long):
        return short == long[1:]
    swapped = len(short) > 1 and short[1] + short[0] + short[2:] == long
    return len(short) == len(long) and (short[1:] == long[1:] or swapped)


def dates_alike(known: date | None, said: date | None) -> Likeness:
    """How two birth dates compare."""
    if known is None or said is None:
        return Likeness.UNSAID
    if known == said:
        return Likeness.EQUAL
    if abs(known.year - said.year) >= GENERATION_YEARS:
        return Likeness.DIFFERENT
    parts = sum(part != other for part, other in zip(known.timetuple()[:3], said.timetuple()[:3], strict=True))
    swapped = (known.year, known.month, known.day) == (said.year, said.day, said.month)
    return Likeness.ALIKE if parts == 1 or swapped else Likeness.DIFFERENT


def _sexes_differ(known: Enrolment, said: Described) -> bool:
    return {known.sex, said.sex} == {"F", "M"}


def _suffixes_differ(known: Enrolment, said: Described) -> bool:
    """Senior and junior, where both are said."""
    mine, yours = normal(known.suffix), normal(said.suffix)
    return bool(mine and yours) and mine != yours
