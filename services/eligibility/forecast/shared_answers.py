"""Answers that people share for a vaccine group of which they have no dose and nothing else that its rules look at.

Such an answer depends on the birth date alone. It is kept by birth date, which pays when a batch is sorted by it; and
where nothing is forecast (too old, immune, ...) it is the same for all whose ages fall between the same thresholds.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache

from services.eligibility.forecast.dates import DISTANT_FUTURE, DISTANT_PAST, Period, add
from services.eligibility.forecast.evaluate_and_forecast_all_relevant_patient_series import GroupAnswer, forecast_group
from services.eligibility.forecast.gather_necessary_data import Patient
from services.eligibility.forecast.model import History, VaccineGroupForecast
from services.eligibility.forecast.schedule import SeriesDose, SupportingData, VaccineGroup

MOST_BIRTH_DATES = 1 << 15
MOST_GROUPS = 1 << 10


class Thresholds:
    """Birth dates at which some rule of a vaccine group turns as of one assessment date; the answers in between."""

    __slots__ = ("answers", "births")

    def __init__(self, births: Sequence[int]) -> None:
        self.births = births
        self.answers: dict[int, Sequence[VaccineGroupForecast]] = {}


def by_age_alone(group: VaccineGroup, supporting: SupportingData, patient: Patient) -> Sequence[VaccineGroupForecast]:
    thresholds = _thresholds(group, patient.gender, patient.birth_country, patient.assessed)
    between = bisect_right(thresholds.births, patient.born)
    if (known := thresholds.answers.get(between)) is not None:
        return known
    answer = _by_birth_date(group, supporting, patient.born, patient.gender, patient.birth_country, patient.assessed)
    if not answer.looked_ahead:
        thresholds.answers[between] = answer.forecasts
    return answer.forecasts


@lru_cache(maxsize=MOST_BIRTH_DATES)
def _by_birth_date(
    group: VaccineGroup, supporting: SupportingData, born: int, gender: str, birth_country: str, assessed: int
) -> GroupAnswer:
    history = History(date.fromordinal(born), gender, birth_country=birth_country)
    return forecast_group(group, Patient(history, date.fromordinal(assessed)), supporting, {})


@lru_cache(maxsize=MOST_GROUPS)
def _thresholds(group: VaccineGroup, gender: str, birth_country: str, assessed: int) -> Thresholds:
    """Gender and country are part of the key only: rules turn on the same birth dates for everybody."""
    ages = {age for antigen in group.antigens for series in antigen.series for d in series.doses for age in _ages(d)}
    births = {_first_not_yet(age, assessed) for age in ages}
    births.update(rule.before for antigen in group.antigens for rule in antigen.immunity_by_birth)
    return Thresholds(sorted(births))


def _first_not_yet(age: Period, assessed: int) -> int:
    """The first birth date whose bearer has not reached the age on the assessment date."""
    births = range(DISTANT_PAST, min(assessed, DISTANT_FUTURE) + 1)
    return births.start + bisect_right(births, assessed, key=lambda born: add(born, age))


def _ages(dose: SeriesDose) -> Iterator[Period]:
    yield from (age.maximum for age in dose.ages if age.maximum is not None)
    for skip in dose.forecast_skips:
        for skip_set in skip.sets:
            for condition in skip_set.conditions:
                yield from (age for age in (condition.begin_age, condition.end_age) if age is not None)
