"""A registry's tab-separated extract as the population's generator writes it: a zip of three tables, of which two bear
each other's header lines. A patient is a number, a birth date and a sex; a dose is of a number."""

import io
import zipfile
from collections.abc import Mapping
from datetime import date

from tests.chaos.checker.inputs.codes import day, lot, sorted_out, vaccines
from tests.chaos.checker.inputs.records import DoseRow, Registry, Who

PATIENT = ("GRANTEE", "FPCODE", "PATIENTID", "DOB", "DEMESTDATE", "RACE1", "RACE2", "RACE3", "RACE4", "RACE5", "RACE6",
           "ETHNICITY", "SEX")  # fmt: skip
DOSE = ("PATIENTID", "VAXDATE", "MVX", "CVX", "TRADENAME", "LOTNUM1", "LOTNUM2", "LOTNUM3", "ROUTE", "SITE",
        "RECORDTYPE", "VAXCOMPLETE", "VAXREFUSAL", "IISVALIDITY", "V_ELIGIBILITY", "VAXENTDATE")  # fmt: skip
RACES = PATIENT[5:11]
Row = Mapping[str, str]


def read_extract(content: bytes) -> Registry:
    """Patients before doses, counted over both tables."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        texts = {name.rpartition("_")[2]: packed.read(name).decode() for name in packed.namelist()}
    assigner = texts["C.txt"].splitlines()[1].split(",")[0]
    patients, doses = _table(texts["D.txt"], PATIENT), _table(texts["V1.txt"], DOSE)
    rows = [_patient(number, row, assigner) for number, row in enumerate(patients, 1)]
    rows += [_dose(number, row, assigner) for number, row in enumerate(doses, len(rows) + 1)]
    return Registry("ads-maa", tuple(rows))


def _table(text: str, columns: tuple[str, ...]) -> list[Row]:
    lines = [line.split("\t") for line in text.splitlines()[1:] if line.strip()]
    return [dict(zip(columns, (one.strip() for one in line), strict=False)) for line in lines]


def _day(text: str) -> date | None:
    return day(text.replace("-", ""))


def _patient(number: int, row: Row, assigner: str) -> DoseRow:
    races, _ = sorted_out([row[name] for name in RACES])
    _, ethnicity = sorted_out([row["ETHNICITY"]])
    who = Who((("SR", assigner, row["PATIENTID"]),), birth_on=_day(row["DOB"]), sex=row["SEX"] or "U", races=races,
              ethnicity=ethnicity)  # fmt: skip
    rejected = "date" if row["DOB"] and who.birth_on is None else None
    return DoseRow(number, who, rejected, is_patient=True, sender=assigner)


def _dose(number: int, row: Row, assigner: str) -> DoseRow:
    given_on, completion = _day(row["VAXDATE"]), row["VAXCOMPLETE"] or "CP"
    return DoseRow(
        number, Who((("SR", assigner, row["PATIENTID"]),)), _rejected(row, given_on),
        is_given=completion in {"CP", "PA"},
        is_partial=completion == "PA", is_historical=row["RECORDTYPE"] not in {"", "00"}, cvx=row["CVX"],
        mvx=row["MVX"], lot=lot(row["LOTNUM1"]), given_on=given_on, sender=assigner,
    )  # fmt: skip


def _rejected(row: Row, given_on: date | None) -> str | None:
    entered_on = _day(row["VAXENTDATE"])
    if given_on is None:
        return "date"
    if row["CVX"] not in vaccines():
        return "cvx"
    return "future" if entered_on and given_on > entered_on else None
