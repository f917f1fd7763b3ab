"""One member of an 834: the segments of an INS loop become a `RosterRecord`.

Follows the loops of 005010X220A1 (and X307) just far enough to know whose name, address or date a segment gives.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import NoReturn

from services.eligibility.feeds.faults import BadRow, Notices
from services.eligibility.feeds.profiles import IdRule, Profile, Source
from services.eligibility.feeds.records import (
    Address,
    Coverage,
    Identifier,
    IdType,
    Maintenance,
    Person,
    PersonName,
    Phone,
    Position,
    Previous,
    RosterRecord,
    Sex,
)
from services.eligibility.feeds.values import (
    ASIAN,
    BLACK,
    DATE_RANGE,
    ETHNICITIES,
    HISPANIC,
    NATIVE,
    NOT_HISPANIC,
    OTHER_RACE,
    PACIFIC,
    UNSAID,
    WHITE,
    cdc_category,
    day,
    digits,
    email,
    is_open_end,
    phone,
    sex,
    zip_code,
)
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
DEATH_REASON = "03"
# X12 element 1109. Left out: 7 not provided, F Asian Pacific American (either of two categories), Z mutual.
X12_RACES = {
    "A": (ASIAN,), "B": (BLACK,), "C": (WHITE,), "D": (ASIAN,), "E": (OTHER_RACE,), "G": (NATIVE,), "H": (HISPANIC,),
    "I": (NATIVE,), "J": (PACIFIC,), "N": (BLACK, NOT_HISPANIC), "O": (WHITE, NOT_HISPANIC), "P": (PACIFIC,),
}  # fmt: skip
X12_RACE_UNSAID = frozenset({"", "7"})
PHONE_USES = {"TE": "other", "HP": "home", "CP": "mobile", "WP": "work", "AP": "other"}

MEMBER, NAME, OLD_NAME, OTHER, COVERAGE, BEYOND, REPORTING = range(7)
_BEFORE_COVERAGE = frozenset({MEMBER, NAME, OLD_NAME, OTHER})


@dataclass(frozen=True, slots=True)
class RosterContext:
    """What a row needs to know of its file. `latest_on` is the file's own day: nobody is born after it."""

    profile: Profile
    separators: Separators
    payer: str
    latest_on: date | None
    subscriber_number: str = ""


@dataclass(slots=True)
class _Span:
    insurance_line: str = ""
    description: str = ""
    maintenance: Maintenance = Maintenance.CHANGE
    begin_on: date | None = None
    end_on: date | None = None
    is_deleted: bool = False

    @property
    def is_void(self) -> bool:
        return self.is_deleted or bool(self.begin_on and self.end_on and self.end_on < self.begin_on)


def at(segment: Segment, index: int) -> str:
    """An element without its padding; other white space, such as 0x1C, may be a separator within it."""
    return segment[index].strip(" ") if len(segment) > index else ""


class RosterRow:
    """Takes the segments of one INS loop in turn, then gives the record or raises `BadRow`."""

    def __init__(self, position: Position, context: RosterContext, notices: Notices) -> None:
        self.position = position
        self.where = position.segment
        self.ins: Segment = []
        self.refs: dict[str, str] = {}
        self._context = context
        self._profile = context.profile
        self._notices = notices
        self._loop = MEMBER
        self._name: Segment = []
        self._old_name: Segment = []
        self._old_birth_on: date | None = None
        self._dmg: Segment = []
        self._street = self._unit = ""
        self._place: Segment = []
        self._language = ""
        self._phones: list[Phone] = []
        self._email = ""
        self._span = _Span()
        self._effective_on: date | None = None
        self._coverages: list[_Span] = []

    def take(self, number: int, segment: Segment) -> None:
        handler = _HANDLERS.get(segment[0])
        if handler is not None:
            self.where = number
            handler(self, segment)

    # -- segments, in the order of the guide

    def _on_ins(self, segment: Segment) -> None:
        self.ins = segment

    def _on_ref(self, segment: Segment) -> None:
        if self._loop in _BEFORE_COVERAGE:
            self.refs.setdefault(at(segment, 1), at(segment, 2))

    def _on_dtp(self, segment: Segment) -> None:
        kind = at(segment, 1)
        if self._loop == COVERAGE:
            self._set_span(self._coverages[-1], segment, kind, "348", "349")
        elif self._loop in _BEFORE_COVERAGE:
            self._set_span(self._span, segment, kind, "356", "357")
            if kind == "303":
                self._effective_on = self._dates(segment)[0]

    def _on_nm1(self, segment: Segment) -> None:
        if self._loop not in _BEFORE_COVERAGE:
            return
        kind = at(segment, 1)
        if kind in {"IL", "74"}:
            self._loop, self._name = NAME, segment
        elif kind == "70":
            self._loop, self._old_name = OLD_NAME, segment
        else:
            self._loop = OTHER

    def _on_per(self, segment: Segment) -> None:
        if self._loop == NAME:
            for index in range(3, len(segment) - 1, 2):
                self._contact(at(segment, index), at(segment, index + 1), f"PER-{index + 1:02d}")

    def _contact(self, kind: str, value: str, field: str) -> None:
        if not value or self._withheld(value, field):
            return
        if kind == "EM":
            self._email = email(value) or self._odd(field, "email", "an e-mail address")
        elif kind in PHONE_USES:
            number = phone(value, PHONE_USES[kind])
            if number is None:
                self._odd(field, "phone", "a North American telephone number of ten digits")
            elif number not in self._phones:
                self._phones.append(number)

    def _on_n3(self, segment: Segment) -> None:
        if self._loop == NAME and not self._withheld(at(segment, 1), "N3-01"):
            self._street, self._unit = at(segment, 1), at(segment, 2)

    def _on_n4(self, segment: Segment) -> None:
        if self._loop == NAME:
            self._place = segment

    def _on_dmg(self, segment: Segment) -> None:
        if self._loop == NAME:
            self._dmg = segment
        elif self._loop == OLD_NAME:
            self._old_birth_on = day(at(segment, 2))

    def _on_lui(self, segment: Segment) -> None:
        if self._loop == NAME and not self._language:
            self._language = at(segment, 2).lower()

    def _on_hd(self, segment: Segment) -> None:
        self._loop = BEYOND
        code = at(segment, 1)
        if code == NOT_HIS:
            return
        if code not in COVERAGE_MAINTENANCE:
            self._reject("HD-01", "maintenance", f"one of {', '.join(COVERAGE_MAINTENANCE)}")
        span = _Span(at(segment, 3), at(segment, 4), COVERAGE_MAINTENANCE[code], is_deleted=code == DELETED)
        self._coverages.append(span)
        self._loop = COVERAGE

    def _on_reporting(self, segment: Segment) -> None:
        self._loop = REPORTING if segment[0] == "LS" else BEYOND

    def _on_beyond(self, segment: Segment) -> None:
        self._loop = BEYOND if self._loop != REPORTING else REPORTING

    def _on_disability(self, segment: Segment) -> None:
        self._loop = BEYOND

    # -- the record

    def record(self) -> RosterRecord:
        self.where = self.position.segment
        maintenance = self._maintenance()
        identifiers = self.identifiers()
        if not identifiers:
            self._reject("REF-02", "identifier", "a member or subscriber number where the sender's profile has it")
        if not self._name:
            self._reject("NM1-03", "name", "a member's name in NM1*IL or NM1*74")
        reason = at(self.ins, 4)
        person = self._person(identifiers, died=reason == DEATH_REASON and maintenance is Maintenance.TERMINATE)
        may_renew = maintenance is not Maintenance.TERMINATE
        return RosterRecord(
            position=self.position,
            maintenance=maintenance,
            reason=reason,
            is_subscriber=self.is_subscriber,
            relation=at(self.ins, 2),
            person=person,
            group=self._first(self._profile.group),
            begin_on=self._span.begin_on,
            end_on=self._span.end_on,
            lapses_on=self._profile.lapse(self._span.begin_on, self._span.end_on, may_renew),
            is_void=self._span.is_void,
            effective_on=self._effective_on,
            is_restricted=at(self.ins, 13) == "R",
            previous=self._previous(),
            coverages=tuple(self._coverage(span, may_renew) for span in self._coverages),
        )

    @property
    def is_subscriber(self) -> bool:
        return at(self.ins, 1) == "Y"

    def _maintenance(self) -> Maintenance:
        if at(self.ins, 1) not in {"Y", "N"}:
            self._reject("INS-01", "subscriber", "Y for a subscriber or N for a dependant")
        if not at(self.ins, 2):
            self._reject("INS-02", "relation", "the code of the relation to the subscriber")
        code = at(self.ins, 3)
        if code not in MAINTENANCE:
            self._reject("INS-03", "maintenance", f"one of {', '.join(MAINTENANCE)}")
        return MAINTENANCE[code]

    def identifiers(self) -> tuple[Identifier, ...]:
        """What the profile picks from the segments read so far; also used for a row that is rejected."""
        picked = ((rule, self._pick(rule)) for rule in self._profile.identifiers)
        payer = self._context.payer
        return tuple(Identifier(rule.type, rule.assigner or payer, value) for rule, value in picked if value)

    def _pick(self, rule: IdRule) -> str:
        """A number that names the whole family is a subscriber's, and never the member's own."""
        own = self._number_is_own()
        if rule.type == IdType.SUBSCRIBER and own and not self.is_subscriber and self._context.subscriber_number:
            return self._context.subscriber_number
        family = None if own or rule.type != IdType.MEMBER else self._subscriber_source
        return next((value for source in rule.sources if source != family and (value := self._value(source))), "")

    @property
    def _subscriber_source(self) -> Source:
        rule = next((rule for rule in self._profile.identifiers if rule.type == IdType.SUBSCRIBER), None)
        carried = next((source for source in rule.sources if self._value(source)), None) if rule else None
        return carried or Source("REF", "0F")

    def _number_is_own(self) -> bool:
        """Whether a dependant's number is his own, not the one of the subscriber whose family he belongs to."""
        carry = self._profile.dependants_carry
        if self.is_subscriber or carry != "either":
            return self.is_subscriber or carry == "own"
        subscriber = self._context.subscriber_number
        return bool(subscriber) and self.subscriber_number() != subscriber

    def subscriber_number(self) -> str:
        return self._value(self._subscriber_source)

    def _value(self, source: Source) -> str:
        if source.segment == "REF":
            return source.pick(self.refs.get(source.qualifier, ""))
        return at(self._name, 9) if at(self._name, 8) == source.qualifier else ""

    def _first(self, sources: tuple[Source, ...]) -> str:
        return next((value for value in map(self._value, sources) if value), "")

    def _person(self, identifiers: tuple[Identifier, ...], died: bool) -> Person:
        birth_on = self._birth_on()
        death_on = self._death_on(birth_on)
        races, ethnicity = self._races()
        order = at(self.ins, 17)
        return Person(
            identifiers=identifiers,
            name=self._person_name(self._name, "NM1"),
            birth_on=birth_on,
            sex=self._sex(),
            is_deceased=died or death_on is not None,
            death_on=death_on,
            races=races,
            ethnicity=ethnicity,
            language=self._language,
            address=self._address(),
            phones=tuple(self._phones),
            email=self._email,
            birth_order=int(order) if digits(order, 1) else 0,
        )

    def _person_name(self, segment: Segment, field: str) -> PersonName | None:
        family, given, middle, suffix = (at(segment, index) for index in (3, 4, 5, 7))
        if not family or self._withheld(family, f"{field}-03"):
            return None
        return PersonName(family, "" if self._profile.is_withheld(given) else given, middle, suffix)

    def _birth_on(self) -> date | None:
        text = at(self._dmg, 2)
        if not text or self._withheld(text, "DMG-02"):
            return None
        return self._past_day(text, "DMG-02")

    def _sex(self) -> Sex:
        found = sex(at(self._dmg, 3))
        if found is None:
            self._odd("DMG-03", "sex", "F, M or U")
        return found or "U"

    def _death_on(self, birth_on: date | None) -> date | None:
        text = at(self.ins, 12)
        died_on = self._past_day(text, "INS-12") if text else None
        if died_on and birth_on and died_on < birth_on:
            self._reject("INS-12", "order", "a day of death not before the day of birth")
        return died_on

    def _past_day(self, text: str, field: str) -> date:
        found = day(text)
        if found is None:
            self._reject(field, "date", DATE_RANGE)
        if self._context.latest_on is not None and found > self._context.latest_on:
            self._reject(field, "future", "a date not after the file's own")
        return found

    def _races(self) -> tuple[tuple[str, ...], str | None]:
        found: list[str] = []
        text = at(self._dmg, 5)
        for composite in text.split(self._context.separators.repetition) if text else ():
            short, _, rest = composite.partition(self._context.separators.component)
            code = rest.partition(self._context.separators.component)[2]
            category = cdc_category(code) if code else None
            codes = (category,) if category else X12_RACES.get(short, ())
            known = codes or (code in UNSAID and short in X12_RACE_UNSAID)
            if not known:
                self._odd("DMG-05", "race", "a race of X12 element 1109 or of CDC's code set")
            found += [one for one in codes if one not in found]
        ethnicity = next((code for code in found if code in ETHNICITIES), None)
        return tuple(code for code in found if code not in ETHNICITIES), ethnicity

    def _address(self) -> Address | None:
        if not self._place and not self._street:
            return None
        place = self._place
        zip5, zip4 = self._zip(at(place, 3), at(place, 4))
        county = self._profile.county_fips(at(place, 6)) if at(place, 5) == "CY" else ""
        return Address(
            street=self._street,
            unit=self._unit,
            city=at(place, 1),
            state=at(place, 2),
            zip5=zip5,
            zip4=zip4,
            county=county,
            tract=self._tract(),
        )

    def _zip(self, text: str, country: str) -> tuple[str, str]:
        found = zip_code(text)
        if found is None and text and country in {"", "US", "USA"}:
            self._odd("N4-03", "zip", "a ZIP code of five or nine digits")
        return found or ("", "")

    def _tract(self) -> str:
        text = self._first(self._profile.tract)
        return (digits(text, 11) or self._odd("REF-02", "tract", "a census tract as 11 digits")) if text else ""

    def _previous(self) -> Previous | None:
        old = self.refs.get("Q4", "")
        if not self._old_name and not old:
            return None
        assigner = next((rule.assigner for rule in self._profile.identifiers if rule.type == IdType.MEMBER), "")
        numbers = (Identifier(IdType.MEMBER, assigner or self._context.payer, old),) if old else ()
        return Previous(self._person_name(self._old_name, "NM1*70"), numbers, self._old_birth_on)

    def _coverage(self, span: _Span, may_renew: bool) -> Coverage:
        renews = may_renew and span.maintenance is not Maintenance.TERMINATE
        return Coverage(
            insurance_line=span.insurance_line,
            line_of_business=self._profile.line_for(span.insurance_line, span.description),
            maintenance=span.maintenance,
            description=span.description,
            begin_on=span.begin_on,
            end_on=span.end_on,
            lapses_on=self._profile.lapse(span.begin_on, span.end_on, renews),
            is_void=span.is_void,
        )

    # -- helpers

    def _set_span(self, span: _Span, segment: Segment, kind: str, begin: str, end: str) -> None:
        if kind == begin:
            span.begin_on, until_on = self._dates(segment)
            span.end_on = until_on or span.end_on
        elif kind == end:
            first_on, last_on = self._dates(segment)
            span.end_on = last_on or first_on

    def _dates(self, segment: Segment) -> tuple[date | None, date | None]:
        """The day of a DTP, or both days of a range; an open end is no day."""
        first, dash, last = at(segment, 3).partition("-")
        return self._one_day(first), self._one_day(last) if dash else None

    def _one_day(self, text: str) -> date | None:
        if is_open_end(text):
            return None
        found = day(text[:8])
        if found is None:
            self._reject("DTP-03", "date", DATE_RANGE)
        return found

    def _withheld(self, text: str, field: str) -> bool:
        if not self._profile.is_withheld(text):
            return False
        self._odd(field, "withheld", "a value that the sender doesn't withhold")
        return True

    def _odd(self, field: str, code: str, expected: str) -> str:
        self._notices.add(field, code, expected)
        return ""

    def _reject(self, field: str, code: str, expected: str) -> NoReturn:
        raise BadRow(field, code, expected, self.where)


_HANDLERS: dict[str, Callable[[RosterRow, Segment], None]] = {
    "INS": RosterRow._on_ins,
    "REF": RosterRow._on_ref,
    "DTP": RosterRow._on_dtp,
    "NM1": RosterRow._on_nm1,
    "PER": RosterRow._on_per,
    "N3": RosterRow._on_n3,
    "N4": RosterRow._on_n4,
    "DMG": RosterRow._on_dmg,
    "LUI": RosterRow._on_lui,
    "DSB": RosterRow._on_disability,
    "HD": RosterRow._on_hd,
    "LX": RosterRow._on_beyond,
    "COB": RosterRow._on_beyond,
    "LS": RosterRow._on_reporting,
    "LE": RosterRow._on_reporting,
}
