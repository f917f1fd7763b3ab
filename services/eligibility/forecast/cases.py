"""CDC's test cases: one CSV row is a person, an assessment date and the forecast expected for one vaccine group."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from services.eligibility.forecast.model import Dose, History, Observation
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.forecast.sheets import SheetError, read_rows

DOSES = range(1, 8)
OBSERVATIONS = range(1, 4)
NONE_EXPECTED = "-"
GENDERS = {"F": "Female", "M": "Male"}
GROUPS = {
    "dtap": "DTaP/Tdap/Td",
    "tdap": "DTaP/Tdap/Td",
    "td": "DTaP/Tdap/Td",
    "flu": "Influenza",
    "ipol": "Polio",
    "ipv": "Polio",
    "je": "Japanese Encephalitis",
    "mcv": "Meningococcal",
    "menacwy": "Meningococcal",
    "menb": "Meningococcal B",
    "mpox": "Orthopoxvirus",
    "pcv": "Pneumococcal",
    "pneumo": "Pneumococcal",
    "pol": "Polio",
    "rota": "Rotavirus",
    "vaccinia": "Orthopoxvirus",
    "var": "Varicella",
    "yf": "Yellow Fever",
    "zos": "Zoster",
}
REQUIRED = frozenset(
    {"cdc_test_id", "dob", "series_status", "vaccine_group", "assessment_date", "forecast_#", "earliest_date"}
)
CDSI, CVX = "CDSI", "CVX"
SYSTEMS = {"CDSI": CDSI, "SNOMED": "SNOMED", "SCT": "SNOMED", "CVX": CVX, "PHIN": "CDCPHINVS"}
EXCEL_EPOCH = date(1899, 12, 30)
"""Day 0 of Excel's count; it takes 1900 for a leap year, which no date of a case is early enough to feel."""


class CasesError(ValueError):
    """The file holds no cases of CDC's layout: a column or a value is missing or of another form."""


@dataclass(frozen=True, slots=True)
class ExpectedDose:
    position: int
    status: str
    reason: str
    series_type: str


@dataclass(frozen=True, slots=True)
class Case:
    """`expected` holds the fields which the row asserts; an empty value means that the field must be empty.
    `not_used` names the columns whose observation no rule of the release knows."""

    case_id: str
    title: str
    vaccine_group: str
    history: History
    assessment_on: date
    expected: Mapping[str, str]
    doses: tuple[ExpectedDose, ...]
    series_type: str
    not_used: tuple[str, ...] = ()


def read_cases(path: Path, supporting: SupportingData) -> Iterator[Case]:
    """CDC's healthy or underlying-conditions cases, as its workbook or as CSV."""
    groups = {g.name.casefold(): g.name for g in supporting.groups} | GROUPS
    coded = _codes(supporting)
    try:
        for place, row in read_rows(path, REQUIRED):
            if not (row.get("cdc_test_id") and (row.get("dob") or row.get("assessment_date"))):
                continue  # a remark
            try:
                yield _case(row, groups, coded)
            except (KeyError, ValueError) as error:
                raise CasesError(f"{path.name}, {place}: {error}") from error
    except SheetError as error:
        raise CasesError(str(error)) from error


def _codes(supporting: SupportingData) -> Mapping[tuple[str, str], str]:
    """CDSi's own codes, titles (without a system) and the codes of each system apart from each other: 222 to 224 are
    vaccines to CVX and observations to CDSi."""
    found: dict[tuple[str, str], str] = {}
    for observation in supporting.observations.values():
        found |= {(system.upper(), code): observation.code for system, code in observation.codes}
        found["", _plain(observation.title)] = observation.code
    return found | {(CDSI, code): code for code in supporting.observations}


def _case(row: Mapping[str, str], groups: Mapping[str, str], coded: Mapping[tuple[str, str], str]) -> Case:
    observed = list(_observations(row, coded))
    given = [i for i in DOSES if row.get(f"date_administered_{i}")]
    return Case(
        case_id=row["cdc_test_id"],
        title=row.get("test_case_name", ""),
        vaccine_group=groups.get(row["vaccine_group"].casefold(), row["vaccine_group"]),
        history=History(
            birth_on=_date(row["dob"]),
            gender=GENDERS.get(row.get("gender", "")[:1].upper(), "Unknown"),
            doses=tuple(_dose(row, i) for i in given),
            observations=tuple(observation for observation in observed if isinstance(observation, Observation)),
        ),
        assessment_on=_date(row["assessment_date"]),
        expected=_expected(row),
        doses=tuple(
            ExpectedDose(position, status, row.get(f"evaluation_reason_{i}", ""), _type(row, i))
            for position, i in enumerate(given)
            if (status := row.get(f"evaluation_status_{i}", ""))
        ),
        series_type=_type(row, given[-1]) if given else "",
        not_used=tuple(column for column in observed if isinstance(column, str)),
    )


def _type(row: Mapping[str, str], i: int) -> str:
    return row.get(f"series_type_{i}", "").casefold()


def _dose(row: Mapping[str, str], i: int) -> Dose:
    return Dose(
        administered_on=_date(row[f"date_administered_{i}"]),
        cvx=row[f"cvx_{i}"].zfill(2),
        mvx=row.get(f"mvx_{i}", ""),
        trade_name=row.get(f"vaccine_name_{i}", ""),
    )


def _observations(row: Mapping[str, str], coded: Mapping[tuple[str, str], str]) -> Iterator[Observation | str]:
    """Each observation of the row, or the column whose observation is not known."""
    for i in OBSERVATIONS:
        column, observed_on = f"observation_code_{i}", row.get(f"observation_date_{i}", "")
        code, text = row.get(column, ""), row.get(f"observation_text_{i}", "")
        if code or text:
            found = _observed(code, "", text, coded)
            yield Observation(found, _date(observed_on) if observed_on else None) if found else column
    code, text = row.get("med_history_code", ""), row.get("med_history_text", "")
    if code or text:
        found = _observed(code, row.get("med_history_code_sys", ""), text, coded)
        yield Observation(found) if found else "med_history_code"


def _observed(code: str, system: str, text: str, coded: Mapping[tuple[str, str], str]) -> str:
    """By its code in the system that the row names; a code without a system is CDSi's, else one of another system that
    is not a vaccine's; else by the title of an observation."""
    named = next((name for name in SYSTEMS if name in _plain(system).upper().replace(" ", "")), "")
    if named:
        return coded.get((SYSTEMS[named], code)) or coded.get(("", _plain(text)), "")
    others = (coded.get((other, code)) for other in SYSTEMS.values() if other not in {CDSI, CVX})
    by_code = coded.get((CDSI, code.zfill(3))) or next(filter(None, others), "")
    return by_code or coded.get(("", _plain(text)), "")


def _expected(row: Mapping[str, str]) -> Mapping[str, str]:
    """A blank past-due date asserts none in the healthy cases and nothing in the condition cases."""
    expected = {
        "status": row["series_status"],
        "dose_number": row["forecast_#"],
        "earliest": _day(row["earliest_date"]),
        "recommended": _day(row.get("recommended_date", "")),
        "past_due": _day(row.get("past_due_date", "")),
    }
    if "observation_code_1" in row and not expected["past_due"]:
        del expected["past_due"]
    return {field: "" if value == NONE_EXPECTED else value for field, value in expected.items()}


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().casefold()


def _day(text: str) -> str:
    return "" if text in {"", NONE_EXPECTED} else _date(text).isoformat()


def _date(text: str) -> date:
    """ISO's, the American one, or Excel's number of days; a time of the day is not looked at."""
    words = text.split("T", maxsplit=1)[0].split()
    written = words[0] if words else ""
    if american := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", written):
        month, day, year = map(int, american.groups())
        return date(year, month, day)
    if re.fullmatch(r"\d{1,6}(\.\d+)?", written):
        return EXCEL_EPOCH + timedelta(days=int(float(written)))
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise ValueError("expected a date as 2025-11-10, as 11/10/2025 or as Excel's number of days") from None
