"""Tells what kind of file this is from its first bytes; the name of a file proves nothing."""

import re
from dataclasses import dataclass

from services.eligibility.feeds.records import FeedKind
from services.eligibility.feeds.x12 import separators_of

HEAD_BYTES = 1 << 16
ACKNOWLEDGEMENTS = frozenset({"FA", "TA"})
"""Functional groups that answer to others' files and may stand before the one with the roster."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a file is none of the formats, as a sentence for the sender."""

    code: str
    expected: str


_KINDS = "an 834 roster, HL7 VXU messages or an ADS extract"
_OTHER_FORMATS = (
    (re.compile(rb"%PDF-"), "pdf", f"{_KINDS}, not a PDF document"),
    (re.compile(rb"\x1f\x8b"), "gzip", f"{_KINDS}, unpacked and not as gzip"),
    (re.compile(rb"BZh\d|\xfd7zXZ|7z\xbc\xaf|Rar!"), "archive", f"{_KINDS}, unpacked or as zip"),
    # OpenPGP in its armour, or a packet with a session key of version 3.
    (re.compile(rb"(?s)\s*-----BEGIN PGP|\x84.\x03|\x85..\x03|\xc1(?:[\x00-\xbf]|[\xc0-\xdf].)\x03|\x8c\x0d\x04"),
     "pgp", f"{_KINDS}, decrypted and not as PGP"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "office", f"{_KINDS}, not an office document"),
    (re.compile(rb"\xff\xfe|\xfe\xff|[\x09-\x7e]\x00[\x09-\x7e]\x00|\x00[\x09-\x7e]\x00[\x09-\x7e]"), "utf-16",
     f"{_KINDS} in UTF-8 or ASCII, not in UTF-16"),
    (re.compile(rb"\s*<"), "markup", f"{_KINDS}, not XML or HTML"),
    (re.compile(rb"\s*[\[{]"), "json", f"{_KINDS}, not JSON"),
    (re.compile(rb"[^\r\n\t|^~]*,[^\r\n\t|^~]*,[^\r\n\t|^~]*[\r\n]"), "comma-separated",
     f"{_KINDS}; an extract's columns are separated by tabs, not commas"),
)  # fmt: skip
_FORMATS = (
    # An archive is taken for an extract's: who reads files looks inside first.
    (re.compile(rb"PK\x03\x04|PK\x05\x06"), FeedKind.ADS),
    (re.compile(rb"\s*ISA[^A-Za-z0-9]"), FeedKind.ROSTER),
    # Some transports lose the first letters of a message.
    (re.compile(rb"[\s\x0b]*(?:(?:MSH|FHS|BHS|msh|fhs|bhs)[^\w\s]|(?:M?SH|H)?\|\^~\\&)"), FeedKind.VXU),
    (re.compile(rb"[^\r\n]*\bPATIENTID\b[^\r\n]*|GRANTEECODE[\t,]", re.IGNORECASE), FeedKind.ADS),
)


def sniff(head: bytes) -> FeedKind | Unreadable:
    """The kind of file whose first bytes these are."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    if not text.strip(b"\x00\r\n\t \x1a"):
        return Unreadable("empty", f"{_KINDS}; the file is empty")
    kind = next((kind for pattern, kind in _FORMATS if pattern.match(text)), None)
    if kind is not None:
        return _sniff_x12(text) if kind is FeedKind.ROSTER else kind
    for pattern, code, expected in _OTHER_FORMATS:
        if pattern.match(text):
            return Unreadable(code, expected)
    return Unreadable("unknown-format", f"{_KINDS}, known by ISA, FHS, BHS, MSH or the header line of an extract")


def _sniff_x12(head: bytes) -> FeedKind | Unreadable:
    text = head.decode("latin-1").lstrip()
    separators = separators_of(text)
    if separators is None:
        return Unreadable("truncated-isa", "an ISA segment of 16 elements, whole")
    mark, end = re.escape(separators.element), re.escape(separators.terminator)
    groups = re.findall(rf"{end}\s*GS{mark}([A-Za-z]{{2}}){mark}", text)
    others = {one.upper() for one in groups} - {"BE", *ACKNOWLEDGEMENTS}
    if groups and not {"BE", "be"} & set(groups) and (others or len(head) < HEAD_BYTES):
        return Unreadable("not-834", "an 834 (functional group BE), not another X12 document")
    return FeedKind.ROSTER
