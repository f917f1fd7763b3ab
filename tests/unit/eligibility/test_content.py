"""When two files are the same although their bytes are not."""

import pytest

from services.eligibility.intake.digest import ContentDigest
from tests.unit.eligibility.feeds.builders import a_dose, a_member, a_vxu, an_834


def digest(raw: bytes, chunk: int = 1 << 16) -> str:
    found = ContentDigest()
    for start in range(0, len(raw), chunk):
        found.update(raw[start : start + chunk])
    return found.hexdigest()


ROSTERS = [an_834(a_member(), newline=newline) for newline in ("", "\n", "\r\n", "\n\n")]
MESSAGES = [a_vxu(a_dose(), end=end) for end in ("\r", "\n", "\r\n")]


@pytest.mark.parametrize("files", [ROSTERS, MESSAGES], ids=["834", "vxu"])
def test_line_ends_are_no_content(files: list[bytes]) -> None:
    """Whatever ends the lines, in whatever pieces they come, it is one digest."""
    assert len({digest(raw, chunk) for raw in files for chunk in (1, 7, 1 << 16)}) == 1
    assert len(set(files)) == len(files)


def test_a_missing_line_end_is_content() -> None:
    """Two messages glued together are not the two messages; nor is a roster with another value the same roster."""
    one = a_vxu(a_dose())
    assert digest(one + one) != digest(one.rstrip(b"\r") + one)
    assert digest(an_834(a_member("A"))) != digest(an_834(a_member("B")))


def test_a_packed_file_counts_byte_by_byte() -> None:
    """Its line ends are none."""
    assert digest(b"PK\x03\x04ab") != digest(b"PK\x03\x04a\nb")


def test_a_roster_whose_lines_are_its_segments() -> None:
    """Where the line end is the terminator it parts what stands before and behind it."""
    lines = an_834(a_member(), newline="").replace(b"~", b"\n")
    assert digest(lines) == digest(lines.replace(b"\n", b"\r\n"))
    assert digest(lines) != digest(lines.replace(b"\nREF", b"REF"))


def test_nothing_is_a_file_too() -> None:
    """An empty one has a digest."""
    assert digest(b"") == digest(b"\r\n")
