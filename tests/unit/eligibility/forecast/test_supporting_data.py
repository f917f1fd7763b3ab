"""Releases of CDC's supporting data: bundled, dropped in, side by side, or refused."""

import zipfile
from datetime import date
from pathlib import Path

import pytest

from services.eligibility.forecast import supporting_data
from services.eligibility.forecast.engine import forecast
from services.eligibility.forecast.explain import opening
from services.eligibility.forecast.release_folder import SupportingDataError
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.forecast.supporting_data import load
from tests.unit.eligibility.forecast.people import a_person, day

BUNDLED_ZIP = supporting_data.BUNDLED / "4.64" / "supporting-data.zip"


def test_the_bundled_release_is_dated_and_whole(supporting: SupportingData) -> None:
    """Release 4.64 has thirty antigens and the date of CDC's files."""
    assert (supporting.release, supporting.released_on) == ("4.64", date(2025, 11, 10))
    assert len(supporting.antigens) == 30
    assert sum(len(a.series) for a in supporting.antigens.values()) == 143
    assert "4.64" in supporting_data.releases()


def test_cdc_s_download_drops_in_unopened(tmp_path: Path, supporting: SupportingData) -> None:
    """A folder with a zip that holds the XML in folders of its own, beside documents, is a release."""
    release = tmp_path / "4.65"
    release.mkdir()
    with zipfile.ZipFile(BUNDLED_ZIP) as source, zipfile.ZipFile(release / "download.zip", "w") as target:
        for entry in source.infolist():
            target.writestr(f"Version 4.65 - 508/XML/{entry.filename}", source.read(entry))
        target.writestr("Version 4.65 - 508/Release Notes.docx", b"words")
    dropped_in = load(release)
    person = a_person("1958-03-01", ("2024-02-01", "187"))
    assert dropped_in.release == "4.65"
    assert forecast(person, dropped_in, day("2025-11-10")) == forecast(person, supporting, day("2025-11-10"))


def test_releases_live_side_by_side(tmp_path: Path, supporting: SupportingData) -> None:
    """A release with a changed rule answers by it, and the other goes on answering by its own."""
    changed = tmp_path / "9.9"
    with zipfile.ZipFile(BUNDLED_ZIP) as archive:
        archive.extractall(changed)
    zoster = changed / "AntigenSupportingData- Zoster-508.xml"
    zoster.write_text(
        zoster.read_text("utf-8").replace("<minAge>50 years</minAge>", "<minAge>55 years</minAge>"), "utf-8"
    )
    earliest = [
        next(
            f.earliest_on
            for f in forecast(a_person("1980-01-01"), data, day("2025-11-10"))
            if f.vaccine_group == "Zoster"
        )
        for data in (supporting, load(changed), supporting)
    ]
    assert earliest == [day("2030-01-01"), day("2035-01-01"), day("2030-01-01")]


def unpacked(folder: Path, released_on: str = "") -> Path:
    with zipfile.ZipFile(BUNDLED_ZIP) as archive:
        archive.extractall(folder)
    if released_on:
        (folder / "released-on.txt").write_text(f"{released_on}\n")
    return folder


def test_unpacked_files_are_dated_by_what_is_said(tmp_path: Path) -> None:
    """Not by the day on which they were copied: the day that is stated, none without, and no other text."""
    assert load(unpacked(tmp_path / "4.65", "2026-02-03")).released_on == date(2026, 2, 3)
    assert load(unpacked(tmp_path / "4.66")).released_on == supporting_data.UNDATED
    with pytest.raises(SupportingDataError, match=r"released-on\.txt: expected a day"):
        load(unpacked(tmp_path / "4.67", "spring"))


def test_an_installed_release_needs_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nobody knows which days it covers: the start fails and says what to do. The command needs none."""
    monkeypatch.setattr(supporting_data, "BUNDLED", tmp_path)
    unpacked(tmp_path / "4.66")
    with pytest.raises(SupportingDataError, match=r"release 4\.66: expected its day, YYYY-MM-DD, in released-on\.txt"):
        supporting_data.bundled("4.66")
    assert opening(load(tmp_path / "4.66"), day("2026-01-01")).endswith("supporting data 4.66 without a date:")


def test_an_archive_that_keeps_no_time_has_no_day(tmp_path: Path) -> None:
    """Nineteen-eighty is what such archives say."""
    (tmp_path / "4.68").mkdir()
    with zipfile.ZipFile(BUNDLED_ZIP) as source, zipfile.ZipFile(tmp_path / "4.68" / "data.zip", "w") as target:
        for entry in source.infolist():
            target.writestr(zipfile.ZipInfo(entry.filename), source.read(entry))
    assert load(tmp_path / "4.68").released_on == supporting_data.UNDATED


def test_a_corrected_edition_is_newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers are compared as numbers, and 4.64-508 comes after 4.64."""
    for name in ("4.64-508", "4.9", "4.100", "4.64", "4.65"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(supporting_data, "BUNDLED", tmp_path)
    assert supporting_data.releases.__wrapped__() == ("4.9", "4.64", "4.64-508", "4.65", "4.100")


def test_a_folder_without_a_release_is_refused(tmp_path: Path) -> None:
    """Neither an empty folder, nor one without the schedule, nor a missing one is taken for a release."""
    (tmp_path / "empty").mkdir()
    headless = tmp_path / "headless"
    headless.mkdir()
    with zipfile.ZipFile(BUNDLED_ZIP) as archive:
        archive.extract("AntigenSupportingData- Zoster-508.xml", headless)
    for folder in (tmp_path / "empty", headless, tmp_path / "missing"):
        with pytest.raises(SupportingDataError):
            load(folder)


def test_observations_are_found_by_their_codes(supporting: SupportingData) -> None:
    """A SNOMED code names its CDSi observations; an unknown one names none."""
    assert supporting.observations_coded("SNOMED", "80141007") == {"279"}
    assert supporting.observations_coded("SNOMED", "1") == frozenset()
