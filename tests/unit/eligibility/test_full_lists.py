"""Which of a file's full lists says who is in a plan."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.eligibility.intake.full_lists import FullList, FullPart, newest_lists, superseded
from services.eligibility.people.precedence import Stamp

MONDAY, TUESDAY = date(2021, 3, 1), date(2021, 3, 2)


def at(day: date, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(minutes=minute)


def a_part(
    day: date, minute: int = 0, plan: str = "prairie", sponsor: str = "1", *, ends_absent: bool = True
) -> FullPart:
    return FullPart(plan, sponsor, Stamp(at(day, minute)), day, ends_absent)


@pytest.mark.parametrize(
    ("edge", "parts", "lists", "older"),
    [
        ("one", [a_part(MONDAY)], [("prairie", at(MONDAY))], []),
        ("parts of one list", [a_part(MONDAY, 5), a_part(MONDAY)], [("prairie", at(MONDAY))], []),
        ("two days", [a_part(MONDAY), a_part(TUESDAY)], [("prairie", at(TUESDAY))], [0]),
        ("two days, the newer first", [a_part(TUESDAY), a_part(MONDAY)], [("prairie", at(TUESDAY))], [1]),
        ("two sponsors of a day", [a_part(MONDAY), a_part(MONDAY, 5, sponsor="2")], [("prairie", at(MONDAY))], []),
        ("two sponsors, one of them twice", [a_part(MONDAY), a_part(TUESDAY), a_part(TUESDAY, 5, sponsor="2")],
         [("prairie", at(TUESDAY))], [0]),
        ("two sponsors of two days", [a_part(TUESDAY), a_part(MONDAY, sponsor="2")], [("prairie", at(MONDAY))], []),
        ("over midnight", [a_part(MONDAY, 719), a_part(TUESDAY, -719)], [("prairie", at(MONDAY, 719))], []),
        ("half a day apart", [a_part(MONDAY, 0), a_part(MONDAY, 720)], [("prairie", at(TUESDAY, -720))], [0]),
        ("two plans", [a_part(TUESDAY), a_part(MONDAY, plan="north")],
         [("north", at(MONDAY)), ("prairie", at(TUESDAY))], []),
        ("one who lets absence say nothing", [a_part(MONDAY, ends_absent=False)], [], []),
    ],
)  # fmt: skip
def test_the_newest_list_of_each_plan(
    edge: str, parts: list[FullPart], lists: list[tuple[str, datetime]], older: list[int]
) -> None:
    """Parts within half a day, or of several sponsors, are one list, as old as its first part; another list of the same
    sponsor is newer or older."""
    assert [(one.plan, one.said.at) for one in newest_lists(parts)] == lists, edge
    assert superseded(parts) == older, edge


def test_a_list_without_an_instant() -> None:
    """Whoever stands in the file is in it; one with an instant is newer."""
    part = FullPart("prairie", "1", Stamp(), None)
    assert newest_lists([part]) == [FullList("prairie", Stamp(), None)]
    assert newest_lists([part, a_part(MONDAY)]) == [FullList("prairie", Stamp(at(MONDAY)), MONDAY)]
    assert superseded([part, a_part(MONDAY)]) == []
