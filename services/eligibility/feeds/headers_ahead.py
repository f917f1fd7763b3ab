"""The heads of all transactions of a roster before any of its rows is taken: one that does not come in its turn may
stand at the end of the file."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from services.eligibility.feeds.packed import is_zip
from services.eligibility.feeds.records import AdsHeader, FeedItem, RosterHeader, VxuHeader

BLOCK_BYTES = 1 << 20
_HEAD = re.compile(rb"ST.834", re.IGNORECASE | re.DOTALL)
OVERLAP = 5


def headers_ahead(stream: BinaryIO, read: Callable[[], Iterable[FeedItem]]) -> list[RosterHeader]:
    """The headers of a file that may bring several transactions; none of one that brings one, whose header comes with
    its first rows. Most files are only glanced through; `read` reads the whole file."""
    if not _may_bring_several(stream):
        return []
    found: list[RosterHeader] = []
    for item in read():
        if isinstance(item, VxuHeader | AdsHeader):
            return []
        if isinstance(item, RosterHeader):
            found.append(item)
    return found


def _may_bring_several(stream: BinaryIO) -> bool:
    stream.seek(0)
    is_packed = is_zip(stream.read(4))
    stream.seek(0)
    seen = 0
    last = b""
    for block in _blocks(stream) if not is_packed else ():
        seen += len(_HEAD.findall(last + block))
        last = block[-OVERLAP:]
        if seen > 1:
            break
    stream.seek(0)
    return is_packed or seen > 1


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(BLOCK_BYTES):
        yield block
