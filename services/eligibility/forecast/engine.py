"""The process model of chapter 4: from a history to the forecast of every vaccine group.

Pure: no clock, no files; equal arguments give equal answers.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache

from services.eligibility.forecast.create_relevant_patient_series import applies, relevant_series, with_a_chance
from services.eligibility.forecast.determine_contraindications import find
from services.eligibility.forecast.evaluate_vaccine_dose_administered import evaluate_history
from services.eligibility.forecast.forecast_dates_and_reasons import forecast_series, generate_dates
from services.eligibility.forecast.gather_necessary_data import DoseAdministered, Patient
from services.eligibility.forecast.identify_and_evaluate_vaccine_group import vaccine_group_forecast
from services.eligibility.forecast.model import (
    DoseEvaluation,
    History,
    SeriesForecast,
    SeriesStatus,
    VaccineGroupForecast,
)
from services.eligibility.forecast.organize_immunization_history import NO_RECORDS, organize
from services.eligibility.forecast.patient_series import PatientSeries
from services.eligibility.forecast.schedule import Antigen, AntigenSeries, SeriesType, SupportingData, VaccineGroup
from services.eligibility.forecast.select_best_patient_series import Selection, number_after_standard, select_best

NOTHING_SELECTED = Selection([], [])


def forecast(history: History, supporting: SupportingData, assessment_on: date) -> tuple[VaccineGroupForecast, ...]:
    """Every vaccine group that concerns the person, as of the assessment date; later doses are not looked at."""
    patient = Patient(history, assessment_on)
    records = organize(patient, supporting)
    forecasts: list[VaccineGroupForecast] = []
    for group in supporting.groups:
        if _depends_on_age_alone(group, patient, records):
            age = patient.born, patient.gender, patient.birth_country, patient.assessed
            forecasts.extend(_by_age_alone(group, supporting, *age))
        else:
            forecasts.extend(_forecast_group(group, patient, supporting, records))
    return tuple(forecasts)


def _depends_on_age_alone(
    group: VaccineGroup, patient: Patient, records: Mapping[str, Sequence[DoseAdministered]]
) -> bool:
    """No dose of its antigens, none of another that they look at or may conflict with, no observation about them."""
    return (
        not any(antigen.name in records for antigen in group.antigens)
        and group.looks_at.isdisjoint(patient.vaccine_types)
        and group.observations.isdisjoint(patient.observations)
    )


@lru_cache(maxsize=1 << 15)
def _by_age_alone(
    group: VaccineGroup, supporting: SupportingData, born: int, gender: str, birth_country: str, assessed: int
) -> Sequence[VaccineGroupForecast]:
    """Shared by people of one birth date; a batch sorted by birth date profits."""
    history = History(date.fromordinal(born), gender, birth_country=birth_country)
    return _forecast_group(group, Patient(history, date.fromordinal(assessed)), supporting, {})


def _forecast_group(
    group: VaccineGroup,
    patient: Patient,
    supporting: SupportingData,
    records: Mapping[str, Sequence[DoseAdministered]],
) -> Sequence[VaccineGroupForecast]:
    selected = [_select(antigen, patient, supporting, records) for antigen in group.antigens]
    return _vaccine_group(group, selected, records, patient)


def foremost(forecasts: Iterable[VaccineGroupForecast], on: date) -> VaccineGroupForecast | None:
    """Of several forecasts of one vaccine group, the one to act upon; the specification leaves them side by side."""
    return min(
        forecasts,
        key=lambda f: (
            f.series_status in {SeriesStatus.AGED_OUT, SeriesStatus.NOT_RECOMMENDED},
            f.starts_on is not None and f.starts_on > on,
            f.series_status is not SeriesStatus.NOT_COMPLETE,
            f.earliest_on or date.max,
            f.series_type is not SeriesType.RISK,
        ),
        default=None,
    )


def _select(
    antigen: Antigen,
    patient: Patient,
    supporting: SupportingData,
    records: Mapping[str, Sequence[DoseAdministered]],
) -> Selection:
    """4.4, then chapter 8."""
    relevant = relevant_series(antigen, patient)
    if relevant and antigen.name not in records:
        relevant = with_a_chance(relevant)
    return _walk(antigen, relevant, patient, supporting, records) if relevant else NOTHING_SELECTED


def _walk(
    antigen: Antigen,
    relevant: Sequence[AntigenSeries],
    patient: Patient,
    supporting: SupportingData,
    records: Mapping[str, Sequence[DoseAdministered]],
) -> Selection:
    of_antigen = records.get(antigen.name, NO_RECORDS)
    findings = find(antigen, patient)
    done: list[PatientSeries] = []
    complete_groups: set[str] = set()
    for series in relevant:
        patient_series = PatientSeries(series, of_antigen, patient.assessed)
        evaluate_history(patient_series, patient, supporting, complete_groups)
        forecast_series(patient_series, patient, supporting, findings, complete_groups)
        if patient_series.status is SeriesStatus.COMPLETE:
            complete_groups.add(series.group)
        done.append(patient_series)
    selection = select_best(done, patient)
    number_after_standard(selection)
    for patient_series in (*selection.best, *selection.set_aside):
        generate_dates(patient_series, patient, findings)
    return selection


def _vaccine_group(
    group: VaccineGroup,
    selected: Sequence[Selection],
    records: Mapping[str, Sequence[DoseAdministered]],
    patient: Patient,
) -> Sequence[VaccineGroupForecast]:
    """FORECASTVG-1: only best patient series of one series group are blended."""
    by_series_group: dict[str, list[SeriesForecast]] = {}
    for selection in selected:
        for patient_series in selection.best:
            by_series_group.setdefault(patient_series.series.group, []).append(series_forecast(patient_series, patient))
    set_aside = [series_forecast(p, patient) for selection in selected for p in selection.set_aside]
    given_on: set[date] = set()
    if len(group.antigens) > 1:
        given_on = {d.dose.administered_on for antigen in group.antigens for d in records.get(antigen.name, ())}
    return [vaccine_group_forecast(group, f, set_aside, given_on) for _, f in sorted(by_series_group.items())]


def series_forecast(patient_series: PatientSeries, patient: Patient) -> SeriesForecast:
    series, target = patient_series.series, patient_series.target
    if patient_series.status is not SeriesStatus.NOT_COMPLETE or target is None:
        return SeriesForecast(
            antigen=series.antigen,
            series=series.name,
            series_type=series.kind,
            series_group=series.group,
            status=patient_series.status,
            evaluations=_evaluations(patient_series),
            trail=tuple(patient_series.trail),
        )
    starts = series.minimum_age_to_start
    return SeriesForecast(
        antigen=series.antigen,
        series=series.name,
        series_type=series.kind,
        series_group=series.group,
        status=patient_series.status,
        dose_number=patient_series.dose_number,
        earliest_on=_date(patient_series.earliest),
        recommended_on=_date(patient_series.recommended),
        past_due_on=_date(patient_series.past_due),
        latest_on=_date(patient_series.latest),
        starts_on=None if starts is None else date.fromordinal(patient.ages[starts]),
        unadjusted_recommended_on=_date(patient_series.unadjusted_recommended),
        unadjusted_past_due_on=_date(patient_series.unadjusted_past_due),
        recommended_vaccines=patient_series.vaccines,
        priority=bool(target.intervals) and all(i.priority for i in target.intervals),
        shared_decision=series.shared_decision is not None and _is_shared_decision(series, patient),
        guidance=_guidance(series, patient) if series.indications else series.guidance,
        evaluations=_evaluations(patient_series),
        trail=tuple(patient_series.trail),
    )


def _evaluations(patient_series: PatientSeries) -> tuple[DoseEvaluation, ...]:
    return tuple(
        [
            DoseEvaluation(e.dose.position, e.status, tuple(e.reasons), None if e.target is None else e.target.number)
            for e in patient_series.evaluations
        ]
    )


def _is_shared_decision(series: AntigenSeries, patient: Patient) -> bool:
    shared = series.shared_decision
    return shared is not None and patient.is_aged(shared.begin_age, shared.end_age, patient.assessed)


def _guidance(series: AntigenSeries, patient: Patient) -> str:
    """FORECASTGUIDANCE-1."""
    texts = [series.guidance, *(i.guidance for i in series.indications if applies(i, patient))]
    return "\n".join(dict.fromkeys(filter(None, texts)))


def _date(day: int | None) -> date | None:
    return None if day is None else date.fromordinal(day)
