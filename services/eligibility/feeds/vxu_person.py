"""The patient of a registry message: PID and PD1 become a `Person` and what he consents to."""

from datetime import date

from schemas.languages import language_tag
from services.eligibility.feeds.er7 import Field, Segment
from services.eligibility.feeds.faults import BadRow, Notices
from services.eligibility.feeds.records import Address, Consent, Identifier, IdType, Person, PersonName, Phone, Sex
from services.eligibility.feeds.values import (
    DATE_RANGE,
    ETHNICITIES,
    UNSAID,
    cdc_category,
    day,
    digits,
    email,
    phone,
    sex,
    zip_code,
)

# De-identified extracts write this in place of what they took away.
REDACTED = "REDACTED"
OLD_RACES = {"I": "1002-5", "A": "2028-9", "B": "2054-5", "P": "2076-8", "W": "2106-3", "O": "2131-1"}
OLD_ETHNICITIES = {"H": "2135-2", "N": "2186-5", "NH": "2186-5"}
EQUIPMENT_USES = {"CP": "mobile"}
PHONE_USES = {"PRN": "home", "ORN": "home", "WPN": "work", "PRS": "mobile"}
FOREIGN_OK = frozenset({"", "US", "USA"})
BAD_ADDRESS = "BA"
TRACT_IN_COUNTY = 6


class PersonReader:
    """Reads PID into a person; `assigner` stands in for an identifier that names none."""

    def __init__(self, pid: Segment, assigner: str, notices: Notices) -> None:
        self._pid = pid
        self._assigner = assigner
        self._notices = notices

    def person(self) -> Person:
        identifiers = self._identifiers()
        name = self._name()
        if not identifiers and name is None:
            raise BadRow("PID-3", "identifier", "an identifier in PID-3 or a name in PID-5", self._pid.number)
        birth_on = self._day(7, "PID-7")
        death_on = self._day(29, "PID-29")
        races, spoken_ethnicity = self._races()
        return Person(
            identifiers=identifiers,
            name=name,
            birth_on=birth_on,
            sex=self._sex(),
            is_deceased=death_on is not None or self._pid[30].text == "Y",
            death_on=death_on,
            races=races,
            ethnicity=self._ethnicity() or spoken_ethnicity,
            language=self._language(),
            address=self._address(),
            phones=self._phones(),
            email=self._email(),
            mother_maiden=_said(self._pid[6].part(1)),
            birth_order=self._birth_order(),
        )

    def _identifiers(self) -> tuple[Identifier, ...]:
        found = [self._identifier(one) for one in self._pid[3].repeats()]
        return tuple(one for one in found if one.value and one.type != IdType.SOCIAL_SECURITY)

    def _identifier(self, field: Field) -> Identifier:
        assigner = field.sub(4, 1) or field.sub(4, 2)
        value = _said(field.part(1))
        if value and not assigner:
            self._odd("PID-3", "assigner", "an assigning authority with every identifier")
        return Identifier(field.part(5) or IdType.INTERNAL.value, assigner or self._assigner, value)

    def _name(self) -> PersonName | None:
        names = self._pid[5].repeats()
        chosen = next((one for one in names if one.part(7) == "L"), names[0] if names else Field(""))
        family = _said(chosen.part(1))
        given = _said(chosen.part(2))
        return PersonName(family, given, _said(chosen.part(3)), chosen.part(4)) if family or given else None

    def _day(self, number: int, name: str) -> date | None:
        text = self._pid[number].part(1)
        found = day(text[:8]) if text else None
        if text and found is None:
            raise BadRow(name, "date", DATE_RANGE, self._pid.number)
        return found

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
        usable = [one for one in self._pid[11].repeats() if one.part(7) != BAD_ADDRESS]
        chosen = next((one for one in usable if one.part(5)), usable[0] if usable else None)
        if chosen is None:
            return None
        street, unit, city, state, zip_text, country, _, _, county_text, tract_text = (chosen.parts() + [""] * 10)[:10]
        found = zip_code(zip_text)
        if found is None and zip_text and country in FOREIGN_OK:
            self._odd("PID-11.5", "zip", "a ZIP code of five or nine digits")
        zip5, zip4 = found or ("", "")
        county = digits(county_text, 5)
        tract = self._tract(tract_text, county)
        return Address(_said(street), _said(unit), _said(city), state, zip5, zip4, county or tract[:5], tract)

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
                text = field.part(6) + field.part(7) if field.part(7) else field.part(1)
                if field.part(2) == "NET" or not text:
                    continue
                use = EQUIPMENT_USES.get(field.part(3)) or PHONE_USES.get(field.part(2), default)
                known = phone(text, use)
                if known is None:
                    self._odd(f"PID-{number}", "phone", "a North American telephone number of ten digits")
                elif known not in found:
                    found.append(known)
        return tuple(found)

    def _email(self) -> str:
        return next((found for one in self._pid[13].repeats() if (found := email(one.part(4)))), "")

    def _birth_order(self) -> int:
        order = self._pid[25].text
        return int(order) if self._pid[24].text == "Y" and digits(order, 1) else 0

    def _odd(self, field: str, code: str, expected: str) -> None:
        self._notices.where = self._pid.number
        self._notices.add(field, code, expected)


def consent_of(pd1: Segment | None) -> Consent:
    """What PD1 says; only an outspoken Y or N is an answer."""
    if pd1 is None:
        return Consent()
    protected = {"Y": True, "N": False}.get(pd1[12].text)
    return Consent(protected, pd1[11].part(1), pd1[16].part(1))


def _said(text: str) -> str:
    return "" if text.upper() == REDACTED else text
