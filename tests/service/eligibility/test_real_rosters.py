"""Every real roster goes through the front door and every row of it ends in exactly one outcome."""

from pathlib import Path

import pytest

from tests.service.eligibility.conftest import Office

pytestmark = pytest.mark.postgres
ROSTERS = sorted((Path(__file__).parents[2] / "data/feeds/x12_834").iterdir())


@pytest.mark.parametrize("path", ROSTERS, ids=lambda path: path.name)
async def test_every_row_has_one_outcome(office: Office, path: Path) -> None:
    """Rows read are rows accepted plus rows rejected, and each enrolment has its fact."""
    file = await office.read(path.read_bytes())
    assert file.state == "processed"
    [rows] = await office.fetch("select count(*), count(*) filter (where outcome = 'rejected') as rejected from feed_row")
    assert (rows["count"], rows["rejected"]) == (file.rows_read, file.rows_rejected)
    [enrolments] = await office.fetch("select count(*) from enrolment where not is_retired")
    counts = await office.counts()
    assert file.rows_accepted > 0
    assert counts["member-eligibility"] >= enrolments["count"] > 0
    assert counts["feed-file"] == counts["business-day-opened"] == counts["programme"] == 1
