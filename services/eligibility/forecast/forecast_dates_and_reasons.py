"""7 Forecast dates and reasons: does the patient need another dose in this series, and when?"""

from collections.abc import Collection, Mapping

from services.eligibility.forecast.dates import add
from services.eligibility.forecast.determine_contraindications import PatientFindings
from services.eligibility.forecast.evaluate_conditional_skip import SkipContext, can_be_skipped
from services.eligibility.forecast.evaluate_vaccine_dose_administered import age_in_force, in_force
from services.eligibility.forecast.gather_necessary_data import Patient
from services.eligibility.forecast.model import SeriesStatus, Step
from services.eligibility.forecast.patient_series import PatientSeries, reference_date
from services.eligibility.forecast.schedule import SeriesDose, SupportingData, VaccineConflict


def forecast_series(
    patient_series: PatientSeries,
    patient: Patient,
    supporting: SupportingData,
    findings: PatientFindings,
    complete_groups: Collection[str],
) -> None:
    """Figure 7-1: a target dose that would be skipped today, or at its own earliest date, gives way to the next."""
    seen = len(patient_series.records)
    today = SkipContext(patient, patient_series, patient.assessed, patient.doses, seen, complete_groups)
    while True:
        while (target := patient_series.target) and can_be_skipped(target.forecast_skips, today):
            patient_series.skip_target("Table 6-11: skipped when forecasting", patient.assessed)
        earliest = _candidate_earliest(patient_series, target, patient, supporting) if target else None
        status, rule = _need(patient_series, target, patient, findings, earliest)
        if status is not SeriesStatus.NOT_COMPLETE or target is None:
            patient_series.status = status
            patient_series.trail.append(Step(rule, patient.assessed))
            return
        if not target.forecast_skips or earliest is None:
            break
        then = SkipContext(patient, patient_series, earliest, patient.doses, seen, complete_groups)
        if not can_be_skipped(target.forecast_skips, then):
            break
        patient_series.skip_target("7.6.1: would be skipped at its earliest date", earliest)
    patient_series.status = status
    patient_series.trail.append(Step(rule, patient.assessed, target.number))
    _generate_dates(patient_series, target, patient, earliest, findings)


def _need(
    patient_series: PatientSeries,
    target: SeriesDose | None,
    patient: Patient,
    findings: PatientFindings,
    earliest: int | None,
) -> tuple[SeriesStatus, str]:
    """Table 7-10, its rules from left to right."""
    if target is None and patient_series.satisfied:
        return SeriesStatus.COMPLETE, "Table 7-10: patient series is complete"
    if target is None:
        return SeriesStatus.NOT_RECOMMENDED, "Table 7-10: not recommended at this time due to past immunization history"
    if findings.immune:
        return SeriesStatus.IMMUNE, "Table 7-10: patient has evidence of immunity"
    if findings.contraindicates(patient_series.series):
        return SeriesStatus.CONTRAINDICATED, "Table 7-10: patient has a contraindication"
    if patient.assessed > target.season_end:
        return SeriesStatus.NOT_RECOMMENDED, "Table 7-10: past seasonal recommendation end date"
    age = age_in_force(target, patient.assessed)
    if age is not None and age.maximum is not None:
        maximum = patient.reaches(age.maximum)
        if patient.assessed >= maximum:
            return SeriesStatus.AGED_OUT, "Table 7-10: patient has exceeded the maximum age"
        if earliest is not None and earliest >= maximum:
            return SeriesStatus.AGED_OUT, "Table 7-10: patient is unable to finish the series prior to the maximum age"
    return SeriesStatus.NOT_COMPLETE, "Table 7-10: patient should receive another dose"


def _candidate_earliest(
    patient_series: PatientSeries, target: SeriesDose, patient: Patient, supporting: SupportingData
) -> int | None:
    """FORECASTDTCAN-1; none where CDC gives neither age nor interval nor season and no dose was given."""
    candidates = [target.season_start] if target.seasonal else []
    age = age_in_force(target, patient.assessed)
    if age is not None and age.minimum is not None:
        candidates.append(patient.reaches(age.minimum))
    for interval in in_force(target.intervals, patient.assessed):
        if interval.minimum is None:
            continue
        start = reference_date(interval, patient_series, patient.doses, patient.observations)
        if start is not None:
            candidates.append(add(start, interval.minimum))
    candidates.extend(dose.day for dose in patient_series.inadvertent)
    candidates.extend(e.dose.day for e in patient_series.evaluations if e.target is not None)
    if patient.doses and supporting.conflicts:
        candidates.extend(_conflict_end(target, patient, supporting))
    return max(candidates, default=None)


def _conflict_end(target: SeriesDose, patient: Patient, supporting: SupportingData) -> list[int]:
    """The first day on which some preferable vaccine is free of conflict with every dose given so far, if any is in one."""
    ends: list[int] = []
    for vaccine in target.preferable:
        conflicting = supporting.conflicts.get(vaccine.cvx)
        end = _latest_end(patient, conflicting) if conflicting else None
        if end is None:
            return []
        ends.append(end)
    return [min(ends)] if ends else []


def _latest_end(patient: Patient, conflicting: Mapping[str, VaccineConflict]) -> int | None:
    """The conflict end interval in full: a forecast grants no grace."""
    return max((add(d.day, conflicting[d.cvx].end) for d in patient.doses if d.cvx in conflicting), default=None)


def _generate_dates(
    patient_series: PatientSeries, target: SeriesDose, patient: Patient, earliest: int | None, findings: PatientFindings
) -> None:
    """FORECASTDT-1 to FORECASTDT-6 and FORECASTDN-1."""
    age = age_in_force(target, patient.assessed)
    from_age = age.earliest_recommended if age else None
    until_age = age.latest_recommended if age else None
    from_interval, until_interval = _recommended_intervals(patient_series, target, patient)
    unadjusted = patient.reaches(from_age) if from_age else from_interval
    past_due = patient.reaches(until_age) if until_age else until_interval
    patient_series.earliest = earliest
    patient_series.unadjusted_recommended = earliest if unadjusted is None else unadjusted
    patient_series.unadjusted_past_due = None if past_due is None else past_due - 1
    patient_series.recommended = _later(earliest, patient_series.unadjusted_recommended)
    patient_series.past_due = None if past_due is None else _later(earliest, past_due - 1)
    patient_series.latest = patient.reaches(age.maximum) - 1 if age and age.maximum else None
    patient_series.dose_number = 1 + sum(1 for t, day in patient_series.satisfied if not t.seasonal or day >= t.season_start)
    patient_series.vaccines = _recommended_vaccines(patient_series, target, patient, findings)


def _later(earliest: int | None, day: int | None) -> int | None:
    return day if earliest is None or day is None else max(earliest, day)


def _recommended_intervals(
    patient_series: PatientSeries, target: SeriesDose, patient: Patient
) -> tuple[int | None, int | None]:
    """CALCDTINT-5 and CALCDTINT-6, the latest of each."""
    earliest: list[int] = []
    latest: list[int] = []
    for interval in in_force(target.intervals, patient.assessed):
        start = reference_date(interval, patient_series, patient.doses, patient.observations)
        if start is None:
            continue
        if interval.earliest_recommended is not None:
            earliest.append(add(start, interval.earliest_recommended))
        if interval.latest_recommended is not None:
            latest.append(add(start, interval.latest_recommended))
    return max(earliest, default=None), max(latest, default=None)


def _recommended_vaccines(
    patient_series: PatientSeries, target: SeriesDose, patient: Patient, findings: PatientFindings
) -> tuple[str, ...]:
    """FORECASTRECVAC-1."""
    days = {patient_series.earliest, patient_series.recommended} - {None}
    return tuple(
        dict.fromkeys(
            v.cvx
            for v in target.preferable
            if v.recommended
            and not findings.contraindicates_vaccine(v)
            and any(patient.is_aged(v.begin_age, v.end_age, day) for day in days if day is not None)
        )
    )
