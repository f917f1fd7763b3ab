"""7 Forecast dates and reasons: does the patient need another dose in this series, and when?"""

from collections.abc import Collection, Mapping

from services.eligibility.forecast.dates import add
from services.eligibility.forecast.evaluate_conditional_skip import SkipContext, why_skipped
from services.eligibility.forecast.evaluate_vaccine_dose_administered import age_in_force, intervals_in_force
from services.eligibility.forecast.gather_necessary_data import Patient
from services.eligibility.forecast.model import SeriesStatus
from services.eligibility.forecast.patient_series import PatientSeries
from services.eligibility.forecast.schedule import Age, SeriesDose, SupportingData, VaccineConflict

COMPLETE = SeriesStatus.COMPLETE, "Table 7-10: patient series is complete"
PAST_HISTORY = (
    SeriesStatus.NOT_RECOMMENDED,
    "Table 7-10: not recommended at this time due to past immunization history",
)
IMMUNE = SeriesStatus.IMMUNE, "Table 7-10: patient has evidence of immunity"
CONTRAINDICATED = SeriesStatus.CONTRAINDICATED, "Table 7-10: patient has a contraindication"
PAST_SEASON = SeriesStatus.NOT_RECOMMENDED, "Table 7-10: past seasonal recommendation end date"
TOO_OLD = SeriesStatus.AGED_OUT, "Table 7-10: patient has exceeded the maximum age"
TOO_LATE = SeriesStatus.AGED_OUT, "Table 7-10: patient is unable to finish the series prior to the maximum age"
NEEDED = SeriesStatus.NOT_COMPLETE, "Table 7-10: patient should receive another dose"


def forecast_series(
    patient_series: PatientSeries,
    patient: Patient,
    supporting: SupportingData,
    complete_groups: Collection[str],
) -> None:
    """Figure 7-1: a target dose that would be skipped today, or at its own earliest date, gives way to the next."""
    seen = len(patient_series.records)
    while True:
        target = _skip_today(patient_series, patient, seen, complete_groups)
        age = age_in_force(target, patient.assessed) if target is not None else None
        need = _need(patient_series, target, age, patient)
        earliest = None
        if need is NEEDED and target is not None:
            earliest = _candidate_earliest(patient_series, target, age, patient, supporting)
            if earliest is not None and age is not None and age.maximum and earliest >= patient.ages[age.maximum]:
                need = TOO_LATE
        if need is not NEEDED or target is None:
            patient_series.status = need[0]
            patient_series.trail.append((need[1], patient.assessed, 0))
            return
        if earliest is None or not target.forecast_skips:
            break
        then = SkipContext(patient, patient_series, earliest, patient.doses, seen, complete_groups)
        if not (why := why_skipped(target.forecast_skips, then)):
            break
        patient_series.skip_target(why, earliest)
    patient_series.trail.append((NEEDED[1], patient.assessed, target.number))
    patient_series.earliest = earliest  # FORECASTDT-1
    counted = [t for t, day in patient_series.satisfied if not t.seasonal or day >= t.season_start]
    patient_series.dose_number = len(counted) + 1  # FORECASTDN-1


def _skip_today(
    patient_series: PatientSeries, patient: Patient, seen: int, complete_groups: Collection[str]
) -> SeriesDose | None:
    """7.1, with the assessment date as the reference."""
    target = patient_series.target
    if target is None or not target.forecast_skips:
        return target
    today = SkipContext(patient, patient_series, patient.assessed, patient.doses, seen, complete_groups)
    while target is not None and (why := why_skipped(target.forecast_skips, today)):
        patient_series.skip_target(why, patient.assessed)
        target = patient_series.target
    return target


def _need(
    patient_series: PatientSeries, target: SeriesDose | None, age: Age | None, patient: Patient
) -> tuple[SeriesStatus, str]:
    """Table 7-10, its rules from left to right but for the last, which needs the candidate earliest date."""
    if target is None:
        return COMPLETE if patient_series.satisfied else PAST_HISTORY
    if patient_series.findings.immune:
        return IMMUNE
    if patient_series.findings.contraindicates(patient_series.series):
        return CONTRAINDICATED
    if patient.assessed > target.season_end:
        return PAST_SEASON
    if age is not None and age.maximum is not None and patient.assessed >= patient.ages[age.maximum]:
        return TOO_OLD
    return NEEDED


def _candidate_earliest(
    patient_series: PatientSeries, target: SeriesDose, age: Age | None, patient: Patient, supporting: SupportingData
) -> int | None:
    """FORECASTDTCAN-1; none where CDC gives neither age nor interval nor season and no dose was given."""
    candidates = [target.season_start] if target.seasonal else []
    if patient_series.indicated_from is not None:
        candidates.append(patient_series.indicated_from)
    if age is not None and age.minimum is not None:
        candidates.append(patient.ages[age.minimum])
    for interval in intervals_in_force(target, patient.assessed):
        if interval.minimum is not None:
            start = patient_series.reference_date(interval, patient.doses, patient.observations)
            if start is not None:
                candidates.append(add(start, interval.minimum))
    for evaluation in reversed(patient_series.evaluations):
        if evaluation.target is not None:  # the last one, for evaluations are in the order of days
            candidates.append(evaluation.dose.day)
            break
    if patient.doses and (end := _conflict_end(target, patient, supporting)) is not None:
        candidates.append(end)
    return max(candidates) if candidates else None


def _conflict_end(target: SeriesDose, patient: Patient, supporting: SupportingData) -> int | None:
    """The first day on which some preferable vaccine is free of conflict with the doses given, if all are in one."""
    ends: list[int] = []
    for vaccine in target.preferable:
        conflicting = supporting.conflicts.get(vaccine.cvx)
        if not conflicting or (end := _latest_end(patient, conflicting)) is None:
            return None
        ends.append(end)
    return min(ends, default=None)


def _latest_end(patient: Patient, conflicting: Mapping[str, VaccineConflict]) -> int | None:
    """The conflict end interval in full: a forecast grants no grace."""
    ends = [add(d.day, conflicting[d.cvx].end) for d in patient.doses if d.cvx in conflicting]
    return max(ends) if ends else None


def generate_dates(patient_series: PatientSeries, patient: Patient) -> None:
    """FORECASTDT-2 to FORECASTDT-6; what chapter 8 does not look at is left until it has chosen the series."""
    target, earliest = patient_series.target, patient_series.earliest
    if target is None or patient_series.status is not NEEDED[0]:
        return
    recommended, past_due = _recommended_intervals(patient_series, target, patient)
    age = age_in_force(target, patient.assessed)
    if age is not None:
        if age.earliest_recommended is not None:
            recommended = patient.ages[age.earliest_recommended]
        if age.latest_recommended is not None:
            past_due = patient.ages[age.latest_recommended]
        if age.maximum is not None:
            patient_series.latest = patient.ages[age.maximum] - 1
    patient_series.unadjusted_recommended = earliest if recommended is None else recommended
    patient_series.recommended = _later(earliest, patient_series.unadjusted_recommended)
    patient_series.unadjusted_past_due = None if past_due is None else past_due - 1
    patient_series.past_due = _later(earliest, patient_series.unadjusted_past_due)
    patient_series.vaccines = _recommended_vaccines(patient_series, target, patient)


def _later(earliest: int | None, day: int | None) -> int | None:
    return day if earliest is None or day is None else max(earliest, day)


def _recommended_intervals(
    patient_series: PatientSeries, target: SeriesDose, patient: Patient
) -> tuple[int | None, int | None]:
    """CALCDTINT-5 and CALCDTINT-6, the latest of each."""
    if not target.intervals:
        return None, None
    earliest: list[int] = []
    latest: list[int] = []
    for interval in intervals_in_force(target, patient.assessed):
        start = patient_series.reference_date(interval, patient.doses, patient.observations)
        if start is None:
            continue
        if interval.earliest_recommended is not None:
            earliest.append(add(start, interval.earliest_recommended))
        if interval.latest_recommended is not None:
            latest.append(add(start, interval.latest_recommended))
    return max(earliest, default=None), max(latest, default=None)


def _recommended_vaccines(patient_series: PatientSeries, target: SeriesDose, patient: Patient) -> tuple[str, ...]:
    """FORECASTRECVAC-1."""
    findings = patient_series.findings
    days = {day for day in (patient_series.earliest, patient_series.recommended) if day is not None}
    vaccines: dict[str, None] = {}
    for vaccine in target.recommended:
        for day in days:
            if patient.is_aged(vaccine.begin_age, vaccine.end_age, day) and not findings.contraindicates_vaccine(
                vaccine
            ):
                vaccines[vaccine.cvx] = None
    return tuple(vaccines)
