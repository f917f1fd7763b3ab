"""6.2, 7.1 and 7.6.1 Evaluate conditional skip: can the target dose be skipped as of the reference date?"""

from collections.abc import Callable, Collection, Sequence

from services.eligibility.forecast.dates import DISTANT_FUTURE, DISTANT_PAST, add
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
    return any(_is_met(skip, context) for skip in skips)


def _is_met(skip: ConditionalSkip, context: SkipContext) -> bool:
    combine = all if skip.every_set else any
    return combine(_set_is_met(s, context) for s in skip.sets)


def _set_is_met(skip_set: SkipSet, context: SkipContext) -> bool:
    """Table 6-10, for a set in force on the reference date."""
    validity = skip_set.validity
    if not validity.effective <= context.reference <= validity.cessation:
        return False
    combine = all if skip_set.every_condition else any
    return combine(_CONDITIONS[c.kind](c, context) for c in skip_set.conditions)


def _age(condition: Condition, context: SkipContext) -> bool:
    """Table 6-6 with CALCDTSKIP-3 and CALCDTSKIP-4."""
    return context.patient.is_aged(condition.begin_age, condition.end_age, context.reference)


def _completed_series(condition: Condition, context: SkipContext) -> bool:
    """Table 6-7."""
    return any(group in context.complete_groups for group in condition.series_groups)


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
    patient = context.patient
    begins = DISTANT_PAST if condition.begin_age is None else patient.reaches(condition.begin_age)
    ends = DISTANT_FUTURE if condition.end_age is None else patient.reaches(condition.end_age)
    begins, ends, types = max(begins, condition.start), min(ends, condition.end), condition.vaccine_types
    if condition.only_valid:
        valid = EvaluationStatus.VALID
        return sum(
            1
            for e in context.patient_series.evaluations
            if e.status is valid and begins <= e.dose.day < ends and (not types or e.dose.cvx in types)
        )
    if types:
        return sum(1 for d in context.earlier if d.cvx in types and begins <= d.day < ends)
    return sum(1 for d in context.patient_series.records[: context.records_seen] if begins <= d.day < ends)


_CONDITIONS: dict[ConditionType, Callable[[Condition, SkipContext], bool]] = {
    ConditionType.AGE: _age,
    ConditionType.COMPLETED_SERIES: _completed_series,
    ConditionType.INTERVAL: _interval,
    ConditionType.VACCINE_COUNT: _vaccine_count,
}
