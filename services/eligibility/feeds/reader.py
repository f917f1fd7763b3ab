"""The front door: any feed file in, a stream of items out. Nothing is held but the row being read."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from services.eligibility.feeds.archives import USUAL_LIMITS, ArchiveLimits
from services.eligibility.feeds.formats import FileContext, Format
from services.eligibility.feeds.packed import guarded, is_zip, look_inside
from services.eligibility.feeds.records import FeedItem, Rejection, Unreadable
from services.eligibility.feeds.registries import DEFAULT_ZONE
from services.eligibility.feeds.sniff import HEAD_BYTES, sniff
from services.eligibility.feeds.tally import Tally


def read_feed(path: Path, profile: str | None = None, assigner: str = "") -> Iterator[FeedItem]:
    """Every item of a feed file, the `FeedSummary` last.

    `profile` overrides the one that a roster's sender would choose. `assigner` says whose identifiers an extract
    has that comes without its control file.
    """
    with path.open("rb") as stream:
        yield from read_stream(stream, profile, assigner)


def read_stream(
    stream: BinaryIO,
    profile: str | None = None,
    assigner: str = "",
    default_zone: str = DEFAULT_ZONE,
    limits: ArchiveLimits = USUAL_LIMITS,
) -> Iterator[FeedItem]:
    """As `read_feed`, from an open seekable stream. `default_zone`: by whose clock messages are read that name none."""
    found, content = recognised(stream, limits)
    given = FileContext(profile, assigner, default_zone)
    tally = Tally(None if isinstance(found, Unreadable) else found)
    items = _refused(found) if isinstance(found, Unreadable) else found.read(content, given)
    yield from tally.count(items if content is stream else guarded(items))
    yield tally.summary()


def recognised(stream: BinaryIO, limits: ArchiveLimits = USUAL_LIMITS) -> tuple[Format | Unreadable, BinaryIO]:
    """The format of what an open seekable stream brings, and the stream to read it from."""
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    return look_inside(stream, limits) if is_zip(head) else (sniff(head), stream)


def _refused(why: Unreadable) -> Iterator[FeedItem]:
    yield Rejection(0, 0, "file", why.code, why.expected)
