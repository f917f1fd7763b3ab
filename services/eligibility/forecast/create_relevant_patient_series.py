"""5 Create relevant patient series: which antigen series are appropriate for the patient."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from services.eligibility.forecast.gather_necessary_data import DoseAdministered, Patient
from services.eligibility.forecast.schedule import Antigen, AntigenSeries, Indication, SeriesType


def relevant_series(antigen: Antigen, patient: Patient) -> tuple[AntigenSeries, ...]:
    """Table 5-5."""
    if antigen.indicated_by.isdisjoint(patient.observations):
        return for_everybody(antigen, patient.gender)
    of_gender = [series for series in antigen.series if _is_for(series, patient.gender)]
    relevant = [s for s in of_gender if s.kind is not SeriesType.RISK or is_indicated(s, patient)]
    return tuple(relevant or [s for s in of_gender if indicated_from(s, patient) is not None])


@lru_cache(maxsize=1024)
def for_everybody(antigen: Antigen, gender: str) -> tuple[AntigenSeries, ...]:
    return tuple(s for s in antigen.series if s.kind is not SeriesType.RISK and _is_for(s, gender))


def _is_for(series: AntigenSeries, gender: str) -> bool:
    """A series without a required gender is for every gender (Table 5-2)."""
    return not series.genders or gender in series.genders


def is_indicated(series: AntigenSeries, patient: Patient, day: int | None = None) -> bool:
    observed = patient.observations
    for indication in series.indications:
        if indication.observation in observed and applies(indication, patient, day):
            return True
    return False


def indicated_from(series: AntigenSeries, patient: Patient) -> int | None:
    """The day from which an active observation will indicate the series, if it does not yet.

    Table 5-4 alone leaves an antigen without an answer whose every series is for older patients; CDC's cases (evidence
    of dengue at 8 years, to be vaccinated from 9) expect the forecast. It is for no day before the indication begins.
    """
    begins = [
        patient.ages[i.begin_age]
        for i in series.indications
        if i.begin_age is not None and i.observation in patient.observations
    ]
    return min((day for day in begins if day > patient.assessed), default=None)


def applies(indication: Indication, patient: Patient, day: int | None = None) -> bool:
    """Table 5-4 with CALCDTIND-1 and CALCDTIND-2; without a day, as of the assessment date."""
    return indication.observation in patient.observations and patient.is_aged(
        indication.begin_age, indication.end_age, patient.assessed if day is None else day
    )


class Rivals(NamedTuple):
    """What chapter 8 does with series of an antigen side by side, as far as it is known before they are walked.

    `standby`: standard series beside a default one. By SELECTSCORE-2 they need a valid dose, the first before their
    maximum age to start. `waiting`: default series that, once begun too late, are chosen where no other can be.
    """

    standby: frozenset[AntigenSeries]
    late_ones_matter: bool
    waiting: tuple[AntigenSeries, ...]


def with_a_chance(
    relevant: tuple[AntigenSeries, ...], records: Sequence[DoseAdministered], patient: Patient
) -> tuple[Sequence[AntigenSeries], AntigenSeries | None]:
    """Leaves out the series that chapter 8 could not choose, so that they need no walk; the second may need one if
    nothing better is found. Where a skip looks at completed series (Table 6-7), one that started late still matters.
    """
    rivals = _rivals(relevant)
    if not rivals.standby:
        return relevant, None
    if not records:
        return [series for series in relevant if series not in rivals.standby], None
    given, late = {dose.cvx for dose in records}, not rivals.late_ones_matter
    waiting = next((series for series in rivals.waiting if _starts_late(series, records, patient)), None)
    return [
        series
        for series in relevant
        if series is not waiting
        and (
            series not in rivals.standby
            or not (series.countable.isdisjoint(given) or (late and _starts_late(series, records, patient)))
        )
    ], waiting


def _starts_late(series: AntigenSeries, records: Sequence[DoseAdministered], patient: Patient) -> bool:
    maximum = series.maximum_age_to_start
    return maximum is not None and records[0].day >= patient.ages[maximum]


@lru_cache(maxsize=4096)
def _rivals(relevant: tuple[AntigenSeries, ...]) -> Rivals:
    groups = {s.group for s in relevant if s.default}
    standby = {s for s in relevant if s.kind is SeriesType.STANDARD and not s.default and s.group in groups}
    late_ones_matter = any(s.depends_on_groups for s in relevant)
    waiting = () if late_ones_matter else tuple(s for s in relevant if s.default and _has_only(standby, s, relevant))
    return Rivals(frozenset(standby), late_ones_matter, waiting)


def _has_only(standby: Collection[AntigenSeries], default: AntigenSeries, relevant: Sequence[AntigenSeries]) -> bool:
    others = [s for s in relevant if s.group == default.group and s is not default]
    return default.kind is SeriesType.STANDARD and bool(others) and all(s in standby for s in others)
