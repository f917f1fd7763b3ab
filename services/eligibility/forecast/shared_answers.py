"""Answers that people share for a vaccine group of which they have no dose and nothing else that its rules look at.

Such an answer is made of days on which the person reaches some age and of days of the calendar, compared with each
other and with the assessment date. As long as none changes places with another, two people's answers differ in those
days alone. So one answer is kept as an outline, with ages in the place of days, for all birth dates between two at
which an age changes places with a day of the calendar. Ages keep their order, but for some that are close ("4 weeks"
and "1 month"): how those lie belongs to what the outline is found by.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import combinations

from services.eligibility.forecast.answer_outline import Moment, Outline, filled, outlined
from services.eligibility.forecast.create_relevant_patient_series import for_everybody
from services.eligibility.forecast.dates import (
    DAYS_OF_A_MONTH,
    DISTANT_FUTURE,
    DISTANT_PAST,
    SLACK_DAYS,
    Period,
    add,
    add_months,
    period,
)
from services.eligibility.forecast.evaluate_and_forecast_all_relevant_patient_series import forecast_group
from services.eligibility.forecast.gather_necessary_data import Patient
from services.eligibility.forecast.model import History, VaccineGroupForecast
from services.eligibility.forecast.schedule import (
    Antigen,
    AntigenSeries,
    SeriesDose,
    SeriesType,
    SupportingData,
    VaccineGroup,
)
from services.eligibility.forecast.seasons import targets_in_season

MOST_KEPT = 1 << 10
OFFSETS = 0, -1
"""The day itself, and the one before it: a past-due date (FORECASTDT-3) or a latest date (FORECASTDT-4)."""


class Shared:
    """Outlines of one vaccine group's answers for one gender, as of one assessment date."""

    __slots__ = ("ages", "births", "calendar", "close", "is_shared", "outlines")

    def __init__(self, group: VaccineGroup, gender: str, assessed: int) -> None:
        series = [candidate for antigen in group.antigens for candidate in for_everybody(antigen, gender)]
        doses = [dose for candidate in series for dose in targets_in_season(candidate, assessed)]
        self.ages = {period(0, 0)}.union(*map(_ages_to_start, series), *map(_ages_of, doses))
        self.close = tuple(pair for pair in combinations(self.ages, 2) if _may_change_places(*pair))
        self.is_shared = not any(_is_finish_close(antigen, gender, self.ages) for antigen in group.antigens)
        self.calendar = {assessed}.union(*map(_days_of, doses))
        births = {rule.before for antigen in group.antigens for rule in antigen.immunity_by_birth}
        self.births = sorted(births.union(*(_turning(day, age) for day in self.calendar for age in self.ages)))
        self.outlines: dict[object, Sequence[Outline] | None] = {}

    def place_of(self, patient: Patient) -> object:
        place = bisect_right(self.births, patient.born), patient.birth_country
        if not self.close:
            return place
        ages = patient.ages
        order = [max(-2, min(2, ages[age] - ages[other])) for age, other in self.close]
        return *place, *order

    def moments(self, patient: Patient) -> dict[int, Moment]:
        """What a day in the patient's answer stands for. Two things on one day are on one day for all who share it."""
        ages = {patient.ages[age] + offset: Moment(age, offset) for age in self.ages for offset in OFFSETS}
        return {**ages, **{day: Moment(None, day) for day in self.calendar}}


def by_age_alone(group: VaccineGroup, supporting: SupportingData, patient: Patient) -> Sequence[VaccineGroupForecast]:
    shared = _shared(group, patient.gender, patient.assessed)
    place = shared.place_of(patient)
    if (outlines := shared.outlines.get(place)) is not None:
        return filled(outlines, patient.ages)
    answers = forecast_group(group, _with_age_alone(patient), supporting, {})
    if shared.is_shared and place not in shared.outlines:
        shared.outlines[place] = outlined(answers, shared.moments(patient))
    return answers


@lru_cache(maxsize=MOST_KEPT)
def _shared(group: VaccineGroup, gender: str, assessed: int) -> Shared:
    return Shared(group, gender, assessed)


def _with_age_alone(patient: Patient) -> Patient:
    history = History(date.fromordinal(patient.born), patient.gender, birth_country=patient.birth_country)
    return Patient(history, date.fromordinal(patient.assessed))


def _may_change_places(one: Period, other: Period, finish_after: Period | None = None) -> bool:
    """Whether some birth date puts them into another order, or side by side instead of apart."""
    months, days = one.months - other.months, one.days - other.days
    if finish_after is None and not months:
        return False
    if finish_after is not None:
        months, days = months - finish_after.months, days - finish_after.days
    return abs(months * DAYS_OF_A_MONTH + days) <= 2 * SLACK_DAYS


def _is_finish_close(antigen: Antigen, gender: str, ages: Collection[Period]) -> bool:
    """A forecast finish date (SELECTB-12) is compared with ages where no default series spares it."""
    relevant = for_everybody(antigen, gender)
    defaults = {series.group for series in relevant if series.default}
    scored = [series for series in relevant if series.group not in defaults and series.kind is SeriesType.STANDARD]
    after = {i.minimum for series in scored for dose in series.doses for i in dose.intervals if i.minimum is not None}
    return any(_may_change_places(age, other, length) for age in ages for other in ages for length in after)


def _turning(day: int, age: Period) -> Iterator[int]:
    """The first birth dates whose bearers reach the age on the day before this one, on it, on the next, or later."""
    for reached in range(day - 1, day + 3):
        born = add_months(reached - age.days, -age.months) - SLACK_DAYS
        while add(born, age) < reached:
            born += 1
        yield born


def _ages_to_start(series: AntigenSeries) -> set[Period]:
    shared = series.shared_decision
    ages = {series.minimum_age_to_start, series.maximum_age_to_start}
    told = set() if shared is None else {shared.begin_age, shared.end_age}
    return {age for age in ages | told if age is not None}


def _ages_of(dose: SeriesDose) -> set[Period]:
    of_dose = ((a.minimum, a.earliest_recommended, a.latest_recommended, a.maximum) for a in dose.ages)
    of_vaccines = ((v.begin_age, v.end_age) for v in dose.recommended)
    conditions = (c for skip in dose.forecast_skips for skip_set in skip.sets for c in skip_set.conditions)
    of_skips = ((c.begin_age, c.end_age) for c in conditions)
    return {age for ages in (*of_dose, *of_vaccines, *of_skips) for age in ages if age is not None}


def _days_of(dose: SeriesDose) -> set[int]:
    sets = (skip_set for skip in dose.forecast_skips for skip_set in skip.sets)
    days = {
        dose.season_start,
        dose.season_end,
        *(d for s in sets for d in (s.validity.effective, s.validity.cessation)),
    }
    return {day for day in days if DISTANT_PAST < day < DISTANT_FUTURE}
