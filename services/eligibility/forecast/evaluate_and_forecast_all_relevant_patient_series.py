"""4.4 Evaluate and forecast all relevant patient series, then chapters 8 and 9, for one vaccine group."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from services.eligibility.forecast.create_relevant_patient_series import (
    applies,
    indicated_from,
    is_indicated,
    relevant_series,
    with_a_chance,
)
from services.eligibility.forecast.determine_contraindications import NOTHING_FOUND, PatientFindings, find
from services.eligibility.forecast.evaluate_vaccine_dose_administered import evaluate_history
from services.eligibility.forecast.forecast_dates_and_reasons import forecast_series, generate_dates
from services.eligibility.forecast.gather_necessary_data import DoseAdministered, Patient
from services.eligibility.forecast.identify_and_evaluate_vaccine_group import single_antigen, vaccine_group_forecast
from services.eligibility.forecast.model import DoseEvaluation, SeriesForecast, SeriesStatus, VaccineGroupForecast
from services.eligibility.forecast.organize_immunization_history import NO_RECORDS
from services.eligibility.forecast.patient_series import PatientSeries
from services.eligibility.forecast.schedule import Antigen, AntigenSeries, SeriesType, SupportingData, VaccineGroup
from services.eligibility.forecast.select_best_patient_series import (
    Selection,
    can_do_without_default,
    number_after_standard,
    select_best,
)
from services.eligibility.forecast.twin_antigens import told_by, twins_of

Records = Mapping[str, Sequence[DoseAdministered]]
# Looking up a member of an enumeration costs more than what is done with it here.
_COMPLETE = SeriesStatus.COMPLETE
_CONTRAINDICATED = SeriesStatus.CONTRAINDICATED
_NOT_COMPLETE = SeriesStatus.NOT_COMPLETE
_RISK = SeriesType.RISK
NOTHING_SELECTED = Selection([], [])


class Chosen(NamedTuple):
    """The forecasts of an antigen's best patient series, and of those that another made redundant."""

    best: list[SeriesForecast]
    set_aside: list[SeriesForecast]


def forecast_group(
    group: VaccineGroup, patient: Patient, supporting: SupportingData, records: Records
) -> list[VaccineGroupForecast]:
    twins = twins_of(group) if len(group.antigens) > 1 and group.observations.isdisjoint(patient.observations) else {}
    chosen: dict[str, Chosen] = {}
    for antigen in group.antigens:
        name, twin = antigen.name, twins.get(antigen.name)
        if twin and twin.differing.isdisjoint(patient.vaccine_types) and records.get(name) == records.get(twin.antigen):
            chosen[name] = Chosen(*(told_by(twin, forecasts) for forecasts in chosen[twin.antigen]))
        else:
            chosen[name] = _chosen(select(antigen, patient, supporting, records), patient)
    return _vaccine_group(group, chosen.values(), records)


def select(antigen: Antigen, patient: Patient, supporting: SupportingData, records: Records) -> Selection:
    """4.4, then chapter 8."""
    relevant = relevant_series(antigen, patient)
    if not relevant:
        return NOTHING_SELECTED
    hopeful, waiting = with_a_chance(relevant, records.get(antigen.name, NO_RECORDS), patient)
    return walk(antigen, hopeful, waiting, patient, supporting, records)


def walk(
    antigen: Antigen,
    hopeful: Sequence[AntigenSeries],
    waiting: AntigenSeries | None,
    patient: Patient,
    supporting: SupportingData,
    records: Records,
) -> Selection:
    """`waiting` is walked if chapter 8 can't do without it."""
    of_antigen = records.get(antigen.name, NO_RECORDS)
    findings = find(antigen, patient)
    complete_from: dict[str, int] = {}

    def walked(series: AntigenSeries) -> PatientSeries:
        patient_series = PatientSeries(series, of_antigen, patient.assessed, findings)
        if series.kind is _RISK and not is_indicated(series, patient):
            patient_series.indicated_from = indicated_from(series, patient)
        if of_antigen:
            evaluate_history(patient_series, patient, supporting, complete_from)
        forecast_series(patient_series, patient, supporting, complete_from.keys())
        if patient_series.status is _COMPLETE:
            since = patient_series.complete_from
            complete_from[series.group] = min(since, complete_from.get(series.group, since))
        return patient_series

    done = [walked(series) for series in hopeful]
    if waiting and not can_do_without_default([p for p in done if p.series.group == waiting.group], patient):
        done.insert(0, walked(waiting))  # first in its group, as CDC has it
    selection = select_best(done, patient)
    if len(done) > 1:
        number_after_standard(selection)
    for patient_series in (*selection.best, *selection.set_aside):
        generate_dates(patient_series, patient)
    return selection


def _chosen(selection: Selection, patient: Patient) -> Chosen:
    return Chosen(
        [series_forecast(patient_series, patient) for patient_series in selection.best],
        [series_forecast(patient_series, patient) for patient_series in selection.set_aside]
        if selection.set_aside
        else [],
    )


def _vaccine_group(group: VaccineGroup, chosen: Collection[Chosen], records: Records) -> list[VaccineGroupForecast]:
    """FORECASTVG-1: only best patient series of one series group are blended."""
    best = [forecast for choice in chosen for forecast in choice.best]
    set_aside = [forecast for choice in chosen for forecast in choice.set_aside]
    if len(best) == 1:
        return [single_antigen(group, best[0], set_aside)]
    by_series_group: dict[str, list[SeriesForecast]] = {}
    for forecast in best:
        by_series_group.setdefault(forecast.series_group, []).append(forecast)
    given_on: set[date] = set()
    if len(group.antigens) > 1:
        given_on = {d.dose.administered_on for antigen in group.antigens for d in records.get(antigen.name, ())}
    return [vaccine_group_forecast(group, f, set_aside, given_on) for _, f in sorted(by_series_group.items())]


def series_forecast(patient_series: PatientSeries, patient: Patient) -> SeriesForecast:
    series, target = patient_series.series, patient_series.target
    if patient_series.status is not _NOT_COMPLETE or target is None:
        is_contraindicated = patient_series.status is _CONTRAINDICATED
        return SeriesForecast(
            antigen=series.antigen,
            series=series.name,
            series_type=series.kind,
            series_group=series.group,
            status=patient_series.status,
            guidance="\n".join(patient_series.findings.guidance()) if is_contraindicated else "",
            contraindications=patient_series.findings.texts() if is_contraindicated else (),
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
        guidance=_guidance(series, patient, patient_series.findings),
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


def _guidance(series: AntigenSeries, patient: Patient, findings: PatientFindings) -> str:
    """FORECASTGUIDANCE-1."""
    if not series.indications and findings is NOTHING_FOUND:
        return series.guidance
    indicated = (i.guidance for i in series.indications if applies(i, patient))
    texts = [series.guidance, *indicated, *findings.guidance()]
    return "\n".join(dict.fromkeys(filter(None, texts)))


def _date(day: int | None) -> date | None:
    return None if day is None else date.fromordinal(day)
