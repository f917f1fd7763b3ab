"""Named edges of the rules, each a row: birthday, leap day, grace period, minimum interval, season turn."""

import dataclasses
from typing import Any

import pytest

from services.eligibility.forecast.engine import forecast, foremost
from services.eligibility.forecast.model import (
    Dose,
    EvaluationReason,
    EvaluationStatus,
    ForecastStatus,
    History,
    SeriesStatus,
)
from services.eligibility.forecast.schedule import SeriesType, SupportingData
from tests.unit.eligibility.forecast.people import a_person, day, forecast_of

INFANT_SERIES = a_person(
    "2023-11-10", *((on, "216") for on in ("2024-01-10", "2024-03-10", "2024-05-10", "2024-11-10"))
)


@pytest.mark.parametrize(
    ("edge", "given_on", "status", "reason"),
    [
        ("5 days before the first birthday", "2024-11-05", "Not Valid", EvaluationReason.TOO_YOUNG),
        ("4 days before the first birthday", "2024-11-06", "Valid", EvaluationReason.GRACE_PERIOD),
        ("the day before the birthday", "2024-11-09", "Valid", EvaluationReason.GRACE_PERIOD),
        ("the first birthday", "2024-11-10", "Valid", None),
    ],
)
def test_measles_vaccine_around_the_first_birthday(
    supporting: SupportingData, edge: str, given_on: str, status: str, reason: EvaluationReason | None
) -> None:
    """MMR counts from 12 months less 4 days (Table 6-15)."""
    answer = forecast_of(supporting, a_person("2023-11-10", (given_on, "03")), "MMR", "2025-11-10")
    assert answer.evaluations[0].status == status, edge
    assert answer.evaluations[0].reasons[:1] == ((reason,) if reason else ())


@pytest.mark.parametrize(
    ("edge", "given_on", "status"),
    [
        ("24 February, 5 days early", "2025-02-24", "Not Valid"),
        ("25 February, 4 days before 1 March", "2025-02-25", "Valid"),
        ("1 March, the birthday of a common year", "2025-03-01", "Valid"),
    ],
)
def test_a_leap_day_child_turns_one_on_the_first_of_march(
    supporting: SupportingData, edge: str, given_on: str, status: str
) -> None:
    """29 February + 12 months is 1 March, so the grace period begins on 25 February (CALCDT-5)."""
    answer = forecast_of(supporting, a_person("2024-02-29", (given_on, "03")), "MMR", "2025-11-10")
    assert answer.evaluations[0].status == status, edge


@pytest.mark.parametrize(
    ("edge", "days", "status", "reason"),
    [
        ("28 - 5 days", 23, "Not Valid", EvaluationReason.TOO_SOON),
        ("28 - 4 days", 24, "Valid", EvaluationReason.GRACE_PERIOD),
        ("28 - 1 days", 27, "Valid", EvaluationReason.GRACE_PERIOD),
        ("28 days", 28, "Valid", None),
    ],
)
def test_second_zoster_dose_around_the_minimum_interval(
    supporting: SupportingData, edge: str, days: int, status: str, reason: EvaluationReason | None
) -> None:
    """RZV's second dose counts from 4 weeks less 4 days (Table 6-18)."""
    second_on = day("2025-03-03").fromordinal(day("2025-03-03").toordinal() + days).isoformat()
    person = a_person("1960-06-15", ("2025-03-03", "187"), (second_on, "187"))
    answer = forecast_of(supporting, person, "Zoster", "2025-11-10")
    assert answer.evaluations[1].status == status, edge
    assert answer.evaluations[1].reasons == ((reason,) if reason else ())
    assert (answer.series_status is SeriesStatus.COMPLETE) == (status == "Valid")


def test_a_repeat_is_counted_from_the_dose_that_was_too_soon(supporting: SupportingData) -> None:
    """CALCDTINT-1: a dose that is not valid still is the immediate previous dose."""
    person = a_person("1960-06-15", ("2025-03-03", "187"), ("2025-03-20", "187"))
    answer = forecast_of(supporting, person, "Zoster", "2025-11-10")
    assert (answer.dose_number, answer.earliest_on) == (2, day("2025-04-17"))


@pytest.mark.parametrize(
    ("edge", "assessed_on", "earliest_on"),
    [
        ("the last day of the release's season", "2026-06-30", "2025-07-01"),
        ("its first day", "2025-07-01", "2025-07-01"),
        ("the last day of the season before, rolled back", "2025-06-30", "2024-07-01"),
        ("two seasons before", "2024-06-30", "2023-07-01"),
    ],
)
def test_influenza_at_the_turn_of_the_season(
    supporting: SupportingData, edge: str, assessed_on: str, earliest_on: str
) -> None:
    """An assessment falls into the season of its own date."""
    answer = forecast_of(supporting, a_person("1988-09-01"), "Influenza", assessed_on)
    assert (answer.status, answer.earliest_on) == (ForecastStatus.NOT_COMPLETE, day(earliest_on)), edge


def test_no_influenza_forecast_after_the_last_season_of_the_release(supporting: SupportingData) -> None:
    """Table 7-10: past the seasonal recommendation end date nothing is recommended until the next release."""
    answer = forecast_of(supporting, a_person("1988-09-01"), "Influenza", "2026-07-01")
    assert answer.series_status is SeriesStatus.NOT_RECOMMENDED
    assert answer.earliest_on is None


def test_last_season_s_influenza_dose_does_not_count_for_this_one(supporting: SupportingData) -> None:
    """FORECASTDN-1 counts the season's doses only; CONDSKIP-1 counts those before the season's end date."""
    person = a_person("1988-09-01", ("2025-06-29", "140"))
    before = forecast_of(supporting, person, "Influenza", "2025-06-30")
    after = forecast_of(supporting, person, "Influenza", "2025-08-15")
    assert before.series_status is SeriesStatus.COMPLETE
    assert (after.series_status, after.dose_number) == (SeriesStatus.NOT_COMPLETE, 1)


@pytest.mark.parametrize(
    ("edge", "given_on", "status"),
    [
        ("the same day", "2025-01-10", "Valid"),
        ("the next day", "2025-01-11", "Not Valid"),
        ("27 days later", "2025-02-06", "Not Valid"),
        ("28 days later", "2025-02-07", "Valid"),
    ],
)
def test_varicella_after_measles_vaccine(supporting: SupportingData, edge: str, given_on: str, status: str) -> None:
    """Two live vaccines go on one day or 28 days apart (CONFLICT-3)."""
    person = a_person("2023-11-10", ("2025-01-10", "03"), (given_on, "21"))
    answer = forecast_of(supporting, person, "Varicella", "2025-11-10")
    assert answer.evaluations[0].status == status, edge
    assert (EvaluationReason.CONFLICT in answer.evaluations[0].reasons) == (status == "Not Valid")


def test_a_live_vaccine_puts_the_next_one_off(supporting: SupportingData) -> None:
    """FORECASTDTCAN-1: varicella is not forecast before 28 days after MMR."""
    person = a_person("2024-11-10", ("2025-11-10", "03"))
    assert forecast_of(supporting, person, "Varicella", "2025-11-11").earliest_on == day("2025-12-08")


def test_an_inadvertent_dose_neither_counts_nor_delays_by_an_interval(supporting: SupportingData) -> None:
    """Table 6-13 and CALCDTINT-1: Tdap in an infant is not valid, and the next dose waits for its age only."""
    person = a_person("2025-06-10", ("2025-08-10", "115"))
    answer = forecast_of(supporting, person, "DTaP/Tdap/Td", "2025-08-11")
    assert answer.evaluations[0].reasons == (EvaluationReason.INADVERTENT,)
    assert (answer.dose_number, answer.earliest_on) == (1, day("2025-08-10"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sub_standard": True}, EvaluationReason.SUB_STANDARD),
        ({"lot_expires_on": day("2025-03-02")}, EvaluationReason.LOT_EXPIRED),
    ],
)
def test_a_sub_standard_dose_must_be_repeated(
    supporting: SupportingData, change: dict[str, Any], reason: EvaluationReason
) -> None:
    """Table 6-3: neither a flagged dose nor one of an expired lot is evaluated."""
    dose = dataclasses.replace(Dose(day("2025-03-03"), "187"), **change)
    answer = forecast_of(supporting, History(day("1960-06-15"), doses=(dose,)), "Zoster", "2025-11-10")
    assert (answer.evaluations[0].status, answer.evaluations[0].reasons) == (EvaluationStatus.SUB_STANDARD, (reason,))
    assert answer.dose_number == 1


def test_a_dose_that_still_counts_on_its_lot_s_last_day(supporting: SupportingData) -> None:
    """Table 6-3 asks for a date after the expiration date."""
    dose = Dose(day("2025-03-03"), "187", lot_expires_on=day("2025-03-03"))
    answer = forecast_of(supporting, History(day("1960-06-15"), doses=(dose,)), "Zoster", "2025-11-10")
    assert answer.evaluations[0].status is EvaluationStatus.VALID


@pytest.mark.parametrize(
    ("birth_on", "observations", "country", "group", "status"),
    [
        ("1956-12-31", (), "", "MMR", SeriesStatus.IMMUNE),
        ("1957-01-01", (), "", "MMR", SeriesStatus.NOT_COMPLETE),
        ("1979-12-31", (), "US", "Varicella", SeriesStatus.IMMUNE),
        ("1979-12-31", (), "Mexico", "Varicella", SeriesStatus.NOT_COMPLETE),
        ("1979-12-31", ("007",), "US", "Varicella", SeriesStatus.CONTRAINDICATED),
        ("1990-01-01", ("020",), "", "HepB", SeriesStatus.NOT_COMPLETE),
        ("1990-01-01", ("019",), "", "HepB", SeriesStatus.IMMUNE),
    ],
)
def test_evidence_of_immunity(
    supporting: SupportingData,
    birth_on: str,
    observations: tuple[str, ...],
    country: str,
    group: str,
    status: SeriesStatus,
) -> None:
    """Table 7-3: by birth date and country unless excluded, or by clinical history."""
    person = a_person(birth_on, observations=observations, country=country)
    assert forecast_of(supporting, person, group, "2025-11-10").series_status is status


def test_a_contraindicated_antigen_leaves_the_rest_of_its_group_possible(supporting: SupportingData) -> None:
    """After an encephalopathy pertussis is out, diphtheria and tetanus are still due."""
    person = a_person("2025-01-10", ("2025-03-10", "110"), observations=("079",))
    answer = forecast_of(supporting, person, "DTaP/Tdap/Td", "2025-05-20")
    assert answer.status is ForecastStatus.NOT_COMPLETE
    assert answer.recommended_antigens == ("Diphtheria", "Tetanus")


@pytest.mark.parametrize(
    ("edge", "birth_on", "group", "status"),
    [
        ("COVID-19 at any age", "1995-01-01", "COVID-19", ForecastStatus.SHARED_DECISION),
        ("MenB at 16", "2009-01-01", "Meningococcal B", ForecastStatus.SHARED_DECISION),
        ("HPV the day before 27", "1998-11-11", "HPV", ForecastStatus.NOT_COMPLETE),
        ("HPV on the 27th birthday", "1998-11-10", "HPV", ForecastStatus.SHARED_DECISION),
        ("HPV the day before 46", "1979-11-11", "HPV", ForecastStatus.SHARED_DECISION),
        ("HPV on the 46th birthday", "1979-11-10", "HPV", ForecastStatus.AGED_OUT),
        ("zoster at 60", "1965-01-01", "Zoster", ForecastStatus.NOT_COMPLETE),
    ],
)
def test_a_shared_clinical_decision_is_a_status_of_its_own(
    supporting: SupportingData, edge: str, birth_on: str, group: str, status: ForecastStatus
) -> None:
    """What CDC leaves to a shared decision is told apart from what is due."""
    assert forecast_of(supporting, a_person(birth_on), group, "2025-11-10").status is status, edge


def test_a_risk_series_needs_its_observation(supporting: SupportingData) -> None:
    """Table 5-5: RSV before 75 is for those at risk only, from the 50th birthday; then it replaces the standard one."""
    assert series_types(supporting, a_person("1975-11-10")) == {SeriesType.STANDARD}
    assert series_types(supporting, a_person("1975-11-10", observations=("263",))) == {SeriesType.RISK}
    assert series_types(supporting, a_person("1975-11-11", observations=("263",))) == {SeriesType.STANDARD}


@pytest.mark.parametrize(
    ("edge", "assessed_on", "earliest_on"),
    [
        ("a year before the ninth birthday", "2021-02-12", "2022-02-12"),
        ("the day before the ninth birthday", "2022-02-11", "2022-02-12"),
        ("the ninth birthday", "2022-02-12", "2022-02-12"),
        ("the day before the seventeenth birthday", "2030-02-11", "2022-02-12"),
        ("the seventeenth birthday", "2030-02-12", None),
    ],
)
def test_an_indication_that_is_still_to_come(
    supporting: SupportingData, edge: str, assessed_on: str, earliest_on: str | None
) -> None:
    """Evidence of dengue before the age of vaccination is forecast for that age, and not after the indication ends."""
    answers = forecast(a_person("2013-02-12", observations=("211",)), supporting, day(assessed_on))
    dengue = [a.earliest_on for a in answers if a.vaccine_group == "Dengue"]
    assert dengue == ([] if earliest_on is None else [day(earliest_on)]), edge


@pytest.mark.parametrize(
    ("edge", "person", "status", "series_group"),
    [
        ("a child whose infant series is complete", INFANT_SERIES, SeriesStatus.COMPLETE, "1"),
        ("a child too old for the infant series", a_person("2019-11-10"), SeriesStatus.AGED_OUT, "1"),
        ("the day before the 50th birthday", a_person("1975-11-11"), SeriesStatus.AGED_OUT, "1"),
        ("the 50th birthday", a_person("1975-11-10"), SeriesStatus.NOT_COMPLETE, "3"),
    ],
)
def test_the_foremost_of_several_forecasts(
    supporting: SupportingData, edge: str, person: History, status: SeriesStatus, series_group: str
) -> None:
    """Of a vaccine group's forecasts by age, the one to act upon is that which the person has reached."""
    answers = forecast(person, supporting, day("2025-11-10"))
    chosen = foremost([a for a in answers if a.vaccine_group == "Pneumococcal"], day("2025-11-10"))
    assert chosen is not None
    assert (chosen.series_status, chosen.series_group) == (status, series_group), edge


@pytest.mark.parametrize(
    ("edge", "observations", "series"),
    [
        ("an adult in an outbreak", ("070",), "Meningococcal ACWY risk 1-dose series"),
        ("an adult with asplenia in an outbreak", ("070", "160"), "Meningococcal ACWY risk 2-dose series"),
    ],
)
def test_an_adult_is_not_sent_into_the_middle_of_a_series_for_infants(
    supporting: SupportingData, edge: str, observations: tuple[str, ...], series: str
) -> None:
    """Priority goes to the series that the patient can start, not to the infants' for want of an end age."""
    person = a_person("1965-03-07", observations=observations)
    answer = forecast_of(supporting, person, "Meningococcal", "2025-11-10", "2")
    assert answer.series[0].series == series, edge


def test_the_higher_risk_takes_priority(supporting: SupportingData) -> None:
    """Asplenia beside diabetes: the doses count for both series, the one for asplenia is forecast (SELECTSCORE-2)."""
    doses = (("2019-01-10", "133"), ("2020-01-10", "33"))
    chosen = [
        forecast_of(supporting, a_person("1990-01-01", *doses, observations=o), "Pneumococcal", "2025-11-10", "2")
        for o in (("014",), ("014", "160"))
    ]
    assert [answer.series[0].series for answer in chosen] == [
        "Pneumococcal risk 19+ Chronic Medical Conditions PCV-PPSV series",
        "Pneumococcal risk 19+ years immunocompromised PCV-PPSV-PPSV series",
    ]


def test_a_risk_dose_is_numbered_after_the_standard_ones(supporting: SupportingData) -> None:
    """After four infant doses the first PPSV23 for asplenia is the fifth dose, so the next is the sixth."""
    infant_doses = ("2018-03-21", "2018-05-21", "2018-07-21", "2020-03-21")
    doses = (*((on, "133") for on in infant_doses), ("2024-05-28", "33"))
    answer = forecast_of(
        supporting, a_person("2018-01-21", *doses, observations=("160",)), "Pneumococcal", "2024-05-28", "2"
    )
    assert (answer.dose_number, answer.earliest_on) == (6, day("2029-05-28"))


def test_a_dose_after_the_assessment_is_not_looked_at(supporting: SupportingData) -> None:
    """A replay of an earlier day gives that day's answer."""
    later = a_person("1960-06-15", ("2025-03-03", "187"), ("2025-09-03", "187"))
    earlier = a_person("1960-06-15", ("2025-03-03", "187"))
    on = "2025-09-02"
    assert forecast_of(supporting, later, "Zoster", on) == forecast_of(supporting, earlier, "Zoster", on)


def series_types(supporting: SupportingData, person: History) -> set[SeriesType]:
    return {a.series_type for a in forecast(person, supporting, day("2025-11-10")) if a.vaccine_group == "RSV"}
