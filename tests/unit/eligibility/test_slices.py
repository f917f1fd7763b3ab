"""A file's slices, and parts of one."""

from schemas.eligibility_v1 import FeedKind
from services.eligibility.feeds.records import (
    FeedSummary,
    Notice,
    PatientRecord,
    Position,
    Rejection,
    StatedPerson,
    VxuHeader,
)
from services.eligibility.intake.slices import Slice, slices

HEADER, SUMMARY = VxuHeader("SHIRE", "CAIR2"), FeedSummary(FeedKind.HL7_VXU, 6, 5, 1, (), is_complete=True)


def a_slice() -> Slice:
    """Rows 1 to 6 of a file, of which the third was rejected, with notices of the file itself and of row 4."""
    patients = [PatientRecord(Position(row, 10 * row), StatedPerson()) for row in (1, 2, 4, 5, 6)]
    notices = [Notice(row, 0, "field", "odd", "something even") for row in (0, 4)]
    rejection = Rejection(3, 30, "PID-7", "date", "a date")
    [found] = slices([HEADER, *notices, rejection, *patients, SUMMARY], 10, 0)
    return found


def test_parts_hold_each_item_once() -> None:
    """Of two parts the first has the headers and what is said of the file, the second one the summary, and every row
    and notice stands in one of them."""
    whole = a_slice()
    parts = [whole.within(whole.ordinals[:3]), whole.within(whole.ordinals[3:])]
    assert [(one.first_row, one.last_row, one.rows) for one in parts] == [(1, 3, 3), (4, 6, 3)]
    assert [one.headers for one in parts] == [[HEADER], []]
    assert [one.summary for one in parts] == [None, SUMMARY]
    assert [[notice.row for _, notice in one.notices] for one in parts] == [[0], [4]]
    assert [len(one.rejections) for one in parts] == [1, 0]


def test_a_slice_without_rows_is_a_part_of_itself() -> None:
    """A file that holds a header and no row has one slice, and that one part."""
    [whole] = slices([HEADER, SUMMARY], 10, 0)
    assert (len(whole.ordinals), whole.within(whole.ordinals)) == (0, whole)


def test_one_row_alone_can_be_rejected() -> None:
    """The last row by itself keeps the summary, and becomes a reject of its place."""
    whole = a_slice()
    alone = whole.within([6]).as_rejected()
    assert (alone.first_row, alone.last_row, alone.rows, alone.summary) == (6, 6, 1, SUMMARY)
    assert [(one.row, one.code) for one in alone.rejections] == [(6, "unstorable")]
