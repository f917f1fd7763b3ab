"""Where the engine once went its own way: each row is a rule of CDC's chapters, with the right value."""

from datetime import date

import pytest

from services.eligibility.forecast.engine import forecast, foremost
from services.eligibility.forecast.model import Dose, EvaluationStatus, History, Observation, SeriesStatus
from services.eligibility.forecast.schedule import SupportingData
from tests.unit.eligibility.forecast.people import a_person, day, forecast_of

ON = "2025-11-10"
VALID, NOT_VALID = EvaluationStatus.VALID, EvaluationStatus.NOT_VALID


@pytest.mark.parametrize("observation", ["003", "007", "055"])
def test_an_exclusion_ends_immunity_by_birth(supporting: SupportingData, observation: str) -> None:
    """Table 7-3: born in the U.S. in 1975, a nurse, a pregnant or an immunocompromised woman is not immune."""
    immune = a_person("1975-06-01", country="US")
    assert forecast_of(supporting, immune, "Varicella", ON).series_status is SeriesStatus.IMMUNE
    excluded = a_person("1975-06-01", observations=[observation], country="US")
    assert forecast_of(supporting, excluded, "Varicella", ON).series_status is not SeriesStatus.IMMUNE


def test_every_exclusion_concerns_its_antigen(supporting: SupportingData) -> None:
    """What immunity by birth looks at is known to be looked at, in whatever release."""
    for antigen in supporting.antigens.values():
        for rule in antigen.immunity_by_birth:
            assert rule.exclusions <= antigen.concerned_by


@pytest.mark.parametrize("gender", ["Other", "other", "Transgender", "", "Unknown"])
def test_a_gender_that_cdc_does_not_name_is_unknown(supporting: SupportingData, gender: str) -> None:
    """Table 5-2: such a person is of HPV's required genders, and of those of Tdap in pregnancy."""
    young = a_person("2013-01-01", gender=gender)
    assert forecast_of(supporting, young, "HPV", ON).dose_number == 1
    pregnant = History(day("1995-01-01"), gender, (), (Observation("007"), Observation("170", day("2025-06-01"))))
    assert [f.series_type.value for f in forecast(pregnant, supporting, day(ON)) if f.vaccine_group == "DTaP/Tdap/Td"]
    assert forecast_of(supporting, pregnant, "DTaP/Tdap/Td", ON, "2").recommended_antigens == ("Pertussis",)


def test_a_series_counts_as_complete_from_its_completion(supporting: SupportingData) -> None:
    """Table 6-7 as of each dose: on dialysis, the doses that complete the standard series are themselves valid."""
    twinrix = [(on, "104") for on in ("2024-01-01", "2024-02-01", "2024-08-01")]
    dialysis = a_person("1980-01-01", *twinrix, observations=["032"])
    answer = forecast_of(supporting, dialysis, "HepB", ON, "2")
    assert [one.status for one in answer.evaluations] == [VALID] * 3
    assert (answer.dose_number, answer.recommended_on) == (4, day("2025-08-01"))


def test_what_is_left_after_the_last_target_dose_is_extraneous(supporting: SupportingData) -> None:
    """4.4, step 6b: a recalled vial after the end of a series is extraneous, before it sub-standard."""
    doses = (Dose(day("2024-01-02"), "187"), Dose(day("2024-06-02"), "187"), Dose(day("2025-01-02"), "187"))
    recalled = History(day("1950-01-01"), doses=(*doses[:2], Dose(day("2025-01-02"), "187", sub_standard=True)))
    answer = forecast_of(supporting, recalled, "Zoster", ON)
    assert [one.status for one in answer.evaluations] == [VALID, VALID, EvaluationStatus.EXTRANEOUS]
    early = History(day("1950-01-01"), doses=(Dose(day("2024-01-02"), "187", sub_standard=True), *doses[1:]))
    assert forecast_of(supporting, early, "Zoster", ON).evaluations[0].status is EvaluationStatus.SUB_STANDARD


def test_a_contraindication_voids_no_valid_dose(supporting: SupportingData) -> None:
    """Where every series is contraindicated, the one that the patient had begun is told, with its dose valid."""
    history = a_person("1980-01-01", ("2024-01-01", "52"), observations=["015", "096"])
    answer = forecast_of(supporting, history, "HepA", ON, "2")
    assert answer.series_status is SeriesStatus.CONTRAINDICATED
    assert [one.status for one in answer.evaluations] == [VALID]


def test_no_group_vanishes(supporting: SupportingData) -> None:
    """An adverse reaction to rabies vaccine with doses enough for a lower risk leaves an answer of rabies."""
    doses = [(on, "175") for on in ("2022-05-07", "2022-05-14", "2025-05-14")]
    history = a_person("1980-01-01", *doses, observations=["053", "062", "113"])
    assert any(one.vaccine_group == "Rabies" for one in forecast(history, supporting, day(ON)))


@pytest.mark.parametrize("cvx", ["114", "136", "203"])
def test_a_dose_does_not_send_an_adult_into_the_middle_of_a_series_for_infants(
    supporting: SupportingData, cvx: str
) -> None:
    """In an outbreak the single dose of a man of 60 counts as it, and its booster comes after five years."""
    man = a_person("1956-03-07", ("2016-05-23", cvx), gender="Male", observations=["070"])
    answer = forecast_of(supporting, man, "Meningococcal", "2016-05-23", "2")
    assert answer.series[0].series == "Meningococcal ACWY risk 1-dose series"
    assert (answer.dose_number, answer.recommended_on) == (2, day("2021-05-23"))


def test_who_began_as_an_infant_stays_in_the_series_for_infants(supporting: SupportingData) -> None:
    """Nothing else was for the infant of 8 months, so the child of 3 years is still due for the infants' booster."""
    child = a_person("2015-05-10", ("2016-01-20", "136"), ("2016-05-11", "136"), observations=["070"])
    answer = forecast_of(supporting, child, "Meningococcal", "2018-05-23", "2")
    assert answer.series[0].series == "Meningococcal ACWY risk 2-23 month"
    assert answer.recommended_on == day("2019-05-11")


def test_a_series_that_a_valid_dose_began_goes_before_one_aged_out(supporting: SupportingData) -> None:
    """PCV13 a grace period before 50 begins the adults' series; the infants' one, long over, is not the headline."""
    woman = a_person("1975-11-12", ("2025-11-10", "133"))
    answers = [one for one in forecast(woman, supporting, day(ON)) if one.vaccine_group == "Pneumococcal"]
    assert {one.series_status for one in answers} == {SeriesStatus.AGED_OUT, SeriesStatus.NOT_COMPLETE}
    best = foremost(answers, day(ON))
    assert best is not None
    assert (best.series_status, best.dose_number) == (SeriesStatus.NOT_COMPLETE, 2)


def test_a_contraindication_is_told_in_cdcs_words(supporting: SupportingData) -> None:
    """The text of the contraindication is the reason, on one line; what is not contraindicated has none."""
    answer = forecast_of(supporting, a_person("2025-01-12", observations=["278"]), "RSV", "2025-01-12")
    assert answer.contraindications == ("Do not vaccinate if the birth mother received RSV vaccine during pregnancy.",)
    assert answer.guidance[0].startswith("The infant should not receive a monoclonal antibody")
    assert forecast_of(supporting, a_person("2025-01-12"), "RSV", "2025-01-12").contraindications == ()


def test_the_release_s_map_is_the_table_of_vaccines(supporting: SupportingData) -> None:
    """A release is asked whether it knows a vaccine and of which groups it is; 999 is no vaccine to it."""
    assert supporting.knows("104")
    assert supporting.vaccine_groups_of("104") == ("HepA", "HepB")
    assert not supporting.knows("999")
    assert supporting.vaccine_groups_of("999") == ()


def test_dates_of_another_century_are_no_fault(supporting: SupportingData) -> None:
    """A birth date of 1900 and a dose on the day of birth are answered."""
    assert forecast(a_person("1900-01-01", ("1900-01-01", "03")), supporting, date(2025, 1, 1))
