"""Tells what kind of file this is from its first bytes; the name of a file proves nothing."""

import re
from collections.abc import Sequence

from services.eligibility.feeds.formats import FORMATS, Format
from services.eligibility.feeds.records import Unreadable

HEAD_BYTES = 1 << 16


def _any_of(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


_TITLES = _any_of([entry.title for entry in FORMATS])
_OTHER_FORMATS = (
    (re.compile(rb"%PDF-"), "pdf", f"{_TITLES}, not a PDF document"),
    (re.compile(rb"\x1f\x8b"), "gzip", f"{_TITLES}, unpacked and not as gzip"),
    (re.compile(rb"BZh\d|\xfd7zXZ|7z\xbc\xaf|Rar!"), "archive", f"{_TITLES}, unpacked or as zip"),
    # OpenPGP in its armour, or a packet with a session key of version 3.
    (re.compile(rb"(?s)\s*-----BEGIN PGP|\x84.\x03|\x85..\x03|\xc1(?:[\x00-\xbf]|[\xc0-\xdf].)\x03|\x8c\x0d\x04"),
     "pgp", f"{_TITLES}, decrypted and not as PGP"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "office", f"{_TITLES}, not an office document"),
    (re.compile(rb"\xff\xfe|\xfe\xff|[\x09-\x7e]\x00[\x09-\x7e]\x00|\x00[\x09-\x7e]\x00[\x09-\x7e]"), "utf-16",
     f"{_TITLES} in UTF-8 or ASCII, not in UTF-16"),
    (re.compile(rb"\s*<"), "markup", f"{_TITLES}, not XML or HTML"),
    (re.compile(rb"\s*[\[{]"), "json", f"{_TITLES}, not JSON"),
    (re.compile(rb"[^,\r\n\t|^~]*,[^,\r\n\t|^~]*,[^\r\n\t|^~]*[\r\n]"), "comma-separated",
     f"{_TITLES}; an extract's columns are separated by tabs, not commas"),
)  # fmt: skip


def sniff(head: bytes) -> Format | Unreadable:
    """The format of a file whose first bytes these are, at most `HEAD_BYTES`."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    if not text.strip(b"\x00\r\n\t \x1a"):
        return Unreadable("empty", f"{_TITLES}; the file is empty")
    for entry in FORMATS:
        if entry.signature.match(text):
            return entry.objection(text, len(text) < HEAD_BYTES) or entry
    for pattern, code, expected in _OTHER_FORMATS:
        if pattern.match(text):
            return Unreadable(code, expected)
    return Unreadable("unknown-format", f"{_TITLES}, known by {_any_of([entry.marks for entry in FORMATS])}")
