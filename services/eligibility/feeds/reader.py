"""The front door: any feed file in, a stream of items out. Nothing is held but the row being read."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from services.eligibility.feeds.faults import INCOMPLETE
from services.eligibility.feeds.formats import Format, Given
from services.eligibility.feeds.packed import guarded, is_zip, look_inside
from services.eligibility.feeds.records import (
    DoseRecord,
    FeedItem,
    FeedSummary,
    Notice,
    PatientRecord,
    Rejection,
    RosterMention,
    RosterRecord,
    Unreadable,
)
from services.eligibility.feeds.registries import DEFAULT_ZONE
from services.eligibility.feeds.sniff import HEAD_BYTES, sniff

# Of each kind of notice so many are handed over; the summary counts them all.
NOTICES_OF_A_KIND = 25


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
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    found, content = look_inside(stream) if is_zip(head) else (sniff(head), stream)
    given = Given(profile, assigner, default_zone)
    tally = Tally(None if isinstance(found, Unreadable) else found)
    items = _refused(found) if isinstance(found, Unreadable) else found.read(content, given)
    yield from tally.count(items if content is stream else guarded(items))
    yield tally.summary()


def _refused(why: Unreadable) -> Iterator[FeedItem]:
    yield Rejection(0, 0, "file", why.code, why.expected)


class Tally:
    """Counts what passes, and thins out notices that repeat."""

    def __init__(self, found: Format | None) -> None:
        self._format = found
        self._records = 0
        self._rejected_rows = 0
        self._rejected = 0
        self._mentions = 0
        self._notices: Counter[str] = Counter()
        self._by_field: Counter[tuple[str, str]] = Counter()
        self._is_complete = True

    def count(self, items: Iterator[FeedItem]) -> Iterator[FeedItem]:
        for item in items:
            if isinstance(item, (RosterRecord, DoseRecord, PatientRecord)):
                self._records += 1
            elif isinstance(item, Rejection):
                self._reject(item)
            elif isinstance(item, RosterMention):
                self._mentions += 1
            elif isinstance(item, Notice) and not self._notice(item):
                continue
            yield item

    def _reject(self, item: Rejection) -> None:
        self._rejected += 1
        self._rejected_rows += item.row > 0
        self._is_complete = self._is_complete and item.row > 0 and item.code not in INCOMPLETE

    def _notice(self, item: Notice) -> bool:
        self._notices[item.code] += 1
        self._by_field[item.field, item.code] += 1
        self._is_complete = self._is_complete and item.code not in INCOMPLETE
        return self._by_field[item.field, item.code] <= NOTICES_OF_A_KIND

    def summary(self) -> FeedSummary:
        return FeedSummary(
            kind=self._format.kind if self._format else None,
            rows=self._records + self._rejected_rows,
            records=self._records,
            rejected=self._rejected,
            notices=tuple(sorted(self._notices.items())),
            is_complete=self._is_complete,
            thinned=tuple(sorted((*kind, n) for kind, n in self._by_field.items() if n > NOTICES_OF_A_KIND)),
            unidentified=self._rejected_rows - self._mentions if self._format and self._format.names_absent else 0,
        )
