"""4.4 Evaluate and forecast all relevant patient series, then chapters 8 and 9, for one vaccine group."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from services.eligibility.forecast.create_relevant_patient_series import (
    applies,
    indicated_from,
    is_indicated,
    relevant_series,
    with_a_chance,
)
from services.eligibility.forecast.determine_contraindications import find
from services.eligibility.forecast.evaluate_vaccine_dose_administered import evaluate_history
from services.eligibility.forecast.forecast_dates_and_reasons import forecast_series, generate_dates
from services.eligibility.forecast.gather_necessary_data import DoseAdministered, Patient
from services.eligibility.forecast.identify_and_evaluate_vaccine_group import vaccine_group_forecast
from services.eligibility.forecast.model import DoseEvaluation, SeriesForecast, SeriesStatus, VaccineGroupForecast
from services.eligibility.forecast.organize_immunization_history import NO_RECORDS
from services.eligibility.forecast.patient_series import PatientSeries
from services.eligibility.forecast.schedule import Antigen, AntigenSeries, SeriesType, SupportingData, VaccineGroup
from services.eligibility.forecast.select_best_patient_series import Selection, number_after_standard, select_best

Records = Mapping[str, Sequence[DoseAdministered]]
NOTHING_SELECTED = Selection([], [])


class GroupAnswer(NamedTuple):
    """`looked_ahead`: some series was decided by a date to come, not by the assessment date alone."""

    forecasts: Sequence[VaccineGroupForecast]
    looked_ahead: bool


def forecast_group(group: VaccineGroup, patient: Patient, supporting: SupportingData, records: Records) -> GroupAnswer:
    selected, looked_ahead = [], False
    for antigen in group.antigens:
        selection = _select(antigen, patient, supporting, records)
        looked_ahead = looked_ahead or selection.looked_ahead
        selected.append(selection)
    return GroupAnswer(_vaccine_group(group, selected, records, patient), looked_ahead)


def _select(
    antigen: Antigen,
    patient: Patient,
    supporting: SupportingData,
    records: Records,
) -> Selection:
    """4.4, then chapter 8."""
    relevant = relevant_series(antigen, patient)
    if not relevant:
        return NOTHING_SELECTED
    relevant = with_a_chance(relevant, records.get(antigen.name, NO_RECORDS), patient)
    return _walk(antigen, relevant, patient, supporting, records)


def _walk(
    antigen: Antigen,
    relevant: Sequence[AntigenSeries],
    patient: Patient,
    supporting: SupportingData,
    records: Records,
) -> Selection:
    of_antigen = records.get(antigen.name, NO_RECORDS)
    findings = find(antigen, patient)
    done: list[PatientSeries] = []
    looked_ahead = False
    complete_groups: set[str] = set()
    for series in relevant:
        patient_series = PatientSeries(series, of_antigen, patient.assessed)
        if series.kind is SeriesType.RISK and not is_indicated(series, patient):
            patient_series.indicated_from = indicated_from(series, patient)
        evaluate_history(patient_series, patient, supporting, complete_groups)
        forecast_series(patient_series, patient, supporting, findings, complete_groups)
        if patient_series.status is SeriesStatus.COMPLETE:
            complete_groups.add(series.group)
        looked_ahead = looked_ahead or patient_series.looked_ahead
        done.append(patient_series)
    best, set_aside, _ = select_best(done, patient)
    selection = Selection(best, set_aside, looked_ahead)
    number_after_standard(selection)
    for patient_series in (*selection.best, *selection.set_aside):
        generate_dates(patient_series, patient, findings)
    return selection


def _vaccine_group(
    group: VaccineGroup,
    selected: Sequence[Selection],
    records: Records,
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
