"""The process model of chapter 4: from a history to the forecast of every vaccine group.

Pure: no clock, no files; equal arguments give equal answers.
"""

from collections.abc import Collection, Iterable
from datetime import date

from services.eligibility.forecast.evaluate_and_forecast_all_relevant_patient_series import forecast_group
from services.eligibility.forecast.gather_necessary_data import Patient
from services.eligibility.forecast.model import EvaluationStatus, History, SeriesStatus, VaccineGroupForecast
from services.eligibility.forecast.organize_immunization_history import organize
from services.eligibility.forecast.overlay import as_of
from services.eligibility.forecast.schedule import SeriesType, SupportingData, VaccineGroup
from services.eligibility.forecast.shared_answers import by_age_alone


def forecast(
    history: History, supporting: SupportingData, assessment_on: date, only: VaccineGroup | None = None
) -> tuple[VaccineGroupForecast, ...]:
    """Every vaccine group that concerns the person, as of the assessment date; later doses are not looked at.
    `only`: this group alone."""
    if supporting.overlay is not None:
        supporting = as_of(supporting, assessment_on)
        only = only and next(group for group in supporting.groups if group.name == only.name)
    patient = Patient(history, assessment_on)
    records = organize(patient, supporting)
    forecasts: list[VaccineGroupForecast] = []
    given = records.keys()
    for group in supporting.groups if only is None else (only,):
        is_observed = not group.observations.isdisjoint(patient.observations)
        if group.for_risk_only and not is_observed:
            continue
        if is_observed or not _depends_on_age_alone(group, patient, given):
            forecasts.extend(forecast_group(group, patient, supporting, records))
        else:
            forecasts.extend(by_age_alone(group, supporting, patient))
    return tuple(forecasts)


def _depends_on_age_alone(group: VaccineGroup, patient: Patient, given: Collection[str]) -> bool:
    """No dose of its antigens, none of another that they look at or may conflict with."""
    return group.antigen_names.isdisjoint(given) and group.looks_at.isdisjoint(patient.vaccine_types)


def foremost(forecasts: Iterable[VaccineGroupForecast], on: date) -> VaccineGroupForecast | None:
    """Of several forecasts of one vaccine group, the one to act upon; the specification leaves them side by side."""
    return min(
        forecasts,
        key=lambda f: (
            f.starts_on is not None and f.starts_on > on and not _is_begun(f),
            f.series_status in {SeriesStatus.AGED_OUT, SeriesStatus.NOT_RECOMMENDED},
            f.series_status is not SeriesStatus.NOT_COMPLETE,
            f.earliest_on or date.max,
            f.series_type is not SeriesType.RISK,
        ),
        default=None,
    )


def _is_begun(forecast: VaccineGroupForecast) -> bool:
    """A valid dose began the series, whatever its age to start."""
    return any(evaluation.status is EvaluationStatus.VALID for evaluation in forecast.evaluations)
