"""Every real roster goes through the front door and every row of it ends in exactly one outcome."""

from pathlib import Path

import pytest

from tests.service.eligibility.conftest import Office

pytestmark = pytest.mark.postgres
ROSTERS = {
    path.name: path.read_bytes() for path in sorted((Path(__file__).parents[2] / "data/feeds/x12_834").iterdir())
}
ROWS = "select count(*), count(*) filter (where outcome = 'rejected') as rejected from feed_row"


@pytest.mark.parametrize("name", ROSTERS)
async def test_every_row_has_one_outcome(office: Office, name: str) -> None:
    """Rows read are rows accepted plus rows rejected, and each enrolment has its fact. Most samples are test data."""
    office.intake = office.worker(test_data_from=frozenset("*"))
    file = await office.read(ROSTERS[name])
    assert file.state == "processed"
    [rows] = await office.fetch(ROWS)
    assert (rows["count"], rows["rejected"]) == (file.rows_read, file.rows_rejected)
    [enrolments] = await office.fetch("select count(*) from enrolment where not is_retired")
    counts = await office.counts()
    assert file.rows_accepted > 0
    assert counts["member-eligibility"] >= enrolments["count"] > 0
    assert counts["feed-file"] == counts["business-day-opened"] == counts["programme"] == 1
