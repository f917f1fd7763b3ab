"""Files are known by their bytes."""

import pytest

from services.eligibility.feeds.records import FeedKind
from services.eligibility.feeds.sniff import Unreadable, sniff
from tests.unit.eligibility.feeds.builders import a_member, a_vxu, an_834, items_of, rejections, summary
from tests.unit.eligibility.feeds.golden_files import DATA, feed_files

KINDS = {"x12_834": FeedKind.ROSTER, "hl7v2": FeedKind.VXU, "cvrs": FeedKind.VXU, "ads": FeedKind.ADS}


@pytest.mark.parametrize("path", [one for one in feed_files() if one.parent.name != "made"], ids=lambda one: one.name)
def test_every_real_file_is_known(path: object) -> None:
    """The kind of a real file is told from its bytes alone."""
    file = DATA / str(path)
    assert sniff(file.read_bytes()[:65536]) is KINDS[file.parent.name]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n\r\n", "empty"),
        (b"\x00" * 500, "empty"),
        (b"%PDF-1.7 ...", "pdf"),
        (b"\x1f\x8b\x08...", "gzip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "office"),
        (an_834(a_member()).decode().encode("utf-16"), "utf-16"),
        (a_vxu().decode().encode("utf-16-le"), "utf-16"),
        (a_vxu().decode().encode("utf-16-be"), "utf-16"),
        (b"<?xml version='1.0'?><Patient/>", "markup"),
        (b'{"resourceType": "Bundle"}', "json"),
        (an_834(a_member())[:90], "truncated-isa"),
        (an_834(a_member()).replace(b"GS*BE", b"GS*HC"), "not-834"),
        (b"name,birth date\nPetra,1950", "unknown-format"),
        (b"This is a letter, not a feed.", "unknown-format"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(data: bytes, code: str) -> None:
    """Each kind of wrong file has its own reason, and no row is counted."""
    items = items_of(data)
    (rejection,) = rejections(items)
    assert (rejection.row, rejection.field, rejection.code) == (0, "file", code)
    assert rejection.expected
    assert (summary(items).kind, summary(items).rows, summary(items).is_complete) == (None, 0, False)


def test_a_refusal_is_a_value() -> None:
    """Sniffing raises nothing."""
    assert isinstance(sniff(b"?"), Unreadable)
