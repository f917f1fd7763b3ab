"""One folder is a release, wherever it lies: rules, codes, cases and known misses."""

import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.eligibility.forecast import overlay_documents, release_folder, supporting_data
from services.eligibility.forecast.observation_codes import ICD10, observations_of
from services.eligibility.forecast.release_folder import SupportingDataError
from services.eligibility.settings import read_own_settings
from services.kit.settings import SettingsError
from tests.unit.eligibility.forecast.people import CONDITIONS, HEALTHY, KNOWN_MISSES, a_person, forecast_of
from tests.unit.eligibility.forecast.test_cli import vcc

BUNDLED_ZIP = supporting_data.BUNDLED / "4.64" / "supporting-data.zip"
NEW_CVX = (
    "<cvxMap><cvx>398</cvx><shortDescription>zoster, invented</shortDescription><association><antigen>Zoster</antigen>"
)
NEW_CVX += "<associationBeginAge/><associationEndAge/></association></cvxMap>"


def relabelled(folder: Path) -> Path:
    """A copy of 4.64 that maps one more vaccine and lets it count wherever CVX 187 does."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(BUNDLED_ZIP) as source, zipfile.ZipFile(folder / "download.zip", "w") as target:
        for entry in source.infolist():
            text = source.read(entry).decode("utf-8")
            if entry.filename.endswith("ScheduleSupportingData.xml"):
                text = text.replace("<cvxToAntigenMap>", f"<cvxToAntigenMap>{NEW_CVX}", 1)
            if "Zoster" in entry.filename:
                allowed = (
                    r"<preferableVaccine>\s*<vaccineType>[^<]*</vaccineType>\s*<cvx>187</cvx>.*?</preferableVaccine>"
                )
                found = re.search(allowed, text, re.S)
                assert found is not None
                text = text.replace(found[0], found[0] + found[0].replace("<cvx>187</cvx>", "<cvx>398</cvx>"))
            target.writestr(entry, text)
    return folder


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder named by the setting, with every cache as at a start."""
    folder = relabelled(tmp_path / "elsewhere" / "4.65")
    monkeypatch.setenv(release_folder.OUTSIDE, str(folder))
    caches = (supporting_data.releases, supporting_data.bundled, overlay_documents.overlay_paths)
    for cached in caches:
        cached.cache_clear()
    yield folder
    monkeypatch.undo()
    for cached in caches:
        cached.cache_clear()


def test_a_folder_outside_is_the_newest_release(outside: Path) -> None:
    """It stands beside the bundled ones, under its own name, and its one vaccine more counts."""
    assert supporting_data.releases() == ("4.64", "4.65")
    newest = supporting_data.bundled()
    assert (newest.release, newest.released_on) == ("4.65", supporting_data.bundled("4.64").released_on)
    assert newest.knows("398")
    assert newest.vaccine_groups_of("398") == ("Zoster",)
    assert not supporting_data.bundled("4.64").knows("398")
    woman = a_person("1950-01-01", ("2025-01-01", "398"))
    assert forecast_of(newest, woman, "Zoster", "2025-11-10").dose_number == 2


def test_a_folder_s_own_codes_count(outside: Path) -> None:
    """A list of ICD-10 codes beside the rules takes the place of the one at hand; the other list stays."""
    (outside / "codes").mkdir()
    (outside / "codes" / "icd10_observations.yaml").write_text("prefixes: {Z99.8: ['014']}\n", "utf-8")
    supporting_data.load.cache_clear()
    rules = supporting_data.load(outside)
    assert observations_of(ICD10, "Z99.81", rules) == {"014"}
    assert observations_of(ICD10, "E11.9", rules) == frozenset()
    assert rules.lists.past == supporting_data.bundled("4.64").lists.past


def test_a_folder_s_own_cases_and_known_misses_are_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`forecast check --release FOLDER` needs no other word."""
    folder = relabelled(tmp_path / "4.65")
    assert vcc("check", "--release", str(folder)) == 2
    assert "holds none in its folder" in capsys.readouterr().err
    (folder / "cases").mkdir()
    for path in (HEALTHY, CONDITIONS):
        (folder / "cases" / path.name).write_bytes(path.read_bytes())
    assert vcc("check", "--release", str(folder)) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "423 of 428 cases agree"
    (folder / "known_misses.yaml").write_bytes(KNOWN_MISSES.read_bytes())
    assert vcc("check", "--release", str(folder)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "423 of 428 cases agree"


def test_a_download_alone_is_named_by_its_number(tmp_path: Path) -> None:
    """supporting-data-4.65-508.zip is release 4.65-508."""
    path = tmp_path / "supporting-data-4.65-508.zip"
    path.write_bytes(BUNDLED_ZIP.read_bytes())
    assert supporting_data.load(path).release == "4.65-508"


def test_a_name_is_not_taken_twice(tmp_path: Path) -> None:
    """What is stored names its release: another one of that name would be taken for it."""
    folder = relabelled(tmp_path / "4.64")
    with pytest.raises(SupportingDataError, match=r"a release 4\.64 is here already"):
        release_folder.folders(supporting_data.BUNDLED, str(folder))


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_folder_that_is_no_release_fails_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The service says which setting is wrong instead of deciding by older rules."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv(release_folder.OUTSIDE, str(tmp_path / name))
    supporting_data.releases.cache_clear()
    try:
        with pytest.raises(SettingsError):
            read_own_settings({})
    finally:
        monkeypatch.undo()
        supporting_data.releases.cache_clear()


def test_a_download_that_becomes_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the number of its files and by what they are together, before one is unpacked (v5.0.0-5.2.3)."""
    path = tmp_path / "supporting-data-4.65.zip"
    shutil.copy(BUNDLED_ZIP, path)
    for limit in ("MOST_FILES", "MOST_BYTES"):
        with monkeypatch.context() as smaller:
            smaller.setattr(supporting_data, limit, 5)
            with pytest.raises(SupportingDataError, match=r"expected at most"):
                supporting_data.load.__wrapped__(path)


def test_entities_are_no_part_of_a_release(tmp_path: Path) -> None:
    """XML with a document type, whose entities may stand for more than there is memory, is refused unread
    (v5.0.0-1.5.1)."""
    folder = tmp_path / "4.65"
    folder.mkdir()
    laughs = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'
    (folder / "ScheduleSupportingData.xml").write_text(laughs)
    with pytest.raises(SupportingDataError, match="without a document type"):
        supporting_data.load.__wrapped__(folder)
