"""The checker knows files that were not read to their end, and what must not be said of them."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.checker.model.cut_short import why_wrong
from tests.chaos.checker.model.people_and_doses import take_files
from tests.flow.feeds import Row, a_member, a_roster

PROCESSED = {"state": "processed", "cut_short": None, "decision": None, "decided_by": None, "cursor_row": 9,
             "rows_rejected": 0, "rows_accepted": 9}  # fmt: skip
CANCELLED = {**PROCESSED, "state": "cancelled", "cut_short": "cancelled", "decision": "cancelled",
             "decided_by": "grover"}  # fmt: skip
STOPPED = {**PROCESSED, "state": "stopped", "cut_short": "too-many-rejects", "rows_rejected": 10_001}


@pytest.mark.parametrize(
    ("file", "more", "is_right"),
    [
        (PROCESSED, {}, True), (CANCELLED, {}, True), (STOPPED, {}, True),
        (PROCESSED, {"cut_short": "cancelled"}, False), (CANCELLED, {"cut_short": None}, False),
        (CANCELLED, {"decided_by": None}, False), (CANCELLED, {"decision": None}, False),
        (STOPPED, {"rows_rejected": 10_000}, False), (STOPPED, {"rows_accepted": 90_000}, False),
        (PROCESSED, {"rows_rejected": 10_001}, False),
        (PROCESSED, {"rows_rejected": 10_001, "rows_accepted": 90_000}, True),
    ],
)  # fmt: skip
def test_what_holds_of_a_file_that_was_cut_short(file: dict[str, Any], more: dict[str, Any], *, is_right: bool) -> None:
    """Its reason, who cancelled it, and that it ended at too many rejects: neither sooner nor later."""
    assert (why_wrong({**file, **more}) is None) is is_right


def test_what_was_read_counts_and_its_list_does_not(tmp_path: Path) -> None:
    """Of a full list that was cancelled behind its second row two members come, nobody leaves, and the corrected list
    may be older and bear the same numbers."""
    people = [a_member(plan="PRAIRIE", family=f"Waffle{letter}") for letter in "ABCDEFGHIJ"]
    first, cut = tmp_path / "first", tmp_path / "cut"
    first.write_bytes(a_roster(date(2021, 3, 1), *(Row(one) for one in people), is_full=True))
    cut.write_bytes(a_roster(date(2021, 3, 8), *(Row(one) for one in people[:3]), is_full=True))
    files = take_files([first, cut], rows=[PROCESSED | {"cursor_row": 10}, CANCELLED | {"cursor_row": 2}])
    assert [len(one.rows) for one in files.read] == [10, 2]
    assert files.people.lists[2] == []
    assert all(one.reaches(date(2021, 3, 9)) for one in files.people.enrolments())
    whole = take_files([first, cut], rows=[PROCESSED | {"cursor_row": 10}, PROCESSED | {"cursor_row": 3}])
    assert [one.state for one in whole.people.lists[2]] == ["too-many"]
