"""What an archive may cost: how many files it has, how large they become, and where they would be put. Its directory is
measured before it is read, and what it packs is never held as a whole. Pure."""

import stat
import struct
import zipfile
from collections.abc import Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import BinaryIO, NamedTuple

from services.eligibility.feeds.records import Unreadable

ONE_FILE = "an archive of the files of one extract, or of one roster or one file of messages"
MOST_DIRECTORY_BYTES = 1 << 20
FREE_BYTES = 1 << 20
"""What is this small unpacked may be packed as tightly as it likes."""
IS_ENCRYPTED = 1

_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_TAIL_BYTES = (1 << 16) + 512
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!")


class ArchiveLimits(NamedTuple):
    """How many files an archive may have, how large they may be together, and how tightly packed each. Rosters and
    messages pack to a tenth, repetitive ones to a fiftieth; a bomb to a thousandth."""

    members: int = 1000
    unpacked_mib: int = 2048
    ratio: int = 200

    @property
    def too_many(self) -> Unreadable:
        return Unreadable("zip-members", f"{ONE_FILE}, of at most {self.members} files")


USUAL_LIMITS = ArchiveLimits()


def directory_refusal(stream: BinaryIO, limits: ArchiveLimits = USUAL_LIMITS) -> Unreadable | None:
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
    return limits.too_many if members > limits.members or size > MOST_DIRECTORY_BYTES else None


def refusal_of(files: Sequence[zipfile.ZipInfo], limits: ArchiveLimits = USUAL_LIMITS) -> Unreadable | None:
    """Why what these files hold is not read."""
    if not files:
        return Unreadable("zip-empty", f"{ONE_FILE}; there is no file in it")
    if len(files) > limits.members:
        return limits.too_many
    if any(file.flag_bits & IS_ENCRYPTED for file in files):
        return Unreadable("zip-encrypted", f"{ONE_FILE}, without a password")
    if not all(is_plain(file) for file in files):
        return Unreadable("zip-path", f"{ONE_FILE}, with plain files only: no links, absolute paths or '..'")
    return _size_refusal(files, limits)


def _size_refusal(files: Sequence[zipfile.ZipInfo], limits: ArchiveLimits) -> Unreadable | None:
    if sum(file.file_size for file in files) > limits.unpacked_mib << 20:
        return Unreadable("zip-size", f"{ONE_FILE}, of at most {limits.unpacked_mib} MiB unpacked")
    if any(is_bomb(file, limits) for file in files):
        return Unreadable("zip-ratio", f"{ONE_FILE}, packed at most {limits.ratio} to 1")
    return None


def is_plain(file: zipfile.ZipInfo) -> bool:
    """A file that stays within the folder into which the archive is unpacked."""
    names = PurePosixPath(file.filename), PureWindowsPath(file.filename)
    is_within = not any(name.is_absolute() or name.anchor or ".." in name.parts for name in names)
    kind = stat.S_IFMT(file.external_attr >> 16)
    return is_within and kind in {0, stat.S_IFREG}


def is_bomb(file: zipfile.ZipInfo, limits: ArchiveLimits = USUAL_LIMITS) -> bool:
    return file.file_size > max(FREE_BYTES, limits.ratio * file.compress_size)


def is_archive(head: bytes) -> bool:
    """Whether a member is itself packed."""
    return head.startswith(_ARCHIVES)
