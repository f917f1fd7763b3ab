"""CDC's cases in each form in which CDC and others keep them."""

import csv
import re
from datetime import date
from pathlib import Path

import pytest

from services.eligibility.forecast.cases import Case, CasesError, read_cases
from services.eligibility.forecast.check_cases import compare
from services.eligibility.forecast.engine import forecast
from services.eligibility.forecast.schedule import SupportingData
from tests.unit.eligibility.forecast.people import CONDITIONS, HEALTHY
from tests.unit.eligibility.forecast.workbooks import Cell, write_workbook

HEAD = ("CDC_Test_ID,Test_Case_Name,DOB,gender,Series_Status,Date_Administered_1,CVX_1,Evaluation_Status_1,"
        "Evaluation_Reason_1,Forecast_#,Earliest_Date,Recommended_Date,Past_Due_Date,Vaccine_Group,Assessment_Date,"
        "Observation_Code_1,Observation_Text_1,Observation_Date_1")  # fmt: skip
ROW = "X-1,,2000-01-01,F,Not Complete,,,,,1,2019-01-01,2019-01-01,,Rabies,2025-11-10,222,Frequent exposure,"


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def as_cell(text: str) -> Cell:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return date.fromisoformat(text)
    return int(text) if re.fullmatch(r"\d{1,5}", text) else text


def written(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "cases.csv"
    path.write_text("\n".join((HEAD, *rows)), "utf-8")
    return path


def told(case: Case) -> tuple[object, ...]:
    return case.case_id, case.history, case.assessment_on, case.expected, case.doses, case.vaccine_group


@pytest.mark.parametrize("path", [HEALTHY, CONDITIONS])
def test_a_workbook_of_each_layout_says_what_the_csv_says(
    supporting: SupportingData, path: Path, tmp_path: Path
) -> None:
    """Codes that Excel made numbers, dates that it counts, a title above the header and a sheet of remarks do not
    matter."""
    head, *rows = rows_of(path)
    table: list[list[Cell]] = [["CDSi test cases"], [], [name.replace("_", " ") for name in head]]
    table += [[as_cell(cell) for cell in row] for row in rows]
    table.append(["Note: the end"])
    book = write_workbook(tmp_path / "cases.XLSX", {"Remarks": [["Version", 4]], "Cases": table})
    assert [told(one) for one in read_cases(book, supporting)] == [told(one) for one in read_cases(path, supporting)]


def test_american_dates_are_read(supporting: SupportingData, tmp_path: Path) -> None:
    """Month, day and year, with or without zeros and a time, are the same days."""
    path = tmp_path / "us.csv"
    as_us = re.sub(r"(?<![\d-])(\d{4})-0?(\d+)-0?(\d+)(?=,)", r"\2/\3/\1", HEALTHY.read_text("utf-8"))
    path.write_text(as_us, "utf-8")
    assert [told(one) for one in read_cases(path, supporting)] == [told(one) for one in read_cases(HEALTHY, supporting)]
    (one,) = read_cases(written(tmp_path, ROW.replace("2025-11-10", "11/10/2025 0:00")), supporting)
    assert one.assessment_on == date(2025, 11, 10)


@pytest.mark.parametrize(
    ("code", "text", "found"),
    [
        ("222", "", "222"),  # tick-borne encephalitis, unspecified, to CVX
        ("223", "", "223"),
        ("224", "History or presence of atopic dermatitis", "224"),
        ("7", "", "007"),
        ("80141007", "", "279"),
        ("", "Health care personnel", "055"),
        ("999", "Health care personnel", "055"),
    ],
)
def test_an_observation_s_code_is_cdsis(
    supporting: SupportingData, tmp_path: Path, code: str, text: str, found: str
) -> None:
    """A number is a CDSi code and no vaccine's; a SNOMED code is what it stands for; else the title says it."""
    (case,) = read_cases(written(tmp_path, ROW.replace("222,Frequent exposure", f"{code},{text}")), supporting)
    assert [one.code for one in case.history.observations] == [found]
    assert case.not_used == ()


def test_an_observation_that_nobody_knows_is_told(supporting: SupportingData, tmp_path: Path) -> None:
    """It does not vanish: the case names the column."""
    (case,) = read_cases(written(tmp_path, ROW.replace("222,Frequent exposure", "999,Left-handed")), supporting)
    assert case.history.observations == ()
    assert case.not_used == ("observation_code_1",)


@pytest.mark.parametrize(
    "reason",
    ["Vaccine: Not Preferable or Allowable", "Not a preferable or allowable vaccine", "Vaccine not allowable", ""],
)
def test_the_wordings_of_a_vaccine_that_does_not_count(supporting: SupportingData, tmp_path: Path, reason: str) -> None:
    """However CDC writes that the vaccine was neither preferable nor allowable, it is the same reason."""
    infant = ROW.replace(
        "2000-01-01,F,Not Complete,,,,", f"2015-05-10,F,Not Complete,2015-12-10,114,Not Valid,{reason}"
    )
    row = infant.replace("Rabies,2025-11-10,222,Frequent exposure", "MCV,2015-12-10,070,")
    (case,) = read_cases(written(tmp_path, row), supporting)
    outcome = compare(case, forecast(case.history, supporting, case.assessment_on))
    assert "evaluation" in outcome.compared
    assert [one.label for one in outcome.differences if one.field == "evaluation"] == []


@pytest.mark.parametrize("ours", ["Vaccine: Not Preferable or Allowable", "Not Preferable or Allowable vaccine"])
def test_reasons_are_told_apart_by_what_they_mean(ours: str) -> None:
    """Too old is not too soon, and "allowable" is not "old"."""
    from services.eligibility.forecast.check_cases import _keyword

    assert _keyword(ours) == _keyword("Not a preferable or allowable vaccine")
    assert _keyword("Age: Too Old") != _keyword("Interval: too Soon") != _keyword(ours)


def test_a_date_of_another_form_is_refused_by_its_row(supporting: SupportingData, tmp_path: Path) -> None:
    """The error names row and expectation, never the value."""
    with pytest.raises(CasesError, match=r"cases\.csv, row 2: expected a date as 2025-11-10") as error:
        list(read_cases(written(tmp_path, ROW.replace("2000-01-01", "soon")), supporting))
    assert "soon" not in str(error.value)


def test_a_file_that_is_no_table_is_refused(supporting: SupportingData, tmp_path: Path) -> None:
    """A picture under the name of a workbook, and a workbook without cases."""
    (tmp_path / "photo.xlsx").write_bytes(b"\x89PNG")
    with pytest.raises(CasesError):
        list(read_cases(tmp_path / "photo.xlsx", supporting))
    with pytest.raises(CasesError, match="no sheet has the columns"):
        list(read_cases(write_workbook(tmp_path / "other.xlsx", {"One": [["a", "b"]]}), supporting))
