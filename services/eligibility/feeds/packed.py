"""Looks into a zip archive for the one file of messages, or the one roster, that it packs."""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, cast

from services.eligibility.feeds.archives import (
    ONE_FILE,
    USUAL_LIMITS,
    ArchiveLimits,
    directory_refusal,
    is_archive,
    refusal_of,
)
from services.eligibility.feeds.formats import Format
from services.eligibility.feeds.records import FeedItem, Rejection, Unreadable
from services.eligibility.feeds.sniff import HEAD_BYTES, sniff

ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
BROKEN = Unreadable("unreadable", "a zip archive, whole and not encrypted")
NESTED = Unreadable("zip-nested", f"{ONE_FILE}, not packed once more")


def is_zip(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def look_inside(stream: BinaryIO, limits: ArchiveLimits = USUAL_LIMITS) -> tuple[Format | Unreadable, BinaryIO]:
    """The format of what the archive brings and the stream to read it from: the archive itself where the reader opens
    its files by what they hold."""
    refusal = directory_refusal(stream, limits)
    if refusal is not None:
        return refusal, stream
    try:
        archive = zipfile.ZipFile(stream)
        files = [file for file in archive.infolist() if not (_is_folder(file.filename) or _is_litter(file.filename))]
        found = refusal_of(files, limits) or _format_of_all([_format(archive, file) for file in files])
        content = stream if isinstance(found, Unreadable) or found.reads_archives else archive.open(files[0])
    except ZIP_ERRORS:
        return BROKEN, stream
    return found, cast(BinaryIO, content)


def _format_of_all(found: Sequence[Format | Unreadable]) -> Format | Unreadable:
    for candidate in found:
        if isinstance(candidate, Format) and candidate.reads_archives:
            return candidate
    if len(found) > 1:
        return Unreadable("zip-several", f"{ONE_FILE}; there are several files in it")
    only = found[0]
    return Unreadable(only.code, f"in the zip archive {only.expected}") if isinstance(only, Unreadable) else only


def _format(archive: zipfile.ZipFile, file: zipfile.ZipInfo) -> Format | Unreadable:
    with archive.open(file) as member:
        head = member.read(HEAD_BYTES)
    return NESTED if is_archive(head) else sniff(head)


def _is_folder(name: str) -> bool:
    """Also of an entry without a name, of which the library can't say it."""
    return name.endswith("/")


def _is_litter(name: str) -> bool:
    """What packers add of their own."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] in {".DS_Store", "Thumbs.db"}


def guarded(items: Iterator[FeedItem]) -> Iterator[FeedItem]:
    """The items of a packed file; what an archive loses on the way is told as its fault."""
    try:
        yield from items
    except (zipfile.BadZipFile, zlib.error, EOFError):
        yield Rejection(0, 0, "file", BROKEN.code, BROKEN.expected)
