"""Reads 834 rosters (005010X220A1 and X307) from a stream, one INS loop at a time.

A broken row is rejected and the next one read; a wrong count of the envelope is a notice on the file, whose rows stay.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import BinaryIO

from services.eligibility.feeds.faults import BadRow, Notices
from services.eligibility.feeds.profiles import DEFAULT, choose_profile, named_profile
from services.eligibility.feeds.records import FeedItem, Notice, Position, Rejection, RosterHeader, RosterMention
from services.eligibility.feeds.roster_row import RosterContext, RosterRow, at
from services.eligibility.feeds.values import day, digits, instant
from services.eligibility.feeds.x12 import Segment, X12Segments

# A member has some tens of segments; a loop that never ends must not fill the memory.
MAX_ROW_SEGMENTS = 2000
TRAILERS = {"SE": "ST", "GE": "GS", "IEA": "ISA"}
LEVEL = {"ISA": 0, "GS": 1, "ST": 2}
BOUNDARIES = frozenset({"INS", *LEVEL, *TRAILERS})
DECLARED = {"TO": "members", "ET": "subscribers", "DT": "dependants"}


class RosterReader:
    """Iterates over the items of one file. The same reader can't be used twice."""

    def __init__(self, stream: BinaryIO, profile_name: str | None = None) -> None:
        self._segments = X12Segments(stream)
        self._fixed = named_profile(profile_name) if profile_name else None
        self._notices = Notices()
        self._open: dict[str, Segment] = {}
        self._inside = {"ISA": 0, "GS": 0, "ST": 0}
        self._head: list[Segment] = []
        self._context: RosterContext | None = None
        self._row: RosterRow | None = None
        self._row_segments = 0
        self._bad: BadRow | None = None
        self._rows = 0
        self._seen = {"TO": 0, "ET": 0, "DT": 0}

    def __iter__(self) -> Iterator[FeedItem]:
        try:
            for segment in self._segments:
                self._inside["ST"] += 1
                if self._row is not None and segment[0] not in BOUNDARIES:
                    self._extend_row(segment)
                else:
                    yield from self._take(segment)
        except BadRow as bad:
            yield from self._end_row(cut=True)
            yield bad.rejection(0, self._segments.number)
            return
        yield from self._end_of_file()

    def _take(self, segment: Segment) -> Iterator[FeedItem]:
        name = segment[0]
        if name == "INS":
            yield from self._end_row()
            yield from self._start_row(segment)
        elif name in LEVEL:
            yield from self._end_row()
            yield from self._open_level(name, segment)
        elif name in TRAILERS:
            yield from self._end_row()
            yield from self._close_level(TRAILERS[name], segment)
        elif self._open.get("ST") and len(self._head) < MAX_ROW_SEGMENTS:
            self._head.append(segment)

    # -- rows

    def _start_row(self, segment: Segment) -> Iterator[FeedItem]:
        self._rows += 1
        number = self._segments.number
        if "ST" not in self._open:
            yield Rejection(self._rows, number, "INS", "outside-transaction", "an INS loop between ST and SE")
            return
        if self._open["ST"][1:2] != ["834"]:
            yield Rejection(self._rows, number, "ST-01", "not-834", "an 834 transaction set")
            return
        if self._context is None:
            yield from self._make_header()
        self._seen["TO"] += 1
        self._seen["ET" if at(segment, 1) == "Y" else "DT"] += 1
        self._notices.row = self._rows
        self._row_segments, self._bad = 0, None
        assert self._context is not None
        self._row = RosterRow(Position(self._rows, number), self._context, self._notices)
        self._extend_row(segment)

    def _extend_row(self, segment: Segment) -> None:
        """Reads on after a bad segment too: the identifiers that follow it say whose row this is."""
        row = self._row
        assert row is not None
        self._row_segments += 1
        number = self._notices.where = self._segments.number
        try:
            if self._row_segments > MAX_ROW_SEGMENTS:
                raise BadRow("INS", "row-length", f"at most {MAX_ROW_SEGMENTS} segments in a member's loop", number)
            row.take(number, segment)
        except BadRow as bad:
            self._bad = self._bad or bad

    def _end_row(self, cut: bool = False) -> Iterator[FeedItem]:
        row, self._row = self._row, None
        if row is None:
            return
        bad = self._bad
        if cut:
            number = self._segments.number
            bad = bad or BadRow("file", "truncated", "the member's loop to end before the file does", number)
        try:
            if bad is not None:
                raise bad
            yield row.record()
        except BadRow as why:
            yield why.rejection(row.position.row, row.position.segment)
            identifiers = row.identifiers()
            if identifiers:
                yield RosterMention(row.position, identifiers)
        yield from self._notices.drain()
        if row.is_subscriber and self._context is not None:
            self._context = replace(self._context, subscriber_number=row.subscriber_number())

    # -- envelope

    def _open_level(self, name: str, segment: Segment) -> Iterator[FeedItem]:
        """Opens a level; whatever was left open at or below it has lost its trailer."""
        for level in ("ST", "GS", "ISA"):
            if LEVEL[level] >= LEVEL[name] and level in self._open:
                yield from self._missing_trailer(level)
        if name != "ISA":
            parent = "GS" if name == "ST" else "ISA"
            self._inside[parent] += 1
        self._open[name] = segment
        self._inside[name] = 1 if name == "ST" else 0
        if name == "ST":
            self._head, self._context = [], None
            self._seen = dict.fromkeys(self._seen, 0)
            if at(segment, 1) != "834":
                yield Rejection(0, self._segments.number, "ST-01", "not-834", "an 834 transaction set")

    def _missing_trailer(self, level: str) -> Iterator[FeedItem]:
        trailer = {"ST": "SE", "GS": "GE", "ISA": "IEA"}[level]
        if level == "ST":
            yield from self._finish_transaction()
        self._open.pop(level)
        yield self._file_notice(trailer, "missing-trailer", f"a {trailer} segment for every {level}")

    def _close_level(self, level: str, segment: Segment) -> Iterator[FeedItem]:
        for below in ("ST", "GS"):
            if LEVEL[below] > LEVEL[level] and below in self._open:
                yield from self._missing_trailer(below)
        name = segment[0]
        opened = self._open.get(level)
        if opened is None:
            yield self._file_notice(name, "missing-header", f"a {level} segment before its {name}")
            return
        if level == "ST":
            yield from self._finish_transaction()
        del self._open[level]
        code = {"ST": "segment-count", "GS": "transaction-count", "ISA": "group-count"}[level]
        what = {"ST": "segments from ST to SE", "GS": "transaction sets of the group", "ISA": "groups of the file"}
        if at(segment, 1).lstrip("0") != str(self._inside[level]):
            yield self._file_notice(f"{name}-01", code, f"the number of {what[level]}")
        number_at = {"ST": 2, "GS": 6, "ISA": 13}[level]
        if at(segment, 2) != at(opened, number_at):
            yield self._file_notice(f"{name}-02", "control-number", f"the control number of {level}-{number_at:02d}")

    def _finish_transaction(self) -> Iterator[FeedItem]:
        if self._context is None and at(self._open["ST"], 1) == "834":
            yield from self._make_header()
        for segment in self._head:
            kind = at(segment, 1)
            if segment[0] == "QTY" and kind in DECLARED and at(segment, 2).lstrip("0") != str(self._seen[kind] or ""):
                field = f"QTY*{kind}-02"
                yield self._file_notice(field, "declared-total", f"the number of {DECLARED[kind]} in the transaction")
        self._head, self._context = [], None

    def _end_of_file(self) -> Iterator[FeedItem]:
        cut = self._segments.is_cut or bool(self._open)
        yield from self._end_row(cut="ST" in self._open)
        if cut:
            yield self._file_notice("file", "truncated", "a file that ends with IEA")
        for level in ("ST", "GS", "ISA"):
            if level in self._open:
                yield from self._missing_trailer(level)

    def _file_notice(self, field: str, code: str, expected: str) -> Notice:
        return Notice(0, self._segments.number, field, code, expected)

    # -- header

    def _make_header(self) -> Iterator[FeedItem]:
        isa, gs, st = (self._open.get(level, []) for level in ("ISA", "GS", "ST"))
        sender, receiver = at(isa, 6), at(isa, 8)
        implementation = at(gs, 8) or at(st, 3)
        found = self._fixed or choose_profile(sender, at(gs, 2), receiver, implementation)
        profile = found or named_profile(DEFAULT)
        if found is None:
            yield self._file_notice("ISA-06", "unknown-sender", "a sender with a profile; the guide's own words hold")
        bgn = next((one for one in self._head if one[0] == "BGN"), [])
        sponsor, payer = self._party("P5"), self._party("IN")
        is_full = profile.is_full(at(bgn, 8))
        payer_id = at(payer, 4) or at(gs, 3) or receiver
        self._context = RosterContext(profile, self._segments.separators, payer_id, self._file_day(isa, gs))
        yield RosterHeader(
            profile=profile.name,
            sender=sender,
            receiver=receiver,
            interchange_control=at(isa, 13),
            group_control=at(gs, 6),
            transaction_control=at(st, 2),
            implementation=implementation,
            is_full=is_full,
            absence_terminates=is_full and profile.absence_terminates,
            is_test=at(isa, 15) == "T",
            sponsor_id=at(sponsor, 4),
            sponsor_name=at(sponsor, 2),
            payer_id=at(payer, 4),
            payer_name=at(payer, 2),
            reference=at(bgn, 2),
            action=at(bgn, 8),
            created_at=self._created_at(bgn),
            declared=self._declared(),
        )

    def _party(self, role: str) -> Segment:
        return next((one for one in self._head if one[0] == "N1" and at(one, 1) == role), [])

    def _declared(self) -> tuple[tuple[str, int], ...]:
        found = ((at(one, 1), at(one, 2)) for one in self._head if one[0] == "QTY")
        return tuple((kind, int(count)) for kind, count in found if digits(count, min(len(count), 9)))

    @staticmethod
    def _created_at(bgn: Segment) -> datetime | None:
        return instant(at(bgn, 3) + at(bgn, 4)[:6]) or instant(at(bgn, 3))

    @staticmethod
    def _file_day(isa: Segment, gs: Segment) -> date | None:
        """The later of the two days the envelope names: nothing in it can have happened after it."""
        days = [found for found in (day(at(gs, 4)), day("20" + at(isa, 9))) if found]
        return max(days, default=None)


def read_834(stream: BinaryIO, profile: str | None = None) -> Iterator[FeedItem]:
    """The items of an 834, by the sender's profile or the one named here."""
    return iter(RosterReader(stream, profile))
