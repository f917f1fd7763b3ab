"""What people, and antigens, share: the same answers as without sharing."""

import random
from datetime import date, timedelta

import pytest

from services.eligibility.forecast.dates import period
from services.eligibility.forecast.engine import forecast
from services.eligibility.forecast.evaluate_and_forecast_all_relevant_patient_series import forecast_group
from services.eligibility.forecast.gather_necessary_data import Patient
from services.eligibility.forecast.model import History
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.forecast.shared_answers import Shared, by_age_alone
from services.eligibility.forecast.twin_antigens import twins_of
from tests.unit.eligibility.forecast.people import a_person

ASSESSED = date(2025, 11, 10)


def births(supporting: SupportingData, gender: str) -> list[date]:
    """Everywhere near the birth dates at which some rule turns, and anywhere else."""
    chance = random.Random(5)
    days = {
        day + n for g in supporting.groups for day in Shared(g, gender, ASSESSED.toordinal()).births for n in (-1, 0)
    }
    days |= {ASSESSED.toordinal() - round(36_500 * chance.random() ** 3) for _ in range(500)}
    born = sorted(day for day in days if day <= ASSESSED.toordinal())
    return [date.fromordinal(day) for day in chance.sample(born, len(born))]


@pytest.mark.parametrize("gender", ["Female", "Male"])
def test_people_of_like_ages_share_an_outline_and_get_their_own_days(supporting: SupportingData, gender: str) -> None:
    """An answer filled from an outline that another birth date left is the one that a walk of its own gives."""
    found = filled = 0
    for birth_on in births(supporting, gender):
        patient = Patient(History(birth_on, gender), ASSESSED)
        for group in supporting.groups:
            walked = forecast_group(group, patient, supporting, {})
            found += 1
            filled += list(by_age_alone(group, supporting, patient)) == walked
    assert filled == found > 15_000


def test_ages_that_are_close_belong_to_what_an_outline_is_found_by(supporting: SupportingData) -> None:
    """Four weeks come before a month but in February alone: those born then share no hepatitis B answer with others."""
    hepatitis_b = next(group for group in supporting.groups if group.name == "HepB")
    shared = Shared(hepatitis_b, "Female", date(2025, 4, 20).toordinal())
    assert {period(1, 0), period(0, 28)} in [set(pair) for pair in shared.close]
    february, march = (Patient(History(date(2025, month, 10), "Female"), date(2025, 4, 20)) for month in (2, 3))
    assert shared.place_of(february) != shared.place_of(march)


def test_twin_antigens_are_told_by_one_walk(supporting: SupportingData) -> None:
    """Tetanus follows diphtheria and mumps follows measles, in their own names and with their own guidance."""
    twins = {name: twin.antigen for group in supporting.groups for name, twin in twins_of(group).items()}
    assert twins == {"Tetanus": "Diphtheria", "Mumps": "Measles"}
    adult = a_person("1980-05-05", ("2011-06-01", "113"), ("2021-07-01", "139"), ("1999-01-01", "03"))
    for name in ("DTaP/Tdap/Td", "MMR"):
        answer = next(one for one in forecast(adult, supporting, ASSESSED) if one.vaccine_group == name)
        by_antigen = {one.antigen: one.series for one in answer.series}
        assert all(series.startswith(antigen) for antigen, series in by_antigen.items())
        assert len(by_antigen) == 3


def test_a_dose_of_one_twin_alone_parts_them(supporting: SupportingData) -> None:
    """A single tetanus vaccine says nothing of diphtheria; a single measles vaccine nothing of mumps."""
    for name, cvx, has, lacks in (("DTaP/Tdap/Td", "35", "Tetanus", "Diphtheria"), ("MMR", "05", "Measles", "Mumps")):
        child = a_person("2015-02-02", ("2016-03-03", cvx))
        answer = next(one for one in forecast(child, supporting, date(2016, 4, 4)) if one.vaccine_group == name)
        told = {one.antigen: one for one in (*answer.series, *answer.set_aside)}
        assert told[has].evaluations
        assert not told[lacks].evaluations


def test_nobody_shares_across_days(supporting: SupportingData) -> None:
    """A member who turns 50 tomorrow is told of zoster from tomorrow on, whoever else was asked about before."""
    birth_on = ASSESSED.replace(year=1975) + timedelta(days=1)
    zoster = next(group for group in supporting.groups if group.name == "Zoster")
    for patient in (Patient(History(birth_on - timedelta(days=n), "Male"), ASSESSED) for n in (0, 1, 2, 400)):
        (answer,) = by_age_alone(zoster, supporting, patient)
        assert answer.earliest_on == date.fromordinal(patient.ages[period(600, 0)])
