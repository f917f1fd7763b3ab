"""A state's own recommendations over CDC's. The state, its health department and its rules are invented."""

from datetime import date
from pathlib import Path

import pytest

from services.eligibility.forecast import overlay_documents, supporting_data
from services.eligibility.forecast.engine import forecast
from services.eligibility.forecast.explain import explain
from services.eligibility.forecast.model import ForecastStatus, SeriesStatus
from services.eligibility.forecast.overlay import as_of, laid_over
from services.eligibility.forecast.overlay_documents import OverlayError, parse_overlay
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.forecast.turning_days import next_turn
from services.eligibility.programmes.aim import ForecastRule, covering
from services.eligibility.programmes.documents import ProgrammeError, parse_programme
from services.eligibility.programmes.due import forecasted, group_named
from tests.unit.eligibility.forecast.people import HEALTHY, a_person, day, forecast_of
from tests.unit.eligibility.forecast.test_cli import vcc

DOCUMENT = """
jurisdiction: US-ZZ
title: Immunization recommendations of the State of Zenith (invented)
source: Department of Health of Zenith, letter 7 (invented)
changes:
  - code: rsv-from-60
    from: 2025-07-01
    until: 2026-07-01
    because: Zenith recommends RSV vaccine to everybody from 60 years on.
    antigen: RSV
    series: RSV 75 years+ 1-dose series
    minimum_age_to_start: 60 years
    doses:
      - dose: 1
        age: {absolute_minimum: 60 years - 4 days, minimum: 60 years, earliest_recommended: 60 years}
  - code: covid-for-all
    from: 2025-09-01
    because: Zenith leaves COVID-19 vaccine to a shared decision from 2 to 64 years only.
    source: Letter 9 (invented)
    antigen: COVID-19
    series:
      - COVID-19 start at 6mo-23mo shared clinical decision-making series
      - COVID-19 start at 2 years+ shared clinical decision-making series
    shared_decision: {begin_age: 2 years, end_age: 65 years}
  - code: third-zoster
    from: 2025-01-01
    because: Zenith adds a third dose of zoster vaccine after ten years.
    antigen: Zoster
    series: Zoster 2-dose series
    doses:
      - dose: 3
        interval: {absolute_minimum: 10 years - 4 days, minimum: 10 years, earliest_recommended: 10 years}
  - code: yellow-fever-for-all
    from: 2025-01-01
    because: Zenith recommends yellow fever vaccine to everybody.
    antigen: Yellow Fever
    series: Yellow Fever risk 1-dose series
    as: Yellow Fever 1-dose series of Zenith
    series_type: Standard
    series_group: "9"
"""
ON = "2025-11-10"


@pytest.fixture(scope="module")
def zenith(supporting: SupportingData) -> SupportingData:
    return laid_over(supporting, parse_overlay(DOCUMENT, supporting))


@pytest.fixture(scope="module", name="supporting")
def of_4_64() -> SupportingData:
    return supporting_data.bundled("4.64")


def test_an_age_to_start_holds_from_its_day_to_its_end(supporting: SupportingData, zenith: SupportingData) -> None:
    """The day before it and from its end on, CDC's own age holds; in between, the state's."""
    man = a_person("1964-01-01", gender="Male")
    starts = {on: forecast_of(zenith, man, "RSV", on, "3").earliest_on for on in (
        "2025-06-30", "2025-07-01", "2026-06-30", "2026-07-01",
    )}  # fmt: skip
    assert [str(starts[on]) for on in starts] == ["2039-01-01", "2024-01-01", "2024-01-01", "2039-01-01"]
    assert forecast_of(supporting, man, "RSV", "2025-07-01", "3").earliest_on == day("2039-01-01")


def test_a_shared_decision_becomes_a_recommendation(supporting: SupportingData, zenith: SupportingData) -> None:
    """CDC leaves COVID-19 to a shared decision; the state does so at some ages only, from its day on."""
    woman, younger = a_person("1950-01-01"), a_person("1980-01-01")
    assert forecast_of(supporting, woman, "COVID-19", ON).status is ForecastStatus.SHARED_DECISION
    assert forecast_of(zenith, woman, "COVID-19", "2025-08-31").status is ForecastStatus.SHARED_DECISION
    assert forecast_of(zenith, woman, "COVID-19", ON).status is ForecastStatus.NOT_COMPLETE
    assert forecast_of(zenith, younger, "COVID-19", ON).status is ForecastStatus.SHARED_DECISION


def test_a_dose_is_added_to_a_series(supporting: SupportingData, zenith: SupportingData) -> None:
    """Complete by CDC, and due for a third dose by the state, ten years after the second."""
    woman = a_person("1950-01-01", ("2019-01-01", "187"), ("2019-06-01", "187"))
    assert forecast_of(supporting, woman, "Zoster", ON).series_status is SeriesStatus.COMPLETE
    answer = forecast_of(zenith, woman, "Zoster", ON)
    assert (answer.dose_number, answer.recommended_on) == (3, day("2029-06-01"))


def test_a_series_is_added_beside_cdcs(supporting: SupportingData, zenith: SupportingData) -> None:
    """For everybody, where CDC has one for travellers only, who have both; a dose counts in each."""
    woman = a_person("1990-01-01")
    assert not [one for one in forecast(woman, supporting, day(ON)) if one.vaccine_group == "Yellow Fever"]
    assert (
        forecast_of(zenith, woman, "Yellow Fever", ON, "9").series[0].series == "Yellow Fever 1-dose series of Zenith"
    )
    traveller = a_person("1990-01-01", ("2024-01-01", "37"), observations=["162"])
    groups = [one for one in forecast(traveller, zenith, day(ON)) if one.vaccine_group == "Yellow Fever"]
    assert {(one.series_group, one.series_status) for one in groups} == {
        ("1", SeriesStatus.COMPLETE), ("9", SeriesStatus.COMPLETE),
    }  # fmt: skip


def test_what_the_state_does_not_change_stays_as_it_is(supporting: SupportingData, zenith: SupportingData) -> None:
    """The other groups' answers are those of CDC, to the letter."""
    child = a_person("2023-02-02", ("2023-04-04", "110"), ("2023-04-04", "133"), observations=["160"])
    changed = {"RSV", "COVID-19", "Zoster", "Yellow Fever"}
    ours, theirs = (
        [one for one in forecast(child, rules, day(ON)) if one.vaccine_group not in changed]
        for rules in (supporting, zenith)
    )
    assert ours == theirs


def test_the_answer_says_whose_word_it_is(zenith: SupportingData) -> None:
    """Release and state stand in the opening, and the change with its day, reason and source at the group."""
    man = a_person("1964-01-01", gender="Male")
    told = "\n".join(explain(man, forecast(man, zenith, day(ON)), zenith, day(ON)))
    assert "supporting data 4.64+US-ZZ of" in told
    assert "By US-ZZ, not CDC, since 2025-07-01: Zenith recommends RSV vaccine" in told
    assert "(Department of Health of Zenith, letter 7 (invented))" in told
    assert "(Letter 9 (invented))" in told
    assert told.count("By US-ZZ") == 4


def test_a_day_after_another_is_asked_of_the_release(zenith: SupportingData) -> None:
    """The schedule of one day, asked for another, is that other day's; and laying it over twice changes nothing."""
    july, june = as_of(zenith, day("2025-07-01")), as_of(zenith, day("2025-06-30"))
    assert as_of(july, day("2025-06-30")) is june
    assert as_of(july, day("2025-07-02")) is july


def test_a_stored_forecast_stands_until_the_state_says_otherwise(zenith: SupportingData) -> None:
    """What a programme keeps is asked again on the day on which a change begins or ends."""
    man = a_person("1961-05-05", gender="Male")
    for on, turn in (("2025-06-20", "2025-07-01"), ("2026-06-20", "2026-07-01")):
        rules = as_of(zenith, day(on))
        found = next_turn(man, group_named(rules, "RSV"), rules, day(on))
        assert found is not None
        assert found <= day(turn)
    before, after = (forecasted(man, "RSV", zenith, day(on)) for on in ("2025-06-30", "2025-07-01"))
    assert (before.recommended_on, after.recommended_on) == (day("2036-05-05"), day("2021-05-05"))
    assert after.release == "4.64+US-ZZ"
    assert before.stale_on is not None
    assert before.stale_on <= day("2025-07-01")


def test_a_programme_asks_a_state_s_rules_by_name() -> None:
    """The release that covers the day, with the state's overlay over it; none where none covers it."""
    releases = (("4.64", date(2025, 11, 10)), ("4.70", date(2026, 8, 1)))
    rule = ForecastRule("RSV", jurisdiction="US-ZZ")
    days = (date(2025, 11, 9), date(2025, 11, 10), date(2026, 8, 1))
    assert [covering(rule, releases, one) for one in days] == [None, "4.64+US-ZZ", "4.70+US-ZZ"]


def test_overlays_are_named_by_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting's folder has one file per state; the release with it is asked by both names."""
    (tmp_path / "zenith.yaml").write_text(DOCUMENT, "utf-8")
    monkeypatch.setenv(overlay_documents.OVERLAYS, str(tmp_path))
    overlay_documents.overlay_paths.cache_clear()
    try:
        assert list(overlay_documents.overlay_paths()) == ["US-ZZ"]
        rules = supporting_data.bundled("4.64+US-ZZ")
        assert (rules.release, len(rules.edition)) == ("4.64+US-ZZ", 16)
    finally:
        overlay_documents.overlay_paths.cache_clear()
        supporting_data.bundled.cache_clear()


def test_a_programme_of_an_unknown_state_is_refused() -> None:
    """The document is refused with its field."""
    library = Path(supporting_data.__file__).parents[1] / "programmes" / "bundled" / "library"
    text = (library / "la-care-health-workers.yaml").read_text("utf-8")
    with pytest.raises(ProgrammeError, match=r"forecast\.jurisdiction: Value error, expected a state whose overlay"):
        parse_programme(text.replace("  opens: due", "  opens: due\n  jurisdiction: US-ZZ"))


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        ("antigen: RSV", "antigen: Rsv", "changes.0.antigen: expected one of COVID-19"),
        ("RSV 75 years+ 1-dose series", "RSV 76 years+", "changes.0.series: expected one of RSV 1-dose series"),
        ("minimum: 60 years,", "minimum: 60 yrs,", "expected a period such as 65 years"),
        ("until: 2026-07-01", "until: 2025-07-01", "changes.0.until: expected a day after the first one"),
        ("dose: 3", "dose: 4", "changes.2.doses.0.dose: expected a dose of the series, or dose 3"),
        ("code: covid-for-all", "code: rsv-from-60", "expected a code of its own"),
        ("jurisdiction: US-ZZ", "jurisdiction: Zenith", "jurisdiction: String should match"),
        ("because: Zenith adds", "why: Zenith adds", "changes.2.because: Field required"),
        ("source: Department", "source_: Department", "source: Field required"),
        (
            "as: Yellow Fever 1-dose series of Zenith",
            "as: Yellow Fever risk 1-dose series",
            "changes.3.as: expected a name",
        ),
        (
            "    shared_decision: {begin_age: 2 years, end_age: 65 years}",
            "    indications: [{observation: '999'}]",
            "expected an observation of the release",
        ),
        ("dose: 3", "dose: '3'", "changes.2.doses.0.dose: Input should be a valid integer"),
        ("until: 2026-07-01", "until: 1769904000", "changes.0.until: Expected a day as YYYY-MM-DD"),
        (
            "jurisdiction: US-ZZ",
            "jurisdiction: US-ZZ\njurisdiction: US-CA",
            "overlay:3: jurisdiction: stands here twice",
        ),
    ],
)
def test_a_wrong_overlay_is_refused_with_its_field(
    supporting: SupportingData, written: str, instead: str, told: str
) -> None:
    """Whatever it says that the release does not have, or in another form."""
    assert written in DOCUMENT
    with pytest.raises(OverlayError) as error:
        parse_overlay(DOCUMENT.replace(written, instead), supporting)
    assert told in str(error.value)


def test_the_commands_take_an_overlay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`forecast check` tells which of CDC's cases a state would answer otherwise; a wrong file exits two."""
    path = tmp_path / "zenith.yaml"
    path.write_text(DOCUMENT, "utf-8")
    assert vcc("check", str(HEALTHY), "--overlay", str(path)) == 1
    assert capsys.readouterr().out.splitlines()[-1].endswith("of 314 cases agree")
    path.write_text("jurisdiction: [", "utf-8")
    assert vcc("check", str(HEALTHY), "--overlay", str(path)) == 2
