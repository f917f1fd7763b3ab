"""What an archive may cost: how many files it has, how large they become, and where they would be put. Its directory is
measured before it is read, and what it packs is never held as a whole. Pure."""

import stat
import struct
import zipfile
from collections.abc import Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import BinaryIO

from services.eligibility.feeds.records import Unreadable

ONE_FILE = "an archive of the files of one extract, or of one roster or one file of messages"
MOST_MEMBERS = 1000
MOST_DIRECTORY_BYTES = 1 << 20
MAX_UNPACKED_BYTES = 2 << 30
MOST_RATIO = 200
"""Rosters and messages pack to a tenth, repetitive ones to a fiftieth; a bomb to a thousandth."""
FREE_BYTES = 1 << 20
"""What is this small unpacked may be packed as tightly as it likes."""
IS_ENCRYPTED = 1

_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_TAIL_BYTES = (1 << 16) + 512
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!")

TOO_MANY = Unreadable("zip-members", f"{ONE_FILE}, of at most {MOST_MEMBERS} files")


def directory_refusal(stream: BinaryIO) -> Unreadable | None:
    """Why an archive's directory is not read: it says that it is larger than those of the archives that are taken."""
    end = stream.seek(0, 2)
    stream.seek(max(0, end - _TAIL_BYTES))
    tail = stream.read()
    stream.seek(0)
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        return None  # no archive: the reader says so
    members, size = struct.unpack_from("<HL", tail, at + 10)
    large = tail.rfind(_END_64, 0, at)
    if _LOCATOR_64 in tail[:at] and large >= 0 and len(tail) >= large + 56:
        members, size = struct.unpack_from("<QQ", tail, large + 32)
    return TOO_MANY if members > MOST_MEMBERS or size > MOST_DIRECTORY_BYTES else None


def refusal_of(files: Sequence[zipfile.ZipInfo]) -> Unreadable | None:
    """Why what these files hold is not read."""
    if not files:
        return Unreadable("zip-empty", f"{ONE_FILE}; there is no file in it")
    if len(files) > MOST_MEMBERS:
        return TOO_MANY
    if any(file.flag_bits & IS_ENCRYPTED for file in files):
        return Unreadable("zip-encrypted", f"{ONE_FILE}, without a password")
    if not all(is_plain(file) for file in files):
        return Unreadable("zip-path", f"{ONE_FILE}, with plain files only: no links, absolute paths or '..'")
    return _size_refusal(files)


def _size_refusal(files: Sequence[zipfile.ZipInfo]) -> Unreadable | None:
    if sum(file.file_size for file in files) > MAX_UNPACKED_BYTES:
        return Unreadable("zip-size", f"{ONE_FILE}, of at most {MAX_UNPACKED_BYTES >> 20} MiB unpacked")
    if any(is_bomb(file) for file in files):
        return Unreadable("zip-ratio", f"{ONE_FILE}, packed at most {MOST_RATIO} to 1")
    return None


def is_plain(file: zipfile.ZipInfo) -> bool:
    """A file that stays within the folder into which the archive is unpacked."""
    names = PurePosixPath(file.filename), PureWindowsPath(file.filename)
    is_within = not any(name.is_absolute() or name.anchor or ".." in name.parts for name in names)
    kind = stat.S_IFMT(file.external_attr >> 16)
    return is_within and kind in {0, stat.S_IFREG}


def is_bomb(file: zipfile.ZipInfo) -> bool:
    return file.file_size > max(FREE_BYTES, MOST_RATIO * file.compress_size)


def is_archive(head: bytes) -> bool:
    """Whether a member is itself packed."""
    return head.startswith(_ARCHIVES)
