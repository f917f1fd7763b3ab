"""6.2, 7.1 and 7.6.1 Evaluate conditional skip: can the target dose be skipped as of the reference date?

The conditions of a target dose are compiled once into plain functions: they are asked for every dose of every series.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import TYPE_CHECKING

from services.eligibility.forecast.dates import DISTANT_FUTURE, DISTANT_PAST, add
from services.eligibility.forecast.schedule import ALWAYS, Condition, ConditionalSkip, ConditionType, SkipSet

if TYPE_CHECKING:
    from services.eligibility.forecast.gather_necessary_data import DoseAdministered, Patient
    from services.eligibility.forecast.patient_series import PatientSeries

    Predicate = Callable[["SkipContext"], bool]

NOT_SKIPPED = ""


class SkipContext:
    """What the conditions look at: the doses given so far and the conditional skip reference date (CONDSKIP-2)."""

    __slots__ = ("ages", "complete_groups", "earlier", "patient_series", "records_seen", "reference")

    def __init__(
        self,
        patient: Patient,
        patient_series: PatientSeries,
        reference: int,
        earlier: Sequence[DoseAdministered],
        records_seen: int,
        complete_groups: Collection[str],
    ) -> None:
        self.ages = patient.ages
        self.patient_series = patient_series
        self.reference = reference
        self.earlier = earlier
        self.records_seen = records_seen
        self.complete_groups = complete_groups


def why_skipped(skips: tuple[ConditionalSkip, ...], context: SkipContext) -> str:
    """Table 6-11: CDC's description of what allows the skip, or `NOT_SKIPPED`; each Conditional Skip stands alone."""
    for is_met, description in _compiled(skips):
        if is_met(context):
            return description
    return NOT_SKIPPED


@cache
def _compiled(skips: tuple[ConditionalSkip, ...]) -> tuple[tuple[Predicate, str], ...]:
    """Sets of which any suffices, in CDC's order; sets that must all be met are joined into one."""
    alternatives: list[tuple[Predicate, str]] = []
    for skip in skips:
        sets = [(_set(s), s.description or "Conditional Skip") for s in skip.sets]
        if skip.every_set:
            sets = [(_all([is_met for is_met, _ in sets]), "; ".join(description for _, description in sets))]
        alternatives.extend(sets)
    return tuple(alternatives)


def _all(predicates: Sequence[Predicate]) -> Predicate:
    def all_met(context: SkipContext) -> bool:
        for is_met in predicates:  # noqa: SIM110 - a third of the cost of all() over a generator
            if not is_met(context):
                return False
        return True

    return all_met


def _set(skip_set: SkipSet) -> Predicate:
    """Table 6-10, for a set in force on the reference date."""
    conditions = [_CONDITIONS[c.kind](c) for c in skip_set.conditions]
    if skip_set.validity != ALWAYS:
        validity = skip_set.validity
        conditions.insert(0, lambda context: validity.effective <= context.reference <= validity.cessation)
    if len(conditions) == 1:
        return conditions[0]
    if skip_set.every_condition:
        return _all(conditions)
    return lambda context: any(is_met(context) for is_met in conditions)


def _age(condition: Condition) -> Predicate:
    """Table 6-6 with CALCDTSKIP-3 and CALCDTSKIP-4."""
    begin, end = condition.begin_age, condition.end_age
    if begin is not None and end is None:
        return lambda context: context.reference >= context.ages[begin]
    return lambda context: (
        (begin is None or context.reference >= context.ages[begin])
        and (end is None or context.reference < context.ages[end])
    )


def _completed_series(condition: Condition) -> Predicate:
    """Table 6-7."""
    groups = condition.series_groups
    return lambda context: not groups.isdisjoint(context.complete_groups)


def _interval(condition: Condition) -> Predicate:
    """Table 6-8 with CALCDTSKIP-5."""
    interval = condition.interval

    def is_met(context: SkipContext) -> bool:
        if context.records_seen == 0 or interval is None:
            return False
        previous = context.patient_series.records[context.records_seen - 1].day
        return context.reference >= add(previous, interval)

    return is_met


def _vaccine_count(condition: Condition) -> Predicate:
    """Table 6-9."""
    needed, counted = condition.dose_count, _conditional_doses(condition)
    match condition.count_logic:
        case "greater than":
            return lambda context: counted(context) > needed
        case "less than":
            return lambda context: counted(context) < needed
        case _:
            return lambda context: counted(context) == needed


def _conditional_doses(condition: Condition) -> Callable[[SkipContext], int]:
    """CONDSKIP-1. Listed vaccine types are counted in the whole history: CDC lists types of other antigens too."""
    types, only_valid = condition.vaccine_types, condition.only_valid
    begin, end = condition.begin_age, condition.end_age
    start, stop = condition.start, condition.end
    is_dated = start > DISTANT_PAST or stop < DISTANT_FUTURE

    def count(context: SkipContext) -> int:
        doses: Sequence[DoseAdministered]
        if only_valid:
            doses = context.patient_series.valid_doses
        else:
            doses = context.earlier if types else context.patient_series.records[: context.records_seen]
        if not doses:
            return 0
        begins = start if begin is None else context.ages[begin]
        ends = stop if end is None else context.ages[end]
        if is_dated:
            begins, ends = max(start, begins), min(stop, ends)
        if types:
            return len([d for d in doses if begins <= d.day < ends and d.cvx in types])
        return len([d for d in doses if begins <= d.day < ends])

    return count


_CONDITIONS: dict[ConditionType, Callable[[Condition], Predicate]] = {
    ConditionType.AGE: _age,
    ConditionType.COMPLETED_SERIES: _completed_series,
    ConditionType.INTERVAL: _interval,
    ConditionType.VACCINE_COUNT: _vaccine_count,
}
