"""5 Create relevant patient series: which antigen series are appropriate for the patient."""

from collections.abc import Sequence
from functools import lru_cache

from services.eligibility.forecast.gather_necessary_data import Patient
from services.eligibility.forecast.schedule import Antigen, AntigenSeries, Indication, SeriesType


def relevant_series(antigen: Antigen, patient: Patient) -> Sequence[AntigenSeries]:
    """Table 5-5."""
    if antigen.indicated_by.isdisjoint(patient.observations):
        return _for_everybody(antigen, patient.gender)
    return [
        series
        for series in antigen.series
        if _is_for(series, patient.gender) and (series.kind is not SeriesType.RISK or _is_indicated(series, patient))
    ]


@lru_cache(maxsize=1024)
def _for_everybody(antigen: Antigen, gender: str) -> tuple[AntigenSeries, ...]:
    return tuple(s for s in antigen.series if s.kind is not SeriesType.RISK and _is_for(s, gender))


def _is_for(series: AntigenSeries, gender: str) -> bool:
    """A series without a required gender is for every gender (Table 5-2)."""
    return not series.genders or gender in series.genders


def _is_indicated(series: AntigenSeries, patient: Patient) -> bool:
    return any(applies(i, patient) for i in series.indications)


def applies(indication: Indication, patient: Patient) -> bool:
    """Table 5-4 with CALCDTIND-1 and CALCDTIND-2."""
    return indication.observation in patient.observations and patient.is_aged(
        indication.begin_age, indication.end_age, patient.assessed
    )


def with_a_chance(relevant: Sequence[AntigenSeries]) -> Sequence[AntigenSeries]:
    """Without a dose, no standard series of a group with a default can be chosen but the default one.

    SELECTSCORE-2 makes none of them scorable and Table 8-3 takes the default; so the others need no walk.
    """
    return _with_a_chance(relevant) if isinstance(relevant, tuple) else _without_the_hopeless(relevant)


@lru_cache(maxsize=1024)
def _with_a_chance(relevant: tuple[AntigenSeries, ...]) -> Sequence[AntigenSeries]:
    return _without_the_hopeless(relevant)


def _without_the_hopeless(relevant: Sequence[AntigenSeries]) -> Sequence[AntigenSeries]:
    with_default = {s.group for s in relevant if s.default and s.kind is SeriesType.STANDARD}
    return [s for s in relevant if s.default or s.kind is SeriesType.RISK or s.group not in with_default]
