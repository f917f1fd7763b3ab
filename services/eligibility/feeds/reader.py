"""The front door: any feed file in, a stream of items out. Nothing is held but the row being read."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from services.eligibility.feeds.ads_maa import read_ads
from services.eligibility.feeds.hl7_vxu import read_vxu
from services.eligibility.feeds.packed import guarded, is_zip, look_inside
from services.eligibility.feeds.records import FeedItem, FeedKind, Rejection
from services.eligibility.feeds.registries import DEFAULT_ZONE
from services.eligibility.feeds.sniff import HEAD_BYTES, Unreadable, sniff
from services.eligibility.feeds.tally import Tally
from services.eligibility.feeds.x12_834 import read_834


def read_feed(path: Path, profile: str | None = None, assigner: str = "") -> Iterator[FeedItem]:
    """Every item of a feed file, the `FeedSummary` last.

    `profile` overrides the one that a roster's sender would choose. `assigner` says whose identifiers an extract
    has that comes without its control file.
    """
    with path.open("rb") as stream:
        yield from read_stream(stream, profile, assigner)


def read_stream(
    stream: BinaryIO, profile: str | None = None, assigner: str = "", default_zone: str = DEFAULT_ZONE
) -> Iterator[FeedItem]:
    """As `read_feed`, from an open seekable stream. `default_zone`: by whose clock messages are read that name none."""
    kind, content = kind_of(stream)
    tally = Tally(None if isinstance(kind, Unreadable) else kind)
    items = _items(kind, content, profile, assigner, default_zone)
    yield from tally.count(items if content is stream else guarded(items))
    yield tally.summary()


def kind_of(stream: BinaryIO) -> tuple[FeedKind | Unreadable, BinaryIO]:
    """What an open seekable stream brings, and the stream to read it from."""
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    return look_inside(stream) if is_zip(head) else (sniff(head), stream)


def _items(
    kind: FeedKind | Unreadable, stream: BinaryIO, profile: str | None, assigner: str, default_zone: str
) -> Iterator[FeedItem]:
    if isinstance(kind, Unreadable):
        return iter([Rejection(0, 0, "file", kind.code, kind.expected)])
    if kind is FeedKind.ROSTER:
        return read_834(stream, profile)
    return read_vxu(stream, default_zone) if kind is FeedKind.VXU else read_ads(stream, assigner)
