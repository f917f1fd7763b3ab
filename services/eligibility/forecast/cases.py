"""CDC's test cases: one CSV row is a person, an assessment date and the forecast expected for one vaccine group."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from services.eligibility.forecast.model import Dose, History, Observation
from services.eligibility.forecast.schedule import SupportingData

DOSES = range(1, 8)
OBSERVATIONS = range(1, 4)
NONE_EXPECTED = "-"
GENDERS = {"F": "Female", "M": "Male"}
GROUPS = {
    "dtap": "DTaP/Tdap/Td",
    "flu": "Influenza",
    "ipol": "Polio",
    "je": "Japanese Encephalitis",
    "mcv": "Meningococcal",
    "menb": "Meningococcal B",
    "pcv": "Pneumococcal",
    "pol": "Polio",
    "rota": "Rotavirus",
    "vaccinia": "Orthopoxvirus",
    "var": "Varicella",
    "yf": "Yellow Fever",
}
REQUIRED = {"CDC_Test_ID", "DOB", "Series_Status", "Vaccine_Group", "Assessment_Date", "Forecast_#", "Earliest_Date"}


class CasesError(ValueError):
    """The file is no CSV of CDC's test cases: a column or a value of its layout is missing."""


@dataclass(frozen=True, slots=True)
class ExpectedDose:
    position: int
    status: str
    reason: str
    series_type: str


@dataclass(frozen=True, slots=True)
class Case:
    """`expected` holds the fields which the row asserts; an empty value means that the field must be empty."""

    case_id: str
    title: str
    vaccine_group: str
    history: History
    assessment_on: date
    expected: Mapping[str, str]
    doses: tuple[ExpectedDose, ...]
    series_type: str


def read_cases(path: Path, supporting: SupportingData) -> Iterator[Case]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if missing := REQUIRED - set(reader.fieldnames or ()):
            raise CasesError(f"{path.name}: missing columns {', '.join(sorted(missing))}")
        groups = {g.name.casefold(): g.name for g in supporting.groups} | GROUPS
        coded = dict(_names_of_observations(supporting))
        for number, row in enumerate(reader, start=2):
            try:
                yield _case({k: (v or "").strip() for k, v in row.items() if isinstance(v, str | None)}, groups, coded)
            except (KeyError, ValueError) as error:
                raise CasesError(f"{path.name}, row {number}: {error}") from error


def _names_of_observations(supporting: SupportingData) -> Iterator[tuple[str, str]]:
    for observation in supporting.observations.values():
        yield from ((code, observation.code) for _, code in observation.codes)
        yield _plain(observation.title), observation.code
        yield observation.code, observation.code


def _case(row: Mapping[str, str], groups: Mapping[str, str], coded: Mapping[str, str]) -> Case:
    given = [i for i in DOSES if row.get(f"Date_Administered_{i}")]
    return Case(
        case_id=row["CDC_Test_ID"],
        title=row.get("Test_Case_Name", ""),
        vaccine_group=groups.get(row["Vaccine_Group"].casefold(), row["Vaccine_Group"]),
        history=History(
            born_on=_date(row["DOB"]),
            gender=GENDERS.get(row.get("gender", row.get("Gender", ""))[:1].upper(), "Unknown"),
            doses=tuple(_dose(row, i) for i in given),
            observations=tuple(_observations(row, coded)),
        ),
        assessment_on=_date(row["Assessment_Date"]),
        expected=_expected(row),
        doses=tuple(
            ExpectedDose(position, status, row.get(f"Evaluation_Reason_{i}", ""), _type(row, i))
            for position, i in enumerate(given)
            if (status := row.get(f"Evaluation_Status_{i}", ""))
        ),
        series_type=_type(row, given[-1]) if given else "",
    )


def _type(row: Mapping[str, str], i: int) -> str:
    return row.get(f"Series_Type_{i}", "").casefold()


def _dose(row: Mapping[str, str], i: int) -> Dose:
    return Dose(
        administered_on=_date(row[f"Date_Administered_{i}"]),
        cvx=row[f"CVX_{i}"].zfill(2),
        mvx=row.get(f"MVX_{i}", ""),
        trade_name=row.get(f"Vaccine_Name_{i}", ""),
    )


def _observations(row: Mapping[str, str], coded: Mapping[str, str]) -> Iterator[Observation]:
    """By CDSi code, else by a code or a text that the supporting data maps to one."""
    for i in OBSERVATIONS:
        observed_on = row.get(f"Observation_Date_{i}", "")
        code, text = row.get(f"Observation_Code_{i}", ""), row.get(f"Observation_Text_{i}", "")
        if found := coded.get(code.zfill(3)) or coded.get(code) or coded.get(_plain(text)):
            yield Observation(found, _date(observed_on) if observed_on else None)
    history = row.get("Med_History_Code", ""), _plain(row.get("Med_History_Text", ""))
    if found := next((coded[name] for name in history if name in coded), ""):
        yield Observation(found)


def _expected(row: Mapping[str, str]) -> Mapping[str, str]:
    """A blank past-due date asserts none in the healthy cases and nothing in the condition cases."""
    expected = {
        "status": row["Series_Status"],
        "dose_number": row["Forecast_#"],
        "earliest": row["Earliest_Date"],
        "recommended": row["Recommended_Date"],
        "past_due": row["Past_Due_Date"],
    }
    if "Observation_Code_1" in row and not expected["past_due"]:
        del expected["past_due"]
    return {field: "" if value == NONE_EXPECTED else value for field, value in expected.items()}


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().casefold()


def _date(text: str) -> date:
    return date.fromisoformat(text)
