"""One member of an 834: the sorted segments of his loop become a `RosterRecord`, by the profile of the sender."""

from datetime import date
from functools import lru_cache
from typing import NoReturn

from services.eligibility.feeds.faults import BadRow
from services.eligibility.feeds.profiles import INSURANCE_LINES, IdRule, Source
from services.eligibility.feeds.records import (
    Address,
    Coverage,
    Identifier,
    IdType,
    Maintenance,
    PersonName,
    Previous,
    RosterRecord,
    Sex,
    StatedPerson,
)
from services.eligibility.feeds.roster_loop import MAINTENANCE, CoverageDates, RosterLoop, at
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
    abroad,
    cdc_category,
    day,
    digits,
    sex,
    zip_code,
)
from services.eligibility.feeds.x12 import Segment

DEATH_REASON = "03"
PRIOR_NUMBER = "Q4"
RESTRICTIONS = {"R": True, "U": False}
# X12 element 1109. Left out: 7 not provided, F Asian Pacific American (either of two categories), Z mutual.
X12_RACES = {
    "A": (ASIAN,), "B": (BLACK,), "C": (WHITE,), "D": (ASIAN,), "E": (OTHER_RACE,), "G": (NATIVE,), "H": (HISPANIC,),
    "I": (NATIVE,), "J": (PACIFIC,), "N": (BLACK, NOT_HISPANIC), "O": (WHITE, NOT_HISPANIC), "P": (PACIFIC,),
}  # fmt: skip
X12_RACE_UNSAID = frozenset({"", "7"})
FAMILY_NUMBER = Source("REF", "0F")


class RosterIdentifiers:
    """Which of a loop's numbers are whose, by the profile; also of a loop that is rejected."""

    def __init__(self, loop: RosterLoop) -> None:
        self._loop = loop
        self._profile = loop.context.profile

    def all(self) -> tuple[Identifier, ...]:
        payer = self._loop.context.payer
        return tuple([
            Identifier(rule.type, rule.assigner or payer, value)
            for rule in self._profile.identifiers
            if (value := self._pick(rule))
        ])  # fmt: skip

    def _pick(self, rule: IdRule) -> str:
        """A number that names the whole family is a subscriber's, and never the member's own."""
        is_own = self._loop.is_subscriber or self._profile.dependants_carry == "own"
        family = None if is_own or rule.type != IdType.MEMBER else self._family_source()
        for source in rule.sources:
            if source != family and (value := self.value(source)):
                return value
        return ""

    def _family_source(self) -> Source:
        for rule in self._profile.identifiers:
            if rule.type == IdType.SUBSCRIBER:
                return next(filter(self.value, rule.sources), FAMILY_NUMBER)
        return FAMILY_NUMBER

    def value(self, source: Source) -> str:
        if source.segment == "REF":
            text = self._loop.refs.get(source.qualifier, "")
            return source.pick(text) if source.part else text
        return at(self._loop.name, 9) if at(self._loop.name, 8) == source.qualifier else ""

    def first(self, sources: tuple[Source, ...]) -> str:
        return next(filter(None, map(self.value, sources)), "")

    def previous(self) -> tuple[Identifier, ...]:
        value = self._loop.refs.get(PRIOR_NUMBER, "")
        if not value:
            return ()
        assigner = next((rule.assigner for rule in self._profile.identifiers if rule.type == IdType.MEMBER), "")
        return (Identifier(IdType.MEMBER, assigner or self._loop.context.payer, value),)


def roster_record(loop: RosterLoop) -> RosterRecord:
    """The record of a loop whose segments were all taken, or `BadRow`."""
    return _RosterRow(loop).record()


@lru_cache(maxsize=256)
def races_of(text: str, repetition: str, component: str) -> tuple[tuple[str, ...], str | None, int]:
    """Races and ethnicity of a repeated composite, each a short code and, behind the code list's name, a CDC code;
    and how many of them are neither."""
    found: list[str] = []
    odd = 0
    for composite in text.split(repetition):
        short, _, rest = composite.partition(component)
        code = rest.partition(component)[2]
        category = cdc_category(code) if code else None
        codes = (category,) if category else X12_RACES.get(short, ())
        odd += not codes and not (code in UNSAID and short in X12_RACE_UNSAID)
        found += [race for race in codes if race not in found]
    ethnicity = next((code for code in found if code in ETHNICITIES), None)
    return tuple(code for code in found if code not in ETHNICITIES), ethnicity, odd


class _RosterRow:
    def __init__(self, loop: RosterLoop) -> None:
        self._loop = loop
        self._profile = loop.context.profile
        self._numbers = RosterIdentifiers(loop)

    def record(self) -> RosterRecord:
        loop, span = self._loop, self._loop.span
        maintenance = self._maintenance()
        identifiers = self._numbers.all()
        if not identifiers:
            self._reject("REF-02", "identifier", "a member or subscriber number where the sender's profile has it")
        if not loop.name:
            self._reject("NM1-03", "name", "a member's name in NM1*IL or NM1*74")
        reason = at(loop.ins, 4)
        may_renew = maintenance is not Maintenance.TERMINATE
        return RosterRecord(
            position=loop.position,
            maintenance=maintenance,
            reason=reason,
            is_subscriber=loop.is_subscriber,
            relation=at(loop.ins, 2),
            person=self._person(identifiers, died=reason == DEATH_REASON and not may_renew),
            group=self._numbers.first(self._profile.group),
            begin_on=span.begin_on,
            end_on=span.end_on,
            lapses_on=self._profile.lapse(span.begin_on, span.end_on, may_renew),
            is_void=span.is_void,
            effective_on=span.effective_on,
            is_restricted=RESTRICTIONS.get(at(loop.ins, 13)),
            previous=self._previous(),
            coverages=tuple(self._coverage(coverage, may_renew) for coverage in loop.coverages),
        )

    def _maintenance(self) -> Maintenance:
        ins = self._loop.ins
        if at(ins, 1) not in {"Y", "N"}:
            self._reject("INS-01", "subscriber", "Y for a subscriber or N for a dependant")
        if not at(ins, 2):
            self._reject("INS-02", "relation", "the code of the relation to the subscriber")
        code = at(ins, 3)
        if code not in MAINTENANCE:
            self._reject("INS-03", "maintenance", f"one of {', '.join(MAINTENANCE)}")
        return MAINTENANCE[code]

    # -- the person

    def _person(self, identifiers: tuple[Identifier, ...], died: bool) -> StatedPerson:
        loop = self._loop
        birth_on = self._birth_on()
        death_on = self._death_on(birth_on)
        races, ethnicity = self._races()
        order = at(loop.ins, 17)
        return StatedPerson(
            identifiers=identifiers,
            name=self._person_name(loop.name, "NM1"),
            birth_on=birth_on,
            sex=self._sex(),
            is_deceased=died or death_on is not None,
            death_on=death_on,
            races=races,
            ethnicity=ethnicity,
            address=self._address(),
            phones=tuple(loop.phones),
            birth_order=int(order) if digits(order, 1) else 0,
            contact=loop.others.contact(self._zip),
            **loop.person,
        )

    def _person_name(self, segment: Segment, field: str) -> PersonName | None:
        family, given = at(segment, 3), at(segment, 4)
        if not family or self._loop.is_withheld(family, field, 3):
            return None
        return PersonName(family, "" if self._profile.is_withheld(given) else given, at(segment, 5), at(segment, 7))

    def _birth_on(self) -> date | None:
        text = at(self._loop.dmg, 2)
        if not text or self._loop.is_withheld(text, "DMG", 2):
            return None
        return self._past_day(text, "DMG-02")

    def _death_on(self, birth_on: date | None) -> date | None:
        text = at(self._loop.ins, 12)
        died_on = self._past_day(text, "INS-12") if text else None
        if died_on and birth_on and died_on < birth_on:
            self._reject("INS-12", "order", "a day of death not before the day of birth")
        return died_on

    def _past_day(self, text: str, field: str) -> date:
        found = day(text)
        if found is None:
            self._reject(field, "date", DATE_RANGE)
        latest_on = self._loop.context.latest_on
        if latest_on is not None and found > latest_on:
            self._reject(field, "future", "a date not after the file's own")
        return found

    def _sex(self) -> Sex:
        found = sex(at(self._loop.dmg, 3))
        if found is None:
            self._loop.odd("DMG-03", "sex", "F, M or U")
        return found or "U"

    def _races(self) -> tuple[tuple[str, ...], str | None]:
        separators, text = self._loop.context.separators, at(self._loop.dmg, 5)
        races, ethnicity, odd = races_of(text, separators.repetition, separators.component) if text else ((), None, 0)
        for _ in range(odd):
            self._loop.odd("DMG-05", "race", "a race of X12 element 1109 or of CDC's code set")
        return races, ethnicity

    def _address(self) -> Address | None:
        loop, place = self._loop, self._loop.place
        tract = self._tract()
        if not place and not loop.street and not tract:
            return None
        country = abroad(at(place, 4), at(place, 2))
        zip5, zip4 = self._zip(at(place, 3), country)
        county = self._profile.county_fips(at(place, 6)) if at(place, 5) == "CY" else ""
        return Address(
            loop.street, loop.unit, at(place, 1), at(place, 2), zip5, zip4, county or tract[:5], tract, country
        )

    def _zip(self, text: str, country: str) -> tuple[str, str]:
        found = None if country else zip_code(text)
        if found is None and text and not country:
            self._loop.odd("N4-03", "zip", "a ZIP code of five or nine digits")
        return found or ("", "")

    def _tract(self) -> str:
        for source in self._profile.tract:
            text = self._numbers.value(source)
            if text and not digits(text, 11):
                self._loop.odd(f"REF*{source.qualifier}-02", "tract", "a census tract as 11 digits")
            elif text:
                return text
        return ""

    def _previous(self) -> Previous | None:
        numbers = self._numbers.previous()
        if not self._loop.old_name and not numbers:
            return None
        return Previous(self._person_name(self._loop.old_name, "NM1*70"), numbers, self._loop.old_birth_on)

    # -- the coverage

    def _coverage(self, span: CoverageDates, may_renew: bool) -> Coverage:
        is_ended = span.maintenance is Maintenance.TERMINATE
        has_own_day = is_ended and not span.is_void and self._loop.span.end_on is None
        end_on = span.end_on or (span.effective_on if has_own_day else None)
        return Coverage(
            insurance_line=span.insurance_line,
            line_of_business=self._profile.line_for(span.insurance_line, span.description),
            maintenance=span.maintenance,
            description=span.description,
            begin_on=span.begin_on,
            end_on=end_on,
            lapses_on=None if span.is_void else self._profile.lapse(span.begin_on, end_on, may_renew and not is_ended),
            is_void=span.is_void,
            kind=self._kind(span.insurance_line),
        )

    def _kind(self, insurance: str) -> str:
        if insurance and insurance not in INSURANCE_LINES:
            self._loop.odd("HD-03", "insurance-line", "an insurance line of X12 element 1205; taken for medical cover")
        return self._profile.kind_of(insurance)

    def _reject(self, field: str, code: str, expected: str) -> NoReturn:
        where = self._loop.numbers.get(field.rpartition("-")[0], self._loop.position.segment)
        raise BadRow(field, code, expected, where)
