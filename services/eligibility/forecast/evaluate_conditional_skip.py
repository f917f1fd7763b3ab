"""6.2, 7.1 and 7.6.1 Evaluate conditional skip: can the target dose be skipped as of the reference date?"""

from collections.abc import Collection, Sequence

from services.eligibility.forecast.dates import add
from services.eligibility.forecast.gather_necessary_data import DoseAdministered, Patient
from services.eligibility.forecast.model import EvaluationStatus
from services.eligibility.forecast.patient_series import PatientSeries
from services.eligibility.forecast.schedule import Condition, ConditionalSkip, ConditionType, SkipSet


class SkipContext:
    """What the conditions look at: the doses given so far and the conditional skip reference date (CONDSKIP-2)."""

    __slots__ = ("complete_groups", "earlier", "patient", "patient_series", "records_seen", "reference")

    def __init__(
        self,
        patient: Patient,
        patient_series: PatientSeries,
        reference: int,
        earlier: Sequence[DoseAdministered],
        records_seen: int,
        complete_groups: Collection[str],
    ) -> None:
        self.patient = patient
        self.patient_series = patient_series
        self.reference = reference
        self.earlier = earlier
        self.records_seen = records_seen
        self.complete_groups = complete_groups


def can_be_skipped(skips: Sequence[ConditionalSkip], context: SkipContext) -> bool:
    """Table 6-11; each Conditional Skip of the target dose stands alone."""
    for skip in skips:
        met = [_set_is_met(s, context) for s in skip.sets]
        if all(met) if skip.every_set else any(met):
            return True
    return False


def _set_is_met(skip_set: SkipSet, context: SkipContext) -> bool:
    """Table 6-10, for a set in force on the reference date."""
    validity = skip_set.validity
    if not validity.effective <= context.reference <= validity.cessation:
        return False
    stop_at = not skip_set.every_condition
    for condition in skip_set.conditions:
        if _is_met(condition, context) is stop_at:
            return stop_at
    return not stop_at


def _is_met(condition: Condition, context: SkipContext) -> bool:
    match condition.kind:
        case ConditionType.AGE:  # Table 6-6 with CALCDTSKIP-3 and CALCDTSKIP-4
            return context.patient.is_aged(condition.begin_age, condition.end_age, context.reference)
        case ConditionType.VACCINE_COUNT:
            return _vaccine_count(condition, context)
        case ConditionType.COMPLETED_SERIES:  # Table 6-7
            return any(group in context.complete_groups for group in condition.series_groups)
        case ConditionType.INTERVAL:
            return _interval(condition, context)


def _interval(condition: Condition, context: SkipContext) -> bool:
    """Table 6-8 with CALCDTSKIP-5."""
    if context.records_seen == 0 or condition.interval is None:
        return False
    previous = context.patient_series.records[context.records_seen - 1].day
    return context.reference >= add(previous, condition.interval)


def _vaccine_count(condition: Condition, context: SkipContext) -> bool:
    """Table 6-9."""
    count = _conditional_doses(condition, context)
    match condition.count_logic:
        case "greater than":
            return count > condition.dose_count
        case "less than":
            return count < condition.dose_count
        case _:
            return count == condition.dose_count


def _conditional_doses(condition: Condition, context: SkipContext) -> int:
    """CONDSKIP-1. Listed vaccine types are counted in the whole history: CDC lists types of other antigens too."""
    if not context.earlier:
        return 0
    begins, ends = context.patient.age_window(condition.begin_age, condition.end_age)
    begins, ends, types = max(begins, condition.start), min(ends, condition.end), condition.vaccine_types
    doses: Sequence[DoseAdministered]
    if condition.only_valid:
        valid = EvaluationStatus.VALID
        doses = [e.dose for e in context.patient_series.evaluations if e.status is valid]
    else:
        doses = context.earlier if types else context.patient_series.records[: context.records_seen]
    return len([d for d in doses if begins <= d.day < ends and (not types or d.cvx in types)])
