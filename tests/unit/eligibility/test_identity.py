"""What a row and a known member say of each other: numbers lead there, names and birth dates decide."""

from datetime import date
from uuid import UUID

import pytest

from services.eligibility.feeds.records import Maintenance
from services.eligibility.people.enrolment import DEPENDANT, SUBSCRIBER, Enrolment
from services.eligibility.people.identity import (
    DOUBTFUL,
    OTHER,
    SAME,
    Described,
    Likeness,
    Verdict,
    by_family_number,
    by_own_number,
    likenesses,
    may_be_renamed,
)

BORN = date(1950, 2, 3)
ADD, CHANGE, AUDIT = Maintenance.ADD, Maintenance.CHANGE, Maintenance.AUDIT


def known(**changes: object) -> Enrolment:
    values = {"family": "Stone", "given": "Rose", "birth_on": BORN, "sex": "F", "role": SUBSCRIBER, **changes}
    return Enrolment(UUID(int=1), UUID(int=2), "acme", "M1")._replace(**values)  # type: ignore[arg-type]


def said(how: Maintenance = CHANGE, **changes: object) -> Described:
    values = {"family": "STONE", "given": "ROSE", "suffix": "", "birth_on": BORN, "sex": "F", "role": SUBSCRIBER}
    return Described(**{**values, "maintenance": how, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("edge", "row", "verdict"),
    [
        ("the same", said(), SAME),
        ("a marriage", said(family="HILL"), SAME),
        ("a typo in the given name", said(given="ROES"), SAME),
        ("another given name in the family", said(given="VERA"), SAME),
        ("another given name of the other sex", said(given="PAUL", sex="M"), DOUBTFUL),
        ("only the birth date", said(family="HILL", given="VERA"), DOUBTFUL),
        ("another sex", said(sex="M"), SAME),
        ("no birth date", said(birth_on=None), SAME),
        ("no birth date and another family name", said(birth_on=None, family="HILL"), SAME),
        ("the same, added", said(ADD, birth_on=None, family="HILL"), DOUBTFUL),
        ("no birth date and another given name", said(birth_on=None, given="VERA"), DOUBTFUL),
        ("no name", said(family="", given=""), SAME),
        ("neither name nor birth date", said(family="", given="", birth_on=None), SAME),
        ("no name and another birth date", said(family="", given="", birth_on=date(1980, 7, 7)), DOUBTFUL),
        ("a slip in the birth date", said(birth_on=date(1950, 3, 2)), SAME),
        ("another birth date", said(birth_on=date(1980, 7, 7)), SAME),
        ("the same, added", said(ADD, birth_on=date(1980, 7, 7)), DOUBTFUL),
        ("a new family name and birth date", said(family="STONES", birth_on=date(1950, 2, 13)), DOUBTFUL),
        ("a new given name and a slip", said(given="VERA", birth_on=date(1950, 2, 13)), DOUBTFUL),
        ("a new given name and birth date", said(given="VERA", birth_on=date(1980, 7, 7)), OTHER),
        ("everything new", said(family="HILL", given="VERA", birth_on=date(1980, 7, 7)), OTHER),
    ],
)
def test_by_a_number_of_ones_own(edge: str, row: Described, verdict: Verdict) -> None:
    """A number with one more agreement is the member's; another given name and birth date are somebody else's."""
    assert by_own_number(known(), row) is verdict, edge


def test_senior_is_not_junior() -> None:
    """Two suffixes with two birth dates are two people, under any number."""
    senior, junior = known(suffix="SR"), said(suffix="JR", birth_on=date(1980, 7, 7))
    assert (by_own_number(senior, junior), by_family_number(senior, junior)) == (OTHER, OTHER)


@pytest.mark.parametrize(
    ("edge", "member", "row", "verdict"),
    [
        ("name and birth date", known(), said(family="HILL"), SAME),
        ("the subscriber of that name, without a birth date", known(), said(role=DEPENDANT, birth_on=None), DOUBTFUL),
        ("the subscriber of that name, born later", known(), said(role=DEPENDANT, birth_on=date(1980, 2, 3)), OTHER),
        ("the subscriber", known(), said(role=DEPENDANT, given="EVA", birth_on=date(1980, 2, 3)), OTHER),
        ("a dependant, without a birth date", known(role=""), said(birth_on=None), SAME),
        ("of another family name", known(role=""), said(birth_on=None, family="HILL"), DOUBTFUL),
        ("the same name of another birth date", known(role=""), said(birth_on=date(1980, 7, 7)), DOUBTFUL),
        ("a twin who is added", known(role=""), said(ADD, given="RISE"), OTHER),
        ("a twin in a list", known(role=""), said(AUDIT, given="VERA"), OTHER),
        ("a name in a list that is almost the same", known(role=""), said(AUDIT, given="RISE"), DOUBTFUL),
        ("another name of the same birth date", known(role=""), said(given="VERA"), DOUBTFUL),
        ("a brother of the same birth date", known(role=""), said(given="PAUL", sex="M"), OTHER),
        ("a sister", known(role=""), said(given="VERA", birth_on=date(1953, 7, 7)), OTHER),
        ("somebody without a birth date", known(role=""), said(given="VERA", birth_on=None), DOUBTFUL),
    ],
)
def test_by_a_number_of_the_family(edge: str, member: Enrolment, row: Described, verdict: Verdict) -> None:
    """A family's number says nothing by itself: given name and birth date must both agree."""
    assert by_family_number(member, row) is verdict, edge


@pytest.mark.parametrize(
    ("given", "row", "may"),
    [
        ("Babyboy", said(given="THEO"), True),
        ("Newborn A", said(given="THEO"), True),
        ("Babyboy", said(given="THEO", sex="M"), False),
        ("Babyboy", said(given="THEO", birth_on=date(1950, 2, 4)), False),
        ("Leo", said(given="THEO"), False),
    ],
)
def test_a_newborn_gets_a_name(given: str, row: Described, may: bool) -> None:
    """Only what stands for a name gives way to one."""
    assert may_be_renamed(known(given=given, role=DEPENDANT), row) is may


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        ("Jon", "Jonathan", Likeness.ALIKE), ("Jane", "Janne", Likeness.ALIKE), ("Jane", "Jnae", Likeness.ALIKE),
        ("Jane", "Joan", Likeness.DIFFERENT), ("Al", "Alan", Likeness.DIFFERENT), ("", "Jane", Likeness.UNSAID),
        ("O'Neil", "ONEIL", Likeness.EQUAL), ("José", "JOSE", Likeness.EQUAL), ("Tim", "Jim", Likeness.ALIKE),
    ],
)  # fmt: skip
def test_names_are_compared_by_their_letters(one: str, other: str, likeness: Likeness) -> None:
    """One letter, two swapped, or a short form may be a slip."""
    assert likenesses(known(given=one), said(given=other))[1] is likeness
    assert likenesses(known(given=other), said(given=one))[1] is likeness


@pytest.mark.parametrize(
    ("day", "likeness"),
    [
        (date(1950, 3, 2), Likeness.ALIKE), (date(1950, 2, 13), Likeness.ALIKE), (date(1960, 2, 3), Likeness.ALIKE),
        (date(1980, 2, 3), Likeness.DIFFERENT), (date(1950, 4, 5), Likeness.DIFFERENT), (None, Likeness.UNSAID),
    ],
)  # fmt: skip
def test_a_birth_date_may_be_a_slip(day: date | None, likeness: Likeness) -> None:
    """One part other, or day and month swapped; a generation is no slip."""
    assert likenesses(known(), said(birth_on=day))[2] is likeness
