"""Whom a record is about: an identifier never alone, names only exactly."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.eligibility.people.linkage import Candidate, Index, Subject, link, link_and_tie, match_key, normal

BORN = date(1940, 5, 1)
OMA, OPA = UUID(int=1), UUID(int=2)
MRN = ("MR", "NIST-MPI-1", "89778")
SR = ("SR", "CAIR", "C-1")


def an_index(
    *people: Candidate, ids: dict[tuple[str, str, str], set[UUID]] | None = None, zip5: str = "90011"
) -> Index:
    by_key: dict[str, set[UUID]] = {}
    for one in people:
        by_key.setdefault(match_key(one.family, one.given, one.birth_on, zip5), set()).add(one.member_token)
    return Index(ids or {}, by_key, {one.member_token: [one] for one in people})


def oma(**changes: Any) -> Candidate:
    values: dict[str, Any] = {
        "member_token": OMA,
        "family": "Sesame",
        "given": "Oma",
        "birth_on": BORN,
        "sex": "F",
        **changes,
    }
    return Candidate(**values)


def said(**changes: Any) -> Subject:
    oma = Subject(family="SESAME", given="OMA", birth_on=BORN, zip5="90011", sex="F")
    return oma._replace(**changes)


@pytest.mark.parametrize(
    ("edge", "subject", "member_token"),
    [
        ("exact", said(), OMA),
        ("case, accents, hyphens and blanks don't matter", said(family="Sé-same ", given="oma"), OMA),
        ("a typo", said(given="Omma"), None),
        ("another ZIP", said(zip5="90012"), None),
        ("no ZIP", said(zip5=""), None),
        ("another birth date", said(birth_on=date(1940, 1, 5)), None),
        ("no given name", said(given=""), None),
    ],
)
def test_by_name(edge: str, subject: Subject, member_token: UUID | None) -> None:
    """Name, birth date and ZIP must all be said and agree."""
    assert link([subject], an_index(oma()))[0].member_token == member_token, edge


@pytest.mark.parametrize(
    ("edge", "changes", "member_token"),
    [
        ("number and birth date", {"family": "", "given": "", "zip5": ""}, OMA),
        ("a typo in the name", {"given": "Omma", "zip5": ""}, OMA),
        ("married name", {"family": "Street", "zip5": ""}, OMA),
        ("another birth date", {"family": "", "given": "", "birth_on": date(1940, 5, 2)}, None),
        ("no birth date", {"family": "", "given": "", "birth_on": None}, None),
        ("the other sex", {"family": "", "given": "", "sex": "M"}, None),
        ("sex unknown", {"family": "", "given": "", "sex": "U"}, OMA),
        ("swapped names", {"family": "Oma", "given": "Sesame", "zip5": ""}, OMA),
        ("another family and given name", {"family": "Monster", "given": "Cookie"}, None),
    ],
)
def test_by_identifier(edge: str, changes: dict[str, object], member_token: UUID | None) -> None:
    """A number links with the same birth date, where neither sex nor the whole name speak against it."""
    index = an_index(oma(), ids={SR: {OMA}})
    assert link([said(identifiers=(SR,), **changes)], index)[0].member_token == member_token, edge


def test_a_reused_number_is_told_apart_by_birth_date() -> None:
    """One MRN of two people links each to his own; of two born on one day to neither."""
    opa = Candidate(OPA, "Sesame", "Opa", date(1938, 1, 1), "M")
    index = an_index(oma(), opa, ids={MRN: {OMA, OPA}})
    nameless = Subject((MRN,), birth_on=date(1938, 1, 1))
    assert link([nameless], index)[0].member_token == OPA
    twins = an_index(oma(), oma(member_token=OPA, given="Opa", sex="U"), ids={MRN: {OMA, OPA}})
    assert link([Subject((MRN,), birth_on=BORN)], twins)[0] == link([Subject((MRN,), birth_on=BORN)], twins)[0]
    assert link([Subject((MRN,), birth_on=BORN)], twins)[0].how == "ambiguous"


@pytest.mark.parametrize("kind", ["SN", "SS"])
def test_a_familys_number_says_nothing(kind: str) -> None:
    """A subscriber's number and a social security number are shared, and never link."""
    shared = (kind, "LAKESHORE", "77")
    assert link([Subject((shared,), birth_on=BORN)], an_index(oma(), ids={shared: {OMA}}))[0].member_token is None


def test_a_name_ties_the_number_for_those_who_follow_and_went_before() -> None:
    """Within one batch, a record with a number only is linked by another's name; a typo ties nothing."""
    nameless = Subject((SR,), birth_on=BORN)
    links, ties = link_and_tie([nameless, said(identifiers=(SR,)), nameless], an_index(oma()))
    assert [one.member_token for one in links] == [OMA, OMA, OMA]
    assert ties == {(SR, OMA)}
    other = ("SR", "CAIR", "C-2")
    links, ties = link_and_tie([said(identifiers=(SR, other), given="Omma")], an_index(oma(), ids={SR: {OMA}}))
    assert (links[0].how, ties) == ("identifier", set())


def test_names_are_brought_to_one_form() -> None:
    """Letters only, upper case, without accents."""
    assert normal("d'Ángelo-Núñez Jr.") == "DANGELONUNEZJR"
    assert match_key("Sesame", "Oma", None, "90011") == ""


def test_a_name_that_was_corrected_is_nobodys() -> None:
    """A key under which somebody was reported by mistake links no record to the person, who bears another name now."""
    index = an_index(oma())
    corrected = Index({}, index.by_key, {OMA: [oma(family="Hill", given="Vera", birth_on=date(1951, 5, 5))]})
    assert link([said()], corrected)[0].member_token is None
    renamed = Index({}, index.by_key, {OMA: [oma(family="Hill")]})
    assert link([said()], renamed)[0].member_token == OMA
