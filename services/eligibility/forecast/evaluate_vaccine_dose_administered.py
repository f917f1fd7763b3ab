"""6 Evaluate vaccine dose administered: each dose of an antigen against the target doses of a patient series."""

from collections.abc import Collection, Mapping, Sequence

from services.eligibility.forecast.dates import add
from services.eligibility.forecast.evaluate_conditional_skip import SkipContext, why_skipped
from services.eligibility.forecast.gather_necessary_data import DoseAdministered, Patient
from services.eligibility.forecast.model import EvaluationReason, EvaluationStatus
from services.eligibility.forecast.patient_series import Evaluation, PatientSeries
from services.eligibility.forecast.schedule import Age, Interval, SeriesDose, SupportingData, Vaccine

Doses = Sequence[DoseAdministered]
_INVALID = frozenset(
    {
        EvaluationReason.TOO_YOUNG,
        EvaluationReason.TOO_SOON,
        EvaluationReason.CONFLICT,
        EvaluationReason.NOT_ALLOWED,
    }
)
# Looking up a member of an enumeration costs more than what is done with it here.
_EXTRANEOUS = EvaluationStatus.EXTRANEOUS
_NOT_VALID = EvaluationStatus.NOT_VALID
_SUB_STANDARD = EvaluationStatus.SUB_STANDARD
_VALID = EvaluationStatus.VALID
_CONFLICT = EvaluationReason.CONFLICT
_GRACE_PERIOD = EvaluationReason.GRACE_PERIOD
_INADVERTENT = EvaluationReason.INADVERTENT
_LOW_VOLUME = EvaluationReason.LOW_VOLUME
_NOT_ALLOWED = EvaluationReason.NOT_ALLOWED
_SERIES_COMPLETE = EvaluationReason.SERIES_COMPLETE
_TOO_OLD = EvaluationReason.TOO_OLD
_TOO_SOON = EvaluationReason.TOO_SOON
_TOO_YOUNG = EvaluationReason.TOO_YOUNG
_RULES = {status: f"Table 6-31: {status}" for status in EvaluationStatus}


def evaluate_history(
    patient_series: PatientSeries, patient: Patient, supporting: SupportingData, complete_from: Mapping[str, int]
) -> None:
    """Figure 4-6: walk target doses and antigen administered records until either is exhausted."""
    complete_groups: Collection[str] = ()
    for seen, dose in enumerate(patient_series.records):
        if complete_from:
            complete_groups = [group for group, day in complete_from.items() if day <= dose.day]
        evaluation = _evaluate(patient_series, patient, supporting, dose, seen, complete_groups)
        patient_series.evaluations.append(evaluation)
        _follow(patient_series, evaluation)


def _follow(patient_series: PatientSeries, evaluation: Evaluation) -> None:
    day, status, target = evaluation.dose.day, evaluation.status, evaluation.target
    if target is None:
        patient_series.trail.append(("4.4 step 6b: Extraneous", day, 0))
        return
    patient_series.trail.append((_RULES[status], day, target.number))
    if status is _VALID:
        patient_series.satisfy_target(target, evaluation.dose)
        patient_series.previous = day
    elif _INADVERTENT in evaluation.reasons:
        patient_series.inadvertent.append(evaluation.dose)
    elif status is _NOT_VALID:
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
    target = patient_series.target
    if target is None:  # 4.4, step 6b
        return Evaluation(dose, _EXTRANEOUS, (_SERIES_COMPLETE,), None)
    if dose.cannot_count:
        return Evaluation(dose, _SUB_STANDARD, (dose.cannot_count,), target)
    earlier = patient.doses[: dose.order] if dose.order else ()
    if target is not None and target.evaluation_skips:
        context = SkipContext(patient, patient_series, dose.day, earlier, seen, complete_groups)
        while target is not None and (why := why_skipped(target.evaluation_skips, context)):
            patient_series.skip_target(why, dose.day)
            target = patient_series.target
    if target is None:
        return Evaluation(dose, _EXTRANEOUS, (_SERIES_COMPLETE,), None)
    if dose.cvx in target.inadvertent:  # Table 6-13
        return Evaluation(dose, _NOT_VALID, (_INADVERTENT,), target)
    reasons: list[EvaluationReason] = []
    _age(reasons, target, patient, dose.day)
    if target.intervals:
        _interval(reasons, target, patient_series, patient, earlier, dose.day)
    if earlier and dose.cvx in supporting.conflicts:
        _conflict(reasons, patient_series, supporting, earlier, dose)
    _vaccine(reasons, target, patient, dose)
    return Evaluation(dose, _satisfy_target_dose(reasons), reasons, target)


def _satisfy_target_dose(reasons: Sequence[EvaluationReason]) -> EvaluationStatus:
    """Table 6-31: being too old makes the dose extraneous, whatever else is wrong with it."""
    if not reasons:
        return _VALID
    if _TOO_OLD in reasons:
        return _EXTRANEOUS
    return _VALID if _INVALID.isdisjoint(reasons) else _NOT_VALID


def age_in_force(target: SeriesDose, day: int) -> Age | None:
    if not target.is_dated:
        return target.ages[0] if target.ages else None
    return next((a for a in target.ages if a.validity.effective <= day <= a.validity.cessation), None)


def intervals_in_force(target: SeriesDose, day: int) -> Sequence[Interval]:
    if not target.is_dated:
        return target.intervals
    return [i for i in target.intervals if i.validity.effective <= day <= i.validity.cessation]


def _age(reasons: list[EvaluationReason], target: SeriesDose, patient: Patient, day: int) -> None:
    """Table 6-15."""
    age = age_in_force(target, day)
    if age is None:
        return
    if age.absolute_minimum is not None and day < patient.ages[age.absolute_minimum]:
        reasons.append(_TOO_YOUNG)
    elif age.minimum is not None and day < patient.ages[age.minimum]:
        reasons.append(_GRACE_PERIOD)
    elif age.maximum is not None and day >= patient.ages[age.maximum]:
        reasons.append(_TOO_OLD)


def _interval(
    reasons: list[EvaluationReason],
    target: SeriesDose,
    patient_series: PatientSeries,
    patient: Patient,
    earlier: Doses,
    day: int,
) -> None:
    """Table 6-18 for every preferable interval, else Table 6-21 for every allowable one."""
    is_grace = too_soon = False
    for interval in intervals_in_force(target, day):
        start = patient_series.reference_date(interval, earlier, patient.observations)
        if start is None:
            continue
        if interval.absolute_minimum is not None and day < add(start, interval.absolute_minimum):
            too_soon = True
        elif interval.minimum is not None and day < add(start, interval.minimum):
            is_grace = True
    if too_soon and not _is_allowable(target, patient_series, patient, earlier, day):
        reasons.append(_TOO_SOON)
    elif is_grace and not too_soon:
        reasons.append(_GRACE_PERIOD)


def _is_allowable(
    target: SeriesDose, patient_series: PatientSeries, patient: Patient, earlier: Doses, day: int
) -> bool:
    """Table 6-21."""
    allowable = [i for i in target.allowable_intervals if i.validity.effective <= day <= i.validity.cessation]
    for interval in allowable:
        start = patient_series.reference_date(interval, earlier, patient.observations)
        if start is not None and interval.absolute_minimum is not None and day < add(start, interval.absolute_minimum):
            return False
    return bool(allowable)


def _conflict(
    reasons: list[EvaluationReason],
    patient_series: PatientSeries,
    supporting: SupportingData,
    earlier: Doses,
    dose: DoseAdministered,
) -> None:
    """CONFLICT-3 with CALCDTCONFLICT-1 and CALCDTCONFLICT-2."""
    conflicting = supporting.conflicts[dose.cvx]
    for previous in earlier:
        conflict = conflicting.get(previous.cvx)
        if conflict is None or dose.day < add(previous.day, conflict.begin):
            continue
        status = patient_series.status_of(previous)
        end = conflict.minimum_end if status is None or status is _VALID else conflict.end
        if dose.day < add(previous.day, end):
            reasons.append(_CONFLICT)
            return


def _vaccine(reasons: list[EvaluationReason], target: SeriesDose, patient: Patient, dose: DoseAdministered) -> None:
    """Table 6-26 (preferable vaccine), then Table 6-29 (allowable vaccine)."""
    for vaccine in target.preferable_by_cvx.get(dose.cvx, ()):
        if patient.is_aged(vaccine.begin_age, vaccine.end_age, dose.day) and _is_product(vaccine, dose):
            volume = dose.dose.volume_ml
            if volume is not None and vaccine.volume_ml is not None and volume < vaccine.volume_ml:
                reasons.append(_LOW_VOLUME)
            return
    for vaccine in target.allowable_by_cvx.get(dose.cvx, ()):
        if patient.is_aged(vaccine.begin_age, vaccine.end_age, dose.day):
            return
    reasons.append(_NOT_ALLOWED)


def _is_product(vaccine: Vaccine, dose: DoseAdministered) -> bool:
    """Registries seldom carry the trade name: CVX with MVX names the product as well."""
    if not vaccine.trade_name:
        return True
    return dose.dose.trade_name.casefold() == vaccine.trade_name or (bool(vaccine.mvx) and dose.dose.mvx == vaccine.mvx)
