"""Reads 834 rosters (005010X220A1 and X307) from a stream, one INS loop at a time.

A broken row is rejected and the next one read; a wrong count of the envelope is a notice on the file, whose rows stay.
"""

from collections.abc import Generator, Iterator
from typing import BinaryIO

from services.eligibility.feeds.faults import BadRow, Notices
from services.eligibility.feeds.profiles import named_profile
from services.eligibility.feeds.records import FeedItem, Notice, Position, Rejection, RosterMention, RosterTrailer
from services.eligibility.feeds.roster_header import read_header
from services.eligibility.feeds.roster_loop import HANDLED, MAX_LOOP_SEGMENTS, RosterContext, RosterLoop, at
from services.eligibility.feeds.roster_record import RosterIdentifiers, roster_record
from services.eligibility.feeds.x12 import MAX_SEGMENT_CHARS, Segment, X12Segments, is_glued, parted
from services.eligibility.feeds.x12_digest import TransactionDigest
from services.eligibility.feeds.x12_envelope import LEVELS, TRAILERS, Envelope
from services.eligibility.feeds.x12_group import ACKNOWLEDGEMENTS

BOUNDARIES = frozenset({"INS", *LEVELS, *TRAILERS})
SEGMENTS = frozenset({*BOUNDARIES, *HANDLED, "BGN", "N1", "QTY"})
"""Those that are read."""
ENVELOPE = BOUNDARIES - {"INS"}
HEAD = frozenset({"BGN", "N1"})
NEEDED = frozenset({"INS", "REF", "NM1", "DMG", "HD", "DTP"})
"""What says who a member is, or what is covered."""
MEMBERS_OWN = frozenset({"NM1", "DMG", "HD"})
"""What stands in no head of a transaction."""
DECLARED = {"TO": "members", "ET": "subscribers", "DT": "dependants"}


class RosterReader:
    """Iterates over the items of one file. The same reader can't be used twice. With a digest it reads ahead: members
    are passed over, and each transaction ends with a `RosterTrailer`."""

    def __init__(
        self, stream: BinaryIO, profile_name: str | None = None, digest: TransactionDigest | None = None
    ) -> None:
        self._segments = X12Segments(stream)
        self._fixed = named_profile(profile_name) if profile_name else None
        self._notices = Notices()
        self._envelope = Envelope()
        self._digest = digest
        self._head: list[Segment] = []
        self._context: RosterContext | None = None
        self._loop: RosterLoop | None = None
        self._rows = 0
        self._has_small_letters = False
        self._seen = dict.fromkeys(DECLARED, 0)

    def __iter__(self) -> Iterator[FeedItem]:
        try:
            for found in self._segments:
                if self._segments.is_long:
                    yield from self._leave_out(found[0].upper())
                elif is_glued(found):
                    yield from self._part(found)
                else:
                    yield from self._read(found)
        except BadRow as bad:
            yield from self._end_loop(cut=True)
            yield bad.rejection(0, self._segments.number)
            return
        yield from self._end_of_file()

    def _read(self, found: Segment) -> Iterator[FeedItem]:
        segment = found if found[0].isupper() else (yield from self._in_capitals(found))
        if self._digest is not None:
            self._digest.add(segment)
        if self._context is None or segment[0] in BOUNDARIES:
            yield from self._take(segment)
        elif self._loop is not None:
            self._loop.add(segment)

    def _part(self, found: Segment) -> Iterator[FeedItem]:
        """An interchange that follows without the terminator of what is before it: a trailer, or what was cut off."""
        before, isa = parted(found)
        expected = "a segment terminator before the header of an interchange"
        yield Notice(0, self._segments.number, "ISA", "glued", expected)
        if before[0] in TRAILERS:
            yield from self._read(before)
        yield from self._read(isa)

    def _take(self, segment: Segment) -> Iterator[FeedItem]:
        name, number = segment[0], self._segments.number
        if name in BOUNDARIES:
            yield from self._end_loop(cut=name == "ISA" and "ST" in self._envelope)
        if name == "INS":
            yield from self._start_loop(segment)
        elif name in LEVELS:
            yield from self._end_transaction()
            yield from self._envelope.open(name, segment, number)
            if name == "ST" and self._digest is not None:
                self._digest.begin(segment, self._segments.separators)
            if name == "GS" and at(segment, 1) in ACKNOWLEDGEMENTS:
                expected = "an 834 (functional group BE); the group of acknowledgements is passed over"
                yield Notice(0, number, "GS-01", "acknowledgement", expected)
            elif name == "ST" and at(segment, 1) != "834" and not self._is_acknowledgement():
                yield Rejection(0, number, "ST-01", "not-834", "an 834 transaction set")
        elif name in TRAILERS:
            yield from self._end_transaction(name == "SE" and not self._is_cut_trailer(segment))
            yield from self._envelope.close(name, segment, number)
        elif "ST" in self._envelope and len(self._head) < MAX_LOOP_SEGMENTS:
            self._head.append(segment)

    def _in_capitals(self, segment: Segment) -> Generator[Notice, None, Segment]:
        """Some senders write the names and codes of segments in small letters; told once."""
        capitals = [element.upper() for element in segment]
        if capitals[0] not in SEGMENTS:
            return segment
        if not self._has_small_letters:
            self._has_small_letters = True
            yield Notice(0, self._segments.number, "segment", "small-letters", "segment names and codes in capitals")
        return capitals

    def _leave_out(self, name: str) -> Iterator[FeedItem]:
        """A segment beyond all measure loses itself only; one that says who or what loses its member."""
        number, loop = self._segments.number, self._loop
        field = name if name in SEGMENTS else "segment"
        bad = BadRow(field, "segment-length", f"at most {MAX_SEGMENT_CHARS} characters in a segment", number)
        if name in ENVELOPE or (self._context is None and name in HEAD):
            raise bad
        if self._digest is not None:
            self._digest.add([name])
        if name in BOUNDARIES or self._context is None:
            yield from self._take([name])
        elif loop is not None:
            loop.add([name])
        if self._loop is not None and name in NEEDED:
            self._loop.bad = self._loop.bad or bad
        else:
            yield Notice(self._rows if loop else 0, number, field, bad.code, f"{bad.expected}: it was left out")

    # -- members

    def _start_loop(self, segment: Segment) -> Iterator[FeedItem]:
        number = self._segments.number
        if self._context is None and "ST" in self._envelope and self._is_834():
            yield from self._make_header()
        self._rows += 1
        if "ST" not in self._envelope:
            yield Rejection(self._rows, number, "INS", "outside-transaction", "an INS loop between ST and SE")
            return
        if not self._is_834():
            yield Rejection(self._rows, number, "ST-01", "not-834", "an 834 transaction set")
            return
        if self._digest is not None:
            return
        assert self._context is not None
        self._seen["TO"] += 1
        self._seen["ET" if at(segment, 1) == "Y" else "DT"] += 1
        self._notices.row = self._rows
        position = Position(self._rows, number)
        self._loop = RosterLoop(position, self._context, self._notices, segment)

    def _end_loop(self, cut: bool = False) -> Iterator[FeedItem]:
        loop, self._loop = self._loop, None
        if loop is None:
            return
        loop.sort()
        bad = loop.bad
        if cut:
            number = self._segments.number
            bad = bad or BadRow("file", "truncated", "the member's loop to end before the file does", number)
        try:
            if bad is not None:
                raise bad
            yield roster_record(loop)
        except BadRow as why:
            yield why.rejection(loop.position.row, loop.position.segment)
            identifiers = RosterIdentifiers(loop).all()
            if identifiers and not loop.is_of_several:
                yield RosterMention(loop.position, identifiers)
        yield from self._notices.drain()

    # -- transactions

    def _is_834(self) -> bool:
        return at(self._envelope.header("ST"), 1) == "834"

    def _is_acknowledgement(self) -> bool:
        return at(self._envelope.header("GS"), 1) in ACKNOWLEDGEMENTS

    def _make_header(self) -> Iterator[FeedItem]:
        isa, gs, st = (self._envelope.header(level) for level in LEVELS)
        header, self._context = read_header(isa, gs, st, self._head, self._segments.separators, self._fixed)
        if self._fixed is None and not header.is_known_sender:
            expected = "a sender with a profile; the guide's own words hold"
            yield Notice(0, self._segments.number, "ISA-06", "unknown-sender", expected)
        yield header
        if any(segment[0] in MEMBERS_OWN for segment in self._head):
            self._rows += 1
            expected = "an INS segment at the head of every member's loop"
            yield Rejection(self._rows, self._segments.number, "INS", "outside-loop", expected)

    def _is_cut_trailer(self, se: Segment) -> bool:
        """Whether the file ends within it: what is left of it does not name what it ends."""
        return self._segments.is_unended and at(se, 2) != at(self._envelope.header("ST"), 2)

    def _end_transaction(self, has_trailer: bool = False) -> Iterator[FeedItem]:
        """Compares the totals that the transaction declared; without members it still has a header."""
        if "ST" in self._envelope and self._is_834():
            if self._context is None:
                rows = self._rows
                yield from self._make_header()
                if rows == self._rows:
                    expected = "a member (INS) in the transaction: nothing is said of anybody"
                    yield Notice(0, self._segments.number, "INS", "no-members", expected)
            for segment in self._head:
                kind = at(segment, 1)
                if segment[0] == "QTY" and kind in DECLARED and at(segment, 2).lstrip("0") != self._count(kind):
                    expected = f"the number of {DECLARED[kind]} in the transaction"
                    yield Notice(0, self._segments.number, f"QTY*{kind}-02", "declared-total", expected)
            if self._digest is not None:
                yield RosterTrailer(self._digest.hexdigest(), is_cut=not has_trailer)
        self._head, self._context = [], None
        self._seen = dict.fromkeys(DECLARED, 0)

    def _count(self, kind: str) -> str:
        return str(self._seen[kind] or "")

    def _end_of_file(self) -> Iterator[FeedItem]:
        open_levels = self._envelope.still_open()
        yield from self._end_loop(cut="ST" in open_levels)
        yield from self._end_transaction()
        if open_levels or self._segments.is_cut:
            yield Notice(0, self._segments.number, "file", "truncated", "a file that ends with IEA")
        yield from self._envelope.end(self._segments.number)


def read_834(stream: BinaryIO, profile: str | None = None) -> Iterator[FeedItem]:
    """The items of an 834, by the sender's profile or the one named here."""
    return iter(RosterReader(stream, profile))
