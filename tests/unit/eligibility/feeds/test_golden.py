"""What comes out of every real file, committed and compared."""

from pathlib import Path

import pytest

from services.eligibility.feeds import read_feed
from services.eligibility.feeds.records import RosterRecord
from tests.unit.eligibility.feeds.golden_files import DATA, GOLDEN, feed_files, golden_path, reading


@pytest.mark.parametrize("path", feed_files(), ids=lambda path: path.name)
def test_a_real_file_reads_as_it_was_reviewed(path: Path) -> None:
    """Every record, rejection and notice of a real file is the one that was looked at and committed."""
    assert reading(path) == golden_path(path).read_text(encoding="utf-8")


def test_every_expected_reading_belongs_to_a_file() -> None:
    """No expected reading outlives its file."""
    assert {golden_path(path) for path in feed_files()} == set(GOLDEN.glob("*.json"))


@pytest.mark.parametrize("path", sorted((DATA / "x12_834").iterdir()), ids=lambda path: path.name)
def test_every_real_roster_gives_all_its_members(path: Path) -> None:
    """A real roster gives one record for each INS segment and rejects nobody."""
    found = sum(isinstance(item, RosterRecord) for item in read_feed(path))
    assert found == path.read_bytes().count(b"INS*") > 0
