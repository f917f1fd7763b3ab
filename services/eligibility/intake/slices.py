"""A file's items in slices that end with a row, each with what its header says about it. Nothing here does I/O but the
reader's own."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from services.eligibility.feeds.records import (
    AdsHeader,
    DoseRecord,
    FeedItem,
    FeedSummary,
    Notice,
    PatientRecord,
    Rejection,
    RosterHeader,
    RosterMention,
    RosterRecord,
    RosterTrailer,
    VxuHeader,
)
from services.eligibility.intake.ordering import Transactions
from services.eligibility.people.precedence import NEVER, stamp_of
from services.eligibility.people.roster_row import RosterRow

UNSTORABLE = "unstorable"


@dataclass(slots=True)
class Slice:
    """Some whole rows of one file, in order. `last_row` is the last one's ordinal. `repeated` are rows that were read
    before."""

    first_row: int = 0
    last_row: int = 0
    headers: list[VxuHeader | AdsHeader] = field(default_factory=list)
    roster: list[RosterRow] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    doses: list[DoseRecord] = field(default_factory=list)
    patients: list[PatientRecord] = field(default_factory=list)
    mentions: list[tuple[RosterMention, RosterHeader]] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    notices: list[tuple[int, Notice]] = field(default_factory=list)
    summary: FeedSummary | None = None

    @property
    def rows(self) -> int:
        rejected = sum(rejection.row > 0 for rejection in self.rejections)
        return len(self.roster) + len(self.repeated) + len(self.doses) + len(self.patients) + rejected

    @property
    def ordinals(self) -> range:
        """Of the rows that stand here."""
        return range(self.first_row, self.last_row + 1)

    def within(self, ordinals: Sequence[int]) -> "Slice":
        """These rows alone. What stands before the first row, as headers do, goes with that one, and what stands behind
        the last one, as the summary does, with that."""
        if ordinals == self.ordinals:
            return self

        def has(row: int) -> bool:
            return min(max(row, self.first_row), self.last_row) in ordinals

        return Slice(
            ordinals[0], ordinals[-1],
            headers=self.headers if has(self.first_row) else [],
            roster=[row for row in self.roster if has(row.record.position.row)],
            repeated=[again for again in self.repeated if has(again)],
            doses=[dose for dose in self.doses if has(dose.position.row)],
            patients=[patient for patient in self.patients if has(patient.position.row)],
            mentions=[mention for mention in self.mentions if has(mention[0].position.row)],
            rejections=[rejection for rejection in self.rejections if has(rejection.row)],
            notices=[notice for notice in self.notices if has(notice[1].row)],
            summary=self.summary if has(self.last_row) else None,
        )  # fmt: skip

    def as_rejected(self) -> "Slice":
        """The one row of this slice as a reject; a member of whom it speaks stands in the file all the same."""
        places = [*(row.record.position for row in self.roster), *(dose.position for dose in self.doses)]
        places += [patient.position for patient in self.patients]
        expected = "values that can be stored as text"
        reasons = [Rejection(place.row, place.segment, "row", UNSTORABLE, expected) for place in places]
        mentions = [*self.mentions, *(_mention(row) for row in self.roster)]
        return Slice(
            self.first_row, self.last_row, self.headers, repeated=self.repeated, mentions=mentions, rejections=reasons,
            summary=self.summary,
        )  # fmt: skip


NO_HEADER = RosterHeader("", "", "", "", "", "", "", is_full=False, absence_terminates=False, is_test=False)
"""Before the first one; no row of a roster stands there."""

NO_TRANSACTIONS: Transactions = MappingProxyType({})


def _mention(row: RosterRow) -> tuple[RosterMention, RosterHeader]:
    identifiers = tuple(identifier for identifier in row.record.person.identifiers if "".join(identifier).isprintable())
    return RosterMention(row.record.position, identifiers), row.header


def slices(
    items: Iterable[FeedItem], rows: int, after_row: int, found: Transactions = NO_TRANSACTIONS
) -> Iterator[Slice]:
    """The file behind `after_row`, so many rows at a time. What a row's header said is known although it was read;
    `found` are the roster's transactions, compared with those that were taken before."""
    current = Slice(after_row + 1, after_row)
    under, notices, taken = CurrentTransaction(found), 0, 0
    for item in items:
        match item:
            case RosterRecord() | DoseRecord() | PatientRecord() | Rejection():
                row = item.row if isinstance(item, Rejection) else item.position.row
                if 0 < row <= after_row:
                    continue
                if taken >= rows and row > current.last_row:
                    yield current
                    current, taken = Slice(current.last_row + 1, current.last_row), 0
                current.last_row = max(current.last_row, row)
                taken += row > 0
                _put(current, item, under)
            case RosterHeader():
                under.begin(item)
            case VxuHeader() | AdsHeader():
                current.headers.append(item)
            case RosterMention():
                if item.position.row > after_row and not under.is_repeated:
                    current.mentions.append((item, under.header))
            case Notice():
                notices += 1
                if item.row == 0 or item.row > after_row:
                    current.notices.append((notices, item))
            case FeedSummary():
                current.summary = item
            case _:
                assert isinstance(item, RosterTrailer), "every kind of item has its place"
    yield current


class CurrentTransaction:
    """The header that rows stand under at the moment, when it was said, and whether that was read before."""

    def __init__(self, found: Transactions) -> None:
        self._found, self._place = found, -1
        self.header, self.said, self.is_repeated = NO_HEADER, NEVER, False

    def begin(self, header: RosterHeader) -> None:
        self._place += 1
        known = self._found.get(self._place)
        self.header, self.said = header, stamp_of(header)
        self.is_repeated = known is not None and known.repeats is not None
        if known is not None and known.original:
            self.said = known.said


def _put(
    current: Slice, item: RosterRecord | DoseRecord | PatientRecord | Rejection, under: CurrentTransaction
) -> None:
    match item:
        case RosterRecord() if under.is_repeated:
            current.repeated.append(item.position.row)
        case RosterRecord():
            current.roster.append(RosterRow(item, under.header, under.said))
        case DoseRecord():
            current.doses.append(item)
        case PatientRecord():
            current.patients.append(item)
        case Rejection() if item.row > 0 or all(rejection.row > 0 for rejection in current.rejections):
            current.rejections.append(item)  # of the file as a whole the first one is kept
