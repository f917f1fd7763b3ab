"""The small feed files on which the software once failed, and what is held of the members in them."""

from datetime import date
from pathlib import Path
from typing import Any

from tests.service.eligibility.conftest import Office

CASES = Path(__file__).parents[2] / "data" / "cases"
DAY = date(2025, 6, 10)
"""Some days after the newest of them."""


def case(name: str) -> bytes:
    return (CASES / name).read_bytes()


async def enrolled(office: Office) -> dict[str, bool]:
    """Whether the last fact says that a member is covered, by given name."""
    query = "select given, fact from decision join enrolment using (enrolment_id) where not is_retired"
    return {row["given"]: row["fact"]["enrolled"] for row in await office.fetch(query)}


async def spans(office: Office, given: str) -> list[tuple[str, str | None, str | None]]:
    """Kind, begin and end of a member's times of coverage."""
    [row] = await office.fetch("select spans from enrolment where given = $1 and not is_retired", given)
    return [(one[4], one[1], one[2]) for one in row["spans"]]


async def changes(office: Office, file: Any) -> dict[int, tuple[str, str]]:
    """Outcome and changes of each row of a file."""
    query = "select row, outcome, coalesce(changes, '') as changes from feed_row where file_id = $1 and row > 0"
    return {row["row"]: (row["outcome"], row["changes"]) for row in await office.fetch(query, file.file_id)}
