"""The commands: what they print and how they exit."""

import argparse
import csv
import json
from pathlib import Path

import pytest

from services.eligibility.forecast.cli import add_commands
from tests.unit.eligibility.forecast.people import CONDITIONS, HEALTHY, KNOWN_MISSES


def vcc(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    args = parser.parse_args(["forecast", *words])
    return int(args.run(args))


@pytest.fixture
def rows() -> list[dict[str, str]]:
    with HEALTHY.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))[:12]


def cases_of(rows: list[dict[str, str]], folder: Path) -> str:
    path = folder / "cases.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def test_agreement_exits_zero(rows: list[dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The last line counts the cases that agree."""
    assert vcc("check", cases_of(rows, tmp_path)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "12 of 12 cases agree"


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("Series_Status", "Immune", "status: expected Immune, ours Not Complete"),
        ("Forecast_#", "7", "dose_number: expected 7, ours 1"),
        ("Earliest_Date", "2031-01-01", "earliest: expected 2031-01-01, ours 2025-12-22"),
        ("Recommended_Date", "2031-01-01", "recommended: expected 2031-01-01, ours 2026-01-10"),
        ("Past_Due_Date", "", "past_due: expected none, ours 2026-03-09"),
    ],
)
def test_a_miss_exits_one_and_shows_its_path(
    rows: list[dict[str, str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    column: str,
    value: str,
    told: str,
) -> None:
    """Any field that differs is a miss, told with the rules taken."""
    assert rows[0]["CDC_Test_ID"] == "2013-0001"
    rows[0][column] = value
    assert vcc("check", cases_of(rows, tmp_path)) == 1
    out = capsys.readouterr().out
    assert told in out
    assert "Table 7-10: patient should receive another dose" in out
    assert out.splitlines()[-1] == "11 of 12 cases agree"


@pytest.mark.parametrize(("status", "reason"), [("Not Valid", ""), ("Valid", "Age: Too Old")])
def test_a_dose_evaluated_otherwise_is_a_miss(
    rows: list[dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str], status: str, reason: str
) -> None:
    """The evaluation's status counts, and its reason where one is expected."""
    rows[1] |= {"Evaluation_Status_2": status, "Evaluation_Reason_2": reason}
    assert vcc("check", cases_of(rows, tmp_path)) == 1
    assert "evaluation 2: expected" in capsys.readouterr().out


def test_a_vaccine_group_that_the_release_lacks_is_a_miss(
    rows: list[dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other cases of the file are still compared."""
    rows[0]["Vaccine_Group"] = "Smallpox 1902"
    assert vcc("check", cases_of(rows, tmp_path)) == 1
    out = capsys.readouterr().out
    assert "status: expected Not complete, ours No forecast" in out
    assert out.splitlines()[-1] == "11 of 12 cases agree"


def test_reviewed_misses_do_not_fail(capsys: pytest.CaptureFixture[str]) -> None:
    """With the reviewed list the condition cases pass, without it they do not; the count is the same."""
    assert vcc("check", str(CONDITIONS), "--known", str(KNOWN_MISSES)) == 0
    with_list = capsys.readouterr().out.splitlines()[-1]
    assert vcc("check", str(CONDITIONS)) == 1
    assert capsys.readouterr().out.splitlines()[-1] == with_list


def test_a_reviewed_case_that_fails_in_another_way_fails(tmp_path: Path) -> None:
    """The list covers the differences it names and no others."""
    edited = tmp_path / "known.yaml"
    edited.write_text(
        KNOWN_MISSES.read_text("utf-8").replace('earliest: "1984-02-17"', 'earliest: "1984-02-18"'), "utf-8"
    )
    assert vcc("check", str(CONDITIONS), "--known", str(edited)) == 1


def test_json_tells_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """One document with counts, fields, groups and misses."""
    assert vcc("check", str(CONDITIONS), "--json", "--known", str(KNOWN_MISSES)) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["agree"] + len(document["misses"]) == document["cases"] == 114
    assert all(miss["known"] for miss in document["misses"])


@pytest.mark.parametrize(
    "words",
    [
        ("check", "nowhere.csv"),
        ("check", str(KNOWN_MISSES)),
        ("check", str(HEALTHY), "--supporting-data", "nowhere"),
        ("check", str(HEALTHY), "--known", str(HEALTHY)),
        ("explain", "nowhere.json"),
    ],
)
def test_wrong_use_exits_two(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is missing or of another layout is told in one line."""
    assert vcc(*words) == 2
    assert capsys.readouterr().err.startswith("forecast: ")


def test_a_person_is_explained_in_plain_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Due, since when, which doses count, and why."""
    person = {
        "birth_on": "1958-03-01",
        "gender": "female",
        "assessment_on": "2025-11-10",
        "doses": [{"administered_on": "2024-02-01", "cvx": "187"}, {"administered_on": "2024-02-10", "cvx": "187"}],
        "observations": [{"code": "160", "observed_on": "2020-01-01"}],
    }
    path = tmp_path / "ada.json"
    path.write_text(json.dumps(person))
    assert vcc("explain", str(path)) == 0
    out = capsys.readouterr().out
    assert "Zoster (standard): dose 2 was due on 2024-04-06 and is overdue since 2024-10-08" in out
    assert "2024-02-10 zoster recombinant: not valid as dose 2 of the series (Interval: Too Soon)" in out
    assert "COVID-19 (standard): dose 1 only by a shared clinical decision, was due on 2025-08-27." in out
    assert "Meningococcal (risk): dose 1" in out


@pytest.mark.parametrize(
    "text", ["{}", "[]", "not json", '{"birth_on": "soon"}', '{"birth_on": "1958-03-01", "doses": [{"cvx": "187"}]}']
)
def test_a_person_s_values_are_in_no_error(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong file names what was expected, never what was written."""
    path = tmp_path / "ada.json"
    path.write_text(text)
    assert vcc("explain", str(path)) == 2
    err = capsys.readouterr().err
    assert "soon" not in err
    assert "1958" not in err


def test_a_bundle_is_explained_like_a_file_of_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same person in FHIR; two patients are refused without a word of them."""
    patient = {"resource": {"resourceType": "Patient", "birthDate": "1950-05-01", "gender": "female"}}
    path = tmp_path / "oma.json"
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": [patient]}))
    assert vcc("explain", str(path)) == 0
    fhir = capsys.readouterr().out
    path.write_text(json.dumps({"birth_on": "1950-05-01", "gender": "female"}))
    assert vcc("explain", str(path)) == 0
    assert capsys.readouterr().out == fhir
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": [patient, patient]}))
    assert vcc("explain", str(path)) == 2
    assert "1950" not in capsys.readouterr().err


@pytest.mark.slow
def test_the_bench_counts_what_it_forecast(capsys: pytest.CaptureFixture[str]) -> None:
    """A rate and the size of the sample it comes from; side by side where that is asked for."""
    assert vcc("bench", "--histories", "20", "--processes", "2", "--rounds", "1") == 0
    out = capsys.readouterr().out
    assert out.count("(20 histories, ") == 2
    assert out.count("a second in 2 processes, ") == 2
