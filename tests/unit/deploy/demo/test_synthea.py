"""Synthea's Californians become a plan, and the bundled real files can be read."""

import csv
from datetime import date
from pathlib import Path

import pytest
from pyx12.x12file import X12Reader

from deploy.demo import synthea
from deploy.demo.population.x12 import clean
from services.eligibility.feeds.reader import read_feed
from services.eligibility.feeds.records import DoseRecord, FeedSummary, RosterRecord, StatedPerson

REAL = Path(synthea.TABLES).parent


def summary(path: Path) -> FeedSummary:
    *_, last = read_feed(path)
    assert isinstance(last, FeedSummary)
    return last


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return synthea.convert(tmp_path_factory.mktemp("synthea"), synthea.COVID)


def test_the_roster_is_sound(converted: tuple[Path, Path]) -> None:
    """pyx12 finds no error, and everybody who was ever insured is a member."""
    with X12Reader(str(converted[0])) as reader:
        names = [segment.get_seg_id() for segment in reader]
        assert reader.pop_errors() == []
    assert names.count("INS") == len({span.number for span in synthea.spans()}) == 497


def test_no_row_of_it_is_rejected(converted: tuple[Path, Path]) -> None:
    """The readers take every member and every COVID-19 vaccination."""
    assert [(one.records, one.rejected) for one in map(summary, converted)] == [(497, 0), (721, 0)]


@pytest.mark.slow
def test_all_vaccinations_are_taken_where_none_are_chosen(tmp_path: Path) -> None:
    """15,434 of them, of 21 vaccines, over 80 years."""
    assert summary(synthea.convert(tmp_path)[1]).records == 15_434


def test_members_and_patients_are_the_same_people(converted: tuple[Path, Path]) -> None:
    """Accents and case apart, an insured person's doses bear the name, birth date and ZIP of the roster."""
    roster = {_key(one.person) for one in read_feed(converted[0]) if isinstance(one, RosterRecord)}
    insured = {span.number for span in synthea.spans()}
    ids = {one.id for one in synthea.patients() if one.number in insured}
    doses = [one.person for one in read_feed(converted[1]) if isinstance(one, DoseRecord)]
    theirs = [person for person in doses if person.identifiers[0].value in ids]
    assert len(theirs) > 600
    assert {_key(person) for person in theirs} <= roster


def _key(person: StatedPerson) -> tuple[str, str, date | None, str]:
    assert person.name is not None
    assert person.address is not None
    return clean(person.name.family), clean(person.name.given), person.birth_on, person.address.zip5


def test_no_vaccination_is_older_than_its_message(converted: tuple[Path, Path]) -> None:
    """Each message bears the day of its visit, so that a consumer that plays an earlier day can leave it out."""
    for one in read_feed(converted[1]):
        if isinstance(one, DoseRecord):
            assert one.message_at is not None
            assert one.message_at.date() == one.administered_on


def test_yearly_spans_with_one_insurer_are_joined_and_uninsured_ones_dropped(tmp_path: Path) -> None:
    """A roster says from when to when, not every renewal; a gap stays a gap."""
    export, out = tmp_path / "export", tmp_path / "tables"
    export.mkdir()
    _table(export / "payers.csv", ["Id,NAME", "p,Humana", "n,NO_INSURANCE"])
    patient = "Ana12,,Núñez7,,hispanic,white,F,1 Elm,Fresno,6019,93701"
    _table(
        export / "patients.csv",
        ["Id,FIRST,DEATHDATE,LAST,X,ETHNICITY,RACE,GENDER,ADDRESS,CITY,FIPS,ZIP,BIRTHDATE", f"a,{patient},1950-01-02"],
    )
    _table(export / "immunizations.csv", ["DATE,PATIENT,CODE,DESCRIPTION", "2021-03-01T00:20:12Z,a,208,COVID-19"])
    _table(
        export / "payer_transitions_2015on.csv",
        [
            "PATIENT,START_DATE,END_DATE,PAYER",
            *("a,2018-01-01T1,2019-01-01T1,p", "a,2016-01-01T1,2017-01-01T1,p", "a,2017-01-01T1,2018-01-01T1,p"),
            *("a,2019-01-01T1,2020-01-01T1,n", "a,2020-01-01T1,2021-01-01T1,p"),
        ],
    )
    synthea.trim(export, out)
    assert list(synthea._rows("coverage", out)) == [
        ["1", "2016-01-01", "2019-01-01", "Humana"],
        ["1", "2020-01-01", "2021-01-01", "Humana"],
    ]
    assert next(iter(synthea._rows("patients", out)))[3:5] == ["Ana", "Núñez"]
    assert list(synthea._rows("immunizations", out)) == [["1", "2021-03-01", "208"]]


def _table(path: Path, lines: list[str]) -> None:
    assert len({len(row) for row in csv.reader(lines)}) == 1
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("path", sorted(path for path in REAL.iterdir() if path.is_file() and path.suffix != ".md"))
def test_a_real_file_is_read_and_its_origin_named(path: Path) -> None:
    """At least one record of each, and a line in SOURCES.md with its licence."""
    assert summary(path).records >= 1
    assert f"`{path.name}`" in (REAL / "SOURCES.md").read_text(encoding="utf-8")


def test_the_bundled_tables_stay_small() -> None:
    """Synthea's part is under 400 KB."""
    assert sum(path.stat().st_size for path in synthea.TABLES.glob("*.gz")) < 400_000
