"""Which of a file's full lists says who is in a plan."""

from datetime import UTC, date, datetime

import pytest

from services.eligibility.intake.full_lists import FullList, FullPart, newest_lists, superseded
from services.eligibility.people.precedence import Stamp

MONDAY, TUESDAY = date(2021, 3, 1), date(2021, 3, 2)


def at(day: date, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, 12, minute, tzinfo=UTC)


def a_part(
    day: date, minute: int = 0, plan: str = "prairie", interchange: str = "1", *, ends_absent: bool = True
) -> FullPart:
    return FullPart(plan, interchange, Stamp(at(day, minute)), day, ends_absent)


@pytest.mark.parametrize(
    ("edge", "parts", "lists", "older"),
    [
        ("one", [a_part(MONDAY)], [("prairie", at(MONDAY))], []),
        ("parts of one list", [a_part(MONDAY, 5), a_part(MONDAY)], [("prairie", at(MONDAY))], []),
        ("two days", [a_part(MONDAY), a_part(TUESDAY)], [("prairie", at(TUESDAY))], [0]),
        ("two days, the newer first", [a_part(TUESDAY), a_part(MONDAY)], [("prairie", at(TUESDAY))], [1]),
        ("two interchanges of a day", [a_part(MONDAY), a_part(MONDAY, 5, interchange="2")],
         [("prairie", at(MONDAY, 5))], [0]),
        ("two plans", [a_part(TUESDAY), a_part(MONDAY, plan="north")],
         [("north", at(MONDAY)), ("prairie", at(TUESDAY))], []),
        ("one who lets absence say nothing", [a_part(MONDAY, ends_absent=False)], [], []),
    ],
)  # fmt: skip
def test_the_newest_list_of_each_plan(
    edge: str, parts: list[FullPart], lists: list[tuple[str, datetime]], older: list[int]
) -> None:
    """Parts of one interchange and day are one list, as old as its first part; another list is newer or older."""
    assert [(one.plan, one.said_at) for one in newest_lists(parts)] == lists, edge
    assert superseded(parts) == older, edge


def test_a_list_without_an_instant() -> None:
    """Whoever stands in the file is in it; one with an instant is newer."""
    part = FullPart("prairie", "1", Stamp(), None)
    assert newest_lists([part]) == [FullList("prairie", None, None)]
    assert newest_lists([part, a_part(MONDAY)]) == [FullList("prairie", at(MONDAY), MONDAY)]
    assert superseded([part, a_part(MONDAY)]) == []
