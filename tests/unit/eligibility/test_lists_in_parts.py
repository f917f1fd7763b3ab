"""When a full list in several files is complete, and what its parts say together."""

from datetime import UTC, date, datetime

import pytest

from services.eligibility.intake.lists_in_parts import Part, Said, is_whole, together
from services.eligibility.people.precedence import Stamp

MONDAY, TUESDAY = date(2021, 3, 1), date(2021, 3, 2)


def said(file_no: int, plan: str = "prairie", hour: int = 6, **more: object) -> Said:
    stamp = Stamp(datetime(2021, 3, 1, hour, tzinfo=UTC), "PRAIRIE", file_no)
    usual: dict[str, object] = {"said_on": MONDAY, "before_no": file_no, "is_complete": True}
    return Said(file_no, plan, stamp, **(usual | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([(1, 1, 1)], True),
        ([(1, 1, 3), (2, 2, 3)], False),
        ([(1, 3, 3), (2, 1, 3), (5, 2, 3)], True),
        ([(1, 1, 2), (2, 1, 2)], False),
        ([(1, 1, 2), (2, 2, 2), (3, 1, 2)], True),
        ([(1, 1, 2), (2, 2, 3)], False),
        ([(1, 1, 2), (2, 2, 3), (3, 3, 3)], False),
        ([], False),
    ],
)
def test_a_list_is_whole_once_each_part_is_there(parts: list[tuple[int, int, int]], whole: bool) -> None:
    """In any order, a part twice counts once, and parts that say another number of parts are not of one list."""
    assert is_whole(Part(*one) for one in parts) is whole


def test_a_list_is_as_old_as_its_first_part() -> None:
    """Who stands in any of its files stands in the list: the first file, instant and day count."""
    parts = [Part(4, 2, 2), Part(7, 1, 2)]
    found = together(parts, [said(7, hour=5, said_on=TUESDAY), said(4, hour=9, before_no=2)])
    assert found == [Said(4, "prairie", said(7, hour=5).said, MONDAY, 2, is_complete=True)]


def test_each_plan_has_its_own_list() -> None:
    """A plan that stands in one part only is judged by that."""
    found = together([Part(1, 1, 2), Part(2, 2, 2)], [said(1), said(2), said(2, "lakeshore")])
    assert [(one.plan, one.before_no) for one in found] == [("lakeshore", 2), ("prairie", 1)]


def test_a_part_that_broke_off_may_have_listed_any_plan() -> None:
    """No plan's list is complete while a part is not; one that was sent again, whole, stands for it."""
    halved = [said(1, is_complete=False), said(2, "lakeshore")]
    assert not any(one.is_complete for one in together([Part(1, 1, 2), Part(2, 2, 2)], halved))
    again = [Part(1, 1, 2), Part(2, 2, 2), Part(3, 1, 2)]
    assert all(one.is_complete for one in together(again, [*halved, said(3)]))
