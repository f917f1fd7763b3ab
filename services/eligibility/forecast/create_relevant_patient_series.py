"""5 Create relevant patient series: which antigen series are appropriate for the patient."""

from collections.abc import Sequence
from functools import lru_cache

from services.eligibility.forecast.gather_necessary_data import DoseAdministered, Patient
from services.eligibility.forecast.schedule import Antigen, AntigenSeries, Indication, SeriesType


def relevant_series(antigen: Antigen, patient: Patient) -> Sequence[AntigenSeries]:
    """Table 5-5."""
    if antigen.indicated_by.isdisjoint(patient.observations):
        return _for_everybody(antigen, patient.gender)
    of_gender = [series for series in antigen.series if _is_for(series, patient.gender)]
    relevant = [s for s in of_gender if s.kind is not SeriesType.RISK or is_indicated(s, patient)]
    return relevant or [s for s in of_gender if indicated_from(s, patient) is not None]


@lru_cache(maxsize=1024)
def _for_everybody(antigen: Antigen, gender: str) -> tuple[AntigenSeries, ...]:
    return tuple(s for s in antigen.series if s.kind is not SeriesType.RISK and _is_for(s, gender))


def _is_for(series: AntigenSeries, gender: str) -> bool:
    """A series without a required gender is for every gender (Table 5-2)."""
    return not series.genders or gender in series.genders


def is_indicated(series: AntigenSeries, patient: Patient) -> bool:
    observed = patient.observations
    for indication in series.indications:  # noqa: SIM110 - asked of every risk series
        if indication.observation in observed and applies(indication, patient):
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


def applies(indication: Indication, patient: Patient) -> bool:
    """Table 5-4 with CALCDTIND-1 and CALCDTIND-2."""
    return indication.observation in patient.observations and patient.is_aged(
        indication.begin_age, indication.end_age, patient.assessed
    )


def with_a_chance(
    relevant: Sequence[AntigenSeries], records: Sequence[DoseAdministered], patient: Patient
) -> Sequence[AntigenSeries]:
    """Leaves out the standard series that chapter 8 could not choose, so that they need no walk.

    By SELECTSCORE-2 a standard series beside a default one needs a valid dose, the first before its maximum age to
    start. Where another series' skip looks at completed series (Table 6-7), one that started late may still matter.
    """
    standby = _beside_a_default(relevant) if isinstance(relevant, tuple) else _find_beside_a_default(relevant)
    if not standby:
        return relevant
    given = {dose.cvx for dose in records}
    late_ones_matter = any(series.depends_on_groups for series in relevant)
    return [
        series
        for series in relevant
        if series not in standby
        or not (series.countable.isdisjoint(given) or (not late_ones_matter and _starts_late(series, records, patient)))
    ]


def _starts_late(series: AntigenSeries, records: Sequence[DoseAdministered], patient: Patient) -> bool:
    maximum = series.maximum_age_to_start
    return maximum is not None and records[0].day >= patient.ages[maximum]


@lru_cache(maxsize=1024)
def _beside_a_default(relevant: tuple[AntigenSeries, ...]) -> frozenset[AntigenSeries]:
    return _find_beside_a_default(relevant)


def _find_beside_a_default(relevant: Sequence[AntigenSeries]) -> frozenset[AntigenSeries]:
    groups = {s.group for s in relevant if s.default}
    return frozenset(s for s in relevant if s.kind is SeriesType.STANDARD and not s.default and s.group in groups)
