"""6 Evaluate vaccine dose administered: each dose of an antigen against the target doses of a patient series."""

from collections.abc import Collection, Iterator, Sequence

from services.eligibility.forecast.dates import add
from services.eligibility.forecast.evaluate_conditional_skip import SkipContext, can_be_skipped
from services.eligibility.forecast.gather_necessary_data import DoseAdministered, Patient
from services.eligibility.forecast.model import EvaluationReason, EvaluationStatus, Step
from services.eligibility.forecast.patient_series import Evaluation, PatientSeries, reference_date
from services.eligibility.forecast.schedule import Age, Interval, SeriesDose, SupportingData, Vaccine

Reasons = Iterator[EvaluationReason]
_INVALID = frozenset(
    {
        EvaluationReason.TOO_YOUNG,
        EvaluationReason.TOO_SOON,
        EvaluationReason.CONFLICT,
        EvaluationReason.NOT_ALLOWED,
    }
)


def evaluate_history(
    patient_series: PatientSeries, patient: Patient, supporting: SupportingData, complete_groups: Collection[str]
) -> None:
    """Figure 4-6: walk target doses and antigen administered records until either is exhausted."""
    for seen, dose in enumerate(patient_series.records):
        evaluation = _evaluate(patient_series, patient, supporting, dose, seen, complete_groups)
        patient_series.evaluations.append(evaluation)
        _follow(patient_series, evaluation)


def _follow(patient_series: PatientSeries, evaluation: Evaluation) -> None:
    day, status = evaluation.dose.day, evaluation.status
    rule = f"Table 6-31: {status}" if evaluation.target else "4.4 step 6b: Extraneous"
    patient_series.trail.append(Step(rule, day, evaluation.target.number if evaluation.target else 0))
    if status is EvaluationStatus.VALID and evaluation.target:
        patient_series.satisfy_target(evaluation.target, day)
    if EvaluationReason.INADVERTENT in evaluation.reasons:
        patient_series.inadvertent.append(evaluation.dose)
    elif status in {EvaluationStatus.VALID, EvaluationStatus.NOT_VALID}:
        patient_series.previous = day


def _evaluate(
    patient_series: PatientSeries,
    patient: Patient,
    supporting: SupportingData,
    dose: DoseAdministered,
    seen: int,
    complete_groups: Collection[str],
) -> Evaluation:
    """Figure 6-1."""
    if reason := _dose_condition(dose):
        return Evaluation(dose, EvaluationStatus.SUB_STANDARD, (reason,), patient_series.target)
    earlier = patient.doses[: dose.order]
    context = SkipContext(patient, patient_series, dose.day, earlier, seen, complete_groups)
    while (target := patient_series.target) and can_be_skipped(target.evaluation_skips, context):
        patient_series.skip_target("Table 6-11: skipped when evaluating", dose.day)
    if target is None:
        return Evaluation(dose, EvaluationStatus.EXTRANEOUS, (EvaluationReason.SERIES_COMPLETE,))
    if dose.cvx in target.inadvertent:  # Table 6-13
        return Evaluation(dose, EvaluationStatus.NOT_VALID, (EvaluationReason.INADVERTENT,), target)
    return _satisfy_target_dose(
        dose,
        target,
        (
            *_age(target, patient, dose.day),
            *_interval(target, patient_series, patient, earlier, dose.day),
            *_conflict(patient_series, supporting, earlier, dose),
            *_vaccine(target, patient, dose),
        ),
    )


def _dose_condition(dose: DoseAdministered) -> EvaluationReason | None:
    """Table 6-3."""
    expires_on = dose.dose.lot_expires_on
    if expires_on is not None and dose.dose.administered_on > expires_on:
        return EvaluationReason.LOT_EXPIRED
    return EvaluationReason.SUB_STANDARD if dose.dose.sub_standard else None


def age_in_force(target: SeriesDose, day: int) -> Age | None:
    return next((a for a in target.ages if a.validity.effective <= day <= a.validity.cessation), None)


def in_force(intervals: Sequence[Interval], day: int) -> list[Interval]:
    return [i for i in intervals if i.validity.effective <= day <= i.validity.cessation]


def _age(target: SeriesDose, patient: Patient, day: int) -> Reasons:
    """Table 6-15."""
    age = age_in_force(target, day)
    if age is None:
        return
    if age.absolute_minimum is not None and day < patient.reaches(age.absolute_minimum):
        yield EvaluationReason.TOO_YOUNG
    elif age.minimum is not None and day < patient.reaches(age.minimum):
        yield EvaluationReason.GRACE_PERIOD
    elif age.maximum is not None and day >= patient.reaches(age.maximum):
        yield EvaluationReason.TOO_OLD


def _interval(
    target: SeriesDose, patient_series: PatientSeries, patient: Patient, earlier: Sequence[DoseAdministered], day: int
) -> Reasons:
    """Table 6-18 for every preferable interval, else Table 6-21 for every allowable one."""

    def too_soon(interval: Interval) -> bool:
        start = reference_date(interval, patient_series, earlier, patient.observations)
        return start is not None and interval.absolute_minimum is not None and day < add(start, interval.absolute_minimum)

    preferable = in_force(target.intervals, day)
    if not any(map(too_soon, preferable)):
        for interval in preferable:
            start = reference_date(interval, patient_series, earlier, patient.observations)
            if start is not None and interval.minimum is not None and day < add(start, interval.minimum):
                yield EvaluationReason.GRACE_PERIOD
                return
        return
    allowable = in_force(target.allowable_intervals, day)
    if not allowable or any(map(too_soon, allowable)):
        yield EvaluationReason.TOO_SOON


def _conflict(
    patient_series: PatientSeries, supporting: SupportingData, earlier: Sequence[DoseAdministered], dose: DoseAdministered
) -> Reasons:
    """CONFLICT-3 with CALCDTCONFLICT-1 and CALCDTCONFLICT-2."""
    conflicting = supporting.conflicts.get(dose.cvx)
    if not conflicting:
        return
    for previous in earlier:
        conflict = conflicting.get(previous.cvx)
        if conflict is None or dose.day < add(previous.day, conflict.begin):
            continue
        status = patient_series.status_of(previous)
        end = conflict.minimum_end if status in {None, EvaluationStatus.VALID} else conflict.end
        if dose.day < add(previous.day, end):
            yield EvaluationReason.CONFLICT
            return


def _vaccine(target: SeriesDose, patient: Patient, dose: DoseAdministered) -> Reasons:
    """Table 6-26 (preferable vaccine), then Table 6-29 (allowable vaccine)."""
    for vaccine in target.preferable_by_cvx.get(dose.cvx, ()):
        if _is_at_age(vaccine, patient, dose.day) and _is_product(vaccine, dose):
            volume = dose.dose.volume_ml
            if volume is not None and vaccine.volume_ml is not None and volume < vaccine.volume_ml:
                yield EvaluationReason.LOW_VOLUME
            return
    if not any(_is_at_age(v, patient, dose.day) for v in target.allowable_by_cvx.get(dose.cvx, ())):
        yield EvaluationReason.NOT_ALLOWED


def _is_at_age(vaccine: Vaccine, patient: Patient, day: int) -> bool:
    """CALCDTPREF-1, CALCDTPREF-2, CALCDTALLOW-1, CALCDTALLOW-2."""
    return patient.is_aged(vaccine.begin_age, vaccine.end_age, day)


def _is_product(vaccine: Vaccine, dose: DoseAdministered) -> bool:
    """Registries seldom carry the trade name: CVX with MVX names the product as well."""
    if not vaccine.trade_name:
        return True
    return dose.dose.trade_name.casefold() == vaccine.trade_name or bool(vaccine.mvx) and dose.dose.mvx == vaccine.mvx


def _satisfy_target_dose(
    dose: DoseAdministered, target: SeriesDose, reasons: tuple[EvaluationReason, ...]
) -> Evaluation:
    """Table 6-31: being too old makes the dose extraneous, whatever else is wrong with it."""
    if EvaluationReason.TOO_OLD in reasons:
        return Evaluation(dose, EvaluationStatus.EXTRANEOUS, reasons, target)
    if _INVALID.isdisjoint(reasons):
        return Evaluation(dose, EvaluationStatus.VALID, reasons, target)
    return Evaluation(dose, EvaluationStatus.NOT_VALID, reasons, target)
