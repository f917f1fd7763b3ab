"""The segments of one INS loop, sorted by whose they are: the member's own, his name's, a coverage's, somebody else's.

Follows the loops of 005010X220A1 (and X307) just far enough to know whose name, address or date a segment gives.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from services.eligibility.feeds.faults import BadRow, Notices
from services.eligibility.feeds.languages import LanguageUse, spoken, to_speak, x12_language
from services.eligibility.feeds.profiles import Profile
from services.eligibility.feeds.records import Maintenance, Phone, Position
from services.eligibility.feeds.roster_contact import PHONE_USES, RosterContact
from services.eligibility.feeds.values import DATE_RANGE, day, email, is_open_end, phone
from services.eligibility.feeds.x12 import Segment, Separators

MAINTENANCE = {
    "001": Maintenance.CHANGE,
    "021": Maintenance.ADD,
    "024": Maintenance.TERMINATE,
    "025": Maintenance.REINSTATE,
    "030": Maintenance.AUDIT,
}
# HD01 knows three more: 002 deletes the coverage as if it had never been, 026 corrects it, 032 says it isn't his.
DELETED, NOT_HIS = "002", "032"
COVERAGE_MAINTENANCE = {**MAINTENANCE, DELETED: Maintenance.TERMINATE, "026": Maintenance.CHANGE}

# NM101 of the member, as he is and as he was corrected.
MEMBER_NAMES = frozenset({"IL", "74"})

MEMBER, NAME, OLD_NAME, OTHER, COVERAGE, BEYOND, REPORTING = range(7)
_BEFORE_COVERAGE = frozenset({MEMBER, NAME, OLD_NAME, OTHER})

# A member has some tens of segments; a loop that never ends must not fill the memory.
MAX_LOOP_SEGMENTS = 2000
MAX_LOOP_CHARS = 8 << 20
SORTED_AT_ONCE = 32


class RosterContext(NamedTuple):
    """What a row needs to know of its file. `latest_on` is the file's own day: nobody is born after it."""

    profile: Profile
    separators: Separators
    payer: str
    latest_on: date | None


@dataclass(slots=True)
class CoverageDates:
    """The dates of a coverage, or of the member."""

    insurance_line: str = ""
    description: str = ""
    maintenance: Maintenance = Maintenance.CHANGE
    begin_on: date | None = None
    end_on: date | None = None
    effective_on: date | None = None
    is_deleted: bool = False

    @property
    def is_void(self) -> bool:
        return self.is_deleted or bool(self.begin_on and self.end_on and self.end_on < self.begin_on)


def at(segment: Segment, index: int) -> str:
    """An element without its padding; other white space, such as 0x1C, may be a separator within it."""
    return segment[index].strip(" ") if len(segment) > index else ""


class RosterLoop:
    """Sorts its segments. `bad` is the first thing that makes the row a bad one; `numbers` tells where each kept one
    stood; `person` is what they say of the member outright, by the names of the fields of `StatedPerson`.
    `is_of_several`: another member's segments follow, whose INS is lost."""

    def __init__(self, position: Position, context: RosterContext, notices: Notices, ins: Segment) -> None:
        self.segments = [ins]
        self.position = position
        self.context = context
        self.notices = notices
        self.numbers: dict[str, int] = {}
        self.ins: Segment = []
        self.is_subscriber = False
        self.refs: dict[str, str] = {}
        self.name: Segment = []
        self.dmg: Segment = []
        self.place: Segment = []
        self.street = self.unit = ""
        self.phones: list[Phone] = []
        self.others = RosterContact(context.profile.is_withheld)
        self.languages: list[LanguageUse] = []
        self.person: dict[str, Any] = {}
        self.old_name: Segment = []
        self.old_birth_on: date | None = None
        self.span = CoverageDates()
        self.coverages: list[CoverageDates] = []
        self._loop = MEMBER
        self.bad: BadRow | None = None
        self.is_of_several = False
        self._number = self._next = position.segment
        self._chars, self._is_beyond = 0, False

    def add(self, segment: Segment) -> None:
        """Keep a segment until it is sorted: some at once, for they may be long."""
        if len(self.segments) >= SORTED_AT_ONCE:
            self._measure()
            self.sort()
        if not self._is_beyond:
            self.segments.append(segment)

    def _measure(self) -> None:
        """Of a member of many segments, how long they are together: the rest is not looked at."""
        self._chars += sum(len(element) for segment in self.segments for element in segment)
        if self._chars > MAX_LOOP_CHARS:
            self._is_beyond = True
            expected = f"at most {MAX_LOOP_CHARS >> 20} MiB of segments in a member's loop"
            self.bad = self.bad or BadRow("INS", "row-length", expected, self.position.segment)

    def sort(self) -> None:
        """Sort what was added. What follows a bad segment is sorted too: its identifiers say whose row this is."""
        for number, segment in enumerate(self.segments, self._next):
            if number - self.position.segment >= MAX_LOOP_SEGMENTS:
                expected = f"at most {MAX_LOOP_SEGMENTS} segments in a member's loop"
                self.bad = self.bad or BadRow("INS", "row-length", expected, number)
                break
            handler = _HANDLERS.get(segment[0])
            if handler is not None:
                self._number = number
                try:
                    handler(self, segment)
                except BadRow as bad:
                    self.bad = self.bad or bad
        self._next += len(self.segments)
        self.segments.clear()

    # -- in the order of the guide

    def _on_ins(self, segment: Segment) -> None:
        self.ins = self._kept("INS", segment)
        self.is_subscriber = at(segment, 1) == "Y"

    def _on_ref(self, segment: Segment) -> None:
        qualifier = at(segment, 1)
        if self._loop in _BEFORE_COVERAGE and qualifier not in self.refs:
            self.refs[qualifier] = at(self._kept(f"REF*{qualifier}", segment), 2)

    def _on_dtp(self, segment: Segment) -> None:
        kind = at(segment, 1)
        if self._loop == COVERAGE:
            self._set_span(self.coverages[-1], segment, kind, "348", "349")
        elif self._loop in _BEFORE_COVERAGE:
            self._set_span(self.span, segment, kind, "356", "357")

    def _on_nm1(self, segment: Segment) -> None:
        kind = at(segment, 1)
        if kind in MEMBER_NAMES and self.name:
            self.is_of_several = True
            self._reject("NM1-01", "second-name", "one NM1*IL or NM1*74 behind each INS")
        if self._loop not in _BEFORE_COVERAGE:
            return
        if kind in MEMBER_NAMES:
            self._loop, self.name = NAME, self._kept("NM1", segment)
        elif kind == "70":
            self._loop, self.old_name = OLD_NAME, self._kept("NM1*70", segment)
        else:
            self._loop = OTHER
            self.others.begin(segment)

    def _on_per(self, segment: Segment) -> None:
        if self._loop == OTHER and not self.others.take(segment):
            self.odd("PER-04", "phone", "a North American telephone number of ten digits")
        if self._loop == NAME:
            for index in range(3, len(segment) - 1, 2):
                if value := at(segment, index + 1):
                    self._contact(at(segment, index), value, index + 1)

    def _contact(self, kind: str, value: str, index: int) -> None:
        if self.is_withheld(value, "PER", index):
            return
        if kind == "EM":
            self.person["email"] = email(value)
            if not self.person["email"]:
                self.odd(f"PER-{index:02d}", "email", "an e-mail address")
        elif kind in PHONE_USES:
            number = phone(value, PHONE_USES[kind])
            if number is None:
                self.odd(f"PER-{index:02d}", "phone", "a North American telephone number of ten digits")
            elif number not in self.phones:
                self.phones.append(number)

    def _on_n3(self, segment: Segment) -> None:
        if self._loop == OTHER:
            self.others.take(segment)
        elif self._loop == NAME and not self.is_withheld(at(segment, 1), "N3", 1):
            self.street, self.unit = at(segment, 1), at(segment, 2)

    def _on_n4(self, segment: Segment) -> None:
        if self._loop == OTHER:
            self.others.take(segment)
        elif self._loop == NAME:
            self.place = self._kept("N4", segment)

    def _on_dmg(self, segment: Segment) -> None:
        if self._loop == NAME:
            self.dmg = self._kept("DMG", segment)
        elif self._loop == OLD_NAME:
            self.old_birth_on = day(at(segment, 2))

    def _on_lui(self, segment: Segment) -> None:
        if self._loop not in {MEMBER, NAME}:
            return
        tag = x12_language(at(segment, 2))
        if tag is None:
            self.odd("LUI-02", "language", "a language of ISO 639-2")
        elif tag:
            self.languages.append(LanguageUse(tag, at(segment, 4)))
            self.person |= {"language": to_speak(self.languages), "spoken": spoken(self.languages)}

    def _on_hd(self, segment: Segment) -> None:
        self._loop = BEYOND
        code = at(segment, 1)
        if code == NOT_HIS:
            return
        if code not in COVERAGE_MAINTENANCE:
            self._reject("HD-01", "maintenance", f"one of {', '.join(COVERAGE_MAINTENANCE)}")
        span = CoverageDates(
            at(segment, 3).upper(), at(segment, 4), COVERAGE_MAINTENANCE[code], is_deleted=code == DELETED
        )
        self.coverages.append(span)
        self._loop = COVERAGE

    def _on_reporting(self, segment: Segment) -> None:
        self._loop = REPORTING if segment[0] == "LS" else BEYOND

    def _on_beyond(self, _segment: Segment) -> None:
        self._loop = BEYOND if self._loop != REPORTING else REPORTING

    # -- dates

    def _set_span(self, span: CoverageDates, segment: Segment, kind: str, begin: str, end: str) -> None:
        if kind == begin:
            span.begin_on, until_on = self._dates(segment)
            span.end_on = until_on or span.end_on
        elif kind == end:
            first_on, last_on = self._dates(segment)
            span.end_on = last_on or first_on
        elif kind == "303" and (span is self.span or span.maintenance is Maintenance.TERMINATE):
            span.effective_on = self._dates(segment)[0]

    def _dates(self, segment: Segment) -> tuple[date | None, date | None]:
        """The day of a DTP, or both days of a range; an open end is no day."""
        first, dash, last = at(segment, 3).partition("-")
        return self._one_day(first), self._one_day(last) if dash else None

    def _one_day(self, text: str) -> date | None:
        found = day(text[:8])
        if found is None and not is_open_end(text):
            self._reject("DTP-03", "date", DATE_RANGE)
        return found

    # -- what is said about a segment

    def _kept(self, key: str, segment: Segment) -> Segment:
        self.numbers[key] = self._number
        return segment

    def is_withheld(self, text: str, name: str, index: int) -> bool:
        if not self.context.profile.is_withheld(text):
            return False
        self.odd(f"{name}-{index:02d}", "withheld", "a value that the sender doesn't withhold")
        return True

    def where(self, field: str) -> int:
        """The number of the segment that a field such as DMG-02 stood in."""
        return self.numbers.get(field.rpartition("-")[0], self._number)

    def odd(self, field: str, code: str, expected: str) -> None:
        self.notices.where = self.where(field)
        self.notices.add(field, code, expected)

    def _reject(self, field: str, code: str, expected: str) -> None:
        raise BadRow(field, code, expected, self._number)


_HANDLERS: dict[str, Callable[[RosterLoop, Segment], None]] = {
    "INS": RosterLoop._on_ins,
    "REF": RosterLoop._on_ref,
    "DTP": RosterLoop._on_dtp,
    "NM1": RosterLoop._on_nm1,
    "PER": RosterLoop._on_per,
    "N3": RosterLoop._on_n3,
    "N4": RosterLoop._on_n4,
    "DMG": RosterLoop._on_dmg,
    "LUI": RosterLoop._on_lui,
    "DSB": RosterLoop._on_beyond,
    "HD": RosterLoop._on_hd,
    "LX": RosterLoop._on_beyond,
    "COB": RosterLoop._on_beyond,
    "LS": RosterLoop._on_reporting,
    "LE": RosterLoop._on_reporting,
}
HANDLED = frozenset(_HANDLERS)
