"""The patient of a registry message: PID and PD1 become a `StatedPerson` and what he consents to."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Literal

from schemas.languages import language_tag
from services.eligibility.feeds.er7 import Field, Segment
from services.eligibility.feeds.faults import BadRow, Notices
from services.eligibility.feeds.no_numbers import names_nothing
from services.eligibility.feeds.records import (
    Address,
    Consent,
    Identifier,
    IdType,
    PersonName,
    Phone,
    Sex,
    StatedPerson,
)
from services.eligibility.feeds.values import (
    DATE_RANGE,
    ETHNICITIES,
    UNSAID,
    abroad,
    cdc_category,
    day,
    digits,
    email,
    sex,
    zip_code,
)
from services.eligibility.feeds.vxu_contact import read_phone, said, stated_contact

OLD_RACES = {"I": "1002-5", "A": "2028-9", "B": "2054-5", "P": "2076-8", "W": "2106-3", "O": "2131-1"}
OLD_ETHNICITIES = {"H": "2135-2", "N": "2186-5", "NH": "2186-5"}
# HL7 table 0200: by which name somebody is known to a plan, the best first. Then what is not said to be another kind.
LEGAL_NAMES = ("L", "", "D", "C", "I", "U")
NO_LEGAL_NAMES = frozenset({"M", "B", "A", "N", "T", "K", "S", "P", "NB", "NAV", "BAD", "NOUSE", "F", "ID", "MSK"})
# HL7 table 0190: where somebody lives, the best first; never where somebody was born or what is known to be bad.
HOME_ADDRESSES = ("H", "P", "L", "", "HV", "C", "M", "RH")
NO_ADDRESSES = frozenset({"BA", "BDL", "BR", "N", "F"})
TRACT_IN_COUNTY = 6
EFFECTIVE_DATES = (13, 18)
"""Of the protection indicator and the publicity code, in PD1."""
Vital = Literal["", "alive", "possible"]
_PART_OF_DATE = re.compile(r"(19|20|21)\d{2}(0[1-9]|1[0-2])?", re.ASCII)
"""A year, or a year and a month, as HL7 lets a time be told."""


class PersonReader:
    """Reads PID and the NK1 of relatives into a person; `assigner` stands in for an identifier that names none."""

    def __init__(
        self,
        pid: Segment,
        assigner: str,
        notices: Notices,
        relatives: Sequence[Segment] = (),
        sent_on: date | None = None,
    ) -> None:
        self._pid = pid
        self._sent_on = sent_on
        self._relatives = relatives
        self._assigner = assigner
        self._notices = notices

    def person(self) -> StatedPerson:
        identifiers = self._identifiers()
        name = self._name()
        if not identifiers and name is None:
            raise BadRow("PID-3", "identifier", "an identifier in PID-3 or a name in PID-5", self._pid.number)
        birth_on = self._day(7, "PID-7")
        is_deceased, death_on, vital = self._vital(birth_on)
        races, spoken_ethnicity = self._races()
        return StatedPerson(
            identifiers=identifiers,
            name=name,
            birth_on=birth_on,
            sex=self._sex(),
            is_deceased=is_deceased,
            death_on=death_on,
            races=races,
            ethnicity=self._ethnicity() or spoken_ethnicity,
            language=self._language(),
            address=self._address(),
            phones=self._phones(),
            email=self._email(),
            mother_maiden=said(self._pid[6].part(1)),
            birth_order=self._birth_order(),
            vital=vital,
            contact=stated_contact(self._pid, self._relatives, self._sent_on),
        )

    def _identifiers(self) -> tuple[Identifier, ...]:
        found = [self._identifier(field) for field in self._pid[3].repeats()]
        return tuple(
            number for number in found if number.type != IdType.SOCIAL_SECURITY and not names_nothing(number.value)
        )

    def _identifier(self, field: Field) -> Identifier:
        assigner = field.sub(4, 1) or field.sub(4, 2)
        value = said(field.part(1))
        if value and not assigner:
            self._odd("PID-3", "assigner", "an assigning authority with every identifier")
        return Identifier(field.part(5) or IdType.INTERNAL.value, assigner or self._assigner, value)

    def _name(self) -> PersonName | None:
        """By the type of name (PID-5.7), not by its place; another kind only where there is none of the legal kinds."""
        told = [
            (field.part(7).upper(), field)
            for field in self._pid[5].repeats()
            if said(field.part(1)) or said(field.part(2))
        ]
        chosen = _best(told, LEGAL_NAMES, NO_LEGAL_NAMES) or (told[0][1] if told else None)
        if chosen is None:
            return None
        return PersonName(said(chosen.part(1)), said(chosen.part(2)), said(chosen.part(3)), chosen.part(4))

    def _day(self, number: int, name: str) -> date | None:
        text = self._pid[number].part(1)
        found = day(text[:8]) if text else None
        if text and found is None:
            raise BadRow(name, "date", DATE_RANGE, self._pid.number)
        return found

    def _vital(self, birth_on: date | None) -> tuple[bool, date | None, Vital]:
        """By the indicator (PID-30) and the time of death (PID-29); blank says nothing, an explicit null takes back. A
        time that can't be read, or lies before birth, leaves an outspoken death without its day; alone, or beside an N,
        it makes a death possible."""
        text, flag = self._pid[29].part(1), self._pid[30].part(1).upper()
        on = day(text[:8])
        if text and ((on is None and not _PART_OF_DATE.fullmatch(text)) or (on and birth_on and on < birth_on)):
            self._odd("PID-29", "date", f"{DATE_RANGE}, not before the day of birth")
            return flag == "Y", None, "" if flag == "Y" else "possible"
        if flag == "N":
            return False, None, "possible" if text else "alive"
        if flag == "Y" or text:
            return True, on, ""
        is_taken_back = self._pid[29].is_null or self._pid[30].is_null
        return False, None, "alive" if is_taken_back else ""

    def _sex(self) -> Sex:
        found = sex(self._pid[8].part(1))
        if found is None:
            self._odd("PID-8", "sex", "F, M, X or U of HL7 table 0001")
        return found or "U"

    def _races(self) -> tuple[tuple[str, ...], str | None]:
        found: list[str] = []
        for field in self._pid[10].repeats():
            code = field.part(1)
            category = cdc_category(code) or OLD_RACES.get(code)
            if category is None and code not in UNSAID:
                self._odd("PID-10", "race", "a race of CDC's code set")
            elif category is not None and category not in found:
                found.append(category)
        ethnicity = next((code for code in found if code in ETHNICITIES), None)
        return tuple(code for code in found if code not in ETHNICITIES), ethnicity

    def _ethnicity(self) -> str | None:
        code = self._pid[22].part(1)
        category = cdc_category(code) or OLD_ETHNICITIES.get(code)
        if category in ETHNICITIES:
            return category
        if code not in UNSAID:
            self._odd("PID-22", "ethnicity", "2135-2 or 2186-5 of CDC's code set")
        return None

    def _language(self) -> str:
        tag = language_tag(self._pid[15].part(1))
        if tag is None:
            self._odd("PID-15", "language", "a language of ISO 639-2")
        return tag or ""

    def _address(self) -> Address | None:
        told = [(field.part(7).upper(), field) for field in self._pid[11].repeats()]
        if len(told) > 1:
            filled = [pair for pair in told if any(pair[1].parts()[:6])]
            told = [pair for pair in filled if pair[1].part(5)] or filled
        chosen = _best(told, HOME_ADDRESSES, NO_ADDRESSES)
        if chosen is None:
            return None
        street, unit, city, state, zip_text, country, _, _, county_text, tract_text = (chosen.parts() + [""] * 10)[:10]
        is_abroad = bool(abroad(said(country), state))
        found = None if is_abroad else zip_code(zip_text)
        if found is None and zip_text and not is_abroad:
            self._odd("PID-11.5", "zip", "a ZIP code of five or nine digits")
        zip5, zip4 = found or ("", "")
        county = digits(county_text, 5)
        tract = self._tract(tract_text, county)
        return Address(said(street), said(unit), said(city), state, zip5, zip4, county or tract[:5], tract)

    def _tract(self, text: str, county: str) -> str:
        """Some send the whole code, some the six digits within the county, with or without a point."""
        plain = text.replace(".", "")
        if county and digits(plain, TRACT_IN_COUNTY):
            return county + plain
        if plain and not digits(plain, 11):
            self._odd("PID-11.10", "tract", "a census tract as 11 digits")
        return digits(plain, 11)

    def _phones(self) -> tuple[Phone, ...]:
        found: list[Phone] = []
        for number, default in ((13, "home"), (14, "work")):
            for field in self._pid[number].repeats():
                is_said, known = read_phone(field, default)
                if not is_said:
                    continue
                if known is None:
                    self._odd(f"PID-{number}", "phone", "a North American telephone number of ten digits")
                elif known not in found:
                    found.append(known)
        return tuple(found)

    def _email(self) -> str:
        return next((found for field in self._pid[13].repeats() if (found := email(field.part(4)))), "")

    def _birth_order(self) -> int:
        order = self._pid[25].text
        return int(order) if self._pid[24].text == "Y" and digits(order, 1) else 0

    def _odd(self, field: str, code: str, expected: str) -> None:
        self._notices.where = self._pid.number
        self._notices.add(field, code, expected)


def _best(told: Sequence[tuple[str, Field]], types: Sequence[str], never: frozenset[str]) -> Field | None:
    """The one of the best type; the first of two. A type that nobody knows comes last."""
    usable = [(kind, field) for kind, field in told if kind not in never]
    if len(usable) < 2:
        return usable[0][1] if usable else None
    ranked = sorted(usable, key=lambda pair: types.index(pair[0]) if pair[0] in types else len(types))
    return ranked[0][1]


def consent_of(pd1: Segment | None, notices: Notices) -> Consent:
    """What PD1 says; only an outspoken Y or N is an answer."""
    if pd1 is None:
        return Consent()
    dates = [day(pd1[number].part(1)[:8]) for number in EFFECTIVE_DATES]
    for number, found in zip(EFFECTIVE_DATES, dates, strict=True):
        if pd1[number].text and found is None:
            notices.where = pd1.number
            notices.add(f"PD1-{number}", "date", DATE_RANGE)
    protected = {"Y": True, "N": False}.get(pd1[12].text.upper())
    return Consent(protected, pd1[11].part(1), pd1[16].part(1).upper(), *dates)
