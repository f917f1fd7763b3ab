"""Files are known by their bytes."""

import io
import zipfile
from typing import get_args

import pytest

from schemas.eligibility_v1 import FeedKind
from services.eligibility.feeds import read_feed
from services.eligibility.feeds.formats import ADS, FORMATS, ROSTER, VXU, Format, format_of, kind_of
from services.eligibility.feeds.records import Header, Unreadable
from services.eligibility.feeds.sniff import sniff
from tests.unit.eligibility.feeds.builders import a_dose, a_member, a_vxu, an_834, items_of, rejections, summary
from tests.unit.eligibility.feeds.golden_files import DATA, feed_files

FOLDERS = {"x12_834": ROSTER, "hl7v2": VXU, "cvrs": VXU, "ads": ADS}


@pytest.mark.parametrize("path", [one for one in feed_files() if one.parent.name != "made"], ids=lambda one: one.name)
def test_every_real_file_is_known(path: object) -> None:
    """The kind of a real file is told from its bytes alone."""
    file = DATA / str(path)
    assert sniff(file.read_bytes()[:65536]) is FOLDERS[file.parent.name]


ZIP = b"PK\x03\x04"
FILES = {
    "834": (an_834(a_member()), b"\r\n" + an_834(a_member())),
    "vxu": (a_vxu(a_dose()), a_vxu(a_dose()).removeprefix(b"M"), b"FHS|^~\\&|\r", b"BHS|^~\\&|\r"),
    "ads": (
        b"GRANTEECODE\tPATIENTID\r\n",
        b"grantee\tpatientid\r\n",
        b"GRANTEECODE\tQUARTER\r\n",
        b"PK\x03\x04",
        b"PK\x05\x06",
    ),
}
"""By the name of its format, what a file of it may begin with."""


@pytest.mark.parametrize("known", FORMATS, ids=lambda one: one.name)
def test_each_format_is_known_by_its_signature(known: Format) -> None:
    """Every row of the table is recognised, by its own signature and by no other row's."""
    for content in FILES[known.name]:
        assert sniff(content) is known
        assert [one.name for one in FORMATS if one.signature.match(content)] == [known.name]


def test_the_table_of_formats_is_whole() -> None:
    """Each kind that the contract names has one row, each header one kind, each name one format; and senders are told
    of all of them."""
    assert sorted(one.kind for one in FORMATS) == sorted(FeedKind)
    assert {one.header for one in FORMATS} == set(get_args(Header))
    assert len({one.name for one in FORMATS}) == len(FORMATS) == len(FILES)
    refused = sniff(b"a letter")
    assert isinstance(refused, Unreadable)
    assert not [one.name for one in FORMATS if not (one.title in refused.expected and one.marks in refused.expected)]


@pytest.mark.parametrize("known", FORMATS, ids=lambda one: one.name)
def test_a_format_gives_its_header(known: Format) -> None:
    """The headers in the real files of a format are of the type that the table names, and their kind is told by it."""
    files = [path for path in feed_files() if FOLDERS.get(path.parent.name) is known]
    headers = [one for path in files for one in read_feed(path) if isinstance(one, Header)]
    assert {type(one) for one in headers} == {known.header}
    assert {format_of(kind_of(one)) for one in headers} == {known}


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
    ("content", "kind"), [(a_vxu(a_dose()) * 400, FeedKind.HL7_VXU), (an_834(a_member()), FeedKind.X12_834)]
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
