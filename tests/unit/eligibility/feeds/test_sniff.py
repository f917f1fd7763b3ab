"""Files are known by their bytes."""

import io
import zipfile

import pytest

from services.eligibility.feeds.records import FeedKind
from services.eligibility.feeds.sniff import Unreadable, sniff
from tests.unit.eligibility.feeds.builders import a_dose, a_member, a_vxu, an_834, items_of, rejections, summary
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
        (b"id,name,birth date,vaccine\r\n1,Petra,1950,208\r\n", "comma-separated"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQEMA", "pgp"),
        (b"\x85\x01\x0c\x03\x12\x34", "pgp"),
        (b"7z\xbc\xaf\x27\x1c", "archive"),
        (b"BZh91AY&SY", "archive"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(data: bytes, code: str) -> None:
    """Each kind of wrong file has its own reason, and no row is counted."""
    items = items_of(data)
    (rejection,) = rejections(items)
    assert (rejection.row, rejection.field, rejection.code) == (0, "file", code)
    assert rejection.expected
    assert (summary(items).kind, summary(items).rows, summary(items).is_complete) == (None, 0, False)


def a_zip(*files: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"), [(a_vxu(a_dose()) * 400, FeedKind.VXU), (an_834(a_member()), FeedKind.ROSTER)]
)
def test_a_zipped_file_is_read(content: bytes, kind: FeedKind) -> None:
    """A zip of one file of messages or one roster brings what it packs, whatever packers added beside it."""
    items = items_of(a_zip(("__MACOSX/._x", b"?"), ("x.dat", content)))
    assert items[:-1] == items_of(content)[:-1]
    assert summary(items).kind is kind


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (a_zip(("a.hl7", a_vxu(a_dose())), ("b.hl7", a_vxu(a_dose()))), "zip-several"),
        (a_zip(("a.pdf", b"%PDF-1.7")), "pdf"),
        (a_zip(), "zip-empty"),
        (a_zip(("a.hl7", a_vxu(a_dose()) * 400))[:-90], "unreadable"),
        (a_zip(("a.hl7", a_vxu(a_dose()) * 400)).replace(b"\x14\x00\x00\x00\x08\x00", b"\x14\x00\x01\x00\x08\x00"),
         "zip-encrypted"),
    ],
)  # fmt: skip
def test_an_archive_that_brings_no_feed_says_what_it_is(data: bytes, code: str) -> None:
    """One rejection of the file, with its own reason."""
    (rejection,) = rejections(items_of(data))
    assert (rejection.row, rejection.field, rejection.code) == (0, "file", code)
    assert "zip" in rejection.expected or "archive" in rejection.expected


def test_a_refusal_is_a_value() -> None:
    """Sniffing raises nothing."""
    assert isinstance(sniff(b"?"), Unreadable)
