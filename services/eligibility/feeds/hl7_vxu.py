"""Reads files of HL7 v2 VXU^V04 messages (2.3.1 to 2.8), and of a registry's answers that bring a patient's history
(RSP^K11, profiles Z32 and Z42), single or in FHS/BHS batches, one message at a time.

A message that is none of a vaccination, or whose patient can't be read, is one rejected row; otherwise each of its
vaccination events is a row of its own, so that one unknown vaccine doesn't cost the others.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import BinaryIO

from services.eligibility.feeds.er7 import (
    MAX_LINE_BYTES,
    MOST_REPEATS,
    STANDARD,
    Delimiters,
    Lines,
    Segment,
    mend_header,
    parse_segments,
    segment_name,
)
from services.eligibility.feeds.faults import BadRow, Notices
from services.eligibility.feeds.records import Consent, FeedItem, Notice, PatientRecord, Position, Rejection, VxuHeader
from services.eligibility.feeds.registries import DEFAULT_ZONE, zone_of
from services.eligibility.feeds.values import day, moment
from services.eligibility.feeds.vxu_dose import DoseGroup, MessageContext, read_dose
from services.eligibility.feeds.vxu_person import PersonReader, consent_of

MAX_MESSAGE_LINES = 20_000
MAX_MESSAGE_BYTES = 16 << 20
FREE_TEXT = frozenset({"OBX", "NTE"})
# A message that stops within one of these has lost what matters; RXA counts as whole from its last needed field on.
# That is for files without a frame, which often lack the last line's end; a batch without its trailer is surely cut.
HEAD_SEGMENTS = frozenset({"MSH", "PID", "PD1", "NK1"})
NEEDED = frozenset({"PID", "PD1", "ORC", "RXA"})
RXA_FIELDS = 21
# MSH-11, HL7 table 0103: training and debugging.
NOT_PRODUCTION = frozenset({"T", "D"})
HISTORY_PROFILES = ("Z32", "Z42")

_Line = tuple[int, bytes]


class VxuReader:
    """Iterates over the items of one file. The same reader can't be used twice."""

    def __init__(self, stream: BinaryIO, default_zone: str = DEFAULT_ZONE) -> None:
        self._lines = Lines(stream)
        self._default_zone = default_zone
        self._notices = Notices()
        self._message: list[_Line] = []
        self._bad: BadRow | None = None
        self._long: list[tuple[str, int]] = []
        self._bytes = 0
        self._rows = 0
        self._has_header = False
        self._is_batch = False
        self._batches = 0
        self._messages = 0
        self._in_batch = 0
        self._ended = self._says_none = False

    def __iter__(self) -> Iterator[FeedItem]:
        for line in self._lines:
            yield from self._take(line)
        yield from self._end_of_file()

    def _take(self, line: bytes) -> Iterator[FeedItem]:
        name = segment_name(line)
        if name in {"MSH", "MSH?"}:
            yield from self._end_message()
            yield from self._start_message(line, name)
        elif name in {"FHS", "BHS"}:
            yield from self._end_message()
            yield from self._open_batch(line, name)
        elif name in {"BTS", "FTS"}:
            yield from self._end_message()
            yield from self._close_batch(line, name)
        elif self._message:
            self._extend(line, name)
        else:
            yield self._file_notice("MSH", "stray-line", "every line between MSH and the end of its message")

    # -- messages

    def _start_message(self, line: bytes, name: str) -> Iterator[FeedItem]:
        self._messages += 1
        self._in_batch += 1
        number = self._lines.number
        self._bad = None
        if name == "MSH?":
            line = mend_header(line)
            yield Notice(self._rows + 1, number, "MSH", "headless", "a message header that begins with MSH")
        if self._lines.is_glued:
            yield Notice(self._rows + 1, number, "MSH", "glued", "a line's end (CR) before the header of a message")
        if self._lines.is_lower:
            yield Notice(self._rows + 1, number, name, "lower-case", "the names of segments in upper case")
        self._message, self._bytes = [(number, line)], len(line)
        if not self._has_header:
            header = parse_segments(self._message)[0][0]
            yield self._header(header, header[10].text)

    def _extend(self, line: bytes, name: str) -> None:
        """A line that is no segment goes on with the text of an observation, or has broken the segment before it."""
        number = self._lines.number
        if self._lines.is_long:
            self._leave_out(name, number)
        elif name and len(self._message) < MAX_MESSAGE_LINES and self._bytes + len(line) <= MAX_MESSAGE_BYTES:
            self._message.append((number, line))
            self._bytes += len(line)
        elif name:
            expected = f"at most {MAX_MESSAGE_LINES} segments and {MAX_MESSAGE_BYTES >> 20} MiB in a message"
            self._break(BadRow("MSH", "message-length", expected, number))
        elif segment_name(self._message[-1][1]) not in FREE_TEXT:
            self._break(BadRow("MSH", "broken-line", "every line to begin with the name of a segment", number))

    def _leave_out(self, name: str, number: int) -> None:
        """A segment beyond all measure, such as a document in an observation, loses itself only; without one that
        says who or what, the message can't be used."""
        if name in NEEDED:
            self._break(BadRow(name, "segment-length", f"at most {MAX_LINE_BYTES} bytes in a segment", number))
        else:
            self._long.append((name or "line", number))

    def _break(self, bad: BadRow) -> None:
        """What is wrong first is told of a message, for only what stands before it can be trusted."""
        self._bad = self._bad or bad

    def _end_message(self, cut: bool = False) -> Iterator[FeedItem]:
        lines, self._message = self._message, []
        if not lines:
            return
        self._notices.row, self._notices.where = self._rows + 1, lines[0][0]
        for name, number in self._long:
            self._notices.where = number
            self._notices.add(name, "segment-length", f"at most {MAX_LINE_BYTES} bytes in a segment: it was left out")
        self._notices.where, self._long = lines[0][0], []
        try:
            if self._bad is not None:
                raise self._bad
            if b"PID|" in lines[0][1] or b"PID\\r" in lines[0][1]:
                raise BadRow("MSH", "line-ends", "a line's end (CR) after every segment", lines[0][0])
            segments, guessed = parse_segments(lines)
            _refuse_crowded(segments)
            if guessed:
                self._notices.add("MSH-18", "charset", "the charset of text that is not UTF-8")
            yield from self._read_message(segments, cut)
        except BadRow as bad:
            self._rows += 1
            yield bad.rejection(self._rows, lines[0][0])
            yield from self._patient_before(lines, bad)
        yield from self._notices.drain()

    def _patient_before(self, lines: list[_Line], bad: BadRow) -> Iterator[FeedItem]:
        """Of a rejected message the patient, if what stands before its fault says so; not by a number alone, which may
        be the half of one."""
        whole = [line for line in lines if line[0] < bad.where]
        if bad.code == "broken-line":
            whole = whole[:-1]
        if not whole:
            return
        noted, self._notices = self._notices, Notices()
        try:
            segments, _ = parse_segments(whole)
            _refuse_crowded(segments)
            context, pid = self._context(segments)
            if context.person.name and context.person.birth_on:
                yield from self._patient_who_stops(context, pid)
        except BadRow:
            pass  # it was told why the message is rejected
        finally:
            self._notices = noted

    def _patient_who_stops(self, context: MessageContext, pid: Segment) -> Iterator[FeedItem]:
        """The patient of whose vaccinations none was taken, if he is not to be shared, or has died: what stops others
        is heard all the same, and nothing that could lift what was said before."""
        consent, person = context.consent, context.person
        if consent.is_protected or person.is_deceased:
            protects = (
                Consent(is_protected=True, protected_on=consent.protected_on) if consent.is_protected else Consent()
            )
            yield self._patient(replace(context, consent=protects, person=person._replace(vital="")), pid)

    def _read_message(self, segments: list[Segment], cut: bool) -> Iterator[FeedItem]:
        last = segments[-1]
        if cut and (last.name in HEAD_SEGMENTS or (self._is_batch and not group_doses(segments))):
            raise BadRow("file", "truncated", "the message to end before the file does", last.number)
        context, pid = self._context(segments)
        yield from self._read_rows(segments, context, pid, cut)

    def _context(self, segments: list[Segment]) -> tuple[MessageContext, Segment]:
        """What the rows of a message have in common, and its patient's segment."""
        header, pids = segments[0], [segment for segment in segments if segment.name == "PID"]
        _refuse_other_types(segments, len(pids))
        if len(pids) != 1:
            raise BadRow("PID", "patient", "one PID segment in a message", header.number)
        sender = header[4].part(1) or header[3].part(1)
        relatives = [segment for segment in segments if segment.name == "NK1"]
        person = PersonReader(pids[0], sender, self._notices, relatives, day(header[7].part(1)[:8])).person()
        consent = consent_of(next((segment for segment in segments if segment.name == "PD1"), None), self._notices)
        sent_at = self._sent_at(header, sender)
        test_from = (sender or "unknown") if header[11].part(1).upper() in NOT_PRODUCTION else ""
        return MessageContext(person, consent, header[10].text, sent_at, _sent_on(header), sender, test_from), pids[0]

    def _read_rows(
        self, segments: list[Segment], context: MessageContext, pid: Segment, cut: bool
    ) -> Iterator[FeedItem]:
        groups, is_taken = group_doses(segments), False
        if not groups:
            yield self._patient(context, pid)
        for group in groups:
            self._rows += 1
            self._notices.row = self._rows
            try:
                if cut and group is groups[-1] and (self._is_batch or _is_cut_short(group, segments[-1])):
                    raise BadRow("file", "truncated", "the segment to end before the file does", group.number)
                yield read_dose(self._rows, group, context, self._notices)
                is_taken = True
            except BadRow as bad:
                yield bad.rejection(self._rows, group.number)
        if groups and not is_taken:
            yield from self._patient_who_stops(context, pid)

    def _patient(self, context: MessageContext, pid: Segment) -> PatientRecord:
        """A row of its own about the patient alone."""
        self._rows += 1
        return PatientRecord(
            Position(self._rows, pid.number),
            context.person,
            context.consent,
            message_control_id=context.control_id,
            message_at=context.sent_at,
            test_from=context.test_from,
            sender=context.sender,
        )

    def _sent_at(self, header: Segment, sender: str) -> datetime | None:
        sent_at = moment(header[7].part(1), zone_of(sender, header[3].part(1), self._default_zone))
        if sent_at is None:
            self._notices.add("MSH-7", "time", "the time of the message as YYYYMMDDHHMMSS with its zone")
        return sent_at

    # -- batches

    def _open_batch(self, line: bytes, name: str) -> Iterator[FeedItem]:
        self._is_batch, self._ended = True, False
        if name == "BHS":
            self._batches += 1
            self._in_batch = 0
        if not self._has_header:
            header = parse_segments([(self._lines.number, line)])[0][0]
            yield self._header(header, header[11].text)

    def _close_batch(self, line: bytes, name: str) -> Iterator[FeedItem]:
        self._ended = True
        declared = Segment(0, line.decode("latin-1"), _trailer_delimiters(line))[1].part(1).lstrip("0") or "0"
        if name == "BTS":
            self._says_none = declared == "0"
            if declared != str(self._in_batch):
                yield self._file_notice("BTS-1", "message-count", "the number of messages in the batch")
            self._in_batch = 0
        elif self._batches and declared != str(self._batches):
            yield self._file_notice("FTS-1", "batch-count", "the number of batches in the file")

    def _end_of_file(self) -> Iterator[FeedItem]:
        cut_batch = self._is_batch and not self._ended
        if self._lines.is_cut and self._bad is not None and self._bad.where == self._lines.number:
            self._bad = None  # a scrap of the next segment, of which nothing is known, breaks none before it
        yield from self._end_message(cut=cut_batch or self._lines.is_cut)
        if not self._messages and not self._says_none:
            yield Rejection(
                0, self._lines.number, "file", "no-messages", "a message that begins with MSH, or BTS with 0"
            )
        if cut_batch:
            yield self._file_notice("file", "truncated", "a batch file that ends with BTS or FTS")

    # -- the rest

    def _header(self, header: Segment, control_id: str) -> VxuHeader:
        self._has_header = True
        return VxuHeader(
            sender=header[4].part(1) or header[3].part(1),
            receiver=header[6].part(1) or header[5].part(1),
            control_id=control_id,
            created_at=moment(header[7].part(1), zone_of(header[4].part(1), header[3].part(1), self._default_zone)),
            is_batch=self._is_batch,
        )

    def _file_notice(self, field: str, code: str, expected: str) -> Notice:
        return Notice(0, self._lines.number, field, code, expected)


def _is_cut_short(group: DoseGroup, last: Segment) -> bool:
    return group.orc is last or (group.rxa is last and len(last) < RXA_FIELDS)


def _trailer_delimiters(line: bytes) -> Delimiters:
    return Delimiters(field=chr(line[3])) if len(line) > 3 else STANDARD


def _sent_on(header: Segment) -> date | None:
    """The day of the message where it was sent."""
    return day(header[7].part(1)[:8])


def _refuse_crowded(segments: list[Segment]) -> None:
    """Text may break its lines by repetitions; of what is looked at in an observation its reader says."""
    for segment in segments:
        if segment.name not in FREE_TEXT and (number := segment.crowded()):
            expected = f"at most {MOST_REPEATS} repetitions of a field"
            raise BadRow(f"{segment.name}-{number}", "repetitions", expected, segment.number)


def _refuse_other_types(segments: list[Segment], patients: int) -> None:
    header = segments[0]
    kind = header[9].part(1)
    if kind == "VXU" or (kind == "RSP" and _is_history(segments, patients)):
        return
    if kind == "RSP":
        raise BadRow("MSH-9", "no-history", _WHAT_ANSWERS_BRING, header.number)
    others = {"QBP": "queries", "ACK": "acknowledgements", "ADT": "admissions", "ORU": "results"}
    what = others.get(kind, "others")
    raise BadRow("MSH-9", "not-vxu", f"VXU^V04: {what} bring no vaccination", header.number)


_WHAT_ANSWERS_BRING = (
    "an answer with the history of one patient (profile Z32 or Z42): one PID, and ORC and RXA for each vaccination;"
    " candidates (Z31), nobody found (Z33) and errors bring none"
)


def _is_history(segments: list[Segment], patients: int) -> bool:
    """An answer about one patient, with vaccinations or by its profile without any."""
    header = segments[0]
    named = any(profile.part(1) in HISTORY_PROFILES for profile in header[21].repeats())
    return patients == 1 and (named or any(segment.name == "RXA" for segment in segments))


def group_doses(segments: list[Segment]) -> list[DoseGroup]:
    """ORC opens a group, RXA too where there is no ORC before it."""
    groups: list[DoseGroup] = []
    for segment in segments:
        if segment.name == "ORC" or (segment.name == "RXA" and (not groups or groups[-1].rxa is not None)):
            groups.append(DoseGroup())
        if not groups:
            continue
        group = groups[-1]
        if segment.name == "ORC":
            group.orc = segment
        elif segment.name == "RXA":
            group.rxa = segment
        elif segment.name == "RXR":
            group.rxr = group.rxr or segment
        elif segment.name == "OBX":
            group.observations.append(segment)
    return groups


def read_vxu(stream: BinaryIO, default_zone: str = DEFAULT_ZONE) -> Iterator[FeedItem]:
    """The items of a file of VXU messages. `default_zone`: of senders who name none and have no profile."""
    return iter(VxuReader(stream, default_zone))
