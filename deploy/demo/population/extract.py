"""Writes the registry's tab-separated extract as states send it to CDC: no names, and the quirks of the real files.

The header lines of the patient and the vaccination table are swapped, the control file has a tab-separated header over
comma-separated rows, and the ethnicity column repeats the race. A patient is only a registry id, a birth date and a
sex: a dose can be linked only if a message that bore a name has tied that id to a member.
"""

import zipfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from deploy.demo.population.ledger import FileTruth
from deploy.demo.population.registry import REGISTRY
from deploy.demo.population.reports import Report

PATIENT_HEADER = (
    "GRANTEE FPCODE PATIENTID DOB DEMESTDATE RACE1 RACE2 RACE3 RACE4 RACE5 RACE6 ETHNICITY SEX STATUS VARICELLAIMMUNE "
    "P_ELIGIBILITY P_ELIGIBILITY_DATE"
)
DOSE_HEADER = (
    "PATIENTID VAXDATE MVX CVX TRADENAME LOTNUM1 LOTNUM2 LOTNUM3 ROUTE SITE RECORDTYPE VAXCOMPLETE VAXREFUSAL "
    "IISVALIDITY V_ELIGIBILITY VAXENTDATE PROVCHAR"
)


def write_extract(out: Path, day: date, reports: Iterable[Report], file_number: int) -> FileTruth:
    """One zip with the control file, the patients and their vaccinations; rows are counted over both tables."""
    reports = list(reports)
    patients = list({report.registry_id: report for report in reports}.values())
    stem = f"{REGISTRY}_{day:%Y}Q{(day.month + 2) // 3}"
    truth = FileTruth(f"{day.isoformat()}/{REGISTRY.lower()}-extract-{day:%Y%m%d}.zip", day, "ads", REGISTRY)
    truth.rows = len(patients) + len(reports)
    for number, report in enumerate(reports, len(patients) + 1):
        report.file, report.row = file_number, number
        truth.count(report.kind)
    tables = {
        f"{stem}_C.txt": _control(stem, day, len(patients), len(reports)),
        f"{stem}_D.txt": _table(DOSE_HEADER, (_patient(report) for report in patients)),
        f"{stem}_V1.txt": _table(PATIENT_HEADER, (_dose(report) for report in reports)),
    }
    path = out / truth.path
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in tables.items():
            packed.writestr(zipfile.ZipInfo(name, (day.year, day.month, day.day, 0, 0, 0)), text)
    return truth


def _control(stem: str, day: date, patients: int, doses: int) -> str:
    quarter = stem.removeprefix(f"{REGISTRY}_")
    return (
        "GranteeCode\tFileName\tFileType\tRecordCount\tQuarter\tSubmissionDate\n"
        f"{REGISTRY},{stem}_D.txt,D,{patients},{quarter},{day:%Y%m%d}\r\n"
        f"{REGISTRY},{stem}_V1.txt,V,{doses},{quarter},{day:%Y%m%d}\r\n"
    )


def _table(header: str, rows: Iterable[list[str]]) -> str:
    return "".join("\t".join(row) + "\n" for row in (header.split(), *rows))


def _patient(report: Report) -> list[str]:
    person = report.dose.person
    races = [*person.races, "", "", "", "", "", ""][:6]
    born, known = report.birth_on.isoformat(), report.day.isoformat()
    return [REGISTRY, "", report.registry_id, born, known, *races, person.races[0], person.sex, "", "", "", ""]


def _dose(report: Report) -> list[str]:
    product, given = report.dose.product, report.given_on.isoformat()
    return [
        *(report.registry_id, given, product.mvx, product.cvx, product.trade.upper(), report.lot, "", ""),
        *("C28161", "LD", "00", "CP", "", "", "V01", given, ""),
    ]
