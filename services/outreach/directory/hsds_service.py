"""One service as HSDS 3 nests it: what can be read of it, and what was expected where it can't. Pure.

HSDS has no codes for areas: a text of five digits is a ZIP, `county 17031` a county by FIPS (ours). Needs are taxonomy
terms whose code is one of Gravity's, as `codes.yaml` lists them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.languages import language_tag
from schemas.texts import is_unseen
from services.outreach.directory.rules import Opening, RowError, Service
from services.outreach.policy import CODES

Json = dict[str, Any]
MOST_ERRORS = 10_000
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_COUNTY = re.compile(r"county[ :]+(\d{5})(?!\d)", re.I | re.ASCII)
_ZIP = re.compile(r"(?<!\d)\d{5}(?!\d)", re.ASCII)
_HOUR = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WEEKDAYS = {"MO": 1, "TU": 2, "WE": 3, "TH": 4, "FR": 5, "SA": 6, "SU": 7}


@dataclass(slots=True)
class Reading:
    """What could not be read so far, and where one stands."""

    errors: list[RowError] = field(default_factory=list)
    place: str = ""

    def at(self, place: str) -> "Reading":
        """The same, in this row."""
        return Reading(self.errors, place)

    def miss(self, name: str, expected: str) -> None:
        """Something else was expected in this field."""
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(RowError(self.place, name, expected))


def service_in(told: Json, reading: Reading) -> Service | None:
    """The service; None where it has no id or no name. A part that can't be read is left out."""
    service_id, name = _text(told, "id", 64), _text(told, "name", 200)
    if not _ID.fullmatch(service_id):
        reading.miss("id", "Expected up to 64 letters, digits, dots, hyphens")
        return None
    if not any(map(str.isalnum, name)):
        reading.miss("name", "Expected a name")
        return None
    zips, counties = _area(told)
    return Service(
        service_id=service_id,
        name=name,
        organization=_text(_object(told, "organization"), "name", 200),
        description=_text(told, "description", 2000),
        needs=frozenset(_needs(told)),
        zips=frozenset(zips),
        counties=frozenset(counties),
        languages=frozenset(_languages(told, reading)),
        openings=tuple(_openings(told, reading)),
        capacity=_capacity(told, reading),
        cost=_cost(told, reading),
        eligibility=_text(told, "eligibility_description", 1000),
        minimum_age=_age(told, "minimum_age", reading),
        maximum_age=_age(told, "maximum_age", reading),
        telephone=next((_text(one, "number", 40) for one in _list(told, "phones")), ""),
        email=_text(told, "email", 254),
        url=_text(told, "url", 500),
        last_assured_on=_day(told, "assured_date", reading),
    )


def _needs(told: Json) -> Iterator[str]:
    for one in _list(told, "attributes"):
        code = _text(_object(one, "taxonomy_term"), "code", 64).lower()
        if code in CODES.needs:
            yield code


def _area(told: Json) -> tuple[set[str], set[str]]:
    """ZIPs and counties by its service areas; without any, the ZIPs where it is."""
    said = [f"{_text(one, 'name', 4000)} {_text(one, 'extent', 100_000)}" for one in _list(told, "service_areas")]
    counties = {fips for text in said for fips in _COUNTY.findall(text)}
    zips = {zip5 for text in said for zip5 in _ZIP.findall(_COUNTY.sub("", text))}
    if not said:
        places = (_object(one, "location") for one in _list(told, "service_at_locations"))
        codes = (_text(one, "postal_code", 10) for place in places for one in _list(place, "addresses"))
        zips = {code[:5] for code in codes if _ZIP.match(code)}
    return zips, counties


def _languages(told: Json, reading: Reading) -> Iterator[str]:
    for one in _list(told, "languages"):
        code = _text(one, "code", 35)
        if primary := language_tag(code):
            yield primary
        else:
            reading.miss("languages.code", "Expected a tag of BCP 47")


def _openings(told: Json, reading: Reading) -> Iterator[Opening]:
    for one in _list(told, "schedules"):
        days = [_WEEKDAYS.get(day) for day in _text(one, "byday", 40).upper().replace(" ", "").split(",")]
        opens, closes = (_text(one, name, 8)[:5] for name in ("opens_at", "closes_at"))
        if None in days or not (_HOUR.fullmatch(opens) and _HOUR.fullmatch(closes)):
            reading.miss("schedules", "Expected byday as MO,TU and opens_at, closes_at as HH:MM")
            continue
        yield Opening(tuple(day for day in days if day is not None), opens, closes)


def _capacity(told: Json, reading: Reading) -> int | None:
    """How many more it takes, of all units together."""
    said = [one["available"] for one in _list(told, "capacities") if one.get("available") is not None]
    numbers = [int(str(one)) for one in said if re.fullmatch(r"\d{1,6}", str(one), re.ASCII)]
    if len(numbers) < len(said):
        reading.miss("capacities.available", "Expected a whole number")
    return sum(numbers) if numbers else None


def _cost(told: Json, reading: Reading) -> Decimal | None:
    """The least that it costs."""
    amounts = []
    for one in _list(told, "cost_options"):
        try:
            amount = Decimal(str(one.get("amount")))
        except InvalidOperation:
            amount = Decimal("NaN")
        if amount.is_finite() and 0 <= amount < 1_000_000:
            amounts.append(amount)
        else:
            reading.miss("cost_options.amount", "Expected an amount of money")
    return min(amounts, default=None)


def _age(told: Json, name: str, reading: Reading) -> int | None:
    said = told.get(name)
    if said is None or said == "":
        return None
    if re.fullmatch(r"\d{1,3}(\.0+)?", str(said), re.ASCII):
        return int(float(str(said)))
    reading.miss(name, "Expected an age in years")
    return None


def _day(told: Json, name: str, reading: Reading) -> date | None:
    said = _text(told, name, 30)
    if not said:
        return None
    try:
        if _DAY.match(said):
            return date.fromisoformat(said[:10])
    except ValueError:
        pass
    reading.miss(name, "Expected a day as YYYY-MM-DD")
    return None


def _text(told: Json, name: str, most: int) -> str:
    """On one line, with nothing in it that nobody sees; empty where it is no text."""
    said = told.get(name)
    if not isinstance(said, str):
        return ""
    return " ".join("".join(" " if is_unseen(char) else char for char in said[: most * 2]).split())[:most]


def _object(told: Json, name: str) -> Json:
    said = told.get(name)
    return said if isinstance(said, dict) else {}


def _list(told: Json, name: str) -> list[Json]:
    said = told.get(name)
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []
