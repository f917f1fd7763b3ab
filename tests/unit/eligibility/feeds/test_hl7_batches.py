"""Batches of messages: their counts, their trailers, and where they were cut off."""

from datetime import UTC, datetime

import pytest

from services.eligibility.feeds.records import (
    EventKey,
    VxuHeader,
)
from tests.unit.eligibility.feeds.builders import (
    a_dose,
    a_vxu,
    codes,
    doses,
    items_of,
    rejections,
    summary,
)

FHS = b"FHS|^~\\&|REG|IIS||VCC|20260105090000||||F-1\r"
BHS = b"BHS|^~\\&|REG|IIS||VCC|20260105090000||||B-1\r"


def test_a_batch_of_nothing_says_so() -> None:
    """Frames without a message are no silent success, unless the trailer counts none."""
    assert codes(items_of(FHS + BHS + b"BTS|1\rFTS|1\r")) >= {("file", "no-messages")}
    assert not codes(items_of(FHS + BHS + b"BTS|0\rFTS|1\r"))


def test_a_batch_with_right_counts_is_complete() -> None:
    """FHS, BHS, BTS and FTS frame the messages and count them."""
    items = items_of(FHS + BHS + a_vxu(a_dose()) * 3 + b"BTS|3\rFTS|1\r")
    assert items[0] == VxuHeader("IIS", "VCC", "F-1", datetime(2026, 1, 5, 15, tzinfo=UTC), is_batch=True)
    assert len(doses(items)) == 3
    assert summary(items).is_complete


@pytest.mark.parametrize(
    ("trailer", "field", "code"),
    [
        (b"BTS|4\rFTS|1\r", "BTS-1", "message-count"),
        (b"BTS|3\rFTS|2\r", "FTS-1", "batch-count"),
    ],
)
def test_a_wrong_count_of_a_batch_is_told(trailer: bytes, field: str, code: str) -> None:
    """Lost messages show in the counts, and the messages that came are kept."""
    items = items_of(FHS + BHS + a_vxu(a_dose()) * 3 + trailer)
    assert codes(items) == {(field, code)}
    assert len(doses(items)) == 3
    assert not summary(items).is_complete


def test_the_last_row_of_a_batch_without_its_trailer_is_not_believed() -> None:
    """What follows a row proves it whole; where the trailer is missing nothing does."""
    items = items_of(FHS + BHS + a_vxu(a_dose()) * 3)
    assert codes(items) == {("file", "truncated")}
    assert [one.position.row for one in doses(items)] == [1, 2]
    assert not summary(items).is_complete


def test_a_batch_cut_within_a_message_keeps_the_doses_before_the_cut() -> None:
    """Only the last dose that came is in doubt, not the ones before it in the same message."""
    data = FHS + BHS + a_vxu(a_dose(), a_dose("ORC|RE||D-2^IIS"), a_dose("ORC|RE||D-3^IIS"))
    items = items_of(data[: data.rindex(b"RXR")])
    assert [one.event for one in doses(items)] == [EventKey("D-1", "IIS"), EventKey("D-2", "IIS")]
    assert [(one.row, one.code) for one in rejections(items)] == [(3, "truncated")]


def test_batches_in_a_file_are_counted_each() -> None:
    """BTS counts its own batch, FTS the batches."""
    batch = BHS + a_vxu(a_dose()) * 2 + b"BTS|2\r"
    items = items_of(FHS + batch + batch + b"FTS|2\r")
    assert summary(items).is_complete
    assert len(doses(items)) == 4


def test_a_dose_cut_off_by_the_end_of_the_file_is_not_believed() -> None:
    """A segment that lost its status could be a refusal."""
    data = a_vxu(a_dose(), a_dose("ORC|RE||D-2^IIS", completion="RE", reason="03"))
    items = items_of(data[: data.rindex(b"|RE|A")])
    assert [one.event for one in doses(items)] == [EventKey("D-1", "IIS")]
    assert [(one.row, one.code) for one in rejections(items)] == [(2, "truncated")]
