"""What passes of a file is counted, of a roster under each of its headers too. Notices that repeat are thinned out."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from services.eligibility.feeds.faults import INCOMPLETE
from services.eligibility.feeds.formats import Format
from services.eligibility.feeds.records import (
    DoseRecord,
    FeedItem,
    FeedSummary,
    Notice,
    PatientRecord,
    Rejection,
    RosterHeader,
    RosterMention,
    RosterRecord,
    TransactionTally,
)

# Of each kind of notice so many are handed over; the summary counts them all.
NOTICES_OF_A_KIND = 25
OWN_COUNTS = ("SE-", "QTY*")
"""Where a transaction says what it holds. What a group or an interchange declares may be of any of them."""


class Tally:
    """Counts what passes."""

    def __init__(self, found: Format | None) -> None:
        self._format = found
        self._records = 0
        self._rejected_rows = 0
        self._rejected = 0
        self._mentions = 0
        self._notices: Counter[str] = Counter()
        self._by_field: Counter[tuple[str, str]] = Counter()
        self._headers: list[tuple[int, int, int]] = []
        self._miscounted: set[int] = set()
        self._is_whole = True

    def count(self, items: Iterator[FeedItem]) -> Iterator[FeedItem]:
        for item in items:
            if isinstance(item, (RosterRecord, DoseRecord, PatientRecord)):
                self._records += 1
            elif isinstance(item, Rejection):
                self._reject(item)
            elif isinstance(item, RosterMention):
                self._mentions += 1
            elif isinstance(item, RosterHeader):
                self._headers.append(self._so_far())
            elif isinstance(item, Notice) and not self._notice(item):
                continue
            yield item

    def _so_far(self) -> tuple[int, int, int]:
        return self._records, self._rejected_rows, self._mentions

    def _reject(self, item: Rejection) -> None:
        self._rejected += 1
        self._rejected_rows += item.row > 0
        self._is_whole = self._is_whole and item.row > 0 and item.code not in INCOMPLETE

    def _notice(self, item: Notice) -> bool:
        self._notices[item.code] += 1
        self._by_field[item.field, item.code] += 1
        if item.code in INCOMPLETE and self._headers and item.field.startswith(OWN_COUNTS):
            self._miscounted.add(len(self._headers) - 1)
        elif item.code in INCOMPLETE:
            self._is_whole = False
        return self._by_field[item.field, item.code] <= NOTICES_OF_A_KIND

    def summary(self) -> FeedSummary:
        return FeedSummary(
            kind=self._format.kind if self._format else None,
            rows=self._records + self._rejected_rows,
            records=self._records,
            rejected=self._rejected,
            notices=tuple(sorted(self._notices.items())),
            is_complete=self._is_whole and not self._miscounted,
            thinned=tuple(sorted((*kind, n) for kind, n in self._by_field.items() if n > NOTICES_OF_A_KIND)),
            unidentified=self._rejected_rows - self._mentions
            if self._format and self._format.can_list_everybody
            else 0,
            transactions=tuple(self._tallies()),
        )

    def _tallies(self) -> Iterator[TransactionTally]:
        """What came between one header and the next."""
        for place, (before, behind) in enumerate(pairwise([*self._headers, self._so_far()])):
            records, rejected, mentions = (had - has for had, has in zip(behind, before, strict=True))
            is_complete = self._is_whole and place not in self._miscounted
            yield TransactionTally(records + mentions, behind[0] + behind[1], rejected - mentions, is_complete)
